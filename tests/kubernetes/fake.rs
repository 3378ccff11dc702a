//! An API server that answers what a test says.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::channel::{Channel, Sender};
use kube::Client;
use kube::client::Body;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};
use tower::BoxError;

/// Longer than anything that is waited for, in paused time.
const BOUND: Duration = Duration::from_secs(300);

type Answered = Result<Response<Channel<Bytes, BoxError>>, BoxError>;

/// The API server's side.
pub(crate) struct Api {
    requests: mpsc::UnboundedReceiver<Asked>,
}

/// A request that waits for its answer. Dropped, it fails as a connection does.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Decoded.
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) accept: String,
    answer: oneshot::Sender<Answered>,
}

/// A body that is being sent. Dropped, it ends as it should.
pub(crate) struct Sending {
    body: Sender<Bytes, BoxError>,
}

impl Api {
    /// A client, and the server that it asks.
    pub(crate) fn new() -> (Client, Api) {
        let (sender, requests) = mpsc::unbounded_channel();
        let service = tower::service_fn(move |request: Request<Body>| {
            let (answer, answered) = oneshot::channel();
            let sent = sender.send(Asked::new(&request, answer));
            async move {
                sent.map_err(|_| "the test is over")?;
                answered.await.map_err(|_| "the connection is gone")?
            }
        });
        (Client::new(service, "default"), Api { requests })
    }

    /// The next request.
    pub(crate) async fn next(&mut self) -> Asked {
        let asked = timeout(BOUND, self.requests.recv()).await.expect("no request");
        asked.expect("the client is gone")
    }

    /// The next request, if one comes in time.
    pub(crate) async fn next_until(&mut self, until: Instant) -> Option<Asked> {
        timeout_at(until, self.requests.recv()).await.ok().flatten()
    }

    /// The next request, which asks for the first page of a list.
    pub(crate) async fn list(&mut self) -> Asked {
        let asked = self.next().await;
        assert!(asked.is_list() && !asked.query.contains_key("continue"), "{asked:?}");
        assert_eq!(asked.query["limit"], "500", "{asked:?}");
        asked
    }

    /// The next request, which asks for the revision of the cluster.
    pub(crate) async fn check(&mut self) -> Asked {
        let asked = self.next().await;
        assert!(asked.is_list() && asked.query["limit"] == "1", "{asked:?}");
        asked
    }

    /// The next request, which asks for what happens after a revision.
    pub(crate) async fn watch(&mut self, revision: &str) -> Asked {
        let asked = self.next().await;
        assert_eq!(asked.query.get("watch").map(String::as_str), Some("1"), "{asked:?}");
        assert_eq!(asked.query["resourceVersion"], revision, "{asked:?}");
        assert!(!asked.query.contains_key("sendInitialEvents"), "{asked:?}");
        asked
    }

    /// Whether the client is gone, and has asked nothing before.
    pub(crate) async fn is_over(&mut self) -> bool {
        timeout(BOUND, self.requests.recv()).await.expect("the client is still there").is_none()
    }

    /// Whether nothing has been asked that was not taken.
    pub(crate) fn is_quiet(&self) -> bool {
        self.requests.is_empty()
    }
}

impl Asked {
    fn new(request: &Request<Body>, answer: oneshot::Sender<Answered>) -> Asked {
        let query =
            request.uri().query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        Asked {
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            query: query.map(|(key, value)| (key.to_owned(), decoded(value))).collect(),
            accept: request.headers()["accept"].to_str().unwrap().to_owned(),
            answer,
        }
    }

    pub(crate) fn is_list(&self) -> bool {
        !self.query.contains_key("watch")
    }

    /// Whether the client has given up waiting.
    pub(crate) fn is_given_up(&self) -> bool {
        self.answer.is_closed()
    }

    /// Begins an answer with a status and headers.
    pub(crate) fn begin(self, status: u16, headers: &[(&str, &str)]) -> Sending {
        let (body, channel) = Channel::new(1024);
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        // The client may have given up.
        let _ = self.answer.send(Ok(response.body(channel).unwrap()));
        Sending { body }
    }

    /// Begins an answer that is no error.
    pub(crate) fn accept(self) -> Sending {
        self.begin(200, &[])
    }

    /// Answers with a whole body.
    pub(crate) async fn answer(self, status: u16, headers: &[(&str, &str)], body: &str) {
        self.begin(status, headers).send(body).await;
    }

    /// Answers with a `Status`.
    pub(crate) async fn refuse(self, status: u16) {
        self.answer(status, &[], &status_object(status)).await;
    }

    /// Answers with a list of one page.
    pub(crate) async fn complete(self, revision: &str, objects: &[String]) {
        self.answer(200, &[], &page(revision, objects, "")).await;
    }

    /// There is no answer: the connection fails.
    pub(crate) fn fail(self, error: impl Into<BoxError>) {
        let _ = self.answer.send(Err(error.into()));
    }
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {} {:?}", self.method, self.path, self.query)
    }
}

impl Sending {
    /// Sends octets.
    pub(crate) async fn send(&mut self, text: &str) {
        // The client may have given up.
        let _ = self.body.send_data(Bytes::copy_from_slice(text.as_bytes())).await;
    }

    /// Sends lines.
    pub(crate) async fn events(&mut self, lines: &[String]) {
        self.send(&(lines.join("\n") + "\n")).await;
    }

    /// The connection breaks.
    pub(crate) fn cut(self) {
        self.body.abort("connection reset by peer".into());
    }
}

/// A page of a list; without token, the last.
pub(crate) fn page(revision: &str, objects: &[String], token: &str) -> String {
    let items = objects.join(",");
    format!(
        r#"{{"kind":"EndpointSliceList","apiVersion":"discovery.k8s.io/v1","metadata":{{"resourceVersion":"{revision}","continue":"{token}"}},"items":[{items}]}}"#
    )
}

/// A slice of a Service `web` in a namespace, with one address.
pub(crate) fn slice_in(namespace: &str, name: &str, revision: u64, address: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"{name}","namespace":"{namespace}","resourceVersion":"{revision}","labels":{{"kubernetes.io/service-name":"web"}}}},"addressType":"IPv4","endpoints":[{{"addresses":["{address}"],"conditions":{{"ready":true}}}}],"ports":[]}}"#
    )
}

/// The same in the namespace `default`.
pub(crate) fn slice(name: &str, revision: u64, address: &str) -> String {
    slice_in("default", name, revision, address)
}

/// An event of a watch.
pub(crate) fn event(kind: &str, object: &str) -> String {
    format!(r#"{{"type":"{kind}","object":{object}}}"#)
}

/// A bookmark of a watch.
pub(crate) fn bookmark(revision: &str) -> String {
    event(
        "BOOKMARK",
        &format!(
            r#"{{"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1","metadata":{{"resourceVersion":"{revision}"}}}}"#
        ),
    )
}

/// The bookmark that ends a list that is a stream.
pub(crate) fn list_end(revision: &str) -> String {
    event(
        "BOOKMARK",
        &format!(
            r#"{{"metadata":{{"resourceVersion":"{revision}","annotations":{{"k8s.io/initial-events-end":"true"}}}}}}"#
        ),
    )
}

/// A `Status` with a code.
pub(crate) fn status_object(code: u16) -> String {
    format!(
        r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","message":"because {code}","code":{code}}}"#
    )
}

fn decoded(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut octets = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        octets.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        octets.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(octets).unwrap()
}
