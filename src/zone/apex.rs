//! The apex of a generated zone: SOA and NS, rendered when the serial changes.

use super::rr_list::RR_HEAD;
use crate::wire::{Name, RecordType};

/// SOA REFRESH in seconds. Short: secondaries without NOTIFY follow by it.
const REFRESH: u32 = 30;

/// SOA RETRY in seconds.
const RETRY: u32 = 5;

/// SOA EXPIRE in seconds: a week, as long as a secondary may outlive its primary.
const EXPIRE: u32 = 604_800;

/// What the SOA and NS records of the generated zones say.
#[derive(Debug)]
pub(crate) struct Authority {
    /// MNAME, and the one NS.
    pub(crate) nameserver: Name,
    /// RNAME.
    pub(crate) hostmaster: Name,
    /// TTL in seconds of SOA and NS.
    pub(crate) ttl: u32,
    /// MINIMUM, and the TTL in seconds of the SOA in negative answers.
    pub(crate) negative_ttl: u32,
}

/// SOA and NS of one zone.
#[derive(Debug, Clone)]
pub(crate) struct Apex {
    pub(crate) serial: u32,
    /// The SOA as an answer.
    pub(crate) soa: Box<[u8]>,
    /// The SOA of negative answers, without its owner.
    pub(crate) negative_soa: Box<[u8]>,
    /// The NS as an answer.
    pub(crate) ns: Box<[u8]>,
}

impl Apex {
    pub(crate) fn new(authority: &Authority, serial: u32) -> Apex {
        let mut rdata = Vec::with_capacity(128);
        rdata.extend_from_slice(authority.nameserver.as_wire());
        rdata.extend_from_slice(authority.hostmaster.as_wire());
        for field in [serial, REFRESH, RETRY, EXPIRE, authority.negative_ttl] {
            rdata.extend_from_slice(&field.to_be_bytes());
        }
        // RFC 2308 3: the TTL of the SOA in a negative answer is no more than MINIMUM; here it is MINIMUM, because
        // caches in front read the record's TTL and not the field.
        let negative = answer_rr(RecordType::SOA, authority.negative_ttl, &rdata);
        Apex {
            serial,
            soa: answer_rr(RecordType::SOA, authority.ttl, &rdata),
            negative_soa: negative.get(2..).unwrap_or(&[]).into(),
            ns: answer_rr(RecordType::NS, authority.ttl, authority.nameserver.as_wire()),
        }
    }
}

/// An RR of class IN whose owner is a pointer to the question's name.
pub(crate) fn answer_rr(rtype: RecordType, ttl: u32, rdata: &[u8]) -> Box<[u8]> {
    let length = u16::try_from(rdata.len()).unwrap_or(0);
    let mut rr = Vec::with_capacity(RR_HEAD + rdata.len());
    rr.extend_from_slice(&[0xc0, 0x0c]);
    rr.extend_from_slice(&rtype.0.to_be_bytes());
    rr.extend_from_slice(&[0, 1]);
    rr.extend_from_slice(&ttl.to_be_bytes());
    rr.extend_from_slice(&length.to_be_bytes());
    rr.extend_from_slice(rdata);
    rr.into()
}
