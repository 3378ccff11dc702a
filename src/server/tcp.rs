//! TCP: accepts connections within limits and serves each in a task of its own.
//!
//! How many queries one connection brings, and how long it lasts, has no limit. RFC 9210 4.3 has both as something that a
//! server may limit, and gives no values. What they would guard against is guarded otherwise: a connection that is used
//! costs what its queries cost, each few of which wait for those of others, and one that is used seldom gives way to new
//! ones (see `limits`). Closing connections that work makes clients ask again (RFC 7766 6.2.4).

use super::connection::{self, Begun, Common, Shared};
use super::counters::{Counters, Counts};
use super::descriptors::room_for;
use super::limits::Permits;
use super::newcomer::{FIRST_READ, Found, Newcomer};
use super::observer::Stream;
use super::responder::Responder;
use super::tally::Tally;
use super::transfer::TransferLimits;
use crate::answer::Transport;
use rustix::net::{SocketFlags, acceptfrom_with};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, watch};
use tokio::task::yield_now;

/// Most threads for all connections. What is asked often is asked by UDP.
const THREADS_MAX: usize = 2;

/// How many threads serve connections beside so many UDP workers: two threads on one CPU would take turns at every
/// connection, which costs each of them a tenth more.
pub(super) fn threads(workers: usize) -> usize {
    workers.clamp(1, THREADS_MAX)
}

/// The pause after an accept that failed for want of descriptors or memory: the connection stays in the queue, and
/// accepting at once would fail again.
pub(super) const BACK_OFF: Duration = Duration::from_millis(100);

/// Connections that are accepted at once before those that have come are looked at.
const ACCEPTED_AT_ONCE: usize = 16;

/// Newcomers beyond which the oldest settle: each is looked at between two accepts.
const NEWCOMERS_MAX: usize = 64;

/// How often the runtime says that it moves.
pub(super) const BEAT: Duration = Duration::from_millis(500);

/// How long connections have to finish when the server stops.
pub(super) const DRAIN: Duration = Duration::from_secs(5);

/// Limits of TCP connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpLimits {
    /// Connections in total. One more takes the place of one that has been silent.
    pub max_connections: usize,
    /// Connections from one IPv4 address, or from one IPv6 network of 64 bits. One more is closed at accept.
    pub max_connections_per_address: usize,
    /// How long a connection may stay without a query that is answered.
    pub idle_timeout: Duration,
    /// How long one message may take from its first octet to its last.
    pub read_timeout: Duration,
    /// How long the answers to one read's queries, or one message of a transfer, may take to be accepted by the client's
    /// side.
    pub write_timeout: Duration,
    /// Of transfers, whose answers are many messages.
    pub transfers: TransferLimits,
}

/// What is counted of queries over one transport: IPv4 and IPv6.
#[derive(Debug, Clone, Default)]
pub(super) struct Tallies {
    ipv4: Arc<Tally>,
    ipv6: Arc<Tally>,
}

impl Tallies {
    pub(super) fn of(&self, client: IpAddr) -> &Tally {
        if client.is_ipv6() { &self.ipv6 } else { &self.ipv4 }
    }

    /// Those of the families that are listened on.
    pub(super) fn streams(&self, transport: Transport, listen: &[SocketAddr]) -> Vec<(Stream, Arc<Tally>)> {
        let both = [(false, &self.ipv4), (true, &self.ipv6)];
        let listened = both.into_iter().filter(|(ipv6, _)| listen.iter().any(|one| one.is_ipv6() == *ipv6));
        listened
            .map(|(ipv6, tally)| (Stream { proto: transport.as_str(), ipv6 }, Arc::clone(tally)))
            .collect()
    }
}

/// What one thread listens on, and counts in.
#[derive(Debug, Default)]
pub(super) struct Listening {
    pub(super) listeners: Vec<TcpListener>,
    pub(super) counters: Arc<Counters>,
}

/// The running TCP side: threads that have listeners of their own and share nothing but limits and buffers. A connection
/// stays with its thread, so that none is woken by another.
#[derive(Debug)]
pub(super) struct Tcp {
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

impl Tcp {
    /// Serves what each thread listens on.
    pub(super) fn start<R: Responder>(
        threads: Vec<Listening>,
        responder: &Arc<R>,
        tallies: Tallies,
        limits: TcpLimits,
        descriptors_kept: usize,
    ) -> io::Result<Tcp> {
        let permits = Permits::new(
            room_for(limits.max_connections, descriptors_kept),
            limits.max_connections_per_address,
        );
        let common = Arc::new(Common::new(Transport::Tcp, tallies, limits, threads.len()));
        let mut tcp = Tcp { stop: watch::channel(false).0, threads: Vec::new() };
        for (index, Listening { listeners, counters }) in threads.into_iter().enumerate() {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
            let inside = runtime.enter();
            let listeners = listeners.into_iter().map(watch_for_clients).collect::<io::Result<Vec<_>>>()?;
            drop(inside);
            let shared = Shared { responder: Arc::clone(responder), counters, common: Arc::clone(&common) };
            let serving = serve(listeners, Arc::new(shared), Arc::clone(&permits), tcp.stop.subscribe());
            let thread = std::thread::Builder::new().name(format!("tcp-{index}"));
            tcp.threads.push(thread.spawn(move || runtime.block_on(serving))?);
        }
        Ok(tcp)
    }

    /// Accepts no more, waits until what has arrived is answered, [`DRAIN`] at most.
    pub(super) fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop.send_replace(true);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a TCP thread had panicked");
            }
        }
    }
}

/// Where the server does not start after all, its threads end.
impl Drop for Tcp {
    fn drop(&mut self) {
        self.end();
    }
}

/// Serves `listeners` until told to stop, and then what has arrived.
async fn serve<R: Responder>(
    listeners: Vec<AsyncFd<TcpListener>>,
    shared: Arc<Shared<R>>,
    permits: Arc<Permits>,
    mut stopped: watch::Receiver<bool>,
) {
    // Closed when the last task has ended.
    let (task, mut tasks) = mpsc::channel::<()>(1);
    for listener in listeners {
        let (shared, permits) = (Arc::clone(&shared), Arc::clone(&permits));
        let accepting = Accepting {
            shared,
            permits,
            stopped: stopped.clone(),
            task: task.clone(),
            newcomers: VecDeque::new(),
            failing: false,
        };
        tokio::spawn(accepting.run(listener));
    }
    drop(task);
    let beating = Arc::clone(&shared);
    tokio::spawn(async move {
        loop {
            beating.counters.beat();
            tokio::time::sleep(BEAT).await;
        }
    });
    // An error is that nobody is left to stop it.
    let _ = stopped.wait_for(|stopped| *stopped).await;
    if tokio::time::timeout(DRAIN, tasks.recv()).await.is_err() {
        tracing::info!("TCP connections were still busy after {} s", DRAIN.as_secs());
    }
}

/// What one listener's connections begin with.
struct Accepting<R: Responder> {
    shared: Arc<Shared<R>>,
    permits: Arc<Permits>,
    stopped: watch::Receiver<bool>,
    /// Held by whatever must end before the server does.
    task: mpsc::Sender<()>,
    newcomers: VecDeque<Newcomer>,
    /// Whether the last accept failed.
    failing: bool,
}

impl<R: Responder> Accepting<R> {
    async fn run(mut self, listener: AsyncFd<TcpListener>) {
        let mut stopped = self.stopped.clone();
        let mut stopping = pin!(stopped.wait_for(|stopped| *stopped));
        let mut buffer = [0; FIRST_READ];
        loop {
            let ready = if self.newcomers.is_empty() {
                tokio::select! {
                    ready = listener.readable() => Some(ready),
                    _ = &mut stopping => return,
                }
            } else {
                if *self.stopped.borrow() {
                    self.settle_all();
                    return;
                }
                poll_fn(|context| match listener.poll_read_ready(context) {
                    Poll::Ready(ready) => Poll::Ready(Some(ready)),
                    Poll::Pending => Poll::Ready(None),
                })
                .await
            };
            let mut failure = None;
            match ready {
                // The runtime ends.
                Some(Err(_)) => return,
                Some(Ok(mut ready)) => {
                    for _ in 0..ACCEPTED_AT_ONCE {
                        let Ok(accepted) = ready.try_io(|listener| accept(listener.get_ref())) else { break };
                        match accepted {
                            Ok((stream, client)) => self.enter(stream, client.ip()),
                            Err(error) => {
                                failure = Some(error);
                                break;
                            }
                        }
                    }
                }
                None => {}
            }
            for _ in 0..self.newcomers.len() {
                let Some(newcomer) = self.newcomers.pop_front() else { break };
                match newcomer.look(&self.shared, &mut buffer) {
                    Found::Stays(newcomer) => self.newcomers.push_back(newcomer),
                    Found::Settles(newcomer, begun) => self.settle(newcomer, begun),
                    Found::Ended => self.ended(),
                }
            }
            if let Some(error) = failure {
                self.failed(error).await;
            }
            // Others come between, and what the network has brought.
            yield_now().await;
        }
    }

    /// Lets a connection in, where there is a place for it.
    fn enter(&mut self, stream: TcpStream, address: IpAddr) {
        self.failing = false;
        let Some(permit) = self.permits.acquire(address) else {
            self.shared.counters.add(Counts { refused: 1, ..Counts::default() });
            return;
        };
        let displaced = permit.is_anothers.into();
        self.shared.counters.add(Counts { accepted: 1, displaced, ..Counts::default() });
        self.newcomers.push_back(Newcomer::new(stream, address, permit));
        if self.newcomers.len() > NEWCOMERS_MAX
            && let Some(oldest) = self.newcomers.pop_front()
        {
            self.settle(oldest, Begun::default());
        }
    }

    /// Gives a connection a task of its own.
    fn settle(&self, newcomer: Newcomer, begun: Begun) {
        let Newcomer { stream, address, permit, .. } = newcomer;
        let Ok(stream) = tokio::net::TcpStream::from_std(stream) else {
            self.shared.counters.add(Counts { errors: 1, ..Counts::default() });
            self.ended();
            return;
        };
        let (shared, stopped, task) = (Arc::clone(&self.shared), self.stopped.clone(), self.task.clone());
        tokio::spawn(async move {
            tokio::select! {
                _ = connection::serve(stream, begun, address, &shared, permit.place(), stopped) => {}
                () = permit.told_to_go() => {}
            }
            shared.counters.add(Counts { closed: 1, ..Counts::default() });
            drop((permit, task));
        });
    }

    fn settle_all(&mut self) {
        while let Some(newcomer) = self.newcomers.pop_front() {
            self.settle(newcomer, Begun::default());
        }
    }

    fn ended(&self) {
        self.shared.counters.add(Counts { closed: 1, ..Counts::default() });
    }

    /// Takes note of a failure to accept, and waits where it would come back at once.
    async fn failed(&mut self, error: io::Error) {
        self.shared.counters.add(Counts { errors: 1, ..Counts::default() });
        // Errors of the one connection, such as ECONNABORTED, pass at once; the others would come back.
        if of_one_connection(&error) {
            return;
        }
        if !self.failing {
            tracing::warn!("cannot accept TCP connections: {error}; trying on");
        }
        self.failing = true;
        self.settle_all();
        tokio::time::sleep(BACK_OFF).await;
    }
}

#[expect(
    deprecated,
    reason = "sound for what owns its descriptor, as a listener does; what replaces it is for unsafe code alone"
)]
fn watch_for_clients(listener: TcpListener) -> io::Result<AsyncFd<TcpListener>> {
    AsyncFd::with_interest(listener, Interest::READABLE)
}

/// The next connection, which does not block.
fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (socket, client) = acceptfrom_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
    let client = client.ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionAborted))?;
    Ok((TcpStream::from(socket), client.try_into()?))
}

/// Whether the failure of an accept is that of the one connection, and passes with it.
pub(super) fn of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
