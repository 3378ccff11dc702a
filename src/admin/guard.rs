//! What is turned away before any route sees it.

use super::answer::refuse;
use super::connection::Place;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use std::net::IpAddr;

/// Octets of the longest path with its query.
const URI_MAX: usize = 1024;

/// Lets a request through to its route, or answers it.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    let mut response = match fault(&request) {
        Some((status, why)) => refuse(status, why),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// What every answer says to browsers: it is as it says, it changes, and nothing may be loaded for it.
const HEADERS: [(HeaderName, &str); 3] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("content-security-policy"), "default-src 'none'; frame-ancestors 'none'"),
];

fn fault(request: &Request) -> Option<(StatusCode, &'static str)> {
    let uri_len = request.uri().path_and_query().map_or(0, |all| all.as_str().len());
    if uri_len > URI_MAX {
        return Some((StatusCode::URI_TOO_LONG, "the path and its query are too long"));
    }
    if request.method() != Method::PUT && has_body(request.headers()) {
        return Some((StatusCode::PAYLOAD_TOO_LARGE, "no body is read here"));
    }
    let place = request.extensions().get::<Place>();
    if place.is_none_or(|place| place.local.ip().is_loopback()) && !is_near(request.headers()) {
        return Some((
            StatusCode::MISDIRECTED_REQUEST,
            "at an address of this host alone, only localhost and addresses are answered: a name that somebody else \
             gave this address to would make a browser ask for them",
        ));
    }
    let is_of_this_host = place.is_some_and(|place| place.client.ip().to_canonical().is_loopback());
    if !matches!(*request.method(), Method::GET | Method::HEAD) && !is_of_this_host {
        return Some((StatusCode::FORBIDDEN, "only this host may change anything"));
    }
    None
}

/// Whether a body follows.
fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING)
        || headers.get(CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != b"0")
}

/// Whether the host that is asked for is `localhost` or an address.
fn is_near(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let Ok(host) = host.to_str() else { return false };
    let without_port = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) => name,
        _ => host,
    };
    let address =
        without_port.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(without_port);
    without_port.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(named: &[(HeaderName, &'static str)]) -> HeaderMap {
        named.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_localhost_and_addresses_are_near() {
        for (host, near) in [
            ("localhost", true),
            ("LocalHost:9154", true),
            ("127.0.0.1:9154", true),
            ("10.0.0.1", true),
            ("[::1]:9154", true),
            ("[::1]", true),
            ("evil.example:9154", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
            (":9154", false),
        ] {
            assert_eq!(is_near(&headers(&[(HOST, host)])), near, "{host}");
        }
        assert!(!is_near(&HeaderMap::new()));
        let mut twice = HeaderMap::new();
        twice.append(HOST, HeaderValue::from_static("localhost"));
        twice.append(HOST, HeaderValue::from_static("evil.example"));
        assert!(!is_near(&twice));
    }

    #[test]
    fn bodies_are_seen() {
        for (named, body) in [
            (&[][..], false),
            (&[(CONTENT_LENGTH, "0")], false),
            (&[(CONTENT_LENGTH, "1")], true),
            (&[(TRANSFER_ENCODING, "chunked")], true),
        ] {
            assert_eq!(has_body(&headers(named)), body, "{named:?}");
        }
    }
}
