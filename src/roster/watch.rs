//! Watches: what they have delivered, and what waits for them.

use super::broken::Broken;
use super::list::List;
use super::slab::Id;
use super::store::Object;
use super::{Change, Gives, ObjectKey, Scope, Standing, Standings, WatchId};
use foldhash::HashSet;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// A watch.
#[derive(Debug)]
pub(super) struct Watch {
    scope: Scope,
    pub(super) gives: Gives,
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
    /// Its objects that do not parse as they are now.
    pub(super) broken: BTreeMap<ObjectKey, Broken>,
}

impl Watch {
    /// What it says before its first list ends is kept aside, also before that list begins.
    pub(super) fn new(scope: Scope, gives: Gives) -> Watch {
        Watch {
            scope,
            gives,
            name: None,
            synced: false,
            unreachable: false,
            list: Some(List::default()),
            lists: 1,
            objects: HashSet::default(),
            broken: BTreeMap::new(),
        }
    }

    /// A new list; what another one brought so far is forgotten.
    pub(super) fn begin_list(&mut self) {
        self.list = Some(List::default());
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

    /// How far names are known to which it alone contributes.
    fn standing(&self) -> Standing {
        Standing { ready: self.synced, stale: self.synced && self.unreachable }
    }
}

/// All watches, and what was published of them.
#[derive(Debug, Default)]
pub(super) struct Watches {
    by_id: BTreeMap<WatchId, Watch>,
    published: Published,
    /// Whether any of this may have changed since it was last published.
    changed: bool,
}

/// How far names are known.
#[derive(Debug, Default)]
struct Published {
    /// By the watches over one namespace, where that is not [`Standings::COMPLETE`].
    namespaces: BTreeMap<Box<str>, Standings>,
    /// By the watches over all namespaces.
    all: Standings,
    /// By all watches.
    everywhere: Standing,
}

impl Watches {
    /// What people call a watch; its number where nobody said.
    pub(super) fn name(&self, id: WatchId) -> Box<str> {
        let name = self.by_id.get(&id).and_then(|watch| watch.name.clone());
        name.unwrap_or_else(|| format!("watch {}", id.0).into())
    }

    /// A watch begins; one that is there already only changes its scope.
    pub(super) fn start(&mut self, id: WatchId, scope: Scope, gives: Gives) {
        self.changed = true;
        match self.by_id.entry(id) {
            Entry::Occupied(mut known) => known.get_mut().scope = scope,
            Entry::Vacant(new) => drop(new.insert(Watch::new(scope, gives))),
        }
    }

    pub(super) fn get(&self, id: WatchId) -> Option<&Watch> {
        self.by_id.get(&id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Watch> {
        self.by_id.values()
    }

    /// Each watch with what people call it.
    pub(super) fn iter_named(&self) -> impl Iterator<Item = (Box<str>, &Watch)> {
        self.by_id.iter().map(|(id, watch)| (self.name(*id), watch))
    }

    /// What the objects of a watch are for.
    pub(super) fn gives(&self, id: WatchId) -> Option<Gives> {
        self.get(id).map(|watch| watch.gives)
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

    /// The watch is no more. What it had has been removed before.
    pub(super) fn end(&mut self, id: WatchId) {
        self.changed |= self.by_id.remove(&id).is_some();
    }

    /// Publishes what is known otherwise than was published. Costs nothing where no watch began, ended, delivered its
    /// first list, or lost or found its origin.
    pub(super) fn publish(&mut self, log: &mut Vec<Change>) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let now = self.known();
        let before = std::mem::replace(&mut self.published, now);
        let now = &self.published;
        // Namespaces first: one that gets its first own watch waits for it, before anything below can say that all are
        // known.
        let unlisted = before.namespaces.keys().filter(|namespace| !now.namespaces.contains_key(*namespace));
        let unlisted = unlisted.map(|namespace| (namespace, Standings::COMPLETE));
        let changed =
            now.namespaces.iter().filter(|(name, known)| before.namespaces.get(*name) != Some(*known));
        for (namespace, known) in unlisted.chain(changed.map(|(namespace, known)| (namespace, *known))) {
            log.push(Change::Namespace { namespace: (**namespace).into(), known });
        }
        if (before.all, before.everywhere) != (now.all, now.everywhere) {
            log.push(Change::All { known: now.all, everywhere: now.everywhere });
        }
    }

    fn known(&self) -> Published {
        let start = Standing { ready: self.iter().any(|watch| watch.gives == Gives::Peers), stale: false };
        let mut all = Standings { sets: start, addresses: start };
        let mut everywhere = start;
        let mut namespaces = BTreeMap::<Box<str>, Standings>::new();
        for watch in self.iter() {
            let standing = watch.standing();
            everywhere = everywhere.and(standing);
            let here = match &watch.scope {
                Scope::All => &mut all,
                Scope::Namespace(name) => namespaces.entry(name.clone()).or_insert(Standings::COMPLETE),
            };
            here.addresses = here.addresses.and(standing);
            if watch.gives == Gives::Peers {
                here.sets = here.sets.and(standing);
            }
        }
        namespaces.retain(|_, known| *known != Standings::COMPLETE);
        Published { namespaces, all, everywhere }
    }
}
