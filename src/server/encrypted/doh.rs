//! What a request of HTTP asks (RFC 8484 4.1), and which status says that it asks nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Method, StatusCode, Uri};

/// Where queries go: what every client has as its default (RFC 8484 4.1.1 has it in its examples).
pub(super) const PATH: &str = "/dns-query";

/// The media type of messages (RFC 8484 6).
pub(super) const MESSAGE: &str = "application/dns-message";

/// The methods that there are.
pub(super) const METHODS: &str = "GET, POST";

/// Octets of the largest message.
pub(super) const MESSAGE_MAX: usize = u16::MAX as usize;

/// What a request's head says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// It is the query.
    Query(Vec<u8>),
    /// The query is its body.
    Body,
}

/// What a request asks by its head; otherwise the status of its answer.
pub(super) fn asked(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Asked, StatusCode> {
    if uri.path() != PATH {
        return Err(StatusCode::NOT_FOUND);
    }
    match *method {
        Method::GET => query(uri.query().unwrap_or_default()).map(Asked::Query),
        Method::POST => body(headers),
        _ => Err(StatusCode::METHOD_NOT_ALLOWED),
    }
}

/// The one parameter `dns` (RFC 8484 4.1: "encoded using base64url"; 6: "Padding characters for base64url MUST NOT be
/// included").
fn query(parameters: &str) -> Result<Vec<u8>, StatusCode> {
    let mut values = parameters.split('&').filter_map(|parameter| parameter.strip_prefix("dns="));
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(StatusCode::BAD_REQUEST);
    };
    let octets = URL_SAFE_NO_PAD.decode(value).map_err(|_| StatusCode::BAD_REQUEST)?;
    if octets.is_empty() {
        return Err(StatusCode::BAD_REQUEST);
    }
    if octets.len() > MESSAGE_MAX { Err(StatusCode::URI_TOO_LONG) } else { Ok(octets) }
}

fn body(headers: &HeaderMap) -> Result<Asked, StatusCode> {
    // RFC 8484 4.1: the type says what the message is. Parameters mean nothing to it.
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(media_type), None) = (types.next().and_then(|value| value.to_str().ok()), types.next()) else {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    };
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case(MESSAGE) {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|octets| octets > MESSAGE_MAX) {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    Ok(Asked::Body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn get(uri: &str) -> Result<Asked, StatusCode> {
        asked(&Method::GET, &uri.parse().unwrap(), &HeaderMap::new())
    }

    #[test]
    fn queries_stand_in_one_parameter() {
        let query = |octets: &[u8]| Ok(Asked::Query(octets.to_vec()));
        for (uri, expected) in [
            // The example of RFC 8484 4.1.1, its first octets.
            ("/dns-query?dns=AAABAAABAAAAAAAA", query(b"\0\0\x01\0\0\x01\0\0\0\0\0\0")),
            ("https://dns.example/dns-query?dns=_-8", query(b"\xff\xef")),
            ("/dns-query?x=1&dns=AAA&y", query(b"\0\0")),
            ("/dns-query", Err(StatusCode::BAD_REQUEST)),
            ("/dns-query?", Err(StatusCode::BAD_REQUEST)),
            ("/dns-query?dns", Err(StatusCode::BAD_REQUEST)),
            ("/dns-query?dns=", Err(StatusCode::BAD_REQUEST)),
            ("/dns-query?DNS=AAA", Err(StatusCode::BAD_REQUEST)),
            ("/dns-query?dns=AAA&dns=AAA", Err(StatusCode::BAD_REQUEST)),
            ("/dns-query?dns=AAA=", Err(StatusCode::BAD_REQUEST)),
            ("/dns-query?dns=//8", Err(StatusCode::BAD_REQUEST)),
            ("/dns-query?dns=A", Err(StatusCode::BAD_REQUEST)),
            ("/dns-query/?dns=AAA", Err(StatusCode::NOT_FOUND)),
            ("/", Err(StatusCode::NOT_FOUND)),
        ] {
            assert_eq!(get(uri), expected, "{uri}");
        }
        let long = "A".repeat(MESSAGE_MAX / 3 * 4 + 4);
        assert_eq!(query_of(&long), Err(StatusCode::URI_TOO_LONG));
        assert!(query_of(long.get(4..).unwrap()).is_ok());
    }

    fn query_of(value: &str) -> Result<Vec<u8>, StatusCode> {
        query(&format!("dns={value}"))
    }

    #[test]
    fn bodies_are_messages() {
        let uri = Uri::from_static(PATH);
        for (method, headers, expected) in [
            (Method::POST, &[("content-type", "application/dns-message")][..], Ok(Asked::Body)),
            (Method::POST, &[("content-type", "Application/DNS-message; x=y")], Ok(Asked::Body)),
            (Method::POST, &[("content-type", "text/plain")], Err(StatusCode::UNSUPPORTED_MEDIA_TYPE)),
            (Method::POST, &[], Err(StatusCode::UNSUPPORTED_MEDIA_TYPE)),
            (
                Method::POST,
                &[("content-type", "application/dns-message"), ("content-length", "65535")],
                Ok(Asked::Body),
            ),
            (
                Method::POST,
                &[("content-type", "application/dns-message"), ("content-length", "65536")],
                Err(StatusCode::PAYLOAD_TOO_LARGE),
            ),
            (Method::GET, &[], Err(StatusCode::BAD_REQUEST)),
            (Method::PUT, &[], Err(StatusCode::METHOD_NOT_ALLOWED)),
            (Method::HEAD, &[], Err(StatusCode::METHOD_NOT_ALLOWED)),
        ] {
            let headers: HeaderMap = headers
                .iter()
                .map(|(name, value)| {
                    (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
                })
                .collect();
            assert_eq!(asked(&method, &uri, &headers), expected, "{method} {headers:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(octets in prop::collection::vec(any::<u8>(), 1..200)) {
            prop_assert_eq!(query_of(&URL_SAFE_NO_PAD.encode(&octets)), Ok(octets));
        }

        #[test]
        fn any_parameter_is_read_or_refused(text in "[A-Za-z0-9_=&/+-]{0,40}") {
            if let Ok(octets) = query(&text) {
                prop_assert!(!octets.is_empty() && text.contains("dns="));
            }
        }
    }
}
