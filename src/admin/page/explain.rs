//! `/explain`: why a name is answered as it is.

use super::super::answer::fault_of;
use super::super::explanation::{Explanation, NoExplanation};
use super::super::figures::count;
use super::layout::Frame;
use super::table::{Row, numbers, table, words};
use super::{Shared, answer, failure, html, set, sets, unanswered};
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{self, Query};
use axum::http::{Response, StatusCode};
use maud::Markup;
use serde::Deserialize;

/// What may be asked. Forms send empty fields.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::admin) struct ExplainQuery {
    name: String,
    #[serde(rename = "type")]
    record_type: String,
}

/// The page.
pub(in crate::admin) async fn page(
    extract::State(state): Shared,
    query: Result<Query<ExplainQuery>, QueryRejection>,
) -> Response<Body> {
    let query = match query {
        Ok(Query(query)) => query,
        Err(wrong) => {
            return failure(&state, StatusCode::BAD_REQUEST, "Not understood", &fault_of(&wrong));
        }
    };
    let (asked, record_type) = (query.name.trim(), query.record_type.trim());
    let frame = Frame { state: &state, title: "Explain", here: Some("/explain"), asked };
    if asked.is_empty() {
        return answer(
            StatusCode::OK,
            frame.page(&html! { h1 { "Explain a name" } (form(&query)) (hints()) }),
        );
    }
    let wanted = Some(record_type).filter(|wanted| !wanted.is_empty());
    let (status, found) = match Explanation::of(&state, asked, wanted).await {
        Ok(found) => (StatusCode::OK, explained(&found)),
        Err(NoExplanation::Asked(wrong)) => {
            (StatusCode::BAD_REQUEST, html! { p class="remark" { (wrong) } (hints()) })
        }
        Err(NoExplanation::Unanswered(none)) => return unanswered(&state, none),
    };
    answer(status, frame.page(&html! { h1 { "Explain a name" } (form(&query)) (found) }))
}

fn form(query: &ExplainQuery) -> Markup {
    html! {
        form action="/explain" method="get" class="find" {
            label { "Name " input name="name" required maxlength="300" value=(query.name) autocomplete="off" spellcheck="false" autocapitalize="none"; }
            label { "Type " input name="type" maxlength="12" size="6" value=(query.record_type) placeholder="all" autocomplete="off" spellcheck="false"; }
            button { "Explain this" }
        }
    }
}

fn hints() -> Markup {
    html! {
        p { "What can be asked about:" }
        ul {
            li { "a set, " code { "myapp.default" } " or " code { "default/myapp" } }
            li { "a peer's name below its set, " code { "10-0-0-1.myapp.default" } }
            li { "a pod name, " code { "10-0-0-1.default.pod" } ", or a reverse one, " code { "1.0.0.10.in-addr.arpa" } }
            li { "an address, " code { "10.0.0.1" } ", or a node name, " code { "myapp@10.0.0.1" } }
            li { "any other name of a zone that is served" }
        }
    }
}

fn explained(found: &Explanation) -> Markup {
    let good = !found.records.is_empty();
    let class = if good { "state good" } else { "state doubtful" };
    html! {
        div class=(class) role="status" aria-live="polite" {
            p { strong { (found.rcode) } ": " (found.why) @if found.stale { "; this may be old" } }
        }
        dl class="facts" {
            div { dt { "Name" } dd { code { (found.name) } } }
            @if let Some(zone) = &found.zone { div { dt { "Zone" } dd { code { (zone) } } } }
            @if let Some(serial) = found.serial { div { dt { "Serial" } dd { (serial) } } }
        }
        @if good {
            section aria-labelledby="records" {
                h2 id="records" { "Records" }
                (records(found))
                @if found.more_records > 0 { p class="remark" { "and " (count(found.more_records as u64)) " more" } }
            }
        }
        @for one in &found.sets {
            section aria-label=(format!("Set {}/{}", one.set.namespace, one.set.set)) {
                h2 { "Set " a href=(sets::path(&one.set)) { (one.set.namespace) "/" (one.set.set) } }
                (set::summary(&one.set))
                (set::tables(one.peers.clone()))
            }
        }
        @if !found.others.is_empty() {
            section aria-labelledby="others" {
                h2 id="others" { "In no set" }
                p { "Objects that hold this address, and that no topology takes:" }
                ul { @for entry in &found.others { li { (set::objects(std::slice::from_ref(entry))) } } }
            }
        }
        @if found.more_peers { p class="remark" { "There are more peers than are shown here." } }
    }
}

fn records(found: &Explanation) -> Markup {
    let columns = [words("Type"), numbers("TTL"), words("Data")];
    let rows = found.records.iter().map(|record| Row {
        key: format!("{} {}", record.record_type, record.data),
        marked: false,
        cells: vec![html! { (record.record_type) }, html! { (record.ttl) }, html! { code { (record.data) } }],
    });
    table("The records at this name", &columns, rows)
}
