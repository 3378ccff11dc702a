//! Who the peers are: endpoint objects in, changes of sets out.
//!
//! Plain structs without I/O, tasks or a clock. It knows Kubernetes' words (objects, labels, selectors, conditions)
//! but no client types, and nothing of DNS messages: sets, peers and node names leave it as text and addresses.
//!
//! Promises: the same objects in any order give the same sets; a change costs what changed, not what exists; a
//! re-list becomes visible whole.

mod at_address;
mod broken;
mod change;
mod counts;
mod dashed;
mod digest;
mod entries;
mod event;
mod explain;
mod held;
mod index;
mod intern;
mod join;
mod label;
mod list;
mod members;
mod naming;
mod node_name;
mod notice;
mod object;
mod overrides;
mod peer;
mod places;
mod ports;
mod reading;
mod reconcile;
mod selector;
mod selector_parser;
mod set;
mod slab;
mod store;
mod topology;
mod view;
mod watch;

#[cfg(test)]
mod tests;

pub use change::{Change, PortName, SetKey, SetSettings, Standing, Standings};
pub use counts::{Counts, Scoped, SetCounts};
pub use dashed::{DASHED_IPV4_BLOCK, DashedLabel, dashed, parse_dashed, parse_dashed_ipv4_in};
pub use event::{Event, EventKind, Gives, Scope, WatchId};
pub use explain::{ExplainPass, Explained, Subject};
pub use index::{Options, Roster};
pub use label::{is_basename, is_dns_label};
pub use node_name::NodeName;
pub use notice::{Notice, NoticeKind, ObjectName, Problem};
pub use object::{
    Addresses, Conditions, Endpoint, EndpointGroup, EndpointObject, ObjectKey, ObjectKind, Placement, Port,
    Protocol, Uid,
};
pub use peer::{Hostname, NodeHost, Peer, PeerShape, SrvTarget};
pub use selector::{LabelProblem, Selector, SelectorError};
pub use topology::{
    Family, Include, Mode, Namespaces, PortChoice, Prefer, RecordTypes, SrvHost, TTL_MAX, Topology, WhenEmpty,
};
pub use view::{
    BrokenView, Candidacy, EntryView, PeersPage, SetView, SetsPage, SetsPass, TopologyTotals, Totals,
    TotalsPass, Verdict, Wanted,
};
