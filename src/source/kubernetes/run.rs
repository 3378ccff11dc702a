//! All watches on one thread, gathered into batches.

use super::WatchPlan;
use super::health::Health;
use super::message::{Message, Word};
use super::reflector::Reflector;
use super::report::Report;
use super::resource::title;
use super::staleness::Staleness;
use crate::roster::{Event, EventKind, WatchId};
use std::ops::ControlFlow;
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc::channel;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// How many words wait for the thread that gathers them: watches that bring more wait in turn, and with them, by way of
/// TCP, the API server.
const QUEUE: usize = 256;

/// The shortest `stale_after`, as with the setting: watches are renewed more often than that, and every few seconds is
/// enough.
const STALE_AFTER_MIN: Duration = Duration::from_secs(10);

/// How the API is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How many objects a page of a list has, at least 1.
    pub page_size: u32,
    /// Whether lists are asked for as streams. Where the API server does not stream, pages are read all the same.
    pub streaming_lists: bool,
    /// How long after the last word of the API server what is served counts as stale. Less than 10 s is 10 s.
    pub stale_after: Duration,
}

/// What has come since the last batch: to be applied whole before anything of it is shown.
#[derive(Debug, Default)]
pub struct Batch {
    /// What the roster is told, in order.
    pub events: Vec<Event>,
    /// One for each `Apply` and `Delete` outside lists, in order.
    pub arrivals: Vec<Arrival>,
    /// What a person is told.
    pub reports: Vec<Report>,
}

/// When a change arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When its last octet was received.
    pub at: std::time::Instant,
    /// When it had been decoded.
    pub decoded: std::time::Instant,
    /// When it was triggered, by the cluster's clock: `endpoints.kubernetes.io/last-change-trigger-time`.
    pub triggered: Option<SystemTime>,
}

/// Runs watches until `on_batch` breaks; without watches, returns at once. The watches' ids are the plans' places; the
/// first batch starts and names them. A watch counts as synchronised in `health` when `on_batch` has returned from
/// the batch with its first `Synced`. What `health` says to be served as it was saved is out of reach until then.
///
/// Needs a runtime with time and whatever the client needs. What is queued when `on_batch` returns is the next
/// batch, however little it is.
pub async fn run(
    client: kube::Client,
    plans: Vec<WatchPlan>,
    options: Options,
    health: Health,
    mut on_batch: impl FnMut(Batch) -> ControlFlow<()>,
) {
    let options = Options { stale_after: options.stale_after.max(STALE_AFTER_MIN), ..options };
    let mut gathering = Gathering::new(&plans, options.stale_after, health.clone());
    let (output, mut input) = channel(QUEUE);
    let mut watches = JoinSet::new();
    for (place, plan) in (0..).zip(plans) {
        gathering.start(place, &plan);
        let pulse = health.of(place as usize);
        let reflector = Reflector::new(place, plan, client.clone(), options, output.clone(), pulse);
        watches.spawn(reflector.run());
    }
    drop((output, client));

    let mut queue = Vec::with_capacity(QUEUE);
    while !watches.is_empty() {
        if gathering.hand_over(&mut on_batch).is_break() {
            return;
        }
        let deadline = gathering.staleness.deadline();
        tokio::select! {
            _ = input.recv_many(&mut queue, QUEUE) => {}
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {}
            // A watch never ends of itself. Its panic is this thread's.
            Some(Err(error)) = watches.join_next() => {
                if let Ok(panic) = error.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
        }
        for message in queue.drain(..) {
            gathering.take(message);
        }
        gathering.expire(Instant::now());
    }
}

/// A batch while it is being gathered.
struct Gathering {
    batch: Batch,
    staleness: Staleness,
    health: Health,
    /// The watches whose lists the batch completes.
    synced: Vec<usize>,
}

impl Gathering {
    fn new(plans: &[WatchPlan], stale_after: Duration, health: Health) -> Gathering {
        let mut staleness = Staleness::new(plans.len(), stale_after);
        for (place, _) in health.watches().iter().enumerate().filter(|(_, watch)| watch.saved.is_some()) {
            staleness.serves_saved(place);
        }
        Gathering { batch: Batch::default(), staleness, health, synced: Vec::new() }
    }

    fn start(&mut self, place: u32, plan: &WatchPlan) {
        self.event(place, EventKind::Started(plan.scope.clone(), plan.gives), None);
        self.event(place, EventKind::Named(title(plan)), None);
    }

    fn take(&mut self, message: Message) {
        let Message { place, at, word } = message;
        match word {
            Word::Event(kind, revision) => {
                let synced = kind == EventKind::Synced;
                self.event(place, kind, revision);
                if synced {
                    self.synced.push(place as usize);
                    let change = self.staleness.synced(place as usize, at);
                    self.heard(place, at, change);
                }
            }
            Word::Change { kind, revision, triggered, decoded } => {
                self.event(place, kind, revision);
                let (at, decoded) = (at.into_std(), decoded.into_std());
                self.batch.arrivals.push(Arrival { at, decoded, triggered });
            }
            Word::Established => {
                let change = self.staleness.established(place as usize, at);
                self.heard(place, at, change);
            }
            Word::Heard => {
                self.staleness.heard(place as usize, at);
                self.heard(place, at, None);
            }
            Word::Report(report) => self.batch.reports.push(report),
        }
    }

    fn heard(&mut self, place: u32, at: Instant, change: Option<EventKind>) {
        let reachable = change.is_some();
        self.health.of(place as usize).note(|watch| {
            watch.last_contact = Some(at.into_std());
            watch.unreachable &= !reachable;
        });
        if let Some(kind) = change {
            self.event(place, kind, None);
        }
    }

    fn expire(&mut self, now: Instant) {
        for place in self.staleness.expire(now) {
            self.health.of(place).note(|watch| watch.unreachable = true);
            if let Ok(place) = u32::try_from(place) {
                self.event(place, EventKind::Unreachable, None);
            }
        }
    }

    fn event(&mut self, place: u32, kind: EventKind, revision: Option<u64>) {
        self.batch.events.push(Event { watch: WatchId(place), revision, kind });
    }

    /// Hands over what was gathered, if it is anything.
    fn hand_over(&mut self, on_batch: &mut impl FnMut(Batch) -> ControlFlow<()>) -> ControlFlow<()> {
        let batch = std::mem::take(&mut self.batch);
        if batch.events.is_empty() && batch.reports.is_empty() {
            return ControlFlow::Continue(());
        }
        let flow = on_batch(batch);
        for place in self.synced.drain(..) {
            self.health.of(place).note(|watch| (watch.synced, watch.saved) = (true, None));
        }
        flow
    }
}
