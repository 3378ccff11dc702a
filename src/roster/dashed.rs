//! Addresses as labels: `10-0-0-1`, `fd00--1`. What users get from `sed 's/[.:]/-/g'` on a pod's address.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The label of an address, made without allocating.
///
/// RFC 5952 text with `.` and `:` as `-`, a `0` behind a trailing and before a leading `-`, because a label of a host
/// name neither begins nor ends with one (RFC 952, RFC 1123 2.1). An IPv4-mapped address is written in hexadecimal
/// groups, so that its label reads back as itself.
#[derive(Debug, Clone, Copy)]
pub struct DashedLabel {
    octets: [u8; LONGEST],
    length: usize,
}

/// Octets of the longest label: eight groups of four digits. Only shortened addresses, which are shorter, get a `0`.
const LONGEST: usize = 39;

/// The label of an address as text of its own: see [`DashedLabel`].
pub fn dashed(address: IpAddr) -> String {
    DashedLabel::new(address).as_str().to_owned()
}

impl DashedLabel {
    /// The label of this address.
    pub fn new(address: IpAddr) -> DashedLabel {
        let mut label = DashedLabel { octets: [0; LONGEST], length: 0 };
        if let IpAddr::V4(v4) = address {
            label.push_ipv4(v4);
            return label;
        }
        // Every address fits, so that writing does not fail.
        let _ = match address {
            IpAddr::V4(_) => Ok(()),
            IpAddr::V6(v6) => match v6.segments() {
                [0, 0, 0, 0, 0, 0xffff, high, low] => write!(label, "::ffff:{high:x}:{low:x}"),
                _ => write!(label, "{v6}"),
            },
        };
        if label.as_str().ends_with('-') {
            let _ = label.write_char('0');
        }
        label
    }

    /// The label's text.
    pub fn as_str(&self) -> &str {
        self.octets.get(..self.length).and_then(|octets| std::str::from_utf8(octets).ok()).unwrap_or("")
    }

    /// Adds four numbers with dashes between them, digit by digit: answers to PTR write one each.
    fn push_ipv4(&mut self, address: Ipv4Addr) {
        let mut octets = self.octets.iter_mut();
        let mut put = |octet| {
            if let Some(to) = octets.next() {
                *to = octet;
            }
        };
        for (index, number) in address.octets().into_iter().enumerate() {
            if index > 0 {
                put(b'-');
            }
            if number >= 100 {
                put(b'0' + number / 100);
            }
            if number >= 10 {
                put(b'0' + number / 10 % 10);
            }
            put(b'0' + number % 10);
        }
        self.length = LONGEST - octets.len();
    }

    fn push(&mut self, octet: u8) -> std::fmt::Result {
        *self.octets.get_mut(self.length).ok_or(std::fmt::Error)? = octet;
        self.length += 1;
        Ok(())
    }
}

impl std::fmt::Write for DashedLabel {
    /// Adds the text of an address, its separators as dashes.
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for octet in text.bytes() {
            let octet = if matches!(octet, b':' | b'.') { b'-' } else { octet };
            if octet == b'-' && self.length == 0 {
                self.push(b'0')?;
            }
            self.push(octet)?;
        }
        Ok(())
    }
}

/// The address that a label spells, in any spelling that parses; letters in either case.
///
/// IPv4 is looked for first: four numbers with single dashes between them are no IPv6 address, which has seven or two in a
/// row, and nearly every label that is asked for is one.
pub fn parse_dashed(label: &[u8]) -> Option<IpAddr> {
    parse_dashed_ipv4(label).map(IpAddr::V4).or_else(|| parse_ipv6(label).map(IpAddr::V6))
}

fn parse_ipv6(label: &[u8]) -> Option<Ipv6Addr> {
    let mut text = [0_u8; LONGEST];
    let text = text.get_mut(..label.len())?;
    for (to, from) in text.iter_mut().zip(label) {
        *to = match from {
            b'-' => b':',
            b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' => *from,
            _ => return None,
        };
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The address that four numbers with dashes between them spell.
pub fn parse_dashed_ipv4(label: &[u8]) -> Option<Ipv4Addr> {
    let (a, rest) = split_number(label)?;
    let (b, rest) = split_number(rest.strip_prefix(b"-")?)?;
    let (c, rest) = split_number(rest.strip_prefix(b"-")?)?;
    let (d, rest) = split_number(rest.strip_prefix(b"-")?)?;
    rest.is_empty().then(|| Ipv4Addr::new(a, b, c, d))
}

/// The number of up to three digits that `octets` begin with, and what is behind it. Digit by digit, because this is asked of
/// every question for a pod's name.
#[inline]
fn split_number(octets: &[u8]) -> Option<(u8, &[u8])> {
    let digit = |octet: u8| Some(octet.wrapping_sub(b'0')).filter(|digit| *digit <= 9);
    let (&first, rest) = octets.split_first()?;
    let first = digit(first)?;
    // As everywhere since RFC 6943 3.1.1: no leading zeros, which some read as octal.
    let Some((second, rest_of_second)) = rest.split_first().filter(|_| first > 0) else {
        return Some((first, rest));
    };
    let Some(second) = digit(*second) else { return Some((first, rest)) };
    let two = first * 10 + second;
    let Some((third, rest_of_third)) = rest_of_second.split_first() else {
        return Some((two, rest_of_second));
    };
    match digit(*third) {
        None => Some((two, rest_of_second)),
        Some(third) => Some((two.checked_mul(10)?.checked_add(third)?, rest_of_third)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn labels_follow_the_shell_line() {
        for (address, label) in [
            ("10.0.0.1", "10-0-0-1"),
            ("fd00::1", "fd00--1"),
            ("::1", "0--1"),
            ("fd00::", "fd00--0"),
            ("::", "0--0"),
            ("2001:db8:3333:4444:5555:6666:7777:8888", "2001-db8-3333-4444-5555-6666-7777-8888"),
            ("2001:db8:3333:4444:5555:6666::", "2001-db8-3333-4444-5555-6666--0"),
            ("::ffff:10.0.0.1", "0--ffff-a00-1"),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(dashed(address), label);
            assert_eq!(parse_dashed(label.as_bytes()), Some(address));
        }
    }

    #[test]
    fn every_spelling_that_parses_is_accepted_and_no_other() {
        for (label, address) in [
            ("--1", Some("::1")),
            ("FD00--1", Some("fd00::1")),
            ("fd00-0-0-0-0-0-0-1", Some("fd00::1")),
            ("fd00--", Some("fd00::")),
            ("10-0-0-01", None),
            ("10-0-0-256", None),
            ("10-0-0", None),
            ("10-0-0-1-2", None),
            ("10.0.0.1", None),
            ("a-b-c-d", None),
            ("1--2--3", None),
            ("", None),
            ("-", None),
            ("blah", None),
            ("0000-0000-0000-0000-0000-0000-0000-00001", None),
        ] {
            let expected = address.map(|text| text.parse::<IpAddr>().unwrap());
            assert_eq!(parse_dashed(label.as_bytes()), expected, "{label}");
        }
    }

    proptest! {
        #[test]
        fn a_label_reads_back_as_its_address(address: IpAddr) {
            let label = dashed(address);
            prop_assert!(!label.starts_with('-') && !label.ends_with('-') && label.len() <= 63);
            prop_assert_eq!(parse_dashed(label.as_bytes()), Some(address));
        }
    }
}
