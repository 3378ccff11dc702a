//! What a query asks, or with which response code it fails before anything is looked up.

use super::client::Client;
use super::cookies::{Checked, Standing};
use super::policy::Policy;
use crate::wire::{Header, Opcode, PseudoRecords, QueryName, Question, Rcode};

/// A message that gets an answer.
#[derive(Debug)]
pub(super) struct Request<'a> {
    /// Its header; QR is 0.
    pub(super) header: Header,
    /// Its EDNS and its signature. An answer has an OPT record if EDNS is there, whatever else is wrong.
    pub(super) records: PseudoRecords<'a>,
    /// Its cookie, where cookies are spoken: an answer has one if this is there.
    pub(super) cookie: Option<Checked>,
    /// Its one question, if that can be read: the answer repeats it.
    pub(super) question: Option<Question>,
    /// The response code of an answer that has no records; there is one where there is no question.
    pub(super) fault: Option<Rcode>,
}

impl<'a> Request<'a> {
    /// A request of which nothing but the header is known.
    #[inline]
    pub(super) fn new(header: Header) -> Request<'a> {
        Request { header, records: PseudoRecords::default(), cookie: None, question: None, fault: None }
    }

    /// Reads `query`, the name of its question into `name` unless its one question is given. `now` is Unix time in seconds modulo 2^32.
    ///
    /// SIG(0) and TKEY records are records like others here, and ignored. So are octets behind the last counted record:
    /// Knot 3.2 takes them for a format error, BIND 9.18 and NSD 4.6 answer, and no RFC speaks of them.
    #[inline]
    pub(super) fn read(
        &mut self,
        query: &'a [u8],
        question: Option<Question>,
        client: &Client,
        policy: &Policy,
        now: u32,
        name: &mut QueryName,
    ) {
        self.question = match question {
            None if self.header.questions == 1 => Question::read(query, name).ok(),
            question => question,
        };
        self.fault = self.read_records(query, client, policy, now);
        if self.question.is_none() || self.header.flags.opcode() != Opcode::QUERY {
            self.fault = Some(self.other_fault());
        }
    }

    /// The response code for what is no query with one question.
    #[cold]
    fn other_fault(&self) -> Rcode {
        // An opcode that is not implemented need not have the sections of a query, so it is NOTIMP whether or not
        // these can be read, signed or not; what could be read is repeated. RFC 1035 4.1.1 and RFC 2136 2.2 for
        // UPDATE, RFC 1996 3.12 for NOTIFY that a server does not implement; RFC 8906 3.1.4 for all others, which must
        // not be met with silence.
        if self.header.flags.opcode() != Opcode::QUERY {
            return Rcode::NOTIMP;
        }
        // RFC 7873 5.4: a query without question is how a client asks for a server cookie.
        if self.header.questions == 0 && self.fault.is_none() {
            return match self.cookie.map(|cookie| cookie.standing) {
                Some(Standing::New | Standing::Good) => Rcode::NOERROR,
                Some(Standing::Bad) => Rcode::BADCOOKIE,
                None => Rcode::FORMERR,
            };
        }
        // RFC 9619 4: QDCOUNT above 1 in a query is a format error. Without any there is nothing to answer.
        Rcode::FORMERR
    }

    /// Reads the records behind the question; returns the response code of what is wrong with them.
    #[inline]
    fn read_records(&mut self, query: &'a [u8], client: &Client, policy: &Policy, now: u32) -> Option<Rcode> {
        if self.records.read(query, &self.header, self.question_end()).is_err() {
            return Some(Rcode::FORMERR);
        }
        let edns = self.records.edns.as_ref()?;
        if edns.version != 0 {
            // RFC 6891 6.1.3: a version that is not implemented is BADVERS, with the highest that is in the OPT record.
            return Some(Rcode::BADVERS);
        }
        let (cookies, data) = (policy.cookies.as_ref()?, edns.options.cookie?);
        self.cookie = cookies.check(data, client.address, now);
        self.cookie.is_none().then_some(Rcode::FORMERR)
    }

    /// Where its one question ends, if that can be read.
    #[inline]
    pub(super) fn question_end(&self) -> Option<usize> {
        self.question.map(|question| question.end)
    }

    /// Whether the client has shown that it does not forge its address.
    #[inline]
    pub(super) fn has_good_cookie(&self) -> bool {
        self.cookie.as_ref().is_some_and(|cookie| cookie.standing == Standing::Good)
    }
}
