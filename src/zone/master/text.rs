//! Single values as text: strings with escapes, names, numbers, times, hexadecimal digits and Base64.

use super::error::Cause;
use crate::wire::{LABEL_MAX, NAME_MAX, NameError};
use std::fmt::Write as _;

/// The largest TTL in seconds (RFC 2181 8: 31 bits).
pub(super) const TTL_MAX: u32 = u32::MAX >> 1;

/// The octets of a token, escapes resolved (RFC 1035 5.1).
pub(super) fn unescaped(token: &[u8]) -> Result<Vec<u8>, Cause> {
    let mut octets = Vec::with_capacity(token.len());
    let mut rest = token.iter();
    while let Some(octet) = rest.next() {
        octets.push(if *octet == b'\\' { escape(&mut rest)? } else { *octet });
    }
    Ok(octets)
}

/// What stands behind a backslash: an octet that stands for itself, or three digits.
fn escape<'a>(rest: &mut impl Iterator<Item = &'a u8>) -> Result<u8, Cause> {
    let first = *rest.next().ok_or(Cause::Escape)?;
    if !first.is_ascii_digit() {
        return Ok(first);
    }
    let mut value = u32::from(first - b'0');
    for _ in 0..2 {
        match rest.next() {
            Some(digit) if digit.is_ascii_digit() => value = value * 10 + u32::from(digit - b'0'),
            _ => return Err(Cause::Escape),
        }
    }
    u8::try_from(value).map_err(|_| Cause::Escape)
}

/// A name in wire form, its letters as written; relative ones are completed with `origin`, also in wire form.
pub(super) fn name(token: &[u8], origin: Option<&[u8]>) -> Result<Vec<u8>, Cause> {
    match token {
        b"@" => return origin.map(<[u8]>::to_vec).ok_or(Cause::NoOrigin),
        b"." => return Ok(vec![0]),
        _ => {}
    }
    let mut wire = Vec::with_capacity(token.len() + 2);
    let mut label = Vec::new();
    let mut rest = token.iter();
    while let Some(octet) = rest.next() {
        match octet {
            b'.' => {
                push_label(&mut wire, &label)?;
                label.clear();
            }
            b'\\' => label.push(escape(&mut rest)?),
            0x80.. => return Err(Cause::NameNotAscii),
            _ => label.push(*octet),
        }
    }
    if label.is_empty() && !wire.is_empty() {
        wire.push(0);
    } else {
        push_label(&mut wire, &label)?;
        wire.extend_from_slice(origin.ok_or(Cause::NoOrigin)?);
    }
    if wire.len() > NAME_MAX { Err(Cause::Name(NameError::NameTooLong(wire.len()))) } else { Ok(wire) }
}

fn push_label(wire: &mut Vec<u8>, label: &[u8]) -> Result<(), Cause> {
    match u8::try_from(label.len()) {
        Ok(0) => Err(Cause::Name(NameError::EmptyLabel)),
        Ok(length) if label.len() <= LABEL_MAX => {
            wire.push(length);
            wire.extend_from_slice(label);
            Ok(())
        }
        _ => Err(Cause::Name(NameError::LabelTooLong(label.len()))),
    }
}

/// A decimal number, digits only.
pub(super) fn number<T: std::str::FromStr>(token: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(token).ok()?;
    if text.is_empty() || !text.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Seconds, as a number or with units: `1h30m`, `2W`.
pub(super) fn time(token: &[u8]) -> Option<u32> {
    let mut total = 0_u64;
    let mut digits = None::<u64>;
    for octet in token {
        if octet.is_ascii_digit() {
            let value = digits.unwrap_or(0).checked_mul(10)?.checked_add(u64::from(octet - b'0'))?;
            digits = Some(value).filter(|value| u32::try_from(*value).is_ok());
            digits?;
            continue;
        }
        let unit = match octet.to_ascii_lowercase() {
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            b'd' => 86_400,
            b'w' => 604_800,
            _ => return None,
        };
        total = total.checked_add(digits.take()?.checked_mul(unit)?)?;
    }
    // A number behind the last unit would be seconds to some and an error to others.
    if let Some(value) = digits {
        total = if total == 0 { value } else { return None };
    }
    u32::try_from(total).ok().filter(|total| !token.is_empty() && *total <= TTL_MAX)
}

/// Hexadecimal digits, two for each octet.
pub(super) fn hex(digits: &[u8]) -> Option<Vec<u8>> {
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    let digit = |octet: u8| char::from(octet).to_digit(16);
    pairs.iter().map(|[high, low]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()).collect()
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 with its padding (RFC 4648 4).
pub(super) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let (groups, []) = text.as_chunks::<4>() else { return None };
    let mut octets = Vec::with_capacity(groups.len() * 3);
    for (index, group) in groups.iter().enumerate() {
        let padding = group.iter().rev().take_while(|octet| **octet == b'=').count();
        if padding > 2 || (padding > 0 && index + 1 < groups.len()) {
            return None;
        }
        let mut bits = 0_u32;
        for octet in group.iter().take(4 - padding) {
            let value = ALPHABET.iter().position(|known| known == octet)?;
            bits = bits << 6 | u32::try_from(value).ok()?;
        }
        let [_, first, second, third] = (bits << (6 * padding)).to_be_bytes();
        let decoded = [first, second, third];
        let (kept, dropped) = decoded.split_at_checked(3 - padding)?;
        // Bits that no octet takes must be zero (RFC 4648 3.5).
        if dropped.iter().any(|octet| *octet != 0) {
            return None;
        }
        octets.extend_from_slice(kept);
    }
    Some(octets)
}

/// Adds octets in Base64.
pub(in crate::zone) fn add_base64(text: &mut String, octets: &[u8]) {
    for group in octets.chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, octet| bits << 8 | u32::from(*octet)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let index = usize::try_from(bits >> (18 - 6 * place) & 63).unwrap_or(0);
            let known = ALPHABET.get(index).copied().unwrap_or(b'=');
            text.push(char::from(if place <= group.len() { known } else { b'=' }));
        }
    }
}

/// Adds octets in hexadecimal digits.
pub(in crate::zone) fn add_hex(text: &mut String, octets: &[u8]) {
    for octet in octets {
        let _ = write!(text, "{octet:02x}");
    }
}

/// Adds octets as they stand within quotes: `\"`, `\\` and `\DDD` (RFC 1035 5.1).
pub(in crate::zone) fn add_escaped(text: &mut String, octets: &[u8]) {
    for &octet in octets {
        let _ = match octet {
            b'"' | b'\\' => write!(text, "\\{}", char::from(octet)),
            0x20..=0x7e => write!(text, "{}", char::from(octet)),
            _ => write!(text, "\\{octet:03}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_completed_and_keep_their_case() {
        let origin = b"\x07example\0";
        for (text, wire) in [
            (&b"@"[..], Ok(&origin[..])),
            (b".", Ok(b"\0")),
            (b"Ab.c", Ok(b"\x02Ab\x01c\x07example\0")),
            (b"Ab.c.", Ok(b"\x02Ab\x01c\0")),
            (b"\\@", Ok(b"\x01@\x07example\0")),
            (b"a\\.b.", Ok(b"\x03a.b\0")),
            (b"a\\000b.", Ok(b"\x03a\0b\0")),
            (b"\\255.", Ok(b"\x01\xff\0")),
            (b"a..b", Err(Cause::Name(NameError::EmptyLabel))),
            (b".a", Err(Cause::Name(NameError::EmptyLabel))),
            (b"", Err(Cause::Name(NameError::EmptyLabel))),
            (b"\\256", Err(Cause::Escape)),
            (b"\\25", Err(Cause::Escape)),
            (b"\xc3\xa4", Err(Cause::NameNotAscii)),
            (&[b'a'; 64], Err(Cause::Name(NameError::LabelTooLong(64)))),
        ] {
            assert_eq!(name(text, Some(origin)), wire.map(<[u8]>::to_vec), "{}", text.escape_ascii());
        }
        assert_eq!(name(b"a", None), Err(Cause::NoOrigin));
        assert_eq!(name(b"a.", None).as_deref(), Ok(&b"\x01a\0"[..]));
        let long = [&b"a.".repeat(123)[..], b"a"].concat();
        assert_eq!(name(&long, Some(origin)), Err(Cause::Name(NameError::NameTooLong(257))));
    }

    #[test]
    fn times_have_units() {
        for (text, seconds) in [
            ("0", Some(0)),
            ("300", Some(300)),
            ("2147483647", Some(TTL_MAX)),
            ("2147483648", None),
            ("1h30m", Some(5400)),
            ("1W2d3H4m5S", Some(788_645)),
            ("1h30", None),
            ("h", None),
            ("", None),
            ("1x", None),
            ("-1", None),
            ("99999999999999999999", None),
            ("999999999w", None),
        ] {
            assert_eq!(time(text.as_bytes()), seconds, "{text}");
        }
    }

    #[test]
    fn digits_and_base64_are_strict() {
        assert_eq!(hex(b"00fF"), Some(vec![0, 255]));
        assert_eq!([hex(b"0"), hex(b"0g")], [None, None]);
        assert_eq!(base64(b"Zm9v"), Some(b"foo".to_vec()));
        assert_eq!(base64(b"Zg=="), Some(b"f".to_vec()));
        for wrong in [&b"Zg="[..], b"Zh==", b"Zg==Zg==", b"Z===", b"====", b"Zm 9"] {
            assert_eq!(base64(wrong), None, "{}", wrong.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn octets_and_texts_are_inverse(octets in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut text = String::new();
            add_base64(&mut text, &octets);
            prop_assert_eq!(base64(text.as_bytes()), Some(octets.clone()));
            let mut text = String::new();
            add_hex(&mut text, &octets);
            prop_assert_eq!(hex(text.as_bytes()), Some(octets.clone()));
            let mut text = String::new();
            add_escaped(&mut text, &octets);
            prop_assert_eq!(unescaped(text.as_bytes()), Ok(octets));
        }
    }
}
