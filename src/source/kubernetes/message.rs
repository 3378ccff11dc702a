//! What a watch tells the thread that gathers.

use super::report::Report;
use crate::roster::EventKind;
use std::time::SystemTime;
use tokio::time::Instant;

/// One word of one watch.
#[derive(Debug)]
pub(super) struct Message {
    /// The watch, by its place among the plans.
    pub(super) place: u32,
    /// When it was received.
    pub(super) at: Instant,
    pub(super) word: Word,
}

/// What is told.
#[derive(Debug)]
pub(super) enum Word {
    /// An event of the roster, with its revision.
    Event(EventKind, Option<u64>),
    /// The like, caused by one change in the cluster.
    Change {
        kind: EventKind,
        revision: Option<u64>,
        /// When it was triggered, where the object says so.
        triggered: Option<SystemTime>,
        /// When it had been decoded.
        decoded: Instant,
    },
    /// The API server accepted the watch.
    Established,
    /// The watch is known to be current.
    Heard,
    /// Something for people.
    Report(Report),
}
