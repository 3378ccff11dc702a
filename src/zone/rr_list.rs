//! The rendered RRs of one type in a set: ready to copy, in a stable order, changed one by one.
//!
//! RRs stand in chunks behind shared pointers, so that changing one of 5,000 copies 64. Each is complete but for its
//! owner, which is a pointer to the question's name; so an answer is a concatenation of chunks. Equal RRs collapse
//! into one that counts its causes: it goes when the last of them goes.

use super::chunk::{Chunk, Draft, Item, Made, Rr};
use super::chunks::Chunks;
use super::rr;
use crate::wire::RecordType;
use std::cmp::Ordering;
use std::net::IpAddr;

/// Most RRs of a chunk. At 64, a change copies at most 17 KiB and usually 2, and the end offsets fit 16 bits: the
/// largest RR that a set can have is SRV with 273 octets.
const CHUNK_MAX: usize = 64;

/// A chunk this small or smaller is merged with a neighbour when both fit into one.
const CHUNK_SMALL: usize = CHUNK_MAX / 4;

/// The RRs of one type, sorted by key and rdata.
#[derive(Debug, Clone)]
pub(super) struct RrList {
    rtype: RecordType,
    ttl: u32,
    records: u32,
    octets: u32,
    chunks: Chunks,
    /// Causes that fall into another part than the RR itself, which has the lowest; sorted. Nearly always absent: only
    /// an address that several peers hold, one of them as its second, has any.
    #[expect(
        clippy::box_collection,
        reason = "there are hundreds of thousands of lists, and most have none"
    )]
    others: Option<Box<Vec<(Item<'static>, u32)>>>,
}

/// How much of an RRset was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Whole RRs.
    pub records: usize,
    /// Their octets.
    pub octets: usize,
}

/// Which RRs of a list are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// Which part, below the number of parts.
    pub(super) index: u8,
    /// Number of parts - 1: a power of two less one.
    pub(super) mask: u8,
}

impl Part {
    /// The one part of an undivided set.
    pub(super) const WHOLE: Part = Part { index: 0, mask: 0 };

    fn holds(self, part: u8) -> bool {
        part & self.mask == self.index
    }
}

impl RrList {
    pub(super) const fn new(rtype: RecordType, ttl: u32) -> RrList {
        RrList { rtype, ttl, records: 0, octets: 0, chunks: Chunks::EMPTY, others: None }
    }

    #[inline]
    pub(super) fn records(&self) -> usize {
        self.records as usize
    }

    #[inline]
    pub(super) fn octets(&self) -> usize {
        self.octets as usize
    }

    /// That of every RR, in seconds: the one that the rendering gives a list of this length.
    #[inline]
    pub(super) fn ttl(&self) -> u32 {
        self.ttl
    }

    /// All RRs in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Rr<'_>> {
        self.chunks.as_slice().iter().flat_map(Chunk::iter)
    }

    /// For each SRV RR, if all stand in one chunk and point at pod names: where it begins, and the pod's address.
    #[inline]
    pub(super) fn pods(&self) -> Option<impl Iterator<Item = (usize, IpAddr)>> {
        self.chunks.only()?.pods(self.octets())
    }

    /// The same if all are IPv4 addresses and nothing else is to be said of any RR.
    #[inline]
    pub(super) fn ipv4_pods(&self) -> Option<impl Iterator<Item = (usize, &[u8; 4])>> {
        self.chunks.only()?.ipv4_pods(self.octets(), self.records())
    }

    /// The RRs of one part, in order.
    pub(super) fn part(&self, part: Part) -> impl Iterator<Item = Rr<'_>> {
        // Both are in one order, so that one walk over both finds the other causes of each RR.
        let mut others = self.others();
        self.iter().filter(move |rr| {
            let this = (rr.key, rr.rdata());
            while let Some(((other, _), behind)) = others.split_first()
                && (other.key, &*other.rdata) < this
            {
                others = behind;
            }
            let mut own = others.iter().take_while(|(other, _)| (other.key, &*other.rdata) == this);
            part.holds(rr.part) || own.any(|(other, _)| part.holds(other.part))
        })
    }

    /// Every cause of every RR, as it was inserted.
    pub(super) fn causes(&self) -> impl Iterator<Item = Item<'_>> {
        let own = self.iter().map(|rr| {
            (Item { key: rr.key, rdata: rr.rdata().into(), part: rr.part, glue: rr.glue }, rr.causes)
        });
        own.chain(self.others().iter().cloned()).flat_map(|(item, causes)| {
            std::iter::repeat_n(item, usize::try_from(causes).unwrap_or(usize::MAX))
        })
    }

    /// Octets of the RRs before the one at `index`.
    pub(super) fn octets_before(&self, index: usize) -> usize {
        let mut skip = index;
        let mut octets = 0;
        for chunk in self.chunks.as_slice() {
            if skip < chunk.len() {
                return octets + chunk.start(skip);
            }
            skip -= chunk.len();
            octets += chunk.octets().len();
        }
        octets
    }

    /// Whether an SRV RR of this key has this target, whatever its port. `srv_head` is what stands before targets.
    pub(super) fn has_target(&self, key: IpAddr, target: &[u8], srv_head: usize) -> bool {
        let (place, index) = match self.find(key, &[]) {
            Ok(found) | Err(found) => found,
        };
        let rest = self.chunks.as_slice().iter().skip(place).flat_map(Chunk::iter).skip(index);
        rest.take_while(|rr| rr.key == key).any(|rr| rr.rdata().get(srv_head..) == Some(target))
    }

    /// Copies all RRs in order into `out`, which has room for them.
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    pub(super) fn copy_all(&self, out: &mut [u8]) {
        // Nearly every set has one chunk, which then is the answer.
        if let Some(chunk) = self.chunks.only()
            && let Some(rrs) = chunk.first_octets(self.octets())
            && let Some(out) = out.get_mut(..rrs.len())
        {
            out.copy_from_slice(rrs);
        } else {
            self.copy_round(out, 0, self.ttl);
        }
    }

    /// Copies all RRs, which have `size` octets each, into `out`, which has room for them: from the one at `start` on and round
    /// to the one before it.
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    pub(super) fn copy_all_round(&self, out: &mut [u8], start: usize, size: usize) {
        // Nearly every set has one chunk: no walk, and each octet is copied once.
        if let Some(chunk) = self.chunks.only()
            && let Some(rrs) = chunk.first_octets(self.octets())
            && let Some(out) = out.get_mut(..rrs.len())
            && let Some((behind, first)) = rrs.split_at_checked(start.wrapping_mul(size))
        {
            let (to_first, to_behind) = out.split_at_mut(first.len());
            to_first.copy_from_slice(first);
            if !behind.is_empty() {
                to_behind.copy_from_slice(behind);
            }
            return;
        }
        self.copy_round(out, start, self.ttl);
    }

    /// Copies whole RRs from the one at `start` on and round to the one before it, as many as fit, with this TTL.
    #[inline(never)]
    pub(super) fn copy_round(&self, out: &mut [u8], start: usize, ttl: u32) -> Copied {
        let first = self.copy(out, start, ttl);
        if start == 0 || first.records < self.records() - start {
            return first;
        }
        let room = self.octets_before(start).min(out.len() - first.octets);
        let Some(rest) = out.get_mut(first.octets..first.octets + room) else { return first };
        let second = self.copy(rest, 0, ttl);
        Copied { records: first.records + second.records, octets: first.octets + second.octets }
    }

    /// Copies whole RRs from the one at `start` on, as many as fit, with this TTL.
    pub(super) fn copy(&self, out: &mut [u8], start: usize, ttl: u32) -> Copied {
        let mut copied = Copied::default();
        let mut skip = start;
        for chunk in self.chunks.as_slice() {
            if skip >= chunk.len() {
                skip -= chunk.len();
                continue;
            }
            let Some(room) = out.get_mut(copied.octets..) else { break };
            let from = chunk.start(skip);
            let all_fit = chunk.octets().len() - from <= room.len();
            let count = if all_fit { chunk.len() - skip } else { chunk.fitting(skip, room.len()) };
            let to = chunk.start(skip + count);
            if let (Some(room), Some(source)) = (room.get_mut(..to - from), chunk.octets().get(from..to)) {
                room.copy_from_slice(source);
                if ttl != self.ttl {
                    rr::set_ttls(room, ttl);
                }
            }
            copied.records += count;
            copied.octets += to - from;
            if count < chunk.len() - skip {
                break;
            }
            skip = 0;
        }
        copied
    }

    /// How many causes an RR has, whatever their parts.
    pub(super) fn causes_of(&self, key: IpAddr, rdata: &[u8]) -> usize {
        let Ok((place, index)) = self.find(key, rdata) else { return 0 };
        let own = self.chunks.as_slice().get(place).and_then(|chunk| chunk.rr(index));
        let others = self.others().iter().skip(self.others_from(key, rdata));
        let others = others.take_while(|(other, _)| (other.key, &*other.rdata) == (key, rdata));
        own.map_or(0, |rr| rr.causes as usize) + others.map(|(_, causes)| *causes as usize).sum::<usize>()
    }

    /// Adds an RR, or a cause to one that is there.
    pub(super) fn insert(&mut self, item: &Item<'_>, draft: &mut Draft) {
        let (place, index) = match self.find(item.key, &item.rdata) {
            Ok((place, index)) => {
                self.add_cause(place, index, item);
                return;
            }
            Err(found) => found,
        };
        let (rtype, ttl) = (self.rtype, self.ttl);
        match self.chunks.get_mut(place) {
            None => self.chunks.insert(0, Chunk::new(item, rtype, ttl)),
            Some(chunk) => {
                chunk.insert(index, item, Made { rtype, ttl, draft });
                if chunk.len() > CHUNK_MAX {
                    let upper = chunk.split_off(chunk.len() / 2);
                    self.chunks.insert(place + 1, upper);
                }
            }
        }
        self.records += 1;
        self.octets += octets_of(item);
    }

    /// [`RrList::remove`] of one and [`RrList::insert`] of another, in one step where both stand in one chunk.
    pub(super) fn replace(&mut self, gone: &Item<'_>, come: &Item<'_>, draft: &mut Draft) {
        if let Ok((place, from)) = self.find(gone.key, &gone.rdata)
            && let Err((other, to)) = self.find(come.key, &come.rdata)
            && place == other
            && self.others.is_none()
            && let (rtype, ttl) = (self.rtype, self.ttl)
            && let Some(chunk) = self.chunks.get_mut(place)
            && chunk.rr(from).is_some_and(|rr| rr.causes == 1 && rr.part == gone.part)
            && chunk.replace(from, to, come, Made { rtype, ttl, draft })
        {
            self.octets = self.octets - octets_of(gone) + octets_of(come);
            return;
        }
        self.remove(gone, draft);
        self.insert(come, draft);
    }

    /// Takes a cause of an RR away, and the RR with its last cause. What is not there is left alone.
    pub(super) fn remove(&mut self, item: &Item<'_>, draft: &mut Draft) {
        let Ok((place, index)) = self.find(item.key, &item.rdata) else { return };
        let Some(chunk) = self.chunks.get_mut(place) else { return };
        let Some((part, causes)) = chunk.rr(index).map(|rr| (rr.part, rr.causes)) else { return };
        if part != item.part {
            self.add_other(item, false);
            return;
        }
        if causes > 1 {
            chunk.set_cause(index, part, causes - 1);
            return;
        }
        // The last of its part: the RR falls into the lowest part of what is left, or goes.
        let next = self.others_from(item.key, &item.rdata);
        match self.others().get(next) {
            Some((other, causes)) if other.key == item.key && other.rdata == item.rdata => {
                let (part, causes) = (other.part, *causes);
                if let Some(chunk) = self.chunks.get_mut(place) {
                    chunk.set_cause(index, part, causes);
                }
                self.remove_other(next);
            }
            _ => self.remove_at(place, index, draft),
        }
    }

    /// Gives every RR this TTL.
    pub(super) fn set_ttl(&mut self, ttl: u32) {
        if ttl == self.ttl {
            return;
        }
        self.ttl = ttl;
        self.chunks.each_mut().for_each(|chunk| chunk.set_ttls(ttl));
    }

    /// The RR carries the lowest part of its causes, so that it does not depend on their order of arrival.
    fn add_cause(&mut self, place: usize, index: usize, item: &Item<'_>) {
        let Some(chunk) = self.chunks.get_mut(place) else { return };
        let Some((part, causes)) = chunk.rr(index).map(|rr| (rr.part, rr.causes)) else { return };
        match item.part.cmp(&part) {
            Ordering::Equal => chunk.set_cause(index, part, causes + 1),
            Ordering::Greater => self.add_other(item, true),
            Ordering::Less => {
                chunk.set_cause(index, item.part, 1);
                let before = Item { part, ..item.to_owned() };
                let others = self.others.get_or_insert_default();
                let at = others.partition_point(|(other, _)| *other < before);
                others.insert(at, (before, causes));
            }
        }
    }

    /// One cause more, or one less, that falls into another part than its RR.
    fn add_other(&mut self, item: &Item<'_>, more: bool) {
        match self.others().binary_search_by(|(other, _)| other.cmp(item)) {
            Ok(at) => {
                if let Some((_, causes)) = self.others.as_mut().and_then(|others| others.get_mut(at)) {
                    *causes = if more { *causes + 1 } else { *causes - 1 };
                    if *causes == 0 {
                        self.remove_other(at);
                    }
                }
            }
            Err(at) if more => self.others.get_or_insert_default().insert(at, (item.to_owned(), 1)),
            Err(_) => {}
        }
    }

    fn others(&self) -> &[(Item<'static>, u32)] {
        self.others.as_ref().map_or(&[], |others| others.as_slice())
    }

    /// Where in `others` the causes of this RR begin.
    fn others_from(&self, key: IpAddr, rdata: &[u8]) -> usize {
        self.others().partition_point(|(other, _)| (other.key, &*other.rdata) < (key, rdata))
    }

    fn remove_other(&mut self, at: usize) {
        if let Some(others) = &mut self.others {
            others.remove(at);
            if others.is_empty() {
                self.others = None;
            }
        }
    }

    fn remove_at(&mut self, place: usize, index: usize, draft: &mut Draft) {
        let Some(chunk) = self.chunks.get_mut(place) else { return };
        let octets = chunk.remove(index, draft);
        let size = chunk.len();
        self.octets -= u32::try_from(octets).unwrap_or(0);
        self.records -= 1;
        if size == 0 {
            self.chunks.remove(place);
            return;
        }
        let chunks = self.chunks.as_slice().len();
        if size > CHUNK_SMALL || chunks < 2 {
            return;
        }
        let left = if place + 1 < chunks { place } else { place - 1 };
        let together: usize = self.chunks.as_slice().iter().skip(left).take(2).map(Chunk::len).sum();
        if together <= CHUNK_MAX * 3 / 4
            && let Some(right) = self.chunks.remove(left + 1)
            && let Some(chunk) = self.chunks.get_mut(left)
        {
            chunk.append(&right);
        }
    }

    /// The chunk and the index in it where the RR stands (`Ok`) or belongs (`Err`).
    fn find(&self, key: IpAddr, rdata: &[u8]) -> Result<(usize, usize), (usize, usize)> {
        let chunks = self.chunks.as_slice();
        let behind = chunks.partition_point(|chunk| chunk.compare(0, key, rdata).is_le());
        let place = behind.saturating_sub(1);
        let Some(chunk) = chunks.get(place) else { return Err((0, 0)) };
        match chunk.find(key, rdata) {
            Ok(index) => Ok((place, index)),
            Err(index) => Err((place, index)),
        }
    }
}

fn octets_of(item: &Item<'_>) -> u32 {
    u32::try_from(rr::HEAD + item.rdata.len()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::chunk::Glue;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::net::Ipv4Addr;

    /// For each key and rdata, how often each part caused it.
    type Model = BTreeMap<(IpAddr, Box<[u8]>), BTreeMap<u8, u32>>;

    fn item(key: u8, size: u8, part: u8) -> Item<'static> {
        Item {
            key: IpAddr::V4(Ipv4Addr::new(10, 0, 0, key)),
            rdata: vec![key; usize::from(size)].into(),
            part,
            glue: Glue::None,
        }
    }

    #[test]
    fn an_rr_is_rendered_whole() {
        let mut list = RrList::new(RecordType(16), 5);
        list.insert(&item(7, 3, 0), &mut Draft::default());
        let mut out = [0; 20];
        assert_eq!(list.copy(&mut out, 0, 5), Copied { records: 1, octets: 15 });
        assert_eq!(out[..15], *b"\xc0\x0c\0\x10\0\x01\0\0\0\x05\0\x03\x07\x07\x07");
        assert_eq!(list.copy(&mut out, 0, 0x0102_0304).records, 1);
        assert_eq!(out[6..10], [1, 2, 3, 4]);
        assert_eq!(list.copy(&mut out[..14], 0, 5), Copied::default());
    }

    proptest! {
        #[test]
        fn it_is_a_sorted_set_of_counted_rrs(
            steps in prop::collection::vec((0_u8..120, 0_u8..3, 0_u8..4, 0_u8..4), 0..1200),
            parts in 0_u32..3, room in 0_usize..4000, start in 0_usize..50) {
            let (mut list, mut draft) = (RrList::new(RecordType(16), 5), Draft::default());
            let mut model: Model = BTreeMap::new();
            let take = |model: &mut Model, item: &Item<'_>| {
                let Some(causes) = model.get_mut(&(item.key, item.rdata[..].into())) else { return };
                if let Some(count) = causes.get_mut(&item.part) {
                    *count -= 1;
                    if *count == 0 { causes.remove(&item.part); }
                }
                if causes.is_empty() {
                    model.remove(&(item.key, item.rdata[..].into()));
                }
            };
            for (key, size, part, put) in steps {
                let item = item(key, size, part);
                // Another of the same list, that is there or not.
                let gone = (put == 1).then(|| self::item(key.wrapping_mul(7) % 120, size, part));
                match &gone {
                    Some(gone) => {
                        list.replace(gone, &item, &mut draft);
                        take(&mut model, gone);
                    }
                    None if put > 0 => list.insert(&item, &mut draft),
                    None => {
                        list.remove(&item, &mut draft);
                        take(&mut model, &item);
                        continue;
                    }
                }
                let causes = model.entry((item.key, item.rdata[..].into())).or_default();
                *causes.entry(part).or_default() += 1;
            }
            prop_assert_eq!(list.records(), model.len());
            prop_assert!(list.chunks.as_slice().iter().all(|chunk| (1..=CHUNK_MAX).contains(&chunk.len())));
            let listed: Vec<_> = list.iter().map(|rr| (rr.key, Box::from(rr.rdata()))).collect();
            prop_assert!(listed.iter().eq(model.keys()));
            for rr in list.iter() {
                prop_assert!(list.has_target(rr.key, rr.rdata(), 0));
                let causes = &model[&(rr.key, Box::from(rr.rdata()))];
                prop_assert_eq!(Some(&rr.part), causes.keys().next());
            }
            let mask = (1_u8 << parts) - 1;
            for index in 0..=mask {
                let part = Part { index, mask };
                let wanted = model.iter().filter(|(_, causes)| causes.keys().any(|&p| part.holds(p)));
                prop_assert!(list.part(part).map(|rr| (rr.key, Box::from(rr.rdata())))
                    .eq(wanted.map(|(key, _)| key.clone())));
            }
            // Whole RRs from `start` on, as many as fit.
            let mut expected = Vec::new();
            let mut records = 0;
            for rr in list.iter().skip(start) {
                if expected.len() + rr.octets.len() > room { break; }
                expected.extend_from_slice(rr.octets);
                records += 1;
            }
            let mut out = vec![0; room];
            let copied = list.copy(&mut out, start, 5);
            prop_assert_eq!(copied, Copied { records, octets: expected.len() });
            prop_assert_eq!(&out[..copied.octets], &expected[..]);
            let octets = list.octets();
            prop_assert_eq!(list.octets_before(start), list.iter().take(start).map(|rr| rr.octets.len()).sum::<usize>());
            let causes: u32 = model.values().flat_map(BTreeMap::values).sum();
            prop_assert_eq!(list.causes().count(), causes as usize);
            list.set_ttl(9);
            let mut patched = vec![0; octets];
            prop_assert_eq!(list.copy(&mut patched, 0, 9).octets, octets);
            rr::set_ttls(&mut patched, 5);
            list.set_ttl(5);
            let mut whole = vec![0; octets];
            list.copy(&mut whole, 0, 5);
            prop_assert_eq!(whole, patched);
        }
    }
}
