//! A reverse zone below its apex: a pointer to the pod name for each held address, empty non-terminals above them.

use super::arpa::{Covered, Tree};
use super::node::{Found, NodeKind};
use super::snapshot::Snapshot;
use crate::wire::QueryName;

/// What stands at a name below a reverse zone's apex.
pub(super) fn find<'a>(snapshot: &'a Snapshot, name: &QueryName, tree: Tree) -> Found<'a> {
    // A name that is no prefix of an address cannot exist, whatever is still to come.
    let Some(covered) = tree.covered(name) else { return Found::IMPOSSIBLE };
    let found = if let Some(address) = covered.address() {
        let holders = snapshot.addresses.holders(address);
        holders.held().next().is_some().then_some(NodeKind::Pointer(snapshot, address, holders))
    } else {
        let any = match covered {
            Covered::Ipv4(first, last) => snapshot.addresses.any_v4(first, last),
            Covered::Ipv6(first, last) => snapshot.addresses.any_v6(first, last),
        };
        any.then_some(NodeKind::EmptyNonTerminal)
    };
    let known = snapshot.readiness.everywhere;
    // A reverse name tells no namespace, so that only the end of every list can deny it, and only where every object
    // was read.
    match found {
        None if !known.ready => Found::NotReady,
        None if snapshot.refusals.any_unparsed() => Found::Broken,
        found => Found::of_watches(found, known),
    }
}
