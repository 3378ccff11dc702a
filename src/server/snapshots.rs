//! Answers from the snapshot that is current when a batch begins.

use super::responder::Responder;
use crate::answer::{self, Client, Context, Outcome, Policy, RateLimiter, Scratch, Told};
use crate::zone::Snapshot;
use arc_swap::{ArcSwap, Guard};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The [`Responder`] of the program.
#[derive(Debug)]
pub struct CurrentSnapshot {
    /// Where the writer puts each new snapshot.
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    /// The settings of answers.
    pub policy: Policy,
    /// What bounds the answers to each network, where that is set; shared by all workers.
    pub limiter: Option<RateLimiter>,
}

/// One snapshot and one time, for one batch: all its answers agree with each other.
#[derive(Debug)]
pub struct Batch<'a> {
    snapshot: Guard<Arc<Snapshot>>,
    responder: &'a CurrentSnapshot,
    now: u32,
}

impl Responder for CurrentSnapshot {
    type Scratch = Scratch;
    type Batch<'a> = Batch<'a>;

    fn scratch(&self) -> Scratch {
        Scratch::new()
    }

    fn batch(&self) -> Batch<'_> {
        Batch { snapshot: self.snapshot.load(), responder: self, now: unix_time() }
    }

    fn respond(
        batch: &Batch<'_>,
        scratch: &mut Scratch,
        query: &[u8],
        client: &Client,
        rotation: u32,
        out: &mut [u8],
    ) -> Outcome {
        let CurrentSnapshot { policy, limiter, .. } = batch.responder;
        let context =
            Context { snapshot: &batch.snapshot, policy, limiter: limiter.as_ref(), now: batch.now };
        answer::answer(query, client, rotation, &context, scratch, out)
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
