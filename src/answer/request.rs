//! What a query asks, or with which response code it fails before anything is looked up.

use crate::wire::{Edns, Header, Opcode, QueryName, Question, Rcode};

/// A message that gets an answer.
#[derive(Debug)]
pub(super) struct Request<'a> {
    /// Its header; QR is 0.
    pub(super) header: Header,
    /// Its EDNS: an answer has an OPT record if this is there, whatever else is wrong.
    pub(super) edns: Option<Edns<'a>>,
    /// Where its one question ends if that can be read: the answer repeats it.
    pub(super) question_end: Option<usize>,
    /// What is asked, its name beside it; or the response code of an answer that has no records.
    pub(super) question: Result<Question, Rcode>,
}

impl<'a> Request<'a> {
    /// Reads `query`, the name of its question into `name`.
    ///
    /// TSIG and SIG(0) records are additional records like others here, and ignored: no key is known, nothing is
    /// signed, and a client that insists on a signature rejects the answer (RFC 8945 5.4).
    pub(super) fn read(query: &'a [u8], header: Header, name: &mut QueryName) -> Request<'a> {
        // RFC 9619 4: QDCOUNT above 1 in a query is a format error. Without any there is nothing to answer.
        let question = match header.questions {
            1 => Question::read(query, name).map_err(|_| Rcode::FORMERR),
            _ => Err(Rcode::FORMERR),
        };
        let question_end = question.map(|question| question.end).ok();
        let (edns, fault) = match Edns::find(query, &header, question_end) {
            // RFC 6891 6.1.3: a version that is not implemented is BADVERS, with the highest that is in the OPT record.
            Ok(Some(edns)) if edns.version != 0 => (Some(edns), Some(Rcode::BADVERS)),
            Ok(edns) => (edns, None),
            Err(malformed) => (malformed.edns, Some(Rcode::FORMERR)),
        };
        // An opcode that is not implemented need not have the sections of a query, so it is NOTIMP whether or not these
        // can be read; what could be read is repeated. RFC 1035 4.1.1, RFC 1996 3.12 for NOTIFY, RFC 2136 2.2 for
        // UPDATE; RFC 8906 3.1.4 for all others, which must not be met with silence.
        let question = match header.flags.opcode() {
            Opcode::QUERY => question.and_then(|question| fault.map_or(Ok(question), Err)),
            _ => Err(Rcode::NOTIMP),
        };
        Request { header, edns, question_end, question }
    }
}
