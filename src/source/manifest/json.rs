//! JSON: one value or several on end, each kept as a piece of the text until it is known what it is.
//!
//! A piece knows where it stands, so that an error inside it is reported with its line in the file.

use super::error::{Fault, Format, ParseCause, Position};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A value, as a piece of the text it stands in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    text: &'a str,
    raw: &'a RawValue,
}

/// What an object says of itself, and its items.
#[derive(Debug, Deserialize)]
pub(super) struct Head<'a> {
    #[serde(borrow, rename = "apiVersion")]
    pub(super) api_version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) items: Option<&'a RawValue>,
}

/// All values of a text.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = Result<Piece<'_>, Fault>> {
    let values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    values.map(move |value| match value {
        Ok(raw) => Ok(Piece { text, raw }),
        Err(error) => {
            let position = Position { line: error.line(), column: error.column().max(1) };
            let cause = ParseCause::Syntax { format: Format::Json, message: words(&error) };
            Err(Fault { position: Some(position), cause })
        }
    })
}

impl<'a> Piece<'a> {
    /// Another value of the same text.
    pub(super) fn within(self, raw: &'a RawValue) -> Piece<'a> {
        Piece { text: self.text, raw }
    }

    /// Reads it as a type; the error is the words and the place in the file.
    pub(super) fn read<T: Deserialize<'a>>(self) -> Result<T, (Position, String)> {
        serde_json::from_str(self.raw.get()).map_err(|error| {
            let start = self.position();
            let column = error.column().max(1);
            let position = match error.line() {
                0 | 1 => Position { line: start.line, column: start.column + column - 1 },
                line => Position { line: start.line + line - 1, column },
            };
            (position, words(&error))
        })
    }

    /// Where it begins.
    pub(super) fn position(self) -> Position {
        let offset = (self.raw.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        Position::behind(before)
    }

    /// What stands there, where it is no object.
    pub(super) fn no_object(self) -> Option<&'static str> {
        match self.raw.get().as_bytes().first() {
            Some(b'{') => None,
            Some(b'[') => Some("an array"),
            _ => Some("a single value"),
        }
    }

    /// Whether it is `null`.
    pub(super) fn is_null(self) -> bool {
        self.raw.get() == "null"
    }
}

/// The error without the place at its end, which counts within the piece.
fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text.get(..end).unwrap_or_default().to_owned(),
        None => text,
    }
}
