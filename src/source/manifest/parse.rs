//! A manifest's text into endpoint objects.

use super::error::{Fault, ParseCause, ParseError, Position};
use super::json::{self, Piece};
use super::node::{Node, Value};
use super::yaml;
use crate::roster::{EndpointObject, ObjectKey, ObjectKind};
use crate::source::convert::{EndpointSource, described};
use crate::source::notice::{Notice, Notices, Oddity};
use k8s_openapi::api::core::v1::{Endpoints, Pod};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, HashMap};

/// What a manifest holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parsed {
    /// Whether there was any document that is more than comments. None is what a failed command leaves behind a pipe.
    pub has_documents: bool,
    /// The endpoint objects in the text's order, their keys unique.
    pub objects: Vec<EndpointObject>,
    /// Objects of other kinds, which are not read: how many of each.
    pub skipped: BTreeMap<String, usize>,
    /// What was left out of objects.
    pub notices: Vec<Notice>,
}

/// Reads a manifest: a YAML stream of any number of documents, or JSON, one value or several on end. `origin` names the
/// text in errors.
///
/// A text whose first character is `{` or `[` is JSON. Each document is an object or a list (`List`, `EndpointsList`,
/// `EndpointSliceList`, `PodList`), whose items may leave out `apiVersion` and `kind` where the list's say them.
pub fn parse(origin: &str, bytes: &[u8]) -> Result<Parsed, ParseError> {
    let mut documents = Documents::default();
    let result = read(bytes, &mut documents);
    let Collector { has_documents, objects, skipped, notices, at, .. } = documents.collected;
    match result {
        Ok(()) => Ok(Parsed { has_documents, objects, skipped, notices: notices.into_vec() }),
        Err(Fault { position, cause }) => {
            Err(ParseError { origin: origin.to_owned(), position, item: at, cause })
        }
    }
}

fn read<'a>(bytes: &'a [u8], documents: &mut Documents<'a>) -> Result<(), Fault> {
    let text = text(bytes)?;
    if !text.trim_start().starts_with(['{', '[']) {
        return yaml::read(text, documents);
    }
    json::pieces(text).try_for_each(|piece| documents.collected.json_document(piece?))
}

fn text(bytes: &[u8]) -> Result<&str, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        Fault { position: Some(Position::behind(before)), cause: ParseCause::NotUtf8 }
    })?;
    // RFC 3629 6: a byte order mark at the beginning is a signature, no text.
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// What a pair of `apiVersion` and `kind` is to us.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Class {
    Object(ObjectKind),
    /// A list; of one kind, whose items need not say theirs, or of any.
    List(Option<ObjectKind>),
    Other(String),
}

impl Class {
    fn of(api_version: &str, kind: &str) -> Class {
        match (api_version, kind) {
            ("v1", "Endpoints") => Class::Object(ObjectKind::Endpoints),
            ("v1", "Pod") => Class::Object(ObjectKind::Pod),
            ("discovery.k8s.io/v1", "EndpointSlice") => Class::Object(ObjectKind::EndpointSlice),
            ("v1", "List") => Class::List(None),
            ("v1", "EndpointsList") => Class::List(Some(ObjectKind::Endpoints)),
            ("v1", "PodList") => Class::List(Some(ObjectKind::Pod)),
            ("discovery.k8s.io/v1", "EndpointSliceList") => Class::List(Some(ObjectKind::EndpointSlice)),
            // A known name in another version must not look like an oversight of ours.
            (_, "Endpoints" | "Pod" | "EndpointSlice" | "List") => {
                Class::Other(format!("{kind} ({api_version})"))
            }
            _ => Class::Other(kind.to_owned()),
        }
    }

    /// The class of something that may leave out what the list around it says.
    fn inherited(
        api_version: Option<&str>,
        kind: Option<&str>,
        list: Option<ObjectKind>,
    ) -> Result<Class, ParseCause> {
        match (api_version, kind, list) {
            (Some(api_version), Some(kind), _) => Ok(Class::of(api_version, kind)),
            (None, None, Some(inherited)) => Ok(Class::Object(inherited)),
            (_, None, _) => Err(ParseCause::Untyped { field: "kind" }),
            (None, Some(_), _) => Err(ParseCause::Untyped { field: "apiVersion" }),
        }
    }
}

/// Collects objects, each under its key.
#[derive(Default)]
struct Collector {
    has_documents: bool,
    objects: Vec<EndpointObject>,
    index: HashMap<ObjectKey, usize>,
    skipped: BTreeMap<String, usize>,
    notices: Notices,
    /// The item being read, for errors.
    at: Option<usize>,
}

impl Collector {
    /// Takes an object of a class. `read` is asked where the class is one of ours.
    fn object(
        &mut self,
        class: Class,
        position: impl Fn() -> Position,
        read: impl Decode,
    ) -> Result<(), Fault> {
        let kind = match class {
            Class::Object(kind) => kind,
            Class::List(inner) => {
                let kind = inner.map_or_else(|| "List".to_owned(), |inner| format!("{}List", inner.as_str()));
                return Err(Fault { position: Some(position()), cause: ParseCause::NestedList { kind } });
            }
            Class::Other(kind) => {
                // It goes into lines for people.
                *self.skipped.entry(kind.escape_debug().to_string()).or_default() += 1;
                return Ok(());
            }
        };
        let converted = match kind {
            ObjectKind::Endpoints => convert::<Endpoints>(read, &mut self.notices),
            ObjectKind::EndpointSlice => convert::<EndpointSlice>(read, &mut self.notices),
            ObjectKind::Pod => convert::<Pod>(read, &mut self.notices),
        };
        let object = converted.map_err(|failure| {
            let kind = kind.as_str();
            match failure {
                Some((at, message)) => {
                    Fault { position: Some(at), cause: ParseCause::Object { kind, message } }
                }
                None => Fault { position: Some(position()), cause: ParseCause::Nameless { kind } },
            }
        })?;
        self.insert(object);
        Ok(())
    }

    fn insert(&mut self, object: EndpointObject) {
        if let Some(earlier) = self.index.get(&object.key).and_then(|index| self.objects.get_mut(*index)) {
            self.notices.count(Oddity::Duplicate, || described(&object.key));
            *earlier = object;
        } else {
            self.index.insert(object.key.clone(), self.objects.len());
            self.objects.push(object);
        }
    }

    /// Takes over what another has collected.
    fn append(&mut self, other: Collector) {
        for (kind, count) in other.skipped {
            *self.skipped.entry(kind).or_default() += count;
        }
        self.notices.append(other.notices);
        other.objects.into_iter().for_each(|object| self.insert(object));
    }

    fn yaml_object(&mut self, node: &Node<'_>, list: Option<ObjectKind>) -> Result<(), Fault> {
        self.object(yaml_class(node, list)?, || node.position, node)
    }

    fn json_document(&mut self, piece: Piece<'_>) -> Result<(), Fault> {
        if piece.is_null() {
            return Ok(());
        }
        self.has_documents = true;
        let (class, items) = json_class(piece, None)?;
        let Class::List(inherited) = class else {
            return self.object(class, || piece.position(), piece);
        };
        let Some(items) = items else { return Ok(()) };
        let items: Vec<&serde_json::value::RawValue> = items.read().map_err(|(position, _)| Fault {
            position: Some(position),
            cause: ParseCause::Field { field: "items", expected: "an array" },
        })?;
        for (index, raw) in items.into_iter().enumerate() {
            self.at = Some(index);
            let item = piece.within(raw);
            let (class, _) = json_class(item, inherited)?;
            self.object(class, || item.position(), item)?;
        }
        self.at = None;
        Ok(())
    }
}

/// What a JSON value is, and its items.
fn json_class(piece: Piece<'_>, list: Option<ObjectKind>) -> Result<(Class, Option<Piece<'_>>), Fault> {
    if let Some(found) = piece.no_object() {
        return Err(Fault { position: Some(piece.position()), cause: ParseCause::NotAnObject { found } });
    }
    let head: json::Head<'_> = piece.read().map_err(|(position, message)| Fault {
        position: Some(position),
        cause: ParseCause::Object { kind: "object", message },
    })?;
    let class = Class::inherited(head.api_version.as_deref(), head.kind.as_deref(), list)
        .map_err(|cause| Fault { position: Some(piece.position()), cause })?;
    Ok((class, head.items.map(|raw| piece.within(raw)).filter(|items| !items.is_null())))
}

/// Something that Kubernetes' types can be read from. Errors are the place and the words.
trait Decode {
    fn decode<T: DeserializeOwned>(self) -> Result<T, (Position, String)>;
}

impl Decode for Piece<'_> {
    fn decode<T: DeserializeOwned>(self) -> Result<T, (Position, String)> {
        self.read()
    }
}

impl Decode for &Node<'_> {
    fn decode<T: DeserializeOwned>(self) -> Result<T, (Position, String)> {
        T::deserialize(self).map_err(|error| (error.position.unwrap_or(self.position), error.message))
    }
}

/// `None` is an object without a name.
fn convert<T: EndpointSource>(
    read: impl Decode,
    notices: &mut Notices,
) -> Result<EndpointObject, Option<(Position, String)>> {
    let decoded: T = read.decode().map_err(Some)?;
    decoded.convert(notices).map_err(|_| None)
}

/// YAML documents, their items as they come. What kind of list it is may stand behind the items, as `kubectl` sorts
/// keys: items that say their own kind are read at once, others wait for it. A document's items count when its end has
/// shown that it is a list.
#[derive(Default)]
struct Documents<'a> {
    collected: Collector,
    items: Collector,
    /// Items so far.
    count: usize,
    waiting: Vec<(usize, Node<'a>)>,
    /// The first item that cannot be read.
    failed: Option<(usize, Fault)>,
}

impl<'a> yaml::Receiver<'a> for Documents<'a> {
    fn item(&mut self, item: Node<'a>) {
        let index = self.count;
        self.count += 1;
        if self.failed.is_some() {
            return;
        }
        let untyped = item.get("kind").is_none() && item.get("apiVersion").is_none();
        if untyped && matches!(item.value, Value::Mapping(_)) {
            self.waiting.push((index, item));
        } else if let Err(fault) = self.items.yaml_object(&item, None) {
            self.failed = Some((index, fault));
        }
    }

    fn document(&mut self, root: &Node<'a>) -> Result<(), Fault> {
        let items = std::mem::take(&mut self.items);
        let waiting = std::mem::take(&mut self.waiting);
        let failed = self.failed.take();
        self.count = 0;
        self.collected.has_documents = true;
        let class = yaml_class(root, None)?;
        let Class::List(inherited) = class else {
            return self.collected.object(class, || root.position, root);
        };
        if let Some((index, fault)) = failed {
            self.collected.at = Some(index);
            return Err(fault);
        }
        self.collected.append(items);
        for (index, item) in &waiting {
            self.collected.at = Some(*index);
            self.collected.yaml_object(item, inherited)?;
        }
        // Items that were not handed on alone: an alias, or a sequence with an anchor.
        match root.get("items").map(|items| (items, &items.value)) {
            Some((_, Value::Sequence(items))) => {
                for (index, item) in items.iter().enumerate() {
                    self.collected.at = Some(index);
                    self.collected.yaml_object(item, inherited)?;
                }
            }
            Some((items, _)) if !items.is_null() => {
                let cause = ParseCause::Field { field: "items", expected: "a sequence" };
                return Err(Fault { position: Some(items.position), cause });
            }
            _ => {}
        }
        self.collected.at = None;
        Ok(())
    }
}

/// What a YAML node is.
fn yaml_class(node: &Node<'_>, list: Option<ObjectKind>) -> Result<Class, Fault> {
    let Value::Mapping(_) = node.value else {
        let cause = ParseCause::NotAnObject { found: node.what() };
        return Err(Fault { position: Some(node.position), cause });
    };
    let field = |field: &'static str| match node.get(field) {
        None => Ok(None),
        Some(value) if value.is_null() => Ok(None),
        Some(Node { value: Value::Scalar(scalar), .. }) => Ok(Some(&*scalar.text)),
        Some(other) => {
            let cause = ParseCause::Field { field, expected: "a text" };
            Err(Fault { position: Some(other.position), cause })
        }
    };
    Class::inherited(field("apiVersion")?, field("kind")?, list)
        .map_err(|cause| Fault { position: Some(node.position), cause })
}
