//! Answers from the snapshot that is current when a batch begins, by the settings that are.

use super::dnstap::Dnstap;
use super::query_log::QueryLog;
use super::responder::Responder;
use crate::answer::{self, Client, Context, Outcome, Policy, RateLimiter, Scratch, Told};
use crate::zone::Snapshot;
use arc_swap::{ArcSwap, Guard};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The [`Responder`] of the program.
#[derive(Debug)]
pub struct CurrentSnapshot {
    /// Where the writer puts each new snapshot, and each change of settings.
    pub current: Arc<ArcSwap<Current>>,
}

/// What answers are made from at one moment: records and settings that belong together.
#[derive(Debug)]
pub struct Current {
    /// The records.
    pub snapshot: Arc<Snapshot>,
    /// The settings.
    pub answering: Arc<Answering>,
}

/// The settings of answers.
#[derive(Debug)]
pub struct Answering {
    /// What is answered to whom.
    pub policy: Policy,
    /// What bounds the answers to each network, where that is set; shared by all workers.
    pub limiter: Option<Arc<RateLimiter>>,
    /// Who takes note of queries, where anybody does.
    pub queries: Option<Arc<QueryLog>>,
    /// Who notes queries and answers for a collector, where there is one.
    pub dnstap: Option<Arc<Dnstap>>,
}

/// One snapshot and one time, for one batch: all its answers agree with each other.
#[derive(Debug)]
pub struct Batch {
    current: Guard<Arc<Current>>,
    now: u32,
}

impl Responder for CurrentSnapshot {
    type Scratch = Scratch;
    type Batch<'a> = Batch;

    fn scratch(&self) -> Scratch {
        Scratch::new()
    }

    fn batch(&self) -> Batch {
        Batch { current: self.current.load(), now: unix_time() }
    }

    fn respond(
        batch: &Batch,
        scratch: &mut Scratch,
        query: &[u8],
        client: &Client,
        rotation: u32,
        out: &mut [u8],
    ) -> Outcome {
        let Current { snapshot, answering } = &**batch.current;
        let Answering { policy, limiter, queries, dnstap } = &**answering;
        let context = Context { snapshot, policy, limiter: limiter.as_deref(), now: batch.now };
        let outcome = answer::answer(query, client, rotation, &context, scratch, out);
        if let Some(queries) = queries {
            queries.note(query, client, scratch.told(), outcome, batch.now);
        }
        if let Some(dnstap) = dnstap {
            dnstap.note(query, client, outcome, out, batch.now);
        }
        outcome
    }

    #[inline]
    fn told(scratch: &Scratch) -> Told {
        scratch.told()
    }
}

/// Seconds modulo 2^32, which is how cookies carry them (RFC 9018 4.3); 0 where the clock stands before 1970.
fn unix_time() -> u32 {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    #[expect(clippy::cast_possible_truncation, reason = "the low 32 bits are wanted")]
    let low = seconds as u32;
    low
}
