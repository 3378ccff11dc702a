//! The page for people: what is served, who is in it and why, how the watches fare, how much is asked.
//!
//! It is made on the server and whole without a script; where there is one, it asks for the page again every two seconds
//! and takes over what differs. Whatever comes from objects is text: the templates escape it, and nothing may be loaded
//! or run but the page's own three files.

mod assets;
mod explain;
mod layout;
mod overview;
mod set;
mod sets;
mod table;

pub(super) use assets::{icon, script, style};
pub(super) use explain::page as explain;
pub(super) use set::page as set;
pub(super) use sets::page as sets;

use super::answer::{of_type, text};
use super::state::{NoAnswer, State};
use axum::body::Body;
use axum::extract;
use axum::http::header::{ACCEPT, CONTENT_SECURITY_POLICY, HeaderValue, VARY};
use axum::http::{HeaderMap, Response, StatusCode};
use layout::Frame;
use maud::{Markup, html};
use std::sync::Arc;

type Shared = extract::State<Arc<State>>;

/// The type of a page.
const HTML: &str = "text/html; charset=utf-8";

/// What a page may load, all of it from where it came from itself: its style, its script, the icon, itself again; forms
/// lead there too.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// `/`: the overview for browsers, and what there is for whoever else asks.
pub(super) async fn overview(
    extract::State(state): Shared,
    headers: HeaderMap,
    index: String,
) -> Response<Body> {
    let mut response =
        if wants_page(&headers) { overview::page(&state).await } else { text(StatusCode::OK, index) };
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    response
}

/// Whether a page is asked for by its type, as browsers do.
fn wants_page(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|accept| {
        accept.to_str().is_ok_and(|accept| {
            accept.split(',').any(|one| one.trim().split(';').next().is_some_and(|one| one == "text/html"))
        })
    })
}

/// A page as an answer.
fn answer(status: StatusCode, page: Markup) -> Response<Body> {
    let mut response = of_type(status, HTML, page.into_string());
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY);
    response
}

/// A page that says why there is nothing else on it.
fn failure(state: &State, status: StatusCode, title: &str, why: &str) -> Response<Body> {
    let body = html! {
        h1 { (title) }
        p class="remark" { (why) }
    };
    answer(status, Frame { state, title, here: None, asked: "" }.page(&body))
}

/// The same where the roster could not be looked at.
fn unanswered(state: &State, none: NoAnswer) -> Response<Body> {
    failure(state, StatusCode::SERVICE_UNAVAILABLE, "Nothing to show yet", &none.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_the_page_and_others_the_index() {
        for (accept, page) in [
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), true),
            (Some("application/json, text/html;q=0.5"), true),
            (Some("*/*"), false),
            (Some("text/htmlx"), false),
            (None, false),
        ] {
            let accept = accept.map(|accept| (ACCEPT, HeaderValue::from_static(accept)));
            assert_eq!(wants_page(&accept.into_iter().collect()), page);
        }
    }
}
