//! The short way to an answer, for what clusters ask all day: one question with at most a bare OPT record or a cookie,
//! over UDP, for a generated name that is known, whose whole answer has room.
//!
//! It promises the octets of the long way, which knows every case, in a third of the steps: nothing stands between the
//! query and the buffer that is sent. What is not among these cases is left to the long way before anything is decided.
//! A property test and a fuzz target hold each of its answers against the long way's.

use super::client::{Client, Transport};
use super::cookies::Standing;
use super::{Context, policy::Policy};
use crate::wire::{
    COOKIE_LEN, Class, Ede, Flags, HEADER_LEN, OPT_LEN, Opt, QueryName, Question, Rcode, RecordType,
    UDP_SIZE_MIN,
};
use crate::zone::{Found, Rrset, ZoneRef};

/// Whither the short way led.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The answer stands in the first octets of the buffer, that many.
    Answered(usize),
    /// It takes the long way; the question, if it was read already.
    Long(Option<Question>),
}

/// What an OPT record of the answer says beside its size and its response code.
#[derive(Clone, Copy)]
struct Spoken {
    dnssec_ok: bool,
    cookie: Option<[u8; COOKIE_LEN]>,
}

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
    // One question, no answer, no authority, at most one additional record (RFC 1035 4.1.1).
    let Some(&[_, _, high, _, 0, 1, 0, 0, 0, 0, 0, additionals @ 0..=1]) = query.first_chunk::<HEADER_LEN>()
    else {
        return Way::Long(None);
    };
    let flags = Flags(u16::from_be_bytes([high, 0]));
    if flags.of_answer().0 & !Flags::RD.0 != Flags::QR.0
        || flags.contains(Flags::QR)
        || client.transport != Transport::Udp
        || context.limiter.is_some()
        || !context.policy.access.is_empty()
        || out.len() < usize::from(UDP_SIZE_MIN)
    {
        return Way::Long(None);
    }
    let Ok(question) = Question::read(query, name) else { return Way::Long(None) };
    let long = Way::Long(Some(question));
    let spoken = match additionals {
        0 => None,
        _ => match read_opt(query, question.end, client, context) {
            Some(spoken) => Some(spoken),
            None => return long,
        },
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
    let limit = context.policy.limit(Transport::Udp, spoken.map(|(size, _)| size));
    let Some(out) = out.get_mut(..usize::from(limit)) else { return long };
    let (Some(to), Some(from)) = (out.get_mut(..question.end), query.get(..question.end)) else {
        return long;
    };
    to.copy_from_slice(from);
    let writing =
        Writing { out, at: question.end, spoken: spoken.map(|(_, spoken)| spoken), policy: context.policy };
    let answered = match context.snapshot.zone_of_asked(name) {
        None => writing.refused(flags),
        Some(zone) if zone.has_file() => None,
        Some(zone) => match zone.find_asked(name, qtype) {
            Found::Node(node) if !node.is_stale() => match node.rrset(qtype) {
                Some(rrset) => writing.records(flags, &rrset, qtype, rotation),
                None => writing.nothing(flags, Rcode::NOERROR, &zone),
            },
            Found::NxDomain { stale: false } => writing.nothing(flags, Rcode::NXDOMAIN, &zone),
            _ => None,
        },
    };
    answered.map_or(long, Way::Answered)
}

/// The size that the client takes and what is told to it, if the record at `at` is an OPT record of version 0 without
/// options, or with a cookie alone that is to be answered by a cookie.
#[inline]
fn read_opt(query: &[u8], at: usize, client: &Client, context: &Context<'_>) -> Option<(u16, Spoken)> {
    // RFC 6891 6.1.2, 6.1.3: root, type, size; upper bits of a response code, version, flags; length.
    let (&[0, 0, 41, s0, s1, _, 0, d0, _, 0, length], options) =
        query.get(at..)?.split_first_chunk::<OPT_LEN>()?
    else {
        return None;
    };
    let size = u16::from_be_bytes([s0, s1]).max(UDP_SIZE_MIN);
    let dnssec_ok = d0 & 0x80 != 0;
    if length == 0 {
        return Some((size, Spoken { dnssec_ok, cookie: None }));
    }
    // RFC 7873 4: code, length, both halves.
    let &[0, 10, 0, 24, ref data @ ..] = options.first_chunk::<{ 4 + COOKIE_LEN }>()? else { return None };
    if usize::from(length) != 4 + COOKIE_LEN {
        return None;
    }
    let checked = context.policy.cookies.as_ref()?.check(data, client.address, context.now)?;
    let cookie = Some(checked.reply);
    (checked.standing == Standing::Good).then_some((size, Spoken { dnssec_ok, cookie }))
}

/// An answer of which header and question stand in `out`.
struct Writing<'a> {
    /// As long as the answer may be.
    out: &'a mut [u8],
    /// Where it goes on.
    at: usize,
    spoken: Option<Spoken>,
    policy: &'a Policy,
}

/// Numbers of records in the three sections, OPT not counted.
type Counts = [u8; 3];

impl Writing<'_> {
    /// What the OPT record takes.
    #[inline]
    fn reserved(&self) -> usize {
        match &self.spoken {
            None => 0,
            Some(Spoken { cookie: None, .. }) => OPT_LEN,
            Some(_) => OPT_LEN + 4 + COOKIE_LEN,
        }
    }

    /// Where records must end.
    #[inline]
    fn end(&self) -> usize {
        self.out.len().saturating_sub(self.reserved())
    }

    /// The answer of a server that has no authority over the name.
    #[inline]
    fn refused(self, flags: Flags) -> Option<usize> {
        self.finish(flags.of_answer(), Rcode::REFUSED, [0; 3], Some(Ede::NotAuthoritative))
    }

    /// The answer that there is nothing: the zone's SOA proves it (RFC 2308 3).
    #[inline]
    fn nothing(mut self, flags: Flags, rcode: Rcode, zone: &ZoneRef<'_>) -> Option<usize> {
        let soa = zone.negative_soa();
        let end = self.end();
        let (owner, rest) = self.out.get_mut(self.at..end)?.split_first_chunk_mut::<2>()?;
        *owner = (0xc000 | u16::try_from(HEADER_LEN + zone.apex_offset()).ok()?).to_be_bytes();
        rest.get_mut(..soa.len())?.copy_from_slice(soa);
        self.at += 2 + soa.len();
        self.finish(flags.of_answer() | Flags::AA, rcode, [0, 1, 0], None)
    }

    /// The RRset, and the addresses of its targets.
    #[inline]
    fn records(mut self, flags: Flags, rrset: &Rrset<'_>, qtype: RecordType, rotation: u32) -> Option<usize> {
        let end = self.end();
        let room = self.out.get_mut(self.at..end).filter(|room| rrset.wire_len() <= room.len())?;
        let records = rrset.len();
        let start = if rrset.rotates() { usize::try_from(rotation).ok()?.checked_rem(records)? } else { 0 };
        let first = self.at;
        self.at += rrset.copy(room, start).octets;
        let added = if qtype == RecordType::SRV { self.targets(rrset, first)? } else { 0 };
        let counts = [u8::try_from(records).ok()?, 0, added];
        self.finish(flags.of_answer() | Flags::AA, Rcode::NOERROR, counts, None)
    }

    /// Adds the addresses of pods that the SRV RRs at `first` point at, if that is what each does. Returns how many.
    #[inline]
    fn targets(&mut self, rrset: &Rrset<'_>, first: usize) -> Option<u8> {
        let end = self.end();
        let room = self.out.get_mut(self.at..end)?;
        let copied = rrset.copy_pod_targets(first, room)?;
        self.at += copied.octets;
        u8::try_from(copied.records).ok()
    }

    /// Adds the OPT record and the header.
    #[inline]
    fn finish(self, flags: Flags, rcode: Rcode, counts: Counts, error: Option<Ede>) -> Option<usize> {
        let Writing { out, at, spoken, policy } = self;
        let mut at = at;
        let [answers, authorities, mut additionals] = counts.map(u16::from);
        if let Some(Spoken { dnssec_ok, cookie }) = &spoken {
            let errors = [error.map(Into::into), None];
            let opt = Opt {
                udp_size: policy.udp_max,
                dnssec_ok: *dnssec_ok,
                cookie: cookie.as_ref(),
                nsid: None,
                tcp_keepalive: None,
                zone_version: None,
                errors: &errors,
            };
            at += opt.write(rcode, out.get_mut(at..)?)?;
            additionals += 1;
        }
        let available = if policy.recursion_available { Flags::RA } else { Flags(0) };
        let [f0, f1] = (flags | available).with_rcode(rcode).0.to_be_bytes();
        let ([an0, an1], [ns0, ns1], [ar0, ar1]) =
            (answers.to_be_bytes(), authorities.to_be_bytes(), additionals.to_be_bytes());
        // The ID, the count of questions and the question stand there as the query has them.
        let [_, _, rest @ ..] = out.first_chunk_mut::<HEADER_LEN>()?;
        *rest = [f0, f1, 0, 1, an0, an1, ns0, ns1, ar0, ar1];
        Some(at)
    }
}
