//! From the octets of a query to the octets of its answer.
//!
//! Promises: at most one answer to a query and none to an answer; it fits the client and the caller's buffer; nothing
//! here waits for a lock, logs or reads a clock, and nothing but a request for a whole zone allocates. It knows messages and one snapshot of the zones; nothing of sockets,
//! Kubernetes or how a snapshot comes to be.

mod access;
mod chaos;
mod client;
mod cookies;
mod follow;
mod policy;
mod rate_limit;
mod records;
mod reply;
mod request;
mod short;
mod signature;
mod told;
mod transfer;

#[cfg(test)]
mod tests;

pub use crate::zone::ZonePlace;
pub use access::{AccessList, AccessRule, Network};
pub use client::{Client, Transport};
pub use cookies::Cookies;
pub use policy::Policy;
pub use rate_limit::{RateLimiter, RateLimits};
pub use told::{Fate, Told};
pub use transfer::{
    Notified, NotifyAnswer, Refusals, Refused, RefusedFor, TransferError, TransferList, TransferRequest,
    TransferRule, each_message, notify_answer, notify_message,
};

use crate::wire::{Class, Ede, Flags, Header, QueryName, Question, Rcode, RecordType, TsigFault, TsigKey};
use crate::zone::{Snapshot, ZoneRef};
use follow::{Asked, follow};
use rate_limit::Verdict;
use reply::Reply;
use request::Request;
use short::Way;
use std::sync::Arc;
use transfer::Asking;

/// What becomes of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The answer stands in the first octets of `out`, that many.
    Reply(usize),
    /// Nothing is sent.
    Drop,
    /// A zone is sent, in many messages: what is wanted is in the scratch. Over connections only.
    Transfer,
}

/// Buffers that are used again from query to query: one for each worker or connection.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    name: QueryName,
    /// Names that follow from it: ends of aliases, targets.
    other: QueryName,
    told: Told,
    transfer: Option<Box<TransferRequest>>,
}

impl Scratch {
    /// New buffers.
    pub fn new() -> Scratch {
        Scratch::default()
    }

    /// What is to be counted of the query that was last answered with these.
    #[inline]
    pub fn told(&self) -> Told {
        self.told
    }

    /// The request whose outcome was [`Outcome::Transfer`], once.
    pub fn take_transfer(&mut self) -> Option<Box<TransferRequest>> {
        self.transfer.take()
    }
}

/// What all queries of a batch are answered from.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The data.
    pub snapshot: &'a Snapshot,
    /// The settings.
    pub policy: &'a Policy,
    /// What bounds the answers to each network, where that is set.
    pub limiter: Option<&'a RateLimiter>,
    /// Unix time in seconds, modulo 2^32.
    pub now: u32,
}

/// Answers `query` into `out`.
///
/// `rotation` moves the start of complete A and AAAA RRsets; a caller that counts its queries spreads its clients.
/// `out` bounds the answer: over UDP it should have `policy.udp_max` octets, over TCP 65535. An answer whose question
/// and OPT record do not fit is dropped.
pub fn answer(
    query: &[u8],
    client: &Client,
    rotation: u32,
    context: &Context<'_>,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Outcome {
    let question = match short::answer(query, client, rotation, context, &mut scratch.name, out) {
        Way::Answered(octets, told) => {
            scratch.told = told;
            return Outcome::Reply(octets);
        }
        Way::Long(question) => question,
    };
    respond(query, question, client, rotation, context, scratch, out)
}

/// The same by the long way alone: what [`answer`] is held against.
#[doc(hidden)]
pub fn answer_by_the_long_way(
    query: &[u8],
    client: &Client,
    rotation: u32,
    context: &Context<'_>,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Outcome {
    respond(query, None, client, rotation, context, scratch, out)
}

/// The long way, which knows every case. `question` is the query's, where it stands in `scratch` already.
#[inline(never)]
fn respond(
    query: &[u8],
    question: Option<Question>,
    client: &Client,
    rotation: u32,
    context: &Context<'_>,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Outcome {
    scratch.transfer = None;
    match write_reply(query, question, client, rotation, context, scratch, out) {
        _ if scratch.transfer.is_some() => Outcome::Transfer,
        Some(octets) => Outcome::Reply(octets),
        None => Outcome::Drop,
    }
}

/// The octets of the reply; none where nothing is to be sent, or a transfer is.
#[inline]
fn write_reply(
    query: &[u8],
    question: Option<Question>,
    client: &Client,
    rotation: u32,
    context: &Context<'_>,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Option<usize> {
    scratch.told = Told::default();
    let header = Header::read(query)?;
    // An answer to an answer can go round for ever between two servers (RUSTSEC-2023-0041).
    if header.flags.contains(Flags::QR) {
        return None;
    }
    let policy = context.policy;
    let mut request = Request::new(header);
    request.read(query, question, client, policy, context.now, &mut scratch.name);
    if let Some(question) = &request.question {
        scratch.told.qtype = question.record_type.0;
    }
    scratch.told.dnssec_ok = request.records.edns.as_ref().is_some_and(|edns| edns.dnssec_ok);
    let mut reply = Reply::begin(query, &request, client, policy, out)?;
    // Over TCP a client cannot forge its address; with a good cookie it does not.
    if let Some(limiter) = context.limiter
        && client.transport.is_datagram()
        && !request.has_good_cookie()
    {
        match limiter.count(client.address, context.now) {
            Verdict::Answer => {}
            Verdict::Truncate => {
                scratch.told.fate = Fate::Limited;
                scratch.told.truncated = true;
                reply.truncated();
                return reply.finish(Rcode::NOERROR);
            }
            Verdict::Drop => {
                scratch.told.fate = Fate::Limited;
                return None;
            }
        }
    }
    let rcode = match (&request.question, request.fault) {
        (Some(question), None) => {
            match gate(query, &request, client, &scratch.name, policy, context.now, &mut reply) {
                Ok(_) if question.class == Class::CH => {
                    chaos::answer(question, &scratch.name, policy, &mut reply)
                }
                Ok(key) if matches!(question.record_type, RecordType::AXFR | RecordType::IXFR) => {
                    let asking = Asking {
                        query,
                        request: &request,
                        question,
                        name: &scratch.name,
                        client,
                        key,
                        policy,
                    };
                    match look_up_zone(&asking, context.snapshot, &mut scratch.told, &mut reply) {
                        Ok(transfer) => {
                            scratch.transfer = Some(Box::new(transfer));
                            return None;
                        }
                        Err(rcode) => rcode,
                    }
                }
                Ok(_) => look_up(question, scratch, rotation, context.snapshot, &mut reply),
                Err(rcode) => {
                    scratch.told.fate = if rcode == Rcode::REFUSED { Fate::Denied } else { Fate::Answered };
                    rcode
                }
            }
        }
        (_, fault) => {
            let fault = fault.unwrap_or(Rcode::FORMERR);
            if fault == Rcode::NOTIMP {
                reply.explain(Ede::NotSupported.into());
            }
            fault
        }
    };
    scratch.told.rcode = rcode.0;
    let octets = reply.finish(rcode)?;
    scratch.told.truncated = Header::read(out).is_some_and(|header| header.flags.contains(Flags::TC));
    Some(octets)
}

/// The key that a question was signed with, if it was; or with which response code it is turned away before anything is
/// looked up.
#[inline]
fn gate<'a>(
    query: &[u8],
    request: &'a Request<'a>,
    client: &Client,
    name: &QueryName,
    policy: &'a Policy,
    now: u32,
    reply: &mut Reply<'a>,
) -> Result<Option<&'a Arc<TsigKey>>, Rcode> {
    if !policy.access.allows(client, name.as_wire()) {
        reply.explain(Ede::Prohibited.into());
        return Err(Rcode::REFUSED);
    }
    // RFC 8945 5.2: signatures are looked at before what is asked. An answer without a word on the signature would be
    // thrown away by a client that insists on one, for no reason it could see.
    let mut key = None;
    if let Some(tsig) = &request.records.tsig {
        let verified = signature::look_at(query, tsig, policy, now).ok_or(Rcode::FORMERR)?;
        if let Some(fault) = verified.signature.fault() {
            let cause = match fault {
                TsigFault::BadTime => RefusedFor::Time(tsig.time().abs_diff(now.into())),
                fault => RefusedFor::Signature(fault),
            };
            policy.transfers.refusals().note(client.address, cause);
        }
        key = verified.key;
        reply.sign(verified.signature);
        if key.is_none() {
            return Err(Rcode::NOTAUTH);
        }
    }
    // RFC 7873 5.2.3, 5.2.4. A client without any cookie is answered: most have none.
    if let (Some(cookies), Some(_)) = (&policy.cookies, &request.cookie)
        && cookies.require()
        && client.transport.is_datagram()
        && !request.has_good_cookie()
    {
        return Err(Rcode::BADCOOKIE);
    }
    reply.admit();
    Ok(key)
}

/// The transfer that is asked for, or the response code of one that is not to be had.
#[cold]
fn look_up_zone(
    asking: &Asking<'_>,
    snapshot: &Snapshot,
    told: &mut Told,
    reply: &mut Reply<'_>,
) -> Result<TransferRequest, Rcode> {
    let zone = zone_of(asking.question, asking.name, snapshot, reply)?;
    told.zone = zone.place();
    transfer::admit(asking, &zone, snapshot, reply)
}

/// The zone that a question falls into.
#[inline]
fn zone_of<'a>(
    question: &Question,
    name: &QueryName,
    snapshot: &'a Snapshot,
    reply: &mut Reply<'_>,
) -> Result<ZoneRef<'a>, Rcode> {
    // No zone has another class. QCLASS ANY is refused too, since all that this server knows is authoritative and
    // "responses to QCLASS=* queries can never be authoritative" (RFC 1034 3.7.1).
    let zone = if question.class == Class::IN { snapshot.zone_of(name, question.record_type) } else { None };
    zone.ok_or_else(|| {
        reply.explain(Ede::NotAuthoritative.into());
        Rcode::REFUSED
    })
}

/// Writes the sections that answer the question and returns the response code.
#[inline]
fn look_up(
    question: &Question,
    scratch: &mut Scratch,
    rotation: u32,
    snapshot: &Snapshot,
    reply: &mut Reply<'_>,
) -> Rcode {
    let Scratch { name, other, told, .. } = scratch;
    let zone = match zone_of(question, name, snapshot, reply) {
        Ok(zone) => zone,
        Err(rcode) => return rcode,
    };
    told.zone = zone.place();
    reply.answers_from(&zone, name);
    let asked = Asked { snapshot, qtype: question.record_type, rotation };
    follow(asked, &zone, name, other, reply)
}
