//! The index from objects to sets.

use super::broken::{Broken, Refusals};
use super::counts::{Counts, SetCounts, count, count_sets};
use super::entries::Entries;
use super::held::Held;
use super::join::Resolved;
use super::label::is_dns_label;
use super::notice::{Notice, Notices};
use super::reading::{Shared, read, read_broken};
use super::reconcile::Reconciler;
use super::set::Sets;
use super::slab::Id;
use super::store::{Claim, Head, Object, Store};
use super::watch::Watches;
use super::{
    Change, EndpointObject, Event, EventKind, Gives, Namespaces, ObjectKey, ObjectName, Topology, WatchId,
};

/// What the roster is told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The cluster's own domain: lower-case text without final dot, `cluster.local`.
    pub cluster_domain: Box<str>,
    /// The peer zone, likewise: `peers.cluster.local`.
    pub zone: Box<str>,
    /// Whether labels `rosterd.io/…` act.
    pub label_settings: bool,
    /// The topologies, in file order; without any, every Service is its own set.
    pub topologies: Vec<Topology>,
}

/// The peers of all sets, kept up to date by events.
///
/// Events are stored at once, and sets reconciled when [`Roster::take_changes`] is called: whatever happened in between
/// is one change. The same objects give the same sets and peers, in whatever order they came.
#[derive(Debug)]
pub struct Roster {
    options: Options,
    pub(super) store: Store,
    sets: Sets,
    watches: Watches,
    shared: Shared,
    notices: Notices,
    held: Held,
    refusals: Refusals,
    revision: Option<u64>,
    /// Applied, and of no more use.
    #[expect(clippy::vec_box, reason = "they come in boxes, which are not opened to be freed")]
    spent: Vec<Box<EndpointObject>>,
}

/// So many applied objects are kept at most: as many as one publication mostly has.
const SPENT_MAX: usize = 256;

/// A roster, taken apart for looking at it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) options: &'a Options,
    pub(super) store: &'a Store,
    pub(super) sets: &'a Sets,
    pub(super) watches: &'a Watches,
    pub(super) refusals: &'a Refusals,
    pub(super) notices: &'a Notices,
}

impl Roster {
    /// A roster without objects. Sets of named topologies exist in the namespaces that these list.
    pub fn new(mut options: Options) -> Roster {
        if options.topologies.is_empty() {
            options.topologies.push(Topology::every_service());
        }
        let mut sets = Sets::default();
        let mut shared = Shared::default();
        for (place, topology) in (0..).zip(&options.topologies) {
            let (Some(name), Namespaces::Listed(namespaces)) = (&topology.name, &topology.namespaces) else {
                continue;
            };
            for namespace in namespaces.iter().filter(|namespace| is_dns_label(namespace)) {
                let (namespace, name) = (shared.texts.intern(&**namespace), shared.texts.intern(&**name));
                let id = sets.find_or_add(&namespace, &name);
                sets.touch(id);
                if let Some(set) = sets.get_mut(id) {
                    set.permanent.get_or_insert(place);
                }
            }
        }
        Roster {
            options,
            store: Store::default(),
            sets,
            watches: Watches::default(),
            shared,
            notices: Notices::default(),
            held: Held::default(),
            refusals: Refusals::default(),
            revision: None,
            spent: Vec::new(),
        }
    }

    /// Takes in one event. Events of a watch that was not started, or has ended, are ignored.
    pub fn handle(&mut self, event: Event) {
        let Event { watch: id, revision, kind } = event;
        if let EventKind::Started(scope, gives) = kind {
            self.watches.start(id, scope, gives);
            return;
        }
        let Some(watch) = self.watches.get_mut(id) else { return };
        let staged = watch.list.is_some();
        match kind {
            EventKind::Named(name) => {
                watch.name = Some(name);
                return;
            }
            EventKind::Reset => {
                watch.begin_list();
                return;
            }
            EventKind::Apply(object) if staged => {
                self.stage(id, object);
                return;
            }
            EventKind::Broken(object) if staged => {
                self.stage_broken(id, object);
                return;
            }
            EventKind::Delete(key) if staged => {
                self.stage_deletion(id, key);
                return;
            }
            EventKind::Started(..) => {}
            EventKind::Apply(object) => {
                self.apply(id, &object);
                self.spend(object);
            }
            EventKind::Broken(object) => self.set_broken(id, &object),
            EventKind::Delete(key) => {
                self.heal(id, &key);
                if let Some(object) = self.store.find(id, &key) {
                    self.remove(object);
                }
            }
            EventKind::Synced => self.finish_list(id),
            EventKind::Unreachable => self.watches.set_unreachable(id, true),
            EventKind::Reachable => self.watches.set_unreachable(id, false),
            EventKind::Ended => self.end(id),
        }
        self.revision = self.revision.max(revision);
    }

    /// An object of a hundred endpoints is freed in as long a time as a peer takes to become visible.
    fn spend(&mut self, object: Box<EndpointObject>) {
        if self.spent.len() >= SPENT_MAX {
            self.spent.clear();
        }
        self.spent.push(object);
    }

    /// Frees what events have left, which nobody needs to wait for.
    pub fn free(&mut self) {
        self.spent.clear();
    }

    /// What changed since this was last called, in the order in which it is to be applied.
    pub fn take_changes(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        self.each_change(&mut |change| changes.push(change));
        changes
    }

    /// [`Roster::take_changes`], one after the other: the changes of a whole first list are never in memory together.
    pub fn each_change(&mut self, tell: &mut dyn FnMut(Change)) {
        let mut log = Vec::new();
        for id in self.sets.take_pending() {
            let Some(set) = self.sets.get_mut(id) else { continue };
            self.refusals.recheck(&set.key);
            let resolved = Resolved::default();
            let mut reconciler = Reconciler {
                options: &self.options,
                store: &self.store,
                resolved: &resolved,
                shared: &mut self.shared,
                log: &mut log,
                notices: &mut self.notices,
            };
            if !reconciler.reconcile(id, set) {
                self.sets.remove(id);
            }
            log.drain(..).for_each(&mut *tell);
        }
        self.held.publish(&mut self.store, tell);
        self.refusals.publish(&self.sets, &self.watches, &mut log, &mut self.notices);
        self.watches.publish(&mut log);
        log.into_iter().for_each(tell);
        self.store.sweep();
    }

    /// The highest revision of what [`Roster::take_changes`] tells next or told before.
    pub fn revision(&self) -> Option<u64> {
        self.revision
    }

    /// What is worth a log line since this was last called. Some arise when changes are taken.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        self.notices.take()
    }

    /// What whoever looks at the roster looks at.
    pub(super) fn parts(&self) -> Parts<'_> {
        let Roster { options, store, sets, watches, refusals, notices, .. } = self;
        Parts { options, store, sets, watches, refusals, notices }
    }

    /// How much there is, as of the changes taken last.
    pub fn counts(&self) -> Counts {
        count(&self.options.topologies, &self.sets, &self.store, &self.watches, self.notices.counts.clone())
    }

    /// Every set, as of the changes taken last, by namespace and name.
    pub fn sets(&self) -> Vec<SetCounts> {
        count_sets(&self.sets)
    }

    /// An object of a list that is not complete: kept aside where it differs from what is stored.
    fn stage(&mut self, id: WatchId, object: Box<EndpointObject>) {
        let stored = self.store.find(id, &object.key);
        let unchanged = stored.is_some_and(|stored| self.is_unchanged(id, stored, &object));
        let Some(watch) = self.watches.get_mut(id) else { return };
        let current = watch.current_list();
        if let Some(list) = &mut watch.list {
            list.apply(object, unchanged);
        }
        self.mark(stored, current);
    }

    /// An object of a list that is not complete, and that does not parse: what is stored of it is listed so.
    fn stage_broken(&mut self, id: WatchId, object: Box<EndpointObject>) {
        let stored = self.store.find(id, &object.key);
        let Some(watch) = self.watches.get_mut(id) else { return };
        let current = watch.current_list();
        if watch.list.as_mut().is_some_and(|list| list.set_broken(object)) {
            self.mark(stored, current);
        }
    }

    /// An object is gone while a list arrives.
    fn stage_deletion(&mut self, id: WatchId, key: ObjectKey) {
        let stored = self.store.find(id, &key);
        let Some(watch) = self.watches.get_mut(id) else { return };
        let unlisted = watch.earlier_list();
        if let Some(list) = &mut watch.list {
            list.delete(key, stored.is_some());
        }
        self.mark(stored, unlisted);
    }

    /// Notes the last list that named a stored object.
    fn mark(&mut self, stored: Option<Id<Object>>, list: u32) {
        if let Some(object) = stored.and_then(|stored| self.store.objects.get_mut(stored)) {
            object.listed = list;
        }
    }

    /// The list is complete: what it did not name goes, what it changed is applied.
    fn finish_list(&mut self, id: WatchId) {
        let Some(list) = self.watches.synced(id) else { return };
        let Some(watch) = self.watches.get(id) else { return };
        let current = watch.current_list();
        let is_listed = |object: &Id<Object>| {
            self.store.objects.get(*object).is_some_and(|object| object.listed == current)
        };
        let mut gone: Vec<_> = watch.objects.iter().copied().filter(|object| !is_listed(object)).collect();
        gone.sort_unstable();
        let healed: Vec<_> =
            watch.broken.keys().filter(|key| !list.broken.contains_key(*key)).cloned().collect();
        for object in gone {
            self.remove(object);
        }
        for key in healed {
            self.heal(id, &key);
        }
        for object in list.changed.into_values().flatten() {
            self.apply(id, &object);
        }
        for object in list.broken.into_values() {
            self.set_broken(id, &object);
        }
    }

    /// The watch is no more.
    fn end(&mut self, id: WatchId) {
        let Some(watch) = self.watches.get_mut(id) else { return };
        let mut objects: Vec<_> = std::mem::take(&mut watch.objects).into_iter().collect();
        let broken: Vec<_> = watch.broken.keys().cloned().collect();
        objects.sort_unstable();
        for object in objects {
            self.remove(object);
        }
        for key in broken {
            self.heal(id, &key);
        }
        self.watches.end(id);
    }

    /// The object does not parse: what is stored of it stays.
    fn set_broken(&mut self, id: WatchId, object: &EndpointObject) {
        let Some(watch) = self.watches.get_mut(id) else { return };
        let broken = match self.store.find(id, &object.key) {
            Some(_) => Broken::Kept,
            None => read_broken(object, watch.gives, &self.options, &mut self.shared),
        };
        let before = watch.broken.insert(object.key.clone(), broken.clone());
        if before.as_ref() != Some(&broken) {
            let namespace = self.shared.texts.intern(&*object.key.namespace);
            self.refusals.replace(&namespace, before.as_ref(), Some(&broken));
            self.refusals.say(id, object.key.clone());
        }
    }

    /// The object parses again, or is gone.
    fn heal(&mut self, id: WatchId, key: &ObjectKey) {
        let broken = self.watches.get_mut(id).and_then(|watch| watch.broken.remove(key));
        if broken.is_some() {
            let namespace = self.shared.texts.intern(&*key.namespace);
            self.refusals.replace(&namespace, broken.as_ref(), None);
        }
    }

    fn entries(&mut self) -> Entries<'_> {
        Entries {
            store: &mut self.store,
            sets: &mut self.sets,
            texts: &mut self.shared.texts,
            held: &mut self.held,
        }
    }

    fn is_unchanged(&mut self, watch: WatchId, id: Id<Object>, object: &EndpointObject) -> bool {
        let Some(gives) = self.watches.gives(watch) else { return false };
        let (head, incoming) = read(object, gives, &self.options, &mut self.shared);
        let Some(stored) = self.store.objects.get(id) else { return false };
        let entries = stored.entries.iter().map(|entry| self.store.entries.get(*entry));
        let unchanged = stored.head == head
            && stored.entries.len() == incoming.len()
            && entries.zip(&incoming).all(|(entry, new)| {
                entry.is_some_and(|old| {
                    new.equals(old, stored, &self.store) && new.is_placed_as(old, &self.store)
                })
            });
        self.shared.put_back(incoming);
        unchanged
    }

    fn apply(&mut self, watch: WatchId, object: &EndpointObject) {
        let Some(gives) = self.watches.gives(watch) else { return };
        self.heal(watch, &object.key);
        let (head, incoming) = read(object, gives, &self.options, &mut self.shared);
        let id = match self.store.find(watch, &object.key) {
            Some(id) => id,
            None => self.add_object(watch, object),
        };
        let Some(stored) = self.store.objects.get_mut(id) else { return };
        stored.created = object.created.unwrap_or(0);
        let acts_the_same = stored.head.acts_as(&head);
        if acts_the_same {
            let before = std::mem::replace(&mut stored.head, head);
            self.report_problems(id, &before);
            self.entries().replace(id, &incoming);
            self.shared.put_back(incoming);
            return;
        }
        let before = self.withdraw(id);
        self.establish(id, head);
        self.report_problems(id, &before);
        self.entries().replace(id, &incoming);
        self.shared.put_back(incoming);
    }

    fn add_object(&mut self, watch: WatchId, object: &EndpointObject) -> Id<Object> {
        let gives_peers = |watch: &WatchId| self.watches.gives(*watch) == Some(Gives::Peers);
        let others = self.store.other_watches(watch, &object.key).filter(gives_peers);
        if let Some(other) = others.min()
            && gives_peers(&watch)
        {
            let object = ObjectName(object.key.clone());
            let watches = [other, watch].map(|watch| self.watches.name(watch));
            self.notices.push(Notice::Twice { object, watches });
        }
        let origin = self.shared.texts.intern(&*self.watches.name(watch));
        let of_watch = self.watches.get_mut(watch);
        let id = self.store.add_object(Object {
            watch,
            origin,
            namespace: self.shared.texts.intern(&*object.key.namespace),
            name: object.key.name.clone(),
            kind: object.key.kind,
            head: Head::default(),
            claims: Box::default(),
            entries: Vec::new(),
            listed: of_watch.as_ref().map_or(0, |watch| watch.current_list()),
            created: 0,
        });
        if let Some(watch) = of_watch {
            watch.objects.insert(id);
        }
        id
    }

    fn remove(&mut self, id: Id<Object>) {
        self.withdraw(id);
        if let Some(object) = self.store.remove_object(id)
            && let Some(watch) = self.watches.get_mut(object.watch)
        {
            watch.objects.remove(&id);
        }
    }

    /// Takes an object out of all its sets, and its endpoints with it. Returns what it said.
    fn withdraw(&mut self, id: Id<Object>) -> Head {
        let Some(object) = self.store.objects.get_mut(id) else { return Head::default() };
        let entries = std::mem::take(&mut object.entries);
        self.entries().remove(id, entries);
        let Some(object) = self.store.objects.get_mut(id) else { return Head::default() };
        for claim in std::mem::take(&mut object.claims) {
            let topology = self.options.topologies.get(claim.topology as usize);
            if let (Some(set), Some(topology)) = (self.sets.get_mut(claim.set), topology) {
                set.remove(claim.topology, topology, id, object);
            }
            if let Some(pending) = self.sets.touch(claim.set) {
                pending.settings = true;
            }
        }
        std::mem::take(&mut object.head)
    }

    /// Puts a withdrawn object into its sets, without endpoints as yet.
    fn establish(&mut self, id: Id<Object>, head: Head) {
        let Some(object) = self.store.objects.get_mut(id) else { return };
        object.claims = Claim::all(&mut self.sets, &object.namespace, &head.claims);
        object.head = head;
        for claim in &object.claims {
            let topology = self.options.topologies.get(claim.topology as usize);
            if let (Some(set), Some(topology)) = (self.sets.get_mut(claim.set), topology) {
                set.add(claim.topology, topology, id, object);
            }
            if let Some(pending) = self.sets.touch(claim.set) {
                pending.settings = true;
            }
        }
    }

    fn report_problems(&mut self, id: Id<Object>, before: &Head) {
        let Some(object) = self.store.objects.get(id) else { return };
        let head = &object.head;
        for problem in head.problems.iter().filter(|problem| !before.problems.contains(problem)) {
            self.notices.push(Notice::Object { object: object.notice_name(), problem: problem.clone() });
        }
        if head.truncated && !(before.truncated && before.claims == head.claims) {
            for set in object.claims.iter().filter_map(|claim| self.sets.get(claim.set)) {
                self.notices.push(Notice::Truncated { object: object.notice_name(), set: set.key.clone() });
            }
        }
    }
}
