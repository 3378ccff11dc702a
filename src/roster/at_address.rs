//! Which entries hold an address: nearly always one, and thousands where a hostile object says so.
//!
//! Knows nothing of what an entry is: whoever asks says at which address each stands.

use super::slab::Id;
use super::store::Entry;
use foldhash::fast::RandomState;
use foldhash::{HashMap, HashSet};
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::net::IpAddr;

/// An entry, and the place of the address among those that it has.
pub(super) type Holding = (Id<Entry>, u32);

/// Entries by an address of theirs. A change of one costs the same however many others hold its address.
#[derive(Debug, Default)]
pub(super) struct AtAddress {
    /// The address stands at the entry alone: 8 octets for each.
    few: HashTable<Holding>,
    /// Addresses that have had more than [`FEW`]: all who hold them are here.
    many: HashMap<IpAddr, HashSet<Holding>>,
    hasher: RandomState,
}

/// Of one hash, a table looks at one after the other: so many are looked at as fast as one.
const FEW: usize = 16;

impl AtAddress {
    /// Adds a holding that is not there. `at` says where each of those there stands.
    pub(super) fn add(&mut self, address: IpAddr, holding: Holding, at: impl Fn(&Holding) -> Option<IpAddr>) {
        if let Some(crowd) = self.many.get_mut(&address) {
            crowd.insert(holding);
            return;
        }
        let hash = self.hasher.hash_one(address);
        if self.few.iter_hash(hash).filter(|other| at(other) == Some(address)).count() >= FEW {
            let mut crowd = HashSet::from_iter([holding]);
            while let Ok(found) = self.few.find_entry(hash, |other| at(other) == Some(address)) {
                crowd.insert(found.remove().0);
            }
            self.many.insert(address, crowd);
            return;
        }
        let AtAddress { few, hasher, .. } = self;
        few.insert_unique(hash, holding, |holding| at(holding).map_or(0, |address| hasher.hash_one(address)));
    }

    /// Removes a holding.
    pub(super) fn remove(&mut self, address: IpAddr, holding: Holding) {
        if let Some(crowd) = self.many.get_mut(&address) {
            crowd.remove(&holding);
            if crowd.is_empty() {
                self.many.remove(&address);
            }
            return;
        }
        let hash = self.hasher.hash_one(address);
        if let Ok(found) = self.few.find_entry(hash, |other| *other == holding) {
            found.remove();
        }
    }

    /// Whoever may hold an address, in no order: all who do, and perhaps others.
    pub(super) fn iter(&self, address: IpAddr) -> impl Iterator<Item = Holding> {
        let crowd = if self.many.is_empty() { None } else { self.many.get(&address) };
        let few = crowd.is_none().then(|| self.few.iter_hash(self.hasher.hash_one(address)));
        crowd.into_iter().flatten().chain(few.into_iter().flatten()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn few_or_many_those_at_an_address_are_found(
            steps in prop::collection::vec((0..40_u32, 0..3_usize, any::<bool>()), 0..400),
        ) {
            let ids = [0, 1, 2].map(Id::<Entry>::of);
            let address = |number: u32| IpAddr::from([10, 0, 0, u8::from(number.is_multiple_of(8))]);
            let at = |holding: &Holding| Some(address(holding.1));
            let mut index = AtAddress::default();
            let mut model = BTreeSet::new();
            for (place, id, add) in steps {
                let holding = (ids[id], place);
                if add && model.insert(holding) {
                    index.add(address(place), holding, at);
                } else if !add && model.remove(&holding) {
                    index.remove(address(place), holding);
                }
                for asked in [address(0), address(1)] {
                    let found: BTreeSet<_> = index.iter(asked).filter(|holding| at(holding) == Some(asked)).collect();
                    let expected = model.iter().filter(|holding| at(holding) == Some(asked)).copied();
                    prop_assert_eq!(found, expected.collect::<BTreeSet<_>>());
                }
            }
        }
    }
}
