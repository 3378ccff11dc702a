//! Answers of the API server while they arrive, with limits of time.

use super::backoff::LONGEST;
use super::decode::{Encoding, refused};
use super::failure::{Awaited, Failure, Refusal};
use super::transport::{cut, unanswered};
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// How long a connection and the head of an answer may take. API servers write the head of a watch at once; one that
/// has not caught up with a revision answers with an error after 3 s.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(30);

/// How long what an error says may take.
const ERROR_TIME: Duration = Duration::from_secs(5);

/// The most octets of an error that are read.
const ERROR_MAX: usize = 64 << 10;

/// The body of an answer.
pub(super) struct Stream {
    body: Body,
    pub(super) encoding: Encoding,
    /// What is awaited, and for how long: of a list without a single octet, of a watch without an event.
    awaited: Awaited,
    until: Instant,
}

/// Asks, and waits for an answer with status 200.
pub(super) async fn open(
    client: &Client,
    request: http::Request<Body>,
    awaited: Awaited,
) -> Result<Stream, Failure> {
    let response = timeout(ANSWER_MAX, client.send(request)).await;
    let response = response.map_err(|_| Failure::Timeout(Awaited::Answer(ANSWER_MAX)))?;
    let response = response.map_err(|error| unanswered(&error))?;
    if response.status() != StatusCode::OK {
        return Err(Failure::Refused(refusal(response).await));
    }
    let encoding = encoding(&response);
    Ok(Stream { body: response.into_body(), encoding, awaited, until: Instant::now() + awaited.time() })
}

fn encoding(response: &http::Response<Body>) -> Encoding {
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    Encoding::of(content_type.unwrap_or_default())
}

impl Stream {
    /// The next octets; none at the end. May be given up and called again: nothing is lost, and no time gained.
    pub(super) async fn next(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, Failure> {
        loop {
            let frame = timeout_at(self.until, self.body.frame()).await;
            let frame = frame.map_err(|_| Failure::Timeout(self.awaited))?;
            let Some(frame) = frame else { return Ok(None) };
            let Ok(octets) = frame.map_err(|error| cut(&error))?.into_data() else { continue };
            if !octets.is_empty() {
                if matches!(self.awaited, Awaited::List(_)) {
                    self.renew();
                }
                return Ok(Some(octets));
            }
        }
    }

    /// What was awaited has come: the time for it begins anew.
    pub(super) fn renew(&mut self) {
        self.until = Instant::now() + self.awaited.time();
    }
}

impl Awaited {
    fn time(self) -> Duration {
        match self {
            Awaited::Answer(time)
            | Awaited::List(time)
            | Awaited::EndOfList(time)
            | Awaited::Events(time) => time,
        }
    }
}

/// What of an error's `Status` is read.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct ErrorBody {
    message: Option<String>,
    reason: Option<String>,
    details: Option<Details>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    retry_after_seconds: Option<u64>,
}

async fn refusal(response: http::Response<Body>) -> Refusal {
    let status = response.status().as_u16();
    let header =
        response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let encoding = encoding(&response);
    let mut octets = Vec::new();
    let mut body = response.into_body();
    let until = Instant::now() + ERROR_TIME;
    // What an error says beyond its status is for people: where it cannot be read, they do without.
    while let Ok(Some(Ok(frame))) = timeout_at(until, body.frame()).await {
        let Ok(data) = frame.into_data() else { continue };
        octets.extend_from_slice(&data);
        if octets.len() > ERROR_MAX {
            break;
        }
    }
    let (message, seconds) = match encoding {
        Encoding::Json => {
            let said: ErrorBody = serde_json::from_slice(&octets).unwrap_or_default();
            let message = said.message.or(said.reason).unwrap_or_default();
            (message.into(), said.details.and_then(|details| details.retry_after_seconds))
        }
        Encoding::Protobuf => {
            let said = refused(&octets);
            let message = if said.message.is_empty() { said.reason } else { said.message };
            (message, said.retry_after_seconds)
        }
    };
    let retry_after = header.or(seconds).map(|seconds: u64| Duration::from_secs(seconds).min(LONGEST));
    Refusal::new(status, &message, retry_after)
}
