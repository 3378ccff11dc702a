//! `/sets/<namespace>/<set>`: who is in a set, who is not, and why.

use super::super::answer::fault_of;
use super::super::figures::{count, counted, span};
use super::super::json::{EntryJson, PeerJson, SetJson};
use super::super::url;
use super::layout::Frame;
use super::sets;
use super::table::{Row, or_dash, table, words};
use super::{Shared, answer, failure, html, unanswered};
use crate::roster::{PeersPage, Roster, SetKey};
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{self, Path, Query};
use axum::http::{Response, StatusCode};
use maud::Markup;
use serde::Deserialize;

/// Entries of objects to a page.
const PAGE: usize = 200;

/// Where a page begins.
#[derive(Debug, Deserialize)]
pub(in crate::admin) struct PeersQuery {
    #[serde(default)]
    from: usize,
}

/// The page.
pub(in crate::admin) async fn page(
    extract::State(state): Shared,
    path: Result<Path<(String, String)>, PathRejection>,
    query: Result<Query<PeersQuery>, QueryRejection>,
) -> Response<Body> {
    let wrong = |why: String| failure(&state, StatusCode::BAD_REQUEST, "Not understood", &why);
    let (namespace, name) = match path {
        Ok(Path(path)) => path,
        Err(error) => return wrong(fault_of(&error)),
    };
    let from = match query {
        Ok(Query(query)) => query.from,
        Err(error) => return wrong(fault_of(&error)),
    };
    let key = SetKey { namespace: namespace.as_str().into(), name: name.as_str().into() };
    let look = move |roster: &Roster| Some(roster.peers_page(&key, from, PAGE));
    let title = format!("{namespace}/{name}");
    let PeersPage { set, peers, next } = match state.look(look).await {
        Ok(Some(page)) => page,
        Ok(None) => {
            let why = "There is no such set: no object that a topology takes makes it, in this namespace.";
            return failure(&state, StatusCode::NOT_FOUND, &title, why);
        }
        Err(none) => return unanswered(&state, none),
    };
    let set = SetJson::from(set);
    let whole = format!("{namespace}/{name}");
    let body = html! {
        h1 { span class="faint" { (set.namespace) "/" } (set.set) }
        (summary(&set))
        p class="more" {
            a href=(format!("/explain?name={}", url::component(&whole))) { "Its records" }
        }
        (tables(peers.into_iter().map(PeerJson::from).collect()))
        nav aria-label="More peers" class="more" {
            @if from > 0 { a href=(sets::path(&set)) { "First peers" } }
            @if let Some(next) = next {
                a href=(format!("{}?from={next}", sets::path(&set))) rel="next" { "Next peers" }
            }
        }
    };
    answer(StatusCode::OK, Frame { state: &state, title: &title, here: None, asked: "" }.page(&body))
}

/// A set in a few lines.
pub(super) fn summary(set: &SetJson) -> Markup {
    let (good, word) = set.state();
    html! {
        div class=(if good { "state good" } else { "state doubtful" }) role="status" aria-live="polite" {
            p {
                strong { (word) } ": " (counted(set.listed, "peer")) " of "
                (count(set.everybody() as u64)) " listed, as "
                code { "include = \"" (set.include) "\"" } " says"
                @if let Some(instead) = &set.listed_instead {
                    "; nobody is, so those that " code { "when_empty" } " names are: " code { (instead) }
                }
                @if set.refused {
                    "; questions are refused, because an object that belongs to it never parsed"
                }
            }
        }
        dl class="facts" {
            div { dt { "Topology" } dd { (set.topology) } }
            div { dt { "Node names" } dd { code { (set.node_basename) "@…" } } }
            div { dt { "Ready" } dd { (count(set.ready as u64)) } }
            div { dt { "Draining" } dd { (count(set.draining as u64)) } }
            div { dt { "Not ready" } dd { (count(set.not_ready as u64)) } }
            div { dt { "Objects" } dd { (count(set.objects as u64)) } }
        }
    }
}

/// Those who are in and those who are not.
pub(super) fn tables(peers: Vec<PeerJson>) -> Markup {
    let (listed, left_out): (Vec<_>, Vec<_>) = peers.into_iter().partition(|peer| peer.listed);
    html! {
        section aria-label="Listed" {
            h2 { "Listed" }
            @if listed.is_empty() { p class="remark" { "Nobody here." } } @else { (self::listed(&listed)) }
        }
        @if !left_out.is_empty() {
            section aria-label="Left out" {
                h2 { "Left out" }
                (self::left_out(&left_out))
            }
        }
    }
}

fn listed(peers: &[PeerJson]) -> Markup {
    let columns = [
        words("Node name"),
        words("State"),
        words("Node"),
        words("Zone"),
        words("Addresses"),
        words("Ports"),
        words("From"),
        words("Why"),
    ];
    let rows = peers.iter().map(|peer| {
        let listed = peer.peer.as_ref();
        let name = listed.and_then(|listed| listed.node_name.as_deref());
        let addresses = listed.map(|listed| joined(listed.addresses.iter()));
        let ports = listed.map(|listed| {
            joined(listed.ports.iter().map(|port| match &*port.name {
                "" => format!("{}/{}", port.port, port.protocol),
                name => format!("{name} {}/{}", port.port, port.protocol),
            }))
        });
        Row {
            key: key(peer),
            marked: false,
            cells: vec![
                or_dash(name),
                state(peer),
                place(peer, |entry| entry.node.as_deref()),
                place(peer, |entry| entry.zone.as_deref()),
                or_dash(addresses.as_deref()),
                or_dash(ports.as_deref()),
                objects(&peer.objects),
                html! { (peer.why) },
            ],
        }
    });
    table("Peers that are listed", &columns, rows)
}

fn left_out(peers: &[PeerJson]) -> Markup {
    let columns = [
        words("Address"),
        words("State"),
        words("Node"),
        words("Zone"),
        words("Hostname"),
        words("From"),
        words("Why"),
    ];
    let rows = peers.iter().map(|peer| {
        let mut addresses: Vec<_> = peer.objects.iter().flat_map(|entry| &entry.addresses).collect();
        addresses.sort_unstable();
        addresses.dedup();
        let hostname = peer.objects.iter().find_map(|entry| entry.hostname.as_deref());
        Row {
            key: key(peer),
            marked: true,
            cells: vec![
                or_dash(Some(&joined(addresses))),
                state(peer),
                place(peer, |entry| entry.node.as_deref()),
                place(peer, |entry| entry.zone.as_deref()),
                or_dash(hostname),
                objects(&peer.objects),
                html! { (peer.why) },
            ],
        }
    });
    table("Those who could be listed and are not", &columns, rows)
}

/// What stays the same about somebody.
fn key(peer: &PeerJson) -> String {
    let first = peer.objects.first();
    let addresses = first.map(|entry| joined(&entry.addresses)).unwrap_or_default();
    format!("{} {addresses}", first.map_or("", |entry| &*entry.name))
}

fn state(peer: &PeerJson) -> Markup {
    match &*peer.state {
        "ready" => html! { span class="word good" { "ready" } },
        "draining" => html! { span class="word doubtful" { "draining" } },
        _ => html! { span class="word bad" { "not ready" } },
    }
}

/// Where somebody runs, as the first object says that does.
fn place(peer: &PeerJson, of: fn(&EntryJson) -> Option<&str>) -> Markup {
    or_dash(peer.objects.iter().find_map(of))
}

/// The objects that somebody comes from, and how old these are.
pub(super) fn objects(entries: &[EntryJson]) -> Markup {
    html! {
        @for (place, entry) in entries.iter().enumerate() {
            @if place > 0 { ", " }
            (entry.kind) " " (entry.namespace) "/" (entry.name)
            @if let Some(age) = entry.object_age_seconds { " " span class="faint brief" { (span(age)) " old" } }
        }
    }
}

fn joined<T: ToString>(parts: impl IntoIterator<Item = T>) -> String {
    parts.into_iter().map(|part| part.to_string()).collect::<Vec<_>>().join(", ")
}
