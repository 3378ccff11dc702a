//! The rendered RRs of one type in a set: ready to copy, in a stable order, changed one by one.
//!
//! RRs stand in chunks behind shared pointers, so that changing one of 5,000 copies 64. Each is complete but for its
//! owner, which is a pointer to the question's name; so an answer is a concatenation of chunks. Equal RRs collapse
//! into one that knows its causes: it goes when the last of them goes.

use crate::wire::RecordType;
use std::cmp::Ordering;
use std::net::IpAddr;
use std::sync::Arc;

/// Most RRs of a chunk. At 64, a change copies at most 17 KiB of TXT and usually 2, and the end offsets fit 16 bits:
/// the largest RR that a set can have is TXT with 268 octets.
const CHUNK_MAX: usize = 64;

/// A chunk this small or smaller is merged with a neighbour when both fit into one.
const CHUNK_SMALL: usize = CHUNK_MAX / 4;

/// Octets of an RR before its rdata: owner pointer, type, class, TTL, rdata length.
pub(crate) const RR_HEAD: usize = 12;

/// Where the TTL stands in an RR whose owner is a pointer.
const TTL_AT: usize = 6;

/// The RRs of one type, sorted by key and rdata.
#[derive(Debug, Clone)]
pub(crate) struct RrList {
    rtype: RecordType,
    ttl: u32,
    records: usize,
    octets: usize,
    chunks: Vec<Arc<Chunk>>,
    /// The causes of an RR beyond its first; nearly always empty.
    duplicates: Vec<Duplicate>,
}

/// An RR to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Item {
    /// What it is sorted by: the address that names the peer; for A and AAAA the address itself.
    pub(crate) key: IpAddr,
    /// Its rdata.
    pub(crate) rdata: Box<[u8]>,
    /// The part of the set that the peer behind it falls in.
    pub(crate) part: u8,
    /// Where the addresses of its target are found.
    pub(crate) glue: Glue,
}

/// Where the addresses of an SRV target are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Glue {
    /// Not here: no SRV, or another server's name.
    None,
    /// The target is the pod name of the key.
    Pod,
    /// The target is a peer's name below the set.
    Peer,
}

#[derive(Debug, Clone, Default)]
struct Chunk {
    keys: Vec<IpAddr>,
    parts: Vec<u8>,
    glue: Vec<Glue>,
    /// End of each RR in `octets`.
    ends: Vec<u16>,
    octets: Vec<u8>,
}

#[derive(Debug, Clone)]
struct Duplicate {
    item: Item,
    causes: u32,
}

/// How much of an RRset was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Whole RRs.
    pub records: usize,
    /// Their octets.
    pub octets: usize,
}

/// One RR of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rr<'a> {
    pub(crate) key: &'a IpAddr,
    pub(crate) part: u8,
    pub(crate) glue: Glue,
    /// The whole RR, its owner a pointer to the question.
    pub(crate) octets: &'a [u8],
}

impl<'a> Rr<'a> {
    pub(crate) fn rdata(&self) -> &'a [u8] {
        self.octets.get(RR_HEAD..).unwrap_or(&[])
    }
}

/// Which RRs of a list are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    /// Which part, below the number of parts.
    pub(crate) index: u8,
    /// Number of parts - 1: a power of two less one.
    pub(crate) mask: u8,
}

impl Part {
    fn holds(self, part: u8) -> bool {
        part & self.mask == self.index
    }
}

impl RrList {
    pub(crate) fn new(rtype: RecordType, ttl: u32) -> RrList {
        RrList { rtype, ttl, records: 0, octets: 0, chunks: Vec::new(), duplicates: Vec::new() }
    }

    pub(crate) fn records(&self) -> usize {
        self.records
    }

    pub(crate) fn octets(&self) -> usize {
        self.octets
    }

    /// All RRs in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Rr<'_>> {
        self.chunks.iter().flat_map(|chunk| (0..chunk.keys.len()).filter_map(|index| chunk.rr(index)))
    }

    /// The RRs of one part, in order.
    pub(crate) fn part(&self, part: Part) -> impl Iterator<Item = Rr<'_>> {
        self.iter().filter(move |rr| part.holds(rr.part) || self.has_duplicate_in(part, rr))
    }

    fn has_duplicate_in(&self, part: Part, rr: &Rr<'_>) -> bool {
        self.duplicates.iter().any(|duplicate| {
            part.holds(duplicate.item.part)
                && duplicate.item.key == *rr.key
                && *duplicate.item.rdata == *rr.rdata()
        })
    }

    /// Every cause of every RR, as it was inserted.
    pub(crate) fn causes(&self) -> impl Iterator<Item = Item> {
        let first = self.iter().map(|rr| Item {
            key: *rr.key,
            rdata: rr.rdata().into(),
            part: rr.part,
            glue: rr.glue,
        });
        let others = self
            .duplicates
            .iter()
            .flat_map(|duplicate| (0..duplicate.causes).map(|_| duplicate.item.clone()));
        first.chain(others)
    }

    /// Whether an SRV RR of this key has this target, whatever its port.
    pub(crate) fn has_target(&self, key: IpAddr, target: &[u8]) -> bool {
        let (place, index) = match self.find(key, &[]) {
            Ok(found) | Err(found) => found,
        };
        let rest = self.chunks.iter().skip(place);
        let behind =
            rest.flat_map(|chunk| (0..chunk.keys.len()).filter_map(|index| chunk.rr(index))).skip(index);
        behind.take_while(|rr| *rr.key == key).any(|rr| rr.rdata().ends_with(target))
    }

    /// Copies whole RRs from the one at `start` on, as many as fit, with this TTL.
    pub(crate) fn copy(&self, out: &mut [u8], start: usize, ttl: u32) -> Copied {
        let mut copied = Copied::default();
        let mut skip = start;
        for chunk in &self.chunks {
            if skip >= chunk.ends.len() {
                skip -= chunk.ends.len();
                continue;
            }
            let Some(room) = out.get_mut(copied.octets..) else { break };
            let from = skip.checked_sub(1).map_or(0, |last| chunk.end(last));
            let whole = chunk.octets.len() - from;
            let (count, octets) = if whole <= room.len() {
                (chunk.ends.len() - skip, whole)
            } else {
                let fit =
                    chunk.ends.partition_point(|&end| usize::from(end).saturating_sub(from) <= room.len());
                match fit.checked_sub(1).filter(|&last| last >= skip) {
                    Some(last) => (fit - skip, chunk.end(last) - from),
                    None => (0, 0),
                }
            };
            if let (Some(to), Some(source)) = (room.get_mut(..octets), chunk.octets.get(from..from + octets))
            {
                to.copy_from_slice(source);
                if ttl != self.ttl {
                    set_ttls(to, ttl);
                }
            }
            copied.records += count;
            copied.octets += octets;
            if octets < whole {
                break;
            }
            skip = 0;
        }
        copied
    }

    /// Adds an RR, or a cause to one that is there.
    pub(crate) fn insert(&mut self, item: &Item) {
        let (place, index) = match self.find(item.key, &item.rdata) {
            Ok((place, index)) => {
                self.add_cause(place, index, item);
                return;
            }
            Err(found) => found,
        };
        if self.chunks.is_empty() {
            self.chunks.push(Arc::default());
        }
        let (rtype, ttl) = (self.rtype, self.ttl);
        let Some(slot) = self.chunks.get_mut(place) else { return };
        let chunk = Arc::make_mut(slot);
        chunk.insert(index, item, rtype, ttl);
        self.records += 1;
        self.octets += RR_HEAD + item.rdata.len();
        if chunk.keys.len() > CHUNK_MAX {
            let upper = chunk.split_off(chunk.keys.len() / 2);
            self.chunks.insert(place + 1, Arc::new(upper));
        }
    }

    /// Takes a cause of an RR away, and the RR with its last cause. What is not there is left alone.
    pub(crate) fn remove(&mut self, item: &Item) {
        let Ok((place, index)) = self.find(item.key, &item.rdata) else { return };
        let same =
            |duplicate: &Duplicate| duplicate.item.key == item.key && duplicate.item.rdata == item.rdata;
        let main_part = self.chunks.get(place).and_then(|chunk| chunk.parts.get(index)).copied();
        // A cause of the RR's own part is represented by the RR itself only when no duplicate has that part.
        let own =
            self.duplicates.iter().position(|duplicate| same(duplicate) && duplicate.item.part == item.part);
        if let Some(own) = own {
            self.drop_duplicate(own);
            return;
        }
        if main_part != Some(item.part) {
            return;
        }
        let next = (0..self.duplicates.len())
            .filter(|&at| self.duplicates.get(at).is_some_and(same))
            .min_by_key(|&at| self.duplicates.get(at).map(|duplicate| duplicate.item.part));
        match next {
            Some(next) => {
                let part = self.duplicates.get(next).map(|duplicate| duplicate.item.part);
                if let (Some(part), Some(slot)) = (part, self.chunks.get_mut(place))
                    && let Some(own) = Arc::make_mut(slot).parts.get_mut(index)
                {
                    *own = part;
                }
                self.drop_duplicate(next);
            }
            None => self.remove_at(place, index),
        }
    }

    /// Gives every RR this TTL.
    pub(crate) fn set_ttl(&mut self, ttl: u32) {
        if ttl == self.ttl {
            return;
        }
        self.ttl = ttl;
        for chunk in &mut self.chunks {
            set_ttls(&mut Arc::make_mut(chunk).octets, ttl);
        }
    }

    fn add_cause(&mut self, place: usize, index: usize, item: &Item) {
        // The RR carries the lowest part of its causes, so that it does not depend on their order of arrival.
        let mut other = item.clone();
        if let Some(slot) = self.chunks.get_mut(place)
            && slot.parts.get(index).is_some_and(|&part| part > item.part)
            && let Some(part) = Arc::make_mut(slot).parts.get_mut(index)
        {
            other.part = std::mem::replace(part, item.part);
        }
        match self.duplicates.iter_mut().find(|duplicate| duplicate.item == other) {
            Some(duplicate) => duplicate.causes += 1,
            None => self.duplicates.push(Duplicate { item: other, causes: 1 }),
        }
    }

    fn drop_duplicate(&mut self, at: usize) {
        if let Some(duplicate) = self.duplicates.get_mut(at) {
            duplicate.causes -= 1;
            if duplicate.causes == 0 {
                self.duplicates.swap_remove(at);
            }
        }
    }

    fn remove_at(&mut self, place: usize, index: usize) {
        let Some(slot) = self.chunks.get_mut(place) else { return };
        let chunk = Arc::make_mut(slot);
        self.octets -= chunk.remove(index);
        self.records -= 1;
        let size = chunk.keys.len();
        if size == 0 {
            self.chunks.remove(place);
            return;
        }
        if size > CHUNK_SMALL || self.chunks.len() < 2 {
            return;
        }
        let left = if place + 1 < self.chunks.len() { place } else { place - 1 };
        let together: usize = self.chunks.iter().skip(left).take(2).map(|chunk| chunk.keys.len()).sum();
        if together <= CHUNK_MAX * 3 / 4 {
            let right = Arc::unwrap_or_clone(self.chunks.remove(left + 1));
            if let Some(slot) = self.chunks.get_mut(left) {
                Arc::make_mut(slot).append(right);
            }
        }
    }

    /// The chunk and the index in it where the RR stands (`Ok`) or belongs (`Err`).
    fn find(&self, key: IpAddr, rdata: &[u8]) -> Result<(usize, usize), (usize, usize)> {
        let behind = self.chunks.partition_point(|chunk| chunk.compare(0, key, rdata) != Ordering::Greater);
        let place = behind.saturating_sub(1);
        let Some(chunk) = self.chunks.get(place) else { return Err((0, 0)) };
        let (mut low, mut high) = (0, chunk.keys.len());
        while low < high {
            let middle = low.midpoint(high);
            match chunk.compare(middle, key, rdata) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok((place, middle)),
            }
        }
        Err((place, low))
    }
}

impl Chunk {
    fn end(&self, index: usize) -> usize {
        self.ends.get(index).map_or(0, |&end| usize::from(end))
    }

    fn start(&self, index: usize) -> usize {
        index.checked_sub(1).map_or(0, |last| self.end(last))
    }

    fn rr(&self, index: usize) -> Option<Rr<'_>> {
        Some(Rr {
            key: self.keys.get(index)?,
            part: *self.parts.get(index)?,
            glue: *self.glue.get(index)?,
            octets: self.octets.get(self.start(index)..self.end(index))?,
        })
    }

    /// How the RR at `index` compares with this key and rdata.
    fn compare(&self, index: usize, key: IpAddr, rdata: &[u8]) -> Ordering {
        match self.rr(index) {
            Some(rr) => rr.key.cmp(&key).then_with(|| rr.rdata().cmp(rdata)),
            None => Ordering::Greater,
        }
    }

    fn insert(&mut self, index: usize, item: &Item, rtype: RecordType, ttl: u32) {
        let start = self.start(index);
        // A set's rdata never reaches 300 octets, and 65 of them stay below 65,536.
        let (Ok(length), Ok(size), Ok(end)) = (
            u16::try_from(item.rdata.len()),
            u16::try_from(RR_HEAD + item.rdata.len()),
            u16::try_from(start + RR_HEAD + item.rdata.len()),
        ) else {
            return;
        };
        let mut head = [0xc0, 0x0c, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        let fields = [&rtype.0.to_be_bytes()[..], &[0, 1], &ttl.to_be_bytes(), &length.to_be_bytes()];
        for (to, from) in head.iter_mut().skip(2).zip(fields.into_iter().flatten()) {
            *to = *from;
        }
        self.octets.splice(start..start, head.iter().chain(&item.rdata).copied());
        for later in self.ends.iter_mut().skip(index) {
            *later += size;
        }
        self.ends.insert(index, end);
        self.keys.insert(index, item.key);
        self.parts.insert(index, item.part);
        self.glue.insert(index, item.glue);
    }

    fn remove(&mut self, index: usize) -> usize {
        let (start, end) = (self.start(index), self.end(index));
        self.octets.drain(start..end);
        self.ends.remove(index);
        let size = end - start;
        for later in self.ends.iter_mut().skip(index) {
            *later -= u16::try_from(size).unwrap_or(0);
        }
        self.keys.remove(index);
        self.parts.remove(index);
        self.glue.remove(index);
        size
    }

    fn split_off(&mut self, index: usize) -> Chunk {
        let start = self.start(index);
        let cut = u16::try_from(start).unwrap_or(0);
        let mut upper = Chunk {
            keys: self.keys.split_off(index),
            parts: self.parts.split_off(index),
            glue: self.glue.split_off(index),
            ends: self.ends.split_off(index),
            octets: self.octets.split_off(start),
        };
        for end in &mut upper.ends {
            *end -= cut;
        }
        self.octets.shrink_to_fit();
        upper
    }

    fn append(&mut self, right: Chunk) {
        let shift = u16::try_from(self.octets.len()).unwrap_or(0);
        self.ends.extend(right.ends.iter().map(|end| end + shift));
        self.keys.extend(right.keys);
        self.parts.extend(right.parts);
        self.glue.extend(right.glue);
        self.octets.extend(right.octets);
    }
}

/// Gives every RR of a concatenation this TTL.
pub(crate) fn set_ttls(octets: &mut [u8], ttl: u32) {
    let mut rest = octets;
    while let Some((head, behind)) = rest.split_first_chunk_mut::<RR_HEAD>() {
        if let Some(field) = head.get_mut(TTL_AT..TTL_AT + 4) {
            field.copy_from_slice(&ttl.to_be_bytes());
        }
        let [.., high, low] = *head;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some(next) = behind.get_mut(length..) else { return };
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::net::Ipv4Addr;

    /// For each key and rdata, how often each part caused it.
    type Model = BTreeMap<(IpAddr, Box<[u8]>), BTreeMap<u8, u32>>;

    fn item(key: u8, size: u8, part: u8) -> Item {
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
        list.insert(&item(7, 3, 0));
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
            let mut list = RrList::new(RecordType(16), 5);
            let mut model: Model = BTreeMap::new();
            for (key, size, part, put) in steps {
                let item = item(key, size, part);
                let causes = model.entry((item.key, item.rdata.clone())).or_default();
                if put > 0 {
                    list.insert(&item);
                    *causes.entry(part).or_default() += 1;
                } else {
                    list.remove(&item);
                    if let Some(count) = causes.get_mut(&part) {
                        *count -= 1;
                        if *count == 0 { causes.remove(&part); }
                    }
                }
                if causes.is_empty() {
                    model.remove(&(item.key, item.rdata));
                }
            }
            prop_assert_eq!(list.records(), model.len());
            prop_assert!(list.chunks.iter().all(|chunk| (1..=CHUNK_MAX).contains(&chunk.keys.len())));
            let listed: Vec<_> = list.iter().map(|rr| (*rr.key, Box::from(rr.rdata()))).collect();
            prop_assert!(listed.iter().eq(model.keys()));
            for rr in list.iter() {
                prop_assert!(list.has_target(*rr.key, rr.rdata()));
                let causes = &model[&(*rr.key, Box::from(rr.rdata()))];
                prop_assert_eq!(Some(&rr.part), causes.keys().next());
            }
            let mask = (1_u8 << parts) - 1;
            for index in 0..=mask {
                let part = Part { index, mask };
                let wanted = model.iter().filter(|(_, causes)| causes.keys().any(|&p| part.holds(p)));
                prop_assert!(list.part(part).map(|rr| (*rr.key, Box::from(rr.rdata())))
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
            list.set_ttl(9);
            let mut patched = vec![0; octets];
            prop_assert_eq!(list.copy(&mut patched, 0, 9).octets, octets);
            set_ttls(&mut patched, 5);
            list.set_ttl(5);
            let mut whole = vec![0; octets];
            list.copy(&mut whole, 0, 5);
            prop_assert_eq!(whole, patched);
        }
    }
}
