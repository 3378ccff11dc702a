//! The peer zone below its apex. Its grammar has fixed depth, so at most three probes decide any name:
//!
//! ```text
//! dns-version   ns.dns   svc   <ns>.svc   <set>.<ns>.svc
//! <label>.<set>.<ns>.svc   _<proto>.<set>.<ns>.svc   _of<n>.<set>.<ns>.svc
//! _<port>._<proto>.<set>.<ns>.svc   _<i>._of<n>.<set>.<ns>.svc
//! ```

use super::node::{Found, NodeKind};
use super::rr_list::Part;
use super::set::{Ports, SetRecords};
use super::snapshot::Snapshot;
use crate::roster::Standing;
use crate::wire::QueryName;

/// Most parts that a set can be asked in: what one octet of hash can tell apart.
const MOST_PARTS: u16 = 256;

/// What stands at a name with `depth` labels below the apex, at least one.
#[expect(
    clippy::inline_always,
    reason = "one caller is each query's: what passes between the two stays in registers"
)]
#[inline(always)]
pub(super) fn find<'a>(snapshot: &'a Snapshot, name: &QueryName, depth: usize) -> Found<'a> {
    let (set, known) = match set_at(snapshot, name, depth) {
        Ok(found) => found,
        Err(found) => return found,
    };
    let found = match depth {
        3 => Some(NodeKind::Set(snapshot, set, Ports::Every)),
        4 => below_set(snapshot, set, name.label(0)),
        5 => service_or_part(snapshot, set, name.label(0), name.label(1)),
        _ => None,
    };
    Found::of_watches(found, known)
}

/// The set at or above a name with `depth` labels below the apex, and how far it is known; or what stands at the name
/// because there is no set.
#[expect(
    clippy::inline_always,
    reason = "one caller is each query's: what passes between the two stays in registers"
)]
#[inline(always)]
pub(super) fn set_at<'a>(
    snapshot: &'a Snapshot,
    name: &QueryName,
    depth: usize,
) -> Result<(&'a SetRecords, Standing), Found<'a>> {
    let Some(top) = depth.checked_sub(1) else { return Err(Found::IMPOSSIBLE) };
    if name.known_labels(top, depth) != b"\x03svc" {
        return Err(beside_svc(snapshot, name, depth));
    }
    if depth == 1 {
        // RFC 8020: an empty non-terminal exists, because names below it do.
        return Err(Found::node(NodeKind::EmptyNonTerminal));
    }
    let namespace = name.known_label(depth - 2);
    // Until all is known that a namespace can hold, no name below it is answered: a partial list splits clusters.
    let known = snapshot.readiness.of_sets(namespace);
    if !known.ready {
        return Err(Found::NotReady);
    }
    if depth == 2 {
        let exists = snapshot.set_namespaces.get(namespace).is_some();
        return Err(Found::of_watches(exists.then_some(NodeKind::EmptyNonTerminal), known));
    }
    let key = name.known_labels(depth - 3, top);
    if snapshot.refusals.refuses(key) {
        return Err(Found::Broken);
    }
    match snapshot.sets.get(key) {
        Some(set) => Ok((set, known)),
        None => Err(Found::of_watches(None, known)),
    }
}

/// The few names beside those of sets.
fn beside_svc<'a>(snapshot: &'a Snapshot, name: &QueryName, depth: usize) -> Found<'a> {
    match (depth, name.label(depth.saturating_sub(1))) {
        (1, b"dns") => Found::node(NodeKind::EmptyNonTerminal),
        (1, b"dns-version") => Found::node(NodeKind::DnsVersion(snapshot)),
        (2, b"dns") if name.label(0) == b"ns" => Found::node(NodeKind::Nameserver(snapshot)),
        _ => Found::IMPOSSIBLE,
    }
}

fn below_set<'a>(snapshot: &'a Snapshot, set: &'a SetRecords, label: &[u8]) -> Option<NodeKind<'a>> {
    if let Some(special) = label.strip_prefix(b"_") {
        let exists = set.has_protocol(special) || number_of_parts(special).is_some();
        return exists.then_some(NodeKind::EmptyNonTerminal);
    }
    set.host(label).map(|addresses| NodeKind::Host(snapshot, set, addresses))
}

fn service_or_part<'a>(
    snapshot: &'a Snapshot,
    set: &'a SetRecords,
    left: &[u8],
    right: &[u8],
) -> Option<NodeKind<'a>> {
    let (left, right) = (left.strip_prefix(b"_")?, right.strip_prefix(b"_")?);
    if let Some(parts) = number_of_parts(right) {
        let index = decimal(left).filter(|&index| index < parts)?;
        let (index, mask) = (u8::try_from(index).ok()?, u8::try_from(parts - 1).ok()?);
        return Some(NodeKind::Part(snapshot, set, Part { index, mask }));
    }
    let port = set.port_name(left, right)?;
    Some(NodeKind::Set(snapshot, set, Ports::Named(port)))
}

/// The `n` of `of<n>`: a power of two up to [`MOST_PARTS`].
fn number_of_parts(label: &[u8]) -> Option<u16> {
    decimal(label.strip_prefix(b"of")?).filter(|n| n.is_power_of_two() && *n <= MOST_PARTS)
}

/// A number as it is written: no sign, no leading zero.
fn decimal(digits: &[u8]) -> Option<u16> {
    let leading_zero = digits.len() > 1 && digits.first() == Some(&b'0');
    if leading_zero || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}
