//! Apexes of reverse zones, by name or by network.

use super::{Invalid, network};
use crate::config::Network;
use crate::wire::Name;
use std::net::IpAddr;

/// One of the two reverse trees.
struct Tree {
    root: [&'static [u8]; 2],
    /// Labels of an address below the root.
    labels: u8,
    /// Bits of an address in each label.
    bits: u8,
    is_label: fn(&[u8]) -> bool,
}

/// RFC 1035 3.5: an octet a label.
const IPV4: Tree = Tree { root: [b"in-addr", b"arpa"], labels: 4, bits: 8, is_label: is_octet };

/// RFC 3596 2.5: a nibble a label.
const IPV6: Tree = Tree { root: [b"ip6", b"arpa"], labels: 32, bits: 4, is_label: is_nibble };

/// Reads `10.in-addr.arpa` or `10.0.0.0/8`.
pub(in crate::config) fn reverse_zone(text: &str) -> Result<Name, Invalid> {
    if text.contains('/') { of_network(text) } else { named(text) }
}

fn of_network(text: &str) -> Result<Name, Invalid> {
    let Network { address, length } = network(text).map_err(|invalid| match invalid {
        Invalid::Network => Invalid::ReverseZone,
        other => other,
    })?;
    let tree = if address.is_ipv4() { IPV4 } else { IPV6 };
    if !length.is_multiple_of(tree.bits) {
        return Err(Invalid::ReversePrefix(tree.bits));
    }
    let count = usize::from(length / tree.bits);
    let labels: Vec<String> = match address {
        IpAddr::V4(v4) => v4.octets().iter().take(count).rev().map(u8::to_string).collect(),
        IpAddr::V6(v6) => {
            let nibbles = v6.octets().into_iter().flat_map(|octet| [octet >> 4, octet & 15]);
            let texts: Vec<String> = nibbles.take(count).map(|nibble| format!("{nibble:x}")).collect();
            texts.into_iter().rev().collect()
        }
    };
    Name::below(labels.iter().map(String::as_bytes).chain(tree.root), &Name::root()).map_err(Invalid::Domain)
}

fn named(text: &str) -> Result<Name, Invalid> {
    let name: Name = text.parse().map_err(|_| Invalid::ReverseZone)?;
    let labels: Vec<&[u8]> = name.labels().collect();
    let legal = [IPV4, IPV6].iter().any(|tree| {
        labels.strip_suffix(&tree.root).is_some_and(|below| {
            below.len() <= tree.labels.into() && below.iter().all(|label| (tree.is_label)(label))
        })
    });
    if legal { Ok(name) } else { Err(Invalid::ReverseZone) }
}

/// A decimal number up to 255 without leading zeros.
fn is_octet(label: &[u8]) -> bool {
    let text = std::str::from_utf8(label).unwrap_or("");
    text.parse::<u8>().is_ok_and(|octet| octet.to_string() == text)
}

fn is_nibble(label: &[u8]) -> bool {
    matches!(label, [b'0'..=b'9' | b'a'..=b'f'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv6Addr;

    #[test]
    fn reverse_zones_are_names_or_networks() {
        for (text, apex) in [
            ("10.0.0.0/8", "10.in-addr.arpa."),
            ("192.0.2.0/24", "2.0.192.in-addr.arpa."),
            ("192.0.2.1/32", "1.2.0.192.in-addr.arpa."),
            ("0.0.0.0/0", "in-addr.arpa."),
            ("fd00::/8", "d.f.ip6.arpa."),
            ("::/0", "ip6.arpa."),
            ("10.in-addr.arpa", "10.in-addr.arpa."),
            ("D.F.IP6.ARPA.", "d.f.ip6.arpa."),
        ] {
            assert_eq!(reverse_zone(text).map(|name| name.to_string()), Ok(apex.to_owned()), "{text}");
        }
        for (text, error) in [
            ("10.0.0.0/9", Invalid::ReversePrefix(8)),
            ("fc00::/7", Invalid::ReversePrefix(4)),
            ("10.1.0.0/8", Invalid::HostBits("10.0.0.0/8".to_owned())),
            ("fd00::1/64", Invalid::HostBits("fd00::/64".to_owned())),
            ("10.0.0.0/33", Invalid::ReverseZone),
            ("10.0.0.0/08", Invalid::ReverseZone),
            ("10.0.0.0/", Invalid::ReverseZone),
            ("10.0.0/8", Invalid::ReverseZone),
            ("10.0.0.0", Invalid::ReverseZone),
            ("example.org", Invalid::ReverseZone),
            ("010.in-addr.arpa", Invalid::ReverseZone),
            ("256.in-addr.arpa", Invalid::ReverseZone),
            ("0-25.2.0.192.in-addr.arpa", Invalid::ReverseZone),
            ("1.1.2.0.192.in-addr.arpa", Invalid::ReverseZone),
            ("df.ip6.arpa", Invalid::ReverseZone),
            ("", Invalid::ReverseZone),
        ] {
            assert_eq!(reverse_zone(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_network_gives_a_name_that_is_a_reverse_zone(bits: u128, nibbles in 0_u32..=32) {
            let mask = u128::MAX.checked_shl(128 - nibbles * 4).unwrap_or(0);
            let network = Ipv6Addr::from_bits(bits & mask);
            let name = reverse_zone(&format!("{network}/{}", nibbles * 4)).unwrap();
            prop_assert_eq!(reverse_zone(&name.to_string()), Ok(name));
        }
    }
}
