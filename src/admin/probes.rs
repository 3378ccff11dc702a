//! What Kubernetes and Prometheus ask.

use super::answer::{of_type, text};
use super::exposition::CONTENT_TYPE;
use super::state::State;
use super::world::Phase;
use axum::body::Body;
use axum::extract;
use axum::http::{Response, StatusCode};
use std::sync::Arc;
use std::time::Instant;

type Shared = extract::State<Arc<State>>;

/// Whether the server's threads move. One that is starting or ending does.
pub(super) async fn live(extract::State(state): Shared) -> Response<Body> {
    let pulse = state.pulse();
    let stuck = pulse.stuck(Instant::now());
    if stuck.is_empty() || state.world.phase() == Phase::Ending {
        return text(StatusCode::OK, "live\n");
    }
    let lines = stuck
        .iter()
        .map(|(thread, away)| format!("the thread {thread} has been stuck for {} s\n", away.as_secs()));
    text(StatusCode::SERVICE_UNAVAILABLE, format!("not live\n{}", lines.collect::<String>()))
}

/// Whether the server may be asked.
pub(super) async fn ready(extract::State(state): Shared) -> Response<Body> {
    let readiness = state.world.readiness();
    let (status, first) = if readiness.ready {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready")
    };
    let lines = std::iter::once(first).chain(readiness.why.iter().map(String::as_str));
    text(status, lines.flat_map(|line| [line, "\n"]).collect::<String>())
}

/// All metrics.
pub(super) async fn metrics(extract::State(state): Shared) -> Response<Body> {
    of_type(StatusCode::OK, CONTENT_TYPE, state.metrics().await)
}
