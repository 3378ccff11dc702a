//! Which path leads where.

use super::answer::{refuse, text};
use super::door::Door;
use super::state::State;
use super::{api, guard, page, probes};
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::routing::get;
use std::sync::Arc;

/// What is found behind both doors.
const PROBES: &str = "\
/live                            whether the server's threads move
/ready                           whether it may be asked, and what is not ready
/metrics                         for Prometheus
";

/// What is found behind that of the API alone.
const API: &str = "\
/config                          the settings in force
/api/v1/status                   all of it at a glance
/api/v1/explain                  why a name is answered as it is           ?name= &type=
/api/v1/topologies               which rules make sets, and how many
/api/v1/sets                     the sets           ?namespace= &text= &troubled=true &limit= &after=
/api/v1/sets/{namespace}/{set}   who is in a set, who is not, and why           ?limit= &from=
/api/v1/watches                  how each watch of the Kubernetes API fares
/api/v1/zones                    the zones and their serials
/api/v1/broken                   objects that do not parse           ?limit=
/api/v1/log-level                what is logged; PUT a word to change it
";

/// The routes behind a door.
pub(super) fn routes(door: Door, state: Arc<State>) -> Router {
    let probes = Router::new()
        .route("/live", get(probes::live))
        .route("/ready", get(probes::ready))
        .route("/metrics", get(probes::metrics));
    let routes = match door {
        Door::Probes => probes.route("/", get(async || text(StatusCode::OK, PROBES))),
        Door::Api => probes
            .route(
                "/",
                get(async |state, headers| page::overview(state, headers, format!("{PROBES}{API}")).await),
            )
            .route("/sets", get(page::sets))
            .route("/sets/{namespace}/{set}", get(page::set))
            .route("/explain", get(page::explain))
            .route("/assets/style.css", get(page::style))
            .route("/assets/live.js", get(page::script))
            .route("/assets/icon.svg", get(page::icon))
            .route("/api/v1/status", get(api::status))
            .route("/api/v1/explain", get(api::explain))
            .route("/config", get(api::config))
            .route("/api/v1/topologies", get(api::topologies))
            .route("/api/v1/sets", get(api::sets))
            .route("/api/v1/sets/{namespace}/{set}", get(api::peers))
            .route("/api/v1/watches", get(api::watches))
            .route("/api/v1/zones", get(api::zones))
            .route("/api/v1/broken", get(api::broken))
            .route("/api/v1/log-level", get(api::log_level).put(api::set_log_level)),
    };
    routes
        .fallback(async || refuse(StatusCode::NOT_FOUND, "there is nothing here; / says what there is"))
        .with_state(state)
        .layer(from_fn(guard::guard))
}
