//! How each watch fares, for readers on other threads: metrics, readiness, whoever looks.

use super::WatchPlan;
use super::failure::{Failure, FailureKind};
use super::revision::Revision;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// How all watches fare. Cheap to clone; clones show the same watches.
#[derive(Debug, Clone)]
pub struct Health {
    watches: Arc<[Mutex<WatchHealth>]>,
}

/// How one watch fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchHealth {
    /// What is watched.
    pub plan: WatchPlan,
    /// What it is doing.
    pub state: State,
    /// Whether its full list has been delivered once: whoever receives the batches has had it.
    pub synced: bool,
    /// What stands for the list until then, as it was saved: when that was current, Unix time in seconds.
    pub saved: Option<u64>,
    /// When what it delivered was last known to be current: a watch was accepted or ended as it should, an event or a
    /// bookmark came, a list was complete. A list under way is no such word, however long it takes.
    pub last_contact: Option<Instant>,
    /// Whether that is so long ago that the data counts as stale.
    pub unreachable: bool,
    /// Up to which revision it is complete, where that is a number.
    pub revision: Option<u64>,
    /// Lists begun, those that were given up included.
    pub lists: u64,
    /// Watches that the API server accepted.
    pub watches: u64,
    /// Objects that were reported as changed or gone; those of lists are not counted.
    pub events: u64,
    /// Failures, by kind.
    pub failures: BTreeMap<FailureKind, u64>,
    /// Objects that did not parse, in lists and in events, each time they were met.
    pub broken_objects: u64,
    /// Objects whose name could not be read, likewise.
    pub nameless_objects: u64,
    /// Events of a type that this version does not know.
    pub unknown_events: u64,
}

/// What a watch is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is reading the full list.
    Listing,
    /// It is up to date, as far as the API server says.
    Watching,
    /// It is trying again. It counts as failing until a watch has held for some seconds.
    Failing {
        /// Since when.
        since: Instant,
        /// The last failure.
        failure: Failure,
    },
}

impl Health {
    /// Watches that have not begun.
    pub fn new(plans: &[WatchPlan]) -> Health {
        let watches = plans.iter().map(|plan| {
            Mutex::new(WatchHealth {
                plan: plan.clone(),
                state: State::Listing,
                synced: false,
                saved: None,
                last_contact: None,
                unreachable: false,
                revision: None,
                lists: 0,
                watches: 0,
                events: 0,
                failures: BTreeMap::new(),
                broken_objects: 0,
                nameless_objects: 0,
                unknown_events: 0,
            })
        });
        Health { watches: watches.collect() }
    }

    /// What was saved stands for the first list of a watch, in the order of the plans. It was current at `since`, Unix time
    /// in seconds, and counts as stale.
    pub fn serves_saved(&self, place: usize, since: u64) {
        self.of(place).note(|watch| (watch.saved, watch.unreachable) = (Some(since), true));
    }

    /// How each watch fares now, in the order of the plans.
    pub fn watches(&self) -> Vec<WatchHealth> {
        self.watches.iter().map(|watch| lock(watch).clone()).collect()
    }

    /// The place where a watch notes how it fares.
    pub(super) fn of(&self, place: usize) -> Pulse {
        Pulse { health: self.clone(), place }
    }
}

/// One watch's place in a [`Health`].
#[derive(Debug, Clone)]
pub(super) struct Pulse {
    health: Health,
    place: usize,
}

impl Pulse {
    /// Changes what is shown. Does nothing for a watch that the health was not made for.
    pub(super) fn note(&self, change: impl FnOnce(&mut WatchHealth)) {
        if let Some(watch) = self.health.watches.get(self.place) {
            change(&mut lock(watch));
        }
    }

    /// What is done, unless it fails for now.
    pub(super) fn does(&self, state: State) {
        self.note(|watch| {
            if !matches!(watch.state, State::Failing { .. }) {
                watch.state = state;
            }
        });
    }

    /// A failure; `since` when it has been failing, where it is more than a failure now and then.
    pub(super) fn failed(&self, failure: &Failure, since: Option<Instant>) {
        self.note(|watch| {
            *watch.failures.entry(failure.kind()).or_default() += 1;
            if let Some(since) = since {
                watch.state = State::Failing { since, failure: failure.clone() };
            }
        });
    }

    /// Up to where the watch is complete.
    pub(super) fn reached(&self, revision: &Revision) {
        let number = revision.number();
        self.note(|watch| watch.revision = number);
    }
}

/// A reader that panicked has left nothing half-done.
fn lock(watch: &Mutex<WatchHealth>) -> MutexGuard<'_, WatchHealth> {
    watch.lock().unwrap_or_else(PoisonError::into_inner)
}
