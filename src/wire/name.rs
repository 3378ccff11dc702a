//! A domain name that the server owns: settings, origins, targets.

use std::fmt;
use std::str::FromStr;

/// Longest label, in octets (RFC 1035 2.3.4).
pub const LABEL_MAX: usize = 63;

/// Longest name in wire form, in octets, with length octets and the root label (RFC 1035 2.3.4).
pub const NAME_MAX: usize = 255;

/// An absolute name in wire form, lower-case, not compressed.
///
/// Invariant: a sequence of labels of 1 to 63 octets closed by the root label, at most 255 octets in all.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    wire: Box<[u8]>,
}

/// Why a text is not a domain name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Two dots in a row, or a dot at the start.
    #[error("a label is empty")]
    EmptyLabel,
    /// A label above [`LABEL_MAX`] octets.
    #[error("a label has {0} octets, the limit is 63")]
    LabelTooLong(usize),
    /// A name above [`NAME_MAX`] octets in wire form.
    #[error("the name has {0} octets on the wire, the limit is 255")]
    NameTooLong(usize),
    /// A backslash that is not followed by a character or three digits up to 255 (RFC 1035 5.1).
    #[error("a backslash is not followed by a character or by three digits up to 255")]
    BadEscape,
}

impl Name {
    /// The root, `.`.
    pub fn root() -> Name {
        Name { wire: Box::new([0]) }
    }

    /// The name made of `labels`, leftmost first, below `origin`. Letters are folded to lower case.
    pub fn below<'a>(labels: impl IntoIterator<Item = &'a [u8]>, origin: &Name) -> Result<Name, NameError> {
        let mut wire = Vec::with_capacity(64);
        for label in labels {
            push_label(&mut wire, label)?;
        }
        wire.extend_from_slice(&origin.wire);
        if wire.len() > NAME_MAX {
            return Err(NameError::NameTooLong(wire.len()));
        }
        Ok(Name { wire: wire.into() })
    }

    /// Reads an uncompressed name at the start of `octets`; returns it with what follows. `None` where there is none.
    pub fn split_from(octets: &[u8]) -> Option<(Name, &[u8])> {
        let mut end = 0;
        loop {
            let length = usize::from(*octets.get(end)?);
            end = length.saturating_add(1).saturating_add(end);
            if length > LABEL_MAX || end > NAME_MAX {
                return None;
            }
            if length == 0 {
                break;
            }
        }
        let (wire, rest) = octets.split_at_checked(end)?;
        // A length octet is below 'A': folding leaves it as it is.
        Some((Name { wire: wire.to_ascii_lowercase().into() }, rest))
    }

    /// The wire form: length-prefixed labels and the root label.
    pub fn as_wire(&self) -> &[u8] {
        &self.wire
    }

    /// The labels, leftmost first, without the root label.
    pub fn labels(&self) -> Labels<'_> {
        Labels { rest: &self.wire }
    }

    /// Whether this name is `ancestor` or lies below it.
    pub fn is_at_or_below(&self, ancestor: &Name) -> bool {
        self.is_at_or_below_wire(&ancestor.wire)
    }

    /// The same, with the ancestor in wire form, lower case.
    pub fn is_at_or_below_wire(&self, ancestor: &[u8]) -> bool {
        let mut rest = self.labels();
        loop {
            if *rest.rest == *ancestor {
                return true;
            }
            if rest.next().is_none() {
                return false;
            }
        }
    }
}

fn push_label(wire: &mut Vec<u8>, label: &[u8]) -> Result<(), NameError> {
    if label.is_empty() {
        return Err(NameError::EmptyLabel);
    }
    match u8::try_from(label.len()) {
        Ok(length) if label.len() <= LABEL_MAX => wire.push(length),
        _ => return Err(NameError::LabelTooLong(label.len())),
    }
    wire.extend(label.iter().map(u8::to_ascii_lowercase));
    Ok(())
}

/// The labels of a [`Name`], leftmost first.
#[derive(Debug, Clone)]
pub struct Labels<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (&length, after) = self.rest.split_first()?;
        if length == 0 {
            return None;
        }
        let (label, rest) = after.split_at_checked(usize::from(length))?;
        self.rest = rest;
        Some(label)
    }
}

impl FromStr for Name {
    type Err = NameError;

    /// Reads master-file text (RFC 1035 5.1), `\.` and `\DDD` included. A final dot is optional: every name is
    /// absolute.
    fn from_str(text: &str) -> Result<Name, NameError> {
        if text == "." {
            return Ok(Name::root());
        }
        let mut wire = Vec::with_capacity(text.len().saturating_add(2));
        let mut label = Vec::with_capacity(LABEL_MAX);
        let mut octets = text.bytes();
        while let Some(octet) = octets.next() {
            match octet {
                b'.' => {
                    push_label(&mut wire, &label)?;
                    label.clear();
                }
                b'\\' => label.push(unescape(&mut octets)?),
                _ => label.push(octet),
            }
        }
        if !label.is_empty() {
            push_label(&mut wire, &label)?;
        } else if text.is_empty() {
            return Err(NameError::EmptyLabel);
        }
        wire.push(0);
        if wire.len() > NAME_MAX {
            return Err(NameError::NameTooLong(wire.len()));
        }
        Ok(Name { wire: wire.into() })
    }
}

fn unescape(octets: &mut impl Iterator<Item = u8>) -> Result<u8, NameError> {
    let first = octets.next().ok_or(NameError::BadEscape)?;
    let digit = |octet: u8| char::from(octet).to_digit(10);
    let Some(mut value) = digit(first) else { return Ok(first) };
    for _ in 0..2 {
        let next = octets.next().and_then(digit).ok_or(NameError::BadEscape)?;
        value = value.saturating_mul(10).saturating_add(next);
    }
    u8::try_from(value).map_err(|_| NameError::BadEscape)
}

impl fmt::Display for Name {
    /// Master-file text with the final dot.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self.wire == [0] {
            return f.write_str(".");
        }
        for label in self.labels() {
            for &octet in label {
                match octet {
                    b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => {
                        write!(f, "\\{}", char::from(octet))?;
                    }
                    0x21..=0x7e => write!(f, "{}", char::from(octet))?,
                    _ => write!(f, "\\{octet:03}")?,
                }
            }
            f.write_str(".")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_read_as_absolute_lower_case() {
        let name: Name = "Peers.Cluster.LOCAL".parse().unwrap();
        assert_eq!(name.as_wire(), b"\x05peers\x07cluster\x05local\0");
        assert_eq!(name, "peers.cluster.local.".parse().unwrap());
    }

    #[test]
    fn bad_texts_are_refused_by_cause() {
        let long = "a".repeat(64);
        let deep = "abcdefg.".repeat(32);
        for (text, error) in [
            ("", NameError::EmptyLabel),
            ("..", NameError::EmptyLabel),
            (".a", NameError::EmptyLabel),
            ("a..b", NameError::EmptyLabel),
            ("a\\", NameError::BadEscape),
            ("a\\25", NameError::BadEscape),
            ("a\\256", NameError::BadEscape),
            (long.as_str(), NameError::LabelTooLong(64)),
            (deep.as_str(), NameError::NameTooLong(257)),
        ] {
            assert_eq!(text.parse::<Name>(), Err(error), "{text}");
        }
    }

    #[test]
    fn below_counts_the_origin() {
        let origin: Name = "peers.cluster.local".parse().unwrap();
        let name = Name::below([&b"NS"[..], b"dns"], &origin).unwrap();
        assert_eq!(name.to_string(), "ns.dns.peers.cluster.local.");
        assert!(name.is_at_or_below(&origin));
        assert!(origin.is_at_or_below(&origin));
        assert!(!origin.is_at_or_below(&name));
        // Where the octets of the ancestor begin within a label, it is none.
        let wire = name.as_wire();
        let ends = [0, 3, 7, 8, 26, 27].map(|at| name.is_at_or_below_wire(&wire[at..]));
        assert_eq!(ends, [true, true, true, false, false, true]);
        assert!(!name.is_at_or_below_wire(&[]));
        assert!(!"xpeers.cluster.local".parse::<Name>().unwrap().is_at_or_below(&origin));
    }

    proptest! {
        #[test]
        fn text_and_wire_are_inverse(labels in prop::collection::vec(
            prop::collection::vec(any::<u8>(), 1..=20), 0..=8)) {
            let name = Name::below(labels.iter().map(Vec::as_slice), &Name::root()).unwrap();
            let mut wire = name.as_wire().to_vec();
            wire.extend_from_slice(b"rest");
            prop_assert_eq!(Name::split_from(&wire), Some((name.clone(), &b"rest"[..])));
            wire.truncate(name.as_wire().len() - 1);
            prop_assert_eq!(Name::split_from(&wire), None);
            prop_assert_eq!(name.to_string().parse::<Name>().unwrap(), name);
        }
    }
}
