//! DNS over TLS (RFC 7858): connections as those over TCP, within TLS.

use super::door::Kind;
use super::{Credentials, Inside};
use crate::server::connection::{self, Begun};
use crate::server::limits::Permit;
use crate::server::responder::Responder;
use rustls::ServerConfig;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

/// How long the word that nothing more comes may take to leave (RFC 8446 6.1, close_notify).
const GOODBYE: Duration = Duration::from_secs(1);

/// Its connections.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dot;

impl Kind for Dot {
    fn config(self, credentials: &Credentials) -> Arc<ServerConfig> {
        Arc::clone(&credentials.tls)
    }

    async fn serve<R: Responder>(
        self,
        mut stream: TlsStream<TcpStream>,
        address: IpAddr,
        inside: Arc<Inside<R>>,
        permit: &Permit,
        stopped: watch::Receiver<bool>,
    ) {
        let (shared, place) = (&inside.dot, permit.place());
        connection::serve(&mut stream, Begun::default(), address, shared, place, stopped).await;
        // Whoever does not take it has gone.
        let _ = timeout(GOODBYE, stream.shutdown()).await;
    }
}
