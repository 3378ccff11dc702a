//! Why something does not parse, in one short line: what it is, and where.

use std::fmt::Write as _;

/// Most characters of what is wrong.
const WORDS_MAX: usize = 160;

/// Most octets of a path, give or take its last key.
const PATH_MAX: usize = 100;

/// Most characters of a text that is repeated: the longest annotation that is read here fits.
const QUOTED_MAX: usize = 63;

/// What is wrong with an object's octets: `endpoints[3].conditions.ready: invalid type: …`.
pub(super) fn reason(octets: &[u8], error: &serde_json::Error) -> String {
    let words = error.to_string();
    let words = words.rfind(" at line ").and_then(|end| words.get(..end)).unwrap_or(&words);
    at(octets.get(..offset(octets, error)).unwrap_or(octets), words)
}

/// What is wrong behind the first octets of an object.
pub(super) fn at(octets: &[u8], words: &str) -> String {
    let (path, words) = (path(octets), short(words, WORDS_MAX));
    if path.is_empty() { words } else { format!("{path}: {words}") }
}

/// A text of others as part of a line.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", repeated(text))
}

/// The same without quotes.
pub(super) fn repeated(text: &str) -> String {
    short(text, QUOTED_MAX)
}

/// A text on one line, cut where it is long; what would end the line or steer a terminal is escaped.
fn short(text: &str, most: usize) -> String {
    let mut line = String::new();
    for (index, character) in text.chars().enumerate() {
        if index == most {
            line.push('…');
            break;
        }
        match character {
            '"' | '\'' | '\\' => line.push(character),
            _ => line.extend(character.escape_debug()),
        }
    }
    line
}

/// How many octets had been read when the error was found, without one that cannot stand where it stands.
fn offset(octets: &[u8], error: &serde_json::Error) -> usize {
    let before = octets.split_inclusive(|octet| *octet == b'\n').take(error.line().saturating_sub(1));
    let offset = before.map(<[u8]>::len).sum::<usize>() + error.column();
    offset.saturating_sub(usize::from(error.is_syntax()))
}

/// A level of what is open where an object's octets are cut.
enum Level<'a> {
    /// In an object, at this key.
    Key(&'a [u8]),
    /// In an array, at this item.
    Index(usize),
}

/// Where in an object its first octets lead: `endpoints[3].conditions.ready`.
fn path(octets: &[u8]) -> String {
    let mut levels: Vec<Level<'_>> = Vec::new();
    let mut expects_key = false;
    let mut rest = octets;
    while let [octet, behind @ ..] = rest {
        rest = behind;
        match octet {
            b'{' => levels.push(Level::Key(&[])),
            b'[' => levels.push(Level::Index(0)),
            b'}' | b']' => drop(levels.pop()),
            b',' => {
                if let Some(Level::Index(index)) = levels.last_mut() {
                    *index += 1;
                }
            }
            b'"' => {
                let end = string_end(behind);
                if let (Some(Level::Key(key)), true) = (levels.last_mut(), expects_key) {
                    *key = behind.get(..end).unwrap_or(behind);
                }
                rest = behind.get(end + 1..).unwrap_or_default();
            }
            _ => {}
        }
        if !octet.is_ascii_whitespace() {
            expects_key = match octet {
                b'{' => true,
                b',' => matches!(levels.last(), Some(Level::Key(_))),
                _ => false,
            };
        }
    }
    let mut path = String::new();
    for level in &levels {
        if path.len() > PATH_MAX {
            break;
        }
        let _ = match level {
            Level::Key([]) => Ok(()),
            Level::Key(key) => {
                let dot = if path.is_empty() { "" } else { "." };
                write!(path, "{dot}{}", repeated(&String::from_utf8_lossy(key)))
            }
            Level::Index(index) => write!(path, "[{index}]"),
        };
    }
    path
}

/// Where a string ends whose opening quote stands before `octets`.
fn string_end(octets: &[u8]) -> usize {
    let mut escaped = false;
    let end = octets.iter().position(|octet| {
        let ends = *octet == b'"' && !escaped;
        escaped = *octet == b'\\' && !escaped;
        ends
    });
    end.unwrap_or(octets.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_object_says_where_it_is_cut() {
        for (octets, expected) in [
            ("", ""),
            ("{", ""),
            (r#"{"a""#, "a"),
            (r#"{"a": {"b\"{": [1, 2"#, "a.b\\\"{[1]"),
            (r#"{"a": [[], {"b": 1}, {"c": "d""#, "a[2].c"),
            (r#"{"a": {"b": 1}, "c": tru"#, "c"),
            (r#"{"a": {"b": 1}"#, "a"),
            ("{\"a\nb\": 1", "a\\nb"),
        ] {
            assert_eq!(path(octets.as_bytes()), expected, "{octets}");
        }
    }

    #[test]
    fn a_reason_is_short_and_says_what_and_where() {
        #[derive(Debug, serde::Deserialize)]
        struct Outer {
            #[expect(dead_code, reason = "read for the errors")]
            list: Vec<std::collections::BTreeMap<String, bool>>,
        }
        let explained = |text: &str| {
            let error = serde_json::from_str::<Outer>(text).unwrap_err();
            reason(text.as_bytes(), &error)
        };
        assert_eq!(
            explained("{\n \"list\": [{},\n {\"ready\": \"yes\"}]}"),
            "list[1].ready: invalid type: string \"yes\", expected a boolean"
        );
        assert_eq!(explained(r#"{"list": [{"ready": tru}]}"#), "list[0].ready: expected ident");
        assert_eq!(explained(r#"{"list": [{}, }"#), "list[1]: expected value");
        assert_eq!(
            explained(r#"{"list": [{"ready": [1]}]}"#),
            "list[0].ready: invalid type: sequence, expected a boolean"
        );
        assert_eq!(explained(r#"{"list": [], "list": []}"#), "list: duplicate field `list`");
        let long = explained(&format!(r#"{{"list": [{{"{0}": "{0}"}}]}}"#, "\u{1b}x".repeat(100_000)));
        assert!(long.chars().count() < 2_000, "{long}");
        assert!(!long.contains('\u{1b}'), "{long}");
    }
}
