//! Queries over TLS, HTTPS and QUIC, answered as those over TCP are.
//!
//! Promises: connections, those that are shaking hands, streams of each and the octets that wait are bounded; whoever is slow
//! or silent gives way; threads of their own, which let those of UDP and TCP go first. Each thread has sockets of its own, and
//! a connection stays with its thread.
//!
//! TLS, HTTP/2 and QUIC are rustls, hyper and quinn themselves, which is what hickory-server wraps: its own loops spawn a task for
//! each request, and leave no say in windows, heads, handshakes under way and what waits.

mod credentials;
mod doh;
mod door;
mod doq;
mod dot;
mod exchange;
mod https;
mod memory;
mod quic;

pub use credentials::{Credentials, CredentialsError, Part, Pem};

use super::connection::{self, Common};
use super::counters::Counters;
use super::observer::Observed;
use super::responder::Responder;
use super::tcp::{BEAT, DRAIN, Tallies, TcpLimits};
use super::{StartError, bind, niceness};
use crate::answer::Transport;
use arc_swap::ArcSwap;
use door::Door;
use exchange::Exchanges;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

/// What to listen on for encrypted transports, and within which limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedConfig {
    /// Addresses for DNS over TLS. Port 0 takes a free one, here and below.
    pub tls: Vec<SocketAddr>,
    /// Addresses for DNS over HTTPS.
    pub https: Vec<SocketAddr>,
    /// Addresses for DNS over QUIC.
    pub quic: Vec<SocketAddr>,
    /// As many workers as UDP has: there are no more threads than that.
    pub workers: usize,
    /// Limits of connections, of all three together.
    pub limits: EncryptedLimits,
    /// File descriptors that connections must leave to the rest of the program, those for TCP among it.
    pub descriptors_kept: usize,
}

/// Limits of encrypted connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedLimits {
    /// Those of connections that have shaken hands.
    pub connections: TcpLimits,
    /// Connections at a time that have not. One more takes the place of the oldest.
    pub max_handshakes: usize,
    /// How long a handshake may take.
    pub handshake_timeout: Duration,
}

/// The credentials that new connections are met with. Cheap to clone; outlives the server.
#[derive(Debug, Clone)]
pub struct CredentialsInUse(Arc<ArcSwap<Credentials>>);

impl CredentialsInUse {
    /// Takes others from now on. Connections that stand keep what they began with.
    pub fn replace(&self, credentials: Credentials) {
        self.0.store(Arc::new(credentials));
    }

    fn load(&self) -> Arc<Credentials> {
        self.0.load_full()
    }
}

/// Serves one stream of HTTP/2 from `address` to its end as if it came out of TLS, for fuzzing: with paused time, and
/// without sockets.
#[doc(hidden)]
pub async fn serve_https_stream<R: Responder>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    address: IpAddr,
    responder: Arc<R>,
    limits: TcpLimits,
) {
    let exchanges = Exchanges::new(responder, limits, Tallies::default(), Tallies::default());
    // A server that never stops.
    let (_stop, stopped) = watch::channel(false);
    https::serve(stream, address, Arc::new(exchanges), Arc::default(), Arc::default(), stopped).await;
}

/// What all threads share.
#[derive(Debug)]
struct Shared<R: Responder> {
    door: Door,
    limits: EncryptedLimits,
    dot: Arc<Common<R>>,
    responder: Arc<R>,
    exchanges: Arc<Exchanges<R>>,
}

/// What one thread serves with.
#[derive(Debug)]
struct Inside<R: Responder> {
    shared: Arc<Shared<R>>,
    counters: Arc<Counters>,
    dot: connection::Shared<R>,
}

/// What one thread listens on.
#[derive(Debug, Default)]
struct Listening {
    tls: Vec<std::net::TcpListener>,
    https: Vec<std::net::TcpListener>,
    quic: Vec<std::net::UdpSocket>,
}

/// The running encrypted side.
#[derive(Debug)]
pub(super) struct Encrypted {
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
    /// Each address with what it is for, in the order given.
    pub(super) addresses: Vec<(Transport, SocketAddr)>,
    pub(super) observed: Vec<Observed>,
    pub(super) credentials: CredentialsInUse,
}

impl Encrypted {
    /// Binds all addresses, then answers on them.
    pub(super) fn start<R: Responder>(
        config: &EncryptedConfig,
        credentials: Credentials,
        responder: R,
    ) -> Result<Encrypted, StartError> {
        let count = super::tcp::threads(config.workers);
        let mut listening: Vec<Listening> = (0..count).map(|_| Listening::default()).collect();
        let mut addresses = Vec::new();
        for (transport, wanted) in [(Transport::Tls, &config.tls), (Transport::Https, &config.https)] {
            for &address in wanted {
                let (bound, listeners) = bind::bind_tcp(address, count)?;
                addresses.push((transport, bound));
                for (thread, listener) in listening.iter_mut().zip(listeners) {
                    match transport {
                        Transport::Tls => thread.tls.push(listener),
                        _ => thread.https.push(listener),
                    }
                }
            }
        }
        for &address in &config.quic {
            let (bound, sockets) = bind::bind_quic(address, count)?;
            addresses.push((Transport::Quic, bound));
            for (thread, socket) in listening.iter_mut().zip(sockets) {
                thread.quic.push(socket);
            }
        }
        let credentials = CredentialsInUse(Arc::new(ArcSwap::from_pointee(credentials)));
        let responder = Arc::new(responder);
        let limits = config.limits.clone();
        let [tls, https, quic] = [(); 3].map(|()| Tallies::default());
        let of = |transport: Transport| {
            let mine = addresses.iter().filter(|(one, _)| *one == transport);
            mine.map(|(_, address)| *address).collect::<Vec<_>>()
        };
        let tallies = [(Transport::Tls, &tls), (Transport::Https, &https), (Transport::Quic, &quic)];
        let tallies: Vec<_> =
            tallies.into_iter().flat_map(|(transport, one)| one.streams(transport, &of(transport))).collect();
        let sockets = addresses.len().saturating_mul(count);
        let shared = Arc::new(Shared {
            door: Door::new(&limits, credentials.clone(), config.descriptors_kept.saturating_add(sockets)),
            dot: Arc::new(Common::new(Transport::Tls, tls, limits.connections.clone(), count)),
            exchanges: Arc::new(Exchanges::new(
                Arc::clone(&responder),
                limits.connections.clone(),
                https,
                quic,
            )),
            limits,
            responder,
        });
        let stop = watch::channel(false).0;
        let mut encrypted =
            Encrypted { stop, threads: Vec::new(), addresses, observed: Vec::new(), credentials };
        for (index, listening) in listening.into_iter().enumerate() {
            let counters = Arc::<Counters>::default();
            let name = format!("tls-{index}");
            encrypted.observed.push(Observed {
                name: name.as_str().into(),
                counters: Arc::clone(&counters),
                // They are one for all threads.
                tallies: if index == 0 { tallies.clone() } else { Vec::new() },
            });
            encrypted.start_thread(name, listening, counters, &shared)?;
        }
        Ok(encrypted)
    }

    fn start_thread<R: Responder>(
        &mut self,
        name: String,
        listening: Listening,
        counters: Arc<Counters>,
        shared: &Arc<Shared<R>>,
    ) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let entered = runtime.enter();
        let from_std = |all: Vec<std::net::TcpListener>| {
            all.into_iter().map(TcpListener::from_std).collect::<io::Result<Vec<_>>>()
        };
        let (tls, https) = (from_std(listening.tls)?, from_std(listening.https)?);
        let endpoints = listening.quic.into_iter().map(|socket| quic::bind(socket, shared));
        let endpoints = endpoints.collect::<io::Result<Vec<_>>>()?;
        drop(entered);
        let dot = connection::Shared {
            responder: Arc::clone(&shared.responder),
            counters: Arc::clone(&counters),
            common: Arc::clone(&shared.dot),
        };
        let inside = Arc::new(Inside { shared: Arc::clone(shared), counters, dot });
        let stopped = self.stop.subscribe();
        self.threads.push(std::thread::Builder::new().name(name).spawn(move || {
            niceness::yield_to_answers();
            runtime.block_on(serve(tls, https, endpoints, inside, stopped));
        })?);
        Ok(())
    }

    /// Accepts no more; what has arrived is answered.
    pub(super) fn ends(&self) {
        self.stop.send_replace(true);
    }
}

/// Waits until what has arrived is answered, some seconds at most.
impl Drop for Encrypted {
    fn drop(&mut self) {
        self.ends();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of encrypted connections had panicked");
            }
        }
    }
}

/// Serves listeners until told to stop, and then what has arrived.
async fn serve<R: Responder>(
    tls: Vec<TcpListener>,
    https: Vec<TcpListener>,
    endpoints: Vec<quic::Bound>,
    inside: Arc<Inside<R>>,
    mut stopped: watch::Receiver<bool>,
) {
    // Closed when the last task has ended.
    let (task, mut tasks) = mpsc::channel::<()>(1);
    for listener in tls {
        tokio::spawn(door::accept(listener, dot::Dot, Arc::clone(&inside), stopped.clone(), task.clone()));
    }
    for listener in https {
        tokio::spawn(door::accept(
            listener,
            https::Https,
            Arc::clone(&inside),
            stopped.clone(),
            task.clone(),
        ));
    }
    for endpoint in endpoints {
        tokio::spawn(quic::accept(endpoint, Arc::clone(&inside), stopped.clone(), task.clone()));
    }
    drop(task);
    let beating = Arc::clone(&inside.counters);
    tokio::spawn(async move {
        loop {
            beating.beat();
            tokio::time::sleep(BEAT).await;
        }
    });
    // An error is that nobody is left to stop it.
    let _ = stopped.wait_for(|stopped| *stopped).await;
    if tokio::time::timeout(DRAIN, tasks.recv()).await.is_err() {
        tracing::info!("encrypted connections were still busy after {} s", DRAIN.as_secs());
    }
}
