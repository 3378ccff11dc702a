//! What is served and why, as JSON.
//!
//! Lists that grow with the cluster come in pages: no answer has more than [`LIMIT_MAX`] sets or entries of peers.

use super::answer::{fault_of, json, refuse, refuse_json, text};
use super::explanation::{Explanation, NoExplanation};
use super::json::{BrokenJson, Listing, PeerJson, PeersJson, SetJson, ZoneJson, topology, watch};
use super::state::{NoAnswer, State};
use super::url;
use super::world::LookUpError;
use crate::config::LogLevel;
use crate::roster::{PeersPage, Roster, SetKey, SetView, SetsPass, TotalsPass, Wanted};
use axum::body::{Body, to_bytes};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{self, Path, Query};
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Instant;

type Shared = extract::State<Arc<State>>;

/// How many a page has where nobody says.
const LIMIT: usize = 100;

/// The most that a page has.
const LIMIT_MAX: usize = 1000;

/// Octets of the longest word for a level.
const LEVEL_MAX: usize = 16;

/// What paths take, for whoever asked for something else.
const SETS_TAKE: &str = "this takes namespace, text, troubled and digest (true or false), limit (1 to 1000) and after \
                         (<namespace>/<set>), each once";
const PEERS_TAKE: &str =
    "this is /api/v1/sets/<namespace>/<set>, and takes limit (1 to 1000) and from (a number), each once";
const EXPLAIN_TAKES: &str =
    "this takes name (a name, an address, or <namespace>/<set>) and type (such as SRV), each once";
const BROKEN_TAKES: &str = "this takes limit (1 to 1000), once";

/// `/config`
pub(super) async fn config(extract::State(state): Shared) -> Response<Body> {
    text(StatusCode::OK, state.world.settings())
}

/// `/api/v1/topologies`
pub(super) async fn topologies(extract::State(state): Shared) -> Response<Body> {
    let mut pass = TotalsPass::default();
    let look = move |roster: &Roster| {
        pass.go_on(roster).map(|totals| (roster.topologies().to_vec(), totals.topologies))
    };
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

/// What may be asked about sets.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetsQuery {
    namespace: Option<String>,
    /// A part of `<namespace>/<set>`.
    text: Option<String>,
    /// Only those that deserve a look.
    #[serde(default)]
    troubled: bool,
    /// With a digest of who is listed.
    #[serde(default)]
    digest: bool,
    limit: Option<usize>,
    /// `<namespace>/<set>`
    after: Option<String>,
}

/// `/api/v1/sets`
pub(super) async fn sets(
    extract::State(state): Shared,
    query: Result<Query<SetsQuery>, QueryRejection>,
) -> Response<Body> {
    let Query(SetsQuery { namespace, text, troubled, digest, limit, after }) = match query {
        Ok(query) => query,
        Err(wrong) => return misunderstood(&wrong, SETS_TAKE),
    };
    let limit = bounded(limit);
    let after = match after.as_deref().map(|after| after.split_once('/')) {
        None => None,
        Some(Some((namespace, name))) => Some(SetKey { namespace: namespace.into(), name: name.into() }),
        Some(None) => return refuse_json(StatusCode::BAD_REQUEST, "after: no <namespace>/<set>", SETS_TAKE),
    };
    let wanted = Wanted {
        namespace: namespace.as_deref().map(Box::from),
        text: text.as_deref().map(Box::from),
        troubled,
    };
    let mut pass = SetsPass::new(wanted, after, limit);
    if digest {
        pass = pass.with_digests();
    }
    match state.look(move |roster| pass.go_on(roster)).await {
        Ok(page) => {
            let last = page.sets.last().filter(|_| page.more);
            let only = [("namespace", namespace), ("text", text)].into_iter().filter_map(|(key, value)| {
                let value = value?;
                Some(format!("&{key}={}", url::component(&value)))
            });
            let flags = [("troubled", troubled), ("digest", digest)].into_iter();
            let flags = flags.filter(|(_, set)| *set).map(|(key, _)| format!("&{key}=true"));
            let only: String = only.chain(flags).collect();
            let next = last.map(|SetView { key, .. }| {
                let after = format!("{}/{}", url::component(&key.namespace), url::component(&key.name));
                format!("/api/v1/sets?limit={limit}&after={after}{only}")
            });
            json(&Listing { items: page.sets.into_iter().map(SetJson::from).collect(), next })
        }
        Err(none) => none.response(),
    }
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
        (Err(wrong), _) => return misunderstood(&wrong, PEERS_TAKE),
        (_, Err(wrong)) => return misunderstood(&wrong, PEERS_TAKE),
    };
    let limit = bounded(limit);
    let key = SetKey { namespace: namespace.into(), name: name.into() };
    let look = move |roster: &Roster| Some(roster.peers_page(&key, from.unwrap_or(0), limit));
    match state.look(look).await {
        Ok(Some(PeersPage { set, peers, next })) => {
            let next = next.map(|from| {
                let SetKey { namespace, name } = &set.key;
                let path = format!("{}/{}", url::component(namespace), url::component(name));
                format!("/api/v1/sets/{path}?limit={limit}&from={from}")
            });
            json(&PeersJson { set: set.into(), peers: peers.into_iter().map(PeerJson::from).collect(), next })
        }
        Ok(None) => refuse_json(StatusCode::NOT_FOUND, "there is no such set", "/api/v1/sets has them all"),
        Err(none) => none.response(),
    }
}

/// `/api/v1/status`
pub(super) async fn status(extract::State(state): Shared) -> Response<Body> {
    json(&*state.status().await)
}

/// What may be asked about names.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExplainQuery {
    name: String,
    #[serde(rename = "type")]
    record_type: Option<String>,
}

/// `/api/v1/explain`
pub(super) async fn explain(
    extract::State(state): Shared,
    query: Result<Query<ExplainQuery>, QueryRejection>,
) -> Response<Body> {
    let ExplainQuery { name, record_type } = match query {
        Ok(Query(query)) => query,
        Err(wrong) => return misunderstood(&wrong, EXPLAIN_TAKES),
    };
    match Explanation::of(&state, &name, record_type.as_deref()).await {
        Ok(explanation) => json(&explanation),
        Err(NoExplanation::Asked(LookUpError::Unavailable(none))) => NoAnswer::from(none).response(),
        Err(NoExplanation::Asked(wrong)) => {
            refuse_json(StatusCode::BAD_REQUEST, &wrong.to_string(), EXPLAIN_TAKES)
        }
        Err(NoExplanation::Unanswered(none)) => none.response(),
    }
}

/// `/api/v1/watches`
pub(super) async fn watches(extract::State(state): Shared) -> Response<Body> {
    let now = Instant::now();
    let watches = state.world.watches();
    json(&Listing { items: watches.into_iter().map(|one| watch(one, now)).collect(), next: None })
}

/// `/api/v1/zones`
pub(super) async fn zones(extract::State(state): Shared) -> Response<Body> {
    let (ages, now) = (state.ages(), Instant::now());
    let zones = state.world.zones();
    let items = zones.iter().map(|zone| ZoneJson::of(zone, ages.of(&zone.apex, now)));
    json(&Listing { items: items.collect(), next: None })
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
        Err(wrong) => return misunderstood(&wrong, BROKEN_TAKES),
    };
    match state.look(move |roster| Some(roster.broken_objects(limit))).await {
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

fn misunderstood(wrong: &dyn std::error::Error, remedy: &str) -> Response<Body> {
    refuse_json(StatusCode::BAD_REQUEST, &fault_of(wrong), remedy)
}

fn bounded(limit: Option<usize>) -> usize {
    limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX)
}
