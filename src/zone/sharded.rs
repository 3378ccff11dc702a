//! The table of sets: sharded by hash in two levels, each behind a shared pointer.
//!
//! Replacing one set copies 64 pointers twice and one short leaf (1.8 µs among 16,000 sets); a look-up is a hash and
//! three steps, each to a block whose first octets are what is looked for: every step more would be a wait for memory.
//! The hash is seeded at random in each process: keys come from the network. What is hashed is a key as two
//! labels of a name, which stand in a question's name one behind the other: one run of octets, with nothing to put
//! together.

use super::same::same;
use foldhash::quality::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

/// Fan-out of either level; 64 × 64 leaves hold four sets each at the largest supported clusters.
const FAN_OUT: usize = 64;

/// Most values of a leaf that are looked at one by one, which then costs less than halving. At a million pods leaves have
/// fifty.
const SHORT: usize = 12;

/// Values with their hashes, sorted by hash.
type Leaf<V> = Arc<[(u64, Arc<V>)]>;

type Middle<V> = Arc<[Leaf<V>; FAN_OUT]>;

/// Values found by a namespace and a name.
#[derive(Debug, Clone)]
pub(super) struct ShardedTable<V> {
    root: Arc<[Middle<V>; FAN_OUT]>,
    seed: RandomState,
}

/// What a [`ShardedTable`] holds: a value that knows its key.
pub(super) trait Keyed {
    /// The name and the namespace, each behind its length octet, as [`labels`] has them.
    fn labels(&self) -> &[u8];
}

impl<V: Keyed> ShardedTable<V> {
    /// An empty table.
    pub(super) fn new() -> ShardedTable<V> {
        let leaf: Leaf<V> = Arc::new([]);
        let middle: Middle<V> = Arc::new(std::array::from_fn(|_| Arc::clone(&leaf)));
        let root = Arc::new(std::array::from_fn(|_| Arc::clone(&middle)));
        ShardedTable { root, seed: RandomState::default() }
    }

    /// The value whose key is these two labels: `<name>.<namespace>`, each behind its length octet. They need not be
    /// text.
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    pub(super) fn get(&self, labels: &[u8]) -> Option<&Arc<V>> {
        let hash = self.hash(labels);
        let (high, low) = place(hash);
        let leaf = self.root.get(high)?.get(low)?;
        let first = if leaf.len() > SHORT { first_of(leaf, hash) } else { 0 };
        let (own, value) = leaf.get(first..)?.iter().find(|(own, _)| *own >= hash)?;
        if same(value.labels(), labels) {
            return Some(value);
        }
        // Nothing is, but for two keys of one hash.
        if *own == hash { among(leaf, hash, labels) } else { None }
    }

    /// The value of this key, in a leaf that no other table has.
    pub(super) fn get_mut(&mut self, namespace: &str, name: &str) -> Option<&mut Arc<V>> {
        let labels = labels(namespace, name);
        let hash = self.hash(&labels);
        let (high, low) = place(hash);
        let leaf = Arc::make_mut(Arc::make_mut(&mut self.root).get_mut(high)?).get_mut(low)?;
        let is_it = |(own, value): &(u64, Arc<V>)| *own == hash && same(value.labels(), &labels);
        let place = leaf.iter().position(is_it)?;
        Arc::make_mut(leaf).get_mut(place).map(|(_, value)| value)
    }

    /// Changes the value of this key: `change` gets what is there and leaves there what shall be there.
    pub(super) fn update(&mut self, namespace: &str, name: &str, change: impl FnOnce(&mut Option<Arc<V>>)) {
        let labels = labels(namespace, name);
        let hash = self.hash(&labels);
        let (high, low) = place(hash);
        let Some(middle) = Arc::make_mut(&mut self.root).get_mut(high) else { return };
        let Some(leaf) = Arc::make_mut(middle).get_mut(low) else { return };
        let first = first_of(leaf, hash);
        let same_hash = leaf.iter().skip(first).take_while(|(own, _)| *own == hash);
        let found = same_hash.enumerate().find(|(_, (_, value))| same(value.labels(), &labels));
        let place = first + found.map_or(0, |(index, _)| index);
        let is_there = found.is_some();
        let mut values = std::mem::replace(leaf, Arc::new([])).to_vec();
        let mut value = is_there.then(|| values.remove(place).1);
        change(&mut value);
        if let Some(value) = value {
            values.insert(place, (hash, value));
        }
        *leaf = values.into();
    }

    /// All values, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<V>> {
        self.root.iter().flat_map(|middle| middle.iter()).flat_map(|leaf| leaf.iter()).map(|(_, value)| value)
    }

    /// The values that another table does not share, in no particular order; of tables that were not one once, all.
    pub(super) fn iter_unlike<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a Arc<V>> {
        let middles = self.root.iter().zip(other.root.iter()).filter(|(own, other)| !Arc::ptr_eq(own, other));
        let leaves = middles.flat_map(|(own, other)| own.iter().zip(other.iter()));
        leaves.filter(|(own, other)| !Arc::ptr_eq(own, other)).flat_map(|(own, other)| {
            let is_shared = |value: &Arc<V>| other.iter().any(|(_, other)| Arc::ptr_eq(value, other));
            own.iter().map(|(_, value)| value).filter(move |value| !is_shared(value))
        })
    }

    #[inline]
    fn hash(&self, labels: &[u8]) -> u64 {
        let mut hasher = self.seed.build_hasher();
        hasher.write(labels);
        hasher.finish()
    }
}

/// The value of these labels wherever in the leaf it is.
#[cold]
fn among<'a, V: Keyed>(leaf: &'a [(u64, Arc<V>)], hash: u64, labels: &[u8]) -> Option<&'a Arc<V>> {
    leaf.iter().find(|(own, value)| *own == hash && same(value.labels(), labels)).map(|(_, value)| value)
}

/// Where in a leaf, which is sorted by hash, the values of this hash begin.
fn first_of<V>(leaf: &[(u64, Arc<V>)], hash: u64) -> usize {
    leaf.partition_point(|(own, _)| *own < hash)
}

/// A key as two labels. Namespaces and names of sets are labels, so that their lengths fit an octet.
pub(super) fn labels(namespace: &str, name: &str) -> Vec<u8> {
    let mut labels = Vec::with_capacity(2 + namespace.len() + name.len());
    for label in [name, namespace] {
        labels.push(u8::try_from(label.len()).unwrap_or(u8::MAX));
        labels.extend_from_slice(label.as_bytes());
    }
    labels
}

fn place(hash: u64) -> (usize, usize) {
    let mask = FAN_OUT as u64 - 1;
    let level = |shift: u32| usize::try_from(hash >> shift & mask).unwrap_or(0);
    (level(0), level(6))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    impl Keyed for (Vec<u8>, usize) {
        fn labels(&self) -> &[u8] {
            &self.0
        }
    }

    proptest! {
        #[test]
        fn it_is_a_map_and_clones_do_not_change(
            steps in prop::collection::vec(("[ab]{0,2}", "[ab]{0,3}", any::<bool>()), 0..200)) {
            let mut table = ShardedTable::new();
            let mut model = BTreeMap::new();
            let before = table.clone();
            for (step, (namespace, name, put)) in steps.into_iter().enumerate() {
                table.update(&namespace, &name, |value| {
                    *value = put.then(|| Arc::new((labels(&namespace, &name), step)));
                });
                if put { model.insert((namespace, name), step); } else { model.remove(&(namespace, name)); }
            }
            for ((namespace, name), step) in &model {
                prop_assert_eq!(table.get(&labels(namespace, name)).map(|v| v.1), Some(*step));
            }
            prop_assert_eq!(table.iter().count(), model.len());
            for absent in [&b"\0\x01c"[..], b"\x01c\0", b"\x02a", b"\0", b""] {
                prop_assert!(table.get(absent).is_none());
            }
            prop_assert_eq!(before.iter().count(), 0);
        }
    }
}
