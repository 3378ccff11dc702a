//! The message that is being written: sections in their order, within the limit, the OPT record always kept.

use super::client::{Client, Transport};
use super::policy::Policy;
use super::request::Request;
use super::signature::Signature;
use crate::wire::{
    Class, ExtendedError, Flags, HEADER_LEN, Header, NAME_MAX, Opt, QueryName, Rcode, RecordType, Signing,
    ZoneVersion,
};
use crate::zone::{Rrset, ZoneRef};
use std::net::IpAddr;
use std::ops::Range;

/// Octets of an RR between owner and rdata: type, class, TTL, rdata length.
const FIXED_LEN: usize = 10;

/// Octets of an RR whose owner is a pointer, up to its rdata.
const RR_HEAD_LEN: usize = 2 + FIXED_LEN;

/// Where a name stands in the message, not compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(usize);

impl Place {
    /// Right behind the header: the question's name.
    pub(super) const QUESTION: Place = Place(HEADER_LEN);

    /// The name at an offset of the message.
    pub(super) fn at(offset: usize) -> Place {
        Place(offset)
    }

    /// The name that begins so many octets into this one.
    pub(super) fn within(self, octets: usize) -> Place {
        Place(self.0 + octets)
    }

    /// Octets from the start of the message.
    pub(super) fn offset(self) -> usize {
        self.0
    }
}

/// A redirected name is longer than names may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NameTooLong;

/// An answer in the caller's buffer.
///
/// Invariant: `at + reserved` is within `out`, so that OPT and TSIG records fit behind whatever has been written.
#[derive(Debug)]
pub(super) struct Reply<'a> {
    /// The caller's buffer up to the limit.
    out: &'a mut [u8],
    /// What is written: header and question, then records.
    at: usize,
    /// Where records begin.
    records_at: usize,
    /// Octets of the OPT and TSIG records to come.
    reserved: usize,
    /// Written last.
    header: Header,
    request: &'a Request<'a>,
    client: &'a Client,
    policy: &'a Policy,
    errors: [Option<ExtendedError>; Opt::ERRORS_MAX],
    zone_version: Option<ZoneVersion>,
    /// What becomes the TSIG record.
    signature: Option<Signature<'a>>,
    /// Whether the client may know who answers.
    admitted: bool,
}

impl<'a> Reply<'a> {
    /// Begins with header and question; nothing if these and an OPT record do not fit into `out`.
    #[inline]
    pub(super) fn begin(
        query: &[u8],
        request: &'a Request<'a>,
        client: &'a Client,
        policy: &'a Policy,
        out: &'a mut [u8],
    ) -> Option<Reply<'a>> {
        let limit = policy.limit(client.transport, request.records.edns.as_ref().map(|edns| edns.udp_size));
        let length = usize::from(limit).min(out.len());
        let out = out.get_mut(..length)?;
        // The question is repeated octet by octet: clients compare its case (draft-vixie-dnsext-dns0x20).
        let at = request.question_end().unwrap_or(HEADER_LEN);
        out.get_mut(..at)?.copy_from_slice(query.get(..at)?);
        let available = if policy.recursion_available { Flags::RA } else { Flags(0) };
        let header = Header {
            id: request.header.id,
            flags: request.header.flags.of_answer() | available,
            questions: u16::from(request.question.is_some()),
            answers: 0,
            authorities: 0,
            additionals: 0,
        };
        let opt = opt(request, client, policy, true, None, &[None; Opt::ERRORS_MAX]);
        let reserved = opt.map_or(0, |opt| opt.wire_len());
        if at + reserved > length {
            return None;
        }
        Some(Reply {
            out,
            at,
            records_at: at,
            reserved,
            header,
            request,
            client,
            policy,
            errors: [None; Opt::ERRORS_MAX],
            zone_version: None,
            signature: None,
            admitted: false,
        })
    }

    /// The question is one that this client may ask: it is told the name server's identifier too, if it asks for that.
    /// Nobody else is: access rules that keep `id.server` from a client would be gone round, and answers to forged
    /// addresses would grow.
    pub(super) fn admit(&mut self) {
        self.admitted = true;
    }

    /// Sets AA.
    pub(super) fn authoritative(&mut self) {
        self.header.flags = self.header.flags | Flags::AA;
    }

    /// Sets TC: something that belongs to the answer is missing.
    pub(super) fn truncated(&mut self) {
        self.header.flags = self.header.flags | Flags::TC;
    }

    /// Takes all records back, and AA and TC with them.
    pub(super) fn forget(&mut self) {
        self.at = self.records_at;
        self.header.flags = Flags(self.header.flags.0 & !(Flags::AA.0 | Flags::TC.0));
        self.header.answers = 0;
        self.header.authorities = 0;
        self.header.additionals = 0;
    }

    /// Adds an extended error for a client that speaks EDNS, where there is room.
    #[inline]
    pub(super) fn explain(&mut self, error: ExtendedError) {
        let room = self.room_len();
        if self.request.records.edns.is_some()
            && error.option_len() <= room
            && let Some(slot) = self.errors.iter_mut().find(|slot| slot.is_none())
        {
            *slot = Some(error);
            self.reserved += error.option_len();
        }
    }

    /// Tells a client that would know it which version of which zone answers `name`, where there is room and the answer
    /// turns out to be an authoritative one.
    #[inline]
    pub(super) fn answers_from(&mut self, zone: &ZoneRef<'_>, name: &QueryName) {
        if self.request.records.edns.as_ref().is_some_and(|edns| edns.options.zone_version)
            && ZoneVersion::OPTION_LEN <= self.room_len()
            && let Some(labels) = zone.labels(name)
        {
            self.zone_version = Some(ZoneVersion { labels, serial: zone.serial() });
            self.reserved += ZoneVersion::OPTION_LEN;
        }
    }

    /// Adds the record that answers the request's signature.
    pub(super) fn sign(&mut self, signature: Signature<'a>) {
        let needed = signature.room();
        if needed <= self.room_len() {
            self.reserved += needed;
            self.signature = Some(signature);
        } else {
            // RFC 8945 5.3: what does not fit with its TSIG record is truncated.
            self.truncated();
        }
    }

    /// The OPT record for the first message of a transfer.
    pub(super) fn rendered_opt(&self) -> Option<Box<[u8]>> {
        let opt = opt(self.request, self.client, self.policy, self.admitted, None, &self.errors)?;
        let mut octets = vec![0; opt.wire_len()];
        opt.write(Rcode::NOERROR, &mut octets)?;
        Some(octets.into())
    }

    /// What signs the messages of a transfer, if its request was signed.
    pub(super) fn take_signing(&mut self) -> Option<Signing> {
        match self.signature.take()? {
            Signature::Signed(signing, ..) => Some(signing),
            Signature::Unsigned(..) => None,
        }
    }

    /// What carries it.
    pub(super) fn transport(&self) -> Transport {
        self.client.transport
    }

    /// Whether the client may be told of the name at a place.
    pub(super) fn may_show(&self, name: Place) -> bool {
        let access = &self.policy.access;
        !access.depends_on_names()
            || self
                .written()
                .get(name.0..name.0 + self.name_len(name))
                .is_some_and(|name| access.allows(self.client, name))
    }

    /// Octets written up to here.
    pub(super) fn written(&self) -> &[u8] {
        self.out.get(..self.at).unwrap_or(&[])
    }

    /// How many octets are written up to here.
    #[inline]
    pub(super) fn written_len(&self) -> usize {
        self.at
    }

    /// Octets that records can still take.
    #[inline]
    pub(super) fn room_len(&self) -> usize {
        self.out.len().saturating_sub(self.at + self.reserved)
    }

    /// Whether `octets` more have room; extended errors give way if that is what it takes, their texts first. What the
    /// client itself asked for stays.
    ///
    /// RFC 8914 3: servers drop EDE options before other data.
    #[inline]
    pub(super) fn make_room(&mut self, octets: usize) -> bool {
        octets <= self.room_len() || self.drop_errors(octets)
    }

    /// The rest of [`Reply::make_room`], which few answers need.
    #[inline(never)]
    fn drop_errors(&mut self, octets: usize) -> bool {
        let missing = octets.saturating_sub(self.room_len());
        let option_len = |error: &Option<ExtendedError>| error.as_ref().map_or(0, ExtendedError::option_len);
        let len = |errors: &[Option<ExtendedError>]| errors.iter().map(option_len).sum::<usize>();
        let textless = self.errors.map(|error| error.map(|error| ExtendedError::from(error.code)));
        for fewer in [textless, [None; Opt::ERRORS_MAX]] {
            let freed = len(&self.errors) - len(&fewer);
            if freed >= missing {
                self.errors = fewer;
                self.reserved = self.reserved.saturating_sub(freed);
                return true;
            }
        }
        false
    }

    /// Adds an RRset of `records` RRs to the answer section, from its RR at `start` on. Returns whether it took in all
    /// of them; otherwise it has set TC.
    #[inline]
    pub(super) fn put_answer(
        &mut self,
        rrset: &Rrset<'_>,
        records: usize,
        start: usize,
        owner: Place,
    ) -> bool {
        let copied = self.copy(rrset, start, owner);
        self.header.answers = self.header.answers.saturating_add(count(copied));
        let whole = copied == records;
        if !whole {
            self.truncated();
        }
        whole
    }

    /// Adds an RRset to the authority section, as far as there is room. Returns whether it took in all of it; otherwise
    /// it has set TC.
    pub(super) fn put_authority(&mut self, rrset: &Rrset<'_>, owner: Place) -> bool {
        self.make_room(rrset.wire_len());
        let copied = self.copy(rrset, 0, owner);
        self.header.authorities = self.header.authorities.saturating_add(count(copied));
        let whole = copied == rrset.len();
        if !whole {
            self.truncated();
        }
        whole
    }

    /// Adds an RRset to the additional section, or nothing of it if it does not fit; returns whether it did.
    pub(super) fn put_additional(&mut self, rrset: &Rrset<'_>, owner: Place) -> bool {
        if rrset.wire_len() > self.room_len() || pointer(owner.0).is_none() {
            return false;
        }
        let copied = self.copy(rrset, 0, owner);
        self.header.additionals = self.header.additionals.saturating_add(count(copied));
        true
    }

    /// Adds a CNAME for what stands at `owner`: its first `kept` octets, and the name at `target` behind them. Returns
    /// where the new name stands; `None` where there is no room, with TC set. The TTL is that of the RR before `target`.
    pub(super) fn put_alias(
        &mut self,
        owner: Place,
        kept: usize,
        target: Place,
    ) -> Result<Option<Place>, NameTooLong> {
        let tail = self.name_len(target);
        let Some(length) = u8::try_from(kept + tail).ok().filter(|length| usize::from(*length) <= NAME_MAX)
        else {
            return Err(NameTooLong);
        };
        let ttl = target.0.checked_sub(6).and_then(|at| self.written().get(at..)?.first_chunk::<4>());
        let ttl = u32::from_be_bytes(ttl.copied().unwrap_or_default());
        let fits = self.make_room(RR_HEAD_LEN + usize::from(length));
        let (true, Some(pointer)) = (fits, pointer(owner.0)) else {
            self.truncated();
            return Ok(None);
        };
        self.put(&pointer);
        self.put(&fixed(RecordType::CNAME, ttl, length));
        let place = Place(self.at);
        for part in [owner.0..owner.0 + kept, target.0..target.0 + tail] {
            let end = self.at + part.len();
            self.out.copy_within(part, self.at);
            self.at = end;
        }
        self.header.answers = self.header.answers.saturating_add(1);
        Ok(Some(place))
    }

    /// Whether two names in the message are one (RFC 4343 3: without regard to case).
    pub(super) fn is_same_name(&self, one: Place, other: Place) -> bool {
        let name = |place: Place| self.written().get(place.0..place.0 + self.name_len(place)).unwrap_or(&[]);
        // A length octet is below 'A'.
        name(one).eq_ignore_ascii_case(name(other))
    }

    /// The offsets of the data of the RR at `at`, whose owner is a pointer, and of what follows it.
    pub(super) fn rdata_at(&self, at: usize) -> Option<(usize, usize)> {
        let &[.., high, low] = self.written().get(at..)?.first_chunk::<RR_HEAD_LEN>()?;
        let rdata = at + RR_HEAD_LEN;
        let end = rdata + usize::from(u16::from_be_bytes([high, low]));
        (end <= self.at).then_some((rdata, end))
    }

    /// Octets of the name at a place, which is not compressed.
    fn name_len(&self, place: Place) -> usize {
        let mut end = place.0;
        while let Some(&length @ 1..) = self.written().get(end) {
            end += 1 + usize::from(length);
        }
        end + 1 - place.0
    }

    /// Copies as many RRs as fit, from the one at `start` on, and returns how many.
    #[inline]
    fn copy(&mut self, rrset: &Rrset<'_>, start: usize, owner: Place) -> usize {
        let (begin, end) = (self.at, self.at + self.room_len());
        let copied = self.out.get_mut(begin..end).map(|room| rrset.copy(room, start)).unwrap_or_default();
        self.at = (begin + copied.octets).min(end);
        // As RRsets are kept, their owners point at the question.
        if owner != Place::QUESTION {
            self.set_owners(begin, owner);
        }
        copied.records
    }

    /// Gives the RRs from `begin` on another owner, if a pointer can lead to it.
    #[inline(never)]
    fn set_owners(&mut self, begin: usize, owner: Place) {
        let Some(pointer) = pointer(owner.0) else { return };
        let mut at = begin;
        while let Some((_, next)) = self.rdata_at(at) {
            if let Some(slot) = self.out.get_mut(at..at + pointer.len()) {
                slot.copy_from_slice(&pointer);
            }
            at = next;
        }
    }

    /// Adds the zone's SOA to the authority section: every negative answer needs it (RFC 2308 3). The name that is
    /// denied stands at `name`.
    #[inline]
    pub(super) fn put_soa(&mut self, zone: &ZoneRef<'_>, name: Place) {
        let rest = zone.negative_soa();
        match pointer(name.within(zone.apex_offset()).0) {
            Some(owner) if self.make_room(owner.len() + rest.len()) => {
                self.put(&owner);
                self.put(rest);
                self.header.authorities += 1;
            }
            // An SOA with two names of 255 octets is larger than 512.
            _ => self.truncated(),
        }
    }

    /// Adds the RRset of `addresses`, which are of one family, to the additional section, or nothing of it if it does
    /// not fit; returns whether it did. Its owner is the name written at `owner`, which is not compressed.
    pub(super) fn put_addresses(&mut self, owner: Range<usize>, ttl: u32, addresses: &[IpAddr]) -> bool {
        let pointer = pointer(owner.start);
        let owner_len = if pointer.is_some() { 2 } else { owner.len() };
        let address_len = if addresses.first().is_some_and(IpAddr::is_ipv4) { 4 } else { 16 };
        let needed = addresses.len() * (owner_len + FIXED_LEN + address_len);
        if needed > self.room_len() || owner.end > self.at {
            return false;
        }
        for address in addresses {
            if let Some(pointer) = &pointer {
                self.put(pointer);
            } else {
                self.out.copy_within(owner.clone(), self.at);
                self.at += owner.len();
            }
            match address {
                IpAddr::V4(v4) => {
                    self.put(&fixed(RecordType::A, ttl, 4));
                    self.put(&v4.octets());
                }
                IpAddr::V6(v6) => {
                    self.put(&fixed(RecordType::AAAA, ttl, 16));
                    self.put(&v6.octets());
                }
            }
        }
        self.header.additionals = self.header.additionals.saturating_add(count(addresses.len()));
        true
    }

    /// Appends octets for which the caller has found room.
    #[inline]
    fn put(&mut self, octets: &[u8]) {
        let end = self.at + octets.len();
        if let Some(room) = self.out.get_mut(self.at..end) {
            room.copy_from_slice(octets);
            self.at = end;
        }
    }

    /// Answers a question of class CH with one text of at most 255 octets.
    pub(super) fn put_chaos_text(&mut self, text: &[u8]) {
        let Ok(length) = u8::try_from(text.len()) else { return };
        let needed = 2 + FIXED_LEN + 1 + text.len();
        let Some(owner) = pointer(HEADER_LEN).filter(|_| self.make_room(needed)) else {
            self.truncated();
            return;
        };
        let [t0, t1] = RecordType::TXT.0.to_be_bytes();
        let [c0, c1] = Class::CH.0.to_be_bytes();
        let [r0, r1] = (u16::from(length) + 1).to_be_bytes();
        self.put(&owner);
        self.put(&[t0, t1, c0, c1, 0, 0, 0, 0, r0, r1, length]);
        self.put(text);
        self.header.answers += 1;
    }

    /// Adds the OPT record, the TSIG record and the header, and returns the length of the message.
    #[inline]
    pub(super) fn finish(&mut self, rcode: Rcode) -> Option<usize> {
        let Reply { request, client, policy, admitted, .. } = *self;
        // RFC 9660 3.2: with authoritative answers only.
        let zone_version = self.zone_version.filter(|_| self.header.flags.contains(Flags::AA));
        if let Some(mut opt) = opt(request, client, policy, admitted, zone_version, &self.errors) {
            let octets = self.at + opt.wire_len() + self.signature.as_ref().map_or(0, Signature::wire_len);
            opt.padding = padding(request, client, octets, self.out.len());
            self.at += opt.write(rcode, self.out.get_mut(self.at..)?)?;
            self.header.additionals += 1;
        }
        self.header.flags = self.header.flags.with_rcode(rcode);
        *self.out.first_chunk_mut::<HEADER_LEN>()? = self.header.to_octets();
        match self.signature.take() {
            Some(signature) => signature.write(self.out, self.at),
            None => Some(self.at),
        }
    }
}

/// The OPT record for a client that speaks EDNS.
#[inline]
fn opt<'a>(
    request: &'a Request<'_>,
    client: &Client,
    policy: &'a Policy,
    admitted: bool,
    zone_version: Option<ZoneVersion>,
    errors: &'a [Option<ExtendedError>; Opt::ERRORS_MAX],
) -> Option<Opt<'a>> {
    let edns = request.records.edns.as_ref()?;
    Some(Opt {
        udp_size: policy.udp_max,
        dnssec_ok: edns.dnssec_ok,
        cookie: request.cookie.as_ref().map(|cookie| &cookie.reply),
        nsid: (edns.options.nsid && admitted && !policy.nsid.is_empty()).then_some(&*policy.nsid),
        // RFC 7828 3.3.1: over UDP the option is ignored. RFC 9250 5.5.2 has it for TCP and TLS alone.
        tcp_keepalive: (edns.options.tcp_keepalive && client.transport.is_stream_of_messages())
            .then_some(policy.tcp_idle),
        padding: None,
        zone_version,
        errors,
    })
}

/// Octets of the blocks that padded answers are made of (RFC 8467 4.1: "the server SHOULD pad the corresponding response to
/// a multiple of 468 octets").
const BLOCK_LEN: usize = 468;

/// How many octets of padding make an answer of `octets` one of whole blocks, or as long as it may be; for a client that
/// pads its query, and where that hides anything (RFC 7830 4, 6).
#[inline]
fn padding(request: &Request<'_>, client: &Client, octets: usize, limit: usize) -> Option<u16> {
    let edns = request.records.edns.as_ref()?;
    if !edns.options.padding || !client.transport.is_encrypted() {
        return None;
    }
    let least = octets + Opt::PADDING_HEAD_LEN;
    let padded = least.next_multiple_of(BLOCK_LEN).min(limit);
    u16::try_from(padded.checked_sub(least)?).ok()
}

/// A compression pointer to `offset`, if it can point so far (RFC 1035 4.1.4: fourteen bits).
#[inline]
fn pointer(offset: usize) -> Option<[u8; 2]> {
    match u16::try_from(offset) {
        Ok(offset @ ..=0x3fff) => Some((0xc000 | offset).to_be_bytes()),
        _ => None,
    }
}

/// The part of an RR between owner and rdata.
fn fixed(record_type: RecordType, ttl: u32, rdata_len: u8) -> [u8; FIXED_LEN] {
    let [t0, t1] = record_type.0.to_be_bytes();
    let [c0, c1] = Class::IN.0.to_be_bytes();
    let [l0, l1, l2, l3] = ttl.to_be_bytes();
    [t0, t1, c0, c1, l0, l1, l2, l3, 0, rdata_len]
}

/// A number of RRs as the header holds it: a message of 64 KiB has room for fewer than 6,000.
fn count(records: usize) -> u16 {
    u16::try_from(records).unwrap_or(u16::MAX)
}
