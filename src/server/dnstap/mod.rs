//! Queries and answers for a collector of dnstap (dnstap.info), over a Unix socket.
//!
//! Some of all queries, and at most so many a second. A worker never waits: what comes above the rate or finds no room is
//! counted and left out, and so is what comes while no collector listens. The two crates that speak dnstap are not used:
//! `dnstap` panics where a collector hangs up or is slow and does not do the handshake that collectors wait for,
//! `dnstap-utils` is a set of programs. What is said of a query is a dozen fields in a frame.

mod frames;
mod message;
mod writer;

pub(crate) use message::{Identity, Messages};
pub(crate) use writer::write;

use super::sampling::Sampling;
use crate::answer::{Client, Outcome};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Queries that wait for the collector.
const QUEUE: usize = 4096;

/// Octets that wait for the collector, of queries and answers: a queue of the largest answers would be 500 MB.
const QUEUE_OCTETS: usize = 4 << 20;

/// Takes note of queries and answers.
#[derive(Debug)]
pub struct Dnstap {
    sampling: Sampling,
    messages: Messages,
    seen: SyncSender<Seen>,
    counts: Arc<DnstapCounts>,
}

/// What became of what was noted.
#[derive(Debug, Default)]
pub struct DnstapCounts {
    /// Queries whose messages the collector was sent.
    pub sent: AtomicU64,
    /// Queries that were left out: above the rate, or no room.
    pub left_out: AtomicU64,
    /// Queries that were noted while no collector listened, or lost with its connection.
    pub lost: AtomicU64,
    /// Collectors that listen. Two for a moment when settings change: the former one is told that it ends.
    pub connected: AtomicUsize,
    /// Octets that wait.
    waiting: AtomicUsize,
}

/// A query and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    client: Client,
    /// Since 1970, when it was answered.
    at: Duration,
    query: Box<[u8]>,
    /// None where there was none, or answers are not wanted.
    response: Option<Box<[u8]>>,
}

impl Seen {
    fn octets(&self) -> usize {
        self.query.len() + self.response.as_deref().map_or(0, <[u8]>::len)
    }
}

impl Dnstap {
    /// Notes one in `one_in` queries, and not more than `per_second` in a second; both are at least 1.
    pub(crate) fn new(
        one_in: u32,
        per_second: u32,
        messages: Messages,
        counts: Arc<DnstapCounts>,
    ) -> (Dnstap, Receiver<Seen>) {
        let (seen, receiver) = sync_channel(QUEUE);
        (Dnstap { sampling: Sampling::new(one_in, per_second), messages, seen, counts }, receiver)
    }

    /// A query was answered at `now`, in seconds modulo 2^32; its answer stands at the beginning of `out`. Kept out of the
    /// way of workers that have nobody to tell.
    #[cold]
    pub(super) fn note(&self, query: &[u8], client: &Client, outcome: Outcome, out: &[u8], now: u32) {
        if !self.sampling.has_turn() {
            return;
        }
        if !(self.sampling.has_room(now) && self.send(query, client, outcome, out)) {
            self.counts.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn send(&self, query: &[u8], client: &Client, outcome: Outcome, out: &[u8]) -> bool {
        let response = match outcome {
            Outcome::Reply(size) if self.messages.responses => out.get(..size),
            _ => None,
        };
        let octets = query.len() + response.map_or(0, <[u8]>::len);
        // Relaxed: workers that read it at once go over by a message each.
        if self.counts.waiting.load(Ordering::Relaxed).saturating_add(octets) > QUEUE_OCTETS {
            return false;
        }
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seen = Seen { client: *client, at, query: query.into(), response: response.map(Into::into) };
        // Before it is sent: its reader takes it off again.
        self.counts.waiting.fetch_add(octets, Ordering::Relaxed);
        let sent = self.seen.try_send(seen).is_ok();
        if !sent {
            self.counts.waiting.fetch_sub(octets, Ordering::Relaxed);
        }
        sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Transport;
    use std::net::{IpAddr, Ipv4Addr};

    const CLIENT: Client = Client { transport: Transport::Tcp, address: IpAddr::V4(Ipv4Addr::LOCALHOST) };
    const BOTH: Messages = Messages { queries: true, responses: true };

    fn counted(counts: &DnstapCounts) -> [u64; 2] {
        [counts.left_out.load(Ordering::Relaxed), counts.waiting.load(Ordering::Relaxed) as u64]
    }

    #[test]
    fn what_is_noted_has_the_query_and_the_answer_that_is_wanted() {
        let out = [9; 50];
        for (messages, outcome, response) in [
            (BOTH, Outcome::Reply(20), Some(&out[..20])),
            (BOTH, Outcome::Drop, None),
            (Messages { responses: false, ..BOTH }, Outcome::Reply(20), None),
        ] {
            let (tap, seen) = Dnstap::new(2, 10, messages, Arc::default());
            for number in 0..4 {
                tap.note(&[number; 30], &CLIENT, outcome, &out, 7);
            }
            let seen: Vec<Seen> = seen.try_iter().collect();
            assert_eq!(seen.iter().map(|one| one.query[0]).collect::<Vec<_>>(), [0, 2], "{messages:?}");
            assert!(seen.iter().all(|one| one.response.as_deref() == response && one.client == CLIENT));
        }
    }

    #[test]
    fn neither_more_than_the_rate_nor_more_messages_or_octets_than_there_is_room_for() {
        let counts = Arc::default();
        let (tap, seen) = Dnstap::new(1, 3, BOTH, Arc::clone(&counts));
        for second in [7, 7, 7, 7, 8] {
            tap.note(&[1; 30], &CLIENT, Outcome::Drop, &[], second);
        }
        assert_eq!((seen.try_iter().count(), counted(&counts)), (4, [1, 120]));

        let counts = Arc::default();
        let (tap, seen) = Dnstap::new(1, u32::MAX, BOTH, Arc::clone(&counts));
        for _ in 0..QUEUE + 5 {
            tap.note(&[1; 30], &CLIENT, Outcome::Drop, &[], 7);
        }
        assert_eq!(counted(&counts), [5, 30 * QUEUE as u64]);
        drop(seen);

        let counts = Arc::default();
        let (tap, _seen) = Dnstap::new(1, u32::MAX, BOTH, Arc::clone(&counts));
        let largest = vec![1; 65_535];
        for _ in 0..70 {
            tap.note(&largest, &CLIENT, Outcome::Reply(65_535), &largest, 7);
        }
        let [left_out, waiting] = counted(&counts);
        assert_eq!((left_out, waiting), (70 - 32, 32 * 2 * 65_535));
    }
}
