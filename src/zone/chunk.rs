//! A run of neighbouring RRs of a list.

use super::rr;
use crate::wire::RecordType;
use std::cmp::Ordering;
use std::net::IpAddr;

/// Rendered RRs in order, with what is known of each beside.
#[derive(Debug, Clone, Default)]
pub(super) struct Chunk {
    keys: Vec<IpAddr>,
    parts: Vec<u8>,
    glue: Vec<Glue>,
    /// How many causes each RR has that fall into its part.
    causes: Vec<u32>,
    /// End of each RR in `octets`.
    ends: Vec<u16>,
    octets: Vec<u8>,
}

/// An RR to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Item {
    /// What it is sorted by: the address that names the peer; for A and AAAA the address itself.
    pub(super) key: IpAddr,
    /// Its rdata.
    pub(super) rdata: Box<[u8]>,
    /// The part of the set that the peer behind it falls in.
    pub(super) part: u8,
    /// Where the addresses of its target are found.
    pub(super) glue: Glue,
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
    pub(super) key: &'a IpAddr,
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
}

impl Chunk {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    #[inline]
    pub(super) fn octets(&self) -> &[u8] {
        &self.octets
    }

    pub(super) fn rr(&self, index: usize) -> Option<Rr<'_>> {
        Some(Rr {
            key: self.keys.get(index)?,
            part: *self.parts.get(index)?,
            glue: *self.glue.get(index)?,
            causes: *self.causes.get(index)?,
            octets: self.octets.get(self.start(index)..self.end(index))?,
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Rr<'_>> {
        (0..self.len()).filter_map(|index| self.rr(index))
    }

    /// Where each RR begins, and its key, if the targets of all are pod names.
    #[inline]
    pub(super) fn pods(&self) -> Option<impl Iterator<Item = (usize, IpAddr)>> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|end| usize::from(*end)));
        self.glue.iter().all(|glue| *glue == Glue::Pod).then(|| starts.zip(self.keys.iter().copied()))
    }

    /// Where the RR at `index` begins; the end of the chunk beyond the last.
    #[inline]
    pub(super) fn start(&self, index: usize) -> usize {
        index.checked_sub(1).map_or(0, |last| self.end(last.min(self.len().saturating_sub(1))))
    }

    /// How many of the RRs from the one at `first` on end within `room` octets of its start.
    pub(super) fn fitting(&self, first: usize, room: usize) -> usize {
        let limit = self.start(first) + room;
        self.ends.partition_point(|&end| usize::from(end) <= limit).saturating_sub(first)
    }

    /// How the RR at `index` compares with this key and rdata; one beyond the last is greater than all.
    pub(super) fn compare(&self, index: usize, key: IpAddr, rdata: &[u8]) -> Ordering {
        match self.rr(index) {
            Some(rr) => rr.key.cmp(&key).then_with(|| rr.rdata().cmp(rdata)),
            None => Ordering::Greater,
        }
    }

    /// Part and causes of the RR at `index`, to be changed.
    pub(super) fn cause_mut(&mut self, index: usize) -> Option<(&mut u8, &mut u32)> {
        Some((self.parts.get_mut(index)?, self.causes.get_mut(index)?))
    }

    pub(super) fn set_ttls(&mut self, ttl: u32) {
        rr::set_ttls(&mut self.octets, ttl);
    }

    pub(super) fn insert(&mut self, index: usize, item: &Item, rtype: RecordType, ttl: u32) {
        let start = self.start(index);
        let rendered = rr::render(rtype, ttl, &item.rdata);
        // A set's rdata never reaches 300 octets, and 65 of them stay below 65,536.
        let (Ok(size), Ok(end)) = (u16::try_from(rendered.len()), u16::try_from(start + rendered.len()))
        else {
            return;
        };
        self.octets.splice(start..start, rendered);
        for later in self.ends.iter_mut().skip(index) {
            *later += size;
        }
        self.ends.insert(index, end);
        self.keys.insert(index, item.key);
        self.parts.insert(index, item.part);
        self.glue.insert(index, item.glue);
        self.causes.insert(index, 1);
    }

    /// Removes the RR at `index` and returns its size in octets.
    pub(super) fn remove(&mut self, index: usize) -> usize {
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
        self.causes.remove(index);
        size
    }

    pub(super) fn split_off(&mut self, index: usize) -> Chunk {
        let start = self.start(index);
        let cut = u16::try_from(start).unwrap_or(0);
        let mut upper = Chunk {
            keys: self.keys.split_off(index),
            parts: self.parts.split_off(index),
            glue: self.glue.split_off(index),
            causes: self.causes.split_off(index),
            ends: self.ends.split_off(index),
            octets: self.octets.split_off(start),
        };
        for end in &mut upper.ends {
            *end -= cut;
        }
        self.octets.shrink_to_fit();
        upper
    }

    pub(super) fn append(&mut self, right: Chunk) {
        let shift = u16::try_from(self.octets.len()).unwrap_or(0);
        self.ends.extend(right.ends.iter().map(|end| end + shift));
        self.keys.extend(right.keys);
        self.parts.extend(right.parts);
        self.glue.extend(right.glue);
        self.causes.extend(right.causes);
        self.octets.extend(right.octets);
    }

    #[inline]
    fn end(&self, index: usize) -> usize {
        self.ends.get(index).map_or(0, |&end| usize::from(end))
    }
}
