//! Which addresses came to be held, or are held no more, since that was last told.
//!
//! What was told stands at the entries themselves, so that a first list costs a number for each.

use super::Change;
use super::slab::Id;
use super::store::{Entry, Store};
use std::net::IpAddr;
use std::sync::Arc;

/// Entries that came or went.
#[derive(Debug, Default)]
pub(super) struct Held {
    came: Vec<Id<Entry>>,
    /// The namespaces and addresses of entries that went, of which it was told that they are held.
    went: Vec<(Arc<str>, IpAddr)>,
}

impl Held {
    pub(super) fn came(&mut self, entry: Id<Entry>) {
        self.came.push(entry);
    }

    /// `namespace` is that of its pod name.
    pub(super) fn went(&mut self, entry: &Entry, namespace: &Arc<str>) {
        if entry.told {
            self.went
                .extend(entry.addresses.as_slice().iter().map(|address| (Arc::clone(namespace), *address)));
        }
    }

    /// Tells what changed: what came, then what went, by namespace and address.
    pub(super) fn publish(&mut self, store: &mut Store, tell: &mut dyn FnMut(Change)) {
        let mut went = std::mem::take(&mut self.went);
        went.sort_unstable();
        went.dedup();
        let mut came = std::mem::take(&mut self.came);
        let place = |id: &Id<Entry>| {
            store.entries.get(*id).map(|entry| (store.namespace(entry), entry.addresses.as_slice().first()))
        };
        came.sort_unstable_by(|one, other| place(one).cmp(&place(other)));
        // Told of last: those who come to one address stand together, and all but the first need not look who is there.
        let mut last: Option<(Arc<str>, IpAddr)> = None;
        for id in came {
            // It may have gone again, and its number be another's, which is told by now.
            let Some(entry) = store.entries.get(id).filter(|entry| !entry.told) else { continue };
            let Some(namespace) = store.namespace(entry) else { continue };
            for address in entry.addresses.as_slice().iter().copied() {
                let is_last = last.as_ref().is_some_and(|(of, at)| (&**of, *at) == (&**namespace, address));
                if is_last {
                    continue;
                }
                last = Some((Arc::clone(namespace), address));
                let of_one_that_went =
                    went.binary_search_by(|(of, at)| (&**of, at).cmp(&(&**namespace, &address))).is_ok();
                if !of_one_that_went && !store.is_told(namespace, address) {
                    tell(Change::Address { namespace: Arc::clone(namespace), address, held: true });
                }
            }
            if let Some(entry) = store.entries.get_mut(id) {
                entry.told = true;
            }
        }
        for (namespace, address) in went {
            if !store.holds(&namespace, address) {
                tell(Change::Address { namespace, address, held: false });
            }
        }
    }
}
