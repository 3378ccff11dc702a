//! Memory of all TCP connections together: what a few large messages may take, and many must not.
//!
//! [`TcpLimits`](super::TcpLimits) bounds what one connection holds, which times the number of connections is far more than a
//! container may have. What a connection needs beyond what an idle one keeps is taken from one pool; where that is
//! empty, the connection that wants more is closed, and whoever asks small questions and reads the answers does not
//! notice.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Octets of the pool: 256 messages of 64 KiB waiting in both directions at once.
const POOL: usize = 32 << 20;

/// What is left.
#[derive(Debug)]
pub(super) struct Pool {
    free: AtomicUsize,
}

/// What one holder has taken, given back when dropped.
#[derive(Debug)]
pub(super) struct Held<'a> {
    pool: &'a Pool,
    octets: usize,
}

impl Default for Pool {
    fn default() -> Pool {
        Pool { free: AtomicUsize::new(POOL) }
    }
}

impl Pool {
    /// A holder of nothing.
    pub(super) fn hold(&self) -> Held<'_> {
        Held { pool: self, octets: 0 }
    }
}

impl Held<'_> {
    /// Takes or gives back, so that it holds `octets`; whether there were enough. Otherwise it holds what it held.
    #[must_use]
    pub(super) fn resize(&mut self, octets: usize) -> bool {
        // Relaxed: the number guards nothing but itself.
        if let Some(less) = self.octets.checked_sub(octets) {
            if less > 0 {
                self.pool.free.fetch_add(less, Ordering::Relaxed);
            }
        } else {
            let more = octets.saturating_sub(self.octets);
            let taken = self
                .pool
                .free
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| free.checked_sub(more));
            if taken.is_err() {
                return false;
            }
        }
        self.octets = octets;
        true
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.pool.free.fetch_add(self.octets, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_never_more_than_the_pool_and_comes_back() {
        let pool = Pool::default();
        let mut large = pool.hold();
        assert!(large.resize(POOL - 10));
        let mut small = pool.hold();
        assert!(small.resize(4) && small.resize(10));
        assert!(!small.resize(11) && !large.resize(POOL), "there is no more");
        assert!(small.resize(10) && large.resize(POOL - 10), "a refusal changes nothing");
        assert!(large.resize(POOL - 11) && small.resize(11));
        drop(large);
        assert!(small.resize(POOL));
        drop(small);
        assert_eq!(pool.free.load(Ordering::Relaxed), POOL);
    }
}
