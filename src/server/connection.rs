//! One TCP connection: messages with two octets of length before them (RFC 1035 4.2.2).
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
    pub(super) fn new(tallies: Tallies, limits: TcpLimits, threads: usize) -> Common<R> {
        Common {
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
    let client = Client { transport: Transport::Tcp, address };
    let Begun { mut input, output, transfer, is_again } = begun;
    if let Err(end) = finish(&mut stream, &output, shared).await {
        return end;
    }
    drop(output);
    if let Some(transfer) = transfer {
        match send(&mut stream, &client, transfer, shared).await {
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
            let burst = match reply(&mut stream, &client, shared, rest, turn).await {
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
    input: &[u8],
    turn: Option<SemaphorePermit<'_>>,
) -> Result<Burst, End> {
    // Polled once, without waiting: the buffer is not kept from others by a client that does not read.
    let burst = poll_fn(|context| {
        Poll::Ready(answer(client, shared, input, |answers| {
            match Pin::new(&mut *stream).poll_write(context, answers) {
                Poll::Ready(written) => written,
                Poll::Pending => Ok(0),
            }
        }))
    });
    let Answered { mut burst, rest, transfer } = burst.await?;
    drop(turn);
    finish(stream, &rest, shared).await?;
    if let Some(transfer) = transfer {
        send(stream, client, transfer, shared).await?;
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
) -> Result<(), End> {
    let Common { transfers, limits, .. } = &*shared.common;
    let sent = transfers.send(stream, client, transfer, limits.write_timeout).await;
    sent.map_err(|_| End::BrokenOff)
}

/// Writes what is left of answers, as fast as the client's side takes them.
async fn finish<R: Responder, S: AsyncWrite + Unpin>(
    stream: &mut S,
    rest: &[u8],
    shared: &Shared<R>,
) -> Result<(), End> {
    if rest.is_empty() {
        return Ok(());
    }
    let mut held = shared.common.memory.hold();
    if !held.resize(rest.len()) {
        return Err(End::NoMemory);
    }
    match timeout(shared.common.limits.write_timeout, stream.write_all(rest)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Closed),
        Err(_) => Err(End::SlowToRead),
    }
}

#[cfg(test)]
mod tests {
    use super::super::burst::QUERIES_MAX;
    use super::super::responder::echo::Echo;
    use super::super::transfer::TransferLimits;
    use super::*;
    use std::net::Ipv4Addr;
    use tokio::io::DuplexStream;
    use tokio::task::JoinHandle;

    const LIMITS: TcpLimits = TcpLimits {
        max_connections: 1,
        max_connections_per_address: 1,
        idle_timeout: Duration::from_secs(10),
        read_timeout: Duration::from_secs(2),
        write_timeout: Duration::from_secs(3),
        transfers: TransferLimits { at_once: 1, time: Duration::from_secs(10) },
    };

    fn shared() -> Shared<Echo> {
        let common = Arc::new(Common::new(Tallies::default(), LIMITS, 2));
        Shared { responder: Arc::new(Echo), counters: Arc::default(), common }
    }

    /// A connection whose two directions hold `room` octets each.
    fn connect(room: usize) -> (DuplexStream, watch::Sender<bool>, JoinHandle<End>) {
        let (client, server) = tokio::io::duplex(room);
        let (stopper, stop) = watch::channel(false);
        let serving = tokio::spawn(async move {
            let shared = shared();
            serve(server, Begun::default(), Ipv4Addr::LOCALHOST.into(), &shared, &Place::default(), stop)
                .await
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
    async fn who_asks_once_does_not_wait_for_who_asks_a_thousand_times() {
        let (mut greedy, _stop, serving_greedy) = connect(1 << 20);
        let (mut modest, _other_stop, serving_modest) = connect(1 << 20);
        greedy.write_all(&frame(b"again").repeat(1000)).await.unwrap();
        modest.write_all(&frame(b"once")).await.unwrap();
        assert_eq!(answer(&mut modest).await, b"tonce");
        let mut answers = vec![0; 1 << 20];
        let octets = greedy.read(&mut answers).await.unwrap();
        assert!(octets < 100 * frame(b"tagain").len(), "{octets} octets of answers before");
        drop((greedy, modest));
        serving_greedy.await.unwrap();
        serving_modest.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_keeps_on_asking_leaves_others_their_turn() {
        let (mut greedy, _stop, serving_greedy) = connect(1 << 20);
        let (mut modest, _other_stop, serving_modest) = connect(1 << 20);
        // Each read brings one query: no input ever has a second one that is complete.
        let query = frame(&[b'a'; INPUT_KEPT - 2]);
        greedy.write_all(&query.repeat(1000)).await.unwrap();
        modest.write_all(&frame(b"once")).await.unwrap();
        assert_eq!(answer(&mut modest).await, b"tonce");
        let mut answers = vec![0; 1 << 20];
        let octets = greedy.read(&mut answers).await.unwrap();
        assert!(octets <= 2 * QUERIES_MAX as usize * (query.len() + 1), "{octets} octets of answers before");
        drop((greedy, modest));
        serving_greedy.await.unwrap();
        serving_modest.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_once_waits_for_one_burst_of_many_that_keep_on_asking() {
        let shared = Arc::new(shared());
        let (_stopper, stop) = watch::channel(false);
        let connect = || {
            let (client, server) = tokio::io::duplex(1 << 16);
            let (shared, stop) = (Arc::clone(&shared), stop.clone());
            let serving = tokio::spawn(async move {
                serve(server, Begun::default(), Ipv4Addr::LOCALHOST.into(), &shared, &Place::default(), stop)
                    .await
            });
            (client, serving)
        };
        let mut many = Vec::new();
        for _ in 0..100 {
            let (mut client, serving) = connect();
            client.write_all(&frame(b"again").repeat(5000)).await.unwrap();
            many.push((client, serving));
        }
        let (mut modest, serving) = connect();
        let counters = Arc::clone(&shared.counters);
        // In a task of its own: the test's own future has its turn only after some tens of tasks.
        let asking = tokio::spawn(async move {
            // It has been answered before, and comes again after a while, as resolvers do.
            modest.write_all(&frame(b"once")).await.unwrap();
            assert_eq!(answer(&mut modest).await, b"tonce");
            let mut most = 0;
            for _ in 0..20 {
                yield_now().await;
                let before = counters.read().queries;
                modest.write_all(&frame(b"once")).await.unwrap();
                assert_eq!(answer(&mut modest).await, b"tonce");
                most = most.max(counters.read().queries - before);
            }
            most
        });
        let most = asking.await.unwrap();
        assert!(most <= 10 * u64::from(QUERIES_MAX), "{most} queries of others before");
        drop(many);
        assert_eq!(serving.await.unwrap(), End::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn queries_without_answers_do_not_keep_a_connection_open() {
        let (mut client, _stop, serving) = connect(1024);
        let start = Instant::now();
        while !serving.is_finished() {
            let _ = client.write_all(&frame(b"!")).await;
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
        assert_eq!(serving.await.unwrap(), End::Idle);
        assert_eq!(start.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn all_connections_together_have_so_much_memory() {
        let shared = Arc::new(shared());
        let (_stopper, stop) = watch::channel(false);
        let connect = || {
            let (client, server) = tokio::io::duplex(1 << 17);
            let (shared, stop) = (Arc::clone(&shared), stop.clone());
            let serving = tokio::spawn(async move {
                serve(server, Begun::default(), Ipv4Addr::LOCALHOST.into(), &shared, &Place::default(), stop)
                    .await
            });
            (client, serving)
        };
        // Of messages that never end, as many are kept as the pool has room for; who asks little is answered all along.
        let mut open = Vec::new();
        for _ in 0..1000 {
            let (mut client, serving) = connect();
            client.write_all(&[b"\xff\xff".to_vec(), b"x".repeat(60_000)].concat()).await.unwrap();
            let (mut modest, serving_modest) = connect();
            modest.write_all(&frame(b"little")).await.unwrap();
            assert_eq!(answer(&mut modest).await, b"tlittle");
            drop(modest);
            assert_eq!(serving_modest.await.unwrap(), End::Closed);
            open.push((client, serving));
        }
        let mut ends = Vec::new();
        for (client, serving) in open {
            ends.push(serving.await.unwrap());
            drop(client);
        }
        let kept = ends.iter().filter(|&&end| end == End::SlowToSend).count();
        assert!((400..=600).contains(&kept), "{kept} of 64 KiB each");
        assert_eq!(ends.len() - kept, ends.iter().filter(|&&end| end == End::NoMemory).count());
        let (mut client, serving) = connect();
        client.write_all(&frame(&b"x".repeat(60_000))).await.unwrap();
        assert_eq!(answer(&mut client).await.len(), 60_001, "all of it came back");
        drop(client);
        assert_eq!(serving.await.unwrap(), End::Closed);
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

        // What was on its way is answered, but nobody keeps the server from stopping by asking on.
        let (mut client, stop, serving) = connect(1024);
        stop.send(true).unwrap();
        let start = Instant::now();
        let mut answers = 0;
        while client.write_all(&frame(b"late")).await.is_ok() && client.read_u16().await.is_ok() {
            assert_eq!(client.read_u8().await.unwrap(), b't');
            client.read_exact(&mut [0; 4]).await.unwrap();
            answers += 1;
            tokio::time::sleep(LAST_LOOK / 4).await;
        }
        assert_eq!(serving.await.unwrap(), End::Stopped);
        assert!((1..=5).contains(&answers) && start.elapsed() <= 2 * LAST_LOOK, "{answers}");
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
