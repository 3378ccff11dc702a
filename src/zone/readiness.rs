//! Which names may be denied: those whose watches have all delivered their full list.

use std::collections::BTreeSet;
use std::sync::Arc;

/// What the roster said about its watches.
#[derive(Debug, Clone, Default)]
pub(super) struct Readiness {
    /// Watches over all namespaces are synchronised.
    pub(super) all: bool,
    /// All watches are.
    pub(super) complete: bool,
    /// Namespaces with a watch of their own that is not.
    waiting: Arc<BTreeSet<Box<[u8]>>>,
}

impl Readiness {
    /// Whether everything that can stand in the namespace is known.
    pub(super) fn of(&self, namespace: &[u8]) -> bool {
        self.all && !self.waiting.contains(namespace)
    }

    pub(super) fn set(&mut self, namespace: &str, ready: bool) {
        let waiting = Arc::make_mut(&mut self.waiting);
        if ready {
            waiting.remove(namespace.as_bytes());
        } else {
            waiting.insert(namespace.as_bytes().into());
        }
    }
}
