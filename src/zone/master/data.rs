//! Record data from tokens, by the fields of its type or in the generic form of RFC 3597.

use super::error::{Cause, Position};
use super::fields::{self, Field};
use super::lexer::{Form, Lexer, Token};
use super::svcb::Parameters;
use super::{location, text};
use crate::wire::RecordType;
use std::net::{Ipv4Addr, Ipv6Addr};

/// What is wrong, and where.
pub(super) type Wrong = (Position, Cause);

/// The tokens of a record's data, read one by one.
pub(super) struct Data<'a> {
    pub(super) lexer: &'a Lexer,
    pub(super) tokens: &'a [Token],
    /// Where the type stands: what is missing is missing behind it.
    pub(super) at: Position,
    pub(super) origin: Option<&'a [u8]>,
    pub(super) rtype: RecordType,
}

impl<'a> Data<'a> {
    /// The data in wire form. All tokens are taken.
    pub(super) fn read(mut self) -> Result<Vec<u8>, Wrong> {
        let generic = |token: &Token| token.form == Form::Plain && self.lexer.octets(token) == b"\\#";
        if self.tokens.first().is_some_and(generic) {
            return self.generic();
        }
        // RFC 3597 5: data of a type that has no text form of its own is written in the generic one.
        let Some(fields) = fields::fields(self.rtype) else {
            return Err((
                self.at,
                Cause::Missing { rtype: self.rtype, wanted: "data in the form \\# 2 abcd (RFC 3597)" },
            ));
        };
        let mut data = Vec::new();
        for field in fields {
            self.field(*field, &mut data)?;
        }
        match self.tokens.first() {
            Some(token) => Err((token.at, Cause::Surplus(self.rtype))),
            None if data.len() > usize::from(u16::MAX) => Err((self.at, Cause::DataTooLong)),
            None => Ok(data),
        }
    }

    /// RFC 3597 5: `\#`, the number of octets, and these in hexadecimal digits.
    fn generic(&mut self) -> Result<Vec<u8>, Wrong> {
        let begin = self.take("a length")?.at;
        let length = self.take("a length")?;
        let said = text::number::<u16>(self.plain(length)?)
            .ok_or((length.at, Cause::Field("a number of octets up to 65535")))?;
        let data =
            text::hex(&self.rest()?).ok_or((length.at, Cause::Field("pairs of hexadecimal digits")))?;
        let said = usize::from(said);
        if data.len() != said {
            return Err((length.at, Cause::GenericLength { said, found: data.len() }));
        }
        if fields::is_of_type(self.rtype, &data) {
            Ok(data)
        } else {
            Err((begin, Cause::GenericData(self.rtype)))
        }
    }

    fn field(&mut self, field: Field, data: &mut Vec<u8>) -> Result<(), Wrong> {
        match field {
            Field::Name => {
                let token = self.take("a name")?;
                data.extend_from_slice(&name(self.lexer, token, self.origin)?);
            }
            Field::U8 => data.extend(self.number::<u8>("a number from 0 to 255")?.to_be_bytes()),
            Field::U16 => data.extend(self.number::<u16>("a number from 0 to 65535")?.to_be_bytes()),
            Field::U32 => data.extend(self.number::<u32>("a number from 0 to 4294967295")?.to_be_bytes()),
            Field::Time => {
                let token = self.take("a time")?;
                let time = text::time(self.plain(token)?).ok_or((token.at, Cause::Ttl))?;
                data.extend(time.to_be_bytes());
            }
            Field::Ipv4 => data.extend(self.address::<Ipv4Addr>("an IPv4 address")?.octets()),
            Field::Ipv6 => data.extend(self.address::<Ipv6Addr>("an IPv6 address")?.octets()),
            Field::String => {
                let token = self.take("a string")?;
                self.string(token, data)?;
            }
            Field::Strings => {
                let first = self.take("a string")?;
                self.string(first, data)?;
                while let Some(token) = self.next() {
                    self.string(token, data)?;
                }
            }
            Field::Tag => {
                let token = self.take("a tag")?;
                let tag = self.plain(token)?;
                // RFC 8659 4.1: tags have letters and digits, and no other characters.
                if tag.is_empty() || tag.len() > 255 || !tag.iter().all(u8::is_ascii_alphanumeric) {
                    return Err((token.at, Cause::Field("a tag of letters and digits, such as issue")));
                }
                self.string(token, data)?;
            }
            Field::Text => {
                let token = self.take("a text")?;
                data.extend_from_slice(&self.unescaped(token)?);
            }
            Field::Hex => {
                let at = self.here();
                let octets = text::hex(&self.rest()?).filter(|octets| !octets.is_empty());
                data.extend(octets.ok_or((at, Cause::Field("pairs of hexadecimal digits")))?);
            }
            Field::Base64 => {
                let at = self.here();
                let octets = text::base64(&self.rest()?).filter(|octets| !octets.is_empty());
                data.extend(octets.ok_or((at, Cause::Field("Base64")))?);
            }
            Field::Eui(octets) => {
                const FORM: &str = "octets in hexadecimal digits with hyphens between, as 00-00-5e-00-53-2a";
                let token = self.take(FORM)?;
                let digits: Vec<&[u8]> = self.plain(token)?.split(|octet| *octet == b'-').collect();
                let fits = digits.len() == octets && digits.iter().all(|pair| pair.len() == 2);
                let octets = text::hex(&digits.concat()).filter(|_| fits);
                data.extend(octets.ok_or((token.at, Cause::Field(FORM)))?);
            }
            Field::Location => {
                let at = self.here();
                let words = std::mem::take(&mut self.tokens);
                let words = words.iter().map(|token| self.plain(token)).collect::<Result<Vec<_>, _>>()?;
                let wrong = "a location, such as 52 22 23 N 4 53 32 E -2m 1m 10000m 10m";
                data.extend(location::read(&words).ok_or((at, Cause::Field(wrong)))?);
            }
            Field::Parameters => {
                let mut parameters = Parameters::default();
                let at = self.here();
                while let Some(token) = self.next() {
                    self.parameter(token, &mut parameters)?;
                }
                data.extend(parameters.into_wire().map_err(|wrong| (at, Cause::Parameter(wrong)))?);
            }
        }
        Ok(())
    }

    /// RFC 9460 2.1: `key`, `key=value` or `key="value"`.
    fn parameter(&self, token: &Token, parameters: &mut Parameters) -> Result<(), Wrong> {
        let octets = self.lexer.octets(token);
        let split =
            octets.iter().position(|octet| *octet == b'=').and_then(|place| octets.split_at_checked(place));
        let (key, value) = match split {
            _ if token.form == Form::Quoted => {
                return Err((token.at, Cause::Field("a parameter, such as alpn=\"h2\"")));
            }
            Some((key, value)) => (key, Some(value.get(1..).unwrap_or(&[]))),
            None => (octets, None),
        };
        let unquoted = |value: &'a [u8]| {
            value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value)
        };
        let value = value.map(|value| text::unescaped(unquoted(value))).transpose();
        let value = value.map_err(|cause| (token.at, cause))?;
        parameters.add(key, value.as_deref()).map_err(|wrong| (token.at, Cause::Parameter(wrong)))
    }

    fn string(&self, token: &Token, data: &mut Vec<u8>) -> Result<(), Wrong> {
        let octets = self.unescaped(token)?;
        let length =
            u8::try_from(octets.len()).map_err(|_| (token.at, Cause::StringTooLong(octets.len())))?;
        data.push(length);
        data.extend_from_slice(&octets);
        Ok(())
    }

    fn unescaped(&self, token: &Token) -> Result<Vec<u8>, Wrong> {
        if token.form == Form::Pair {
            return Err((token.at, Cause::QuoteInside));
        }
        text::unescaped(self.lexer.octets(token)).map_err(|cause| (token.at, cause))
    }

    fn number<T: std::str::FromStr>(&mut self, wanted: &'static str) -> Result<T, Wrong> {
        let token = self.take(wanted)?;
        text::number(self.plain(token)?).ok_or((token.at, Cause::Field(wanted)))
    }

    fn address<T: std::str::FromStr>(&mut self, wanted: &'static str) -> Result<T, Wrong> {
        let token = self.take(wanted)?;
        let text = std::str::from_utf8(self.plain(token)?).ok();
        text.and_then(|text| text.parse().ok()).ok_or((token.at, Cause::Field(wanted)))
    }

    /// What is left, as one word.
    fn rest(&mut self) -> Result<Vec<u8>, Wrong> {
        let mut octets = Vec::new();
        while let Some(token) = self.next() {
            octets.extend_from_slice(self.plain(token)?);
        }
        Ok(octets)
    }

    fn plain(&self, token: &Token) -> Result<&'a [u8], Wrong> {
        match token.form {
            Form::Plain => Ok(self.lexer.octets(token)),
            Form::Quoted | Form::Pair => Err((token.at, Cause::Field("expected in quotes"))),
        }
    }

    /// Where the next token stands, or the type where there is none.
    fn here(&self) -> Position {
        self.tokens.first().map_or(self.at, |token| token.at)
    }

    fn take(&mut self, wanted: &'static str) -> Result<&'a Token, Wrong> {
        self.next().ok_or((self.at, Cause::Missing { rtype: self.rtype, wanted }))
    }

    fn next(&mut self) -> Option<&'a Token> {
        let (token, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(token)
    }
}

/// A name in wire form, its letters as written.
pub(super) fn name(lexer: &Lexer, token: &Token, origin: Option<&[u8]>) -> Result<Vec<u8>, Wrong> {
    if token.form != Form::Plain {
        return Err((token.at, Cause::QuotedName));
    }
    text::name(lexer.octets(token), origin).map_err(|cause| (token.at, cause))
}
