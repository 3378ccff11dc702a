//! What is served and why, as JSON.
//!
//! Lists that grow with the cluster come in pages: no answer has more than [`LIMIT_MAX`] sets or entries of peers.

use super::answer::{json, refuse, text};
use super::metrics::{namespace, resource, topology_name};
use super::state::State;
use super::world::since;
use crate::config::LogLevel;
use crate::roster::{
    Candidacy, Namespaces, PeersPage, Roster, SetKey, SetView, SrvTarget, Topology, TopologyTotals,
};
use crate::source::kubernetes::{State as WatchState, WatchHealth};
use axum::body::{Body, to_bytes};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{self, Path, Query};
use axum::http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

type Shared = extract::State<Arc<State>>;

/// How many a page has where nobody says.
const LIMIT: usize = 100;

/// The most that a page has.
const LIMIT_MAX: usize = 1000;

/// Octets of the longest word for a level.
const LEVEL_MAX: usize = 16;

/// `/config`
pub(super) async fn config(extract::State(state): Shared) -> Response<Body> {
    text(StatusCode::OK, state.world.settings())
}

#[derive(Serialize)]
struct TopologyJson {
    topology: String,
    name: Option<Box<str>>,
    node_basename: Option<Box<str>>,
    selector: String,
    /// All where there is none.
    namespaces: Option<Vec<Box<str>>>,
    mode: &'static str,
    include: &'static str,
    when_empty: &'static str,
    srv_host: &'static str,
    family: &'static str,
    prefer: &'static str,
    ttl: Option<u32>,
    sets: usize,
    empty_sets: usize,
    objects: usize,
    peers: usize,
    peers_left_out: usize,
}

/// `/api/v1/topologies`
pub(super) async fn topologies(extract::State(state): Shared) -> Response<Body> {
    let look = |roster: &Roster| (roster.topologies().to_vec(), roster.totals().topologies);
    match state.look(look).await {
        Ok((topologies, totals)) => {
            let both = topologies.into_iter().zip(totals).enumerate();
            json(&Listing {
                items: both.map(|(place, (one, totals))| topology(place, one, &totals)).collect(),
                next: None,
            })
        }
        Err(none) => none.response(),
    }
}

fn topology(place: usize, one: Topology, totals: &TopologyTotals) -> TopologyJson {
    TopologyJson {
        topology: topology_name(one.name.as_deref(), place),
        selector: one.selector.to_string(),
        namespaces: match one.namespaces {
            Namespaces::All => None,
            Namespaces::Listed(names) => Some(names),
        },
        name: one.name,
        node_basename: one.node_basename,
        mode: one.mode.as_str(),
        include: one.include.as_str(),
        when_empty: one.when_empty.as_str(),
        srv_host: one.srv_host.as_str(),
        family: one.family.as_str(),
        prefer: one.prefer.as_str(),
        ttl: one.ttl,
        sets: totals.sets,
        empty_sets: totals.empty_sets,
        objects: totals.objects,
        peers: totals.listed,
        peers_left_out: totals.left_out,
    }
}

/// A page.
#[derive(Serialize)]
struct Listing<T> {
    items: Vec<T>,
    /// The path of the next page, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Serialize)]
struct SetJson {
    namespace: Arc<str>,
    set: Arc<str>,
    topology: usize,
    node_basename: Box<str>,
    include: &'static str,
    /// Who is listed, where that is not whom `include` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    listed_instead: Option<&'static str>,
    objects: usize,
    listed: usize,
    ready: usize,
    serving: usize,
    not_ready: usize,
    refused: bool,
}

impl From<SetView> for SetJson {
    fn from(set: SetView) -> SetJson {
        let [ready, serving, not_ready] = set.peers;
        SetJson {
            namespace: set.key.namespace,
            set: set.key.name,
            topology: set.topology + 1,
            node_basename: set.basename,
            include: set.include.as_str(),
            listed_instead: (set.level != set.include).then(|| set.level.as_str()),
            objects: set.objects,
            listed: set.listed,
            ready,
            serving,
            not_ready,
            refused: set.refused,
        }
    }
}

/// What may be asked about sets.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetsQuery {
    namespace: Option<String>,
    limit: Option<usize>,
    /// `<namespace>/<set>`
    after: Option<String>,
}

/// `/api/v1/sets`
pub(super) async fn sets(
    extract::State(state): Shared,
    query: Result<Query<SetsQuery>, QueryRejection>,
) -> Response<Body> {
    let Query(SetsQuery { namespace, limit, after }) = match query {
        Ok(query) => query,
        Err(wrong) => return refuse(StatusCode::BAD_REQUEST, &wrong.body_text()),
    };
    let limit = bounded(limit);
    let after = match after.as_deref().map(|after| after.split_once('/')) {
        None => None,
        Some(Some((namespace, name))) => Some(SetKey { namespace: namespace.into(), name: name.into() }),
        Some(None) => return refuse(StatusCode::BAD_REQUEST, "after: wants <namespace>/<set>"),
    };
    let only = namespace.clone();
    let look = move |roster: &Roster| roster.sets_page(namespace.as_deref(), after.as_ref(), limit);
    match state.look(look).await {
        Ok(page) => {
            let last = page.sets.last().filter(|_| page.more);
            let only = only.map(|only| format!("&namespace={only}")).unwrap_or_default();
            let next = last.map(|last| {
                format!("/api/v1/sets?limit={limit}&after={}/{}{only}", last.key.namespace, last.key.name)
            });
            json(&Listing { items: page.sets.into_iter().map(SetJson::from).collect(), next })
        }
        Err(none) => none.response(),
    }
}

#[derive(Serialize)]
struct PeersJson {
    #[serde(flatten)]
    set: SetJson,
    peers: Vec<PeerJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Serialize)]
struct PeerJson {
    listed: bool,
    verdict: &'static str,
    why: String,
    state: &'static str,
    #[serde(flatten)]
    peer: Option<ListedJson>,
    objects: Vec<EntryJson>,
}

/// As it is listed.
#[derive(Serialize)]
struct ListedJson {
    node_name: Option<Box<str>>,
    address: IpAddr,
    addresses: Box<[IpAddr]>,
    namespace: Arc<str>,
    hostname: Option<Box<str>>,
    target: &'static str,
    ports: Vec<PortJson>,
}

#[derive(Serialize)]
struct PortJson {
    name: Box<str>,
    protocol: &'static str,
    port: u16,
}

#[derive(Serialize)]
struct EntryJson {
    kind: &'static str,
    namespace: Box<str>,
    name: Box<str>,
    watch: Arc<str>,
    addresses: Vec<IpAddr>,
    hostname: Option<Box<str>>,
    state: &'static str,
}

/// What may be asked about a set.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PeersQuery {
    limit: Option<usize>,
    from: Option<usize>,
}

/// `/api/v1/sets/{namespace}/{set}`
pub(super) async fn peers(
    extract::State(state): Shared,
    path: Result<Path<(String, String)>, PathRejection>,
    query: Result<Query<PeersQuery>, QueryRejection>,
) -> Response<Body> {
    let (Path((namespace, name)), Query(PeersQuery { limit, from })) = match (path, query) {
        (Ok(path), Ok(query)) => (path, query),
        (Err(wrong), _) => return refuse(StatusCode::BAD_REQUEST, &wrong.body_text()),
        (_, Err(wrong)) => return refuse(StatusCode::BAD_REQUEST, &wrong.body_text()),
    };
    let limit = bounded(limit);
    let key = SetKey { namespace: namespace.into(), name: name.into() };
    let look = move |roster: &Roster| roster.peers_page(&key, from.unwrap_or(0), limit);
    match state.look(look).await {
        Ok(Some(PeersPage { set, peers, next })) => {
            let next = next.map(|from| {
                format!("/api/v1/sets/{}/{}?limit={limit}&from={from}", set.key.namespace, set.key.name)
            });
            json(&PeersJson { set: set.into(), peers: peers.into_iter().map(PeerJson::from).collect(), next })
        }
        Ok(None) => refuse(StatusCode::NOT_FOUND, "there is no such set; /api/v1/sets has them all"),
        Err(none) => none.response(),
    }
}

impl From<Candidacy> for PeerJson {
    fn from(candidacy: Candidacy) -> PeerJson {
        let Candidacy { verdict, state, peer, entries } = candidacy;
        let entries = entries.into_iter().map(|entry| EntryJson {
            kind: entry.object.kind.as_str(),
            namespace: entry.object.namespace,
            name: entry.object.name,
            watch: entry.watch,
            addresses: entry.addresses,
            hostname: entry.hostname,
            state: state_word(entry.state),
        });
        let peer = peer.map(|peer| ListedJson {
            node_name: peer.node_name.clone(),
            address: peer.primary,
            addresses: peer.addresses.clone(),
            namespace: Arc::clone(&peer.namespace),
            hostname: peer.hostname.clone(),
            target: match peer.target {
                SrvTarget::Pod => "pod",
                SrvTarget::Peer => "peer",
                SrvTarget::Service { .. } => "service",
            },
            ports: peer
                .ports
                .iter()
                .map(|port| PortJson {
                    name: port.name.clone(),
                    protocol: port.protocol.as_str(),
                    port: port.number,
                })
                .collect(),
        });
        PeerJson {
            listed: verdict.is_in(),
            verdict: verdict.as_str(),
            why: verdict.to_string(),
            state: state_word(state),
            peer,
            objects: entries.collect(),
        }
    }
}

/// The narrowest list that somebody is on, as a word for how it is.
fn state_word(state: crate::roster::Include) -> &'static str {
    match state {
        crate::roster::Include::Ready => "ready",
        crate::roster::Include::Serving => "serving",
        crate::roster::Include::All => "not_ready",
    }
}

#[derive(Serialize)]
struct WatchJson {
    resource: &'static str,
    /// Empty: all.
    namespace: String,
    selector: Option<Box<str>>,
    kubectl: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_seconds: Option<f64>,
    synced: bool,
    stale: bool,
    silence_seconds: Option<f64>,
    revision: Option<u64>,
    lists: u64,
    watches: u64,
    events: u64,
    broken_objects: u64,
    failures: std::collections::BTreeMap<&'static str, u64>,
}

/// `/api/v1/watches`
pub(super) async fn watches(extract::State(state): Shared) -> Response<Body> {
    let now = Instant::now();
    let watches = state.world.watches();
    json(&Listing { items: watches.into_iter().map(|one| watch(one, now)).collect(), next: None })
}

fn watch(watch: WatchHealth, now: Instant) -> WatchJson {
    let (state, failure) = match watch.state {
        WatchState::Listing => ("listing", None),
        WatchState::Watching => ("watching", None),
        WatchState::Failing { since, failure } => ("failing", Some((since, failure.to_string()))),
    };
    WatchJson {
        resource: resource(watch.plan.resource),
        namespace: namespace(&watch.plan.scope).to_owned(),
        kubectl: watch.plan.kubectl(),
        selector: watch.plan.selector,
        state,
        failing_seconds: failure
            .as_ref()
            .map(|(since, _)| now.saturating_duration_since(*since).as_secs_f64()),
        failure: failure.map(|(_, failure)| failure),
        synced: watch.synced,
        stale: watch.unreachable,
        silence_seconds: since(watch.last_contact, now).map(|silence| silence.as_secs_f64()),
        revision: watch.revision,
        lists: watch.lists,
        watches: watch.watches,
        events: watch.events,
        broken_objects: watch.broken_objects,
        failures: watch.failures.into_iter().map(|(kind, count)| (kind.as_str(), count)).collect(),
    }
}

#[derive(Serialize)]
struct ZoneJson {
    zone: String,
    serial: u32,
    age_seconds: f64,
    /// `peers` or `file`.
    from: &'static str,
}

/// `/api/v1/zones`
pub(super) async fn zones(extract::State(state): Shared) -> Response<Body> {
    let (ages, now) = (state.ages(), Instant::now());
    let items = state.world.zones().into_iter().map(|zone| ZoneJson {
        age_seconds: ages.of(&zone.apex, now).as_secs_f64(),
        from: if zone.generated { "peers" } else { "file" },
        serial: zone.serial,
        zone: zone.apex,
    });
    json(&Listing { items: items.collect(), next: None })
}

#[derive(Serialize)]
struct BrokenJson {
    kind: &'static str,
    namespace: Box<str>,
    name: Box<str>,
    watch: Box<str>,
    last_good_version_kept: bool,
}

/// What may be asked about objects that do not parse.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BrokenQuery {
    limit: Option<usize>,
}

/// `/api/v1/broken`
pub(super) async fn broken(
    extract::State(state): Shared,
    query: Result<Query<BrokenQuery>, QueryRejection>,
) -> Response<Body> {
    let limit = match query {
        Ok(Query(query)) => bounded(query.limit),
        Err(wrong) => return refuse(StatusCode::BAD_REQUEST, &wrong.body_text()),
    };
    match state.look(move |roster: &Roster| roster.broken_objects(limit)).await {
        Ok(broken) => {
            let items = broken.into_iter().map(|one| BrokenJson {
                kind: one.object.kind.as_str(),
                namespace: one.object.namespace,
                name: one.object.name,
                watch: one.watch,
                last_good_version_kept: one.kept,
            });
            json(&Listing { items: items.collect(), next: None })
        }
        Err(none) => none.response(),
    }
}

/// `/api/v1/log-level`
pub(super) async fn log_level(extract::State(state): Shared) -> Response<Body> {
    text(StatusCode::OK, state.world.log_level() + "\n")
}

/// `PUT /api/v1/log-level`
pub(super) async fn set_log_level(extract::State(state): Shared, body: Body) -> Response<Body> {
    let level = to_bytes(body, LEVEL_MAX).await.ok();
    let level = level.as_ref().and_then(|octets| std::str::from_utf8(octets).ok()).map(str::trim);
    let known = LogLevel::WORDS.iter().find(|(word, _)| Some(*word) == level);
    let Some((word, level)) = known else {
        let words: Vec<&str> = LogLevel::WORDS.iter().map(|(word, _)| *word).collect();
        return refuse(StatusCode::BAD_REQUEST, &format!("wants one of {}", words.join(", ")));
    };
    state.world.set_log_level(*level);
    tracing::info!("what is logged was set to {word}, over HTTP");
    text(StatusCode::OK, state.world.log_level() + "\n")
}

fn bounded(limit: Option<usize>) -> usize {
    limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX)
}
