//! The objects as the roster keeps them, and who holds which uid and address.
//!
//! Knows nothing of sets beyond which ones an object contributes to.

use super::at_address::{AtAddress, Holding};
use super::notice::{ObjectName, Problem};
use super::overrides::Overrides;
use super::places::{Place, Places};
use super::set::Set;
use super::slab::{Id, Slab};
use super::{Addresses, Hostname, Include, ObjectKey, ObjectKind, Port, Uid, WatchId};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::cmp::Ordering;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;

/// All objects of all watches.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) objects: Slab<Object>,
    pub(super) entries: Slab<Entry>,
    uids: Slab<UidRecord>,
    /// Of uids that have several.
    holders: Slab<Vec<Id<Entry>>>,
    by_key: HashTable<Id<Object>>,
    by_uid: HashTable<Id<UidRecord>>,
    /// Each entry under each of its addresses, by their places in the entry.
    by_address: AtAddress,
    pub(super) places: Places,
    /// Entries without uid under their first address.
    nameless: AtAddress,
    /// Uids that lost their last entry. Their ids stay theirs until [`Store::sweep`].
    emptied: Vec<Id<UidRecord>>,
    hasher: RandomState,
    pub(super) looks: Looks,
}

/// A stored object.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) watch: WatchId,
    /// What people call the watch: unlike its number, the same after a restart.
    pub(super) origin: Arc<str>,
    pub(super) namespace: Arc<str>,
    pub(super) name: Box<str>,
    pub(super) kind: ObjectKind,
    pub(super) head: Head,
    /// The sets that it contributes to, each with the topology that says so; as `head.claims`.
    pub(super) claims: Box<[Claim]>,
    /// In the object's order.
    pub(super) entries: Vec<Id<Entry>>,
    /// The last list of its watch that named it.
    pub(super) listed: u32,
    /// When it was made: Unix time in seconds; 0 where it does not say.
    pub(super) created: u32,
}

/// What the roster makes of an object, its endpoints aside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) service: Option<Arc<str>>,
    /// Topologies by their place in file order, and the set that each puts the object into.
    pub(super) claims: Box<[(u32, Arc<str>)]>,
    pub(super) overrides: Option<Box<Overrides>>,
    pub(super) groups: Box<[Group]>,
    pub(super) truncated: bool,
    pub(super) problems: Box<[Problem]>,
}

/// Ports that some of an object's endpoints have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) ports: Arc<[Port]>,
    pub(super) has_endpoints: bool,
}

/// A set that a topology puts an object into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) topology: u32,
    pub(super) set: Id<Set>,
}

/// A stored endpoint.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) object: Id<Object>,
    /// Its place among all of the object's endpoints.
    pub(super) position: u32,
    /// The group that it belongs to.
    pub(super) group: u32,
    pub(super) uid: Option<Id<UidRecord>>,
    pub(super) addresses: Addresses,
    /// Only where it can be a label of a peer.
    pub(super) hostname: Option<Arc<Hostname>>,
    /// The namespace that its pod name carries, where that is not the object's: see [`Store::namespace`].
    pub(super) namespace: Option<Box<Arc<str>>>,
    /// The narrowest list that it is on.
    pub(super) level: Include,
    /// Where it runs.
    pub(super) place: Place,
    /// Whether it was told that its addresses are held.
    pub(super) told: bool,
}

/// A uid in use, with its entries.
#[derive(Debug)]
pub(super) struct UidRecord {
    uid: Uid,
    holders: Holders,
}

/// Entries that hold something: rarely more than one.
#[derive(Debug, Default)]
enum Holders {
    #[default]
    None,
    One(Id<Entry>),
    Several(Id<Vec<Id<Entry>>>),
}

impl Store {
    pub(super) fn find(&self, watch: WatchId, key: &ObjectKey) -> Option<Id<Object>> {
        let is_it = |id: &Id<Object>| {
            self.objects.get(*id).is_some_and(|object| object.watch == watch && object.has_key(key))
        };
        self.by_key.find(self.hash_key(&key.namespace, &key.name, key.kind), is_it).copied()
    }

    /// Other watches that have an object of this key.
    pub(super) fn other_watches(&self, watch: WatchId, key: &ObjectKey) -> impl Iterator<Item = WatchId> {
        let hash = self.hash_key(&key.namespace, &key.name, key.kind);
        let objects = self.by_key.iter_hash(hash).filter_map(|id| self.objects.get(*id));
        objects.filter(move |object| object.watch != watch && object.has_key(key)).map(|object| object.watch)
    }

    pub(super) fn add_object(&mut self, object: Object) -> Id<Object> {
        let hash = self.hash_key(&object.namespace, &object.name, object.kind);
        let id = self.objects.insert(object);
        let Store { objects, by_key, hasher, .. } = self;
        by_key.insert_unique(hash, id, |id| {
            let key = objects.get(*id).map(|object| (&*object.namespace, &*object.name, object.kind));
            hasher.hash_one(key)
        });
        id
    }

    /// Takes an object out. Its entries have been removed before.
    pub(super) fn remove_object(&mut self, id: Id<Object>) -> Option<Object> {
        let object = self.objects.remove(id)?;
        let hash = self.hash_key(&object.namespace, &object.name, object.kind);
        if let Ok(found) = self.by_key.find_entry(hash, |other| *other == id) {
            found.remove();
        }
        Some(object)
    }

    fn hash_key(&self, namespace: &str, name: &str, kind: ObjectKind) -> u64 {
        self.hasher.hash_one(Some((namespace, name, kind)))
    }

    pub(super) fn add_entry(&mut self, entry: Entry) -> Id<Entry> {
        let uid = entry.uid;
        let addresses = entry.addresses.clone();
        let id = self.entries.insert(entry);
        if let Some(record) = uid.and_then(|uid| self.uids.get_mut(uid)) {
            record.holders.add(id, &mut self.holders);
        }
        let Store { entries, by_address, nameless, looks, .. } = self;
        let at = |(id, place): &Holding| {
            looks.one_more();
            entries.get(*id)?.addresses.as_slice().get(*place as usize).copied()
        };
        if uid.is_none()
            && let Some(first) = addresses.as_slice().first()
        {
            nameless.add(*first, (id, 0), at);
        }
        for (place, address) in (0..).zip(addresses.as_slice()) {
            by_address.add(*address, (id, place), at);
        }
        id
    }

    pub(super) fn remove_entry(&mut self, id: Id<Entry>) -> Option<Entry> {
        let entry = self.entries.remove(id)?;
        self.places.release(entry.place);
        if let Some(uid) = entry.uid
            && let Some(record) = self.uids.get_mut(uid)
        {
            record.holders.remove(id, &mut self.holders);
            if record.holders.is_none() {
                self.emptied.push(uid);
            }
        }
        for (place, address) in (0..).zip(entry.addresses.as_slice()) {
            if place == 0 && entry.uid.is_none() {
                self.nameless.remove(*address, (id, 0));
            }
            self.by_address.remove(*address, (id, place));
        }
        Some(entry)
    }

    /// The number of a uid, given where it has none.
    pub(super) fn intern_uid(&mut self, uid: &Uid) -> Id<UidRecord> {
        let Store { uids, by_uid, hasher, .. } = self;
        let hash = hasher.hash_one(Some(uid));
        let is_it = |id: &Id<UidRecord>| uids.get(*id).is_some_and(|record| record.uid == *uid);
        if let Some(id) = by_uid.find(hash, is_it) {
            return *id;
        }
        let id = uids.insert(UidRecord { uid: uid.clone(), holders: Holders::None });
        by_uid.insert_unique(hash, id, |id| hasher.hash_one(uids.get(*id).map(|record| &record.uid)));
        id
    }

    /// Frees the numbers of uids that nobody holds any more.
    pub(super) fn sweep(&mut self) {
        for id in std::mem::take(&mut self.emptied) {
            let unused = self.uids.get(id).filter(|record| record.holders.is_none());
            let Some(hash) = unused.map(|record| self.hasher.hash_one(Some(&record.uid))) else { continue };
            if let Ok(found) = self.by_uid.find_entry(hash, |other| *other == id) {
                found.remove();
            }
            self.uids.remove(id);
        }
    }

    pub(super) fn uid(&self, id: Id<UidRecord>) -> Option<&Uid> {
        self.uids.get(id).map(|record| &record.uid)
    }

    pub(super) fn entries_of_uid(&self, id: Id<UidRecord>) -> &[Id<Entry>] {
        self.uids.get(id).map_or(&[], |record| record.holders.as_slice(&self.holders))
    }

    /// The entries that hold an address, in no order.
    pub(super) fn entries_at(&self, address: IpAddr) -> impl Iterator<Item = &Entry> {
        self.by_address.iter(address).filter_map(move |(id, place)| {
            self.looks.one_more();
            let entry = self.entries.get(id)?;
            (entry.addresses.as_slice().get(place as usize) == Some(&address)).then_some(entry)
        })
    }

    /// The entries without uid whose first address this is, in no order.
    pub(super) fn nameless_at(&self, address: IpAddr) -> impl Iterator<Item = &Entry> {
        let entries = self.nameless.iter(address).filter_map(|(id, _)| {
            self.looks.one_more();
            self.entries.get(id)
        });
        entries.filter(move |entry| entry.addresses.as_slice().first() == Some(&address))
    }

    /// The namespace that an entry's pod name carries.
    pub(super) fn namespace<'a>(&'a self, entry: &'a Entry) -> Option<&'a Arc<str>> {
        let own = entry.namespace.as_deref();
        own.or_else(|| self.objects.get(entry.object).map(|object| &object.namespace))
    }

    fn is_in(&self, entry: &Entry, namespace: &str) -> bool {
        self.namespace(entry).is_some_and(|own| **own == *namespace)
    }

    /// Whether the address is held under pod names of the namespace.
    pub(super) fn holds(&self, namespace: &str, address: IpAddr) -> bool {
        self.entries_at(address).any(|entry| self.is_in(entry, namespace))
    }

    /// Whether it was told that the address is held under pod names of the namespace, by an entry that is still there.
    pub(super) fn is_told(&self, namespace: &str, address: IpAddr) -> bool {
        self.entries_at(address).any(|entry| entry.told && self.is_in(entry, namespace))
    }

    /// Entries are joined in the order of service, object name, kind, the watch's name, and place in the object.
    pub(super) fn order(&self, a: &Entry, b: &Entry) -> Ordering {
        if a.object == b.object {
            return a.position.cmp(&b.position);
        }
        match (self.objects.get(a.object), self.objects.get(b.object)) {
            (Some(a), Some(b)) => a.order(b),
            _ => a.object.cmp(&b.object),
        }
    }
}

impl Object {
    /// The order in which objects are heard where they disagree.
    pub(super) fn order(&self, other: &Object) -> Ordering {
        self.head
            .service
            .cmp(&other.head.service)
            .then_with(|| self.name.cmp(&other.name))
            .then_with(|| self.kind.cmp(&other.kind))
            .then_with(|| self.origin.cmp(&other.origin))
            .then_with(|| self.watch.cmp(&other.watch))
    }

    pub(super) fn key(&self) -> ObjectKey {
        ObjectKey { namespace: (*self.namespace).into(), name: self.name.clone(), kind: self.kind }
    }

    pub(super) fn notice_name(&self) -> ObjectName {
        ObjectName(self.key())
    }

    fn has_key(&self, key: &ObjectKey) -> bool {
        *self.namespace == *key.namespace && self.name == key.name && self.kind == key.kind
    }
}

impl Head {
    /// Whether only what is wrong with the object may differ.
    pub(super) fn acts_as(&self, other: &Head) -> bool {
        self.service == other.service
            && self.claims == other.claims
            && self.overrides == other.overrides
            && self.groups == other.groups
            && self.truncated == other.truncated
    }
}

impl Holders {
    fn is_none(&self) -> bool {
        matches!(self, Holders::None)
    }

    fn as_slice<'a>(&'a self, several: &'a Slab<Vec<Id<Entry>>>) -> &'a [Id<Entry>] {
        match self {
            Holders::None => &[],
            Holders::One(id) => std::slice::from_ref(id),
            Holders::Several(ids) => several.get(*ids).map_or(&[], Vec::as_slice),
        }
    }

    fn add(&mut self, id: Id<Entry>, several: &mut Slab<Vec<Id<Entry>>>) {
        match self {
            Holders::None => *self = Holders::One(id),
            Holders::One(first) => *self = Holders::Several(several.insert(vec![*first, id])),
            Holders::Several(ids) => {
                if let Some(ids) = several.get_mut(*ids) {
                    ids.push(id);
                }
            }
        }
    }

    fn remove(&mut self, id: Id<Entry>, several: &mut Slab<Vec<Id<Entry>>>) {
        match *self {
            Holders::One(only) if only == id => *self = Holders::None,
            Holders::None | Holders::One(_) => {}
            Holders::Several(place) => {
                let Some(ids) = several.get_mut(place) else { return };
                if let Some(index) = ids.iter().position(|other| *other == id) {
                    ids.swap_remove(index);
                }
                if let [only] = **ids {
                    several.remove(place);
                    *self = Holders::One(only);
                }
            }
        }
    }
}

/// How many entries were looked at: what tests hold against the number that there are. Elsewhere nothing is counted.
#[derive(Debug, Default)]
pub(super) struct Looks(#[cfg(test)] std::cell::Cell<usize>);

impl Looks {
    #[cfg(test)]
    pub(super) fn one_more(&self) {
        self.0.set(self.0.get() + 1);
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "there is nothing to count")]
    #[inline]
    pub(super) fn one_more(&self) {}

    /// How many since it was asked last.
    #[cfg(test)]
    pub(super) fn take(&self) -> usize {
        self.0.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_go_with_their_last_entry_when_swept() {
        let mut store = Store::default();
        let name = |number: u32| Uid::from_text(&number.to_string()).unwrap();
        let object = store.add_object(object());
        let entry = |uid| Entry {
            object,
            position: 0,
            group: 0,
            uid: Some(uid),
            addresses: Addresses::One([10, 0, 0, 1].into()),
            hostname: None,
            namespace: None,
            level: Include::Ready,
            place: 0,
            told: false,
        };
        let uids: Vec<_> = (0..100).map(|number| store.intern_uid(&name(number))).collect();
        let entries: Vec<_> = uids.iter().map(|uid| store.add_entry(entry(*uid))).collect();
        assert!(store.holds("default", [10, 0, 0, 1].into()) && !store.holds("other", [10, 0, 0, 1].into()));
        assert_eq!(store.entries_at([10, 0, 0, 1].into()).count(), 100);
        for entry in entries.iter().take(99) {
            store.remove_entry(*entry);
        }
        // Until swept, a number is nobody else's; one that came back is kept.
        assert_eq!(store.intern_uid(&name(0)), uids[0]);
        store.add_entry(entry(uids[0]));
        store.sweep();
        assert_eq!(store.uids.iter().count(), 2);
        assert_eq!((store.uid(uids[0]), store.uid(uids[1])), (Some(&name(0)), None));
        assert_eq!(store.intern_uid(&name(99)), uids[99]);
        assert_eq!(store.entries_of_uid(uids[99]), &entries[99..]);
    }

    /// Each octet more is 150 kB in a large cluster.
    #[test]
    fn what_there_is_of_each_endpoint_is_small() {
        assert!(size_of::<Option<Entry>>() <= 64, "{}", size_of::<Option<Entry>>());
        assert!(size_of::<Option<UidRecord>>() <= 32, "{}", size_of::<Option<UidRecord>>());
    }

    fn object() -> Object {
        Object {
            origin: "watch".into(),
            watch: WatchId(0),
            namespace: "default".into(),
            name: "web".into(),
            kind: ObjectKind::Pod,
            head: Head::default(),
            claims: Box::default(),
            entries: Vec::new(),
            listed: 0,
            created: 0,
        }
    }
}
