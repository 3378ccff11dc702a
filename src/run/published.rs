//! The snapshot in use with the settings of its answers, and those that may still be read.

use crate::server::{Answering, Current};
use crate::zone::Snapshot;
use arc_swap::ArcSwap;
use std::sync::Arc;

/// Swaps snapshots and frees old ones on the thread that owns this: giving back the memory of a large one takes
/// milliseconds, which no query should wait for.
#[derive(Debug)]
pub(super) struct Published {
    current: Arc<ArcSwap<Current>>,
    /// Still held by this, so that whoever reads one never is the last to let go of it.
    retired: Vec<Arc<Current>>,
}

impl Published {
    pub(super) fn new(first: Arc<Snapshot>, answering: Answering) -> Published {
        let first = Current { snapshot: first, answering: Arc::new(answering) };
        Published { current: Arc::new(ArcSwap::from_pointee(first)), retired: Vec::new() }
    }

    /// Where readers find what is current.
    pub(super) fn current(&self) -> Arc<ArcSwap<Current>> {
        Arc::clone(&self.current)
    }

    /// Makes `next` the current snapshot. Frees nothing: what is put is seen at once.
    pub(super) fn put(&mut self, next: Arc<Snapshot>) {
        let answering = Arc::clone(&self.current.load().answering);
        self.put_both(next, answering);
    }

    /// Makes these the settings of answers.
    pub(super) fn answer_by(&mut self, answering: Arc<Answering>) {
        let snapshot = Arc::clone(&self.current.load().snapshot);
        self.put_both(snapshot, answering);
    }

    /// Makes both current, together.
    pub(super) fn put_both(&mut self, snapshot: Arc<Snapshot>, answering: Arc<Answering>) {
        self.retired.push(self.current.swap(Arc::new(Current { snapshot, answering })));
    }

    /// Frees what nobody reads any more. Returns whether that was everything.
    pub(super) fn free(&mut self) -> bool {
        // A retired snapshot gets no new readers: once this count is 1, it stays 1.
        self.retired.retain(|current| Arc::strong_count(current) > 1);
        self.retired.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::{PodNames, SnapshotWriter, ZoneConfig};

    fn snapshot() -> Arc<Snapshot> {
        let config = ZoneConfig {
            zone: "peers.cluster.local".parse().unwrap(),
            cluster_domain: "cluster.local".parse().unwrap(),
            pods: PodNames::Verified,
            reverse_zones: Vec::new(),
            advertise: Vec::new(),
            nameserver: None,
            hostmaster: None,
            ttl: None,
            negative_ttl: 5,
        };
        SnapshotWriter::new(config).unwrap().current()
    }

    fn answering() -> Answering {
        Answering::default()
    }

    #[test]
    fn settings_change_alone_or_with_the_snapshot() {
        let mut published = Published::new(snapshot(), answering());
        let current = published.current();
        let (first, other) = (current.load_full(), Arc::new(answering()));
        published.answer_by(Arc::clone(&other));
        assert!(Arc::ptr_eq(&current.load().snapshot, &first.snapshot));
        assert!(Arc::ptr_eq(&current.load().answering, &other));
        published.put(snapshot());
        assert!(!Arc::ptr_eq(&current.load().snapshot, &first.snapshot));
        assert!(Arc::ptr_eq(&current.load().answering, &other));
    }

    #[test]
    fn a_snapshot_lives_as_long_as_it_is_read() {
        let first = snapshot();
        let watch = Arc::downgrade(&first);
        let mut published = Published::new(first, answering());
        let current = published.current();
        let reading = current.load();
        published.put(snapshot());
        assert!(!published.free());
        assert!(watch.upgrade().is_some(), "still read");
        drop(reading);
        assert!(watch.upgrade().is_some(), "a reader does not free it");
        assert!(published.free());
        assert!(watch.upgrade().is_none());
    }
}
