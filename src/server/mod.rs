//! Moves octets between clients and whatever answers them.
//!
//! UDP workers are threads with a socket each; connections over TCP, TLS, HTTPS and QUIC are tasks. Promises: every address that is bound is
//! served over both, or nothing is; nothing from the network ends a worker, blocks one for long, or makes memory grow
//! beyond the limits; an answer leaves from the address it was asked at. Knows nothing of how an answer is made: that
//! is the [`Responder`]'s, in the program [`CurrentSnapshot`].

mod bind;
mod burst;
mod connection;
mod counters;
mod descriptors;
mod dnstap;
mod encrypted;
mod holder;
mod limits;
mod memory;
mod newcomer;
mod niceness;
mod notify;
mod observer;
mod query_log;
mod responder;
mod sampling;
mod slots;
mod snapshots;
mod tally;
mod tcp;
mod transfer;
mod udp;

pub use bind::BindError;
pub use counters::{Counters, Counts};
pub use dnstap::{Dnstap, DnstapCounts};
pub(crate) use dnstap::{Identity, Messages, write as write_dnstap};
#[doc(hidden)]
pub use encrypted::serve_https_stream;
pub use encrypted::{
    Credentials, CredentialsError, CredentialsInUse, EncryptedConfig, EncryptedLimits, Part, Pem,
};
pub(crate) use limits::Permits;
pub use notify::Notifier;
pub use observer::{Observer, Stream};
pub use query_log::{QueryLine, QueryLog, QueryLogCounts};
pub use responder::Responder;
pub use slots::{RCODES, SIZES, TYPES, times};
pub use snapshots::{Answering, Batch, Current, CurrentSnapshot, NotifiedList, View, keep_journal};
pub use tally::{CountedZone, Tallied, ZoneTallied};
pub use tcp::TcpLimits;
pub use transfer::{Told as ToldTransfer, Transfer, TransferCounts, TransferLimits};
pub use udp::UdpOptions;

use crate::answer::Transport;
use encrypted::Encrypted;
use observer::Observed;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use tally::Tally;
use tcp::Tallies;
use tokio::io::{AsyncRead, AsyncWrite};

/// What to listen on, and within which limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// Addresses for UDP and TCP. Port 0 takes a free one, the same for both.
    pub listen: Vec<SocketAddr>,
    /// UDP workers per address, at least 1.
    pub workers: usize,
    /// Size of the largest UDP answer, in octets.
    pub udp_max: u16,
    /// How UDP workers receive and send.
    pub udp: UdpOptions,
    /// Limits of TCP connections.
    pub tcp: TcpLimits,
    /// File descriptors that TCP connections must leave to the rest of the program, beyond the few that any program needs:
    /// those of its own connections.
    pub descriptors_kept: usize,
}

/// Serves one stream from `address` to its end as if a listener had accepted it, for fuzzing: with paused time, and
/// without sockets.
#[doc(hidden)]
pub async fn serve_stream<R: Responder>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    address: IpAddr,
    responder: Arc<R>,
    limits: TcpLimits,
) {
    let common = Arc::new(connection::Common::new(Transport::Tcp, Tallies::default(), limits, 1));
    let shared = connection::Shared { responder, counters: Arc::default(), common };
    // A server that never stops.
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    connection::serve(
        stream,
        connection::Begun::default(),
        address,
        &shared,
        &limits::Place::default(),
        stopped,
    )
    .await;
}

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The system gave no more threads or descriptors.
    #[error("cannot start the server's threads: {0}")]
    Threads(#[from] io::Error),
}

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    addresses: Vec<SocketAddr>,
    observer: Observer,
    stop: Arc<AtomicBool>,
    workers: Vec<JoinHandle<()>>,
    tcp: Option<tcp::Tcp>,
    encrypted: Option<Encrypted>,
}

impl Server {
    /// Binds all addresses, then answers on them.
    pub fn start<R: Responder>(config: &ServerConfig, responder: R) -> Result<Server, StartError> {
        let listeners = bind::bind_all(&config.listen, config.workers)?;
        let responder = Arc::new(responder);
        let mut server = Server {
            addresses: listeners.iter().map(|listener| listener.address).collect(),
            observer: Observer::default(),
            stop: Arc::default(),
            workers: Vec::new(),
            tcp: None,
            encrypted: None,
        };
        let threads = tcp::threads(config.workers);
        let mut tcp: Vec<_> = (0..threads).map(|_| tcp::Listening::default()).collect();
        for listener in listeners {
            for (of_thread, one) in tcp.iter_mut().zip(listener.tcp) {
                of_thread.listeners.push(one);
            }
            for (number, socket) in listener.udp.into_iter().enumerate() {
                server.start_worker(socket, listener.address, number, config, &responder)?;
            }
        }
        let tallies = Tallies::default();
        for (index, listening) in tcp.iter().enumerate() {
            server.observer.threads.push(Observed {
                name: format!("tcp-{index}").into(),
                counters: Arc::clone(&listening.counters),
                // They are one for all threads.
                tallies: if index == 0 {
                    tallies.streams(Transport::Tcp, &server.addresses)
                } else {
                    Vec::new()
                },
            });
        }
        server.observer.port = server.addresses.first().map_or(0, SocketAddr::port);
        // Each listening address has a socket for each thread.
        let sockets = config.listen.len().saturating_mul(config.workers.saturating_add(threads));
        let kept = config.descriptors_kept.saturating_add(sockets);
        server.tcp = Some(tcp::Tcp::start(tcp, &responder, tallies, config.tcp.clone(), kept)?);
        Ok(server)
    }

    /// Binds the addresses of encrypted transports, all of them or none, and answers on them too. Observers that were taken
    /// before do not see these. Credentials can be replaced while it runs.
    pub fn serve_encrypted<R: Responder>(
        &mut self,
        config: &EncryptedConfig,
        credentials: Credentials,
        responder: R,
    ) -> Result<CredentialsInUse, StartError> {
        let encrypted = Encrypted::start(config, credentials, responder)?;
        self.observer.threads.extend(encrypted.observed.iter().cloned());
        let in_use = encrypted.credentials.clone();
        self.encrypted = Some(encrypted);
        Ok(in_use)
    }

    /// The addresses of encrypted transports, with the ports that were taken, in the order given.
    pub fn encrypted_addresses(&self) -> &[(Transport, SocketAddr)] {
        self.encrypted.as_ref().map_or(&[], |encrypted| &encrypted.addresses)
    }

    fn start_worker<R: Responder>(
        &mut self,
        socket: socket2::Socket,
        address: SocketAddr,
        number: usize,
        config: &ServerConfig,
        responder: &Arc<R>,
    ) -> io::Result<()> {
        let counters = Arc::<Counters>::default();
        let tally = Arc::<Tally>::default();
        let index = self.workers.len();
        let stream = Stream { proto: "udp", ipv6: address.is_ipv6() };
        self.observer.threads.push(Observed {
            name: format!("udp-{index}").into(),
            counters: Arc::clone(&counters),
            tallies: vec![(stream, Arc::clone(&tally))],
        });
        let setting = udp::Setting {
            responder: Arc::clone(responder),
            counters,
            tally,
            stop: Arc::clone(&self.stop),
            udp_max: config.udp_max,
            options: config.udp.clone(),
            number,
            // Workers that start at one place would give many clients the same first address.
            rotation: u32::try_from(index).unwrap_or(0).wrapping_mul(0x9e37_79b9),
        };
        let worker = std::thread::Builder::new().name(format!("udp-{index}")).spawn(move || {
            niceness::yield_to_publishing();
            if let Err(error) = udp::serve(&socket, address, &setting) {
                tracing::error!("a UDP worker on {address} did not start: {error}");
            }
        })?;
        self.workers.push(worker);
        Ok(())
    }

    /// The addresses that are listened on, with the ports that were taken, in the order given.
    pub fn local_addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What all workers have counted so far.
    pub fn counts(&self) -> Counts {
        self.observer.counts()
    }

    /// What tells others how it fares.
    pub fn observer(&self) -> Observer {
        self.observer.clone()
    }

    /// Takes no more queries, answers those that have arrived, and returns when that is done; after a few seconds at
    /// most. Not to be called from within an asynchronous task.
    pub fn shutdown(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let encrypted = self.encrypted.take();
        if let Some(encrypted) = &encrypted {
            encrypted.ends();
        }
        if let Some(tcp) = self.tcp.take() {
            tcp.stop();
        }
        drop(encrypted);
        for worker in self.workers.drain(..) {
            if worker.join().is_err() {
                tracing::error!("a UDP worker had panicked");
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
