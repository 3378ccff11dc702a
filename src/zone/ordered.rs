//! An ordered table of which a clone is cheap and a change copies little: leaves of neighbours, and branches of leaves,
//! behind shared pointers.
//!
//! The writer changes its own clone; what a published snapshot still holds is copied before it changes, the rest is
//! changed in place. What is copied costs a count for each pointer, in memory that is cold: with one level of pointers to all
//! leaves that was most of a change among 150,000 addresses, and grew with them. Keys that leaves and branches begin with
//! stand beside the pointers, so that a search touches one line of memory a step or less.

use std::borrow::Borrow;
use std::sync::Arc;

/// Most entries of a leaf; a fuller one splits into halves. Tests need depth with few entries.
const LEAF_MAX: usize = if cfg!(test) { 8 } else { 64 };

/// Most leaves of a branch: a million entries make some 400 branches.
const BRANCH_MAX: usize = if cfg!(test) { 4 } else { 64 };

/// A map from `K` to `V` in the order of `K`.
#[derive(Debug, Clone)]
pub(super) struct OrderedTable<K, V> {
    branches: Arc<Children<K, Branch<K, V>>>,
}

/// Neighbours in order. Keys below the first one's `first` belong to the first.
type Children<K, N> = Vec<Child<K, N>>;

#[derive(Debug)]
struct Child<K, N> {
    /// No key of it, or of what comes behind it, is lower; but for the first child, whose keys may be.
    first: K,
    node: Arc<N>,
}

/// Neighbouring leaves. Never empty inside a table.
#[derive(Debug)]
struct Branch<K, V>(Children<K, Leaf<K, V>>);

/// Neighbouring entries; keys and values apart, so that a search reads keys only. Never empty inside a table.
#[derive(Debug, Clone)]
struct Leaf<K, V> {
    keys: Vec<K>,
    values: Vec<V>,
}

impl<K, V> Default for OrderedTable<K, V> {
    fn default() -> Self {
        OrderedTable { branches: Arc::default() }
    }
}

impl<K: Clone, N> Clone for Child<K, N> {
    fn clone(&self) -> Self {
        Child { first: self.first.clone(), node: Arc::clone(&self.node) }
    }
}

impl<K: Clone, V> Clone for Branch<K, V> {
    fn clone(&self) -> Self {
        Branch(self.0.clone())
    }
}

impl<K: Ord + Clone, V: Clone> OrderedTable<K, V> {
    /// The value at `key`.
    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let branch = self.branches.get(place(&self.branches, key))?;
        let leaf = &branch.node.0.get(place(&branch.node.0, key))?.node;
        leaf.values.get(leaf.search(key).ok()?)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.branches.is_empty()
    }

    /// Whether any key lies within `first..=last`.
    pub(super) fn any_within(&self, first: &K, last: &K) -> bool {
        self.from(first).next().is_some_and(|(key, _)| key <= last)
    }

    /// All entries in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let leaves = self.branches.iter().flat_map(|branch| &branch.node.0);
        leaves.flat_map(|leaf| leaf.node.entries())
    }

    /// The entries from `first` on, in order.
    pub(super) fn from(&self, first: &K) -> impl Iterator<Item = (&K, &V)> {
        let branch = place(&self.branches, first);
        let leaf = self.branches.get(branch).map_or(0, |branch| place(&branch.node.0, first));
        let leaves = self.branches.iter().skip(branch).flat_map(|branch| &branch.node.0).skip(leaf);
        let mut leaves = leaves.map(|leaf| &leaf.node);
        let begin = leaves.next();
        let skip = begin.map_or(0, |leaf| match leaf.search(first) {
            Ok(index) | Err(index) => index,
        });
        begin
            .into_iter()
            .flat_map(|leaf| leaf.entries())
            .skip(skip)
            .chain(leaves.flat_map(|leaf| leaf.entries()))
    }

    /// Changes the value at `key`: `change` gets what is there and leaves there what shall be there.
    pub(super) fn update(&mut self, key: &K, change: impl FnOnce(&mut Option<V>)) {
        let branches = Arc::make_mut(&mut self.branches);
        let at = place(branches, key);
        let Some(branch) = branches.get_mut(at) else {
            let mut value = None;
            change(&mut value);
            if let Some(value) = value {
                let leaf = Leaf { keys: vec![key.clone()], values: vec![value] };
                let leaf = Child { first: key.clone(), node: Arc::new(leaf) };
                branches.push(Child { first: key.clone(), node: Arc::new(Branch(vec![leaf])) });
            }
            return;
        };
        let leaves = &mut Arc::make_mut(&mut branch.node).0;
        let place = place(leaves, key);
        let Some(leaf) = leaves.get_mut(place) else { return };
        let leaf = Arc::make_mut(&mut leaf.node);
        match leaf.search(key) {
            Ok(index) => {
                let mut value = Some(leaf.values.remove(index));
                change(&mut value);
                if let Some(value) = value {
                    leaf.values.insert(index, value);
                } else {
                    leaf.keys.remove(index);
                    merge(leaves, place);
                    merge(branches, at);
                }
            }
            Err(index) => {
                let mut value = None;
                change(&mut value);
                if let Some(value) = value {
                    leaf.keys.insert(index, key.clone());
                    leaf.values.insert(index, value);
                    split(leaves, place);
                    split(branches, at);
                }
            }
        }
    }
}

/// Where the child stands that holds `key` or would: the last that does not begin behind it.
fn place<K: Borrow<Q>, N, Q: Ord + ?Sized>(children: &Children<K, N>, key: &Q) -> usize {
    children.partition_point(|child| child.first.borrow() <= key).saturating_sub(1)
}

/// What has a size between two bounds, by splitting and merging.
trait Node<K>: Clone {
    /// Most parts; a fuller one splits into halves. One with a quarter of that, or less, is merged with a neighbour when
    /// both fit into one.
    const MAX: usize;

    fn len(&self) -> usize;

    /// Takes the parts from `at` on away, with what they begin with; none where there are not as many.
    fn split_off(&mut self, at: usize) -> Option<Child<K, Self>>;

    /// Adds the parts of the right neighbour, which begins with `first`.
    fn append(&mut self, first: K, right: Self);
}

impl<K: Clone, V: Clone> Node<K> for Leaf<K, V> {
    const MAX: usize = LEAF_MAX;

    fn len(&self) -> usize {
        self.keys.len()
    }

    fn split_off(&mut self, at: usize) -> Option<Child<K, Self>> {
        let first = self.keys.get(at)?.clone();
        let upper = Leaf { keys: self.keys.split_off(at), values: self.values.split_off(at) };
        self.keys.shrink_to_fit();
        self.values.shrink_to_fit();
        Some(Child { first, node: Arc::new(upper) })
    }

    fn append(&mut self, _: K, right: Self) {
        self.keys.extend(right.keys);
        self.values.extend(right.values);
    }
}

impl<K: Clone, V: Clone> Node<K> for Branch<K, V> {
    const MAX: usize = BRANCH_MAX;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn split_off(&mut self, at: usize) -> Option<Child<K, Self>> {
        let first = self.0.get(at)?.first.clone();
        let upper = Branch(self.0.split_off(at));
        self.0.shrink_to_fit();
        Some(Child { first, node: Arc::new(upper) })
    }

    fn append(&mut self, first: K, mut right: Self) {
        // A first child no more: nothing of it may be lower than what it begins with.
        if let Some(child) = right.0.first_mut() {
            child.first = first;
        }
        self.0.extend(right.0);
    }
}

impl<K: Ord, V> Leaf<K, V> {
    fn search<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.keys.binary_search_by(|own| own.borrow().cmp(key))
    }

    fn entries(&self) -> impl Iterator<Item = (&K, &V)> {
        self.keys.iter().zip(&self.values)
    }
}

fn split<K, N: Node<K>>(children: &mut Children<K, N>, place: usize) {
    let Some(child) = children.get_mut(place).filter(|child| child.node.len() > N::MAX) else { return };
    let half = child.node.len() / 2;
    if let Some(upper) = Arc::make_mut(&mut child.node).split_off(half) {
        children.insert(place + 1, upper);
    }
}

fn merge<K, N: Node<K>>(children: &mut Children<K, N>, place: usize) {
    let Some(size) = children.get(place).map(|child| child.node.len()) else { return };
    if size == 0 {
        children.remove(place);
        return;
    }
    if size > N::MAX / 4 || children.len() < 2 {
        return;
    }
    let left = if place + 1 < children.len() { place } else { place - 1 };
    let together: usize = children.iter().skip(left).take(2).map(|child| child.node.len()).sum();
    if together > N::MAX * 3 / 4 {
        return;
    }
    let right = children.remove(left + 1);
    if let Some(child) = children.get_mut(left) {
        Arc::make_mut(&mut child.node).append(right.first, Arc::unwrap_or_clone(right.node));
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
                prop_assert!(table.branches.iter().all(|branch| (1..=BRANCH_MAX).contains(&branch.node.len())));
                let mut leaves = table.branches.iter().flat_map(|branch| &branch.node.0);
                prop_assert!(leaves.all(|leaf| (1..=LEAF_MAX).contains(&leaf.node.len())));
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
