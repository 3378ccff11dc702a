//! Bringing an object's endpoints to what it says now, noting who has to be reconciled.
//!
//! Only endpoints that differ are touched, so that a change in a slice of a set of thousands concerns one peer.

use super::held::Held;
use super::intern::Interner;
use super::reading::{Incoming, Told};
use super::set::{Identity, Sets};
use super::slab::Id;
use super::store::{Entry, Object, Store};
use foldhash::HashMap;
use std::sync::Arc;

/// What a change of endpoints concerns.
#[derive(Debug)]
pub(super) struct Entries<'a> {
    pub(super) store: &'a mut Store,
    pub(super) sets: &'a mut Sets,
    pub(super) texts: &'a mut Interner<str>,
    pub(super) held: &'a mut Held,
}

/// What becomes of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The stored entry says the same and follows what it followed before.
    Keep(Id<Entry>),
    /// The stored entry says the same, at another place among its neighbours.
    Move(Id<Entry>),
    /// No stored entry says this.
    Add,
}

impl Entries<'_> {
    /// Replaces an object's entries.
    pub(super) fn replace(&mut self, id: Id<Object>, incoming: &[Incoming<'_>]) {
        let Some(object) = self.store.objects.get_mut(id) else { return };
        let old = std::mem::take(&mut object.entries);
        let (steps, gone) = steps(self.store, id, &old, incoming);
        let mut entries = Vec::with_capacity(incoming.len());
        for ((position, new), step) in (0..).zip(incoming).zip(steps) {
            let entry = match step {
                Step::Keep(entry) => entry,
                Step::Move(entry) => {
                    self.touch(id, entry);
                    entry
                }
                Step::Add => self.add(id, position, new),
            };
            let Store { entries: stored, places, .. } = &mut *self.store;
            if let Some(entry) = stored.get_mut(entry) {
                entry.position = position;
                places.set(&mut entry.place, new.endpoint.placement.as_ref());
            }
            entries.push(entry);
        }
        self.remove(id, gone);
        if let Some(object) = self.store.objects.get_mut(id) {
            object.entries = entries;
        }
    }

    /// Removes entries of an object.
    pub(super) fn remove(&mut self, id: Id<Object>, entries: Vec<Id<Entry>>) {
        for entry in entries {
            self.touch(id, entry);
            if let Some(entry) = self.store.remove_entry(entry)
                && let Some(namespace) = self.store.namespace(&entry)
            {
                self.held.went(&entry, namespace);
            }
        }
    }

    fn add(&mut self, id: Id<Object>, position: u32, new: &Incoming<'_>) -> Id<Entry> {
        let of_object = self.store.objects.get(id).is_some_and(|object| *object.namespace == *new.namespace);
        let namespace = (!of_object).then(|| Box::new(self.texts.intern(new.namespace)));
        let addresses = new.endpoint.addresses.unique();
        let uid = new.uid.map(|uid| self.store.intern_uid(uid));
        let entry = self.store.add_entry(Entry {
            object: id,
            position,
            group: new.group,
            uid,
            addresses,
            hostname: new.hostname.map(|hostname| Arc::new(hostname.into())),
            namespace,
            level: new.level,
            place: 0,
            told: false,
        });
        self.held.came(entry);
        self.touch(id, entry);
        entry
    }

    /// Whoever the entry is, and whoever else that may make somebody else, is to be reconciled.
    fn touch(&mut self, object: Id<Object>, entry: Id<Entry>) {
        let Some(object) = self.store.objects.get(object) else { return };
        let Some(entry) = self.store.entries.get(entry) else { return };
        // Who has a uid is who it says. Only those without are somebody else where others come to their addresses or go.
        let addresses = entry.addresses.as_slice();
        let concerns_others = entry.uid.is_none()
            || addresses.iter().any(|address| self.store.nameless_at(*address).next().is_some());
        let addresses = if concerns_others { addresses } else { &[] };
        for claim in &object.claims {
            // A set that was never published is reconciled whole.
            let is_new = self.sets.get(claim.set).is_none_or(|set| set.published.is_none());
            if let Some(pending) = self.sets.touch(claim.set)
                && !is_new
            {
                pending.identities.extend(entry.uid.map(Identity::Uid));
                pending.addresses.extend(addresses);
            }
        }
    }
}

/// What becomes of each endpoint, and the entries that go.
///
/// Endpoints that stay mostly stand where they stood, save for some that went or came between them.
fn steps(
    store: &Store,
    id: Id<Object>,
    old: &[Id<Entry>],
    new: &[Incoming<'_>],
) -> (Vec<Step>, Vec<Id<Entry>>) {
    let Some(object) = store.objects.get(id) else { return Default::default() };
    let says = |(old, new): &(&Id<Entry>, &Incoming<'_>)| {
        store.entries.get(**old).is_some_and(|entry| new.equals(entry, object, store))
    };
    let ahead = old.iter().zip(new).take_while(says).count();
    let (first, old) = old.split_at_checked(ahead).unwrap_or_default();
    let new = new.get(ahead..).unwrap_or_default();
    let behind = old.iter().rev().zip(new.iter().rev()).take_while(says).count();
    let (old, last) = old.split_at_checked(old.len() - behind).unwrap_or_default();
    let new = new.get(..new.len() - behind).unwrap_or_default();

    let mut steps: Vec<Step> = Vec::with_capacity(first.len() + new.len() + last.len());
    steps.extend(first.iter().map(|entry| Step::Keep(*entry)));
    let (middle, gone) = match (old, new) {
        // Nearly every change: one endpoint for another, which are known to differ.
        ([_], [_]) | ([], _) | (_, []) => (vec![Step::Add; new.len()], old.to_vec()),
        _ => matched(store, object, old, new),
    };
    steps.extend(middle);
    steps.extend(last.iter().map(|entry| Step::Keep(*entry)));
    (steps, gone)
}

/// The same where any may stand where another stood: each entry is looked at once, however many are alike.
fn matched(
    store: &Store,
    object: &Object,
    old: &[Id<Entry>],
    new: &[Incoming<'_>],
) -> (Vec<Step>, Vec<Id<Entry>>) {
    let mut alike = HashMap::<Told<'_>, Vec<(usize, Id<Entry>)>>::default();
    // From behind, so that the first of those that are alike is the next to be taken.
    for (place, id) in old.iter().enumerate().rev() {
        if let Some(entry) = store.entries.get(*id) {
            alike.entry(Told::by_entry(entry, object, store)).or_default().push((place, *id));
        }
    }
    // Places in `old` of what was kept rise: the order among the kept is as before.
    let mut above = 0;
    let steps = new.iter().map(|new| match alike.get_mut(&new.told()).and_then(Vec::pop) {
        Some((place, entry)) if place >= above => {
            above = place;
            Step::Keep(entry)
        }
        Some((_, entry)) => Step::Move(entry),
        None => Step::Add,
    });
    let steps = steps.collect();
    let gone = alike.into_values().flatten().map(|(_, entry)| entry).collect();
    (steps, gone)
}
