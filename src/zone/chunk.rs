//! A run of neighbouring RRs of a list: one block of memory, shared by the snapshots that have it.
//!
//! ```text
//! octets 2, count 1, form 1 | octets of the RRs | where each ends, 2 each | keys | parts, glue and causes
//! ```
//! Most sets are small, and a cluster has tens of thousands of chunks: what is the same for nearly all RRs is not
//! written. A key of IPv4 has 4 octets; the last section is there only where an RR has more than one cause, or is of
//! another part than its key says, or of another glue than its neighbours.

use super::rr;
use super::set::part_of;
use crate::wire::RecordType;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::Arc;

/// Rendered RRs in order, with what is known of each beside. A clone shares them; a change makes another block.
#[derive(Debug, Clone)]
pub(super) struct Chunk(Arc<[u8]>);

/// An RR to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Item<'a> {
    /// What it is sorted by: the address that names the peer; for A and AAAA the address itself.
    pub(super) key: IpAddr,
    /// Its rdata.
    pub(super) rdata: Cow<'a, [u8]>,
    /// The part of the set that the peer behind it falls in.
    pub(super) part: u8,
    /// Where the addresses of its target are found.
    pub(super) glue: Glue,
}

impl Item<'_> {
    /// One that needs nobody else.
    pub(super) fn to_owned(&self) -> Item<'static> {
        Item { rdata: Cow::Owned(self.rdata.to_vec()), ..*self }
    }
}

/// Where the addresses of an SRV target are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Glue {
    /// Not here: no SRV, or another server's name.
    None,
    /// The target is the pod name of the key.
    Pod,
    /// The target is a peer's name below the set.
    Peer,
}

/// One RR of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rr<'a> {
    pub(super) key: IpAddr,
    pub(super) part: u8,
    pub(super) glue: Glue,
    /// How many causes it has that fall into its part.
    pub(super) causes: u32,
    /// The whole RR.
    pub(super) octets: &'a [u8],
}

impl<'a> Rr<'a> {
    pub(super) fn rdata(&self) -> &'a [u8] {
        self.octets.get(rr::HEAD..).unwrap_or(&[])
    }

    /// Whether it needs no more said than its key, among neighbours of this glue.
    fn is_plain(&self, glue: Glue) -> bool {
        self.causes == 1 && self.glue == glue && self.part == part_of(self.key)
    }
}

/// Where a chunk is put together before it is as long as it will be: a block of its own for each would be as much work.
#[derive(Debug, Default)]
pub(super) struct Draft {
    rr: Vec<u8>,
    block: Vec<u8>,
}

/// How a new RR is made.
#[derive(Debug)]
pub(super) struct Made<'a> {
    pub(super) rtype: RecordType,
    pub(super) ttl: u32,
    pub(super) draft: &'a mut Draft,
}

/// Octets before those of the RRs.
const HEAD: usize = 4;

/// Octets of an end.
const END: usize = 2;

/// Octets of what an RR has in the last section: part, glue, causes.
const EXTRA: usize = 6;

/// How a chunk is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    /// The glue of all RRs, where there is no last section.
    glue: Glue,
    /// Whether all keys are IPv4.
    short_keys: bool,
    /// Whether there is a last section.
    extras: bool,
}

impl Form {
    fn of(rrs: &[Rr<'_>]) -> Form {
        let glue = rrs.first().map_or(Glue::None, |rr| rr.glue);
        Form {
            glue,
            short_keys: rrs.iter().all(|rr| rr.key.is_ipv4()),
            extras: !rrs.iter().all(|rr| rr.is_plain(glue)),
        }
    }

    fn read(octet: u8) -> Form {
        let glue = Glue::read(octet & 3);
        Form { glue, short_keys: octet & 4 != 0, extras: octet & 8 != 0 }
    }

    fn write(self) -> u8 {
        self.glue as u8 | if self.short_keys { 4 } else { 0 } | if self.extras { 8 } else { 0 }
    }

    /// Octets of a key. The longer ones are IPv6 behind an octet that is 1 if it is none.
    fn key(self) -> usize {
        if self.short_keys { 4 } else { 17 }
    }

    fn holds(self, item: &Item<'_>) -> bool {
        !self.extras
            && (!self.short_keys || item.key.is_ipv4())
            && self.glue == item.glue
            && item.part == part_of(item.key)
    }

    /// The key that `octets` begin with.
    fn read_key(self, octets: &[u8]) -> Option<IpAddr> {
        if self.short_keys {
            return Some(Ipv4Addr::from(*octets.first_chunk::<4>()?).into());
        }
        let (is_v4, octets) = octets.split_first()?;
        let v6 = Ipv6Addr::from(*octets.first_chunk::<16>()?);
        Some(v6.to_ipv4_mapped().filter(|_| *is_v4 == 1).map_or(v6.into(), IpAddr::V4))
    }

    fn push_key(self, key: IpAddr, into: &mut Vec<u8>) {
        match key {
            IpAddr::V4(v4) if self.short_keys => into.extend(v4.octets()),
            IpAddr::V4(v4) => {
                into.push(1);
                into.extend(v4.to_ipv6_mapped().octets());
            }
            IpAddr::V6(v6) => {
                into.push(0);
                into.extend(v6.octets());
            }
        }
    }
}

impl Glue {
    fn read(octet: u8) -> Glue {
        match octet {
            1 => Glue::Pod,
            2 => Glue::Peer,
            _ => Glue::None,
        }
    }
}

impl Chunk {
    /// A chunk of one RR.
    pub(super) fn new(item: &Item<'_>, rtype: RecordType, ttl: u32) -> Chunk {
        let octets = rr::render(rtype, ttl, &item.rdata);
        let Item { key, part, glue, .. } = *item;
        Chunk::of(&[Rr { key, part, glue, causes: 1, octets: &octets }])
    }

    fn of(rrs: &[Rr<'_>]) -> Chunk {
        let form = Form::of(rrs);
        let octets: usize = rrs.iter().map(|rr| rr.octets.len()).sum();
        let beside = END + form.key() + if form.extras { EXTRA } else { 0 };
        let mut block = Vec::with_capacity(HEAD + octets + rrs.len() * beside);
        block.extend(head(octets, rrs.len(), form));
        for rr in rrs {
            block.extend_from_slice(rr.octets);
        }
        let mut end = 0;
        for rr in rrs {
            end += rr.octets.len();
            block.extend(short(end).to_le_bytes());
        }
        for rr in rrs {
            form.push_key(rr.key, &mut block);
        }
        if form.extras {
            for rr in rrs {
                block.extend([rr.part, rr.glue as u8]);
                block.extend(rr.causes.to_le_bytes());
            }
        }
        Chunk(block.into())
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.head()[2].into()
    }

    #[inline]
    pub(super) fn octets(&self) -> &[u8] {
        self.0.get(HEAD..HEAD + self.octets_len()).unwrap_or(&[])
    }

    pub(super) fn rr(&self, index: usize) -> Option<Rr<'_>> {
        let (start, end) = (self.start(index), self.end(index)?);
        let octets = self.0.get(HEAD + start..HEAD + end)?;
        let form = self.form();
        let keys = self.ends_at() + self.len() * END;
        let key = form.read_key(self.0.get(keys + index * form.key()..)?)?;
        if !form.extras {
            return Some(Rr { key, part: part_of(key), glue: form.glue, causes: 1, octets });
        }
        let extras = keys + self.len() * form.key() + index * EXTRA;
        let [part, glue, causes @ ..] = *self.0.get(extras..)?.first_chunk::<EXTRA>()?;
        Some(Rr { key, part, glue: Glue::read(glue), causes: u32::from_le_bytes(causes), octets })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Rr<'_>> + Clone {
        (0..self.len()).filter_map(|index| self.rr(index))
    }

    /// All RRs. `octets` are theirs, which the list of a single chunk knows: to find them out here costs as much as the rest.
    #[inline]
    pub(super) fn first_octets(&self, octets: usize) -> Option<&[u8]> {
        self.0.get(HEAD..)?.get(..octets)
    }

    /// Where each RR begins, and its key, if the targets of all are pod names. `octets` are those of all RRs.
    #[inline]
    pub(super) fn pods(&self, octets: usize) -> Option<impl Iterator<Item = (usize, IpAddr)>> {
        let form = self.form();
        let are_pods =
            if form.extras { self.iter().all(|rr| rr.glue == Glue::Pod) } else { form.glue == Glue::Pod };
        let (ends, keys) = self.0.get(HEAD + octets..)?.split_at_checked(self.len() * END)?;
        let (ends, _) = ends.as_chunks::<END>();
        let starts = std::iter::once(0).chain(ends.iter().map(|end| u16::from_le_bytes(*end).into()));
        let keys = keys.chunks_exact(form.key()).take(self.len());
        are_pods.then(|| starts.zip(keys).filter_map(move |(start, key)| Some((start, form.read_key(key)?))))
    }

    /// The same of a chunk of plain RRs whose keys are all IPv4, `records` being how many there are.
    #[inline]
    pub(super) fn ipv4_pods(
        &self,
        octets: usize,
        records: usize,
    ) -> Option<impl Iterator<Item = (usize, &[u8; 4])>> {
        let form = Form { glue: Glue::Pod, short_keys: true, extras: false };
        let ([_, _, _, written], rest) = self.0.split_first_chunk::<HEAD>()?;
        let (ends, keys) = rest.get(octets..)?.split_at_checked(records * END)?;
        let (ends, _) = ends.as_chunks::<END>();
        let (keys, _) = keys.as_chunks::<4>();
        let starts = std::iter::once(0).chain(ends.iter().map(|end| u16::from_le_bytes(*end).into()));
        (*written == form.write()).then(|| starts.zip(keys))
    }

    /// Where the RR at `index` begins; the end of the chunk beyond the last.
    #[inline]
    pub(super) fn start(&self, index: usize) -> usize {
        let before = index.min(self.len()).checked_sub(1);
        before.and_then(|before| self.end(before)).unwrap_or(0)
    }

    /// How many of the RRs from the one at `first` on end within `room` octets of its start.
    pub(super) fn fitting(&self, first: usize, room: usize) -> usize {
        let limit = self.start(first) + room;
        let (mut low, mut high) = (first.min(self.len()), self.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.end(middle).is_some_and(|end| end <= limit) { low = middle + 1 } else { high = middle }
        }
        low - first.min(low)
    }

    /// How the RR at `index` compares with this key and rdata; one beyond the last is greater than all.
    pub(super) fn compare(&self, index: usize, key: IpAddr, rdata: &[u8]) -> Ordering {
        // Nearly always the key decides, and the RR is not looked at.
        match self.key(index) {
            Some(own) => {
                own.cmp(&key).then_with(|| self.rr(index).map_or(&[][..], |rr| rr.rdata()).cmp(rdata))
            }
            None => Ordering::Greater,
        }
    }

    /// The index where an RR stands (`Ok`) or belongs (`Err`).
    pub(super) fn find(&self, key: IpAddr, rdata: &[u8]) -> Result<usize, usize> {
        let (form, len) = (self.form(), self.len());
        let (mut low, mut high) = (0, len);
        // Nearly always all keys are as short as this one: they are searched as they lie there, and those that are equal left.
        let keys = self.ends_at() + len * END;
        if form.short_keys
            && let IpAddr::V4(v4) = key
            && let Some(keys) = self.0.get(keys..keys + len * form.key())
        {
            let (keys, octets) = (keys.as_chunks().0, v4.octets());
            low = keys.partition_point(|own| *own < octets);
            high = low + keys.iter().skip(low).take_while(|own| **own == octets).count();
        }
        while low < high {
            let middle = low.midpoint(high);
            match self.compare(middle, key, rdata) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok(middle),
            }
        }
        Err(low)
    }

    fn key(&self, index: usize) -> Option<IpAddr> {
        let (form, len) = (self.form(), self.len());
        let at = self.ends_at() + len * END + index * form.key();
        if index < len { form.read_key(self.0.get(at..)?) } else { None }
    }

    /// Gives the RR at `index` another part and number of causes.
    pub(super) fn set_cause(&mut self, index: usize, part: u8, causes: u32) {
        let mut rrs: Vec<Rr<'_>> = self.iter().collect();
        if let Some(rr) = rrs.get_mut(index) {
            (rr.part, rr.causes) = (part, causes);
        }
        *self = Chunk::of(&rrs);
    }

    pub(super) fn set_ttls(&mut self, ttl: u32) {
        let octets = HEAD..HEAD + self.octets_len();
        if let Some(octets) = Arc::make_mut(&mut self.0).get_mut(octets) {
            rr::set_ttls(octets, ttl);
        }
    }

    pub(super) fn insert(&mut self, index: usize, item: &Item<'_>, made: Made<'_>) {
        let Made { rtype, ttl, draft } = made;
        draft.rr.clear();
        rr::push(rtype, ttl, &item.rdata, &mut draft.rr);
        // A set's rdata never reaches 300 octets, and 65 of them stay below 65,536.
        if u16::try_from(self.octets_len() + draft.rr.len()).is_err() {
            return;
        }
        if self.form().holds(item) {
            self.splice(None, Some((index, item.key)), draft);
            return;
        }
        let Item { key, part, glue, .. } = *item;
        let mut rrs: Vec<Rr<'_>> = self.iter().collect();
        rrs.insert(index.min(rrs.len()), Rr { key, part, glue, causes: 1, octets: &draft.rr });
        *self = Chunk::of(&rrs);
    }

    /// Puts an RR in the place of the one at `from`, where both are of one form. Whether they are: otherwise nothing changes.
    pub(super) fn replace(&mut self, from: usize, to: usize, item: &Item<'_>, made: Made<'_>) -> bool {
        let form = self.form();
        if !form.short_keys || !form.holds(item) || from >= self.len() {
            return false;
        }
        let Made { rtype, ttl, draft } = made;
        draft.rr.clear();
        rr::push(rtype, ttl, &item.rdata, &mut draft.rr);
        if u16::try_from(self.octets_len() + draft.rr.len()).is_err() {
            return false;
        }
        self.splice(Some(from), Some((to, item.key)), draft);
        true
    }

    /// Leaves the RR at one place out, and takes that of the draft in before another, both as they are counted now. What is left
    /// needs no other form: the sections are copied as they are.
    fn splice(&mut self, out: Option<usize>, taken_in: Option<(usize, IpAddr)>, draft: &mut Draft) {
        let (form, len) = (self.form(), self.len());
        let Draft { rr, block } = draft;
        let mut key = Vec::new();
        let (at, rr) = match taken_in {
            Some((at, address)) => {
                form.push_key(address, &mut key);
                (at.min(len), rr.as_slice())
            }
            None => (len, &[][..]),
        };
        let cut = out.map_or(len..len, |index| index..index + 1);
        let gone = self.start(cut.end) - self.start(cut.start);
        let (ends, keys) = (self.ends_at(), self.ends_at() + len * END);
        let part = |from: usize, to: usize| self.0.get(from..to).unwrap_or(&[]);
        let shifted = |range: &Range<usize>, more: usize, less: usize, into: &mut Vec<u8>| {
            let (from, shift) = (into.len(), short(more).wrapping_sub(short(less)));
            into.extend_from_slice(part(ends + range.start * END, ends + range.end * END));
            for end in into.get_mut(from..).unwrap_or_default().as_chunks_mut::<END>().0 {
                *end = u16::from_le_bytes(*end).wrapping_add(shift).to_le_bytes();
            }
        };
        let in_first = at <= cut.start;
        // The RRs up to the first of the two places, those between, and those behind the second.
        let (first, middle, last) = if in_first {
            (0..at, at..cut.start, cut.end..len)
        } else {
            (0..cut.start, cut.end..at, at..len)
        };
        block.clear();
        block.reserve(self.0.len() + rr.len() + END + key.len());
        let count = len + usize::from(taken_in.is_some()) - cut.len();
        block.extend_from_slice(&head(self.octets_len() + rr.len() - gone, count, form));
        let own = |range: &Range<usize>| part(HEAD + self.start(range.start), HEAD + self.start(range.end));
        block.extend_from_slice(own(&first));
        block.extend_from_slice(if in_first { rr } else { &[] });
        block.extend_from_slice(own(&middle));
        block.extend_from_slice(if in_first { &[] } else { rr });
        block.extend_from_slice(own(&last));

        let end =
            short((self.start(at) + rr.len()).saturating_sub(if in_first { 0 } else { gone })).to_le_bytes();
        let end = if taken_in.is_some() { &end[..] } else { &[] };
        shifted(&first, 0, 0, block);
        block.extend_from_slice(if in_first { end } else { &[] });
        let (more, less) = if in_first { (rr.len(), 0) } else { (0, gone) };
        shifted(&middle, more, less, block);
        block.extend_from_slice(if in_first { &[] } else { end });
        shifted(&last, rr.len(), gone, block);

        let own = |range: Range<usize>| part(keys + range.start * form.key(), keys + range.end * form.key());
        block.extend_from_slice(own(first));
        block.extend_from_slice(if in_first { &key } else { &[] });
        block.extend_from_slice(own(middle));
        block.extend_from_slice(if in_first { &[] } else { &key });
        block.extend_from_slice(own(last));
        self.0 = Arc::from(block.as_slice());
    }

    /// Removes the RR at `index` and returns its size in octets. Its form stays where no other can hold what is left.
    pub(super) fn remove(&mut self, index: usize, draft: &mut Draft) -> usize {
        let Some(end) = self.end(index) else { return 0 };
        let (form, start) = (self.form(), self.start(index));
        if form.extras || !form.short_keys {
            return self.remove_anew(index);
        }
        self.splice(Some(index), None, draft);
        end - start
    }

    /// [`Chunk::remove`] where the chunk may have another form without the RR.
    fn remove_anew(&mut self, index: usize) -> usize {
        let mut rrs: Vec<Rr<'_>> = self.iter().collect();
        if index >= rrs.len() {
            return 0;
        }
        let size = rrs.remove(index).octets.len();
        *self = Chunk::of(&rrs);
        size
    }

    /// Leaves the RRs before `index` and returns the others.
    pub(super) fn split_off(&mut self, index: usize) -> Chunk {
        let rrs: Vec<Rr<'_>> = self.iter().collect();
        let (lower, upper) = rrs.split_at(index.min(rrs.len()));
        let (lower, upper) = (Chunk::of(lower), Chunk::of(upper));
        *self = lower;
        upper
    }

    pub(super) fn append(&mut self, right: &Chunk) {
        let rrs: Vec<Rr<'_>> = self.iter().chain(right.iter()).collect();
        *self = Chunk::of(&rrs);
    }

    #[inline]
    fn head(&self) -> [u8; HEAD] {
        self.0.first_chunk().copied().unwrap_or_default()
    }

    #[inline]
    fn form(&self) -> Form {
        Form::read(self.head()[3])
    }

    /// Where the ends begin.
    #[inline]
    fn ends_at(&self) -> usize {
        HEAD + self.octets_len()
    }

    #[inline]
    fn octets_len(&self) -> usize {
        let [low, high, ..] = self.head();
        u16::from_le_bytes([low, high]).into()
    }

    #[inline]
    fn end(&self, index: usize) -> Option<usize> {
        if index >= self.len() {
            return None;
        }
        let end = self.0.get(self.ends_at() + index * END..)?.first_chunk()?;
        Some(usize::from(u16::from_le_bytes(*end)))
    }
}

/// What a chunk begins with.
fn head(octets: usize, count: usize, form: Form) -> [u8; HEAD] {
    let [low, high] = short(octets).to_le_bytes();
    // At most one more than the 64 of a list's longest chunk.
    [low, high, u8::try_from(count).unwrap_or(u8::MAX), form.write()]
}

/// Chunks are far smaller than 65,536 octets.
fn short(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}
