//! Listening, and connections within limits.

use super::Listeners;
use super::connection::{self, Place};
use super::routes::routes;
use super::state::State;
use crate::server::Permits;
use axum::Router;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 128;

/// Octets of a connection's buffers in the kernel, which takes twice that.
const RECEIVE_BUFFER: usize = 8 << 10;
const SEND_BUFFER: usize = 64 << 10;

/// The pause after an accept that failed for want of descriptors or memory.
const BACK_OFF: Duration = Duration::from_millis(100);

/// What a listener is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// Probes and metrics.
    Probes,
    /// Also the API.
    Api,
}

impl Door {
    /// Connections in total, and of one client. A few clients ask here, now and then; where all places are taken, the
    /// oldest gives way, so that whoever holds many keeps no probe out.
    fn connections(self) -> (usize, usize) {
        match self {
            Door::Probes => (64, 16),
            Door::Api => (32, 16),
        }
    }
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for HTTP: {error}; `[admin]` in the settings says where it should be")]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// What the system said.
    pub error: io::Error,
}

/// Listens at all addresses of a door.
pub(super) fn bind(listeners: &Listeners) -> Result<Vec<TcpListener>, BindError> {
    let mut bound = Vec::new();
    for &address in &listeners.addresses {
        match listen(address) {
            Ok(listener) => bound.push(listener),
            Err(error) if listeners.optional || has_no_ipv6(address, &error) => {
                tracing::warn!("{}; going on without it", BindError { address, error });
            }
            Err(error) => return Err(BindError { address, error }),
        }
    }
    Ok(bound)
}

/// Whether it is `[::]` on a host without IPv6.
fn has_no_ipv6(address: SocketAddr, error: &io::Error) -> bool {
    address.ip() == std::net::Ipv6Addr::UNSPECIFIED
        && error.raw_os_error().is_some_and(|code| {
            matches!(
                nix::errno::Errno::from_raw(code),
                nix::errno::Errno::EAFNOSUPPORT | nix::errno::Errno::EADDRNOTAVAIL
            )
        })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // On Linux this allows connections of an earlier server in TIME_WAIT, never a second listener.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    // Before listening: connections inherit them. Best effort.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    let _ = socket.set_send_buffer_size(SEND_BUFFER);
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Serves a door, for ever.
pub(super) async fn serve(listeners: Vec<TcpListener>, door: Door, state: Arc<State>) {
    let (total, of_one) = door.connections();
    let permits = Permits::new(total, of_one);
    let routes = routes(door, state);
    let mut accepting = JoinSet::new();
    for listener in listeners {
        match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => drop(accepting.spawn(accept(listener, Arc::clone(&permits), routes.clone()))),
            Err(error) => tracing::error!("cannot serve HTTP: {error}"),
        }
    }
    while accepting.join_next().await.is_some() {}
    std::future::pending::<()>().await;
}

async fn accept(listener: tokio::net::TcpListener, permits: Arc<Permits>, routes: Router) {
    loop {
        let Ok((stream, client)) = listener.accept().await else {
            tokio::time::sleep(BACK_OFF).await;
            continue;
        };
        let (Some(permit), Ok(local)) = (permits.acquire(client.ip()), stream.local_addr()) else { continue };
        let place = Place { local, client };
        let routes = routes.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = connection::serve(stream, place, routes) => {}
                () = permit.told_to_go() => {}
            }
        });
    }
}
