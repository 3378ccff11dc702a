//! The objects of one watch, encoded. Copies share what has not changed since.

use super::object::{put_key, put_rest};
use super::octets::Put;
use crate::roster::{EndpointObject, ObjectKey};
use foldhash::fast::FixedState;
use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

/// Parts that a copy shares: after one, a change copies the part that it falls into, of a thousand objects where there
/// are a hundred thousand.
const PARTS: usize = 128;

/// Objects by their keys.
#[derive(Debug, Clone)]
pub(super) struct Objects {
    parts: Vec<Arc<Part>>,
    /// In which part a key is; what is in it is hashed by another.
    hasher: FixedState,
}

type Part = HashSet<Record, foldhash::fast::RandomState>;

/// One object.
#[derive(Debug, Clone)]
struct Record {
    octets: Arc<[u8]>,
    /// Octets of the key, which come first.
    key: u32,
    broken: bool,
}

impl Record {
    fn new(object: &EndpointObject, broken: bool) -> Record {
        let mut put = Put::default();
        put_key(&mut put, &object.key);
        let key = u32::try_from(put.0.len()).unwrap_or(u32::MAX);
        put_rest(&mut put, object, broken);
        Record { octets: put.0.into(), key, broken }
    }

    fn key(&self) -> &[u8] {
        self.octets.get(..self.key as usize).unwrap_or_default()
    }
}

impl Borrow<[u8]> for Record {
    fn borrow(&self) -> &[u8] {
        self.key()
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Record) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Record {}

impl Hash for Record {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl Objects {
    pub(super) fn new() -> Objects {
        Objects { parts: vec![Arc::default(); PARTS], hasher: FixedState::with_seed(0) }
    }

    /// Puts an object in. Returns whether that changes anything. `old` may have it already, in which case the two share it.
    pub(super) fn put(&mut self, object: &EndpointObject, old: Option<&Objects>) -> bool {
        let mut record = Record::new(object, false);
        if let Some(same) =
            old.and_then(|old| old.get(record.key())).filter(|old| old.octets == record.octets)
        {
            record = same.clone();
        }
        self.insert(record)
    }

    /// Puts an object in that does not parse: the last good version stays, here or in `old`.
    pub(super) fn put_broken(&mut self, object: &EndpointObject, old: Option<&Objects>) -> bool {
        let record = Record::new(object, true);
        let key = record.key();
        if self.get(key).is_some_and(|known| !known.broken) {
            return false;
        }
        let good = old.and_then(|old| old.get(key)).filter(|old| !old.broken).cloned();
        self.insert(good.unwrap_or(record))
    }

    pub(super) fn remove(&mut self, key: &ObjectKey) -> bool {
        let mut put = Put::default();
        put_key(&mut put, key);
        let known = self.get(&put.0).is_some();
        if known && let Some(part) = self.part_mut(&put.0) {
            part.remove(&*put.0);
        }
        known
    }

    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }

    /// The octets of each, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.parts.iter().flat_map(|part| part.iter()).map(|record| &*record.octets)
    }

    /// Whether these are the same objects, as far as that shows without looking at each.
    pub(super) fn shares_all_with(&self, other: &Objects) -> bool {
        self.parts.iter().zip(&other.parts).all(|(part, other)| {
            Arc::ptr_eq(part, other)
                || (part.len() == other.len()
                    && part.iter().all(|record| {
                        other.get(record).is_some_and(|same| Arc::ptr_eq(&same.octets, &record.octets))
                    }))
        })
    }

    fn insert(&mut self, record: Record) -> bool {
        if self.get(record.key()).is_some_and(|known| known.octets == record.octets) {
            return false;
        }
        if let Some(part) = self.part_mut(record.key()) {
            part.replace(record);
        }
        true
    }

    fn get(&self, key: &[u8]) -> Option<&Record> {
        self.parts.get(self.place(key))?.get(key)
    }

    fn part_mut(&mut self, key: &[u8]) -> Option<&mut Part> {
        let place = self.place(key);
        self.parts.get_mut(place).map(Arc::make_mut)
    }

    fn place(&self, key: &[u8]) -> usize {
        usize::try_from(self.hasher.hash_one(key)).unwrap_or(usize::MAX) % PARTS
    }
}
