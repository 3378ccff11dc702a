//! An ordered table of which a clone is cheap and a change copies little: leaves of neighbours behind shared pointers.
//!
//! The writer changes its own clone; nodes that a published snapshot still holds are copied before they change, others
//! are changed in place. Copying a node counts each of its children once more, and each count lies in a cache line of
//! its own: with one root over all leaves of 150,000 addresses that alone took longer than all else about a change. So
//! there is a level between, and a change copies a leaf, a branch and the root, each of about a hundred at most there.

use foldhash::quality::RandomState;
use std::borrow::Borrow;
use std::collections::HashSet;
use std::hint::select_unpredictable;
use std::sync::Arc;

/// Most entries of a leaf; a fuller one splits. A change of a pod copies two leaves: at 16 octets a value, so many fit the
/// largest blocks that the allocator (glibc's `tcache`, 1,032 octets) has at hand.
const LEAF_MAX: usize = 64;

/// Most leaves of a branch.
const BRANCH_MAX: usize = 96;

/// A map from `K` to `V` in the order of `K`.
#[derive(Debug, Clone)]
pub(super) struct OrderedTable<K, V> {
    root: Arc<Node<K, Arc<Branch<K, V>>>>,
}

type Branch<K, V> = Node<K, Arc<Leaf<K, V>>>;

type Leaf<K, V> = Node<K, V>;

/// What belongs to ascending keys; keys apart, so that a search reads keys only. Never empty inside a table.
///
/// The keys of a leaf are those of its values. Elsewhere each is at most the first key below its child and above the
/// last one below the child before; the first is not read, because what is less than all belongs there too.
#[derive(Debug)]
struct Node<K, C> {
    keys: Vec<K>,
    children: Vec<C>,
}

/// A node is copied to be changed: with room for one more.
impl<K: Clone, C: Clone> Clone for Node<K, C> {
    fn clone(&self) -> Node<K, C> {
        let mut keys = Vec::with_capacity(self.keys.len() + 1);
        keys.extend_from_slice(&self.keys);
        let mut children = Vec::with_capacity(self.children.len() + 1);
        children.extend_from_slice(&self.children);
        Node { keys, children }
    }
}

impl<K, V> Default for OrderedTable<K, V> {
    fn default() -> Self {
        OrderedTable { root: Arc::new(Node { keys: Vec::new(), children: Vec::new() }) }
    }
}

impl<K: Ord + Clone, V: Clone> OrderedTable<K, V> {
    /// The value at `key`.
    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let branch = self.root.child_of(key)?.1;
        let leaf = branch.child_of(key)?.1;
        leaf.children.get(leaf.search(key).ok()?)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.root.keys.is_empty()
    }

    /// Whether any key lies within `first..=last`.
    pub(super) fn any_within(&self, first: &K, last: &K) -> bool {
        self.from(first).next().is_some_and(|(key, _)| key <= last)
    }

    /// All entries in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.root.children.iter().flat_map(|branch| &branch.children).flat_map(|leaf| leaf.entries(0))
    }

    /// The entries in order, but for those that another table shares with this one; some that both have may be among them.
    pub(super) fn iter_unlike<'a>(&'a self, other: Option<&'a Self>) -> impl Iterator<Item = (&'a K, &'a V)> {
        let others = || other.into_iter().flat_map(|table| &table.root.children);
        let branches: HashSet<_, RandomState> = others().map(Arc::as_ptr).collect();
        let leaves: HashSet<_, RandomState> =
            others().flat_map(|branch| &branch.children).map(Arc::as_ptr).collect();
        let own = self.root.children.iter().filter(move |branch| !branches.contains(&Arc::as_ptr(branch)));
        own.flat_map(|branch| &branch.children)
            .filter(move |leaf| !leaves.contains(&Arc::as_ptr(leaf)))
            .flat_map(|leaf| leaf.entries(0))
    }

    /// The entries from `first` on, in order.
    pub(super) fn from(&self, first: &K) -> impl Iterator<Item = (&K, &V)> {
        let found = self.root.child_of(first).and_then(|(branch_at, branch)| {
            let (leaf_at, leaf) = branch.child_of(first)?;
            let (Ok(at) | Err(at)) = leaf.search(first);
            let leaves = branch.children.iter().skip(leaf_at + 1);
            let branches = self.root.children.iter().skip(branch_at + 1);
            let behind = leaves.chain(branches.flat_map(|branch| &branch.children));
            Some(leaf.entries(at).chain(behind.flat_map(|leaf| leaf.entries(0))))
        });
        found.into_iter().flatten()
    }

    /// Changes the value at `key`: `change` gets what is there and leaves there what shall be there.
    pub(super) fn update(&mut self, key: &K, change: impl FnOnce(&mut Option<V>)) {
        let root = Arc::make_mut(&mut self.root);
        let place = root.place(key);
        let Some(branch) = root.children.get_mut(place).map(Arc::make_mut) else {
            let mut value = None;
            change(&mut value);
            if let Some(value) = value {
                let leaf = Node { keys: vec![key.clone()], children: vec![value] };
                let branch = Node { keys: vec![key.clone()], children: vec![Arc::new(leaf)] };
                root.insert(0, key.clone(), Arc::new(branch));
            }
            return;
        };
        if branch.update(key, change) {
            root.settle(place, BRANCH_MAX);
        }
    }
}

impl<K: Ord + Clone, V: Clone> Branch<K, V> {
    /// Changes the value at a key. Whether there may be too many leaves now, or too few.
    fn update(&mut self, key: &K, change: impl FnOnce(&mut Option<V>)) -> bool {
        let place = self.place(key);
        let Some(leaf) = self.children.get_mut(place).map(Arc::make_mut) else { return false };
        match leaf.search(key) {
            Ok(index) => {
                let (key, value) = leaf.remove(index);
                let mut value = Some(value);
                change(&mut value);
                match value {
                    Some(value) => leaf.insert(index, key, value),
                    None => return self.settle(place, LEAF_MAX),
                }
                false
            }
            Err(index) => {
                let mut value = None;
                change(&mut value);
                if let Some(value) = value {
                    leaf.insert(index, key.clone(), value);
                }
                self.settle(place, LEAF_MAX)
            }
        }
    }
}

impl<K: Ord + Clone, C> Node<K, C> {
    fn search<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        let at = rank(&self.keys, |own| own.borrow() < key);
        if self.keys.get(at).is_some_and(|own| own.borrow() == key) { Ok(at) } else { Err(at) }
    }

    /// The child below which `key` is or would be: the last that does not begin behind it.
    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        rank(&self.keys, |first| first.borrow() <= key).saturating_sub(1)
    }

    fn child_of<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(usize, &C)>
    where
        K: Borrow<Q>,
    {
        let place = self.place(key);
        Some((place, self.children.get(place)?))
    }

    fn entries(&self, from: usize) -> impl Iterator<Item = (&K, &C)> {
        self.keys.iter().zip(&self.children).skip(from)
    }

    fn insert(&mut self, place: usize, key: K, child: C) {
        // Nodes are many, and grow by one: twice the room would stay unused.
        if self.keys.len() == self.keys.capacity() {
            self.keys.reserve_exact(ROOM);
            self.children.reserve_exact(ROOM);
        }
        self.keys.insert(place, key);
        self.children.insert(place, child);
    }

    fn remove(&mut self, place: usize) -> (K, C) {
        (self.keys.remove(place), self.children.remove(place))
    }

    /// Leaves the children before `place` and returns the others.
    fn split_off(&mut self, place: usize) -> Node<K, C> {
        let upper = Node { keys: self.keys.split_off(place), children: self.children.split_off(place) };
        self.keys.shrink_to_fit();
        self.children.shrink_to_fit();
        upper
    }
}

/// How many of the keys are before the place that is looked for; these are the first ones.
///
/// Most nodes have 32 to 96 keys: halved in steps that are counted when this is compiled, each a comparison and a choice.
#[inline]
fn rank<K>(keys: &[K], is_before: impl Fn(&K) -> bool) -> usize {
    let rank = match keys.len() {
        64.. => rank_in_runs::<64, K>(keys, &is_before),
        32.. => rank_in_runs::<32, K>(keys, &is_before),
        _ => None,
    };
    rank.unwrap_or_else(|| keys.partition_point(is_before))
}

/// The same of one to two runs of `RUN` keys, a power of two: the first and the last of them, which overlap. `None` for more.
#[inline]
fn rank_in_runs<const RUN: usize, K>(keys: &[K], is_before: impl Fn(&K) -> bool) -> Option<usize> {
    let behind = keys.len().checked_sub(RUN).filter(|behind| *behind <= RUN)?;
    let (first, last) = (keys.first_chunk::<RUN>()?, keys.last_chunk::<RUN>()?);
    let is_in_last = first.last().is_some_and(&is_before);
    let (run, start) = if is_in_last { (last, behind) } else { (first, 0) };
    let mut at = 0;
    let mut step = RUN / 2;
    while step > 0 {
        // All bits of `at` are above those of `step - 1`, so that this is below `RUN`.
        let is_above = run.get(at | (step - 1)).is_some_and(&is_before);
        at = select_unpredictable(is_above, at | step, at);
        step /= 2;
    }
    Some(start + at + usize::from(run.get(at).is_some_and(is_before)))
}

/// For how many more entries a full node makes room.
const ROOM: usize = 4;

impl<K: Ord + Clone, C: Clone> Node<K, Arc<Node<K, C>>> {
    /// Splits the child at `place` where it has become larger than `max`, takes it away where it is empty, and merges it with a
    /// neighbour where it is small and both fit into one. Whether that changed the number of children.
    fn settle(&mut self, place: usize, max: usize) -> bool {
        let Some(child) = self.children.get_mut(place) else { return false };
        let size = child.keys.len();
        if size > max {
            // Keys often come in order: what is full then stays so.
            let is_last = place + 1 == self.keys.len();
            let upper = Arc::make_mut(child).split_off(if is_last { max } else { size / 2 });
            if let Some(first) = upper.keys.first().cloned() {
                self.insert(place + 1, first, Arc::new(upper));
            }
            return true;
        }
        if size == 0 {
            self.remove(place);
            return true;
        }
        if size > max / 4 || self.keys.len() < 2 {
            return false;
        }
        let left = if place + 1 < self.keys.len() { place } else { place - 1 };
        let together: usize = self.children.iter().skip(left).take(2).map(|child| child.keys.len()).sum();
        if together > max * 3 / 4 {
            return false;
        }
        let right = Arc::unwrap_or_clone(self.remove(left + 1).1);
        if let Some(child) = self.children.get_mut(left).map(Arc::make_mut) {
            child.keys.extend(right.keys);
            child.children.extend(right.children);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// More than one branch, whatever the order of the keys.
    #[test]
    fn large_tables_are_maps_too() {
        const KEYS: u32 = 3 * 64 * 96;
        for step in [1, 7919, KEYS - 1] {
            let mut table = OrderedTable::default();
            let keys = (0..KEYS)
                .map(|number| u32::try_from(u64::from(number) * u64::from(step) % u64::from(KEYS)).unwrap());
            for key in keys.clone() {
                table.update(&key, |value| *value = Some(key));
            }
            assert!(table.root.children.len() > 2);
            assert!(table.iter().map(|(key, _)| *key).eq(0..KEYS));
            for key in keys.filter(|key| key % 5 > 0) {
                table.update(&key, |value| assert_eq!(value.take(), Some(key)));
            }
            assert!(table.iter().map(|(key, _)| *key).eq((0..KEYS).step_by(5)));
            assert!((0..KEYS).step_by(97).all(|key| table.get(&key).is_some() == (key % 5 == 0)));
            assert!(table.from(&12_346).map(|(key, _)| *key).eq((12_350..KEYS).step_by(5)));
        }
    }

    #[test]
    fn the_rank_is_the_number_of_keys_before() {
        for length in 0..140_usize {
            let keys: Vec<usize> = (0..length).map(|index| 2 * index).collect();
            for sought in 0..=2 * length {
                let before = |key: &usize| *key < sought;
                assert_eq!(rank(&keys, before), keys.partition_point(before), "{length}, {sought}");
            }
        }
    }

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
                for branch in &table.root.children {
                    prop_assert!((1..=BRANCH_MAX).contains(&branch.keys.len()));
                    prop_assert!(branch.children.iter().all(|leaf| (1..=LEAF_MAX).contains(&leaf.keys.len())));
                }
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
