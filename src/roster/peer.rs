//! A peer as a set lists it: joined, filtered, named.
//!
//! There may be hundreds of thousands: what the peers of a set have in common stands in memory once, and node names are
//! put together when they are asked for.

use super::node_name::NodeName;
use super::{Port, parse_dashed};
use std::net::IpAddr;
use std::sync::Arc;

/// A listed peer: one member of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    addresses: Addresses,
    /// The hostname that it goes by, in its label, its node name or its target.
    hostname: Option<Arc<Hostname>>,
    shape: Arc<PeerShape>,
}

/// What the peers of a set nearly always have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PeerShape {
    /// The namespace its pod name carries: the address's `targetRef.namespace`, else the object's.
    pub namespace: Arc<str>,
    /// What stands before the `@` of its node name.
    pub basename: Arc<str>,
    /// What stands behind it.
    pub host: NodeHost,
    /// What its SRV records point at.
    pub target: SrvTarget,
    /// The ports of its SRV records, sorted, unique, never empty.
    pub ports: Arc<[Port]>,
}

/// The host of a node name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NodeHost {
    /// The primary address.
    Address,
    /// The dashed primary address, and this text behind it.
    Dashed(Arc<str>),
    /// The peer's label below its set, and this text behind it.
    Label(Arc<str>),
    /// The hostname, whatever it reads as, and this text behind it.
    Hostname(Arc<str>),
}

/// What a peer's SRV records point at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SrvTarget {
    /// `<ip-dashes>.<ns>.pod.<cluster domain>`, of the primary address and the peer's namespace.
    Pod,
    /// The peer's own name below the set, in our zone.
    Peer,
    /// `<hostname>.<service>.<ns>.svc.<cluster domain>`: served by the cluster's own DNS. `<ns>` is the peer's.
    Service(Arc<str>),
}

/// A hostname, behind one pointer of one word: most endpoints have none.
#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hostname(Box<str>);

/// Almost every peer has one address.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Addresses {
    One(IpAddr),
    Several(Box<Several>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Several {
    primary: IpAddr,
    /// Sorted, unique.
    all: Box<[IpAddr]>,
}

impl Peer {
    /// A peer that `primary` names, and that has the other addresses too, in any order, also repeated.
    pub fn new(
        primary: IpAddr,
        mut addresses: Vec<IpAddr>,
        hostname: Option<Arc<Hostname>>,
        shape: Arc<PeerShape>,
    ) -> Peer {
        addresses.retain(|address| *address != primary);
        let addresses = if addresses.is_empty() {
            Addresses::One(primary)
        } else {
            addresses.push(primary);
            addresses.sort_unstable();
            addresses.dedup();
            Addresses::Several(Box::new(Several { primary, all: addresses.into() }))
        };
        Peer { addresses, hostname, shape }
    }

    /// The address that names it, of the preferred family. One of [`Peer::addresses`].
    pub fn primary(&self) -> IpAddr {
        match &self.addresses {
            Addresses::One(address) => *address,
            Addresses::Several(several) => several.primary,
        }
    }

    /// All addresses that the set lists of it, sorted, unique, never empty.
    pub fn addresses(&self) -> &[IpAddr] {
        match &self.addresses {
            Addresses::One(address) => std::slice::from_ref(address),
            Addresses::Several(several) => &several.all,
        }
    }

    /// Its label below the set where that is a hostname (a lower-case RFC 1123 label, unique among the set's peers,
    /// never one that reads as a dashed address); otherwise the label is the dashed primary address.
    pub fn hostname(&self) -> Option<&str> {
        self.hostname.as_deref().and_then(Hostname::as_label)
    }

    /// The hostname that targets and node names have which stand outside of our zones: it may read as an address.
    pub fn given_hostname(&self) -> Option<&str> {
        self.hostname.as_deref().map(Hostname::as_str)
    }

    /// `<basename>@<host>`; `None` where that is longer than 255 octets.
    pub fn node_name(&self) -> Option<NodeName<'_>> {
        self.long_node_name().filter(|name| !name.is_too_long())
    }

    /// Whether its address and shape are all there is to it.
    pub fn is_plain(&self) -> bool {
        self.hostname.is_none() && matches!(self.addresses, Addresses::One(_))
    }

    /// The node name, even where it is too long. `None` where it would need a hostname, and there is none.
    pub(super) fn long_node_name(&self) -> Option<NodeName<'_>> {
        NodeName::of(&self.shape, self.primary(), self.hostname.as_deref())
    }

    /// What it has in common with others.
    pub fn shape(&self) -> &Arc<PeerShape> {
        &self.shape
    }
}

impl PeerShape {
    /// The node name of a peer of this shape that has this address alone, and no hostname; `None` where that is longer
    /// than 255 octets.
    pub fn node_name_at(&self, address: IpAddr) -> Option<NodeName<'_>> {
        NodeName::of(self, address, None).filter(|name| !name.is_too_long())
    }
}

impl Hostname {
    /// The hostname where it is the label of its peer. Below the set, one that reads as an address is that address's.
    pub(super) fn as_label(&self) -> Option<&str> {
        Some(self.as_str()).filter(|text| parse_dashed(text.as_bytes()).is_none())
    }

    /// The hostname as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Hostname {
    fn from(text: &str) -> Hostname {
        Hostname(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each octet more is 150 kB in a large cluster.
    #[test]
    fn a_peer_is_small() {
        assert!(size_of::<Peer>() <= 40, "{}", size_of::<Peer>());
    }

    #[test]
    fn addresses_are_sorted_and_unique() {
        let shape = Arc::new(PeerShape {
            namespace: "default".into(),
            basename: "web".into(),
            host: NodeHost::Address,
            target: SrvTarget::Pod,
            ports: Arc::default(),
        });
        let address = |last| IpAddr::from([10, 0, 0, last]);
        for (primary, others, expected) in
            [(2, vec![], vec![2]), (2, vec![2, 2], vec![2]), (2, vec![3, 1, 3], vec![1, 2, 3])]
        {
            let others = others.into_iter().map(address).collect();
            let peer = Peer::new(address(primary), others, None, Arc::clone(&shape));
            assert_eq!(peer.primary(), address(primary));
            assert!(peer.addresses().iter().copied().eq(expected.into_iter().map(address)));
        }
    }
}
