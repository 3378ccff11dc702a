//! Who holds an address: the data of pod names and of reverse names.

use super::ordered::OrderedTable;
use crate::roster::Peer;
use std::net::IpAddr;
use std::sync::Arc;

/// Every address that a watched object holds, per namespace, with the peers that are listed by it.
///
/// Keyed by address and not by name: every spelling of a pod name parses to an address, and reverse names and ordered
/// export ask for addresses too.
#[derive(Debug, Clone, Default)]
pub(super) struct AddressTable {
    v4: OrderedTable<u32, Holders>,
    v6: OrderedTable<u128, Holders>,
}

/// The namespaces that hold one address: nearly always one.
#[derive(Debug, Clone)]
enum Holders {
    One(Holder),
    Many(Box<[Holder]>),
}

/// An address in a namespace.
#[derive(Debug, Clone)]
pub(super) struct Holder {
    pub(super) namespace: Arc<str>,
    /// Whether a watched object holds it, so that its pod name exists.
    pub(super) held: bool,
    peers: Peers,
}

/// Listed peers with an address, sorted by node name.
#[derive(Debug, Clone)]
enum Peers {
    None,
    One(Arc<Peer>),
    Many(Box<[Arc<Peer>]>),
}

impl AddressTable {
    /// The holders of an address, by namespace.
    pub(super) fn holders(&self, address: IpAddr) -> &[Holder] {
        let found = match address {
            IpAddr::V4(v4) => self.v4.get(&v4.to_bits()),
            IpAddr::V6(v6) => self.v6.get(&v6.to_bits()),
        };
        found.map_or(&[], Holders::as_slice)
    }

    /// The holder of an address in a namespace, given as octets of a question.
    pub(super) fn holder(&self, address: IpAddr, namespace: &[u8]) -> Option<&Holder> {
        self.holders(address).iter().find(|holder| holder.namespace.as_bytes() == namespace)
    }

    /// Whether any address within `first..=last` is held.
    pub(super) fn any_v4(&self, first: u32, last: u32) -> bool {
        self.v4.any_within(&first, &last)
    }

    /// Whether any address within `first..=last` is held.
    pub(super) fn any_v6(&self, first: u128, last: u128) -> bool {
        self.v6.any_within(&first, &last)
    }

    /// All addresses with their holders, IPv4 first, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (IpAddr, &[Holder])> {
        let v4 = self.v4.iter().map(|(bits, own)| (IpAddr::V4((*bits).into()), own.as_slice()));
        let v6 = self.v6.iter().map(|(bits, own)| (IpAddr::V6((*bits).into()), own.as_slice()));
        v4.chain(v6)
    }

    /// Sets whether an object of the namespace holds the address. Whether that is new.
    pub(super) fn set_held(&mut self, address: IpAddr, namespace: &Arc<str>, held: bool) -> bool {
        self.change(address, namespace, |holder| std::mem::replace(&mut holder.held, held) != held)
    }

    /// Adds a listed peer to all its addresses. Whether that added its node name to a pod name that exists.
    pub(super) fn insert(&mut self, peer: &Arc<Peer>) -> bool {
        self.change_all(peer, |holder| {
            let known = holder.names(peer);
            holder.peers.insert(peer);
            holder.held && !known
        })
    }

    /// Takes a listed peer away from all its addresses. Whether that took its node name from a pod name that exists.
    pub(super) fn remove(&mut self, peer: &Arc<Peer>) -> bool {
        self.change_all(peer, |holder| {
            holder.peers.remove(peer);
            holder.held && !holder.names(peer)
        })
    }

    fn change_all(&mut self, peer: &Arc<Peer>, change: impl Fn(&mut Holder) -> bool) -> bool {
        let mut differs = false;
        for &address in &peer.addresses {
            differs |= self.change(address, &peer.namespace, &change);
        }
        differs && peer.node_name.is_some()
    }

    fn change<T: Default>(
        &mut self,
        address: IpAddr,
        namespace: &Arc<str>,
        change: impl FnOnce(&mut Holder) -> T,
    ) -> T {
        let mut result = T::default();
        let update = |entry: &mut Option<Holders>| {
            let mut holders = entry.take().map_or_else(Vec::new, Holders::into_vec);
            let index = holders.binary_search_by(|holder| holder.namespace.cmp(namespace));
            let index = index.unwrap_or_else(|index| {
                holders.insert(
                    index,
                    Holder { namespace: Arc::clone(namespace), held: false, peers: Peers::None },
                );
                index
            });
            if let Some(holder) = holders.get_mut(index) {
                result = change(holder);
                if !holder.held && matches!(holder.peers, Peers::None) {
                    holders.remove(index);
                }
            }
            *entry = Holders::from_vec(holders);
        };
        match address {
            IpAddr::V4(v4) => self.v4.update(&v4.to_bits(), update),
            IpAddr::V6(v6) => self.v6.update(&v6.to_bits(), update),
        }
        result
    }
}

impl Holder {
    /// Whether any of its peers has this one's node name.
    fn names(&self, peer: &Peer) -> bool {
        self.peers.as_slice().iter().any(|own| own.node_name == peer.node_name)
    }

    /// The node names of the listed peers with this address, sorted, each once.
    pub(super) fn node_names(&self) -> impl Iterator<Item = &str> {
        let mut last = None;
        self.peers.as_slice().iter().filter_map(|peer| peer.node_name.as_deref()).filter(move |name| {
            let new = last != Some(*name);
            last = Some(*name);
            new
        })
    }
}

impl Holders {
    fn as_slice(&self) -> &[Holder] {
        match self {
            Holders::One(holder) => std::slice::from_ref(holder),
            Holders::Many(holders) => holders,
        }
    }

    fn into_vec(self) -> Vec<Holder> {
        match self {
            Holders::One(holder) => vec![holder],
            Holders::Many(holders) => holders.into_vec(),
        }
    }

    fn from_vec(mut holders: Vec<Holder>) -> Option<Holders> {
        match holders.len() {
            0 | 1 => holders.pop().map(Holders::One),
            _ => Some(Holders::Many(holders.into())),
        }
    }
}

impl Peers {
    fn as_slice(&self) -> &[Arc<Peer>] {
        match self {
            Peers::None => &[],
            Peers::One(peer) => std::slice::from_ref(peer),
            Peers::Many(peers) => peers,
        }
    }

    fn insert(&mut self, peer: &Arc<Peer>) {
        self.change(|peers| {
            let index = peers.partition_point(|own| own.node_name <= peer.node_name);
            peers.insert(index, Arc::clone(peer));
        });
    }

    fn remove(&mut self, peer: &Arc<Peer>) {
        self.change(|peers| {
            if let Some(index) = peers.iter().position(|own| own == peer) {
                peers.remove(index);
            }
        });
    }

    fn change(&mut self, change: impl FnOnce(&mut Vec<Arc<Peer>>)) {
        let mut peers = self.as_slice().to_vec();
        change(&mut peers);
        *self = match peers.len() {
            0 => Peers::None,
            1 => peers.pop().map_or(Peers::None, Peers::One),
            _ => Peers::Many(peers.into()),
        };
    }
}
