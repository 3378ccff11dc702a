//! A request for a zone: read, and let in or turned away.

use super::RefusedFor;
use crate::answer::client::{Client, Transport};
use crate::answer::policy::Policy;
use crate::answer::reply::{Place, Reply};
use crate::answer::request::Request;
use crate::wire::{Ede, HEADER_LEN, Name, QueryName, Question, Rcode, Record, RecordType, Signing, TsigKey};
use crate::zone::{Found, NotTransferable, Snapshot, ZoneRef};
use std::sync::Arc;

/// A request that was let in.
#[derive(Debug, Clone)]
pub struct TransferRequest {
    /// The zone that is wanted.
    pub(super) apex: Name,
    /// The serial that the client has, where it wants what has changed since, and may have that.
    pub(super) since: Option<u32>,
    pub(super) id: u16,
    pub(super) flags: crate::wire::Flags,
    /// The question as the client has it.
    pub(super) question: Box<[u8]>,
    /// The OPT record of the first message, for a client that has one.
    pub(super) opt: Option<Box<[u8]>>,
    pub(super) signing: Option<Signing>,
}

impl TransferRequest {
    /// The zone that is wanted.
    pub fn apex(&self) -> &Name {
        &self.apex
    }

    /// The serial that the client has, where it is to be told what has changed since.
    pub fn since(&self) -> Option<u32> {
        self.since
    }

    /// Whether the messages are signed.
    pub fn is_signed(&self) -> bool {
        self.signing.is_some()
    }
}

/// Who asks for which zone.
#[derive(Debug, Clone, Copy)]
pub(in crate::answer) struct Asking<'a> {
    pub(in crate::answer) query: &'a [u8],
    pub(in crate::answer) request: &'a Request<'a>,
    pub(in crate::answer) question: &'a Question,
    pub(in crate::answer) name: &'a QueryName,
    pub(in crate::answer) client: &'a Client,
    /// The key that the request was signed with, if it was.
    pub(in crate::answer) key: Option<&'a Arc<TsigKey>>,
    pub(in crate::answer) policy: &'a Policy,
}

/// Looks at a request for a zone, that of the question's name or one above it. The response code of what is turned away
/// or answered at once, with the records of that written.
pub(in crate::answer) fn admit(
    asking: &Asking<'_>,
    zone: &ZoneRef<'_>,
    snapshot: &Snapshot,
    reply: &mut Reply<'_>,
) -> Result<TransferRequest, Rcode> {
    let Asking { query, request, question, name, client, key, policy } = *asking;
    if policy.transfers.is_empty() {
        reply.explain(Ede::NotSupported.into());
        return Err(Rcode::REFUSED);
    }
    if zone.apex_offset() > 0 {
        // RFC 5936 2.2.1: "If the AXFR server is not authoritative for the queried zone, the server SHOULD set [RCODE]
        // to NotAuth(9)." A name below an apex is no zone.
        return Err(Rcode::NOTAUTH);
    }
    let key = key.map(|key| &**key);
    let Some(rule) = policy.transfers.rule(client.address, key, zone.apex()) else {
        policy.transfers.refusals().note(client.address, RefusedFor::Rules);
        reply.explain(Ede::Prohibited.into());
        return Err(Rcode::REFUSED);
    };
    match snapshot.transferable(zone.apex()) {
        Ok(_) => {}
        Err(NotTransferable::NotReady) => {
            reply.explain(Ede::NotReady.into());
            return Err(Rcode::SERVFAIL);
        }
        Err(NotTransferable::Broken) => {
            reply.explain(Ede::InvalidData.into());
            return Err(Rcode::SERVFAIL);
        }
        Err(NotTransferable::Synthesised | NotTransferable::NoZone) => {
            reply.explain(Ede::NotSupported.into());
            return Err(Rcode::REFUSED);
        }
    }
    let incremental = question.record_type == RecordType::IXFR;
    let serial = if incremental { Some(serial_of(query, request).ok_or(Rcode::FORMERR)?) } else { None };
    // RFC 8484 carries one answer to a query, and DNS over QUIC is not meant for secondaries here.
    if matches!(client.transport, Transport::Https | Transport::Quic) {
        reply.explain(Ede::NotSupported.into());
        return Err(Rcode::REFUSED);
    }
    if client.transport.is_datagram() {
        if !incremental {
            // RFC 5936 4.2: "AXFR sessions over UDP transport are not defined."
            reply.explain(Ede::NotSupported.into());
            return Err(Rcode::REFUSED);
        }
        // RFC 1995 2: "the response is a single SOA record of the server's current version to inform the client that a TCP
        // query should be initiated", or that there is nothing to ask for.
        if let Found::Node(node) = zone.find(name, RecordType::SOA)
            && let Some(soa) = node.rrset(RecordType::SOA)
        {
            reply.authoritative();
            reply.put_answer(&soa, soa.len(), 0, Place::QUESTION);
        }
        return Err(Rcode::NOERROR);
    }
    Ok(TransferRequest {
        apex: zone.apex().clone(),
        since: serial.filter(|_| rule.incremental),
        id: request.header.id,
        flags: request.header.flags.of_answer(),
        question: query.get(HEADER_LEN..question.end).unwrap_or_default().into(),
        opt: reply.rendered_opt(),
        signing: reply.take_signing(),
    })
}

/// The serial in the SOA of an IXFR query's authority section (RFC 1995 3).
fn serial_of(query: &[u8], request: &Request<'_>) -> Option<u32> {
    if request.header.answers != 0 || request.header.authorities != 1 {
        return None;
    }
    let (record, _) = Record::read(query, request.question_end()?)?;
    // RFC 1035 3.3.13: two names, compressed or not, and five numbers behind them.
    let numbers = record.rdata.len().checked_sub(20)?;
    let serial = record.rdata.get(numbers..)?.first_chunk::<4>()?;
    (record.record_type == RecordType::SOA && numbers >= 2).then(|| u32::from_be_bytes(*serial))
}
