//! Which names can be told, and which may be old: what the roster said about its watches.

use super::ordered::OrderedTable;
use crate::roster::{Standing, Standings};

/// How far names are known.
#[derive(Debug, Clone, Default)]
pub(super) struct Readiness {
    /// By watches over all namespaces.
    pub(super) all: Standings,
    /// By all watches: for names that tell no namespace.
    pub(super) everywhere: Standing,
    /// By watches of single namespaces, where these are not [`Standings::COMPLETE`]: mostly none.
    namespaces: OrderedTable<Box<[u8]>, Standings>,
}

impl Readiness {
    /// How far the sets of the namespace are known.
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    pub(super) fn of_sets(&self, namespace: &[u8]) -> Standing {
        // Seen at once where no watch is over a single namespace: mostly.
        if self.namespaces.is_empty() {
            return self.all.sets;
        }
        let own = self.namespaces.get(namespace);
        own.map_or(self.all.sets, |own| self.all.sets.and(own.sets))
    }

    /// How far the addresses of the namespace are known.
    #[inline]
    pub(super) fn of_addresses(&self, namespace: &[u8]) -> Standing {
        if self.namespaces.is_empty() {
            return self.all.addresses;
        }
        let own = self.namespaces.get(namespace);
        own.map_or(self.all.addresses, |own| self.all.addresses.and(own.addresses))
    }

    /// What watches of the namespace alone have delivered.
    pub(super) fn set(&mut self, namespace: &str, known: Standings) {
        let own = Some(known).filter(|known| *known != Standings::COMPLETE);
        self.namespaces.update(&namespace.as_bytes().into(), |slot| *slot = own);
    }
}
