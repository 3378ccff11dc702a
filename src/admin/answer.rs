//! Answers over HTTP: texts and JSON.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{Response, StatusCode};
use serde::Serialize;

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
