//! Values under small numbers: 4 octets where a key of strings would be cloned.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

/// The number of a value in a [`Slab`]. Given again after the value was removed.
pub(super) struct Id<T> {
    index: u32,
    value: PhantomData<fn() -> T>,
}

/// Values by [`Id`]. Grows by chunks, so that growing moves nothing and leaves little unused.
pub(super) struct Slab<T> {
    /// All of [`CHUNK`] values but the last.
    chunks: Vec<Vec<Option<T>>>,
    free: Vec<u32>,
}

/// Values in a chunk.
const CHUNK: usize = 256;

impl<T> Slab<T> {
    pub(super) fn insert(&mut self, value: T) -> Id<T> {
        let index = self.free.pop().unwrap_or_else(|| self.push_empty());
        if let Some(slot) = self.slot(index) {
            *slot = Some(value);
        }
        Id { index, value: PhantomData }
    }

    pub(super) fn get(&self, id: Id<T>) -> Option<&T> {
        self.chunks.get(id.index as usize / CHUNK)?.get(id.index as usize % CHUNK)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, id: Id<T>) -> Option<&mut T> {
        self.slot(id.index)?.as_mut()
    }

    pub(super) fn remove(&mut self, id: Id<T>) -> Option<T> {
        let removed = self.slot(id.index)?.take()?;
        self.free.push(id.index);
        Some(removed)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten().flatten()
    }

    /// The values of one chunk, by its number from 0 on; `None` behind the last.
    pub(super) fn chunk(&self, number: usize) -> Option<impl Iterator<Item = &T>> {
        Some(self.chunks.get(number)?.iter().flatten())
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        let full = self.chunks.len().saturating_sub(1) * CHUNK;
        (full + self.chunks.last().map_or(0, Vec::len)).saturating_sub(self.free.len())
    }

    fn slot(&mut self, index: u32) -> Option<&mut Option<T>> {
        self.chunks.get_mut(index as usize / CHUNK)?.get_mut(index as usize % CHUNK)
    }

    /// A place at the end, and its number.
    fn push_empty(&mut self) -> u32 {
        let before = self.chunks.len().saturating_sub(1) * CHUNK;
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => {
                last.push(None);
                number(before + last.len() - 1)
            }
            last => {
                let before = if last.is_some() { before + CHUNK } else { 0 };
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(None);
                self.chunks.push(chunk);
                number(before)
            }
        }
    }
}

/// Memory ends long before 2^32 values.
fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

#[cfg(test)]
impl<T> Id<T> {
    /// A number, whoever has it.
    pub(super) fn of(index: u32) -> Id<T> {
        Id { index, value: PhantomData }
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab { chunks: Vec::new(), free: Vec::new() }
    }
}

impl<T> fmt::Debug for Slab<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slab({} values)", self.iter().count())
    }
}

// Derived impls would ask the same of `T`.
impl<T> Clone for Id<T> {
    fn clone(&self) -> Id<T> {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Id<T>) -> bool {
        self.index == other.index
    }
}

impl<T> Eq for Id<T> {}

impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Id<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Id<T>) -> Ordering {
        self.index.cmp(&other.index)
    }
}

impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.index.hash(state);
    }
}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_value_makes_room() {
        let mut slab = Slab::default();
        let (first, second) = (slab.insert("a"), slab.insert("b"));
        assert_eq!((slab.get(first), slab.get(second)), (Some(&"a"), Some(&"b")));
        assert_eq!(slab.remove(first), Some("a"));
        assert_eq!((slab.remove(first), slab.get(first)), (None, None));
        assert_eq!(slab.insert("c"), first);
        assert_eq!(slab.iter().copied().collect::<Vec<_>>(), ["c", "b"]);
    }

    #[test]
    fn values_stay_under_their_numbers_over_chunks() {
        let mut slab = Slab::default();
        let ids: Vec<_> = (0..=3 * CHUNK).map(|value| slab.insert(value)).collect();
        for (value, id) in ids.iter().enumerate() {
            assert_eq!(slab.get(*id), Some(&value));
            assert_eq!(slab.get_mut(*id), Some(&mut { value }));
        }
        assert_eq!(slab.iter().copied().collect::<Vec<_>>(), (0..=3 * CHUNK).collect::<Vec<_>>());
    }
}
