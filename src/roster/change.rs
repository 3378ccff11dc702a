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
    /// A peer of the set came (`old` absent), went (`new` absent) or changed, or one came and another went. `old` equals
    /// what was given before.
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
    /// What the watches over this namespace alone have delivered. A namespace without a word has none of its own, which
    /// is as [`Standings::COMPLETE`].
    Namespace {
        /// The namespace.
        namespace: Arc<str>,
        /// What is known of the names in it, as far as these watches go.
        known: Standings,
    },
    /// What the watches over all namespaces have delivered. Without any watch that gives peers nothing is ready.
    All {
        /// What is known of the names in every namespace, as far as these watches go.
        known: Standings,
        /// What is known of names that tell no namespace: all watches of every scope have to be ready.
        everywhere: Standing,
    },
    /// Objects that would contribute to the set do not parse and never did (`refused`), or none is left: neither the
    /// set nor its absence can be told. Said of sets that exist for no other reason too.
    Refused {
        /// The set.
        set: SetKey,
        /// Whether it is refused now.
        refused: bool,
    },
    /// Objects of the namespace do not parse and never did (`any`), or none is left: an address that nobody holds may
    /// be theirs.
    Unparsed {
        /// The namespace of the objects.
        namespace: Arc<str>,
        /// Whether there are any now.
        any: bool,
    },
}

/// How far names are known to which some watches contribute. Without any such watch, [`Standing::COMPLETE`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Each of the watches has delivered its full list once: what is not known does not exist.
    pub ready: bool,
    /// One that had delivered its list has lost its origin since: what is known may be old. One that lost it before has
    /// given nothing that could be.
    pub stale: bool,
}

/// How far the names of one scope are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standings {
    /// Those of sets: watches that give peers contribute to them.
    pub sets: Standing,
    /// Those of addresses: all watches contribute to them.
    pub addresses: Standing,
}

impl Standing {
    /// Everything is known, as it is now.
    pub const COMPLETE: Standing = Standing { ready: true, stale: false };

    /// Of names to which the watches of both contribute.
    #[must_use]
    pub fn and(self, other: Standing) -> Standing {
        Standing { ready: self.ready && other.ready, stale: self.stale || other.stale }
    }
}

impl Standings {
    /// Everything is known, as it is now.
    pub const COMPLETE: Standings = Standings { sets: Standing::COMPLETE, addresses: Standing::COMPLETE };
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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
