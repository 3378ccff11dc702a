//! A layer of settings, and all layers merged by the `config` crate.
//!
//! Only values of the right type get into a layer, so the crate's coercions find nothing to coerce; and values are
//! taken out of the merged tree by their kind, never by its converting accessors.

use super::error::{Error, Problem};
use super::key::{Key, Kind};
use super::origin::Origin;
use super::values::Invalid;
use ::config::{Config, ConfigError, Map, Source, Value, ValueKind};
use std::collections::{BTreeSet, HashMap};

/// A value with its origin, right in type and in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scalar {
    Text(String),
    Integer(i64),
    Boolean(bool),
    List(Vec<(String, Origin)>),
}

/// What one source says.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer {
    values: Map<String, Value>,
    /// `config` keeps an origin as text; this is the way back.
    origins: HashMap<String, Origin>,
    /// What errors put before a key: empty, or `topologies[0].` in the layer of one table of a list.
    prefix: String,
}

impl Layer {
    /// A layer that becomes the table of a list at this path.
    pub(super) fn below(path: &str) -> Layer {
        Layer { prefix: format!("{path}."), ..Layer::default() }
    }

    /// Takes the value of a setting if it is what the key wants, otherwise the errors.
    pub(super) fn insert(
        &mut self,
        key: &Key,
        path: &str,
        value: Scalar,
        origin: &Origin,
        errors: &mut Vec<Error>,
    ) {
        let found = wrong(&key.kind, &value, &format!("{}{path}", self.prefix), origin);
        if found.is_empty() {
            let value = self.value(value, origin);
            self.values.insert(path.to_owned(), value);
        }
        errors.extend(found);
    }

    /// Reads a text as the key wants it and takes it: how the environment, flags and defaults are written.
    pub(super) fn read_text(
        &mut self,
        key: &Key,
        path: &str,
        text: &str,
        origin: &Origin,
        errors: &mut Vec<Error>,
    ) {
        match scalar(&key.kind, text, origin) {
            Ok(value) => self.insert(key, path, value, origin, errors),
            Err(problem) => errors.push(Error {
                origin: origin.clone(),
                key: format!("{}{path}", self.prefix),
                value: Some(format!("{text:?}")),
                problem,
            }),
        }
    }

    /// Takes a list of tables, each made by [`Layer::table`].
    pub(super) fn insert_tables(&mut self, path: &str, tables: Vec<Value>, origin: &Origin) {
        let value = Value::new(Some(&self.note(origin)), ValueKind::Array(tables));
        self.values.insert(path.to_owned(), value);
    }

    /// Turns a layer of its own into one table of this one.
    pub(super) fn table(&mut self, table: Layer, origin: &Origin) -> Value {
        self.origins.extend(table.origins);
        Value::new(Some(&self.note(origin)), ValueKind::Table(table.values))
    }

    fn value(&mut self, value: Scalar, origin: &Origin) -> Value {
        let kind = match value {
            Scalar::Text(text) => ValueKind::String(text),
            Scalar::Integer(number) => ValueKind::I64(number),
            Scalar::Boolean(on) => ValueKind::Boolean(on),
            Scalar::List(elements) => ValueKind::Array(
                elements
                    .into_iter()
                    .map(|(text, origin)| Value::new(Some(&self.note(&origin)), ValueKind::String(text)))
                    .collect(),
            ),
        };
        Value::new(Some(&self.note(origin)), kind)
    }

    fn note(&mut self, origin: &Origin) -> String {
        let text = origin.to_string();
        self.origins.insert(text.clone(), origin.clone());
        text
    }
}

/// Reads a text by the kind of value that is wanted. Nothing is trimmed but the elements of lists.
fn scalar(kind: &Kind, text: &str, origin: &Origin) -> Result<Scalar, Problem> {
    let wrong_type = || Problem::WrongType { wanted: kind.wanted(), found: "this text" };
    match kind {
        Kind::Text(_) | Kind::Path => Ok(Scalar::Text(text.to_owned())),
        Kind::Integer(range) => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
            if !plain || (digits.len() > 1 && digits.starts_with('0')) {
                return Err(wrong_type());
            }
            let number =
                text.parse().map_err(|_| Invalid::Range { least: *range.start(), most: *range.end() })?;
            Ok(Scalar::Integer(number))
        }
        Kind::Boolean => match text {
            "true" => Ok(Scalar::Boolean(true)),
            "false" => Ok(Scalar::Boolean(false)),
            _ => Err(wrong_type()),
        },
        Kind::List { .. } | Kind::Paths => {
            let elements = text.split(',').map(|element| (element.trim().to_owned(), origin.clone()));
            Ok(Scalar::List(if text.trim().is_empty() { Vec::new() } else { elements.collect() }))
        }
    }
}

/// Everything that is wrong with a value.
fn wrong(kind: &Kind, value: &Scalar, path: &str, origin: &Origin) -> Vec<Error> {
    let error = |origin: &Origin, value: String, invalid: Invalid| Error {
        origin: origin.clone(),
        key: path.to_owned(),
        value: Some(value),
        problem: Problem::Invalid(invalid),
    };
    match (kind, value) {
        (Kind::Text(check), Scalar::Text(text)) => {
            check(text).err().map(|invalid| error(origin, format!("{text:?}"), invalid)).into_iter().collect()
        }
        (Kind::Path, Scalar::Text(text)) if text.is_empty() => {
            vec![error(origin, format!("{text:?}"), Invalid::Empty)]
        }
        (Kind::Integer(range), Scalar::Integer(number)) if !range.contains(number) => {
            let invalid = Invalid::Range { least: *range.start(), most: *range.end() };
            vec![error(origin, number.to_string(), invalid)]
        }
        (Kind::List { may_be_empty: false, .. }, Scalar::List(elements)) if elements.is_empty() => {
            vec![error(origin, "[]".to_owned(), Invalid::EmptyList)]
        }
        (Kind::List { .. } | Kind::Paths, Scalar::List(elements)) => {
            let mut seen = BTreeSet::new();
            let mut check = |text: &str| match kind {
                _ if text.is_empty() => Err(Invalid::Empty),
                _ if !seen.insert(text.to_owned()) => Err(Invalid::Twice),
                Kind::List { check, .. } => check(text),
                _ => Ok(()),
            };
            let wrong = elements.iter().filter_map(|(text, at)| Some((text, at, check(text).err()?)));
            wrong.map(|(text, at, invalid)| error(at, format!("{text:?}"), invalid)).collect()
        }
        _ => Vec::new(),
    }
}

/// All layers, merged.
#[derive(Debug)]
pub(super) struct Merged {
    root: Map<String, Value>,
    origins: HashMap<String, Origin>,
}

/// A layer as the `config` crate takes it.
#[derive(Debug, Clone)]
struct LayerSource(Map<String, Value>);

impl Source for LayerSource {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

impl Merged {
    /// Merges layers, lowest first: tables by key, everything else whole.
    pub(super) fn of(layers: impl IntoIterator<Item = Layer>) -> Result<Merged, ConfigError> {
        let mut builder = Config::builder();
        let mut origins = HashMap::new();
        for layer in layers {
            origins.extend(layer.origins);
            builder = builder.add_source(LayerSource(layer.values));
        }
        let root = builder.build()?.collect()?;
        Ok(Merged { root, origins })
    }

    /// The settings outside topologies.
    pub(super) fn root(&self) -> Section<'_> {
        Section { values: &self.root, origins: &self.origins }
    }
}

/// A table of merged settings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section<'a> {
    values: &'a Map<String, Value>,
    origins: &'a HashMap<String, Origin>,
}

impl<'a> Section<'a> {
    /// The value at a path and where it came from.
    pub(super) fn get(self, path: &str) -> Option<(Scalar, Origin)> {
        let value = self.value(path)?;
        let scalar = match &value.kind {
            ValueKind::String(text) => Scalar::Text(text.clone()),
            ValueKind::I64(number) => Scalar::Integer(*number),
            ValueKind::Boolean(on) => Scalar::Boolean(*on),
            ValueKind::Array(elements) => Scalar::List(
                elements
                    .iter()
                    .filter_map(|element| match &element.kind {
                        ValueKind::String(text) => Some((text.clone(), self.origin(element))),
                        _ => None,
                    })
                    .collect(),
            ),
            _ => return None,
        };
        Some((scalar, self.origin(value)))
    }

    /// The tables of the list at a path, each with its origin.
    pub(super) fn tables(self, path: &str) -> Vec<(Section<'a>, Origin)> {
        match self.value(path).map(|value| &value.kind) {
            Some(ValueKind::Array(elements)) => elements
                .iter()
                .filter_map(|element| Some((self.section(element)?, self.origin(element))))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The table at a path.
    pub(super) fn table(self, path: &str) -> Option<Section<'a>> {
        self.section(self.value(path)?)
    }

    /// Where the values of this table came from.
    pub(super) fn all_origins(self) -> impl Iterator<Item = (&'a str, Origin)> {
        self.values.iter().map(move |(name, value)| (name.as_str(), self.origin(value)))
    }

    fn section(self, value: &'a Value) -> Option<Section<'a>> {
        match &value.kind {
            ValueKind::Table(values) => Some(Section { values, ..self }),
            _ => None,
        }
    }

    fn value(self, path: &str) -> Option<&'a Value> {
        match path.split_once('.') {
            None => self.values.get(path),
            Some((table, rest)) => match &self.values.get(table)?.kind {
                ValueKind::Table(values) => Section { values, ..self }.value(rest),
                _ => None,
            },
        }
    }

    fn origin(self, value: &Value) -> Origin {
        value.origin().and_then(|text| self.origins.get(text)).cloned().unwrap_or_default()
    }
}
