//! Clients of the encrypted transports as they should not be, who speak TLS, HTTP/2 and QUIC all the same: in a process of
//! their own, as [`crate::attack`] has those that need not.

use crate::attack::{PER_ADDRESS, Target};
use crate::credentials::NAME;
use h2::client::SendRequest;
use quinn::crypto::rustls::QuicClientConfig;
use std::convert::Infallible;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, version::TLS13};

/// What they do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Shake hands, ask, read the answer and come again, as fast as they can.
    Handshakes,
    /// Begin as many queries as the server takes at a time, and end none.
    Streams,
    /// Begin a handshake and leave.
    Leave,
}

/// Where a child finds the certificate that servers show.
pub const AUTHORITY: &str = "LOAD_AUTHORITY";

/// Of those that come again as fast as they can, how many do so at a time: more than take turns on one CPU.
const BUSY: usize = 64;

/// How many shake hands at a time where connections are to stay: more would push each other out.
const SHAKING: usize = 16;

/// Queries begun on one connection: the server takes 128 over HTTP/2 and 64 over QUIC.
const STREAMS: usize = 128;

/// How long those stay who leave in the middle of a handshake: within it, on one machine.
const STAY: Duration = Duration::from_micros(200);

/// Between two lines that tell how many there were.
const PAUSE: Duration = Duration::from_millis(20);

/// The first message of a handshake.
pub fn hello(authority: &Path) -> io::Result<Vec<u8>> {
    let name = ServerName::try_from(NAME).map_err(io::Error::other)?;
    let config = config(authority, b"dot")?;
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let mut message = Vec::new();
    connection.write_tls(&mut message)?;
    Ok(message)
}

fn config(authority: &Path, protocol: &[u8]) -> io::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(authority).map_err(io::Error::other)?)
        .map_err(io::Error::other)?;
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_protocol_versions(&[&TLS13]).map_err(io::Error::other)?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    // Each handshake is a whole one.
    config.resumption = tokio_rustls::rustls::client::Resumption::disabled();
    Ok(config)
}

/// What all of them share.
struct Shared {
    kind: Kind,
    server: SocketAddr,
    config: Arc<ClientConfig>,
    /// A query with its length before it.
    framed: Vec<u8>,
    shaking: tokio::sync::Semaphore,
    opened: AtomicU64,
    closed: AtomicU64,
}

/// Has `count` clients misbehave, and tells how many connections were opened, and how many of them the server has closed.
pub fn run(
    (kind, target): (Kind, Target),
    server: SocketAddr,
    count: usize,
    query: &[u8],
    authority: &Path,
) -> io::Result<()> {
    let protocol: &[u8] = match target {
        Target::Https => b"h2",
        Target::Quic => b"doq",
        _ => b"dot",
    };
    // RFC 9250 4.2.1: the id is 0.
    let query = [&[0, 0], query.get(2..).unwrap_or_default()].concat();
    let shared = Arc::new(Shared {
        kind,
        server,
        config: Arc::new(config(authority, protocol)?),
        framed: [&(query.len() as u16).to_be_bytes()[..], &query].concat(),
        shaking: tokio::sync::Semaphore::new(if kind == Kind::Streams { SHAKING } else { BUSY }),
        opened: AtomicU64::new(0),
        closed: AtomicU64::new(0),
    });
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let count = if kind == Kind::Streams { count } else { count.min(BUSY) };
        let mut endpoints = Vec::new();
        for number in 0..count {
            if target == Target::Quic && number % PER_ADDRESS == 0 {
                let mut endpoint = quinn::Endpoint::client(SocketAddr::new(from(number), 0))?;
                let config =
                    QuicClientConfig::try_from(Arc::clone(&shared.config)).map_err(io::Error::other)?;
                endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(config)));
                endpoints.push(endpoint);
            }
            let (shared, endpoint) = (Arc::clone(&shared), endpoints.last().cloned());
            tokio::spawn(async move {
                loop {
                    // Whoever is turned away comes again.
                    if shared.once(number, endpoint.as_ref()).await.is_err() {
                        shared.closed.fetch_add(1, Ordering::Relaxed);
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            });
        }
        loop {
            let counts = [&shared.opened, &shared.closed].map(|count| count.load(Ordering::Relaxed));
            // Whoever listens may have gone: then this is to end, too.
            writeln!(io::stdout(), "{} {}", counts[0], counts[1])?;
            tokio::time::sleep(PAUSE).await;
        }
    })
}

/// The address of a client.
fn from(number: usize) -> IpAddr {
    let host = number / PER_ADDRESS;
    Ipv4Addr::new(127, 1, (host / 250) as u8, (host % 250) as u8 + 1).into()
}

type Ended = Result<(), Box<dyn std::error::Error + Send + Sync>>;

impl Shared {
    /// One connection, until it ends. An error where the server has ended it.
    async fn once(&self, number: usize, endpoint: Option<&quinn::Endpoint>) -> Ended {
        match (self.kind, endpoint) {
            (Kind::Leave, Some(endpoint)) => {
                let connecting = endpoint.connect(self.server, NAME)?;
                self.opened.fetch_add(1, Ordering::Relaxed);
                let _ = tokio::time::timeout(STAY, connecting).await;
                Ok(())
            }
            (_, Some(endpoint)) => {
                let turn = self.shaking.acquire().await?;
                let connection = endpoint.connect(self.server, NAME)?.await?;
                drop(turn);
                self.opened.fetch_add(1, Ordering::Relaxed);
                self.by_quic(&connection).await
            }
            (Kind::Streams, None) => {
                let stream = self.connect(number).await?;
                let (sender, connection) = h2::client::handshake(stream).await?;
                let held = self.hold(sender);
                let (ended, held) = tokio::join!(connection, held);
                drop(held);
                ended.map_err(Into::into).and(Err("the server has ended it".into()))
            }
            (Kind::Leave | Kind::Handshakes, None) => {
                let mut stream = self.connect(number).await?;
                stream.write_all(&self.framed).await?;
                let length = stream.read_u16().await?;
                stream.read_exact(&mut vec![0; length.into()]).await?;
                Ok(())
            }
        }
    }

    async fn connect(&self, number: usize) -> io::Result<TlsStream<TcpStream>> {
        let _turn = self.shaking.acquire().await.map_err(io::Error::other)?;
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(from(number), 0))?;
        let stream = socket.connect(self.server).await?;
        let name = ServerName::try_from(NAME).map_err(io::Error::other)?;
        let stream = TlsConnector::from(Arc::clone(&self.config)).connect(name, stream).await?;
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(stream)
    }

    /// Begins queries over HTTP/2 and keeps them as they are, until the connection ends.
    async fn hold(&self, mut sender: SendRequest<bytes::Bytes>) -> Result<Infallible, h2::Error> {
        let mut held = Vec::new();
        let half = bytes::Bytes::copy_from_slice(&self.framed[2..self.framed.len() / 2]);
        for _ in 0..STREAMS {
            sender = sender.ready().await?;
            let request = http::Request::post(format!("https://{NAME}/dns-query"));
            let request = request.header("content-type", "application/dns-message").body(());
            let Ok(request) = request else { break };
            let (answer, mut body) = sender.send_request(request, false)?;
            body.send_data(half.clone(), false)?;
            held.push((answer, body));
        }
        std::future::pending().await
    }

    async fn by_quic(&self, connection: &quinn::Connection) -> Ended {
        if self.kind == Kind::Handshakes {
            let (mut send, mut receive) = connection.open_bi().await?;
            send.write_all(&self.framed).await?;
            send.finish()?;
            receive.read_to_end(usize::from(u16::MAX)).await?;
            connection.close(quinn::VarInt::from_u32(0), b"");
            return Ok(());
        }
        let mut held = Vec::new();
        for _ in 0..STREAMS / 2 {
            let (mut send, receive) = connection.open_bi().await?;
            send.write_all(&self.framed[..self.framed.len() / 2]).await?;
            held.push((send, receive));
        }
        Err(connection.closed().await.into())
    }
}
