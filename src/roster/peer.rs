//! A peer as a set lists it: joined, filtered, named.

use super::Port;
use std::net::IpAddr;
use std::sync::Arc;

/// A listed peer: one member of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The address that names it, of the preferred family. One of `addresses`.
    pub primary: IpAddr,
    /// All addresses that the set lists of it, sorted, unique, never empty.
    pub addresses: Box<[IpAddr]>,
    /// The namespace its pod name carries: the address's `targetRef.namespace`, else the object's.
    pub namespace: Arc<str>,
    /// Its label below the set where that is a hostname (a lower-case RFC 1123 label, unique among the set's peers,
    /// never one that reads as a dashed address); otherwise the label is the dashed primary address.
    pub hostname: Option<Box<str>>,
    /// `<basename>@<host>`; `None` where that is longer than 255 octets.
    pub node_name: Option<Box<str>>,
    /// What its SRV records point at.
    pub target: SrvTarget,
    /// The ports of its SRV records, sorted, unique, never empty.
    pub ports: Arc<[Port]>,
}

/// What a peer's SRV records point at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SrvTarget {
    /// `<ip-dashes>.<ns>.pod.<cluster domain>`, of the primary address and the peer's namespace.
    Pod,
    /// The peer's own name below the set, in our zone.
    Peer,
    /// `<hostname>.<service>.<ns>.svc.<cluster domain>`: served by the cluster's own DNS. `<ns>` is the peer's.
    Service {
        /// The pod's hostname.
        hostname: Box<str>,
        /// The Service that the hostname stands below.
        service: Box<str>,
    },
}
