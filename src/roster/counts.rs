//! How much there is: what was scoped, so that "it watches the wrong namespace" is seen at once.

use super::notice::NoticeKind;
use super::set::Sets;
use super::store::Store;
use super::watch::Watches;
use super::{Gives, SetKey, Topology};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How much a roster holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// By namespace and the topology's place in file order; only where there is a set.
    pub scoped: BTreeMap<(Arc<str>, usize), Scoped>,
    /// The names of topologies, in file order; `None` for those without.
    pub topologies: Vec<Option<Box<str>>>,
    /// Objects, by namespace, that contribute to no set, of watches that give peers.
    pub idle: BTreeMap<Arc<str>, usize>,
    /// All objects of all watches.
    pub objects: usize,
    /// Objects that do not parse as they are now, whether they once did or not.
    pub broken: usize,
    /// Notices by kind, since the roster began.
    pub notices: BTreeMap<NoticeKind, u64>,
}

/// How much one topology yields in one namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scoped {
    /// Objects that contribute.
    pub objects: usize,
    /// Sets.
    pub sets: usize,
    /// Listed peers.
    pub peers: usize,
}

/// One set, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetCounts {
    /// The set.
    pub key: SetKey,
    /// The place, in file order, of the topology that owns it.
    pub topology: usize,
    /// Listed peers.
    pub peers: usize,
}

/// Every set, by namespace and name.
pub(super) fn count_sets(sets: &Sets) -> Vec<SetCounts> {
    let mut counts: Vec<SetCounts> = sets
        .iter()
        .filter_map(|set| {
            Some(SetCounts { key: set.key.clone(), topology: set.owner()? as usize, peers: set.listed() })
        })
        .collect();
    counts.sort_unstable_by(|one, other| one.key.cmp(&other.key));
    counts
}

/// Counts everything.
pub(super) fn count(
    topologies: &[Topology],
    sets: &Sets,
    store: &Store,
    watches: &Watches,
    notices: BTreeMap<NoticeKind, u64>,
) -> Counts {
    let mut counts = Counts {
        topologies: topologies.iter().map(|topology| topology.name.clone()).collect(),
        broken: watches.iter().map(|watch| watch.broken.len()).sum(),
        notices,
        ..Counts::default()
    };
    for set in sets.iter() {
        let Some(owner) = set.owner() else { continue };
        let place = (Arc::clone(&set.key.namespace), owner as usize);
        let scoped = counts.scoped.entry(place).or_default();
        scoped.objects += set.contribution().map_or(0, |found| found.objects().len());
        scoped.sets += 1;
        scoped.peers += set.listed();
    }
    for object in store.objects.iter() {
        counts.objects += 1;
        let contributes = object
            .claims
            .iter()
            .any(|claim| sets.get(claim.set).is_some_and(|set| set.owner() == Some(claim.topology)));
        if !contributes && watches.gives(object.watch) == Some(Gives::Peers) {
            *counts.idle.entry(Arc::clone(&object.namespace)).or_default() += 1;
        }
    }
    counts
}
