//! Reverse names: `1.0.0.10.in-addr.arpa`, nibbles below `ip6.arpa`.

use crate::wire::{Name, QueryName};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One of the two reverse trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tree {
    /// `in-addr.arpa` (RFC 1035 3.5): an octet a label.
    Ipv4,
    /// `ip6.arpa` (RFC 3596 2.5): a nibble a label.
    Ipv6,
}

/// The addresses that a reverse name covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Covered {
    /// IPv4 addresses of a prefix, first and last.
    Ipv4(u32, u32),
    /// IPv6 addresses of a prefix, first and last.
    Ipv6(u128, u128),
}

/// Labels of `in-addr.arpa` and of `ip6.arpa`.
const ROOT_LABELS: usize = 2;

impl Tree {
    /// The tree in which a zone of this apex lies.
    pub(super) fn of(origin: &Name) -> Option<Tree> {
        let labels: Vec<&[u8]> = origin.labels().collect();
        match labels.get(labels.len().checked_sub(ROOT_LABELS)?..)? {
            [b"in-addr", b"arpa"] => Some(Tree::Ipv4),
            [b"ip6", b"arpa"] => Some(Tree::Ipv6),
            _ => None,
        }
    }

    /// The addresses that a name in this tree covers; `None` where a label is no octet or nibble, or there are too
    /// many: such a name does not exist.
    pub(super) fn covered(self, name: &QueryName) -> Option<Covered> {
        let digits = name.label_count().checked_sub(ROOT_LABELS)?;
        let labels = (0..digits).rev().map(|index| name.label(index));
        match self {
            Tree::Ipv4 => {
                let bits = prefix(labels, 4, 8, octet)?;
                Some(Covered::Ipv4(u32::try_from(bits.0).ok()?, u32::try_from(bits.1).ok()?))
            }
            Tree::Ipv6 => {
                let bits = prefix(labels, 32, 4, nibble)?;
                Some(Covered::Ipv6(bits.0, bits.1))
            }
        }
    }
}

impl Covered {
    /// The one address, where it is one.
    pub(super) fn address(self) -> Option<IpAddr> {
        match self {
            Covered::Ipv4(first, last) if first == last => Some(IpAddr::V4(Ipv4Addr::from_bits(first))),
            Covered::Ipv6(first, last) if first == last => Some(IpAddr::V6(Ipv6Addr::from_bits(first))),
            _ => None,
        }
    }

    /// Whether the address is among them.
    pub(super) fn holds(self, address: IpAddr) -> bool {
        match (self, address) {
            (Covered::Ipv4(first, last), IpAddr::V4(v4)) => (first..=last).contains(&v4.to_bits()),
            (Covered::Ipv6(first, last), IpAddr::V6(v6)) => (first..=last).contains(&v6.to_bits()),
            _ => false,
        }
    }
}

/// First and last number with these leading digits, most significant first.
fn prefix<'a>(
    labels: impl Iterator<Item = &'a [u8]>,
    most: u32,
    width: u32,
    digit: impl Fn(&[u8]) -> Option<u8>,
) -> Option<(u128, u128)> {
    let mut bits = 0_u128;
    let mut left = most;
    for label in labels {
        left = left.checked_sub(1)?;
        bits = bits << width | u128::from(digit(label)?);
    }
    let open = left * width;
    let first = bits.checked_shl(open).unwrap_or(0);
    let rest = 1_u128.checked_shl(open).map_or(u128::MAX, |past| past - 1);
    Some((first, first | rest))
}

/// The canonical decimal form only: `01` is another name.
fn octet(label: &[u8]) -> Option<u8> {
    if label.len() > 1 && label.first() == Some(&b'0') {
        return None;
    }
    if !label.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(label).ok()?.parse().ok()
}

fn nibble(label: &[u8]) -> Option<u8> {
    match label {
        [digit @ b'0'..=b'9'] => Some(digit - b'0'),
        [digit @ b'a'..=b'f'] => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// The reverse name of an address.
pub(super) fn name_of(address: IpAddr) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(74);
    match address {
        IpAddr::V4(v4) => {
            for octet in v4.octets().iter().rev() {
                let _ = write!(text, "{octet}.");
            }
            text.push_str("in-addr.arpa.");
        }
        IpAddr::V6(v6) => {
            for octet in v6.octets().iter().rev() {
                let _ = write!(text, "{:x}.{:x}.", octet & 15, octet >> 4);
            }
            text.push_str("ip6.arpa.");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn covered(text: &str) -> Option<Covered> {
        let name: Name = text.parse().unwrap();
        let mut query = QueryName::new();
        query.read(name.as_wire(), 0).unwrap();
        Tree::of(&name).unwrap().covered(&query)
    }

    #[test]
    fn names_cover_prefixes() {
        assert_eq!(covered("in-addr.arpa"), Some(Covered::Ipv4(0, u32::MAX)));
        assert_eq!(covered("10.in-addr.arpa"), Some(Covered::Ipv4(0x0a00_0000, 0x0aff_ffff)));
        assert_eq!(covered("4.3.2.1.in-addr.arpa"), Some(Covered::Ipv4(0x0102_0304, 0x0102_0304)));
        assert_eq!(covered("ip6.arpa"), Some(Covered::Ipv6(0, u128::MAX)));
        assert_eq!(
            covered("d.f.ip6.arpa"),
            Some(Covered::Ipv6(0xfd << 120, (0xfd << 120) | ((1 << 120) - 1)))
        );
        for none in [
            "256.in-addr.arpa",
            "01.in-addr.arpa",
            "a.in-addr.arpa",
            "5.4.3.2.1.in-addr.arpa",
            "10.ip6.arpa",
            "g.ip6.arpa",
            "+1.in-addr.arpa",
        ] {
            assert_eq!(covered(none), None, "{none}");
        }
        assert_eq!(Tree::of(&"arpa".parse().unwrap()), None);
        assert_eq!(Tree::of(&"example.org".parse().unwrap()), None);
    }

    proptest! {
        #[test]
        fn an_address_and_its_reverse_name_are_inverse(address: IpAddr) {
            let read = covered(&name_of(address)).unwrap();
            prop_assert_eq!(read.address(), Some(address));
            prop_assert!(read.holds(address));
        }
    }
}
