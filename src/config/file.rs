//! The layer of the settings file: TOML, strict in types, with line and column of everything.

use super::error::{Error, Problem};
use super::key::{self, Key, Kind, Tables};
use super::layer::{Layer, Scalar};
use super::origin::Origin;
use super::places::{Place, Places};
use super::values::Invalid;
use nix::fcntl::OFlag;
use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The settings file, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path as given. Relative paths in it are relative to its folder.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// Why a settings file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system says why.
    #[error("cannot read settings from {}: {error}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Larger than settings are.
    #[error("cannot read settings from {}: it has more than {} octets", .0.display(), File::LARGEST)]
    TooLarge(PathBuf),
    /// Not text.
    #[error("cannot read settings from {path}: line {line} is not UTF-8", path = .path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Where, counted from 1.
        line: usize,
    },
}

impl File {
    /// The most octets a settings file may have.
    pub const LARGEST: u64 = 1 << 20;

    /// Reads a settings file. Where it is a pipe, that waits for who writes it.
    pub fn read(path: &Path) -> Result<File, FileError> {
        File::read_from(path, std::fs::File::open(path))
    }

    /// Reads a settings file again, for which nobody has to wait: a pipe can be read once only, and is refused.
    pub fn read_again(path: &Path) -> Result<File, FileError> {
        // Without O_NONBLOCK, opening a pipe waits for its writer.
        let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path);
        let file = file.and_then(|file| match file.metadata()?.file_type() {
            // What is wrong with a folder is said when it is read.
            kind if kind.is_file() || kind.is_dir() => Ok(file),
            _ => Err(io::Error::other("it is not a file, and cannot be read again")),
        });
        File::read_from(path, file)
    }

    fn read_from(path: &Path, file: io::Result<std::fs::File>) -> Result<File, FileError> {
        let path = path.to_owned();
        let mut octets = Vec::new();
        let read = file.and_then(|file| file.take(File::LARGEST + 1).read_to_end(&mut octets));
        match read {
            Err(error) => Err(FileError::Unreadable { path, error }),
            Ok(count) if count as u64 > File::LARGEST => Err(FileError::TooLarge(path)),
            Ok(_) => match String::from_utf8(octets) {
                Ok(text) => Ok(File { path, text }),
                Err(error) => {
                    let good = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
                    let line = 1 + good.filter(|octet| **octet == b'\n').count();
                    Err(FileError::NotUtf8 { path, line })
                }
            },
        }
    }
}

/// Reads the file's settings. A file that is not TOML has no settings, only errors.
pub(super) fn read(file: &File, errors: &mut Vec<Error>) -> Layer {
    let path = file.path.display().to_string();
    let reader = Reader { file, path, places: Places::of(&file.text) };
    let (root, syntax) = DeTable::parse_recoverable(&file.text);
    let mut layer = Layer::default();
    if syntax.is_empty() {
        reader.table("", root.get_ref(), &mut layer, errors);
    }
    errors.extend(syntax.into_iter().map(|error| {
        let span = error.span().unwrap_or(file.text.len()..file.text.len());
        let message = error.message().lines().collect::<Vec<_>>().join("; ");
        Error {
            origin: reader.origin(span.start),
            key: String::new(),
            value: None,
            problem: Problem::Syntax(with_text(&message, &file.text, span)),
        }
    }));
    layer
}

/// What the parser says, with the text that it means: a key that stands twice, else the line of what was not expected.
fn with_text(message: &str, text: &str, span: Range<usize>) -> String {
    let found = text.get(span.clone()).filter(|_| !message.contains("expected")).map(on_one_line);
    if let Some(found) = found.filter(|found| !found.is_empty()) {
        return format!("{message} `{found}`");
    }
    let before = text.get(..span.start).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = text.get(start..).and_then(|rest| rest.lines().next()).map(on_one_line).unwrap_or_default();
    if line.is_empty() { message.to_owned() } else { format!("{message}, in `{line}`") }
}

/// A piece of the file, on one line, printable and not too long.
fn on_one_line(text: &str) -> String {
    const LONGEST: usize = 60;
    // What a terminal would obey is not shown to one.
    let plain = text.split_whitespace().collect::<Vec<_>>().join(" ").replace(char::is_control, "\u{fffd}");
    match plain.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", plain.get(..end).unwrap_or_default()),
        None => plain,
    }
}

struct Reader<'a> {
    file: &'a File,
    path: String,
    places: Places<'a>,
}

impl Reader<'_> {
    /// Reads a table outside topologies; it goes no deeper than keys do.
    fn table(&self, path: &str, table: &DeTable<'_>, layer: &mut Layer, errors: &mut Vec<Error>) {
        for (name, value) in table {
            let full = if path.is_empty() {
                name.get_ref().to_string()
            } else {
                format!("{path}.{}", name.get_ref())
            };
            // A quoted key may hold a dot, which would read as two.
            let plain = !name.get_ref().contains('.');
            if let Some(tables) = key::tables(&full).filter(|_| plain) {
                self.tables(tables, value, layer, errors);
            } else if let Some(key) = key::root(&full).filter(|_| plain) {
                self.value(key, &full, &full, value, layer, errors);
            } else if plain && key::is_table(&full) {
                match value.get_ref() {
                    DeValue::Table(table) => self.table(&full, table, layer, errors),
                    _ => errors.push(self.wrong_type(&full, value, format!("a table, [{full}]"))),
                }
            } else {
                errors.push(self.unknown(path, name.get_ref(), &full, name.span().start, value));
            }
        }
    }

    /// Reads a list of tables.
    fn tables(
        &self,
        list: &Tables,
        value: &Spanned<DeValue<'_>>,
        layer: &mut Layer,
        errors: &mut Vec<Error>,
    ) {
        let wanted = || format!("tables, each headed [[{}]]", list.path);
        let DeValue::Array(elements) = value.get_ref() else {
            errors.push(self.wrong_type(list.path, value, wanted()));
            return;
        };
        let mut tables = Vec::new();
        for (index, element) in elements.iter().enumerate() {
            let path = format!("{}[{index}]", list.path);
            let DeValue::Table(table) = element.get_ref() else {
                errors.push(self.wrong_type(&path, element, wanted()));
                continue;
            };
            let mut below = Layer::below(&path);
            for (name, value) in table {
                let full = format!("{path}.{}", name.get_ref());
                match list.key(name.get_ref()) {
                    Some(key) => self.value(key, key.path, &full, value, &mut below, errors),
                    None => errors.push(self.unknown(&path, name.get_ref(), &full, name.span().start, value)),
                }
            }
            let origin = self.origin(element.span().start);
            tables.push(layer.table(below, &origin));
        }
        layer.insert_tables(list.path, tables, &self.origin(value.span().start));
    }

    /// Takes a value if its TOML type is the key's. `path` is where it goes, `full` what errors call it.
    fn value(
        &self,
        key: &Key,
        path: &str,
        full: &str,
        value: &Spanned<DeValue<'_>>,
        layer: &mut Layer,
        errors: &mut Vec<Error>,
    ) {
        let origin = self.origin(value.span().start);
        let scalar = match (&key.kind, value.get_ref()) {
            (Kind::Text(_), DeValue::String(text)) => Scalar::Text(text.to_string()),
            (Kind::Path, DeValue::String(text)) => Scalar::Text(self.resolved(text)),
            (Kind::Boolean, DeValue::Boolean(on)) => Scalar::Boolean(*on),
            (Kind::Integer(range), DeValue::Integer(number)) => {
                let Ok(number) = i64::from_str_radix(number.as_str(), number.radix()) else {
                    let invalid = Invalid::Range { least: *range.start(), most: *range.end() };
                    errors.push(self.error(full, value, Problem::Invalid(invalid)));
                    return;
                };
                Scalar::Integer(number)
            }
            (Kind::List { .. } | Kind::Paths, DeValue::Array(elements)) => {
                let mut texts = Vec::new();
                for element in elements {
                    match element.get_ref() {
                        DeValue::String(text) => {
                            let text = if let Kind::Paths = key.kind {
                                self.resolved(text)
                            } else {
                                text.to_string()
                            };
                            texts.push((text, self.origin(element.span().start)));
                        }
                        _ => errors.push(self.wrong_type(full, element, "strings in this list".to_owned())),
                    }
                }
                if texts.len() < elements.len() {
                    return;
                }
                Scalar::List(texts)
            }
            _ => {
                errors.push(self.wrong_type(full, value, key.kind.wanted()));
                return;
            }
        };
        layer.insert(key, path, scalar, &origin, errors);
    }

    /// A path of the file: relative ones are relative to its folder.
    fn resolved(&self, text: &str) -> String {
        match self.file.path.parent() {
            Some(folder) if text != "-" && !text.is_empty() => {
                folder.join(text).to_string_lossy().into_owned()
            }
            _ => text.to_owned(),
        }
    }

    fn unknown(&self, table: &str, name: &str, full: &str, at: usize, value: &Spanned<DeValue<'_>>) -> Error {
        let written = match value.get_ref() {
            DeValue::Table(_) => None,
            _ => Some(self.written(value)),
        };
        let problem = Problem::NoSuchKey(key::meant(table, name));
        Error { origin: self.origin(at), key: full.to_owned(), value: written, problem }
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: String) -> Error {
        let found = match value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.error(key, value, Problem::WrongType { wanted, found })
    }

    fn error(&self, key: &str, value: &Spanned<DeValue<'_>>, problem: Problem) -> Error {
        let written = match value.get_ref() {
            DeValue::Table(_) => None,
            _ => Some(self.written(value)),
        };
        Error { origin: self.origin(value.span().start), key: key.to_owned(), value: written, problem }
    }

    /// The value as the file has it.
    fn written(&self, value: &Spanned<DeValue<'_>>) -> String {
        on_one_line(self.file.text.get(value.span()).unwrap_or_default())
    }

    fn origin(&self, offset: usize) -> Origin {
        let Place { line, column } = self.places.at(offset);
        Origin::File { path: self.path.clone(), line, column }
    }
}
