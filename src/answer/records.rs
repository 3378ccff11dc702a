//! The answer and additional sections: RRsets whole, or cut in stable order with TC.

use super::client::Transport;
use super::reply::Reply;
use crate::wire::{Ede, ExtendedError, RecordType};
use crate::zone::{Additional, Node, Rrset};
use std::net::IpAddr;

/// Octets of an RR whose owner is a pointer, up to its rdata: pointer, type, class, TTL, rdata length.
const RR_HEAD_LEN: usize = 12;

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

/// Writes what the node has of the type, with the addresses of its targets; `false` if it has nothing: NODATA.
pub(super) fn put(reply: &mut Reply<'_>, node: &Node<'_>, record_type: RecordType, rotation: u32) -> bool {
    if record_type == RecordType::ANY {
        return put_any(reply, node, rotation);
    }
    let Some(rrset) = node.rrset(record_type) else {
        return false;
    };
    let first = reply.written().len();
    if put_rrset(reply, &rrset, rotation) {
        match record_type {
            // RFC 2782: priority, weight and port stand before the target.
            RecordType::SRV => put_targets(reply, &rrset, first, 6),
            RecordType::NS => put_targets(reply, &rrset, first, 0),
            _ => {}
        }
    }
    true
}

/// RFC 8482 4.1 lets a server answer ANY with a subset of the RRsets: one, and over TCP both families of addresses,
/// because memberlist finds its peers so.
fn put_any(reply: &mut Reply<'_>, node: &Node<'_>, rotation: u32) -> bool {
    let mut found =
        ANY_ORDER.into_iter().filter_map(|record_type| Some((record_type, node.rrset(record_type)?)));
    let Some((first, rrset)) = found.next() else {
        return false;
    };
    let complete = put_rrset(reply, &rrset, rotation);
    if complete
        && first == RecordType::A
        && reply.transport() == Transport::Tcp
        && let Some(rrset) = node.rrset(RecordType::AAAA)
    {
        put_rrset(reply, &rrset, rotation);
    }
    true
}

/// Writes an RRset, whole and rotated or cut from its start in stable order; returns whether it is whole.
fn put_rrset(reply: &mut Reply<'_>, rrset: &Rrset<'_>, rotation: u32) -> bool {
    let fits = reply.make_room(rrset.wire_len());
    if !fits && reply.transport() == Transport::Tcp {
        reply.explain(CUT);
    }
    let records = rrset.len();
    // Clients that use a cut answer see the same part of it each time: rotation would make them drop peers.
    let start = match usize::try_from(rotation) {
        Ok(rotation) if fits && rrset.rotates() => rotation.checked_rem(records).unwrap_or(0),
        _ => 0,
    };
    reply.put_answer(rrset, records, start)
}

/// Adds the addresses of the targets of a whole RRset in stable order, whose first RR stands at `first` and whose
/// targets end their rdata and begin `target_at` octets into it, until one RRset of addresses does not fit.
///
/// RFC 2181 9: what does not fit here is no reason for TC. The work is bounded by the RRs of the answer.
fn put_targets(reply: &mut Reply<'_>, rrset: &Rrset<'_>, first: usize, target_at: usize) {
    let mut at = first;
    for additional in rrset.additionals() {
        if reply.room_len() < RR_HEAD_LEN {
            return;
        }
        let Some((head, _)) = reply.written().get(at..).and_then(<[u8]>::split_first_chunk::<RR_HEAD_LEN>)
        else {
            return;
        };
        let [.., r0, r1] = *head;
        let rdata_at = at + RR_HEAD_LEN;
        let end = rdata_at + usize::from(u16::from_be_bytes([r0, r1]));
        at = end;
        let Some(Additional { ttl, addresses }) = additional else {
            continue;
        };
        if !reply.may_show(&(rdata_at + target_at..end)) {
            continue;
        }
        let (v4, v6) = addresses.split_at(addresses.partition_point(IpAddr::is_ipv4));
        for family in [v4, v6] {
            let target = rdata_at + target_at..end;
            if !family.is_empty() && !reply.put_addresses(target, ttl, family) {
                return;
            }
        }
    }
}
