//! What the server says about itself: its identifier in EDNS (RFC 5001) and its texts in class CH (RFC 4892).

use super::Invalid;
use std::fmt::Write as _;

/// Octets of the longest NSID: with it and all other options, header and question still fit into 512 octets.
const NSID_MAX: usize = 128;

/// Octets of the longest character string (RFC 1035 3.3).
const TEXT_MAX: usize = 255;

/// Reads an identifier: text, or `0x` and pairs of hexadecimal digits.
pub(in crate::config) fn nsid(text: &str) -> Result<Box<[u8]>, Invalid> {
    let octets = match text.strip_prefix("0x") {
        Some(digits) => hexadecimal(digits).ok_or(Invalid::Hexadecimal)?,
        None => text.as_bytes().to_vec(),
    };
    within(&octets, NSID_MAX)?;
    Ok(octets.into())
}

/// The identifier as it reads back: as text where that is plain.
pub(in crate::config) fn nsid_text(octets: &[u8]) -> String {
    let plain = std::str::from_utf8(octets)
        .ok()
        .filter(|text| !text.starts_with("0x") && text.chars().all(|c| c.is_ascii_graphic() || c == ' '));
    plain.map_or_else(
        || {
            octets.iter().fold(String::from("0x"), |mut text, octet| {
                // Writing to a string does not fail.
                let _ = write!(text, "{octet:02x}");
                text
            })
        },
        str::to_owned,
    )
}

/// A text of one character string.
pub(in crate::config) fn chaos_text(text: &str) -> Result<Box<str>, Invalid> {
    within(text.as_bytes(), TEXT_MAX)?;
    Ok(text.into())
}

fn within(octets: &[u8], limit: usize) -> Result<(), Invalid> {
    match octets.len() {
        0 => Err(Invalid::Empty),
        octets if octets > limit => Err(Invalid::TooLong { octets, limit }),
        _ => Ok(()),
    }
}

fn hexadecimal(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| u8::try_from(char::from(digit).to_digit(16)?).ok();
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(value(*high)? << 4 | value(*low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn identifiers_are_text_or_hexadecimal() {
        for (text, octets) in [
            ("replica-1", &b"replica-1"[..]),
            ("0x00FF", b"\0\xff"),
            ("0X00", b"0X00"),
            ("ü", "ü".as_bytes()),
        ] {
            assert_eq!(nsid(text).as_deref(), Ok(octets), "{text}");
        }
        for (text, invalid) in [
            ("", Invalid::Empty),
            ("0x", Invalid::Empty),
            ("0x0", Invalid::Hexadecimal),
            ("0xgg", Invalid::Hexadecimal),
            ("0x+1", Invalid::Hexadecimal),
        ] {
            assert_eq!(nsid(text), Err(invalid), "{text}");
        }
        assert_eq!(nsid(&"n".repeat(128)).map(|octets| octets.len()), Ok(128));
        assert_eq!(nsid(&"n".repeat(129)), Err(Invalid::TooLong { octets: 129, limit: 128 }));
    }

    #[test]
    fn texts_are_one_character_string() {
        assert_eq!(chaos_text("rosterd 1").as_deref(), Ok("rosterd 1"));
        assert_eq!(chaos_text(""), Err(Invalid::Empty));
        assert_eq!(chaos_text(&"ü".repeat(128)), Err(Invalid::TooLong { octets: 256, limit: 255 }));
    }

    proptest! {
        #[test]
        fn identifiers_read_back(octets in prop::collection::vec(any::<u8>(), 1..128)) {
            prop_assert_eq!(nsid(&nsid_text(&octets)), Ok(octets.into()));
        }
    }
}
