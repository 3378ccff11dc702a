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
fn parse_dashed_ipv4(label: &[u8]) -> Option<Ipv4Addr> {
    let mut block = [0; DASHED_IPV4_BLOCK];
    block.get_mut(..label.len())?.copy_from_slice(label);
    parse_dashed_ipv4_in(&block, label.len())
}

/// Octets that hold every such label: four numbers of three digits, three dashes, and one octet that belongs to something else.
pub const DASHED_IPV4_BLOCK: usize = 16;

/// The same of the label that the first `length` octets of a block are, with anything but a digit behind. This is asked of every question
/// for a pod's name: four octets are read at once.
#[inline]
pub fn parse_dashed_ipv4_in(block: &[u8; DASHED_IPV4_BLOCK], length: usize) -> Option<Ipv4Addr> {
    let dash = digit(b'-');
    let (a, at, behind_a) = number_at(block, 0)?;
    let (b, at, behind_b) = number_at(block, at.wrapping_add(1))?;
    let (c, at, behind_c) = number_at(block, at.wrapping_add(1))?;
    let (d, end, _) = number_at(block, at.wrapping_add(1))?;
    let is_label = behind_a == dash && behind_b == dash && behind_c == dash && end == length;
    is_label.then(|| Ipv4Addr::from_bits(a << 24 | b << 16 | c << 8 | d))
}

/// What an octet is as a digit: up to 9, or above.
fn digit(octet: u8) -> u32 {
    u32::from(octet ^ b'0')
}

/// The number of up to three digits at a place, where it ends, and the octet there as a digit.
#[inline]
fn number_at(block: &[u8; DASHED_IPV4_BLOCK], at: usize) -> Option<(u32, usize, u32)> {
    let octets = block.get(at..)?.first_chunk::<4>()?;
    let digits = u32::from_le_bytes(*octets) ^ u32::from_le_bytes([b'0'; 4]);
    let [first, second, third, fourth] = digits.to_le_bytes().map(u32::from);
    if first > 9 {
        return None;
    }
    if second > 9 {
        return Some((first, at.wrapping_add(1), second));
    }
    // As everywhere since RFC 6943 3.1.1: no leading zeros, which some read as octal.
    if first == 0 {
        return None;
    }
    let two = first * 10 + second;
    if third > 9 {
        return Some((two, at.wrapping_add(2), third));
    }
    let three = two * 10 + third;
    u8::try_from(three).is_ok().then(|| (three, at.wrapping_add(3), fourth))
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
