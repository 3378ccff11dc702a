//! A set's members by identity: a sorted list while they are few, as in almost all sets, a table when they are many.

use super::set::{Identity, Member};
use foldhash::HashMap;

/// From this many on, moving the rest of a list costs more than hashing, and a table is worth its empty places.
const MANY: usize = 512;

/// Members by identity.
#[derive(Debug)]
pub(super) enum Members {
    /// Sorted by identity.
    Few(Vec<(Identity, Member)>),
    Many(Box<HashMap<Identity, Member>>),
}

impl Members {
    pub(super) fn get(&self, identity: Identity) -> Option<&Member> {
        match self {
            Members::Few(list) => list.get(place(list, identity).ok()?).map(|(_, member)| member),
            Members::Many(table) => table.get(&identity),
        }
    }

    pub(super) fn get_mut(&mut self, identity: Identity) -> Option<&mut Member> {
        match self {
            Members::Few(list) => {
                let place = place(list, identity).ok()?;
                list.get_mut(place).map(|(_, member)| member)
            }
            Members::Many(table) => table.get_mut(&identity),
        }
    }

    /// Makes room for so many more members, and no more: nearly all sets have as many as their first list says.
    pub(super) fn reserve(&mut self, more: usize) {
        match self {
            Members::Few(list) => list.reserve_exact(more),
            Members::Many(_) => {}
        }
    }

    /// Adds a member who is not there.
    pub(super) fn insert(&mut self, identity: Identity, member: Member) {
        if let Members::Few(list) = self
            && list.len() >= MANY
        {
            *self = Members::Many(Box::new(std::mem::take(list).into_iter().collect()));
        }
        match self {
            Members::Few(list) => {
                if let Err(place) = place(list, identity) {
                    if list.len() == list.capacity() {
                        list.reserve_exact(room(list.len()));
                    }
                    list.insert(place, (identity, member));
                }
            }
            Members::Many(table) => drop(table.insert(identity, member)),
        }
    }

    pub(super) fn remove(&mut self, identity: Identity) {
        match self {
            Members::Few(list) => {
                if let Ok(place) = place(list, identity) {
                    list.remove(place);
                    if list.capacity() > 2 * (list.len() + room(list.len())) {
                        list.shrink_to(list.len() + room(list.len()));
                    }
                }
            }
            Members::Many(table) => drop(table.remove(&identity)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Members::Few(list) => list.is_empty(),
            Members::Many(table) => table.is_empty(),
        }
    }

    /// Everybody, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Identity, &Member)> {
        let (list, table) = match self {
            Members::Few(list) => (Some(list), None),
            Members::Many(table) => (None, Some(table)),
        };
        let listed = list.into_iter().flatten().map(|(identity, member)| (*identity, member));
        listed.chain(
            table.into_iter().flat_map(|table| table.iter()).map(|(identity, member)| (*identity, member)),
        )
    }

    /// Takes everybody out, in the order of identities.
    pub(super) fn drain(&mut self) -> Vec<(Identity, Member)> {
        let mut members = match std::mem::take(self) {
            Members::Few(list) => list,
            Members::Many(table) => (*table).into_iter().collect(),
        };
        members.sort_unstable_by_key(|(identity, _)| *identity);
        members
    }
}

/// For how many more a full list makes room. Whoever takes the place of another comes before that one goes: with twice the
/// room, as a vector makes by itself, an hour of that would leave half of the lists of all sets empty.
fn room(len: usize) -> usize {
    1 + len / 8
}

fn place(list: &[(Identity, Member)], identity: Identity) -> Result<usize, usize> {
    list.binary_search_by_key(&identity, |(other, _)| *other)
}

impl Default for Members {
    fn default() -> Members {
        Members::Few(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::Include;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::net::IpAddr;

    proptest! {
        #[test]
        fn few_or_many_they_are_a_map(steps in prop::collection::vec((0..700_u16, 0..6_u8), 0..1500)) {
            let mut members = Members::default();
            let mut map = BTreeMap::new();
            for (number, step) in steps {
                let identity = Identity::Address(IpAddr::from([0, 0, 0, 0, 0, 0, 0, number]));
                if step == 0 {
                    members.remove(identity);
                    map.remove(&identity);
                } else if let Some(member) = members.get_mut(identity) {
                    prop_assert_eq!(map.insert(identity, Include::All), member.level);
                    member.level = Some(Include::All);
                } else {
                    members.insert(identity, Member { level: Some(Include::Ready), ..Member::default() });
                    prop_assert_eq!(map.insert(identity, Include::Ready), None);
                }
                prop_assert_eq!(members.get(identity).and_then(|found| found.level), map.get(&identity).copied());
            }
            prop_assert_eq!(members.iter().count(), map.len());
            if let Members::Few(list) = &members {
                prop_assert!(list.capacity() <= 2 * (list.len() + room(list.len())) + room(MANY));
            }
            let drained: Vec<_> = members.drain().into_iter().map(|(identity, member)| (identity, member.level)).collect();
            prop_assert_eq!(drained, map.into_iter().map(|(identity, level)| (identity, Some(level))).collect::<Vec<_>>());
            prop_assert_eq!(members.iter().count(), 0);
        }
    }
}
