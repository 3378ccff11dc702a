//! The snapshot in use, and those that may still be read.

use crate::zone::Snapshot;
use arc_swap::ArcSwap;
use std::sync::Arc;

/// Swaps snapshots and frees old ones on the thread that owns this: giving back the memory of a large one takes
/// milliseconds, which no query should wait for.
#[derive(Debug)]
pub(super) struct Published {
    current: Arc<ArcSwap<Snapshot>>,
    /// Still held by this, so that whoever reads one never is the last to let go of it.
    retired: Vec<Arc<Snapshot>>,
}

impl Published {
    pub(super) fn new(first: Arc<Snapshot>) -> Published {
        Published { current: Arc::new(ArcSwap::new(first)), retired: Vec::new() }
    }

    /// Where readers find the current snapshot.
    pub(super) fn current(&self) -> Arc<ArcSwap<Snapshot>> {
        Arc::clone(&self.current)
    }

    /// Makes `next` the current snapshot. Frees nothing: what is put is seen at once.
    pub(super) fn put(&mut self, next: Arc<Snapshot>) {
        self.retired.push(self.current.swap(next));
    }

    /// Frees what nobody reads any more. Returns whether that was everything.
    pub(super) fn free(&mut self) -> bool {
        // A retired snapshot gets no new readers: once this count is 1, it stays 1.
        self.retired.retain(|snapshot| Arc::strong_count(snapshot) > 1);
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

    #[test]
    fn a_snapshot_lives_as_long_as_it_is_read() {
        let first = snapshot();
        let watch = Arc::downgrade(&first);
        let mut published = Published::new(first);
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
