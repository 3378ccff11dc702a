//! `/`: everything at a glance.

use super::super::figures::{count, counted, octets, rate, span};
use super::super::json::{TopologyJson, WatchJson};
use super::super::rates::{RateJson, RatesJson};
use super::super::state::State;
use super::super::status::StatusJson;
use super::layout::Frame;
use super::sets::{self, SetsQuery};
use super::table::{Row, numbers, or_dash, table, words};
use super::{answer, html};
use axum::body::Body;
use axum::http::{Response, StatusCode};
use maud::Markup;

/// Sets that are shown here; the page of sets has all.
const SETS: usize = 25;

/// The overview.
pub(super) async fn page(state: &State) -> Response<Body> {
    let status = state.status().await;
    let found = sets::find(state, &SetsQuery::default(), SETS).await.ok();
    let body = html! {
        h1 { "Overview" }
        (readiness(&status))
        (figures(&status))
        section aria-labelledby="sets" {
            h2 id="sets" { a href="/sets" { "Sets" } }
            (sets::form(&SetsQuery::default()))
            @if let Some(page) = found {
                (sets::rows(&page, "The first sets, by namespace and name"))
                @if page.more {
                    p class="more" { a href="/sets" { "All sets" } }
                }
            } @else {
                p class="remark" { "Nothing is known of sets yet." }
            }
        }
        @if !status.watches.is_empty() {
            section aria-labelledby="watches" {
                h2 id="watches" { "Watches of the Kubernetes API" }
                (watches(&status.watches))
            }
        }
        section aria-labelledby="topologies" {
            h2 id="topologies" { "Topologies" }
            (topologies(&status.topologies))
        }
        div class="columns" {
            section aria-labelledby="queries" {
                h2 id="queries" { "Queries" }
                (queries(&status.rates))
            }
            section aria-labelledby="zones" {
                h2 id="zones" { "Zones" }
                (zones(&status))
            }
        }
    };
    answer(StatusCode::OK, Frame { state, title: "Overview", here: Some("/"), asked: "" }.page(&body))
}

/// Whether it may be asked, for people who see colours and for those who do not.
fn readiness(status: &StatusJson) -> Markup {
    let (class, word) = match (status.ready, status.why.is_empty()) {
        (true, true) => ("state good", "Ready"),
        (true, false) => ("state doubtful", "Ready, with remarks"),
        (false, _) => ("state bad", "Not ready"),
    };
    let behind = match &status.peers {
        Some(peers) => format!("{} in {}", counted(peers.peers, "peer"), counted(peers.sets, "set")),
        None => "no peers known yet".to_owned(),
    };
    html! {
        div class=(class) role="status" aria-live="polite" {
            p { strong { (word) } ": " (behind) }
            @if !status.why.is_empty() {
                ul { @for line in &status.why { li { (line) } } }
            }
        }
    }
}

fn figures(status: &StatusJson) -> Markup {
    let peers = status.peers.clone().unwrap_or_default();
    let age = status.snapshot_age_seconds.map(|age| format!("{} ago", span(age)));
    let figures = [
        (
            "Peers listed",
            count(peers.peers as u64),
            (peers.peers_left_out > 0).then(|| format!("{} left out", count(peers.peers_left_out as u64))),
        ),
        (
            "Sets",
            count(peers.sets as u64),
            (peers.empty_sets > 0).then(|| format!("{} without peers", count(peers.empty_sets as u64))),
        ),
        (
            "Objects",
            count(peers.objects as u64),
            (peers.objects_broken > 0)
                .then(|| format!("{} do not parse", count(peers.objects_broken as u64))),
        ),
        (
            "Last change",
            age.unwrap_or_else(|| "none yet".to_owned()),
            Some(format!("{} published", count(status.snapshots))),
        ),
        ("Memory", status.memory_octets.map_or_else(|| "unknown".to_owned(), octets), None),
        (
            "Up for",
            span(status.uptime_seconds),
            (status.panics > 0)
                .then(|| counted(usize::try_from(status.panics).unwrap_or(usize::MAX), "panic")),
        ),
    ];
    html! {
        dl class="figures" {
            div class="wide" data-key="queries" {
                dt { "Queries a second" }
                dd { (rate(status.rates.queries.per_second)) }
                dd class="chart" { (chart(&status.rates.history)) }
            }
            @for (name, figure, aside) in figures {
                div data-key=(name) {
                    dt { (name) }
                    dd { (figure) }
                    @if let Some(aside) = aside { dd class="aside" { (aside) } }
                }
            }
        }
    }
}

/// The last minute, a second to a step.
fn chart(history: &[f64]) -> Markup {
    const STEPS: usize = 60;
    const HEIGHT: f64 = 28.0;
    let most = history.iter().copied().fold(0.0, f64::max);
    let scale = if most > 0.0 { HEIGHT / most } else { 0.0 };
    let first = STEPS.saturating_sub(history.len());
    let points = history
        .iter()
        .enumerate()
        .map(|(place, rate)| format!("{},{:.1}", (first + place) * 4, HEIGHT + 1.0 - rate * scale));
    let points = points.collect::<Vec<_>>().join(" ");
    let told = format!("The last minute: at most {} a second", rate(most));
    html! {
        svg viewBox="0 0 240 30" preserveAspectRatio="none" role="img" aria-label=(told) {
            title { (told) }
            line x1="0" y1="29" x2="240" y2="29" {}
            polyline points=(points) {}
        }
    }
}

fn watches(watches: &[WatchJson]) -> Markup {
    let columns = [
        words("Watch"),
        words("State"),
        words("Last heard"),
        numbers("Revision"),
        numbers("Events"),
        numbers("Lists"),
        numbers("Failures"),
    ];
    let rows = watches.iter().map(|watch| {
        let healthy = watch.synced && !watch.stale && watch.state != "failing";
        let state = match (&*watch.state, watch.synced, watch.stale) {
            ("failing", ..) => "failing",
            (_, _, true) => "not heard",
            (_, false, _) => "being listed",
            _ => "watching",
        };
        let failures: u64 = watch.failures.values().sum();
        let kinds: Vec<String> =
            watch.failures.iter().map(|(kind, times)| format!("{kind} {}", count(*times))).collect();
        let heard = watch.silence_seconds.map(|silence| format!("{} ago", span(silence)));
        let cells = vec![
            html! {
                (watch.resource) " in " @if watch.namespace.is_empty() { "all namespaces" } @else { (watch.namespace) }
                @if let Some(selector) = &watch.selector { " " span class="faint" { (selector) } }
            },
            html! {
                span class=(if healthy { "word good" } else { "word bad" }) { (state) }
                @if let Some(failure) = &watch.failure { " " span class="why" { (failure) } }
                @if !healthy { " " code { (watch.kubectl) } }
            },
            or_dash(heard.as_deref()),
            or_dash(watch.revision.map(|revision| revision.to_string()).as_deref()),
            html! { (count(watch.events)) },
            html! { (count(watch.lists)) },
            html! { (count(failures)) @if failures > 0 { " " span class="faint" { (kinds.join(", ")) } } },
        ];
        let key = format!("{} {}", watch.resource, watch.namespace);
        Row { key, marked: !healthy, cells }
    });
    table("How each watch fares", &columns, rows)
}

fn topologies(topologies: &[TopologyJson]) -> Markup {
    let columns = [
        words("Topology"),
        words("Selector"),
        words("Namespaces"),
        words("Node names"),
        words("Lists"),
        numbers("Sets"),
        numbers("Peers"),
        numbers("Left out"),
    ];
    let rows = topologies.iter().map(|one| {
        let namespaces = one.namespaces.as_ref().map(|names| names.join(", "));
        let cells = vec![
            html! { (one.topology) @if one.name.is_none() { " " span class="faint" { "each Service" } } },
            or_dash(Some(&one.selector)),
            html! { (namespaces.as_deref().unwrap_or("all")) },
            html! { (one.mode) },
            html! { (one.include) @if one.when_empty != "nothing" { ", else " (one.when_empty) } },
            html! {
                (count(one.sets as u64))
                @if one.empty_sets > 0 { " " span class="faint" { "(" (count(one.empty_sets as u64)) " empty)" } }
            },
            html! { (count(one.peers as u64)) },
            html! { (count(one.peers_left_out as u64)) },
        ];
        Row { key: one.topology.clone(), marked: false, cells }
    });
    table("The rules that make sets", &columns, rows)
}

fn queries(rates: &RatesJson) -> Markup {
    let of = |what: &'static str, all: &[RateJson]| {
        let columns = [words(what), numbers("A second"), numbers("In total")];
        let rows = all.iter().map(|one| Row {
            key: format!("{what} {}", one.name),
            marked: false,
            cells: vec![html! { (one.name) }, html! { (rate(one.per_second)) }, html! { (count(one.total)) }],
        });
        table(&format!("Queries by {}", what.to_lowercase()), &columns, rows)
    };
    if rates.queries.total == 0 {
        return html! { p class="remark" { "Nobody has asked yet." } };
    }
    html! {
        (of("Response code", &rates.rcodes))
        (of("Type", &rates.types))
        (of("Zone", &rates.zones))
    }
}

fn zones(status: &StatusJson) -> Markup {
    let columns = [words("Zone"), words("Made from"), numbers("Serial"), numbers("For")];
    let rows = status.zones.iter().map(|zone| Row {
        key: zone.zone.clone(),
        marked: false,
        cells: vec![
            html! { (zone.zone) },
            html! { (if zone.from == "file" { "a file" } else { "peers" }) },
            html! { (zone.serial) },
            html! { (span(zone.age_seconds)) },
        ],
    });
    html! {
        (table("The zones that are served", &columns, rows))
        @if status.zones_total > status.zones.len() {
            p class="more" { a href="/api/v1/zones" { "All " (count(status.zones_total as u64)) " zones" } }
        }
    }
}
