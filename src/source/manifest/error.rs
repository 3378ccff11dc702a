//! Why a manifest is not read: the file, the place in it, and what to do.

use std::fmt;

/// A place in a text, both counted from 1; columns count characters in YAML and bytes in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Position {
    /// The place behind these bytes, its column in bytes.
    pub(super) fn behind(bytes: &[u8]) -> Position {
        let mut lines = bytes.rsplit(|octet| *octet == b'\n');
        let column = 1 + lines.next().map_or(0, <[u8]>::len);
        Position { line: 1 + lines.count(), column }
    }
}

/// Why a manifest is not read. Nothing of it is: a part of a list of peers is worse than the list before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// The file, as the caller names it.
    pub origin: String,
    /// Where in the file, where that is known.
    pub position: Option<Position>,
    /// Which item of a list, counted from 0 as `kubectl` and `jq` count.
    pub item: Option<usize>,
    /// What is wrong.
    pub cause: ParseCause,
}

/// What is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseCause {
    /// Bytes that are not text.
    #[error("not UTF-8 text")]
    NotUtf8,
    /// A text that breaks the rules of its format.
    #[error("not {format}: {message}")]
    Syntax {
        /// The format it was read as.
        format: Format,
        /// The parser's words.
        message: String,
    },
    /// Nested deeper than any endpoint object is.
    #[error("nested deeper than {limit} levels")]
    TooDeep {
        /// The limit that it exceeds.
        limit: usize,
    },
    /// Aliases that expand to far more than the text.
    #[error("its aliases expand to more than {limit} bytes: write the values out")]
    Aliases {
        /// The limit that they exceed.
        limit: usize,
    },
    /// A document or item that is not a mapping.
    #[error(
        "{found} where an object with `apiVersion` and `kind` is expected; put several objects into `kind: List`"
    )]
    NotAnObject {
        /// What stands there.
        found: &'static str,
    },
    /// No `apiVersion` or no `kind`, so nothing says what it is.
    #[error("`{field}` is missing: each object says what it is, as in `kubectl get endpointslices -o yaml`")]
    Untyped {
        /// The missing field.
        field: &'static str,
    },
    /// A field that an object or list must have in another form.
    #[error("`{field}` is not {expected}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A list among the items of a list.
    #[error("`kind: {kind}` as an item of a list: write its items into the outer list")]
    NestedList {
        /// The inner list's kind.
        kind: String,
    },
    /// An object of our kinds that does not have the shape of its kind.
    #[error("{kind}: {message}")]
    Object {
        /// Its kind.
        kind: &'static str,
        /// What does not fit.
        message: String,
    },
    /// An object without a name.
    #[error("{kind}: `metadata.name` is missing")]
    Nameless {
        /// Its kind.
        kind: &'static str,
    },
}

/// The format that a text was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A text whose first character is `{` or `[`.
    Json,
    /// Any other.
    Yaml,
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Format::Json => "JSON (as which it is read because it begins with `{` or `[`)",
            Format::Yaml => "YAML",
        })
    }
}

impl std::error::Error for ParseError {}

impl fmt::Display for ParseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.origin)?;
        if let Some(Position { line, column }) = self.position {
            write!(formatter, ":{line}:{column}")?;
        }
        if let Some(index) = self.item {
            write!(formatter, ": items[{index}]")?;
        }
        write!(formatter, ": {}", self.cause)
    }
}

/// A cause and its place, before the file and the item are known.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) position: Option<Position>,
    pub(super) cause: ParseCause,
}
