//! An ordered table of which a clone is cheap and a change copies little: leaves of neighbours behind shared pointers.
//!
//! The writer changes its own clone; leaves that a published snapshot still holds are copied before they change,
//! others are changed in place. Two levels and leaves of at most 96 entries were the fastest and smallest of the
//! shapes measured for 150,000 addresses (14 bytes an entry, 50 ns a look-up, 1.3 µs an update).

use std::borrow::Borrow;
use std::sync::Arc;

/// Most entries of a leaf; a fuller one splits into halves.
const LEAF_MAX: usize = 96;

/// A leaf this small or smaller is merged with a neighbour when both fit into one.
const LEAF_SMALL: usize = LEAF_MAX / 4;

/// A map from `K` to `V` in the order of `K`.
#[derive(Debug, Clone)]
pub(super) struct OrderedTable<K, V> {
    leaves: Arc<Vec<Arc<Leaf<K, V>>>>,
}

/// Neighbouring entries; keys and values apart, so that a search reads keys only. Never empty inside a table.
#[derive(Debug, Clone)]
struct Leaf<K, V> {
    keys: Vec<K>,
    values: Vec<V>,
}

impl<K, V> Default for OrderedTable<K, V> {
    fn default() -> Self {
        OrderedTable { leaves: Arc::default() }
    }
}

impl<K: Ord + Clone, V: Clone> OrderedTable<K, V> {
    /// The value at `key`.
    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let leaf = self.leaves.get(self.leaf_of(key)?)?;
        let index = leaf.search(key).ok()?;
        leaf.values.get(index)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    /// Whether any key lies within `first..=last`.
    pub(super) fn any_within(&self, first: &K, last: &K) -> bool {
        self.from(first).next().is_some_and(|(key, _)| key <= last)
    }

    /// All entries in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.leaves.iter().flat_map(|leaf| leaf.keys.iter().zip(&leaf.values))
    }

    /// The entries from `first` on, in order.
    pub(super) fn from(&self, first: &K) -> impl Iterator<Item = (&K, &V)> {
        let start = self.leaf_of(first).unwrap_or(0);
        let skip = self.leaves.get(start).map_or(0, |leaf| match leaf.search(first) {
            Ok(index) | Err(index) => index,
        });
        self.leaves.iter().skip(start).flat_map(|leaf| leaf.keys.iter().zip(&leaf.values)).skip(skip)
    }

    /// Changes the value at `key`: `change` gets what is there and leaves there what shall be there.
    pub(super) fn update(&mut self, key: &K, change: impl FnOnce(&mut Option<V>)) {
        let place = self.leaf_of(key);
        let leaves = Arc::make_mut(&mut self.leaves);
        let Some(place) = place else {
            let mut value = None;
            change(&mut value);
            if let Some(value) = value {
                leaves.push(Arc::new(Leaf { keys: vec![key.clone()], values: vec![value] }));
            }
            return;
        };
        let Some(slot) = leaves.get_mut(place) else { return };
        let leaf = Arc::make_mut(slot);
        match leaf.search(key) {
            Ok(index) => {
                let mut value = Some(leaf.values.remove(index));
                change(&mut value);
                if let Some(value) = value {
                    leaf.values.insert(index, value);
                } else {
                    leaf.keys.remove(index);
                    merge(leaves, place);
                }
            }
            Err(index) => {
                let mut value = None;
                change(&mut value);
                if let Some(value) = value {
                    leaf.keys.insert(index, key.clone());
                    leaf.values.insert(index, value);
                    split(leaves, place);
                }
            }
        }
    }

    /// The leaf that holds `key` or would: the last that does not begin behind it.
    fn leaf_of<Q: Ord + ?Sized>(&self, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        if self.leaves.is_empty() {
            return None;
        }
        let behind =
            self.leaves.partition_point(|leaf| leaf.keys.first().is_some_and(|first| first.borrow() <= key));
        Some(behind.saturating_sub(1))
    }
}

impl<K: Ord, V> Leaf<K, V> {
    fn search<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.keys.binary_search_by(|own| own.borrow().cmp(key))
    }
}

fn split<K: Clone, V: Clone>(leaves: &mut Vec<Arc<Leaf<K, V>>>, place: usize) {
    let Some(slot) = leaves.get_mut(place).filter(|leaf| leaf.keys.len() > LEAF_MAX) else { return };
    let leaf = Arc::make_mut(slot);
    let half = leaf.keys.len() / 2;
    let upper = Leaf { keys: leaf.keys.split_off(half), values: leaf.values.split_off(half) };
    leaf.keys.shrink_to_fit();
    leaf.values.shrink_to_fit();
    leaves.insert(place + 1, Arc::new(upper));
}

fn merge<K: Clone, V: Clone>(leaves: &mut Vec<Arc<Leaf<K, V>>>, place: usize) {
    let Some(size) = leaves.get(place).map(|leaf| leaf.keys.len()) else { return };
    if size == 0 {
        leaves.remove(place);
        return;
    }
    if size > LEAF_SMALL || leaves.len() < 2 {
        return;
    }
    let left = if place + 1 < leaves.len() { place } else { place - 1 };
    let together: usize = leaves.iter().skip(left).take(2).map(|leaf| leaf.keys.len()).sum();
    if together > LEAF_MAX * 3 / 4 {
        return;
    }
    let right = Arc::unwrap_or_clone(leaves.remove(left + 1));
    if let Some(slot) = leaves.get_mut(left) {
        let leaf = Arc::make_mut(slot);
        leaf.keys.extend(right.keys);
        leaf.values.extend(right.values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_is_a_map_and_clones_do_not_change(
            steps in prop::collection::vec((0_u16..400, any::<bool>(), any::<bool>()), 0..1500)) {
            let mut table = OrderedTable::default();
            let mut model = BTreeMap::new();
            let mut kept = Vec::new();
            for (step, (key, put, keep)) in steps.into_iter().enumerate() {
                table.update(&key, |value| *value = put.then_some(step));
                if put { model.insert(key, step); } else { model.remove(&key); }
                if keep && kept.len() < 3 {
                    kept.push((table.clone(), model.clone()));
                }
            }
            kept.push((table, model));
            for (table, model) in &kept {
                prop_assert!(table.iter().eq(model.iter()));
                prop_assert!(table.leaves.iter().all(|leaf| (1..=LEAF_MAX).contains(&leaf.keys.len())));
                prop_assert_eq!(table.is_empty(), model.is_empty());
                for key in 0..400 {
                    prop_assert_eq!(table.get(&key), model.get(&key));
                    prop_assert!(table.from(&key).eq(model.range(key..)));
                    prop_assert_eq!(table.any_within(&key, &(key + 3)), model.range(key..=key + 3).next().is_some());
                }
            }
        }
    }
}
