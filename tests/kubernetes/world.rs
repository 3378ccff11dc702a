//! The watches under test, with a roster behind them.

use crate::fake::{Api, Asked};
use rosterd::roster::{
    Change, Event, EventKind, Gives, ObjectKind, Options as RosterOptions, Roster, Scope, SetKey, Standing,
};
use rosterd::source::kubernetes::{
    Arrival, Batch, FailureKind, Health, Options, Report, WatchHealth, WatchPlan, run,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::sleep;

pub(crate) const STALE_AFTER: Duration = Duration::from_secs(120);

/// What the roster serves: the addresses of each set.
pub(crate) type Served = BTreeMap<String, BTreeSet<String>>;

/// Watches that run, and what came of them.
pub(crate) struct World {
    pub(crate) api: Api,
    pub(crate) health: Health,
    seen: Arc<Mutex<Seen>>,
    running: JoinHandle<()>,
}

/// What came of the watches.
struct Seen {
    roster: Roster,
    served: Served,
    /// Every state that was visible, in order, without repetitions.
    states: Vec<Served>,
    /// By namespace; that of the watches over all namespaces under the empty name.
    known: BTreeMap<String, Standing>,
    refused: BTreeSet<String>,
    batches: Vec<Vec<Event>>,
    arrivals: Vec<Arrival>,
    reports: Vec<Report>,
    stop: bool,
}

/// EndpointSlices of all namespaces.
pub(crate) fn slices() -> WatchPlan {
    plan(ObjectKind::EndpointSlice, None)
}

/// Objects of one namespace, or of all.
pub(crate) fn plan(resource: ObjectKind, namespace: Option<&str>) -> WatchPlan {
    let scope = namespace.map_or(Scope::All, |namespace| Scope::Namespace(namespace.into()));
    WatchPlan { resource, scope, selector: None, gives: Gives::Peers }
}

/// Options with nothing special.
pub(crate) fn options() -> Options {
    Options { page_size: 500, streaming_lists: false, stale_after: STALE_AFTER }
}

impl World {
    /// One watch over all EndpointSlices.
    pub(crate) fn start() -> World {
        World::with(vec![slices()], options())
    }

    pub(crate) fn with(plans: Vec<WatchPlan>, options: Options) -> World {
        let (client, api) = Api::new();
        let health = Health::new(&plans);
        let seen = Arc::new(Mutex::new(Seen::new()));
        let receiver = Arc::clone(&seen);
        let watched =
            run(client, plans, options, health.clone(), move |batch| receiver.lock().unwrap().take(batch));
        World { api, health, seen, running: tokio::spawn(watched) }
    }

    /// One watch that has this list, and the watch that follows it.
    pub(crate) async fn synced(revision: &str, objects: &[String]) -> (World, Asked) {
        let mut world = World::start();
        world.api.list().await.complete(revision, objects).await;
        let watch = world.api.watch(revision).await;
        (world, watch)
    }

    /// Lets everything happen that can happen now.
    pub(crate) async fn idle(&self) {
        sleep(Duration::from_millis(1)).await;
        assert!(!self.running.is_finished(), "the watches have ended");
    }

    /// Breaks when it receives the next batch.
    pub(crate) fn stop_with_next_batch(&self) {
        self.seen.lock().unwrap().stop = true;
    }

    /// Waits until the watches have ended.
    pub(crate) async fn ended(&mut self) {
        (&mut self.running).await.unwrap();
    }

    /// The addresses of `web` in the namespace `default`; none where it does not exist.
    pub(crate) async fn served(&self) -> Vec<String> {
        self.served_in("default").await
    }

    pub(crate) async fn served_in(&self, namespace: &str) -> Vec<String> {
        self.idle().await;
        let seen = self.seen.lock().unwrap();
        seen.served.get(&format!("web.{namespace}")).into_iter().flatten().cloned().collect()
    }

    /// Every state that was visible.
    pub(crate) fn states(&self) -> Vec<Served> {
        self.seen.lock().unwrap().states.clone()
    }

    /// Whether every watch of a namespace has delivered its full list.
    pub(crate) async fn is_ready(&self, namespace: &str) -> bool {
        self.standing(namespace).await.ready
    }

    /// Whether what is served is marked as stale.
    pub(crate) async fn is_stale(&self) -> bool {
        self.standing("default").await.stale
    }

    async fn standing(&self, namespace: &str) -> Standing {
        self.idle().await;
        let seen = self.seen.lock().unwrap();
        let of = |name| seen.known.get(name).copied();
        of("").unwrap_or_default().and(of(namespace).unwrap_or(Standing::COMPLETE))
    }

    /// The sets that are refused, as an object that never parsed may belong to them.
    pub(crate) async fn refused(&self) -> BTreeSet<String> {
        self.idle().await;
        self.seen.lock().unwrap().refused.clone()
    }

    /// All events so far.
    pub(crate) async fn events(&self) -> Vec<Event> {
        self.idle().await;
        self.seen.lock().unwrap().batches.concat()
    }

    /// The events so far, batch by batch.
    pub(crate) async fn batches(&self) -> Vec<Vec<Event>> {
        self.idle().await;
        self.seen.lock().unwrap().batches.clone()
    }

    /// How many events so far satisfy a condition.
    pub(crate) async fn count(&self, is: impl Fn(&EventKind) -> bool) -> usize {
        self.events().await.iter().filter(|event| is(&event.kind)).count()
    }

    pub(crate) async fn arrivals(&self) -> Vec<Arrival> {
        self.idle().await;
        self.seen.lock().unwrap().arrivals.clone()
    }

    /// What was told since this was last asked.
    pub(crate) async fn reports(&self) -> Vec<Report> {
        self.idle().await;
        std::mem::take(&mut self.seen.lock().unwrap().reports)
    }

    /// The same as text.
    pub(crate) async fn lines(&self) -> Vec<String> {
        self.reports().await.iter().map(ToString::to_string).collect()
    }

    /// How the first watch fares.
    pub(crate) async fn pulse(&self) -> WatchHealth {
        self.idle().await;
        self.health.watches().remove(0)
    }

    /// How often the first watch has failed in a way.
    pub(crate) async fn failures(&self, kind: FailureKind) -> u64 {
        self.pulse().await.failures.get(&kind).copied().unwrap_or(0)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Seen {
    fn new() -> Seen {
        let options = RosterOptions {
            cluster_domain: "cluster.local".into(),
            zone: "peers.cluster.local".into(),
            label_settings: true,
            topologies: Vec::new(),
        };
        Seen {
            roster: Roster::new(options),
            served: Served::new(),
            states: Vec::new(),
            known: BTreeMap::new(),
            refused: BTreeSet::new(),
            batches: Vec::new(),
            arrivals: Vec::new(),
            reports: Vec::new(),
            stop: false,
        }
    }

    fn take(&mut self, batch: Batch) -> ControlFlow<()> {
        let Batch { events, arrivals, reports } = batch;
        assert!(!events.is_empty() || !reports.is_empty(), "an empty batch");
        for event in &events {
            self.roster.handle(event.clone());
        }
        for change in self.roster.take_changes() {
            self.apply(change);
        }
        if self.states.last() != Some(&self.served) {
            self.states.push(self.served.clone());
        }
        self.batches.push(events);
        self.arrivals.extend(arrivals);
        self.reports.extend(reports);
        if self.stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn apply(&mut self, change: Change) {
        let name = |set: &SetKey| format!("{}.{}", set.name, set.namespace);
        match change {
            Change::Set(set, _) => drop(self.served.entry(name(&set)).or_default()),
            Change::SetGone(set) => drop(self.served.remove(&name(&set))),
            Change::Peer { set, old, new } => {
                let addresses = self.served.entry(name(&set)).or_default();
                for address in old.iter().flat_map(|peer| peer.addresses()) {
                    addresses.remove(&address.to_string());
                }
                addresses.extend(new.iter().flat_map(|peer| peer.addresses()).map(ToString::to_string));
            }
            Change::Namespace { namespace, known } => {
                self.known.insert(namespace.to_string(), known.sets);
            }
            Change::All { known, .. } => drop(self.known.insert(String::new(), known.sets)),
            Change::Refused { set, refused: true } => drop(self.refused.insert(name(&set))),
            Change::Refused { set, refused: false } => drop(self.refused.remove(&name(&set))),
            Change::Address { .. } | Change::Unparsed { .. } => {}
        }
    }
}
