//! The grammar of label selectors, token by token.

use super::selector::{Condition, LabelProblem, Requirement, SelectorError};

/// Longest value, and longest name part of a key, in characters (Kubernetes, "Labels and Selectors").
const LABEL_MAX: usize = 63;

/// Longest prefix of a key, in characters (the same).
const PREFIX_MAX: usize = 253;

/// The requirements of a selector, in the text's order.
pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, SelectorError> {
    let mut tokens = Tokens::new(text);
    let mut requirements = Vec::new();
    if tokens.next.kind == Kind::End {
        return Ok(requirements);
    }
    let mut expected = "a label key or `!`";
    loop {
        if !matches!(tokens.next.kind, Kind::Word | Kind::Not) {
            return Err(tokens.unexpected(expected));
        }
        requirements.push(requirement(&mut tokens)?);
        match tokens.next.kind {
            Kind::End => return Ok(requirements),
            Kind::Comma => drop(tokens.take()),
            _ => return Err(tokens.unexpected("`,` or the end")),
        }
        expected = "a label key or `!` after `,`";
    }
}

fn requirement(tokens: &mut Tokens<'_>) -> Result<Requirement, SelectorError> {
    let negated = tokens.next.kind == Kind::Not;
    if negated {
        tokens.take();
    }
    if tokens.next.kind != Kind::Word {
        return Err(tokens.unexpected("a label key"));
    }
    let key = tokens.take();
    check_key(key.text).map_err(|problem| SelectorError::Key {
        position: key.position,
        key: key.text.into(),
        problem,
    })?;
    let condition = if negated { Condition::NotExists } else { condition(tokens)? };
    Ok(Requirement { key: key.text.into(), condition })
}

fn condition(tokens: &mut Tokens<'_>) -> Result<Condition, SelectorError> {
    let operator = tokens.next;
    match (operator.kind, operator.text) {
        (Kind::End | Kind::Comma, _) => Ok(Condition::Exists),
        (Kind::Equal, _) => {
            tokens.take();
            Ok(Condition::In(Box::new([exact_value(tokens)?.text.into()])))
        }
        (Kind::NotEqual, _) => {
            tokens.take();
            Ok(Condition::NotIn(Box::new([exact_value(tokens)?.text.into()])))
        }
        (Kind::Greater, _) => {
            tokens.take();
            Ok(Condition::GreaterThan(number(tokens)?))
        }
        (Kind::Less, _) => {
            tokens.take();
            Ok(Condition::LessThan(number(tokens)?))
        }
        (Kind::Word, "in") => {
            tokens.take();
            Ok(Condition::In(values(tokens)?))
        }
        (Kind::Word, "notin") => {
            tokens.take();
            Ok(Condition::NotIn(values(tokens)?))
        }
        _ => Err(tokens.unexpected("an operator, `,` or the end")),
    }
}

/// The value behind `=`, `!=`, `>` or `<`; nothing before a comma or the end is the empty value.
fn exact_value<'a>(tokens: &mut Tokens<'a>) -> Result<Token<'a>, SelectorError> {
    match tokens.next.kind {
        Kind::End | Kind::Comma => Ok(Token { text: "", ..tokens.next }),
        Kind::Word => checked_value(tokens.take()),
        _ => Err(tokens.unexpected("a label value")),
    }
}

fn number(tokens: &mut Tokens<'_>) -> Result<i64, SelectorError> {
    let value = exact_value(tokens)?;
    value
        .text
        .parse()
        .map_err(|_| SelectorError::NotANumber { position: value.position, value: value.text.into() })
}

/// `(a,b)`: nothing between two signs is the empty value, as it is for Kubernetes.
fn values(tokens: &mut Tokens<'_>) -> Result<Box<[Box<str>]>, SelectorError> {
    if tokens.next.kind != Kind::Open {
        return Err(tokens.unexpected("`(`"));
    }
    tokens.take();
    let mut values = Vec::new();
    loop {
        let value = match tokens.next.kind {
            Kind::Word => checked_value(tokens.take())?.text,
            Kind::Comma | Kind::Close => "",
            _ => return Err(tokens.unexpected("a label value, `,` or `)`")),
        };
        values.push(value.into());
        match tokens.next.kind {
            Kind::Comma => tokens.take(),
            Kind::Close => break,
            _ => return Err(tokens.unexpected("`,` or `)`")),
        };
    }
    tokens.take();
    values.sort();
    values.dedup();
    Ok(values.into())
}

fn checked_value(value: Token<'_>) -> Result<Token<'_>, SelectorError> {
    match check_value(value.text) {
        Ok(()) => Ok(value),
        Err(problem) => {
            Err(SelectorError::Value { position: value.position, value: value.text.into(), problem })
        }
    }
}

fn check_key(key: &str) -> Result<(), LabelProblem> {
    let name = match key.split_once('/') {
        None => key,
        Some((_, name)) if name.contains('/') => return Err(LabelProblem::Slashes),
        Some((prefix, _)) if !is_subdomain(prefix) => return Err(LabelProblem::Prefix),
        Some((_, name)) => name,
    };
    if name.is_empty() {
        return Err(LabelProblem::EmptyName);
    }
    check_value(name)
}

fn check_value(value: &str) -> Result<(), LabelProblem> {
    let length = value.chars().count();
    if length > LABEL_MAX {
        return Err(LabelProblem::TooLong(length));
    }
    let inner = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
    let outer = |octet: Option<&u8>| octet.is_none_or(u8::is_ascii_alphanumeric);
    let octets = value.as_bytes();
    if octets.iter().copied().all(inner) && outer(octets.first()) && outer(octets.last()) {
        Ok(())
    } else {
        Err(LabelProblem::Characters)
    }
}

/// Kubernetes bounds the whole of a prefix but not its labels.
fn is_subdomain(text: &str) -> bool {
    let letter = |octet: &u8| octet.is_ascii_lowercase() || octet.is_ascii_digit();
    text.len() <= PREFIX_MAX
        && text.split('.').map(str::as_bytes).all(|label| {
            label.first().is_some_and(letter)
                && label.last().is_some_and(letter)
                && label.iter().all(|octet| letter(octet) || *octet == b'-')
        })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Equal,
    NotEqual,
    Not,
    Open,
    Close,
    Comma,
    Greater,
    Less,
    End,
}

#[derive(Debug, Clone, Copy)]
struct Token<'a> {
    kind: Kind,
    text: &'a str,
    /// In characters, from 1.
    position: usize,
}

/// The tokens of a text, one ahead.
struct Tokens<'a> {
    next: Token<'a>,
    rest: &'a str,
    /// Characters before `rest`.
    before: usize,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Tokens<'a> {
        let start = Token { kind: Kind::End, text: "", position: 1 };
        let mut tokens = Tokens { next: start, rest: text, before: 0 };
        tokens.take();
        tokens
    }

    fn take(&mut self) -> Token<'a> {
        let taken = self.next;
        let trimmed = self.rest.trim_start_matches(is_space);
        // White space is ASCII: its octets are its characters.
        self.before += self.rest.len() - trimmed.len();
        let (kind, length) = scan(trimmed);
        let (text, rest) = trimmed.split_at_checked(length).unwrap_or((trimmed, ""));
        self.next = Token { kind, text, position: self.before + 1 };
        self.before += text.chars().count();
        self.rest = rest;
        taken
    }

    fn unexpected(&self, expected: &'static str) -> SelectorError {
        let found = match self.next.kind {
            Kind::End => "the end".into(),
            _ => format!("`{}`", self.next.text).into(),
        };
        SelectorError::Unexpected { position: self.next.position, found, expected }
    }
}

/// The kind and the length in octets of the token that begins `text`; the longest sign wins.
fn scan(text: &str) -> (Kind, usize) {
    match text.as_bytes() {
        [] => (Kind::End, 0),
        [b'=', b'=', ..] => (Kind::Equal, 2),
        [b'=', ..] => (Kind::Equal, 1),
        [b'!', b'=', ..] => (Kind::NotEqual, 2),
        [b'!', ..] => (Kind::Not, 1),
        [b'(', ..] => (Kind::Open, 1),
        [b')', ..] => (Kind::Close, 1),
        [b',', ..] => (Kind::Comma, 1),
        [b'>', ..] => (Kind::Greater, 1),
        [b'<', ..] => (Kind::Less, 1),
        _ => {
            let end = text.find(|c| is_space(c) || matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<'));
            (Kind::Word, end.unwrap_or(text.len()))
        }
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}
