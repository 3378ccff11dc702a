//! Requests to the API server.

use super::WatchPlan;
use super::failure::Failure;
use super::resource::Resource;
use super::revision::Revision;
use crate::roster::Scope;
use http::header::{ACCEPT, HeaderValue};
use kube::client::Body;
use std::fmt::Write;
use std::time::Duration;

/// A page of a list: the first one, or the one that `next` names.
///
/// Without `resourceVersion`: "the most recent" data, by quorum (<https://kubernetes.io/docs/reference/using-api/api-concepts/>,
/// "Resource versions"). `resourceVersion=0` may go back in time with every API server that is asked.
pub(super) fn list(plan: &WatchPlan, limit: u32, next: Option<&str>) -> Result<http::Request<Body>, Failure> {
    let limit = limit.to_string();
    let mut query = vec![("limit", &*limit)];
    query.extend(next.map(|next| ("continue", next)));
    get(plan, &query)
}

/// What happens from a revision on, with bookmarks, for this long (full seconds).
pub(super) fn watch(
    plan: &WatchPlan,
    from: &Revision,
    time: Duration,
) -> Result<http::Request<Body>, Failure> {
    let (from, time) = (from.to_string(), time.as_secs().to_string());
    let query = [
        ("watch", "1"),
        ("allowWatchBookmarks", "true"),
        ("resourceVersion", &*from),
        ("timeoutSeconds", &*time),
    ];
    get(plan, &query)
}

/// All objects as events of a watch, ended by a bookmark that says so
/// (<https://kubernetes.io/docs/reference/using-api/api-concepts/>, "Streaming lists"). An empty `resourceVersion`
/// means "consistent read".
pub(super) fn streaming_list(plan: &WatchPlan, time: Duration) -> Result<http::Request<Body>, Failure> {
    let time = time.as_secs().to_string();
    let query = [
        ("watch", "1"),
        ("sendInitialEvents", "true"),
        ("resourceVersionMatch", "NotOlderThan"),
        ("resourceVersion", ""),
        ("allowWatchBookmarks", "true"),
        ("timeoutSeconds", &*time),
    ];
    get(plan, &query)
}

fn get(plan: &WatchPlan, query: &[(&str, &str)]) -> Result<http::Request<Body>, Failure> {
    let resource = Resource::of(plan.resource);
    let mut uri = resource.root();
    if let Scope::Namespace(namespace) = &plan.scope {
        uri.push_str("/namespaces/");
        push_encoded(&mut uri, namespace);
    }
    uri.push('/');
    uri.push_str(resource.plural);
    let selector = plan.selector.as_deref().map(|selector| ("labelSelector", selector));
    for (before, (key, value)) in
        std::iter::once('?').chain(std::iter::repeat('&')).zip(query.iter().copied().chain(selector))
    {
        uri.push(before);
        uri.push_str(key);
        uri.push('=');
        push_encoded(&mut uri, value);
    }
    let request = http::Request::get(uri).header(ACCEPT, HeaderValue::from_static(super::decode::ACCEPT));
    // Only what the API server gave can be too long for a URI.
    request
        .body(Body::empty())
        .map_err(|error| Failure::Malformed(format!("its continue token makes no URI: {error}")))
}

/// Escapes all but RFC 3986's unreserved characters.
fn push_encoded(uri: &mut String, text: &str) {
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            uri.push(char::from(octet));
        } else {
            // Writing to a String does not fail.
            let _ = write!(uri, "%{octet:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::{Gives, ObjectKind};

    fn plan(resource: ObjectKind, namespace: Option<&str>, selector: Option<&str>) -> WatchPlan {
        let scope = namespace.map_or(Scope::All, |namespace| Scope::Namespace(namespace.into()));
        WatchPlan { resource, scope, selector: selector.map(Into::into), gives: Gives::Peers }
    }

    #[test]
    fn requests_are_those_that_the_api_documents() {
        let slices = plan(ObjectKind::EndpointSlice, None, None);
        let endpoints = plan(ObjectKind::Endpoints, Some("a"), Some("app=my app,tier in (x, y),!old"));
        let pods = plan(ObjectKind::Pod, Some("a/../b?c"), None);
        let from = Revision::parse("71").unwrap();
        let time = Duration::from_millis(47_999);
        for (request, uri) in [
            (list(&slices, 500, None), "/apis/discovery.k8s.io/v1/endpointslices?limit=500"),
            (
                list(&slices, 500, Some("eyJ2Ijoi+/==")),
                "/apis/discovery.k8s.io/v1/endpointslices?limit=500&continue=eyJ2Ijoi%2B%2F%3D%3D",
            ),
            (
                list(&endpoints, 1, None),
                "/api/v1/namespaces/a/endpoints?limit=1\
                 &labelSelector=app%3Dmy%20app%2Ctier%20in%20%28x%2C%20y%29%2C%21old",
            ),
            (
                watch(&pods, &from, time),
                "/api/v1/namespaces/a%2F..%2Fb%3Fc/pods\
                 ?watch=1&allowWatchBookmarks=true&resourceVersion=71&timeoutSeconds=47",
            ),
            (
                streaming_list(&slices, time),
                "/apis/discovery.k8s.io/v1/endpointslices?watch=1&sendInitialEvents=true\
                 &resourceVersionMatch=NotOlderThan&resourceVersion=&allowWatchBookmarks=true&timeoutSeconds=47",
            ),
        ] {
            let request = request.unwrap();
            assert_eq!(request.uri().to_string(), uri);
            assert_eq!(request.method(), "GET");
            assert_eq!(request.headers()[ACCEPT], "application/vnd.kubernetes.protobuf, application/json");
        }
    }

    #[test]
    fn a_token_too_long_for_a_uri_is_a_failure() {
        let slices = plan(ObjectKind::EndpointSlice, None, None);
        let token = "x".repeat(70_000);
        assert!(matches!(list(&slices, 500, Some(&token)), Err(Failure::Malformed(_))));
    }
}
