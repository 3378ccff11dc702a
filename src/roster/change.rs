//! What the roster tells the zone: an ordered log of differences, each true when those before it are applied.

use super::{Peer, Protocol, RecordTypes};
use std::net::IpAddr;
use std::sync::Arc;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The set exists from now on, or its settings changed. A new set has no peers yet.
    Set(SetKey, Arc<SetSettings>),
    /// The set exists no more; its peers have been removed before.
    SetGone(SetKey),
    /// A peer of the set came (`old` absent), went (`new` absent) or changed. `old` equals what was given before.
    Peer {
        /// The set.
        set: SetKey,
        /// What it was.
        old: Option<Arc<Peer>>,
        /// What it is.
        new: Option<Arc<Peer>>,
    },
    /// An address came to be held by a watched object of the namespace, whatever its condition (`held`), or is held by
    /// none any more.
    Address {
        /// The namespace that the pod name carries.
        namespace: Arc<str>,
        /// The address.
        address: IpAddr,
        /// Whether any object holds it now.
        held: bool,
    },
    /// Which namespaces have all their watches synchronised: see [`Change::All`] for those not named.
    Namespace {
        /// The namespace.
        namespace: Arc<str>,
        /// Whether every watch that can contribute to it has delivered its full list once.
        ready: bool,
    },
    /// Whether every watch of every scope that covers all namespaces has delivered its full list once; with `false`
    /// no namespace is ready.
    All {
        /// Watches over all namespaces are synchronised: namespaces that no [`Change::Namespace`] named are ready.
        ready: bool,
        /// Watches of single namespaces are synchronised too: nothing is missing anywhere.
        complete: bool,
    },
    /// Whether any watch has lost its origin: what is served may be old.
    Stale(bool),
}

/// A set's name: `<set>.<ns>.svc.<zone>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SetKey {
    /// The namespace, a lower-case RFC 1123 label.
    pub namespace: Arc<str>,
    /// The set, a lower-case RFC 1123 label.
    pub name: Arc<str>,
}

/// What holds for all of a set's records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetSettings {
    /// TTL in seconds at and below the set's name, where one is set.
    pub ttl: Option<u32>,
    /// The types served at the set's own name and its parts.
    pub records: RecordTypes,
    /// The named ports of the set, sorted, unique: `_<name>._<proto>` exists for each even while no peer has it.
    /// Names that cannot be a label (63 octets or more with the underscore, empty) are left out.
    pub port_names: Arc<[PortName]>,
}

/// A named port, as `_<name>._<proto>` spells it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortName {
    /// The name, lower case, without underscore.
    pub name: Box<str>,
    /// The protocol.
    pub protocol: Protocol,
}
