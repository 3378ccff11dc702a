//! What objects that never parsed keep from being answered.

use super::ordered::OrderedTable;
use super::sharded::{Keyed, ShardedTable, labels};
use crate::roster::SetKey;
use std::sync::Arc;

/// Refused sets, and the namespaces of the objects.
#[derive(Debug, Clone)]
pub(super) struct Refusals {
    sets: ShardedTable<Refused>,
    /// Every namespace of a refused set is among them.
    namespaces: OrderedTable<Box<[u8]>, ()>,
}

/// A refused set.
#[derive(Debug, Clone)]
struct Refused {
    key: SetKey,
    labels: Box<[u8]>,
}

impl Keyed for Refused {
    fn labels(&self) -> &[u8] {
        &self.labels
    }
}

impl Refusals {
    pub(super) fn new() -> Refusals {
        Refusals { sets: ShardedTable::new(), namespaces: OrderedTable::default() }
    }

    /// Whether neither the set nor its absence can be told: `<set>.<namespace>`, each label behind its length octet.
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    pub(super) fn refuses(&self, labels: &[u8]) -> bool {
        // Mostly there are none, which costs less to see than a hash.
        self.any_unparsed() && self.is_refused(labels)
    }

    #[cold]
    fn is_refused(&self, labels: &[u8]) -> bool {
        self.sets.get(labels).is_some()
    }

    /// Whether an address that nobody holds in the namespace may be held by an object that never parsed.
    pub(super) fn is_unparsed(&self, namespace: &[u8]) -> bool {
        self.namespaces.get(namespace).is_some()
    }

    /// Whether that may be so anywhere.
    #[inline]
    pub(super) fn any_unparsed(&self) -> bool {
        !self.namespaces.is_empty()
    }

    /// Whether any set is refused, or any object of any namespace never parsed.
    pub(super) fn any(&self) -> bool {
        self.any_unparsed() || self.sets().next().is_some()
    }

    /// The refused sets, in no particular order.
    pub(super) fn sets(&self) -> impl Iterator<Item = &SetKey> {
        self.sets.iter().map(|set| &set.key)
    }

    /// Sets whether a set is refused. Whether that is new.
    pub(super) fn set_refused(&mut self, set: &SetKey, refused: bool) -> bool {
        let mut differs = false;
        self.sets.update(&set.namespace, &set.name, |slot| {
            differs = slot.is_some() != refused;
            let labels = || labels(&set.namespace, &set.name).into();
            *slot = refused.then(|| Arc::new(Refused { key: set.clone(), labels: labels() }));
        });
        differs
    }

    /// Sets whether objects of the namespace never parsed.
    pub(super) fn set_unparsed(&mut self, namespace: &str, any: bool) {
        self.namespaces.update(&namespace.as_bytes().into(), |slot| *slot = any.then_some(()));
    }
}
