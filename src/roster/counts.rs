//! How much there is: what was scoped, so that "it watches the wrong namespace" is seen at once.

use super::Topology;
use super::notice::NoticeKind;
use super::set::Sets;
use super::store::Store;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How much a roster holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// By namespace and the topology's place in file order; only where there is a set.
    pub scoped: BTreeMap<(Arc<str>, usize), Scoped>,
    /// The names of topologies, in file order; `None` for those without.
    pub topologies: Vec<Option<Box<str>>>,
    /// Objects, by namespace, that contribute to no set.
    pub idle: BTreeMap<Arc<str>, usize>,
    /// All objects of all watches.
    pub objects: usize,
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

/// Counts everything.
pub(super) fn count(
    topologies: &[Topology],
    sets: &Sets,
    store: &Store,
    notices: BTreeMap<NoticeKind, u64>,
) -> Counts {
    let mut counts = Counts {
        topologies: topologies.iter().map(|topology| topology.name.clone()).collect(),
        notices,
        ..Counts::default()
    };
    for set in sets.iter() {
        let Some(owner) = set.owner() else { continue };
        let place = (Arc::clone(&set.key.namespace), owner as usize);
        let scoped = counts.scoped.entry(place).or_default();
        scoped.objects += set.contribution().map_or(0, |found| found.objects().len());
        scoped.sets += 1;
        scoped.peers += set.members.iter().filter(|(_, member)| member.peer.is_some()).count();
    }
    for object in store.objects.iter() {
        counts.objects += 1;
        let contributes = object
            .claims
            .iter()
            .any(|claim| sets.get(claim.set).is_some_and(|set| set.owner() == Some(claim.topology)));
        if !contributes {
            *counts.idle.entry(Arc::clone(&object.namespace)).or_default() += 1;
        }
    }
    counts
}
