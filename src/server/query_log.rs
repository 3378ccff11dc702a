//! Lines about queries, for whoever asked for them: some of all queries, and at most so many a second.
//!
//! A worker never waits for a line: one that finds no room, or comes above the rate, is counted and left out. What a line
//! looks like is for its reader.

use super::sampling::Sampling;
use crate::answer::{Client, Outcome, Told};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Lines that wait for their reader.
const QUEUE: usize = 1024;

/// Octets of a query that a line has: header, the longest name, type and class (RFC 1035 2.3.4, 4.1.2).
const QUERY_MAX: usize = 12 + 255 + 4;

/// Takes note of queries.
#[derive(Debug)]
pub struct QueryLog {
    sampling: Sampling,
    lines: SyncSender<QueryLine>,
    counts: Arc<QueryLogCounts>,
}

/// How many lines there were.
#[derive(Debug, Default)]
pub struct QueryLogCounts {
    /// Lines that were handed over.
    pub logged: AtomicU64,
    /// Lines that were not: above the rate, or no room.
    pub left_out: AtomicU64,
}

/// A query and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryLine {
    /// Who asked.
    pub client: Client,
    /// The query up to its question, or what there is of that.
    pub query: Box<[u8]>,
    /// What was answered.
    pub told: Told,
    /// Octets of the answer; none where there was none.
    pub size: Option<usize>,
}

impl QueryLog {
    /// Notes one in `one_in` queries, and not more than `per_second` in a second; both are at least 1.
    pub fn new(one_in: u32, per_second: u32, counts: Arc<QueryLogCounts>) -> (QueryLog, Receiver<QueryLine>) {
        let (lines, receiver) = sync_channel(QUEUE);
        (QueryLog { sampling: Sampling::new(one_in, per_second), lines, counts }, receiver)
    }

    /// A query was answered at `now`, in seconds modulo 2^32.
    // Apart, so that who has no such log pays for one comparison.
    #[inline(never)]
    pub(super) fn note(&self, query: &[u8], client: &Client, told: Told, outcome: Outcome, now: u32) {
        if !self.sampling.has_turn() {
            return;
        }
        let sent = self.sampling.has_room(now) && {
            let query = query.get(..QUERY_MAX).unwrap_or(query).into();
            let size = match outcome {
                Outcome::Reply(size) => Some(size),
                Outcome::Drop | Outcome::Transfer => None,
            };
            self.lines.try_send(QueryLine { client: *client, query, told, size }).is_ok()
        };
        let count = if sent { &self.counts.logged } else { &self.counts.left_out };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Transport;

    const CLIENT: Client = Client {
        transport: Transport::Udp,
        address: std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)),
    };

    fn note(log: &QueryLog, times: u32, now: u32) {
        for _ in 0..times {
            log.note(&[7; 300], &CLIENT, Told::default(), Outcome::Reply(99), now);
        }
    }

    fn counted(counts: &QueryLogCounts) -> [u64; 2] {
        [&counts.logged, &counts.left_out].map(|count| count.load(Ordering::Relaxed))
    }

    #[test]
    fn some_of_the_queries_have_a_line() {
        let counts = Arc::default();
        let (log, lines) = QueryLog::new(10, 1_000, Arc::clone(&counts));
        note(&log, 95, 7);
        let lines: Vec<QueryLine> = lines.try_iter().collect();
        assert_eq!(lines.len(), 10);
        let line =
            QueryLine { client: CLIENT, query: [7; 271].into(), told: Told::default(), size: Some(99) };
        assert!(lines.iter().all(|one| *one == line));
        assert_eq!(counted(&counts), [10, 0]);
    }

    #[test]
    fn not_more_than_so_many_a_second_and_never_more_than_there_is_room_for() {
        let counts = Arc::default();
        let (log, lines) = QueryLog::new(1, 3, Arc::clone(&counts));
        note(&log, 5, 7);
        note(&log, 2, 8);
        // The clock may be set back.
        note(&log, 9, 7);
        assert_eq!((lines.try_iter().count(), counted(&counts)), (8, [8, 8]));

        let counts = Arc::default();
        let (log, lines) = QueryLog::new(1, u32::MAX, Arc::clone(&counts));
        note(&log, 2_000, 7);
        assert_eq!(counted(&counts), [QUEUE as u64, 2_000 - QUEUE as u64]);
        drop(lines);
        note(&log, 1, 7);
        assert_eq!(counted(&counts)[1], 2_001 - QUEUE as u64);
    }
}
