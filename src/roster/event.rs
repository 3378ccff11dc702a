//! What sources tell the roster. Every source (files, the Kubernetes API) speaks these words and no others.

use super::{EndpointObject, ObjectKey};

/// One thing that happened at a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The watch it happened to.
    pub watch: WatchId,
    /// The revision (`resourceVersion`) up to which the watch is complete with this event; `None` for files, and where
    /// the API's is not a number.
    pub revision: Option<u64>,
    /// What happened.
    pub kind: EventKind,
}

/// What happened to a watch.
///
/// A list is `Reset`, any number of `Apply`, `Synced`: nothing of it is visible before `Synced`, which also deletes
/// the watch's objects that the list did not name. Between `Synced` and the next `Reset`, `Apply` and `Delete` act at
/// once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// The watch exists from now on, not yet synchronised. Names within its scope to which it contributes wait for its
    /// first `Synced`. Of a watch that exists already, only the scope changes.
    Started(Scope, Gives),
    /// What people call the watch: a file, a resource. For notices only.
    Named(Box<str>),
    /// A full list begins.
    Reset,
    /// The object is now this.
    Apply(Box<EndpointObject>),
    /// The object does not parse: of it, only key, service and labels are known, and it has no groups. Its last good
    /// version stays; where there is none, its sets are refused until there is, or the object is gone. Within a list it
    /// counts as named.
    Broken(Box<EndpointObject>),
    /// The object is gone; unknown ones are ignored.
    Delete(ObjectKey),
    /// The list is complete.
    Synced,
    /// The source lost its origin: its data stays served, as stale.
    Unreachable,
    /// The source has its origin again.
    Reachable,
    /// The watch is no more, and its objects with it (a file taken out of a folder).
    Ended,
}

/// A watch, numbered by whoever starts it. Equal objects of two watches are two objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WatchId(pub u32);

/// What the objects of a watch are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gives {
    /// Peers of sets, and addresses that pod names can be verified against.
    Peers,
    /// Those addresses alone: Pods, whose readiness is no membership.
    Addresses,
}

/// The namespaces that a watch can contribute to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// All of them.
    All,
    /// One.
    Namespace(Box<str>),
}
