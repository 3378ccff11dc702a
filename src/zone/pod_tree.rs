//! The pod zone below its apex: `<ns>`, and `<ip-with-dashes>.<ns>`.

use super::PodNames;
use super::holders::Holder;
use super::node::{Found, NodeKind};
use super::snapshot::Snapshot;
use crate::roster::{DASHED_IPV4_BLOCK, Standing, is_dns_label, parse_dashed, parse_dashed_ipv4_in};
use crate::wire::{QueryName, RecordType};
use std::net::{IpAddr, Ipv4Addr};

/// What stands at a name with `depth` labels below the apex, at least one.
pub(super) fn find<'a>(
    snapshot: &'a Snapshot,
    name: &QueryName,
    depth: usize,
    qtype: RecordType,
) -> Found<'a> {
    let verified = snapshot.constants.pods == PodNames::Verified;
    match depth {
        1 if verified => verified_namespace(snapshot, name.label(0)),
        1 if is_namespace(name.label(0)) => Found::node(NodeKind::EmptyNonTerminal),
        2 => match address_at(snapshot, name, qtype) {
            Ok((address, holder, known)) => {
                Found::of_watches(Some(NodeKind::Pod(snapshot, address, holder)), known)
            }
            Err(found) => found,
        },
        _ => Found::IMPOSSIBLE,
    }
}

/// The address of a name with two labels below the apex, who holds it, and how far it is known; or what else the name meets.
#[inline]
pub(super) fn address_at<'a>(
    snapshot: &'a Snapshot,
    name: &QueryName,
    qtype: RecordType,
) -> Result<(IpAddr, Option<Holder<'a>>, Standing), Found<'a>> {
    let verified = snapshot.constants.pods == PodNames::Verified;
    let namespace = name.known_label(1);
    // What spells no address cannot exist, whatever is still to come.
    let Some(address) = parse_dashed(name.known_label(0)) else { return Err(Found::IMPOSSIBLE) };
    // Without verification an address needs no watch; the node names there do.
    let waits = verified || matches!(qtype, RecordType::TXT | RecordType::ANY);
    let known = if waits { snapshot.readiness.of_addresses(namespace) } else { Standing::COMPLETE };
    if !known.ready {
        return Err(Found::NotReady);
    }
    let holder = snapshot.addresses.holder(address, namespace);
    let exists = holder.is_some_and(|holder| holder.held) || (!verified && is_namespace(namespace));
    if exists {
        return Ok((address, holder, known));
    }
    let is_broken = verified && snapshot.refusals.is_unparsed(namespace);
    Err(if is_broken { Found::Broken } else { Found::of_watches(None, known) })
}

/// The IPv4 address of such a name, if it is as nearly all are: known for certain, and held in its namespace by nothing
/// but a plain peer. That takes half the steps of [`address_at`], which knows all of them.
#[expect(
    clippy::inline_always,
    reason = "one caller is each query's: what passes between the two stays in registers"
)]
#[inline(always)]
pub(super) fn held_ipv4(snapshot: &Snapshot, name: &QueryName) -> Option<Ipv4Addr> {
    let namespace = name.known_label(1);
    let (block, length) = name.first_label::<DASHED_IPV4_BLOCK>()?;
    let address = parse_dashed_ipv4_in(block, length)?;
    let known = snapshot.readiness.of_addresses(namespace);
    let is_certain = known.ready && !known.stale;
    (is_certain && snapshot.addresses.is_plainly_held(address, namespace)).then_some(address)
}

/// `<ns>`, which exists where an address of it is held.
fn verified_namespace<'a>(snapshot: &'a Snapshot, namespace: &[u8]) -> Found<'a> {
    let known = snapshot.readiness.of_addresses(namespace);
    if snapshot.pod_namespaces.get(namespace).is_some() {
        return Found::of_watches(Some(NodeKind::EmptyNonTerminal), known);
    }
    if !known.ready {
        return Found::NotReady;
    }
    if snapshot.refusals.is_unparsed(namespace) {
        return Found::Broken;
    }
    Found::of_watches(None, known)
}

/// A label that a namespace can have, folded to lower case already.
fn is_namespace(label: &[u8]) -> bool {
    std::str::from_utf8(label).is_ok_and(is_dns_label)
}
