//! The names of peers below a set: `<hostname or ip-with-dashes>.<set>.<ns>.svc.<zone>`.

use super::ordered::OrderedTable;
use crate::roster::{Peer, parse_dashed};
use std::net::IpAddr;

/// Finds a peer's addresses by its label.
#[derive(Debug, Clone, Default)]
pub(super) struct Hosts {
    /// Peers without a hostname, by the address that names them: every spelling of the label parses to it.
    by_address: OrderedTable<IpAddr, Addresses>,
    by_hostname: OrderedTable<Box<[u8]>, Addresses>,
}

/// The addresses at one label, with what they come from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Addresses {
    /// One address, from this many peers.
    One { address: IpAddr, causes: usize },
    /// The union of several lists; boxed, because it is rare.
    Union(Box<Union>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Union {
    addresses: Box<[IpAddr]>,
    /// The peers' own lists, sorted.
    causes: Vec<Box<[IpAddr]>>,
}

impl Hosts {
    /// The addresses of the peer of this label (lower case or not, in any spelling of an address), sorted; empty when
    /// no peer has it.
    pub(super) fn addresses(&self, label: &[u8]) -> &[IpAddr] {
        let found = match parse_dashed(label) {
            Some(address) => self.by_address.get(&address),
            None => self.by_hostname.get(label),
        };
        found.map_or(&[], Addresses::as_slice)
    }

    pub(super) fn insert(&mut self, peer: &Peer) {
        self.change(peer, |causes| causes.push(peer.addresses.clone()));
    }

    pub(super) fn remove(&mut self, peer: &Peer) {
        self.change(peer, |causes| {
            if let Some(index) = causes.iter().position(|cause| *cause == peer.addresses) {
                causes.swap_remove(index);
            }
        });
    }

    /// Labels with their addresses: hostnames and those of addresses, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (HostLabel<'_>, &[IpAddr])> {
        let hostnames =
            self.by_hostname.iter().map(|(name, own)| (HostLabel::Hostname(name), own.as_slice()));
        let addresses = self.by_address.iter().map(|(key, own)| (HostLabel::Address(*key), own.as_slice()));
        hostnames.chain(addresses)
    }

    fn change(&mut self, peer: &Peer, change: impl FnOnce(&mut Vec<Box<[IpAddr]>>)) {
        let update = |entry: &mut Option<Addresses>| {
            let mut causes = entry.take().map_or_else(Vec::new, Addresses::into_causes);
            change(&mut causes);
            *entry = Addresses::from_causes(causes);
        };
        match &peer.hostname {
            Some(hostname) => self.by_hostname.update(&hostname.as_bytes().into(), update),
            None => self.by_address.update(&peer.primary, update),
        }
    }
}

/// What a peer's label is made of.
#[derive(Debug, Clone, Copy)]
pub(super) enum HostLabel<'a> {
    Hostname(&'a [u8]),
    Address(IpAddr),
}

impl Addresses {
    fn as_slice(&self) -> &[IpAddr] {
        match self {
            Addresses::One { address, .. } => std::slice::from_ref(address),
            Addresses::Union(union) => &union.addresses,
        }
    }

    fn into_causes(self) -> Vec<Box<[IpAddr]>> {
        match self {
            Addresses::One { address, causes } => vec![Box::from([address]); causes],
            Addresses::Union(union) => union.causes,
        }
    }

    fn from_causes(mut causes: Vec<Box<[IpAddr]>>) -> Option<Addresses> {
        causes.sort_unstable();
        let mut addresses: Vec<IpAddr> = causes.iter().flatten().copied().collect();
        addresses.sort_unstable();
        addresses.dedup();
        match *addresses {
            [] => None,
            [address] => Some(Addresses::One { address, causes: causes.len() }),
            _ => Some(Addresses::Union(Box::new(Union { addresses: addresses.into(), causes }))),
        }
    }
}
