//! Some of all queries, and at most so many a second.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Which queries are noted, for all workers together.
#[derive(Debug)]
pub(super) struct Sampling {
    one_in: u32,
    per_second: u32,
    asked: AtomicU32,
    /// The second that is counted in, modulo 2^32, and how many it has had.
    second: AtomicU64,
}

impl Sampling {
    /// One in `one_in` queries, and not more than `per_second` in a second; both are at least 1.
    pub(super) fn new(one_in: u32, per_second: u32) -> Sampling {
        Sampling { one_in, per_second, asked: AtomicU32::new(0), second: AtomicU64::new(0) }
    }

    /// Whether the next query is among those to be noted.
    pub(super) fn has_turn(&self) -> bool {
        // Relaxed: the numbers guard nothing.
        self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(self.one_in.max(1))
    }

    /// Whether the second `now`, modulo 2^32, has room for one more, which it then has.
    pub(super) fn has_room(&self, now: u32) -> bool {
        let room = |counted: u64| {
            let (second, count) = (counted >> 32, counted & u64::from(u32::MAX));
            if second != u64::from(now) {
                return Some(u64::from(now) << 32 | 1);
            }
            (count < u64::from(self.per_second)).then_some(counted + 1)
        };
        self.second.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok()
    }
}
