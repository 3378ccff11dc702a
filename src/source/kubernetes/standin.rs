//! Stand-in for the reflector until it is here.

use super::WatchPlan;
use crate::roster::Event;
use std::fmt;
use std::ops::ControlFlow;
use std::time::{Duration, Instant, SystemTime};

#[derive(Debug, Clone)]
pub struct Options {
    pub page_size: u32,
    pub streaming_lists: bool,
    pub stale_after: Duration,
}

#[derive(Debug, Default)]
pub struct Batch {
    pub events: Vec<Event>,
    pub arrivals: Vec<Arrival>,
    pub reports: Vec<Report>,
}

#[derive(Debug, Clone)]
pub struct Arrival {
    pub at: Instant,
    pub triggered: Option<SystemTime>,
}

#[derive(Debug)]
pub enum Report {}

impl Report {
    pub fn is_warning(&self) -> bool {
        match *self {}
    }
}

impl fmt::Display for Report {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

#[derive(Debug, Clone)]
pub struct Health {
    watches: Vec<WatchHealth>,
}

#[derive(Debug, Clone)]
pub struct WatchHealth {
    pub plan: WatchPlan,
    pub state: State,
    pub synced: bool,
    pub last_contact: Option<Instant>,
    pub watches: u64,
    pub failures: std::collections::BTreeMap<u8, u64>,
}

#[derive(Debug, Clone)]
pub enum State {
    Listing,
    Watching,
    Failing { since: Instant, failure: Failure },
}

#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

pub(super) fn title(plan: &WatchPlan) -> Box<str> {
    match &plan.scope {
        crate::roster::Scope::All => format!("{:?} in all namespaces", plan.resource).into(),
        crate::roster::Scope::Namespace(name) => format!("{:?} in namespace {name}", plan.resource).into(),
    }
}

impl Health {
    pub fn new(plans: &[WatchPlan]) -> Health {
        let watch = |plan: &WatchPlan| WatchHealth {
            plan: plan.clone(),
            state: State::Listing,
            synced: false,
            last_contact: None,
            watches: 0,
            failures: Default::default(),
        };
        Health { watches: plans.iter().map(watch).collect() }
    }

    pub fn watches(&self) -> Vec<WatchHealth> {
        self.watches.clone()
    }
}

pub async fn run(
    _client: kube::Client,
    _plans: Vec<WatchPlan>,
    _options: Options,
    _health: Health,
    mut on_batch: impl FnMut(Batch) -> ControlFlow<()>,
) {
    if on_batch(Batch::default()).is_continue() {
        std::future::pending::<()>().await;
    }
}
