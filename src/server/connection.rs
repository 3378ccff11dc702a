//! One connection over TCP, or over TLS: messages with two octets of length before them (RFC 1035 4.2.2).
//!
//! A client may send queries without waiting for answers. RFC 7766 6.2.1.1 wants them processed as they come, and answers
//! sent as they are ready: here every answer is ready at once, since making it waits for nothing, and so they leave in
//! order. What a read has brought is answered in bursts, and other connections come between two of them.
//!
//! Memory: an idle connection holds at most [`INPUT_KEPT`] octets. A message takes room as its octets arrive, up to
//! 64 KiB; answers that the client's side does not accept at once take their own size, and nothing more is read until
//! they have gone or [`TcpLimits::write_timeout`] has passed. That is less than 144 KiB, while a client holds one up, and all
//! connections together take it from one [`Pool`].

use super::burst::{Buffers, Burst, FRAME_MAX, first_message};
use super::counters::{Counters, Counts};
use super::limits::Place;
use super::memory::Pool;
use super::responder::Responder;
use super::tcp::{Tallies, TcpLimits};
use super::transfer::{Transfer, Transfers};
use crate::answer::{Client, Transport};
use std::future::{poll_fn, ready};
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until, timeout};

/// Octets of input kept while a connection is idle: several queries of common size.
const INPUT_KEPT: usize = 1024;

/// How long a connection without a query is still read from when the server stops: what has reached the host by then may
/// not have been noticed yet.
const LAST_LOOK: Duration = Duration::from_millis(100);

/// What all connections of one thread share.
#[derive(Debug)]
pub(super) struct Shared<R: Responder> {
    pub(super) responder: Arc<R>,
    pub(super) counters: Arc<Counters>,
    pub(super) common: Arc<Common<R>>,
}

/// What those of all threads share.
#[derive(Debug)]
pub(super) struct Common<R: Responder> {
    /// What the streams are.
    transport: Transport,
    tallies: Tallies,
    limits: TcpLimits,
    buffers: Buffers<R>,
    memory: Pool,
    /// Permits to answer for those that have been answered and have sent more already, one for each thread, which leaves
    /// none idle. First come, first served.
    again: Semaphore,
    transfers: Transfers,
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The client closed its side, and all it asked is answered; or it went away.
    Closed,
    /// A frame of length zero: no message can follow from it.
    EmptyFrame,
    /// No query that is answered for [`TcpLimits::idle_timeout`].
    Idle,
    /// A message took longer than [`TcpLimits::read_timeout`].
    SlowToSend,
    /// Answers were not accepted within [`TcpLimits::write_timeout`].
    SlowToRead,
    /// The messages and answers of all connections take too much memory.
    NoMemory,
    /// A transfer was broken off.
    BrokenOff,
    /// The server stops.
    Stopped,
}

/// What became of a connection before it is [`serve`]d.
#[derive(Debug, Default)]
pub(super) struct Begun {
    /// Octets that were read, and are not answered.
    pub(super) input: Vec<u8>,
    /// Octets of answers that are not accepted.
    pub(super) output: Vec<u8>,
    /// What is to be sent behind them.
    pub(super) transfer: Option<Transfer>,
    /// Whether queries have been answered.
    pub(super) is_again: bool,
}

impl<R: Responder> Common<R> {
    pub(super) fn new(
        transport: Transport,
        tallies: Tallies,
        limits: TcpLimits,
        threads: usize,
    ) -> Common<R> {
        Common {
            transport,
            tallies,
            transfers: Transfers::new(limits.transfers),
            limits,
            buffers: Buffers::default(),
            memory: Pool::default(),
            again: Semaphore::new(threads),
        }
    }
}

/// Serves a connection to its end. `stop` turns true when the server stops: what has arrived by then is answered.
pub(super) async fn serve<R: Responder, S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    begun: Begun,
    address: IpAddr,
    shared: &Shared<R>,
    place: &Place,
    stop: watch::Receiver<bool>,
) -> End {
    let client = Client { transport: shared.common.transport, address };
    let Begun { mut input, output, transfer, is_again } = begun;
    if let Err(end) = finish(&mut stream, &output, false, shared).await {
        return end;
    }
    drop(output);
    if let Some(transfer) = transfer {
        match send(&mut stream, &client, transfer, shared, place).await {
            Ok(()) => place.asks(),
            Err(end) => return end,
        }
    }
    let mut held = shared.common.memory.hold();
    let mut idle_since = Instant::now();
    // One timer for the connection, and one wait for the stop: setting them for every read costs more than the read.
    let mut alarm = pin!(sleep_until(idle_since + shared.common.limits.idle_timeout));
    let mut stopping = pin!(stopping(stop.clone()));
    let mut last_look = None;
    // Whether queries have been answered since it last waited for some.
    let mut is_again = is_again;
    loop {
        let mut consumed = 0;
        loop {
            let rest = input.get(consumed..).unwrap_or_default();
            match first_message(rest) {
                Some([]) => return End::EmptyFrame,
                Some(_) => {}
                None => break,
            }
            // Others first: who has sent a thousand queries waits for each few of them, and who has sent one waits for
            // one burst of such clients, not for one of each.
            let turn = if is_again { shared.common.again.acquire().await.ok() } else { None };
            if turn.is_some() {
                // With the permit, so that those without one wait for it and not in the queue of all that is to be done.
                yield_now().await;
            }
            let burst = match reply(&mut stream, &client, shared, place, rest, turn).await {
                Ok(burst) => burst,
                Err(end) => return end,
            };
            is_again = true;
            consumed += burst.consumed;
            // What gets no answer does not keep a connection open, nor its place.
            if burst.replies > 0 {
                place.asks();
                idle_since = Instant::now();
            }
        }
        input.drain(..consumed);
        if input.is_empty() {
            input.shrink_to(INPUT_KEPT);
        }
        let (deadline, end) = if !input.is_empty() {
            // What is left began to arrive with the last read, or before it.
            (Instant::now() + shared.common.limits.read_timeout, End::SlowToSend)
        } else if *stop.borrow() {
            (*last_look.get_or_insert_with(|| Instant::now() + LAST_LOOK), End::Stopped)
        } else {
            (idle_since + shared.common.limits.idle_timeout, End::Idle)
        };
        // Reads until a message is complete, by the one deadline.
        loop {
            let waits_for_first = input.is_empty();
            make_room(&mut input);
            if !held.resize(input.capacity().saturating_sub(INPUT_KEPT)) {
                return End::NoMemory;
            }
            // It may ring too early, never too late.
            if alarm.is_elapsed() || deadline < alarm.deadline() {
                alarm.as_mut().reset(deadline);
            }
            tokio::select! {
                biased;
                read = stream.read_buf(&mut input) => {
                    if matches!(read, Ok(0) | Err(_)) {
                        return End::Closed;
                    }
                }
                () = ready(()), if is_again => {
                    is_again = false;
                    continue;
                }
                () = &mut stopping, if waits_for_first && end == End::Idle => break,
                () = &mut alarm => {
                    if deadline <= Instant::now() {
                        return end;
                    }
                    continue;
                }
            }
            if waits_for_first || first_message(&input).is_some() {
                break;
            }
        }
    }
}

/// Returns when the server stops.
async fn stopping(mut stop: watch::Receiver<bool>) {
    if stop.wait_for(|stopped| *stopped).await.is_err() {
        // Nobody is left to stop it.
        std::future::pending::<()>().await;
    }
}

/// Makes room for more input: at most as much as has arrived, so that a length that is only announced costs nothing,
/// and never beyond one message.
fn make_room(input: &mut Vec<u8>) {
    if input.len() == input.capacity() {
        input.reserve_exact(input.len().max(INPUT_KEPT).min(FRAME_MAX.saturating_sub(input.len())));
    }
}

/// Answers a burst of `input`, which begins with a message that is complete. Gives `turn` back before it waits.
async fn reply<R: Responder, S: AsyncWrite + Unpin>(
    stream: &mut S,
    client: &Client,
    shared: &Shared<R>,
    place: &Place,
    input: &[u8],
    turn: Option<SemaphorePermit<'_>>,
) -> Result<Burst, End> {
    // Whether something is still on its way within the stream: TLS has records of its own.
    let mut within = false;
    // Polled once, without waiting: the buffer is not kept from others by a client that does not read.
    let burst = poll_fn(|context| {
        Poll::Ready(answer(client, shared, input, |answers| {
            let written = match Pin::new(&mut *stream).poll_write(context, answers) {
                Poll::Ready(written) => written,
                Poll::Pending => Ok(0),
            };
            within = Pin::new(&mut *stream).poll_flush(context).is_pending();
            written
        }))
    });
    let Answered { mut burst, rest, transfer } = burst.await?;
    drop(turn);
    finish(stream, &rest, within, shared).await?;
    if let Some(transfer) = transfer {
        send(stream, client, transfer, shared, place).await?;
        burst.replies += 1;
    }
    Ok(burst)
}

/// A burst that was answered.
pub(super) struct Answered {
    pub(super) burst: Burst,
    /// Octets that were not accepted.
    pub(super) rest: Vec<u8>,
    /// What its last query asks for, to be sent behind these.
    pub(super) transfer: Option<Transfer>,
}

/// Answers a burst of `input`, which begins with a message that is complete, by one `write` that takes what it can.
pub(super) fn answer<R: Responder>(
    client: &Client,
    shared: &Shared<R>,
    input: &[u8],
    write: impl FnOnce(&[u8]) -> io::Result<usize>,
) -> Result<Answered, End> {
    let began = std::time::Instant::now();
    let tally = shared.common.tallies.of(client.address);
    let mut buffer = shared.common.buffers.lend(&shared.responder);
    let (burst, answers) = shared.common.buffers.answer(&mut buffer, &shared.responder, client, input, tally);
    let rest = if answers.is_empty() {
        Ok(Vec::new())
    } else {
        write(answers).map(|written| answers.get(written..).unwrap_or_default().to_vec())
    };
    let transfer = if burst.transfer { buffer.transfer(&shared.responder) } else { None };
    shared.common.buffers.take_back(buffer);
    tally.took::<true>(began.elapsed(), burst.queries.into());
    shared.counters.add(Counts {
        queries: burst.queries.into(),
        replies: burst.replies.into(),
        drops: burst.queries.saturating_sub(burst.replies + u32::from(burst.transfer)).into(),
        ..Counts::default()
    });
    rest.map(|rest| Answered { burst, rest, transfer }).map_err(|_| End::Closed)
}

/// Sends the messages of a transfer.
async fn send<R: Responder, S: AsyncWrite + Unpin>(
    stream: &mut S,
    client: &Client,
    transfer: Transfer,
    shared: &Shared<R>,
    place: &Place,
) -> Result<(), End> {
    let Common { transfers, limits, .. } = &*shared.common;
    let sent = transfers.send(stream, client, transfer, limits.write_timeout, || place.asks()).await;
    sent.map_err(|_| End::BrokenOff)
}

/// Writes what is left of answers, and what is still `within` the stream, as fast as the client's side takes them.
async fn finish<R: Responder, S: AsyncWrite + Unpin>(
    stream: &mut S,
    rest: &[u8],
    within: bool,
    shared: &Shared<R>,
) -> Result<(), End> {
    if rest.is_empty() && !within {
        return Ok(());
    }
    let mut held = shared.common.memory.hold();
    if !held.resize(rest.len()) {
        return Err(End::NoMemory);
    }
    let all = async {
        stream.write_all(rest).await?;
        stream.flush().await
    };
    match timeout(shared.common.limits.write_timeout, all).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Closed),
        Err(_) => Err(End::SlowToRead),
    }
}

#[cfg(test)]
mod tests;
