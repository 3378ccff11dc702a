//! Answers from the snapshot that is current when a batch begins, by the settings that are.

use super::dnstap::Dnstap;
use super::query_log::QueryLog;
use super::responder::Responder;
use super::transfer::{Told as ToldTransfer, Transfer, TransferCounts};
use crate::answer::{
    self, Client, Context, Notified, Outcome, Policy, RateLimiter, Scratch, Told, TransferError,
    TransferRequest,
};
use crate::zone::{Journal, JournalLimits, Snapshot};
use arc_swap::{ArcSwap, Guard};
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The [`Responder`] of the program.
#[derive(Debug)]
pub struct CurrentSnapshot {
    /// Where the writer puts each new snapshot, and each change of settings.
    pub current: Arc<ArcSwap<Current>>,
    /// What changed between the serials that were transferred.
    pub journal: Arc<Mutex<Journal>>,
    /// What became of transfers.
    pub transfers: Arc<TransferCounts>,
}

/// What answers are made from at one moment: records and settings that belong together.
#[derive(Debug)]
pub struct Current {
    /// The records.
    pub snapshot: Arc<Snapshot>,
    /// The settings.
    pub answering: Arc<Answering>,
}

/// The settings of answers. The default is what holds where nothing is set, and nothing can be fetched.
#[derive(Debug, Default)]
pub struct Answering {
    /// What is answered to whom.
    pub policy: Policy,
    /// What bounds the answers to each network, where that is set; shared by all workers.
    pub limiter: Option<Arc<RateLimiter>>,
    /// Who takes note of queries, where anybody does.
    pub queries: Option<Arc<QueryLog>>,
    /// Who notes queries and answers for a collector, where there is one.
    pub dnstap: Option<Arc<Dnstap>>,
    /// How much is kept of what changed.
    pub journal: JournalLimits,
    /// Who is told of changes.
    pub notified: NotifiedList,
}

/// Who is told of changes, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NotifiedList {
    /// Them all.
    pub secondaries: Vec<Notified>,
    /// How long after one message about a zone the next one is sent at the earliest.
    pub interval: Duration,
}

/// One snapshot and one time, for one batch: all its answers agree with each other.
#[derive(Debug)]
pub struct Batch {
    current: Guard<Arc<Current>>,
    now: u32,
}

/// What is in a batch.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    context: Context<'a>,
    queries: Option<&'a QueryLog>,
    dnstap: Option<&'a Dnstap>,
}

impl Responder for CurrentSnapshot {
    type Scratch = Scratch;
    type Batch<'a> = Batch;
    type View<'a> = View<'a>;

    fn scratch(&self) -> Scratch {
        Scratch::new()
    }

    fn batch(&self) -> Batch {
        Batch { current: self.current.load(), now: unix_time() }
    }

    fn view(batch: &Batch) -> View<'_> {
        let Current { snapshot, answering } = &**batch.current;
        let Answering { policy, limiter, queries, dnstap, .. } = &**answering;
        let context = Context { snapshot, policy, limiter: limiter.as_deref(), now: batch.now };
        View { context, queries: queries.as_deref(), dnstap: dnstap.as_deref() }
    }

    #[inline]
    fn respond(
        view: &View<'_>,
        scratch: &mut Scratch,
        query: &[u8],
        client: &Client,
        rotation: u32,
        out: &mut [u8],
    ) -> Outcome {
        let outcome = answer::answer(query, client, rotation, &view.context, scratch, out);
        if let Some(queries) = view.queries {
            queries.note(query, client, scratch.told(), outcome, view.context.now);
        }
        if let Some(dnstap) = view.dnstap {
            dnstap.note(query, client, outcome, out, view.context.now);
        }
        outcome
    }

    fn transfer(&self, scratch: &mut Scratch) -> Option<Transfer> {
        let request = scratch.take_transfer()?;
        let (current, journal) = (Arc::clone(&self.current), Arc::clone(&self.journal));
        let counts = Arc::clone(&self.transfers);
        Some(Transfer::new(move |send| {
            // Whoever has waited for its turn has held nothing until then.
            let current = current.load_full();
            let Current { snapshot, answering } = &*current;
            let told = transfer(&request, snapshot, &journal, answering.journal, send);
            let count = match (&told.outcome, told.since) {
                (Err(_), _) => &counts.broken_off,
                (Ok(()), None) => &counts.whole,
                (Ok(()), Some(since)) if since == told.serial => &counts.nothing_new,
                (Ok(()), Some(_)) => &counts.changes,
            };
            count.fetch_add(1, Ordering::Relaxed);
            told
        }))
    }

    #[inline]
    fn told(scratch: &Scratch) -> Told {
        scratch.told()
    }
}

/// Brings the journal up to what is current, so that it keeps no snapshot that nothing else does: of zones that nobody
/// has fetched for a while, and of those that are no more.
pub fn keep_journal(journal: &Mutex<Journal>, current: &ArcSwap<Current>) {
    let current = current.load_full();
    let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
    journal.keep_up(&current.snapshot, current.answering.journal);
}

/// Makes the messages that answer a request for a zone.
fn transfer(
    request: &TransferRequest,
    snapshot: &Arc<Snapshot>,
    journal: &Mutex<Journal>,
    limits: JournalLimits,
    send: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
) -> ToldTransfer {
    let apex = request.apex();
    let mut told =
        ToldTransfer { zone: apex.to_string(), serial: 0, since: None, outcome: Err(TransferError::Stopped) };
    let Ok(zone) = snapshot.transferable(apex) else { return told };
    let mut steps = None;
    {
        // Whoever held it before did not leave it between two steps.
        let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.give(snapshot, &zone, limits);
        if let Some(since) = request.since() {
            steps = journal.since(&zone, since);
        }
    }
    told.since = request.since().filter(|_| steps.is_some());
    told.serial = steps.as_ref().and_then(|steps| steps.last()).map_or(zone.serial(), |last| last.to);
    let mut now = || unix_time().into();
    told.outcome = answer::each_message(request, &zone, steps.as_deref(), &mut now, send);
    told
}

/// Seconds modulo 2^32, which is how cookies carry them (RFC 9018 4.3); 0 where the clock stands before 1970.
fn unix_time() -> u32 {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    #[expect(clippy::cast_possible_truncation, reason = "the low 32 bits are wanted")]
    let low = seconds as u32;
    low
}
