//! Who the peers are: endpoint objects in, changes of sets out.
//!
//! Plain structs without I/O, tasks or a clock. It knows Kubernetes' words (objects, labels, selectors, conditions)
//! but no client types, and nothing of DNS messages: sets, peers and node names leave it as text and addresses.
//!
//! Promises: the same objects in any order give the same sets; a change costs what changed, not what exists; a
//! re-list becomes visible whole.

mod change;
mod dashed;
mod event;
mod object;
mod peer;
mod selector;
mod selector_parser;
mod topology;

pub use change::{Change, PortName, SetKey, SetSettings};
pub use dashed::{DashedLabel, dashed, parse_dashed};
pub use event::{Event, EventKind, Scope, WatchId};
pub use object::{
    Conditions, Endpoint, EndpointGroup, EndpointObject, ObjectKey, ObjectKind, Port, Protocol, Uid,
};
pub use peer::{Peer, SrvTarget};
pub use selector::{Condition, LabelProblem, Requirement, Selector, SelectorError};
pub use topology::{
    Family, Include, Mode, Namespaces, PortChoice, Prefer, RecordTypes, SrvHost, Topology, WhenEmpty,
};
