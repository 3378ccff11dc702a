//! The answer and additional sections: RRsets whole, or cut in stable order with TC.

use super::reply::{Place, Reply};
use crate::wire::{Ede, ExtendedError, QueryName, RecordType};
use crate::zone::{Additional, Node, Rrset, Snapshot, Target, Targets};
use std::net::IpAddr;

/// The types that stand for all in an answer to ANY, the first that the node has. Those that clients ask ANY for come
/// first.
const ANY_ORDER: [RecordType; 14] = [
    RecordType::A,
    RecordType::AAAA,
    RecordType::CNAME,
    RecordType::SRV,
    RecordType::TXT,
    RecordType::PTR,
    RecordType::NS,
    RecordType::SOA,
    RecordType::MX,
    RecordType::NAPTR,
    RecordType::DNAME,
    RecordType::SVCB,
    RecordType::HTTPS,
    RecordType::CAA,
];

/// What a client is told whose answer was cut though it came over TCP.
const CUT: ExtendedError = ExtendedError {
    code: Ede::Other,
    text: "cut at 64 KiB; ask _<i>._of<n>.<set> for 0 <= i < n, n doubled (up to 256) until no part is cut",
};

/// Most names whose addresses are looked up for the additional section of one answer: a large RRset of a file must not
/// cost more than its octets (CVE-2024-11187). As many as BIND looks up.
const LOOKED_UP_MAX: usize = 13;

/// Where addresses for the additional section are looked up.
#[derive(Debug)]
pub(super) struct Addresses<'a> {
    pub(super) snapshot: &'a Snapshot,
    /// Room for a name.
    pub(super) name: &'a mut QueryName,
}

/// Writes what the node has of the type, with the addresses of its targets; `false` if it has nothing: NODATA, or an
/// alias. Its name stands at `owner`.
#[inline]
pub(super) fn put(
    reply: &mut Reply<'_>,
    node: &Node<'_>,
    record_type: RecordType,
    rotation: u32,
    owner: Place,
    addresses: &mut Addresses<'_>,
) -> bool {
    if record_type == RecordType::ANY {
        return put_any(reply, node, rotation, owner);
    }
    let Some(rrset) = node.rrset(record_type) else {
        return false;
    };
    let first = reply.written_len();
    let whole = put_rrset(reply, &rrset, rotation, owner);
    if whole && !matches!(record_type, RecordType::A | RecordType::AAAA | RecordType::TXT) {
        put_addresses(reply, &rrset, record_type, first, owner, addresses);
    }
    true
}

/// Adds the addresses of the names that a whole RRset, whose first RR stands at `first`, points at.
fn put_addresses(
    reply: &mut Reply<'_>,
    rrset: &Rrset<'_>,
    record_type: RecordType,
    first: usize,
    owner: Place,
    addresses: &mut Addresses<'_>,
) {
    match (record_type, rrset.looked_up_targets()) {
        (_, Some(targets)) => look_targets_up(reply, rrset, first, owner, targets, addresses),
        // RFC 2782: priority, weight and port stand before the target.
        (RecordType::SRV, None) => put_targets(reply, rrset, first, 6),
        (RecordType::NS, None) => put_targets(reply, rrset, first, 0),
        _ => {}
    }
}

/// RFC 8482 4.1 lets a server answer ANY with a subset of the RRsets: one, and over TCP both families of addresses,
/// because memberlist finds its peers so.
#[inline(never)]
fn put_any(reply: &mut Reply<'_>, node: &Node<'_>, rotation: u32, owner: Place) -> bool {
    let mut found =
        ANY_ORDER.into_iter().filter_map(|record_type| Some((record_type, node.rrset(record_type)?)));
    let Some((first, rrset)) = found.next() else {
        let other = node.any_rrset();
        return other.is_some_and(|rrset| {
            put_rrset(reply, &rrset, rotation, owner);
            true
        });
    };
    let complete = put_rrset(reply, &rrset, rotation, owner);
    if complete
        && first == RecordType::A
        && !reply.transport().is_datagram()
        && let Some(rrset) = node.rrset(RecordType::AAAA)
    {
        put_rrset(reply, &rrset, rotation, owner);
    }
    true
}

/// Writes an RRset, whole and rotated or cut from its start in stable order; returns whether it is whole.
#[inline]
fn put_rrset(reply: &mut Reply<'_>, rrset: &Rrset<'_>, rotation: u32, owner: Place) -> bool {
    let fits = reply.make_room(rrset.wire_len());
    let records = rrset.len();
    if !fits && !reply.transport().is_datagram() && rrset.has_parts() {
        reply.explain(CUT);
    }
    // Clients that use a cut answer see the same part of it each time: rotation would make them drop peers.
    let start = match usize::try_from(rotation) {
        Ok(rotation) if fits && rrset.rotates() => rotation.checked_rem(records).unwrap_or(0),
        _ => 0,
    };
    reply.put_answer(rrset, records, start, owner)
}

/// Adds the addresses of the targets of a whole RRset in stable order, whose first RR stands at `first` and whose
/// targets end their rdata and begin `target_at` octets into it, until one RRset of addresses does not fit.
///
/// RFC 2181 9: what does not fit here is no reason for TC. The work is bounded by the RRs of the answer.
fn put_targets(reply: &mut Reply<'_>, rrset: &Rrset<'_>, first: usize, target_at: usize) {
    let mut at = first;
    for additional in rrset.additionals() {
        if reply.room_len() == 0 {
            return;
        }
        let Some((rdata_at, end)) = reply.rdata_at(at) else {
            return;
        };
        at = end;
        let Some(Additional { ttl, addresses }) = additional else {
            continue;
        };
        if !reply.may_show(Place::at(rdata_at + target_at)) {
            continue;
        }
        let addresses = addresses.as_slice();
        let (v4, v6) = addresses.split_at(addresses.partition_point(IpAddr::is_ipv4));
        for family in [v4, v6] {
            let target = rdata_at + target_at..end;
            if !family.is_empty() && !reply.put_addresses(target, ttl, family) {
                return;
            }
        }
    }
}

/// Adds what belongs to the names that a whole RRset points at, whose first RR stands at `first`, by whole RRsets, until
/// one does not fit. RFC 2181 9: what does not fit here is no reason for TC.
fn look_targets_up(
    reply: &mut Reply<'_>,
    rrset: &Rrset<'_>,
    first: usize,
    owner: Place,
    targets: Targets,
    addresses: &mut Addresses<'_>,
) {
    let mut at = first;
    let mut given = [Place::QUESTION; LOOKED_UP_MAX];
    for index in 0..rrset.len().min(LOOKED_UP_MAX) {
        let Some((rdata, end)) = reply.rdata_at(at) else { return };
        at = end;
        let target = match targets.of(reply.written().get(rdata..end).unwrap_or(&[])) {
            Target::At(octets) => Place::at(rdata + octets),
            Target::Owner => owner,
        };
        let twice = given.iter().take(index).any(|earlier| reply.is_same_name(*earlier, target));
        if let Some(slot) = given.get_mut(index) {
            *slot = target;
        }
        // RFC 2782: a target of "." means that there is no such service; it has no addresses here.
        if twice || !reply.may_show(target) || addresses.name.read(reply.written(), target.offset()).is_err()
        {
            continue;
        }
        let Some(node) = addresses.snapshot.addresses_of(addresses.name, true) else { continue };
        // RFC 9460 4.1: a server should add "A, AAAA, and SVCB records" for targets in its zones. Below a cut there are none,
        // and where a record points at its own name they are the answer.
        let service = targets.service().filter(|_| {
            !reply.is_same_name(owner, target)
                && addresses.snapshot.addresses_of(addresses.name, false).is_some()
        });
        let each = [Some(RecordType::A), Some(RecordType::AAAA), service].map(|rtype| node.rrset(rtype?));
        if !each.iter().flatten().all(|rrset| reply.put_additional(rrset, target)) {
            return;
        }
    }
}
