//! The apex of a generated zone: SOA and NS, rendered when the serial changes.

use super::rr::render;
use crate::wire::{Name, RecordType};

/// SOA REFRESH in seconds. Short: secondaries without NOTIFY follow by it.
const REFRESH: u32 = 30;

/// SOA RETRY in seconds.
const RETRY: u32 = 5;

/// SOA EXPIRE in seconds: a week, as long as a secondary may outlive its primary.
const EXPIRE: u32 = 604_800;

/// What the SOA and NS records of the generated zones say.
#[derive(Debug)]
pub(super) struct Authority {
    /// MNAME, and the one NS.
    pub(super) nameserver: Name,
    /// RNAME.
    pub(super) hostmaster: Name,
    /// TTL in seconds of SOA and NS.
    pub(super) ttl: u32,
    /// MINIMUM, and the TTL in seconds of the SOA in negative answers.
    pub(super) negative_ttl: u32,
}

/// SOA and NS of one zone.
#[derive(Debug, Clone)]
pub(super) struct Apex {
    pub(super) serial: u32,
    /// The SOA as an answer.
    pub(super) soa: Box<[u8]>,
    /// The SOA of negative answers, without its owner.
    pub(super) negative_soa: Box<[u8]>,
    /// The NS as an answer.
    pub(super) ns: Box<[u8]>,
}

impl Apex {
    /// That of a zone whose file holds SOA and NS themselves.
    pub(super) fn of_file(serial: u32, negative_soa: &[u8]) -> Apex {
        Apex { serial, soa: Box::default(), negative_soa: negative_soa.into(), ns: Box::default() }
    }

    pub(super) fn new(authority: &Authority, serial: u32) -> Apex {
        let mut rdata = Vec::with_capacity(128);
        rdata.extend_from_slice(authority.nameserver.as_wire());
        rdata.extend_from_slice(authority.hostmaster.as_wire());
        for field in [serial, REFRESH, RETRY, EXPIRE, authority.negative_ttl] {
            rdata.extend_from_slice(&field.to_be_bytes());
        }
        // RFC 2308 3: the TTL of the SOA in a negative answer is no more than MINIMUM; here it is MINIMUM, because
        // caches in front read the record's TTL and not the field.
        let negative = render(RecordType::SOA, authority.negative_ttl, &rdata);
        Apex {
            serial,
            soa: render(RecordType::SOA, authority.ttl, &rdata),
            negative_soa: negative.get(2..).unwrap_or(&[]).into(),
            ns: render(RecordType::NS, authority.ttl, authority.nameserver.as_wire()),
        }
    }
}
