//! Who may ask what: rules by network, name and transport. They are looked at before anything is looked up.

use super::client::{Client, Transport};
use crate::wire::Name;
use std::net::IpAddr;

/// Rules in their order. The first that fits decides; without one, everybody may ask.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessList(Vec<AccessRule>);

/// A rule. It fits a query that each of its three lists has something for; an empty list has something for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRule {
    /// Whether those that it fits are answered, or refused.
    pub allow: bool,
    /// Networks of clients.
    pub clients: Vec<Network>,
    /// Names that a question is at or below.
    pub zones: Vec<Name>,
    /// What carries the query.
    pub transports: Vec<Transport>,
}

/// A network of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    ipv4: bool,
    /// The address as a number, without its host bits.
    bits: u128,
    mask: u128,
}

impl AccessList {
    /// A list of these rules.
    pub fn new(rules: Vec<AccessRule>) -> AccessList {
        AccessList(rules)
    }

    /// Whether everybody may know everything.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this client may know of this name, which is in wire form and not compressed.
    #[inline]
    pub(super) fn allows(&self, client: &Client, name: &[u8]) -> bool {
        self.0.is_empty() || self.decision(client, name)
    }

    /// Whether a client that may know of one name may yet be refused another.
    pub(super) fn depends_on_names(&self) -> bool {
        self.0.iter().any(|rule| !rule.zones.is_empty())
    }

    #[inline(never)]
    fn decision(&self, client: &Client, name: &[u8]) -> bool {
        self.0.iter().find(|rule| rule.fits(client, name)).is_none_or(|rule| rule.allow)
    }
}

impl AccessRule {
    fn fits(&self, client: &Client, name: &[u8]) -> bool {
        let of_transport = self.transports.is_empty() || self.transports.contains(&client.transport);
        let of_network =
            self.clients.is_empty() || self.clients.iter().any(|network| network.contains(client.address));
        let of_zone = self.zones.is_empty() || self.zones.iter().any(|zone| is_at_or_below(name, zone));
        of_transport && of_network && of_zone
    }
}

/// Whether a name in wire form is the zone's or one below it. At most 128 labels are looked at.
fn is_at_or_below(name: &[u8], zone: &Name) -> bool {
    let mut rest = name;
    loop {
        if rest.eq_ignore_ascii_case(zone.as_wire()) {
            return true;
        }
        let Some((&length @ 1.., behind)) = rest.split_first() else { return false };
        let Some(behind) = behind.get(usize::from(length)..) else { return false };
        rest = behind;
    }
}

impl Network {
    /// The network of `address` and a prefix of `length` bits, at most as many as the address has. Bits behind the prefix
    /// mean nothing. IPv4 addresses mapped to IPv6 (RFC 4291 2.5.5.2) are IPv4 where the prefix reaches into them.
    pub fn new(address: IpAddr, length: u8) -> Network {
        let (address, length) = match address.to_canonical() {
            v4 @ IpAddr::V4(_) if address.is_ipv6() && length >= 96 => (v4, length - 96),
            _ => (address, length),
        };
        let (ipv4, bits, width) = number(address);
        let host_bits = width.saturating_sub(u32::from(length));
        let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
        Network { ipv4, bits: bits & mask, mask }
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let (ipv4, bits, _) = number(address.to_canonical());
        ipv4 == self.ipv4 && bits & self.mask == self.bits
    }
}

/// An address as a number of so many bits.
fn number(address: IpAddr) -> (bool, u128, u32) {
    match address {
        IpAddr::V4(v4) => (true, v4.to_bits().into(), 32),
        IpAddr::V6(v6) => (false, v6.to_bits(), 128),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn network(text: &str) -> Network {
        let (address, length) = text.split_once('/').unwrap();
        Network::new(address.parse().unwrap(), length.parse().unwrap())
    }

    fn rule(allow: bool, clients: &[&str], zones: &[&str], transports: &[Transport]) -> AccessRule {
        AccessRule {
            allow,
            clients: clients.iter().map(|text| network(text)).collect(),
            zones: zones.iter().map(|text| text.parse().unwrap()).collect(),
            transports: transports.to_vec(),
        }
    }

    fn allows(list: &AccessList, transport: Transport, address: &str, name: &str) -> bool {
        let name: Name = name.parse().unwrap();
        list.allows(&Client { transport, address: address.parse().unwrap() }, name.as_wire())
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let list = AccessList::new(vec![
            rule(false, &["10.0.9.0/24"], &[], &[]),
            rule(true, &["10.0.0.0/16", "fd00::/8"], &["peers.example"], &[]),
            rule(false, &[], &["peers.example"], &[]),
            rule(false, &["192.0.2.1/32"], &[], &[Transport::Tcp]),
        ]);
        let (udp, tcp) = (Transport::Udp, Transport::Tcp);
        for (transport, address, name, allowed) in [
            (udp, "10.0.9.1", "example.org", false),
            (tcp, "10.0.9.255", "a.peers.example", false),
            (udp, "10.0.8.1", "a.peers.example", true),
            (udp, "10.0.8.1", "PEERS.example", true),
            (udp, "10.1.0.1", "peers.example", false),
            (udp, "10.1.0.1", "xpeers.example", true),
            (udp, "10.1.0.1", "example", true),
            (udp, "fd12::1", "b.a.peers.example", true),
            (udp, "fe00::1", "b.a.peers.example", false),
            (udp, "::ffff:10.0.9.1", "example.org", false),
            (udp, "::ffff:10.0.8.1", "peers.example", true),
            (udp, "192.0.2.1", "example.org", true),
            (tcp, "192.0.2.1", "example.org", false),
            (tcp, "192.0.2.2", "example.org", true),
            (udp, "192.0.2.2", ".", true),
        ] {
            assert_eq!(allows(&list, transport, address, name), allowed, "{transport:?} {address} {name}");
        }
    }

    #[test]
    fn without_rules_everybody_may_ask_and_one_without_lists_fits_all() {
        assert!(allows(&AccessList::default(), Transport::Udp, "192.0.2.1", "example.org"));
        let nobody = AccessList::new(vec![rule(false, &[], &[], &[])]);
        assert!(!allows(&nobody, Transport::Tcp, "2001:db8::1", "."));
    }

    #[test]
    fn networks_of_mapped_addresses_are_networks_of_ipv4() {
        for (text, address, inside) in [
            ("::ffff:10.0.0.0/104", "10.255.255.255", true),
            ("::ffff:10.0.0.0/104", "11.0.0.0", false),
            ("::ffff:10.0.0.0/104", "::ffff:10.0.0.1", true),
            ("0.0.0.0/0", "::ffff:10.0.0.1", true),
            ("0.0.0.0/0", "fd00::1", false),
            ("::/0", "fd00::1", true),
            ("::/0", "10.0.0.1", false),
            ("10.0.0.1/32", "10.0.0.1", true),
            ("fd00::1/128", "fd00::2", false),
        ] {
            assert_eq!(network(text).contains(address.parse().unwrap()), inside, "{text} {address}");
        }
    }

    #[test]
    fn names_fall_into_zones_at_whole_labels() {
        let zone: Name = "b.c".parse().unwrap();
        for (name, inside) in [
            (&b"\x01b\x01c\0"[..], true),
            (b"\x01a\x01B\x01C\0", true),
            (b"\x02ab\x01c\0", false),
            (b"\x05a\x01b\x01c\0", false),
            (b"\x01c\0", false),
            (b"\0", false),
            (b"\x01b\x01c", false),
            (b"", false),
        ] {
            assert_eq!(is_at_or_below(name, &zone), inside, "{name:?}");
        }
        assert!(is_at_or_below(b"\x01a\0", &Name::root()));
    }

    proptest! {
        #[test]
        fn a_network_holds_what_agrees_with_its_prefix(one: u32, other: u32, length in 0_u8..=32) {
            let agree = (0..length).all(|bit| (one ^ other) >> (31 - bit) & 1 == 0);
            let [one, other] = [one, other].map(|bits| IpAddr::V4(bits.into()));
            prop_assert_eq!(Network::new(one, length).contains(other), agree);
        }
    }
}
