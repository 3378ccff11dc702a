//! Who comes in: connections are accepted within limits, shake hands within others, and are served.
//!
//! A connection that shakes hands has a place among those that do; where these are all taken, the oldest of them goes, since
//! who means it needs a round trip or two. Only with its hands shaken it takes a place among connections.

use super::{CredentialsInUse, EncryptedLimits, Inside};
use crate::server::counters::{Counters, Counts};
use crate::server::descriptors::room_for;
use crate::server::limits::{Permit, Permits};
use crate::server::responder::Responder;
use crate::server::tcp::{BACK_OFF, of_one_connection};
use rustls::ServerConfig;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Octets of records that wait within TLS for the client's side: more wait in front of it, and are counted there.
const SEND_BUFFER: usize = 16 << 10;

/// Limits and credentials of all encrypted connections.
#[derive(Debug)]
pub(super) struct Door {
    credentials: CredentialsInUse,
    handshakes: Arc<Permits>,
    connections: Arc<Permits>,
    limits: EncryptedLimits,
}

/// What connections of one kind over TCP are.
pub(super) trait Kind: Copy + Send + 'static {
    /// The settings of TLS that they are met with.
    fn config(self, credentials: &super::Credentials) -> Arc<ServerConfig>;

    /// Serves one to its end.
    fn serve<R: Responder>(
        self,
        stream: TlsStream<TcpStream>,
        address: IpAddr,
        inside: Arc<Inside<R>>,
        permit: &Permit,
        stopped: watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + Send;
}

impl Door {
    pub(super) fn new(
        limits: &EncryptedLimits,
        credentials: CredentialsInUse,
        descriptors_kept: usize,
    ) -> Door {
        let per_address = limits.connections.max_connections_per_address;
        let kept = descriptors_kept.saturating_add(limits.max_handshakes);
        Door {
            credentials,
            handshakes: Permits::new(limits.max_handshakes, per_address),
            connections: Permits::new(room_for(limits.connections.max_connections, kept), per_address),
            limits: limits.clone(),
        }
    }

    /// A place for a handshake.
    pub(super) fn handshake(&self, address: IpAddr, counters: &Counters) -> Option<Permit> {
        let permit = self.handshakes.acquire(address);
        if permit.is_none() {
            counters.add(Counts { refused: 1, ..Counts::default() });
        }
        permit
    }

    /// A place for a connection.
    pub(super) fn connection(&self, address: IpAddr, counters: &Counters) -> Option<Permit> {
        let permit = self.connections.acquire(address);
        let (accepted, refused) = (u64::from(permit.is_some()), u64::from(permit.is_none()));
        let displaced = permit.as_ref().is_some_and(|permit| permit.is_anothers).into();
        counters.add(Counts { refused, displaced, accepted, ..Counts::default() });
        permit
    }

    pub(super) fn credentials(&self) -> Arc<super::Credentials> {
        self.credentials.load()
    }

    /// The end of a handshake, unless it fails, takes too long, or has to give way.
    pub(super) async fn within_limits<T, E>(
        &self,
        handshake: impl Future<Output = Result<T, E>>,
        permit: Permit,
        counters: &Counters,
    ) -> Option<T> {
        let done = tokio::select! {
            done = timeout(self.limits.handshake_timeout, handshake) => done.ok().and_then(Result::ok),
            () = permit.told_to_go() => None,
        };
        if done.is_none() {
            counters.add(Counts { handshakes_failed: 1, ..Counts::default() });
        }
        done
    }
}

/// Accepts connections over TCP and serves each in a task of its own.
pub(super) async fn accept<R: Responder, K: Kind>(
    listener: TcpListener,
    kind: K,
    inside: Arc<Inside<R>>,
    mut stopped: watch::Receiver<bool>,
    task: mpsc::Sender<()>,
) {
    let mut failing = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        match accepted {
            Ok((stream, client)) => {
                failing = false;
                let address = client.ip();
                let Some(handshake) = inside.shared.door.handshake(address, &inside.counters) else {
                    continue;
                };
                let (inside, stopped, task) = (Arc::clone(&inside), stopped.clone(), task.clone());
                tokio::spawn(async move {
                    meet(stream, address, kind, handshake, inside, stopped).await;
                    drop(task);
                });
            }
            Err(error) => {
                inside.counters.add(Counts { errors: 1, ..Counts::default() });
                // Those of the one connection pass at once; the others would come back.
                if !of_one_connection(&error) {
                    if !failing {
                        tracing::warn!("cannot accept encrypted connections: {error}; trying on");
                    }
                    failing = true;
                    sleep(BACK_OFF).await;
                }
            }
        }
    }
}

/// Shakes hands and serves.
async fn meet<R: Responder, K: Kind>(
    stream: TcpStream,
    address: IpAddr,
    kind: K,
    handshake: Permit,
    inside: Arc<Inside<R>>,
    stopped: watch::Receiver<bool>,
) {
    let door = &inside.shared.door;
    let acceptor = TlsAcceptor::from(kind.config(&door.credentials()));
    let shaking = acceptor.accept_with(stream, |session| session.set_buffer_limit(Some(SEND_BUFFER)));
    let Some(stream) = door.within_limits(shaking, handshake, &inside.counters).await else { return };
    let Some(permit) = door.connection(address, &inside.counters) else { return };
    tokio::select! {
        () = kind.serve(stream, address, Arc::clone(&inside), &permit, stopped) => {}
        () = permit.told_to_go() => {}
    }
    inside.counters.add(Counts { closed: 1, ..Counts::default() });
}
