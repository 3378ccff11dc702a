//! Who holds an address: the data of pod names and of reverse names.

use super::ordered::OrderedTable;
use super::same::same;
use crate::roster::{NodeName, Peer, PeerShape};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// Every address that a watched object holds, per namespace, with the peers that are listed by it.
///
/// Keyed by address and not by name: every spelling of a pod name parses to an address, and reverse names and ordered
/// export ask for addresses too.
#[derive(Debug, Clone, Default)]
pub(super) struct AddressTable {
    v4: OrderedTable<u32, Stored>,
    v6: OrderedTable<u128, Stored>,
}

/// The namespaces that hold one address: nearly always one, with one listed peer of one address and no hostname.
#[derive(Debug, Clone)]
enum Stored {
    /// A peer of this shape, and whether a watched object holds the address in its namespace.
    Plain(Arc<PeerShape>, bool),
    /// By namespace.
    #[expect(clippy::box_collection, reason = "the common case stays at 16 octets")]
    Several(Box<Vec<StoredHolder>>),
}

#[derive(Debug, Clone)]
struct StoredHolder {
    namespace: Arc<str>,
    held: bool,
    /// By node name.
    peers: Box<[Arc<Peer>]>,
}

/// Whoever holds an address, by namespace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Holders<'a> {
    address: IpAddr,
    stored: Option<&'a Stored>,
}

/// An address in a namespace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Holder<'a> {
    pub(super) namespace: &'a Arc<str>,
    /// Whether a watched object holds it, so that its pod name exists.
    pub(super) held: bool,
    /// One that is plain, with the address.
    plain: Option<(&'a Arc<PeerShape>, IpAddr)>,
    /// Others, sorted by node name.
    peers: &'a [Arc<Peer>],
}

impl AddressTable {
    /// The holders of an address.
    pub(super) fn holders(&self, address: IpAddr) -> Holders<'_> {
        let stored = match address {
            IpAddr::V4(v4) => self.v4.get(&v4.to_bits()),
            IpAddr::V6(v6) => self.v6.get(&v6.to_bits()),
        };
        Holders { address, stored }
    }

    /// The holder of an address in a namespace, given as octets of a question.
    pub(super) fn holder(&self, address: IpAddr, namespace: &[u8]) -> Option<Holder<'_>> {
        self.holders(address).iter().find(|holder| holder.namespace.as_bytes() == namespace)
    }

    /// Whether a plain peer alone holds the address, in this namespace, given as octets of a question. `false` says nothing.
    #[inline]
    pub(super) fn is_plainly_held(&self, address: Ipv4Addr, namespace: &[u8]) -> bool {
        match self.v4.get(&address.to_bits()) {
            Some(Stored::Plain(shape, held)) => *held && same(shape.namespace.as_bytes(), namespace),
            _ => false,
        }
    }

    /// Whether any address within `first..=last` is held.
    pub(super) fn any_v4(&self, first: u32, last: u32) -> bool {
        self.v4.any_within(&first, &last)
    }

    /// Whether any address within `first..=last` is held.
    pub(super) fn any_v6(&self, first: u128, last: u128) -> bool {
        self.v6.any_within(&first, &last)
    }

    /// All addresses with their holders, IPv4 first, in order; but for what another table shares with this one.
    pub(super) fn iter_unlike<'a>(
        &'a self,
        other: Option<&'a Self>,
    ) -> impl Iterator<Item = (IpAddr, Holders<'a>)> {
        let v4 = self
            .v4
            .iter_unlike(other.map(|other| &other.v4))
            .map(|(bits, own)| (IpAddr::V4((*bits).into()), own));
        let v6 = self
            .v6
            .iter_unlike(other.map(|other| &other.v6))
            .map(|(bits, own)| (IpAddr::V6((*bits).into()), own));
        v4.chain(v6).map(|(address, own)| (address, Holders { address, stored: Some(own) }))
    }

    /// Sets whether an object of the namespace holds the address. Whether that is new.
    pub(super) fn set_held(&mut self, address: IpAddr, namespace: &Arc<str>, held: bool) -> bool {
        let plain = |entry: &mut Option<Stored>| match entry {
            Some(Stored::Plain(shape, own)) if shape.namespace == *namespace => {
                Some(std::mem::replace(own, held) != held)
            }
            _ => None,
        };
        self.change(address, namespace, plain, |holder| std::mem::replace(&mut holder.held, held) != held)
    }

    /// Adds a listed peer to all its addresses. Whether that added its node name to a pod name that exists.
    pub(super) fn insert(&mut self, peer: &Arc<Peer>) -> bool {
        let plain = |entry: &mut Option<Stored>| {
            let held = match entry {
                None => false,
                Some(stored) => stored.held_alone(&peer.shape().namespace)?,
            };
            *entry = Some(Stored::Plain(Arc::clone(peer.shape()), held));
            Some(held)
        };
        self.change_all(peer, plain, |holder| {
            let known = holder.view().names(peer);
            holder.insert(peer);
            holder.held && !known
        })
    }

    /// Takes a listed peer away from all its addresses. Whether that took its node name from a pod name that exists.
    pub(super) fn remove(&mut self, peer: &Arc<Peer>) -> bool {
        let plain = |entry: &mut Option<Stored>| {
            let Some(Stored::Plain(shape, held)) = entry else { return None };
            if shape != peer.shape() {
                return None;
            }
            let (namespace, held) = (Arc::clone(&shape.namespace), *held);
            *entry = held.then(|| {
                Stored::Several(Box::new(vec![StoredHolder { namespace, held, peers: Box::default() }]))
            });
            Some(held)
        };
        self.change_all(peer, plain, |holder| {
            holder.remove(peer);
            holder.held && !holder.view().names(peer)
        })
    }

    /// Changes what holds the addresses of a peer: by `plain` where the peer is plain and that knows what to do, as for
    /// nearly every one, else by `change`.
    fn change_all(
        &mut self,
        peer: &Arc<Peer>,
        plain: impl Fn(&mut Option<Stored>) -> Option<bool>,
        change: impl Fn(&mut StoredHolder) -> bool,
    ) -> bool {
        let mut differs = false;
        let plain = |entry: &mut Option<Stored>| if peer.is_plain() { plain(entry) } else { None };
        for &address in peer.addresses() {
            differs |= self.change(address, &peer.shape().namespace, plain, &change);
        }
        differs && peer.node_name().is_some()
    }

    fn change(
        &mut self,
        address: IpAddr,
        namespace: &Arc<str>,
        simply: impl FnOnce(&mut Option<Stored>) -> Option<bool>,
        change: impl FnOnce(&mut StoredHolder) -> bool,
    ) -> bool {
        let mut result = false;
        let update = |entry: &mut Option<Stored>| {
            if let Some(differs) = simply(entry) {
                result = differs;
                return;
            }
            let mut holders = entry.take().map_or_else(Vec::new, |stored| stored.into_vec(address));
            let index = holders.binary_search_by(|holder| holder.namespace.cmp(namespace));
            let index = index.unwrap_or_else(|index| {
                let namespace = Arc::clone(namespace);
                holders.insert(index, StoredHolder { namespace, held: false, peers: Box::default() });
                index
            });
            if let Some(holder) = holders.get_mut(index) {
                result = change(holder);
                if !holder.held && holder.peers.is_empty() {
                    holders.remove(index);
                }
            }
            *entry = Stored::from_vec(holders);
        };
        match address {
            IpAddr::V4(v4) => self.v4.update(&v4.to_bits(), update),
            IpAddr::V6(v6) => self.v6.update(&v6.to_bits(), update),
        }
        result
    }
}

impl<'a> Holders<'a> {
    /// They, by namespace.
    pub(super) fn iter(self) -> impl Iterator<Item = Holder<'a>> {
        let (plain, several) = match self.stored {
            Some(Stored::Plain(shape, held)) => (Some((shape, *held)), None),
            Some(Stored::Several(several)) => (None, Some(several)),
            None => (None, None),
        };
        let one = plain.into_iter().map(move |(shape, held)| Holder {
            namespace: &shape.namespace,
            held,
            plain: Some((shape, self.address)),
            peers: &[],
        });
        one.chain(several.into_iter().flat_map(|several| several.iter()).map(StoredHolder::view))
    }

    /// Those in whose namespaces a watched object holds the address.
    pub(super) fn held(self) -> impl Iterator<Item = Holder<'a>> {
        self.iter().filter(|holder| holder.held)
    }
}

impl<'a> Holder<'a> {
    /// Whether any of its peers has this one's node name.
    fn names(&self, peer: &Peer) -> bool {
        let name = peer.node_name();
        let plain = self.plain.is_some_and(|(shape, address)| shape.node_name_at(address) == name);
        plain || self.peers.binary_search_by(|own| own.node_name().cmp(&name)).is_ok()
    }

    /// The node names of the listed peers with this address, sorted, each once.
    pub(super) fn node_names(&self) -> impl Iterator<Item = NodeName<'a>> + use<'a> {
        let mut last = None;
        self.each_name().flatten().filter(move |name| {
            let new = last != Some(*name);
            last = Some(*name);
            new
        })
    }

    fn each_name(&self) -> impl Iterator<Item = Option<NodeName<'a>>> + use<'a> {
        let plain = self.plain.into_iter().map(|(shape, address)| shape.node_name_at(address));
        plain.chain(self.peers.iter().map(|peer| peer.node_name()))
    }
}

impl Stored {
    /// Whether the address is held, where this namespace alone has it, and no listed peer.
    fn held_alone(&self, of: &Arc<str>) -> Option<bool> {
        let Stored::Several(holders) = self else { return None };
        match &***holders {
            [StoredHolder { namespace, held, peers }] if namespace == of && peers.is_empty() => Some(*held),
            _ => None,
        }
    }

    fn into_vec(self, address: IpAddr) -> Vec<StoredHolder> {
        match self {
            Stored::Plain(shape, held) => {
                let namespace = Arc::clone(&shape.namespace);
                let peer = Arc::new(Peer::new(address, Vec::new(), None, shape));
                vec![StoredHolder { namespace, held, peers: Box::new([peer]) }]
            }
            Stored::Several(holders) => *holders,
        }
    }

    fn from_vec(holders: Vec<StoredHolder>) -> Option<Stored> {
        if let [StoredHolder { held, peers, .. }] = &*holders
            && let [peer] = &**peers
            && peer.is_plain()
        {
            return Some(Stored::Plain(Arc::clone(peer.shape()), *held));
        }
        (!holders.is_empty()).then(|| Stored::Several(Box::new(holders)))
    }
}

impl StoredHolder {
    fn view(&self) -> Holder<'_> {
        Holder { namespace: &self.namespace, held: self.held, plain: None, peers: &self.peers }
    }

    fn insert(&mut self, peer: &Arc<Peer>) {
        let mut peers = std::mem::take(&mut self.peers).into_vec();
        let name = peer.node_name();
        peers.insert(peers.partition_point(|own| own.node_name() <= name), Arc::clone(peer));
        self.peers = peers.into();
    }

    fn remove(&mut self, peer: &Arc<Peer>) {
        let mut peers = std::mem::take(&mut self.peers).into_vec();
        let name = peer.node_name();
        let first = peers.partition_point(|own| own.node_name() < name);
        // Equal names are few: peers of one set differ by theirs.
        if let Some(index) = peers.iter().skip(first).position(|own| own == peer) {
            peers.remove(first + index);
        }
        self.peers = peers.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each octet more is 150 kB in a large cluster.
    #[test]
    fn an_address_takes_little() {
        assert!(size_of::<Stored>() <= 16, "{}", size_of::<Stored>());
    }
}
