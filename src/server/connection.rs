//! One TCP connection: messages with two octets of length before them (RFC 1035 4.2.2).
//!
//! A client may send queries without waiting for answers. RFC 7766 6.2.1.1 wants them processed as they come, and answers
//! sent as they are ready: here every answer is ready at once, since making it waits for nothing, and so they leave in
//! order. One query of a connection is under way at a time, and one answer at most waits to be read.
//!
//! Memory: an idle connection holds at most [`INPUT_KEPT`] octets. A message takes room as its octets arrive, up to
//! 64 KiB; an answer that the client's side does not accept at once takes its own size, and nothing more is read until
//! it has gone or [`TcpLimits::write_timeout`] has passed. That is at most 128 KiB, while a client holds one up.

use super::counters::{Counters, Counts};
use super::limits::Place;
use super::responder::Responder;
use super::tcp::{Tallies, TcpLimits};
use crate::answer::{Client, Outcome, Transport};
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

/// Octets of input kept while a connection is idle: several queries of common size.
const INPUT_KEPT: usize = 1024;

/// Octets of the length before each message.
const LENGTH: usize = 2;

/// Octets of the largest message with its length.
const FRAME_MAX: usize = LENGTH + u16::MAX as usize;

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared<R: Responder> {
    pub(super) responder: Arc<R>,
    pub(super) counters: Arc<Counters>,
    pub(super) tallies: Tallies,
    pub(super) limits: TcpLimits,
    /// Lent for making one answer, never while waiting: there are at most as many as threads.
    buffers: Mutex<Vec<AnswerBuffer<R>>>,
    rotation: AtomicU32,
}

/// Room to make one answer in.
struct AnswerBuffer<R: Responder> {
    scratch: R::Scratch,
    frame: Box<[u8]>,
}

impl<R: Responder> std::fmt::Debug for AnswerBuffer<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AnswerBuffer")
    }
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The client closed its side, and all it asked is answered; or it went away.
    Closed,
    /// A frame of length zero: no message can follow from it.
    EmptyFrame,
    /// No query for [`TcpLimits::idle_timeout`].
    Idle,
    /// A message took longer than [`TcpLimits::read_timeout`].
    SlowToSend,
    /// An answer was not accepted within [`TcpLimits::write_timeout`].
    SlowToRead,
    /// The server stops.
    Stopped,
}

impl<R: Responder> Shared<R> {
    pub(super) fn new(
        responder: Arc<R>,
        counters: Arc<Counters>,
        tallies: Tallies,
        limits: TcpLimits,
    ) -> Shared<R> {
        Shared {
            responder,
            counters,
            tallies,
            limits,
            buffers: Mutex::default(),
            rotation: AtomicU32::new(0),
        }
    }

    fn lend_buffer(&self) -> AnswerBuffer<R> {
        let free = self.buffers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.unwrap_or_else(|| AnswerBuffer {
            scratch: self.responder.scratch(),
            frame: vec![0; FRAME_MAX].into(),
        })
    }

    fn take_back(&self, buffer: AnswerBuffer<R>) {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}

impl<R: Responder> AnswerBuffer<R> {
    /// The answer to `query` with its length before it, to be sent in one write (RFC 7766 8).
    fn answer(&mut self, shared: &Shared<R>, client: &Client, query: &[u8]) -> Option<&[u8]> {
        let rotation = shared.rotation.fetch_add(1, Ordering::Relaxed);
        let (length, out) = self.frame.split_first_chunk_mut::<LENGTH>()?;
        let batch = shared.responder.batch();
        let outcome = R::respond(&batch, &mut self.scratch, query, client, rotation, out);
        let reply = if let Outcome::Reply(octets) = outcome { out.get(..octets) } else { None };
        shared.tallies.of(client.address).query::<true>(R::told(&self.scratch), query.len(), reply);
        match outcome {
            Outcome::Reply(octets) => {
                *length = u16::try_from(octets).ok()?.to_be_bytes();
                self.frame.get(..LENGTH + octets)
            }
            Outcome::Drop => None,
        }
    }
}

/// Serves a connection to its end. `stop` turns true when the server stops: what has arrived by then is answered.
pub(super) async fn serve<R: Responder, S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    address: IpAddr,
    shared: &Shared<R>,
    place: &Place,
    mut stop: watch::Receiver<bool>,
) -> End {
    let client = Client { transport: Transport::Tcp, address };
    let mut input = Vec::new();
    let mut idle_since = Instant::now();
    loop {
        let mut consumed = 0;
        while let Some(message) = first_message(input.get(consumed..).unwrap_or_default()) {
            if message.is_empty() {
                return End::EmptyFrame;
            }
            consumed += LENGTH + message.len();
            place.asks();
            if let Err(end) = reply(&mut stream, &client, shared, message).await {
                return end;
            }
            idle_since = Instant::now();
        }
        input.drain(..consumed);
        if input.is_empty() {
            input.shrink_to(INPUT_KEPT);
        }
        let (deadline, end) = if !input.is_empty() {
            // What is left began to arrive with the last read, or before it.
            (Instant::now() + shared.limits.read_timeout, End::SlowToSend)
        } else if *stop.borrow() {
            (Instant::now(), End::Stopped)
        } else {
            (idle_since + shared.limits.idle_timeout, End::Idle)
        };
        // Reads until a message is complete, by the one deadline.
        loop {
            let waits_for_first = input.is_empty();
            make_room(&mut input);
            let read = tokio::select! {
                biased;
                read = timeout_at(deadline, stream.read_buf(&mut input)) => read,
                Ok(()) = stop.changed(), if waits_for_first && end == End::Idle => break,
            };
            match read {
                Ok(Ok(0) | Err(_)) => return End::Closed,
                Ok(Ok(_)) => {}
                Err(_) => return end,
            }
            if waits_for_first || first_message(&input).is_some() {
                break;
            }
        }
    }
}

/// The first message of `input`, once it is complete; empty where its length is zero.
fn first_message(input: &[u8]) -> Option<&[u8]> {
    let (length, rest) = input.split_first_chunk::<LENGTH>()?;
    rest.get(..u16::from_be_bytes(*length).into())
}

/// Makes room for more input: at most as much as has arrived, so that a length that is only announced costs nothing,
/// and never beyond one message.
fn make_room(input: &mut Vec<u8>) {
    if input.len() == input.capacity() {
        input.reserve_exact(input.len().max(INPUT_KEPT).min(FRAME_MAX.saturating_sub(input.len())));
    }
}

async fn reply<R: Responder, S: AsyncWrite + Unpin>(
    stream: &mut S,
    client: &Client,
    shared: &Shared<R>,
    query: &[u8],
) -> Result<(), End> {
    let began = std::time::Instant::now();
    let mut buffer = shared.lend_buffer();
    let rest = match buffer.answer(shared, client, query) {
        Some(frame) => {
            // Polled once, without waiting: the buffer is not kept from others by a client that does not read.
            let written = poll_fn(|context| {
                Poll::Ready(match Pin::new(&mut *stream).poll_write(context, frame) {
                    Poll::Ready(written) => written,
                    Poll::Pending => Ok(0),
                })
            })
            .await;
            Some(written.map(|written| frame.get(written..).unwrap_or_default().to_vec()))
        }
        None => None,
    };
    shared.take_back(buffer);
    shared.tallies.of(client.address).took::<true>(began.elapsed(), 1);
    shared.counters.add(Counts {
        queries: 1,
        replies: rest.is_some().into(),
        drops: rest.is_none().into(),
        ..Counts::default()
    });
    match rest {
        None => Ok(()),
        Some(Err(_)) => Err(End::Closed),
        Some(Ok(rest)) if rest.is_empty() => Ok(()),
        Some(Ok(rest)) => match timeout(shared.limits.write_timeout, stream.write_all(&rest)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Closed),
            Err(_) => Err(End::SlowToRead),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::responder::echo::Echo;
    use super::*;
    use std::net::Ipv4Addr;
    use std::time::Duration;
    use tokio::io::DuplexStream;
    use tokio::task::JoinHandle;

    const LIMITS: TcpLimits = TcpLimits {
        max_connections: 1,
        max_connections_per_address: 1,
        idle_timeout: Duration::from_secs(10),
        read_timeout: Duration::from_secs(2),
        write_timeout: Duration::from_secs(3),
    };

    /// A connection whose two directions hold `room` octets each.
    fn connect(room: usize) -> (DuplexStream, watch::Sender<bool>, JoinHandle<End>) {
        let (client, server) = tokio::io::duplex(room);
        let (stopper, stop) = watch::channel(false);
        let serving = tokio::spawn(async move {
            let shared = Shared::new(Arc::new(Echo), Arc::default(), Tallies::default(), LIMITS);
            serve(server, Ipv4Addr::LOCALHOST.into(), &shared, &Place::default(), stop).await
        });
        (client, stopper, serving)
    }

    fn frame(message: &[u8]) -> Vec<u8> {
        let mut frame = u16::try_from(message.len()).unwrap().to_be_bytes().to_vec();
        frame.extend_from_slice(message);
        frame
    }

    async fn answer(client: &mut DuplexStream) -> Vec<u8> {
        let length = client.read_u16().await.unwrap();
        let mut answer = vec![0; length.into()];
        client.read_exact(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test(start_paused = true)]
    async fn pipelined_queries_are_answered_in_order_and_replies_are_not() {
        let (mut client, _stop, serving) = connect(1 << 20);
        let stream: Vec<u8> =
            [&b"one"[..], b"!no", b"two", &b"x".repeat(60_000), b"three"].map(frame).concat();
        client.write_all(&stream).await.unwrap();
        client.shutdown().await.unwrap();
        for expected in [&b"tone"[..], b"ttwo"] {
            assert_eq!(answer(&mut client).await, expected);
        }
        assert_eq!(answer(&mut client).await.len(), 60_001);
        assert_eq!(answer(&mut client).await, b"tthree");
        assert_eq!(serving.await.unwrap(), End::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_query_may_come_octet_by_octet() {
        let (mut client, _stop, serving) = connect(64);
        for _ in 0..2 {
            for octet in frame(b"slow") {
                client.write_all(&[octet]).await.unwrap();
                tokio::time::advance(Duration::from_millis(300)).await;
            }
            assert_eq!(answer(&mut client).await, b"tslow");
        }
        drop(client);
        assert_eq!(serving.await.unwrap(), End::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn ends_have_their_causes() {
        // What a client sends before it waits, and how its connection ends after how many seconds.
        for (sent, end, seconds) in [
            (&b""[..], End::Idle, 10),
            (b"\0\x01a", End::Idle, 10),
            (b"\0", End::SlowToSend, 2),
            (b"\xff\xffabc", End::SlowToSend, 2),
            (b"\0\x01a\0\x02b", End::SlowToSend, 2),
            (b"\0\0", End::EmptyFrame, 0),
            (b"\0\x01a\0\0\0\x01a", End::EmptyFrame, 0),
        ] {
            let (mut client, _stop, serving) = connect(1024);
            let start = Instant::now();
            client.write_all(sent).await.unwrap();
            assert_eq!(serving.await.unwrap(), end, "{sent:?}");
            assert_eq!(start.elapsed().as_secs(), seconds, "{sent:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn drops_of_octets_do_not_keep_a_message_alive() {
        let (mut client, _stop, serving) = connect(1024);
        client.write_all(&[0, 200]).await.unwrap();
        let start = Instant::now();
        while !serving.is_finished() {
            let _ = client.write_all(b"x").await;
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
        assert_eq!(serving.await.unwrap(), End::SlowToSend);
        assert_eq!(start.elapsed().as_secs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_cut_off() {
        let (mut client, _stop, serving) = connect(1000);
        let start = Instant::now();
        let mut queries = Vec::new();
        for _ in 0..50 {
            queries.extend(frame(b"*900"));
        }
        client.write_all(&queries).await.unwrap();
        assert_eq!(serving.await.unwrap(), End::SlowToRead);
        assert_eq!(start.elapsed().as_secs(), 3);
        assert_eq!(answer(&mut client).await.len(), 900, "what was accepted is whole");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_read_while_an_answer_waits() {
        let (mut client, _stop, serving) = connect(1000);
        let mut written = 0;
        let queries = frame(b"*900").repeat(10_000);
        let writing = async {
            loop {
                match client.write(queries.get(written..).unwrap()).await {
                    Ok(0) | Err(_) => return written,
                    Ok(octets) => written += octets,
                }
            }
        };
        let written = writing.await;
        // One pipe's room of queries, and what is read at once.
        assert!(written <= 1000 + 2 * INPUT_KEPT, "{written}");
        assert_eq!(serving.await.unwrap(), End::SlowToRead);
    }

    #[tokio::test(start_paused = true)]
    async fn answers_of_64_kib_pass_a_narrow_pipe() {
        let (mut client, _stop, serving) = connect(100);
        client.write_all(&frame(b"*65535")).await.unwrap();
        assert_eq!(answer(&mut client).await, vec![b'*'; 65_535]);
        drop(client);
        assert_eq!(serving.await.unwrap(), End::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn stopping_answers_what_has_arrived() {
        let (mut client, stop, serving) = connect(1024);
        client.write_all(&[frame(b"whole"), b"\0\x04ha".to_vec()].concat()).await.unwrap();
        assert_eq!(answer(&mut client).await, b"twhole");
        stop.send(true).unwrap();
        client.write_all(b"lf").await.unwrap();
        assert_eq!(answer(&mut client).await, b"thalf");
        assert_eq!(serving.await.unwrap(), End::Stopped);

        let (_client, stop, serving) = connect(1024);
        stop.send(true).unwrap();
        assert_eq!(serving.await.unwrap(), End::Stopped);
    }

    #[test]
    fn input_grows_with_what_arrives_up_to_one_message() {
        let mut input = Vec::new();
        for capacity in
            [1, 2, 4, 8, 16, 32, 64].map(|times| times * INPUT_KEPT).into_iter().chain([FRAME_MAX])
        {
            make_room(&mut input);
            assert_eq!(input.capacity(), capacity);
            make_room(&mut input);
            assert_eq!(input.capacity(), capacity, "there was room");
            input.resize(capacity, 0);
        }
    }
}
