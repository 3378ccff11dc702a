//! The short way to an answer, for what clusters ask all day: one question with at most a bare OPT record or a cookie,
//! over UDP, for a name that is known and leads nowhere else, whose whole answer has room.
//!
//! It promises the octets of the long way, which knows every case, in a third of the steps: nothing stands between the
//! query and the buffer that is sent. What is not among these cases is left to the long way before anything is decided.
//! A property test and a fuzz target hold each of its answers against the long way's.

use super::client::{Client, Transport};
use super::{Context, Told, policy::Policy};
use crate::wire::{
    COOKIE_LEN, Class, Ede, Flags, HEADER_LEN, OPT_LEN, QueryName, Question, Rcode, RecordType, UDP_SIZE_MIN,
};
use crate::zone::{AtOnce, Found, Rrset, Snapshot, Whole, ZoneRef};
use std::net::Ipv4Addr;

/// Whither the short way led.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The answer stands in the first octets of the buffer, that many; and this is to be counted.
    Answered(usize, Told),
    /// It takes the long way; the question, if it was read already.
    Long(Option<Question>),
}

/// What the client says in its OPT record, or by having none.
#[derive(Clone, Copy)]
struct Spoken {
    /// The largest answer that it takes, below 512 too: [`Policy::limit`] knows what that means.
    size: u16,
    /// The flag DO, where it stands in an OPT record (RFC 3225 3).
    dnssec_ok: u8,
    /// Octets that answer its OPT record and the options in it.
    reserved: u8,
}

/// A client without EDNS. RFC 1035 4.2.1: "Messages carried by UDP are restricted to 512 bytes".
const SILENT: Spoken = Spoken { size: UDP_SIZE_MIN, dnssec_ok: 0, reserved: 0 };

/// Octets of an OPT record without options, and of one with a cookie.
const BARE: u8 = 11;
const WITH_COOKIE: u8 = BARE + 28;

/// What an answer says beside its records: small, so that it is passed in registers.
#[derive(Clone, Copy)]
struct Head {
    /// Octets 4 to 11 of the header, but for the OPT record.
    counts: u64,
    /// Where the OPT record belongs.
    at: u16,
    is_nxdomain: bool,
}

/// The head of an answer whose records, so many of each section, end at `at`.
#[inline]
fn head_of(answers: u16, authorities: u16, additionals: u16, at: usize) -> Option<Head> {
    let counts =
        ONE_QUESTION | u64::from(answers) << 32 | u64::from(authorities) << 16 | u64::from(additionals);
    Some(Head { counts, at: u16::try_from(at).ok()?, is_nxdomain: false })
}

/// Octets 4 to 11 of a header with one question and nothing else (RFC 1035 4.1.1), ARCOUNT being the last.
const ONE_QUESTION: u64 = 1 << 48;

/// Octets of a COOKIE option.
const COOKIE_OPTION_LEN: usize = 4 + COOKIE_LEN;

/// Answers `query` into `out` if the short way leads there. The name of its question is read into `name`.
#[inline]
pub(super) fn answer(
    query: &[u8],
    client: &Client,
    rotation: u32,
    context: &Context<'_>,
    name: &mut QueryName,
    out: &mut [u8],
) -> Way {
    let Some(&[_, _, high, _, ref counts @ ..]) = query.first_chunk::<HEADER_LEN>() else {
        return Way::Long(None);
    };
    let counts = u64::from_be_bytes(*counts);
    // QR and opcode are 0.
    if high & 0xf8 != 0
        || counts & !1 != ONE_QUESTION
        || client.transport != Transport::Udp
        || context.limiter.is_some()
        || !context.policy.access.is_empty()
        || out.len() < usize::from(UDP_SIZE_MIN)
    {
        return Way::Long(None);
    }
    let Ok(question) = Question::read(query, name) else { return Way::Long(None) };
    let long = Way::Long(Some(question));
    let spoken = if counts == ONE_QUESTION {
        SILENT
    } else {
        match read_opt(query, question.end, client, context) {
            Some(spoken) => spoken,
            None => return long,
        }
    };
    let qtype = question.record_type;
    if question.class != Class::IN || !is_look_up(qtype) {
        return long;
    }
    let limit = context.policy.limit(Transport::Udp, Some(spoken.size));
    let Some(out) = out.get_mut(..usize::from(limit)) else { return long };
    if copy_question(query, question.end, out).is_none() {
        return long;
    }
    let (at, end) = (question.end, out.len().saturating_sub(spoken.reserved.into()));
    let (place, found) = context.snapshot.find_at_once(name, qtype);
    let head = match found {
        AtOnce::Whole(whole) => put_whole(out, at, end, &whole, qtype, rotation, context.snapshot),
        AtOnce::Denied { exists, soa, apex_offset } => put_soa(out, at, end, exists, soa, apex_offset),
        // Apart from the rest, whose answers then need not be asked whether they are this one.
        AtOnce::NotOurs => {
            let Some(head) = head_of(0, 0, 0, at) else { return long };
            let answered = finish::<true>(query, at, out, head, spoken, context.policy);
            let told = Told { qtype: qtype.0, rcode: Rcode::REFUSED.0, zone: place, ..told_of(spoken) };
            return answered.map_or(long, |octets| Way::Answered(octets, told));
        }
        AtOnce::Address { address, ttl } => put_address(out, at, end, address, ttl),
        AtOnce::Unknown(zone) => put_other(out, at, end, &zone, name, qtype, rotation),
    };
    let Some(head) = head else { return long };
    let rcode = if head.is_nxdomain { Rcode::NXDOMAIN } else { Rcode::NOERROR };
    let told = Told { qtype: qtype.0, rcode: rcode.0, zone: place, ..told_of(spoken) };
    finish::<false>(query, question.end, out, head, spoken, context.policy)
        .map_or(long, |octets| Way::Answered(octets, told))
}

/// What is told of every answer to a client that says this.
#[inline]
fn told_of(spoken: Spoken) -> Told {
    Told { dnssec_ok: spoken.dnssec_ok != 0, ..Told::default() }
}

/// Whether a type is no more than a look-up, as far as it is asked for often: those up to HTTPS but NS and DS (RFC 4035
/// 3.1.4.1). That leaves out ANY (RFC 8482) and transfers (RFC 5936).
#[inline]
fn is_look_up(qtype: RecordType) -> bool {
    // A bit for each, of which the first stand for two types: neither 64 nor 65 is among the others.
    const OTHERS: u64 = 1 << RecordType::NS.0 | 1 << RecordType::DS.0;
    qtype.0 <= RecordType::HTTPS.0 && OTHERS >> (qtype.0 % 64) & 1 == 0
}

/// Most queries end their question within one to two runs: two copies of known length that overlap take fewer steps than a
/// call that finds the length out.
const RUN: usize = 32;

/// Copies header and question, the first `end` octets of a query.
#[expect(
    clippy::inline_always,
    reason = "one caller is each query's: what passes between the two stays in registers"
)]
#[inline(always)]
fn copy_question(query: &[u8], end: usize, out: &mut [u8]) -> Option<()> {
    let (from, to) = (query.get(..end)?, out.get_mut(..end)?);
    if let (Some(first), Some(last), true) =
        (from.first_chunk::<RUN>(), from.last_chunk::<RUN>(), end <= 2 * RUN)
    {
        *to.first_chunk_mut()? = *first;
        *to.last_chunk_mut()? = *last;
    } else {
        to.copy_from_slice(from);
    }
    Some(())
}

/// Puts what it takes a whole look-up to know between `at` and `end`. Apart from the rest, which then has registers enough.
#[inline(never)]
fn put_other(
    out: &mut [u8],
    at: usize,
    end: usize,
    zone: &ZoneRef<'_>,
    name: &QueryName,
    qtype: RecordType,
    rotation: u32,
) -> Option<Head> {
    let exists = match zone.find(name, qtype) {
        Found::Node(node) if !node.is_stale() => {
            if let Some(rrset) = node.rrset(qtype) {
                return put_rrset(out, at, end, &rrset, qtype, rotation, zone.snapshot());
            }
            if node.alias().is_some() {
                return None;
            }
            true
        }
        Found::NxDomain { stale: false } => false,
        _ => return None,
    };
    put_soa(out, at, end, exists, zone.negative_soa(), zone.apex_offset())
}

/// Puts an RRset that points at no names but those of pods between `at` and `end`.
fn put_rrset(
    out: &mut [u8],
    at: usize,
    end: usize,
    rrset: &Rrset<'_>,
    qtype: RecordType,
    rotation: u32,
    snapshot: &Snapshot,
) -> Option<Head> {
    if let Some(whole) = rrset.as_whole() {
        return put_whole(out, at, end, &whole, qtype, rotation, snapshot);
    }
    if qtype == RecordType::SRV {
        return None;
    }
    let room = out.get_mut(at..end).filter(|room| rrset.wire_len() <= room.len())?;
    if rrset.looked_up_targets().is_some() {
        return None;
    }
    let start = if rrset.rotates() { usize::try_from(rotation).ok()?.checked_rem(rrset.len())? } else { 0 };
    let copied = rrset.copy(room, start);
    head_of(u16::try_from(copied.records).ok()?, 0, 0, at + copied.octets)
}

/// What the record at `at` says, if it is an OPT record of version 0 without options, or with a cookie alone that is good
/// and kept.
#[expect(
    clippy::inline_always,
    reason = "one caller is each query's: what passes between the two stays in registers"
)]
#[inline(always)]
fn read_opt(query: &[u8], at: usize, client: &Client, context: &Context<'_>) -> Option<Spoken> {
    // RFC 6891 6.1.2, 6.1.3: root, type, size, upper bits of a response code, version, flags; then the flags again, length.
    let (opt, options) = query.get(at..)?.split_first_chunk::<OPT_LEN>()?;
    let (start, end) = (u64::from_be_bytes(*opt.first_chunk()?), u32::from_be_bytes(*opt.last_chunk()?));
    if start & 0xffff_ff00_0000_ff00 != 41 << 40 {
        return None;
    }
    let [_, _, _, s0, s1, _, _, d0] = start.to_be_bytes();
    let size = u16::from_be_bytes([s0, s1]);
    let dnssec_ok = d0 & 0x80;
    let length = usize::try_from(end & 0xffff).ok()?;
    if length == 0 {
        return Some(Spoken { size, dnssec_ok, reserved: BARE });
    }
    // RFC 7873 4: code, length, both halves.
    let &[0, 10, 0, 24, ref data @ ..] = options.first_chunk::<COOKIE_OPTION_LEN>()? else { return None };
    let cookies = context.policy.cookies.as_ref().filter(|_| length == COOKIE_OPTION_LEN)?;
    let is_kept = cookies.is_kept(data, client.address, context.now);
    is_kept.then_some(Spoken { size, dnssec_ok, reserved: WITH_COOKIE })
}

/// Puts the SOA that proves a denial (RFC 2308 3) between `at` and `end`. Its owner is so far into the question's name.
#[expect(
    clippy::inline_always,
    reason = "one caller is each query's: what passes between the two stays in registers"
)]
#[inline(always)]
fn put_soa(
    out: &mut [u8],
    at: usize,
    end: usize,
    exists: bool,
    soa: &[u8],
    apex_offset: usize,
) -> Option<Head> {
    let (owner, rest) = out.get_mut(at..end)?.split_first_chunk_mut::<2>()?;
    *owner = (0xc000 | u16::try_from(HEADER_LEN + apex_offset).ok()?).to_be_bytes();
    rest.get_mut(..soa.len())?.copy_from_slice(soa);
    Some(Head { is_nxdomain: !exists, ..head_of(0, 1, 0, at + 2 + soa.len())? })
}

/// Puts an RRset between `at` and `end`, and the addresses of its targets if it is SRV.
#[expect(
    clippy::inline_always,
    reason = "one caller is each query's: what passes between the two stays in registers"
)]
#[inline(always)]
fn put_whole(
    out: &mut [u8],
    at: usize,
    end: usize,
    whole: &Whole<'_>,
    qtype: RecordType,
    rotation: u32,
    snapshot: &Snapshot,
) -> Option<Head> {
    let (records, octets) = (whole.len(), whole.wire_len());
    let room = out.get_mut(at..end).filter(|room| octets <= room.len())?;
    // So many fit no answer as are not told by 16 bits.
    let answers = u16::try_from(records).ok()?;
    let start = || usize::try_from(rotation).ok()?.checked_rem(records);
    let (mut additionals, mut behind) = (0, at + octets);
    match qtype {
        RecordType::A => whole.copy_round(room, start()?, 4),
        RecordType::AAAA => whole.copy_round(room, start()?, 16),
        _ => {
            whole.copy(room);
            if qtype == RecordType::SRV {
                let added = whole.copy_pod_targets(snapshot, at, room.get_mut(octets..)?)?;
                additionals = u16::try_from(added.records).ok()?;
                behind += added.octets;
            }
        }
    }
    head_of(answers, 0, additionals, behind)
}

/// Octets of an A RR: owner, type, class, TTL, length, data.
const ADDRESS_LEN: usize = 2 + 2 + 2 + 4 + 2 + 4;

/// Puts an A RR between `at` and `end`.
#[expect(
    clippy::inline_always,
    reason = "one caller is each query's: what passes between the two stays in registers"
)]
#[inline(always)]
fn put_address(out: &mut [u8], at: usize, end: usize, address: Ipv4Addr, ttl: u32) -> Option<Head> {
    let [t0, t1, t2, t3] = ttl.to_be_bytes();
    let [a, b, c, d] = address.octets();
    // The owner is a pointer to the question.
    *out.get_mut(at..end)?.first_chunk_mut::<ADDRESS_LEN>()? =
        [0xc0, 12, 0, 1, 0, 1, t0, t1, t2, t3, 0, 4, a, b, c, d];
    head_of(1, 0, 0, at + ADDRESS_LEN)
}

/// Adds the OPT record, with the reason of a refusal, and the header. `asked` is where the query's own OPT record stands.
#[expect(
    clippy::inline_always,
    reason = "one caller is each query's: what passes between the two stays in registers"
)]
#[inline(always)]
fn finish<const IS_REFUSAL: bool>(
    query: &[u8],
    asked: usize,
    out: &mut [u8],
    head: Head,
    spoken: Spoken,
    policy: &Policy,
) -> Option<usize> {
    let mut at = usize::from(head.at);
    let mut counts = head.counts;
    if spoken.reserved > 0 {
        let (opt, mut rest) = out.get_mut(at..)?.split_first_chunk_mut::<OPT_LEN>()?;
        let mut length = spoken.reserved - BARE;
        if spoken.reserved == WITH_COOKIE {
            // The client keeps its cookie: the option is answered as it is.
            let (option, behind) = rest.split_first_chunk_mut::<COOKIE_OPTION_LEN>()?;
            *option = *query.get(asked + OPT_LEN..)?.first_chunk()?;
            rest = behind;
        }
        if IS_REFUSAL {
            let [code_high, code_low] = Ede::NotAuthoritative.code().to_be_bytes();
            *rest.first_chunk_mut::<6>()? = [0, 15, 0, 2, code_high, code_low];
            length += 6;
        }
        // Two overlapping words, which are two stores, put together from their first octets up: 0, 0, 41, size, 0, 0, flags;
        // flags, 0, 0, length. RFC 3225 3: "The DO bit of the query MUST be copied in the response."
        let (size, dnssec_ok) = (u64::from(policy.udp_max.swap_bytes()), u64::from(spoken.dnssec_ok));
        *opt.first_chunk_mut()? = (41 << 16 | size << 24 | dnssec_ok << 56).to_le_bytes();
        *opt.last_chunk_mut()? = (u32::from(spoken.dnssec_ok) | u32::from(length) << 24).to_le_bytes();
        at += OPT_LEN + usize::from(length);
        counts += 1;
    }
    // RFC 1035 4.1.1: of the query's flags RD is copied; the opcode is 0. Octet by octet, which takes fewer steps.
    // No answer is authoritative that is about no zone of ours.
    let (flags, rcode) = match head.is_nxdomain {
        _ if IS_REFUSAL => (Flags::QR, Rcode::REFUSED),
        true => (Flags::QR | Flags::AA, Rcode::NXDOMAIN),
        false => (Flags::QR | Flags::AA, Rcode::NOERROR),
    };
    let [f0, f1] = flags.with_rcode(rcode).0.to_be_bytes();
    let [rd, _] = Flags::RD.0.to_be_bytes();
    let f0 = f0 | query.get(2)? & rd;
    let f1 = f1 | u8::from(policy.recursion_available) << 7;
    let [c0, c1, c2, c3, c4, c5, c6, c7] = counts.to_be_bytes();
    // The ID and the question stand there as the query has them.
    let [_, _, rest @ ..] = out.first_chunk_mut::<HEADER_LEN>()?;
    *rest = [f0, f1, c0, c1, c2, c3, c4, c5, c6, c7];
    Some(at)
}
