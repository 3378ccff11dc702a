//! Watches: their lists while they arrive, and what waits for them.

use super::slab::Id;
use super::store::Object;
use super::{Change, EndpointObject, ObjectKey, Scope, WatchId};
use foldhash::HashSet;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// A watch.
#[derive(Debug)]
pub(super) struct Watch {
    scope: Scope,
    /// What people call it.
    pub(super) name: Option<Box<str>>,
    /// Whether it has delivered its full list once.
    synced: bool,
    unreachable: bool,
    /// The list that is arriving.
    pub(super) list: Option<List>,
    /// The number of the list that is arriving, or arrived last, modulo 2^32; an object bears that of the last list that
    /// named it.
    lists: u32,
    pub(super) objects: HashSet<Id<Object>>,
}

/// A list that is arriving: what differs from what is stored. Objects that do not differ are marked where they are.
pub(super) type List = BTreeMap<ObjectKey, Box<EndpointObject>>;

impl Watch {
    /// What it says before its first list ends is kept aside, also before that list begins.
    pub(super) fn new(scope: Scope) -> Watch {
        Watch {
            scope,
            name: None,
            synced: false,
            unreachable: false,
            list: Some(List::new()),
            lists: 1,
            objects: HashSet::default(),
        }
    }

    /// A new list; what another one brought so far is forgotten.
    pub(super) fn begin_list(&mut self) {
        self.list = Some(List::new());
        self.lists = self.lists.wrapping_add(1);
    }

    /// The number that objects of the list that is arriving bear, or of the one that arrived last.
    pub(super) fn current_list(&self) -> u32 {
        self.lists
    }

    /// A number that no object of that list bears.
    pub(super) fn earlier_list(&self) -> u32 {
        self.lists.wrapping_sub(1)
    }
}

/// All watches, and what was published of them.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one switch for each thing that is published")]
pub(super) struct Watches {
    by_id: BTreeMap<WatchId, Watch>,
    /// Namespaces that ever had a watch of their own, and whether they were published as ready.
    namespaces: BTreeMap<Arc<str>, bool>,
    ready: bool,
    complete: bool,
    stale: bool,
    /// Whether any of this may have changed since it was last published.
    changed: bool,
}

impl Watches {
    /// What people call a watch; its number where nobody said.
    pub(super) fn name(&self, id: WatchId) -> Box<str> {
        let name = self.by_id.get(&id).and_then(|watch| watch.name.clone());
        name.unwrap_or_else(|| format!("watch {}", id.0).into())
    }

    /// A watch begins; one that is there already only changes its scope.
    pub(super) fn start(&mut self, id: WatchId, scope: Scope) {
        self.changed = true;
        match self.by_id.entry(id) {
            Entry::Occupied(mut known) => known.get_mut().scope = scope,
            Entry::Vacant(new) => drop(new.insert(Watch::new(scope))),
        }
    }

    pub(super) fn get(&self, id: WatchId) -> Option<&Watch> {
        self.by_id.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: WatchId) -> Option<&mut Watch> {
        self.by_id.get_mut(&id)
    }

    /// The watch has delivered its full list. Returns what the list changes.
    pub(super) fn synced(&mut self, id: WatchId) -> Option<List> {
        let watch = self.by_id.get_mut(&id)?;
        self.changed |= !watch.synced;
        watch.synced = true;
        watch.list.take()
    }

    /// The watch has lost its origin, or found it again.
    pub(super) fn set_unreachable(&mut self, id: WatchId, unreachable: bool) {
        let Some(watch) = self.by_id.get_mut(&id) else { return };
        self.changed |= watch.unreachable != unreachable;
        watch.unreachable = unreachable;
    }

    /// The watch is no more.
    pub(super) fn end(&mut self, id: WatchId) {
        self.changed |= self.by_id.remove(&id).is_some();
    }

    /// Publishes what is ready, complete or stale otherwise than was published. Costs nothing where no watch began, ended,
    /// delivered its first list, or lost or found its origin.
    pub(super) fn publish(&mut self, log: &mut Vec<Change>) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let mut ready = !self.by_id.is_empty();
        let mut complete = ready;
        let mut single = BTreeMap::<&str, bool>::new();
        for watch in self.by_id.values() {
            complete &= watch.synced;
            match &watch.scope {
                Scope::All => ready &= watch.synced,
                Scope::Namespace(namespace) => *single.entry(namespace).or_insert(true) &= watch.synced,
            }
        }
        // A namespace without a word of its own is as ready as `Change::All` says. So one that gets its first own watch
        // is named here, as not ready, before anything below can say that all are.
        for namespace in single.keys() {
            if !self.namespaces.contains_key(*namespace) {
                let namespace = Arc::<str>::from(*namespace);
                self.namespaces.insert(Arc::clone(&namespace), false);
                log.push(Change::Namespace { namespace, ready: false });
            }
        }
        for (namespace, published) in &mut self.namespaces {
            // One whose own watches ended waits for those of all namespaces alone.
            let now = ready && single.get(&**namespace).copied().unwrap_or(true);
            if *published != now {
                *published = now;
                log.push(Change::Namespace { namespace: Arc::clone(namespace), ready: now });
            }
        }
        if (self.ready, self.complete) != (ready, complete) {
            (self.ready, self.complete) = (ready, complete);
            log.push(Change::All { ready, complete });
        }
        let stale = self.by_id.values().any(|watch| watch.unreachable);
        if self.stale != stale {
            self.stale = stale;
            log.push(Change::Stale(stale));
        }
    }
}
