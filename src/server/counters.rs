//! What the server counts. Every thread that answers has counters of its own; whoever reads them adds them up.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one UDP worker or of all TCP connections. On cache lines of their own: two threads never write one.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Counters {
    queries: AtomicU64,
    replies: AtomicU64,
    drops: AtomicU64,
    errors: AtomicU64,
    refused: AtomicU64,
    displaced: AtomicU64,
    accepted: AtomicU64,
    closed: AtomicU64,
    handshakes_failed: AtomicU64,
    beats: AtomicU64,
}

/// One reading of [`Counters`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages received.
    pub queries: u64,
    /// Answers handed to the kernel.
    pub replies: u64,
    /// Queries that get no answer by design, such as messages that are replies themselves.
    pub drops: u64,
    /// Receives and sends that failed.
    pub errors: u64,
    /// Connections closed at accept because a limit was reached.
    pub refused: u64,
    /// Silent connections ended because new ones needed their places.
    pub displaced: u64,
    /// Connections that were served.
    pub accepted: u64,
    /// Those of them that have ended.
    pub closed: u64,
    /// Handshakes of encrypted connections that failed, took too long, or gave way to others.
    pub handshakes_failed: u64,
}

impl Counters {
    /// Adds what one batch gave. Relaxed: the numbers guard nothing.
    pub(super) fn add(&self, counts: Counts) {
        for (counter, more) in [
            (&self.queries, counts.queries),
            (&self.replies, counts.replies),
            (&self.drops, counts.drops),
            (&self.errors, counts.errors),
            (&self.refused, counts.refused),
            (&self.displaced, counts.displaced),
            (&self.accepted, counts.accepted),
            (&self.closed, counts.closed),
            (&self.handshakes_failed, counts.handshakes_failed),
        ] {
            if more != 0 {
                counter.fetch_add(more, Ordering::Relaxed);
            }
        }
    }

    /// Reads them.
    pub fn read(&self) -> Counts {
        Counts {
            queries: self.queries.load(Ordering::Relaxed),
            replies: self.replies.load(Ordering::Relaxed),
            drops: self.drops.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            displaced: self.displaced.load(Ordering::Relaxed),
            accepted: self.accepted.load(Ordering::Relaxed),
            closed: self.closed.load(Ordering::Relaxed),
            handshakes_failed: self.handshakes_failed.load(Ordering::Relaxed),
        }
    }

    /// Whoever counts here has come round. One thread calls this: the counter is loaded and stored.
    pub(super) fn beat(&self) {
        self.beats.store(self.beats.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// How often that was.
    pub(super) fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.queries += other.queries;
        self.replies += other.replies;
        self.drops += other.drops;
        self.errors += other.errors;
        self.refused += other.refused;
        self.displaced += other.displaced;
        self.accepted += other.accepted;
        self.closed += other.closed;
        self.handshakes_failed += other.handshakes_failed;
    }
}
