//! From the octets of a query to the octets of its answer.
//!
//! Promises: at most one answer to a query and none to an answer; it fits the client and the caller's buffer; nothing
//! here allocates, locks, logs or reads a clock. It knows messages and one snapshot of the zones; nothing of sockets,
//! Kubernetes or how a snapshot comes to be.

mod client;
mod follow;
mod records;
mod reply;
mod request;
#[cfg(test)]
mod tests;

pub use client::{Client, Policy, Transport};

use crate::wire::{Class, Ede, Flags, Header, QueryName, Question, Rcode, RecordType};
use crate::zone::Snapshot;
use follow::{Asked, follow};
use reply::Reply;
use request::Request;

/// What becomes of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The answer stands in the first octets of `out`, that many.
    Reply(usize),
    /// Nothing is sent.
    Drop,
}

/// Buffers that are used again from query to query: one for each worker or connection.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    name: QueryName,
    /// Names that follow from it: ends of aliases, targets.
    other: QueryName,
}

impl Scratch {
    /// New buffers.
    pub fn new() -> Scratch {
        Scratch::default()
    }
}

/// Answers `query` from `snapshot` into `out`.
///
/// `rotation` moves the start of complete A and AAAA RRsets; a caller that counts its queries spreads its clients.
/// `out` bounds the answer: over UDP it should have `policy.udp_max` octets, over TCP 65535. An answer whose question
/// and OPT record do not fit is dropped.
pub fn answer(
    query: &[u8],
    client: &Client,
    rotation: u32,
    policy: &Policy,
    snapshot: &Snapshot,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Outcome {
    match respond(query, client, rotation, *policy, snapshot, scratch, out) {
        Some(octets) => Outcome::Reply(octets),
        None => Outcome::Drop,
    }
}

fn respond(
    query: &[u8],
    client: &Client,
    rotation: u32,
    policy: Policy,
    snapshot: &Snapshot,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Option<usize> {
    let header = Header::read(query)?;
    // An answer to an answer can go round for ever between two servers (RUSTSEC-2023-0041).
    if header.flags.contains(Flags::QR) {
        return None;
    }
    let request = Request::read(query, header, &mut scratch.name);
    let mut reply = Reply::begin(query, &request, client.transport, policy, out)?;
    let rcode = match &request.question {
        Ok(question) => look_up(question, scratch, rotation, snapshot, &mut reply),
        Err(fault) => *fault,
    };
    reply.finish(rcode)
}

/// Writes the sections that answer the question and returns the response code.
fn look_up(
    question: &Question,
    scratch: &mut Scratch,
    rotation: u32,
    snapshot: &Snapshot,
    reply: &mut Reply<'_>,
) -> Rcode {
    let Scratch { name, other } = scratch;
    // No zone has another class. QCLASS ANY is refused too, since all that this server knows is authoritative and
    // "responses to QCLASS=* queries can never be authoritative" (RFC 1034 3.7.1).
    let zone = if question.class == Class::IN { snapshot.zone_of(name, question.record_type) } else { None };
    let Some(zone) = zone else {
        reply.explain(Ede::NotAuthoritative.into());
        return Rcode::REFUSED;
    };
    if matches!(question.record_type, RecordType::AXFR | RecordType::IXFR) {
        reply.explain(Ede::NotSupported.into());
        return Rcode::REFUSED;
    }
    let asked = Asked { snapshot, qtype: question.record_type, rotation };
    follow(asked, zone, name, other, reply)
}
