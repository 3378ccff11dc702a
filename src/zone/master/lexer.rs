//! The text of a master file as entries of tokens (RFC 1035 5.1): lines, joined by parentheses, without comments.
//!
//! Tokens keep their escapes: whether `\.` is a dot between labels or one within is for the reader of a name to say.

use super::error::{Cause, Position};
use std::ops::Range;

/// Most tokens of one entry: as many as the shortest that fill the longest RR.
const TOKENS_MAX: usize = 65_536;

/// A token as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// Where it begins.
    pub(super) at: Position,
    /// Its octets in the text, without the quotes around it.
    pub(super) range: Range<usize>,
    pub(super) form: Form,
}

/// How a token is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    /// Within quotes.
    Quoted,
    /// A key and a value in quotes, `key="value"` (RFC 9460 2.1).
    Pair,
}

/// The tokens of one entry, and how it begins.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) tokens: Vec<Token>,
    /// Whether it begins with white space: its owner is the one before.
    pub(super) indented: bool,
}

/// A place in a text that is read entry by entry.
#[derive(Debug)]
pub(super) struct Lexer {
    text: Vec<u8>,
    at: usize,
    line: usize,
    line_start: usize,
}

impl Lexer {
    pub(super) fn new(text: Vec<u8>) -> Lexer {
        // Some editors put a byte order mark in front of UTF-8.
        let at = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Lexer { text, at, line: 1, line_start: at }
    }

    /// The octets of a token.
    pub(super) fn octets(&self, token: &Token) -> &[u8] {
        self.text.get(token.range.clone()).unwrap_or(&[])
    }

    /// Reads the next entry that has tokens into `entry`; false at the end of the text.
    ///
    /// After an error reading goes on at the next line.
    pub(super) fn next(&mut self, entry: &mut Entry) -> Result<bool, (Position, Cause)> {
        while self.at < self.text.len() {
            let begin = (self.at, self.line, self.line_start);
            match self.entry(entry) {
                Ok(()) if entry.tokens.is_empty() => {}
                Ok(()) => return Ok(true),
                Err(error) => {
                    // What stands in an open parenthesis may be the rest of the file: the next line is tried instead.
                    if error.1 == Cause::OpenParenthesis {
                        (self.at, self.line, self.line_start) = begin;
                    }
                    self.skip_line();
                    return Err(error);
                }
            }
        }
        Ok(false)
    }

    /// One entry, up to the end of its last line.
    fn entry(&mut self, entry: &mut Entry) -> Result<(), (Position, Cause)> {
        entry.tokens.clear();
        entry.indented = matches!(self.peek(), Some(b' ' | b'\t'));
        let mut open = None;
        while let Some(octet) = self.peek() {
            match octet {
                b'\n' => {
                    self.new_line();
                    if open.is_none() {
                        return Ok(());
                    }
                }
                b';' => self.skip_comment(),
                b'(' if open.is_some() => return Err((self.position(), Cause::NestedParenthesis)),
                b'(' => {
                    open = Some(self.position());
                    self.at += 1;
                }
                b')' if open.take().is_none() => return Err((self.position(), Cause::ClosingParenthesis)),
                // A closing parenthesis that was open is white space from here on.
                b' ' | b'\t' | b'\r' | b')' => self.at += 1,
                _ if entry.tokens.len() == TOKENS_MAX => return Err((self.position(), Cause::TooLong)),
                b'"' => entry.tokens.push(self.quoted()?),
                _ => entry.tokens.push(self.plain()?),
            }
        }
        open.map_or(Ok(()), |at| Err((at, Cause::OpenParenthesis)))
    }

    fn quoted(&mut self) -> Result<Token, (Position, Cause)> {
        let at = self.position();
        let start = self.at + 1;
        self.pass_quoted()?;
        let range = start..self.at.saturating_sub(1);
        match self.peek() {
            None | Some(b' ' | b'\t' | b'\r' | b'\n' | b';' | b'(' | b')') => {}
            Some(_) => return Err((self.position(), Cause::BehindQuote)),
        }
        Ok(Token { at, range, form: Form::Quoted })
    }

    fn plain(&mut self) -> Result<Token, (Position, Cause)> {
        let (at, start) = (self.position(), self.at);
        let mut form = Form::Plain;
        while let Some(octet) = self.peek() {
            match octet {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'(' | b')' => break,
                b'\\' => self.escape()?,
                b'"' if form == Form::Plain
                    && self.text.get(self.at - 1) == Some(&b'=')
                    && self.at > start =>
                {
                    form = Form::Pair;
                    self.pass_quoted()?;
                }
                b'"' => return Err((self.position(), Cause::QuoteInside)),
                _ if form == Form::Pair => return Err((self.position(), Cause::BehindQuote)),
                _ => self.at += 1,
            }
        }
        Ok(Token { at, range: start..self.at, form })
    }

    /// From an opening quote to behind the closing one.
    fn pass_quoted(&mut self) -> Result<(), (Position, Cause)> {
        let opened = self.position();
        self.at += 1;
        loop {
            match self.peek() {
                None | Some(b'\n') => return Err((opened, Cause::OpenQuote)),
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        Ok(())
    }

    /// Passes a backslash and the octet behind it; what they mean is looked at where the token is decoded.
    fn escape(&mut self) -> Result<(), (Position, Cause)> {
        match self.text.get(self.at + 1) {
            None | Some(b'\n' | b'\r') => Err((self.position(), Cause::Escape)),
            Some(_) => {
                self.at += 2;
                Ok(())
            }
        }
    }

    fn skip_comment(&mut self) {
        while self.peek().is_some_and(|octet| octet != b'\n') {
            self.at += 1;
        }
    }

    fn skip_line(&mut self) {
        self.skip_comment();
        if self.peek().is_some() {
            self.new_line();
        }
    }

    fn new_line(&mut self) {
        self.at += 1;
        self.line += 1;
        self.line_start = self.at;
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn position(&self) -> Position {
        Position { line: self.line, column: self.at - self.line_start + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<String> {
        let mut lexer = Lexer::new(text.as_bytes().to_vec());
        let mut entry = Entry::default();
        let mut read = Vec::new();
        loop {
            match lexer.next(&mut entry) {
                Ok(false) => return read,
                Ok(true) => {
                    let tokens = entry.tokens.iter().map(|token| {
                        let text = String::from_utf8_lossy(lexer.octets(token)).into_owned();
                        let mark = match token.form {
                            Form::Plain => "",
                            Form::Quoted => "q",
                            Form::Pair => "p",
                        };
                        format!("{mark}{text}@{}:{}", token.at.line, token.at.column)
                    });
                    let indent = if entry.indented { "> " } else { "" };
                    read.push(format!("{indent}{}", tokens.collect::<Vec<_>>().join(" ")));
                }
                Err((at, cause)) => read.push(format!("{}:{}: {cause:?}", at.line, at.column)),
            }
        }
    }

    #[test]
    fn entries_are_lines_joined_by_parentheses() {
        for (text, expected) in [
            ("", &[][..]),
            ("\u{feff}a b", &["a@1:1 b@1:3"]),
            ("a\r\n\n ; only a comment\n\tb ;c\nd", &["a@1:1", "> b@4:2", "d@5:1"]),
            ("a ( b ; (\n c\n) d\ne", &["a@1:1 b@1:5 c@2:2 d@3:3", "e@4:1"]),
            ("a(b)c", &["a@1:1 b@1:3 c@1:5"]),
            ("\"a b\" \"\" \"\\\"\"", &["qa b@1:1 q@1:7 q\\\"@1:10"]),
            ("a\\ b\\;c k=\"v w\"", &["a\\ b\\;c@1:1 pk=\"v w\"@1:9"]),
            ("a (\nb\nc", &["1:3: OpenParenthesis", "b@2:1", "c@3:1"]),
            ("a ) b\nc", &["1:3: ClosingParenthesis", "c@2:1"]),
            ("a ((\nb", &["1:4: NestedParenthesis", "b@2:1"]),
            ("a \"b\nc", &["1:3: OpenQuote", "c@2:1"]),
            ("a \"b\"c\nd", &["1:6: BehindQuote", "d@2:1"]),
            ("a b\"c\"\nd", &["1:4: QuoteInside", "d@2:1"]),
            ("a\\\nb", &["1:2: Escape", "b@2:1"]),
            ("a\\", &["1:2: Escape"]),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_octets_come_to_an_end(text in prop::collection::vec(
            prop::sample::select(b"a.@$ \t\r\n;()\"\\0=\xff".as_slice()), 0..60)) {
            let lines = text.split(|octet| *octet == b'\n').count();
            let length = text.len();
            let mut lexer = Lexer::new(text);
            let mut entry = Entry::default();
            for _ in 0..=lines {
                match lexer.next(&mut entry) {
                    Ok(false) => return Ok(()),
                    Ok(true) => {
                        for token in &entry.tokens {
                            prop_assert!(token.range.start <= token.range.end && token.range.end <= length);
                            prop_assert!(token.at.line <= lines);
                        }
                    }
                    Err(_) => {}
                }
            }
            prop_assert!(false, "more entries than lines");
        }
    }
}
