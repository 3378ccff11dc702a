//! `/sets`: the sets, found by namespace and name.

use super::super::answer::fault_of;
use super::super::figures::count;
use super::super::json::SetJson;
use super::super::state::{NoAnswer, State};
use super::super::url;
use super::layout::Frame;
use super::table::{Row, numbers, table, words};
use super::{Shared, answer, failure, html, unanswered};
use crate::roster::{SetKey, SetsPage, SetsPass, Wanted};
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{self, Query};
use axum::http::{Response, StatusCode};
use maud::Markup;
use serde::Deserialize;

/// Sets to a page.
const PAGE: usize = 100;

/// What may be asked for. Forms send empty fields.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::admin) struct SetsQuery {
    text: String,
    namespace: String,
    troubled: bool,
    after: String,
}

/// The page.
pub(in crate::admin) async fn page(
    extract::State(state): Shared,
    query: Result<Query<SetsQuery>, QueryRejection>,
) -> Response<Body> {
    let query = match query {
        Ok(Query(query)) => query,
        Err(wrong) => {
            return failure(&state, StatusCode::BAD_REQUEST, "Not understood", &fault_of(&wrong));
        }
    };
    let found = match find(&state, &query, PAGE).await {
        Ok(found) => found,
        Err(none) => return unanswered(&state, none),
    };
    let body = html! {
        h1 { "Sets" }
        (form(&query))
        (rows(&found, "Sets by namespace and name"))
        nav aria-label="More sets" class="more" {
            @if !query.after.is_empty() { a href=(query.path(None)) { "First sets" } }
            @if let Some(last) = found.sets.last().filter(|_| found.more) {
                a href=(query.path(Some(&last.key))) rel="next" { "Next sets" }
            }
        }
    };
    answer(StatusCode::OK, Frame { state: &state, title: "Sets", here: Some("/sets"), asked: "" }.page(&body))
}

impl SetsQuery {
    /// The path of another page of the same sets.
    fn path(&self, after: Option<&SetKey>) -> String {
        let texts = [("text", &self.text), ("namespace", &self.namespace)];
        let texts = texts.into_iter().filter(|(_, value)| !value.is_empty());
        let mut parts: Vec<String> =
            texts.map(|(name, value)| format!("{name}={}", url::component(value))).collect();
        parts.extend(self.troubled.then(|| "troubled=true".to_owned()));
        parts.extend(
            after.map(|key| format!("after={}", url::component(&format!("{}/{}", key.namespace, key.name)))),
        );
        if parts.is_empty() { "/sets".to_owned() } else { format!("/sets?{}", parts.join("&")) }
    }
}

/// Finds some sets.
pub(super) async fn find(state: &State, query: &SetsQuery, limit: usize) -> Result<SetsPage, NoAnswer> {
    let text = |field: &str| Some(field.trim()).filter(|text| !text.is_empty()).map(Box::from);
    let wanted =
        Wanted { namespace: text(&query.namespace), text: text(&query.text), troubled: query.troubled };
    let after = query.after.split_once('/');
    let after = after.map(|(namespace, name)| SetKey { namespace: namespace.into(), name: name.into() });
    let mut pass = SetsPass::new(wanted, after, limit);
    state.look(move |roster| pass.go_on(roster)).await
}

/// What finds them.
pub(super) fn form(query: &SetsQuery) -> Markup {
    html! {
        form action="/sets" method="get" class="find" {
            label { "Name holds " input name="text" value=(query.text) autocomplete="off" spellcheck="false" autocapitalize="none"; }
            label { "Namespace " input name="namespace" value=(query.namespace) autocomplete="off" spellcheck="false" autocapitalize="none"; }
            label class="choice" {
                input type="checkbox" name="troubled" value="true" checked[query.troubled];
                " only those that deserve a look"
            }
            button { "Find sets" }
        }
    }
}

/// Sets as a table.
pub(super) fn rows(page: &SetsPage, caption: &str) -> Markup {
    if page.sets.is_empty() {
        return html! { p class="remark" { "There are no sets to show." } };
    }
    let columns = [
        words("Set"),
        words("Topology"),
        words("State"),
        numbers("Listed"),
        numbers("Ready"),
        numbers("Draining"),
        numbers("Not ready"),
        numbers("Objects"),
    ];
    let rows = page.sets.iter().cloned().map(SetJson::from).map(|set| {
        let (good, word) = set.state();
        let cells = vec![
            html! { a href=(path(&set)) { span class="faint" { (set.namespace) "/" } (set.set) } },
            html! { (set.topology) },
            html! { span class=(if good { "word good" } else { "word doubtful" }) { (word) } },
            html! { (count(set.listed as u64)) },
            html! { (count(set.ready as u64)) },
            html! { (count(set.draining as u64)) },
            html! { (count(set.not_ready as u64)) },
            html! { (count(set.objects as u64)) },
        ];
        Row { key: format!("{}/{}", set.namespace, set.set), marked: !good, cells }
    });
    table(caption, &columns, rows)
}

/// Where a set is shown.
pub(super) fn path(set: &SetJson) -> String {
    format!("/sets/{}/{}", url::component(&set.namespace), url::component(&set.set))
}
