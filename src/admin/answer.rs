//! Answers over HTTP: texts and JSON.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

/// The type of plain text.
pub(super) const TEXT: &str = "text/plain; charset=utf-8";

/// An answer of a type.
pub(super) fn of_type(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Plain text.
pub(super) fn text(status: StatusCode, text: impl Into<String>) -> Response<Body> {
    of_type(status, TEXT, text.into())
}

/// JSON.
pub(super) fn json(value: &impl Serialize) -> Response<Body> {
    match serde_json::to_vec(value) {
        Ok(mut octets) => {
            octets.push(b'\n');
            of_type(StatusCode::OK, "application/json", octets)
        }
        // Nothing that is written here can fail to be.
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// Why there is no other answer.
pub(super) fn refuse(status: StatusCode, why: &str) -> Response<Body> {
    text(status, format!("{why}\n"))
}

/// The same as JSON, for paths that answer in it: `{"error": …, "remedy": …}`.
pub(super) fn refuse_json(status: StatusCode, error: &str, remedy: &str) -> Response<Body> {
    let why = RefusalJson { error: error.into(), remedy: remedy.into() };
    let mut response = json(&why);
    *response.status_mut() = status;
    response
}

/// Why there is no other answer, and what to ask instead.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RefusalJson {
    pub(crate) error: String,
    pub(crate) remedy: String,
}

/// What is wrong with a query string, in few words.
pub(super) fn fault_of(wrong: &dyn std::error::Error) -> String {
    let innermost = std::iter::successors(Some(wrong), |error| error.source()).last();
    innermost.map_or_else(String::new, ToString::to_string)
}
