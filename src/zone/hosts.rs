//! The names of peers below a set, `<hostname or ip-with-dashes>.<set>.<ns>.svc.<zone>`, as far as a set's addresses do
//! not tell them.
//!
//! Nearly every peer is plain: it has one address and no hostname, and its label is that address. Nothing is kept of
//! those; an address is the label of one where more peers have it than the others that are counted here.

use super::ordered::OrderedTable;
use crate::roster::Peer;
use std::net::IpAddr;

/// Finds the addresses of peers that are not plain.
#[derive(Debug, Clone, Default)]
pub(super) struct Hosts {
    by_hostname: OrderedTable<Box<[u8]>, Addresses>,
    /// Peers with several addresses and no hostname, by the address that names them.
    by_address: OrderedTable<IpAddr, Addresses>,
    /// How many peers that are not plain have an address.
    not_plain: OrderedTable<IpAddr, usize>,
}

/// The addresses of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostAddresses<'a> {
    /// One.
    One(IpAddr),
    /// One or several, sorted.
    Several(&'a [IpAddr]),
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

impl HostAddresses<'_> {
    /// Them all, sorted: IPv4 first.
    pub fn as_slice(&self) -> &[IpAddr] {
        match self {
            HostAddresses::One(address) => std::slice::from_ref(address),
            HostAddresses::Several(addresses) => addresses,
        }
    }
}

impl Hosts {
    /// The addresses of the peer of this hostname, lower case or not.
    pub(super) fn of_hostname(&self, hostname: &[u8]) -> Option<HostAddresses<'_>> {
        self.by_hostname.get(hostname).map(Addresses::view)
    }

    /// The addresses of peers that this address names and that have others too.
    pub(super) fn of_address(&self, address: IpAddr) -> Option<HostAddresses<'_>> {
        self.by_address.get(&address).map(Addresses::view)
    }

    /// How many peers that are not plain have the address.
    pub(super) fn not_plain(&self, address: IpAddr) -> usize {
        self.not_plain.get(&address).copied().unwrap_or(0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.not_plain.is_empty()
    }

    /// Adds a peer that is not plain.
    pub(super) fn insert(&mut self, peer: &Peer) {
        self.change(peer, true, |causes| causes.push(peer.addresses().into()));
    }

    /// Takes a peer away that is not plain.
    pub(super) fn remove(&mut self, peer: &Peer) {
        self.change(peer, false, |causes| {
            if let Some(index) = causes.iter().position(|cause| **cause == *peer.addresses()) {
                causes.swap_remove(index);
            }
        });
    }

    /// Hostnames with their addresses, in order.
    pub(super) fn hostnames(&self) -> impl Iterator<Item = (&[u8], HostAddresses<'_>)> {
        self.by_hostname.iter().map(|(name, own)| (&**name, own.view()))
    }

    /// Addresses that name peers with others too, in order.
    pub(super) fn addresses(&self) -> impl Iterator<Item = (IpAddr, HostAddresses<'_>)> {
        self.by_address.iter().map(|(address, own)| (*address, own.view()))
    }

    fn change(&mut self, peer: &Peer, more: bool, change: impl FnOnce(&mut Vec<Box<[IpAddr]>>)) {
        for address in peer.addresses() {
            self.not_plain.update(address, |count| {
                let before = count.unwrap_or(0);
                let after = if more { before + 1 } else { before.saturating_sub(1) };
                *count = (after > 0).then_some(after);
            });
        }
        let update = |entry: &mut Option<Addresses>| {
            let mut causes = entry.take().map_or_else(Vec::new, Addresses::into_causes);
            change(&mut causes);
            *entry = Addresses::from_causes(causes);
        };
        match peer.hostname() {
            Some(hostname) => self.by_hostname.update(&hostname.as_bytes().into(), update),
            None => self.by_address.update(&peer.primary(), update),
        }
    }
}

impl Addresses {
    fn view(&self) -> HostAddresses<'_> {
        match self {
            Addresses::One { address, .. } => HostAddresses::One(*address),
            Addresses::Union(union) => HostAddresses::Several(&union.addresses),
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
