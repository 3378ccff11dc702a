//! All that there is to know about the server at a glance: what `/api/v1/status`, the page and `rosterd status` show.

use super::json::{TopologyJson, WatchJson, Word, ZoneJson, topology, watch};
use super::process;
use super::rates::RatesJson;
use super::state::State;
use super::world::Phase;
use crate::roster::{Roster, TotalsPass};
use serde::{Deserialize, Serialize};
use std::time::{Instant, SystemTime};

/// Zones that are shown; `/api/v1/zones` has all.
const ZONES_MAX: usize = 256;

/// The server at one moment.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct StatusJson {
    pub(crate) version: String,
    /// What the host is called: in Kubernetes, the pod.
    pub(crate) host: String,
    /// `starting`, `serving` or `ending`.
    pub(crate) phase: Word,
    pub(crate) ready: bool,
    /// Why it is not, or what is missing all the same.
    pub(crate) why: Vec<String>,
    pub(crate) uptime_seconds: f64,
    pub(crate) memory_octets: Option<u64>,
    pub(crate) panics: u64,
    pub(crate) snapshots: u64,
    pub(crate) snapshot_age_seconds: Option<f64>,
    /// RRsets too large for one message.
    pub(crate) oversize: u64,
    /// None as long as nothing is known.
    pub(crate) peers: Option<CountsJson>,
    pub(crate) topologies: Vec<TopologyJson>,
    /// Of the Kubernetes API; none with manifests.
    pub(crate) watches: Vec<WatchJson>,
    pub(crate) zones: Vec<ZoneJson>,
    /// How many zones there are, where these are not all.
    pub(crate) zones_total: usize,
    pub(crate) rates: RatesJson,
}

/// How much there is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CountsJson {
    pub(crate) sets: usize,
    pub(crate) empty_sets: usize,
    pub(crate) peers: usize,
    pub(crate) peers_left_out: usize,
    pub(crate) objects: usize,
    pub(crate) objects_broken: usize,
    pub(crate) revision: Option<u64>,
}

impl StatusJson {
    /// Looks at everything.
    pub(super) async fn of(state: &State) -> StatusJson {
        let mut pass = TotalsPass::default();
        let look =
            move |roster: &Roster| pass.go_on(roster).map(|totals| (roster.topologies().to_vec(), totals));
        // Where nobody may be asked yet, or the answer is late, the rest is told all the same.
        let looked = state.look(look).await.ok();
        let world = &state.world;
        let readiness = world.readiness();
        let (snapshots, last) = world.publications();
        let age = last.map(|last| SystemTime::now().duration_since(last).unwrap_or_default());
        let (now, ages, all) = (Instant::now(), state.ages(), world.zones());
        let zones = all.iter().take(ZONES_MAX).map(|zone| ZoneJson::of(zone, ages.of(&zone.apex, now)));
        let mut status = StatusJson {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: process::host(),
            phase: match world.phase() {
                Phase::Starting => "starting".into(),
                Phase::Serving => "serving".into(),
                Phase::Ending => "ending".into(),
            },
            ready: readiness.ready,
            why: readiness.why,
            uptime_seconds: state.started.elapsed().as_secs_f64(),
            memory_octets: process::resident(),
            panics: world.panics(),
            snapshots,
            snapshot_age_seconds: age.map(|age| age.as_secs_f64()),
            oversize: world.oversize(),
            watches: world.watches().into_iter().map(|one| watch(one, now)).collect(),
            zones: zones.collect(),
            zones_total: all.len(),
            rates: state.rates().json(),
            peers: None,
            topologies: Vec::new(),
        };
        if let Some((topologies, totals)) = looked {
            let both = topologies.into_iter().zip(totals.topologies).enumerate();
            status.topologies = both.map(|(place, (one, totals))| topology(place, one, &totals)).collect();
            let sum = |count: fn(&TopologyJson) -> usize| status.topologies.iter().map(count).sum();
            status.peers = Some(CountsJson {
                sets: sum(|one| one.sets),
                empty_sets: sum(|one| one.empty_sets),
                peers: sum(|one| one.peers),
                peers_left_out: sum(|one| one.peers_left_out),
                objects: totals.objects,
                objects_broken: totals.broken,
                revision: totals.revision,
            });
        }
        status
    }
}
