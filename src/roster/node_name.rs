//! Node names, `<basename>@<host>`, in pieces: they are put together where they are written, without allocating.

use super::{DashedLabel, Hostname, NodeHost, PeerShape};
use std::cmp::Ordering;
use std::fmt::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr};

/// Longest node name, in octets: an Erlang atom has at most 255 characters.
const NODE_NAME_MAX: usize = 255;

/// A peer's node name.
#[derive(Debug, Clone, Copy)]
pub struct NodeName<'a> {
    basename: &'a str,
    host: Host<'a>,
    tail: &'a str,
}

/// What stands first behind the `@`.
#[derive(Debug, Clone, Copy)]
enum Host<'a> {
    Address(AddressText),
    Dashed(DashedLabel),
    Hostname(&'a str),
}

impl<'a> NodeName<'a> {
    pub(super) fn of(
        shape: &'a PeerShape,
        primary: IpAddr,
        hostname: Option<&'a Hostname>,
    ) -> Option<NodeName<'a>> {
        let dashed = || Host::Dashed(DashedLabel::new(primary));
        let (host, tail) = match &shape.host {
            NodeHost::Address => (Host::Address(AddressText::new(primary)), ""),
            NodeHost::Dashed(tail) => (dashed(), &**tail),
            NodeHost::Label(tail) => {
                (hostname.and_then(Hostname::as_label).map_or_else(dashed, Host::Hostname), &**tail)
            }
            NodeHost::Hostname(tail) => (Host::Hostname(hostname?.as_str()), &**tail),
        };
        Some(NodeName { basename: &shape.basename, host, tail })
    }

    /// Its text, in pieces that follow each other.
    pub fn pieces(&self) -> [&str; 4] {
        let host = match &self.host {
            Host::Address(text) => text.as_str(),
            Host::Dashed(label) => label.as_str(),
            Host::Hostname(hostname) => hostname,
        };
        [self.basename, "@", host, self.tail]
    }

    /// Its length in octets.
    #[expect(clippy::len_without_is_empty, reason = "there is always an @")]
    pub fn len(&self) -> usize {
        self.pieces().iter().map(|piece| piece.len()).sum()
    }

    pub(super) fn is_too_long(&self) -> bool {
        self.len() > NODE_NAME_MAX
    }
}

impl fmt::Display for NodeName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces().iter().try_for_each(|piece| f.write_str(piece))
    }
}

impl Ord for NodeName<'_> {
    /// As the texts.
    fn cmp(&self, other: &NodeName<'_>) -> Ordering {
        let (own, other) = (self.pieces(), other.pieces());
        own.iter().flat_map(|piece| piece.bytes()).cmp(other.iter().flat_map(|piece| piece.bytes()))
    }
}

impl PartialOrd for NodeName<'_> {
    fn partial_cmp(&self, other: &NodeName<'_>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for NodeName<'_> {
    fn eq(&self, other: &NodeName<'_>) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for NodeName<'_> {}

/// The text of an address: RFC 5952's, as [`IpAddr`] shows itself.
#[derive(Debug, Clone, Copy)]
struct AddressText {
    octets: [u8; LONGEST],
    length: usize,
}

/// Octets of the longest text: `::ffff:255.255.255.255` is shorter than eight groups of four digits and seven colons.
const LONGEST: usize = 39;

impl AddressText {
    fn new(address: IpAddr) -> AddressText {
        let mut text = AddressText { octets: [0; LONGEST], length: 0 };
        // Every address fits, so that writing does not fail.
        let _ = match address {
            IpAddr::V4(v4) => text.push_ipv4(v4),
            IpAddr::V6(v6) => write!(text, "{v6}"),
        };
        text
    }

    /// Adds four numbers with dots between them, digit by digit: each change of a peer asks for it several times.
    fn push_ipv4(&mut self, address: Ipv4Addr) -> fmt::Result {
        for (index, number) in address.octets().into_iter().enumerate() {
            let digits = [b'.', b'0' + number / 100, b'0' + number / 10 % 10, b'0' + number % 10];
            let unwritten = match number {
                0..10 => 3,
                10..100 => 2,
                100.. => 1,
            };
            let dot = usize::from(index > 0);
            self.push(digits.get(..dot).unwrap_or(&[]))?;
            self.push(digits.get(unwritten..).unwrap_or(&[]))?;
        }
        Ok(())
    }

    fn push(&mut self, octets: &[u8]) -> fmt::Result {
        let end = self.length + octets.len();
        self.octets.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(octets);
        self.length = end;
        Ok(())
    }

    fn as_str(&self) -> &str {
        self.octets.get(..self.length).and_then(|octets| std::str::from_utf8(octets).ok()).unwrap_or("")
    }
}

impl fmt::Write for AddressText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Peer, SrvTarget};
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn peer(address: IpAddr, hostname: Option<&str>, basename: &str, host: NodeHost) -> Peer {
        let shape = PeerShape {
            namespace: "default".into(),
            basename: basename.into(),
            host,
            target: SrvTarget::Pod,
            ports: Arc::default(),
        };
        Peer::new(address, Vec::new(), hostname.map(|text| Arc::new(text.into())), Arc::new(shape))
    }

    #[test]
    fn hosts_are_addresses_labels_and_hostnames() {
        let tail = || Arc::<str>::from(".tail");
        for (hostname, host, expected) in [
            (None, NodeHost::Address, Some("web@10.0.0.1")),
            (Some("h"), NodeHost::Address, Some("web@10.0.0.1")),
            (Some("h"), NodeHost::Dashed(tail()), Some("web@10-0-0-1.tail")),
            (Some("h"), NodeHost::Label(tail()), Some("web@h.tail")),
            (None, NodeHost::Label(tail()), Some("web@10-0-0-1.tail")),
            (Some("10-0-0-9"), NodeHost::Label(tail()), Some("web@10-0-0-1.tail")),
            (Some("10-0-0-9"), NodeHost::Hostname(tail()), Some("web@10-0-0-9.tail")),
            (None, NodeHost::Hostname(tail()), None),
        ] {
            let peer = peer([10, 0, 0, 1].into(), hostname, "web", host.clone());
            let name = peer.node_name().map(|name| name.to_string());
            assert_eq!(name.as_deref(), expected, "{hostname:?} {host:?}");
        }
    }

    proptest! {
        #[test]
        fn names_are_compared_as_texts(
            one: IpAddr, other: IpAddr, names in prop::array::uniform2("[a-c@.]{0,3}"), tail in "[a-c.]{0,3}") {
            let tail: Arc<str> = tail.into();
            let one = peer(one, None, &names[0], NodeHost::Address);
            let other = peer(other, None, &names[1], NodeHost::Dashed(tail));
            let (one, other) = (one.node_name().unwrap(), other.node_name().unwrap());
            prop_assert_eq!(one.to_string(), format!("{}@{}", names[0], one.pieces()[2]));
            prop_assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
            prop_assert_eq!(one.len(), one.to_string().len());
        }

        #[test]
        fn every_address_is_written_whole(address: IpAddr) {
            let text = AddressText::new(address);
            prop_assert_eq!(text.as_str(), address.to_string());
        }
    }
}
