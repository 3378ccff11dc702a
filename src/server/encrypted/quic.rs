//! DNS over QUIC (RFC 9250): each exchange is a stream.
//!
//! quinn speaks QUIC; connections are accepted by our own loop, and handshakes, streams, windows and times have bounds of
//! ours. What RFC 9250 4.3.3 calls a protocol error closes the connection.

use super::doq::{
    EXCESSIVE_LOAD, NO_ERROR, PROTOCOL_ERROR, REQUEST_CANCELLED, STREAM_MAX, UNSPECIFIED_ERROR, is_query,
};
use super::memory::{Full, Octets, Stream, Streams};
use super::{Inside, Shared};
use crate::answer::{Client, Transport};
use crate::server::counters::Counts;
use crate::server::limits::{Permit, Place};
use crate::server::responder::Responder;
use bytes::Bytes;
use quinn::{Connection, Endpoint, EndpointConfig, Incoming, RecvStream, SendStream, ServerConfig, VarInt};
use quinn::{TokioRuntime, TransportConfig};
use std::io;
use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

/// Streams of one connection at a time: a client that asks more waits (RFC 9000 4.6).
const STREAMS_MAX: u32 = 64;

/// Octets that a client may have sent without being read: of one stream, and of one connection. Whole queries are larger and
/// pass all the same, since what is read makes room; what waits behind a gap is in no pool, and 1,024 connections have 32 MiB.
const STREAM_WINDOW: u32 = 16 << 10;
const CONNECTION_WINDOW: u32 = 32 << 10;

/// How long connections without a query are still heard when the server stops, as over TCP.
const LAST_LOOK: Duration = Duration::from_millis(100);

/// Octets of answers that may be under way to one client, which are kept until it has them.
const SEND_WINDOW: u64 = 132 << 10;

/// Octets that are kept of connections before they are accepted: of one, and of all of a socket.
const BEFORE_MAX: u64 = 16 << 10;
const BEFORE_ALL_MAX: u64 = 1 << 20;

/// What the time to a client and back counts as before it is known. RFC 9002 6.2.2 recommends 333 ms for the Internet; what
/// stands in one cluster is nearer, and who is further away is sent the beginning twice. What has ended is remembered for
/// nine times as long (RFC 9000 10.2), which is memory that a client who comes and leaves can take.
const INITIAL_RTT: Duration = Duration::from_millis(100);

/// Connections that a socket knows, those that have ended among them, for each that there may be: who comes beyond that is not
/// heard, and comes again by itself.
const KNOWN: usize = 2;

/// Of the places for handshakes, this part may be taken by clients that may have forged their addresses. Above that, each
/// has to show that it gets what is sent to it, by a Retry packet (RFC 9000 8.1.2), which costs an honest one a round trip.
const UNPROVEN: usize = 4;

/// A socket's endpoint, and how its connections are met but for the credentials.
#[derive(Debug)]
pub(super) struct Bound {
    endpoint: Endpoint,
    config: ServerConfig,
}

/// An endpoint on a socket, within the runtime of its thread.
pub(super) fn bind<R: Responder>(socket: UdpSocket, shared: &Shared<R>) -> io::Result<Bound> {
    let limits = &shared.limits;
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(STREAMS_MAX.into())
        // RFC 9250 4.3.3: clients open none.
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(STREAM_WINDOW.into())
        .receive_window(CONNECTION_WINDOW.into())
        .send_window(SEND_WINDOW)
        .datagram_receive_buffer_size(None)
        .initial_rtt(INITIAL_RTT)
        // A client that is gone says nothing. One that is there may say so, and is held to what it asks.
        .max_idle_timeout(limits.connections.idle_timeout.try_into().ok());
    // The key of tokens is this endpoint's: a connection stays with its socket.
    let mut config = ServerConfig::with_crypto(Arc::clone(&shared.door.credentials().quic) as _);
    config
        .transport_config(Arc::new(transport))
        // The socket that has a connection, its place and its rights go by the client's address.
        .migration(false)
        .max_incoming(limits.max_handshakes)
        .incoming_buffer_size(BEFORE_MAX)
        .incoming_buffer_size_total(BEFORE_ALL_MAX);
    let endpoint =
        Endpoint::new(EndpointConfig::default(), Some(config.clone()), socket, Arc::new(TokioRuntime))?;
    Ok(Bound { endpoint, config })
}

/// Accepts connections and serves each in a task of its own.
pub(super) async fn accept<R: Responder>(
    bound: Bound,
    inside: Arc<Inside<R>>,
    mut stopped: watch::Receiver<bool>,
    task: mpsc::Sender<()>,
) {
    let Bound { endpoint, mut config } = bound;
    let mut serving = JoinSet::new();
    let unproven = (inside.shared.limits.max_handshakes / UNPROVEN).max(1);
    let known = inside.shared.limits.connections.max_connections.saturating_mul(KNOWN);
    // Handshakes of this endpoint that are under way.
    let shaking = Arc::new(());
    loop {
        let incoming = tokio::select! {
            incoming = endpoint.accept() => incoming,
            _ = stopped.wait_for(|stopped| *stopped) => break,
            Some(_) = serving.join_next() => continue,
        };
        let Some(incoming) = incoming else { break };
        if endpoint.open_connections() >= known {
            incoming.ignore();
            continue;
        }
        if !incoming.remote_address_validated() && Arc::strong_count(&shaking) > unproven {
            // One that cannot be told to come again is dropped here, which refuses it.
            let _ = incoming.retry();
            continue;
        }
        let address = incoming.remote_address().ip();
        let Some(permit) = inside.shared.door.handshake(address, &inside.counters) else {
            incoming.refuse();
            continue;
        };
        config.crypto = Arc::clone(&inside.shared.door.credentials().quic) as _;
        let met = Met { incoming, config: Arc::new(config.clone()), address, shaking: Arc::clone(&shaking) };
        serving.spawn(meet(met, permit, Arc::clone(&inside), stopped.clone()));
    }
    // Refuses whoever comes now; those that are served end by themselves.
    endpoint.set_server_config(None);
    while serving.join_next().await.is_some() {}
    endpoint.close(NO_ERROR, b"");
    endpoint.wait_idle().await;
    drop(task);
}

/// A client that is to shake hands.
struct Met {
    incoming: Incoming,
    config: Arc<ServerConfig>,
    address: IpAddr,
    /// Counts as one that shakes hands while it is held.
    shaking: Arc<()>,
}

/// Shakes hands and serves.
async fn meet<R: Responder>(
    met: Met,
    handshake: Permit,
    inside: Arc<Inside<R>>,
    stopped: watch::Receiver<bool>,
) {
    let door = &inside.shared.door;
    let Met { incoming, config, address, shaking } = met;
    let handshaking = async move { incoming.accept_with(config)?.await };
    let Some(connection) = door.within_limits(handshaking, handshake, &inside.counters).await else { return };
    drop(shaking);
    let Some(permit) = door.connection(address, &inside.counters) else {
        connection.close(EXCESSIVE_LOAD, b"");
        return;
    };
    tokio::select! {
        () = serve(&connection, address, &inside, &permit, stopped) => {}
        () = permit.told_to_go() => connection.close(EXCESSIVE_LOAD, b""),
    }
    inside.counters.add(Counts { closed: 1, ..Counts::default() });
}

/// Serves a connection to its end.
async fn serve<R: Responder>(
    connection: &Connection,
    address: IpAddr,
    inside: &Arc<Inside<R>>,
    permit: &Permit,
    mut stopped: watch::Receiver<bool>,
) {
    let limits = &inside.shared.limits.connections;
    // As many as streams may be open, since each is open until its exchange has ended.
    let mut exchanges: JoinSet<Result<Exchange, Violation>> = JoinSet::new();
    let streams = Streams::default();
    let mut idle_at = Instant::now() + limits.idle_timeout;
    let (mut stops, mut stops_at) = (false, None);
    loop {
        tokio::select! {
            stream = connection.accept_bi(), if !stops => {
                let Ok((send, receive)) = stream else { return };
                let open = inside.shared.exchanges.memory.stream(&streams);
                let place = permit.shared_place();
                exchanges.spawn(exchange((send, receive, open), address, Arc::clone(inside), place));
            }
            Some(ended) = exchanges.join_next() => match ended {
                Ok(Ok(Exchange::Answered)) => idle_at = Instant::now() + limits.idle_timeout,
                Ok(Ok(Exchange::Otherwise)) => {}
                // A panic is counted where panics are.
                Ok(Err(Violation)) | Err(_) => {
                    connection.close(PROTOCOL_ERROR, b"");
                    return;
                }
            },
            _ = stopped.wait_for(|stopped| *stopped), if stops_at.is_none() => {
                stops_at = Some(Instant::now() + LAST_LOOK);
            }
            () = sleep_until(stops_at.unwrap_or(idle_at)), if stops_at.is_some() && !stops => stops = true,
            () = sleep_until(idle_at) => {
                connection.close(NO_ERROR, b"");
                return;
            }
        }
        if stops && exchanges.is_empty() {
            connection.close(NO_ERROR, b"");
            return;
        }
    }
}

/// What became of a stream.
enum Exchange {
    /// The client has its answer.
    Answered,
    /// It wants none any more, was too slow, or there is none.
    Otherwise,
}

/// RFC 9250 4.3.3: what closes the whole connection.
struct Violation;

/// Reads one query and writes its answer.
async fn exchange<R: Responder>(
    (mut send, mut receive, open): (SendStream, RecvStream, Result<Stream, Full>),
    address: IpAddr,
    inside: Arc<Inside<R>>,
    place: Arc<Place>,
) -> Result<Exchange, Violation> {
    let limits = &inside.shared.limits.connections;
    let exchanges = &inside.shared.exchanges;
    // Until the exchange has ended.
    let Ok(_open) = open else {
        let _ = receive.stop(EXCESSIVE_LOAD);
        return Ok(give_up(send, EXCESSIVE_LOAD));
    };
    let query = match timeout(limits.read_timeout, read(&mut receive, &inside)).await {
        Ok(Ok(query)) if is_query(query.as_ref()) => query,
        Ok(Ok(_) | Err(Unread::TooLong)) => return Err(Violation),
        Ok(Err(Unread::Cancelled)) => return Ok(give_up(send, REQUEST_CANCELLED)),
        Ok(Err(Unread::NoMemory)) | Err(_) => {
            // A stream that is stopped already is as good.
            let _ = receive.stop(EXCESSIVE_LOAD);
            return Ok(give_up(send, EXCESSIVE_LOAD));
        }
    };
    let client = Client { transport: Transport::Quic, address };
    let tally = exchanges.quic.of(address);
    let answer = match exchanges.answer(query.as_ref(), &client, tally, &inside.counters) {
        Ok(Some(answer)) => answer,
        // By design: a message that is an answer itself.
        Ok(None) => return Ok(give_up(send, UNSPECIFIED_ERROR)),
        Err(Full) => return Ok(give_up(send, EXCESSIVE_LOAD)),
    };
    drop(query);
    place.asks();
    let written = timeout(limits.write_timeout, async {
        send.write_chunk(Bytes::from_owner(answer)).await?;
        // RFC 9250 4.2: the end of the stream says that nothing more comes.
        let _ = send.finish();
        // Until the client has it all.
        Ok::<_, quinn::WriteError>(send.stopped().await)
    });
    match written.await {
        Ok(Ok(_)) => Ok(Exchange::Answered),
        Ok(Err(_)) => Ok(Exchange::Otherwise),
        Err(_) => Ok(give_up(send, EXCESSIVE_LOAD)),
    }
}

/// Why there is no query.
enum Unread {
    /// More than a message.
    TooLong,
    /// The client has taken it back, or is gone.
    Cancelled,
    /// Too much waits already.
    NoMemory,
}

/// All of a stream.
async fn read<R: Responder>(receive: &mut RecvStream, inside: &Inside<R>) -> Result<Octets, Unread> {
    let memory = &inside.shared.exchanges.memory;
    let mut octets = Octets::default();
    // RFC 9250 4.2: the end of the stream says that nothing more comes.
    while let Some(chunk) = receive.read_chunk(STREAM_MAX, true).await.map_err(|_| Unread::Cancelled)? {
        if octets.as_ref().len().saturating_add(chunk.bytes.len()) > STREAM_MAX {
            return Err(Unread::TooLong);
        }
        octets.push(&chunk.bytes, memory).map_err(|Full| Unread::NoMemory)?;
    }
    Ok(octets)
}

/// Ends a stream without an answer.
fn give_up(mut send: SendStream, why: VarInt) -> Exchange {
    // One that has ended needs no end.
    let _ = send.reset(why);
    Exchange::Otherwise
}
