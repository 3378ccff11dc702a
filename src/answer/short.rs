//! The short way to an answer, for what clusters ask all day: one question with at most a bare OPT record or a cookie,
//! over UDP, for a name that is known and leads nowhere else, whose whole answer has room.
//!
//! It promises the octets of the long way, which knows every case, in a third of the steps: nothing stands between the
//! query and the buffer that is sent. What is not among these cases is left to the long way before anything is decided.
//! A property test and a fuzz target hold each of its answers against the long way's.

use super::client::{Client, Transport};
use super::{Context, Told, ZonePlace, policy::Policy};
use crate::wire::{
    COOKIE_LEN, Class, Ede, Flags, HEADER_LEN, OPT_LEN, QueryName, Question, Rcode, RecordType, UDP_SIZE_MIN,
};
use crate::zone::{Found, Rrset, ZoneRef};

/// Whither the short way led.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The answer stands in the first octets of the buffer, that many; and this is to be counted.
    Answered(usize, Told),
    /// It takes the long way; the question, if it was read already.
    Long(Option<Question>),
}

/// What the client says in its OPT record.
#[derive(Clone, Copy)]
struct Spoken {
    /// The largest answer that it takes.
    size: u16,
    dnssec_ok: bool,
    /// Whether its cookie is answered by one.
    cookie: bool,
}

/// What an answer says beside its records.
#[derive(Clone, Copy)]
struct Head {
    aa: Flags,
    rcode: Rcode,
    /// Records of the answer and of the authority section, and others than OPT of the additional one.
    counts: [u16; 3],
    /// Where the OPT record belongs.
    at: usize,
}

/// Octets 4 to 11 of a header with one question and nothing else (RFC 1035 4.1.1), ARCOUNT being the last.
const ONE_QUESTION: u64 = 1 << 48;

/// Octets of a COOKIE option.
const COOKIE_OPTION_LEN: usize = 4 + COOKIE_LEN;

/// Octets of an extended error without text (RFC 8914 2).
const ERROR_OPTION_LEN: usize = 6;

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
    // Room for the client's cookie, not moved about.
    let mut cookie = [0; COOKIE_LEN];
    let spoken = if counts == ONE_QUESTION {
        None
    } else {
        match read_opt(query, question.end, client, context, &mut cookie) {
            Some(spoken) => Some(spoken),
            None => return long,
        }
    };
    // RFC 1034 3.7.1, RFC 8482, RFC 4035 3.1.4.1, RFC 5936: types and classes that are more than a look-up.
    let qtype = question.record_type;
    if question.class != Class::IN
        || matches!(
            qtype,
            RecordType::ANY | RecordType::NS | RecordType::DS | RecordType::AXFR | RecordType::IXFR
        )
    {
        return long;
    }
    let limit = context.policy.limit(Transport::Udp, spoken.map(|spoken| spoken.size));
    let Some(out) = out.get_mut(..usize::from(limit)) else { return long };
    let (Some(to), Some(from)) = (out.get_mut(..question.end), query.get(..question.end)) else {
        return long;
    };
    to.copy_from_slice(from);
    let reserved = match spoken {
        None => 0,
        Some(Spoken { cookie: false, .. }) => OPT_LEN,
        Some(_) => OPT_LEN + COOKIE_OPTION_LEN,
    };
    let end = out.len().saturating_sub(reserved);
    let refused = Head { aa: Flags(0), rcode: Rcode::REFUSED, counts: [0; 3], at: question.end };
    let zone = context.snapshot.zone_of_asked(name);
    let head = match &zone {
        None => Some(refused),
        Some(zone) => match zone.find_rrset_asked(name, qtype) {
            Ok(rrset) => put_records(out, question.end, end, &rrset, qtype, rotation),
            Err(Found::Node(node)) if !node.is_stale() => match node.rrset(qtype) {
                Some(rrset) if rrset.looked_up_targets().is_some() => None,
                Some(rrset) => put_records(out, question.end, end, &rrset, qtype, rotation),
                None if node.alias().is_some() => None,
                None => put_soa(out, question.end, end, zone, Rcode::NOERROR),
            },
            Err(Found::NxDomain { stale: false }) => put_soa(out, question.end, end, zone, Rcode::NXDOMAIN),
            _ => None,
        },
    };
    let Some(head) = head else { return long };
    let cookie = spoken.filter(|spoken| spoken.cookie).map(|_| &cookie);
    let told = Told {
        qtype: qtype.0,
        rcode: head.rcode.0,
        zone: ZonePlace::of(zone.as_ref()),
        dnssec_ok: spoken.is_some_and(|spoken| spoken.dnssec_ok),
        ..Told::default()
    };
    finish(out, high, &head, spoken, cookie, context.policy)
        .map_or(long, |octets| Way::Answered(octets, told))
}

/// What the record at `at` says, if it is an OPT record of version 0 without options, or with a cookie alone that is good
/// and kept; this is copied to `cookie`.
#[expect(
    clippy::inline_always,
    reason = "one caller is each query's: what passes between the two stays in registers"
)]
#[inline(always)]
fn read_opt(
    query: &[u8],
    at: usize,
    client: &Client,
    context: &Context<'_>,
    cookie: &mut [u8; COOKIE_LEN],
) -> Option<Spoken> {
    // RFC 6891 6.1.2, 6.1.3: root, type, size; upper bits of a response code, version, flags; length.
    let (&[0, 0, 41, s0, s1, _, 0, d0, _, 0, length], options) =
        query.get(at..)?.split_first_chunk::<OPT_LEN>()?
    else {
        return None;
    };
    let size = u16::from_be_bytes([s0, s1]).max(UDP_SIZE_MIN);
    let dnssec_ok = d0 & 0x80 != 0;
    if length == 0 {
        return Some(Spoken { size, dnssec_ok, cookie: false });
    }
    // RFC 7873 4: code, length, both halves.
    let &[0, 10, 0, 24, ref data @ ..] = options.first_chunk::<COOKIE_OPTION_LEN>()? else { return None };
    if usize::from(length) != COOKIE_OPTION_LEN {
        return None;
    }
    let good = context.policy.cookies.as_ref()?.is_kept(data, client.address, context.now);
    *cookie = *data;
    good.then_some(Spoken { size, dnssec_ok, cookie: true })
}

/// Puts the SOA that proves a denial (RFC 2308 3) between `at` and `end`.
#[inline]
fn put_soa(out: &mut [u8], at: usize, end: usize, zone: &ZoneRef<'_>, rcode: Rcode) -> Option<Head> {
    let soa = zone.negative_soa();
    let (owner, rest) = out.get_mut(at..end)?.split_first_chunk_mut::<2>()?;
    *owner = (0xc000 | u16::try_from(HEADER_LEN + zone.apex_offset()).ok()?).to_be_bytes();
    rest.get_mut(..soa.len())?.copy_from_slice(soa);
    Some(Head { aa: Flags::AA, rcode, counts: [0, 1, 0], at: at + 2 + soa.len() })
}

/// Puts an RRset between `at` and `end`, and the addresses of its targets if it is SRV.
#[expect(
    clippy::inline_always,
    reason = "one caller is each query's: what passes between the two stays in registers"
)]
#[inline(always)]
fn put_records(
    out: &mut [u8],
    at: usize,
    end: usize,
    rrset: &Rrset<'_>,
    qtype: RecordType,
    rotation: u32,
) -> Option<Head> {
    let room = out.get_mut(at..end).filter(|room| rrset.wire_len() <= room.len())?;
    let records = rrset.len();
    let start = if rrset.rotates() { usize::try_from(rotation).ok()?.checked_rem(records)? } else { 0 };
    let octets = rrset.copy(room, start).octets;
    let mut head = Head {
        aa: Flags::AA,
        rcode: Rcode::NOERROR,
        counts: [u16::try_from(records).ok()?, 0, 0],
        at: at + octets,
    };
    if qtype == RecordType::SRV {
        let added = rrset.copy_pod_targets(at, room.get_mut(octets..)?)?;
        head.counts = [u16::try_from(records).ok()?, 0, u16::try_from(added.records).ok()?];
        head.at += added.octets;
    }
    Some(head)
}

/// Adds the OPT record and the header, the second octet of whose query is `high`.
#[expect(
    clippy::inline_always,
    reason = "one caller is each query's: what passes between the two stays in registers"
)]
#[inline(always)]
fn finish(
    out: &mut [u8],
    high: u8,
    head: &Head,
    spoken: Option<Spoken>,
    cookie: Option<&[u8; COOKIE_LEN]>,
    policy: &Policy,
) -> Option<usize> {
    let mut at = head.at;
    let [answers, authorities, mut additionals] = head.counts;
    if let Some(spoken) = spoken {
        let (opt, mut rest) = out.get_mut(at..)?.split_first_chunk_mut::<OPT_LEN>()?;
        let mut length = 0;
        if let Some(cookie) = cookie {
            let (option, behind) = rest.split_first_chunk_mut::<COOKIE_OPTION_LEN>()?;
            let (head, data) = option.split_first_chunk_mut::<4>()?;
            *head = [0, 10, 0, 24];
            data.copy_from_slice(cookie);
            (rest, length) = (behind, COOKIE_OPTION_LEN);
        }
        if head.rcode == Rcode::REFUSED {
            let [code_high, code_low] = Ede::NotAuthoritative.code().to_be_bytes();
            *rest.first_chunk_mut::<ERROR_OPTION_LEN>()? = [0, 15, 0, 2, code_high, code_low];
            length += ERROR_OPTION_LEN;
        }
        let [u0, u1] = policy.udp_max.to_be_bytes();
        let [l0, l1] = u16::try_from(length).ok()?.to_be_bytes();
        // RFC 3225 3: "The DO bit of the query MUST be copied in the response."
        *opt = [0, 0, 41, u0, u1, 0, 0, if spoken.dnssec_ok { 0x80 } else { 0 }, 0, l0, l1];
        at += OPT_LEN + length;
        additionals += 1;
    }
    let available = if policy.recursion_available { Flags::RA } else { Flags(0) };
    let flags = Flags(u16::from_be_bytes([high, 0])).of_answer() | head.aa | available;
    let [f0, f1] = flags.with_rcode(head.rcode).0.to_be_bytes();
    let ([an0, an1], [ns0, ns1], [ar0, ar1]) =
        (answers.to_be_bytes(), authorities.to_be_bytes(), additionals.to_be_bytes());
    // The ID and the question stand there as the query has them.
    let [_, _, rest @ ..] = out.first_chunk_mut::<HEADER_LEN>()?;
    *rest = [f0, f1, 0, 1, an0, an1, ns0, ns1, ar0, ar1];
    Some(at)
}
