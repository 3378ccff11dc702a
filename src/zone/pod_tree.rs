//! The pod zone below its apex: `<ns>`, and `<ip-with-dashes>.<ns>`.

use super::PodNames;
use super::node::{Found, NodeKind};
use super::snapshot::Snapshot;
use crate::roster::{is_dns_label, parse_dashed};
use crate::wire::{QueryName, RecordType};

/// What stands at a name with `depth` labels below the apex, at least one.
pub(super) fn find<'a>(
    snapshot: &'a Snapshot,
    name: &QueryName,
    depth: usize,
    qtype: RecordType,
) -> Found<'a> {
    let verified = snapshot.constants.pods == PodNames::Verified;
    match depth {
        1 => {
            let namespace = name.label(0);
            if snapshot.pod_namespaces.get(namespace).is_some() || (!verified && is_namespace(namespace)) {
                Found::node(NodeKind::EmptyNonTerminal)
            } else if verified && !snapshot.readiness.of(namespace) {
                Found::NotReady
            } else {
                Found::NxDomain
            }
        }
        2 => {
            let namespace = name.label(1);
            // What spells no address cannot exist, whatever is still to come.
            let Some(address) = parse_dashed(name.label(0)) else { return Found::NxDomain };
            // Without verification an address needs no watch; the node names there do.
            let waits = verified || matches!(qtype, RecordType::TXT | RecordType::ANY);
            if waits && !snapshot.readiness.of(namespace) {
                return Found::NotReady;
            }
            let holder = snapshot.addresses.holder(address, namespace);
            if holder.is_some_and(|holder| holder.held) || (!verified && is_namespace(namespace)) {
                Found::node(NodeKind::Pod(snapshot, address, holder))
            } else {
                Found::NxDomain
            }
        }
        _ => Found::NxDomain,
    }
}

/// A label that a namespace can have, folded to lower case already.
fn is_namespace(label: &[u8]) -> bool {
    std::str::from_utf8(label).is_ok_and(is_dns_label)
}
