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

/// Values by [`Id`].
pub(super) struct Slab<T> {
    values: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    pub(super) fn insert(&mut self, value: T) -> Id<T> {
        let reused = self.free.pop();
        let index = reused.unwrap_or_else(|| {
            self.values.push(None);
            // Memory ends long before 2^32 values.
            u32::try_from(self.values.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(slot) = self.values.get_mut(index as usize) {
            *slot = Some(value);
        }
        Id { index, value: PhantomData }
    }

    pub(super) fn get(&self, id: Id<T>) -> Option<&T> {
        self.values.get(id.index as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, id: Id<T>) -> Option<&mut T> {
        self.values.get_mut(id.index as usize)?.as_mut()
    }

    pub(super) fn remove(&mut self, id: Id<T>) -> Option<T> {
        let removed = self.values.get_mut(id.index as usize)?.take()?;
        self.free.push(id.index);
        Some(removed)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.values.iter().flatten()
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab { values: Vec::new(), free: Vec::new() }
    }
}

impl<T> fmt::Debug for Slab<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slab({} values)", self.values.len() - self.free.len())
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
}
