//! Answers from the snapshot that is current when a batch begins.

use super::responder::Responder;
use crate::answer::{self, Client, Outcome, Policy, Scratch};
use crate::zone::Snapshot;
use arc_swap::{ArcSwap, Guard};
use std::sync::Arc;

/// The [`Responder`] of the program.
#[derive(Debug)]
pub struct CurrentSnapshot {
    /// Where the writer puts each new snapshot.
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    /// The settings of answers.
    pub policy: Policy,
}

/// One snapshot, for one batch: all its answers agree with each other.
#[derive(Debug)]
pub struct Batch<'a> {
    snapshot: Guard<Arc<Snapshot>>,
    policy: &'a Policy,
}

impl Responder for CurrentSnapshot {
    type Scratch = Scratch;
    type Batch<'a> = Batch<'a>;

    fn scratch(&self) -> Scratch {
        Scratch::new()
    }

    fn batch(&self) -> Batch<'_> {
        Batch { snapshot: self.snapshot.load(), policy: &self.policy }
    }

    fn respond(
        batch: &Batch<'_>,
        scratch: &mut Scratch,
        query: &[u8],
        client: &Client,
        rotation: u32,
        out: &mut [u8],
    ) -> Outcome {
        answer::answer(query, client, rotation, batch.policy, &batch.snapshot, scratch, out)
    }
}
