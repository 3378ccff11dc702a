//! DNS over HTTPS (RFC 8484) by HTTP/2: each exchange is a stream.
//!
//! hyper reads and writes the protocol, with its defences against streams that are opened and reset; connections are accepted
//! by our own loop, and streams, windows, heads, bodies and times have bounds of ours. HTTP/1.1 is not spoken: RFC 8484 5.2 has
//! HTTP/2 as the least that is recommended.

use super::doh::{self, Asked};
use super::door::Kind;
use super::exchange::Exchanges;
use super::memory::{Full, Octets, Pool, Stream, Streams};
use super::{Credentials, Inside};
use crate::answer::{Client, Transport};
use crate::server::counters::Counters;
use crate::server::limits::{Permit, Place};
use crate::server::responder::Responder;
use crate::wire::freshness;
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full as Whole};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_rustls::server::TlsStream;

/// Streams of one connection at a time: a client that asks more waits. Clients take 100 for granted before they have heard
/// (RFC 9113 5.1.2: "It is recommended that this value be no smaller than 100").
const STREAMS_MAX: u32 = 128;

/// Octets that one stream, and one connection, may have sent without being read (RFC 9113 5.2): a whole query, and two.
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 128 << 10;

/// Octets of the largest head: a query of 512 octets in a URI has 683, and the rest is what browsers add.
const HEAD_MAX: u32 = 16 << 10;

/// Streams that a client may have opened and reset before they were looked at (CVE-2023-44487), and that broke rules.
const RESET_MAX: usize = 20;

/// Octets of one stream that are handed over to be sent at a time.
const SEND_BUFFER: usize = 64 << 10;

/// How often connections are looked at: whether they are idle, and whether answers are taken.
const LOOK: Duration = Duration::from_millis(500);

/// Its connections.
#[derive(Debug, Clone, Copy)]
pub(super) struct Https;

/// Runs a stream's answer.
#[derive(Debug, Clone, Copy)]
struct Tasks;

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Tasks {
    fn execute(&self, future: F) {
        tokio::spawn(future);
    }
}

/// What is known of one connection.
#[derive(Debug)]
struct Progress {
    streams: Streams,
    /// When it last asked something that was answered.
    asked: Mutex<Instant>,
    /// Answers that have not been sent, and since when they wait.
    waiting: Mutex<Vec<(Instant, Weak<()>)>>,
}

/// An answer until its last octet is sent.
struct Waiting {
    octets: Octets,
    _stream: Stream,
    _waits: Arc<()>,
}

impl AsRef<[u8]> for Waiting {
    fn as_ref(&self) -> &[u8] {
        // RFC 8484 6: the message alone, without a length.
        self.octets.as_ref().get(2..).unwrap_or_default()
    }
}

impl Progress {
    fn new() -> Progress {
        Progress { streams: Streams::default(), asked: Mutex::new(Instant::now()), waiting: Mutex::default() }
    }

    fn asks(&self, place: &Place) {
        place.asks();
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn waits(&self, octets: Octets, stream: Stream) -> Waiting {
        let waits = Arc::new(());
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|(_, answer)| answer.strong_count() > 0);
        waiting.push((Instant::now(), Arc::downgrade(&waits)));
        Waiting { octets, _stream: stream, _waits: waits }
    }

    /// How long it has asked nothing.
    fn idle(&self) -> Duration {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// How long the oldest answer waits.
    fn oldest(&self) -> Duration {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = waiting.iter().filter(|(_, answer)| answer.strong_count() > 0);
        waits.map(|(since, _)| since.elapsed()).max().unwrap_or_default()
    }
}

impl Kind for Https {
    fn config(self, credentials: &Credentials) -> Arc<ServerConfig> {
        Arc::clone(&credentials.https)
    }

    async fn serve<R: Responder>(
        self,
        stream: TlsStream<TcpStream>,
        address: IpAddr,
        inside: Arc<Inside<R>>,
        permit: &Permit,
        stopped: watch::Receiver<bool>,
    ) {
        let (exchanges, counters) = (Arc::clone(&inside.shared.exchanges), Arc::clone(&inside.counters));
        serve(stream, address, exchanges, counters, permit.shared_place(), stopped).await;
    }
}

/// Serves what comes out of TLS to its end.
pub(super) async fn serve<R: Responder, S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    address: IpAddr,
    exchanges: Arc<Exchanges<R>>,
    counters: Arc<Counters>,
    place: Arc<Place>,
    mut stopped: watch::Receiver<bool>,
) {
    let limits = exchanges.limits.clone();
    let progress = Arc::new(Progress::new());
    let of_service = Arc::clone(&progress);
    let service = service_fn(move |request| {
        let (exchanges, counters) = (Arc::clone(&exchanges), Arc::clone(&counters));
        let (progress, place) = (Arc::clone(&of_service), Arc::clone(&place));
        async move {
            Ok::<_, Infallible>(respond(request, address, &exchanges, &counters, &progress, &place).await)
        }
    });
    let mut builder = http2::Builder::new(Tasks);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(HEAD_MAX)
        .max_pending_accept_reset_streams(RESET_MAX)
        .max_local_error_reset_streams(RESET_MAX)
        .max_send_buf_size(SEND_BUFFER);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // When it was told that nothing more is taken (RFC 9113 6.8, GOAWAY).
    let mut told: Option<Instant> = None;
    loop {
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = stopped.wait_for(|stopped| *stopped), if told.is_none() => {
                told = Some(Instant::now());
                connection.as_mut().graceful_shutdown();
            }
            _ = look.tick() => {
                if progress.oldest() > limits.write_timeout
                    || told.is_some_and(|told| told.elapsed() > limits.write_timeout)
                {
                    return;
                }
                if told.is_none() && progress.idle() > limits.idle_timeout {
                    told = Some(Instant::now());
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

async fn respond<R: Responder>(
    request: Request<Incoming>,
    address: IpAddr,
    exchanges: &Exchanges<R>,
    counters: &Counters,
    progress: &Progress,
    place: &Place,
) -> Response<Whole<Bytes>> {
    let (head, body) = request.into_parts();
    let Ok(stream) = exchanges.memory.stream(&progress.streams) else {
        return refusal(StatusCode::SERVICE_UNAVAILABLE);
    };
    let framed = match doh::asked(&head.method, &head.uri, &head.headers) {
        Err(status) => return refusal(status),
        Ok(Asked::Query(query)) => framed(&query, &exchanges.memory),
        Ok(Asked::Body) => {
            match timeout(exchanges.limits.read_timeout, read(body, &exchanges.memory)).await {
                Ok(Ok(octets)) => framed(octets.as_ref(), &exchanges.memory),
                Ok(Err(status)) => Err(status),
                Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
            }
        }
    };
    let framed = match framed {
        Ok(framed) => framed,
        Err(status) => return refusal(status),
    };
    let client = Client { transport: Transport::Https, address };
    match exchanges.answer(framed.as_ref(), &client, exchanges.https.of(address), counters) {
        // What gets no answer is no query: a message that is an answer itself, or none.
        Ok(None) => refusal(StatusCode::BAD_REQUEST),
        Err(Full) => refusal(StatusCode::SERVICE_UNAVAILABLE),
        Ok(Some(answer)) => {
            progress.asks(place);
            let answer = progress.waits(answer, stream);
            let age = format!("max-age={}", freshness(answer.as_ref()));
            let mut response = Response::new(Whole::new(Bytes::from_owner(answer)));
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(doh::MESSAGE));
            // RFC 8484 5.1: "less than or equal to the smallest TTL in the Answer section".
            if let Ok(age) = HeaderValue::try_from(age) {
                headers.insert(CACHE_CONTROL, age);
            }
            response
        }
    }
}

/// A query with its length before it.
fn framed(query: &[u8], memory: &Pool) -> Result<Octets, StatusCode> {
    let length = u16::try_from(query.len()).map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    let mut framed = memory.copy(&length.to_be_bytes()).map_err(|Full| StatusCode::SERVICE_UNAVAILABLE)?;
    framed.push(query, memory).map_err(|Full| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(framed)
}

/// The body of a request, of at most as many octets as a message has.
async fn read(mut body: Incoming, memory: &Pool) -> Result<Octets, StatusCode> {
    let mut octets = Octets::default();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
        let Some(data) = frame.data_ref() else { continue };
        if octets.as_ref().len().saturating_add(data.len()) > doh::MESSAGE_MAX {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        octets.push(data, memory).map_err(|Full| StatusCode::SERVICE_UNAVAILABLE)?;
    }
    Ok(octets)
}

/// An answer of HTTP alone.
fn refusal(status: StatusCode) -> Response<Whole<Bytes>> {
    let mut response = Response::new(Whole::default());
    *response.status_mut() = status;
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(doh::METHODS));
    }
    response
}
