//! Clients of TCP as they should not be, in a process of their own: they run until they are ended.
//!
//! They come from 127.1.0.0/16, fewer from one address than the server allows, so that nothing but its limit in total
//! holds them back. Every line that is printed has the connections opened and those closed by the server until then.

#[cfg(feature = "encrypted")]
use crate::attack_encrypted::Kind as Encrypted;
use load::process::Server;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrStorage, bind, connect, setsockopt, socket,
    sockopt,
};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

/// What they do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Ask as much as is taken, and never read.
    SlowReaders,
    /// Send an octet in each round: the even ones queries, the odd ones a message of 64 KiB that never ends.
    SlowWriters,
    /// Ten times as many as may be, which say nothing.
    TenTimes,
    /// Ask, close their direction within a message, and never read.
    HalfClosed,
    /// Ask, and reset in the next round.
    Resets,
    /// Open and close, as fast as they can.
    Opens,
    /// Ask, read all of the answer, and come again, as fast as they can.
    Pages,
    /// What takes whole handshakes.
    #[cfg(feature = "encrypted")]
    Encrypted(crate::attack_encrypted::Kind),
}

/// Where they do it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Where queries are answered.
    Dns,
    /// Where probes and metrics are, with this path.
    Probes(&'static str),
    /// Where what is served is told, with this path.
    Api(&'static str),
    /// Where queries are answered over TLS.
    #[cfg(feature = "encrypted")]
    Tls,
    /// The same over HTTPS.
    #[cfg(feature = "encrypted")]
    Https,
    /// The same over QUIC.
    #[cfg(feature = "encrypted")]
    Quic,
}

/// Which rows are measured together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Dns,
    Http,
    #[cfg(feature = "encrypted")]
    Encrypted,
}

impl Target {
    /// Its address.
    pub fn of(self, server: &Server) -> Option<SocketAddr> {
        match self {
            #[cfg(feature = "encrypted")]
            Target::Tls => server.encrypted.first().copied(),
            #[cfg(feature = "encrypted")]
            Target::Https => server.encrypted.get(1).copied(),
            #[cfg(feature = "encrypted")]
            Target::Quic => server.encrypted.get(2).copied(),
            Target::Dns => Some(server.address),
            Target::Probes(_) => server.http.first().copied(),
            Target::Api(_) => server.http.get(1).copied(),
        }
    }

    pub fn door(self) -> Door {
        match self {
            Target::Dns => Door::Dns,
            Target::Probes(_) | Target::Api(_) => Door::Http,
            #[cfg(feature = "encrypted")]
            Target::Tls | Target::Https | Target::Quic => Door::Encrypted,
        }
    }

    /// What is asked there. Over encrypted transports, the beginning of a handshake.
    pub fn question(self, query: &[u8]) -> std::io::Result<Vec<u8>> {
        Ok(match self {
            #[cfg(feature = "encrypted")]
            Target::Tls | Target::Https | Target::Quic => crate::attack_encrypted::hello(&authority()?)?,
            Target::Dns => [&(query.len() as u16).to_be_bytes(), query].concat(),
            Target::Probes(path) | Target::Api(path) => {
                format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
            }
        })
    }
}

/// Where the certificate is that servers show.
#[cfg(feature = "encrypted")]
pub fn authority() -> io::Result<std::path::PathBuf> {
    let path = std::env::var_os(crate::attack_encrypted::AUTHORITY);
    path.map(Into::into).ok_or_else(|| io::Error::other("no certificate is named"))
}

/// The word on the command line, the label in the table, what they do, how many connections as a multiple of the limit,
/// and where.
pub type Row = (&'static str, &'static str, Kind, usize, Target);

/// All of them.
pub const KINDS: &[Row] = &[
    ("slow-readers", "ask and never read", Kind::SlowReaders, 1, Target::Dns),
    ("slow-writers", "an octet at a time", Kind::SlowWriters, 1, Target::Dns),
    ("ten-times", "10 x limit, silent", Kind::TenTimes, 10, Target::Dns),
    ("half-closed", "half-closed, unread", Kind::HalfClosed, 1, Target::Dns),
    ("resets", "resets", Kind::Resets, 1, Target::Dns),
    ("opens", "flood of opens", Kind::Opens, 10, Target::Dns),
    ("http-metrics", "/metrics for ever", Kind::Pages, 1, Target::Probes("/metrics")),
    ("http-pages", "dear pages for ever", Kind::Pages, 1, Target::Api("/api/v1/sets?limit=1000")),
    (
        "http-slow-readers",
        "ask and never read",
        Kind::SlowReaders,
        10,
        Target::Api("/api/v1/sets?limit=1000"),
    ),
    ("http-slow-writers", "an octet at a time", Kind::SlowWriters, 10, Target::Probes("/metrics")),
    ("http-ten-times", "4,000, silent", Kind::TenTimes, 10, Target::Probes("/metrics")),
    ("http-opens", "flood of opens", Kind::Opens, 10, Target::Probes("/metrics")),
    #[cfg(feature = "encrypted")]
    ("tls-hellos", "TLS: hello and reset", Kind::Resets, 1, Target::Tls),
    #[cfg(feature = "encrypted")]
    ("tls-slow", "TLS: octet by octet", Kind::SlowWriters, 1, Target::Tls),
    #[cfg(feature = "encrypted")]
    ("tls-silent", "TLS: 4,000, silent", Kind::TenTimes, 10, Target::Tls),
    #[cfg(feature = "encrypted")]
    ("tls-opens", "TLS: flood of opens", Kind::Opens, 10, Target::Tls),
    #[cfg(feature = "encrypted")]
    ("tls-handshakes", "TLS: handshakes", Kind::Encrypted(Encrypted::Handshakes), 1, Target::Tls),
    #[cfg(feature = "encrypted")]
    ("https-streams", "HTTPS: half a query", Kind::Encrypted(Encrypted::Streams), 1, Target::Https),
    #[cfg(feature = "encrypted")]
    ("quic-leave", "QUIC: hello and leave", Kind::Encrypted(Encrypted::Leave), 1, Target::Quic),
    #[cfg(feature = "encrypted")]
    ("quic-handshakes", "QUIC: handshakes", Kind::Encrypted(Encrypted::Handshakes), 1, Target::Quic),
    #[cfg(feature = "encrypted")]
    ("quic-streams", "QUIC: half a query", Kind::Encrypted(Encrypted::Streams), 1, Target::Quic),
];

/// Connections from one address.
pub const PER_ADDRESS: usize = 100;

/// Between two rounds over all connections.
const PAUSE: Duration = Duration::from_millis(20);

/// Connections opened in one round, at most: 2,000 in a second.
const OPENED: usize = 40;

/// Queries written at a time by those that never read.
const PIPELINED: usize = 50;

/// A bad client.
struct Client {
    stream: TcpStream,
    /// Octets written.
    sent: usize,
}

/// Opens `count` connections to `server`, opens those anew that have ended, and misbehaves on all.
pub fn run(kind: Kind, server: SocketAddr, count: usize, framed: &[u8]) -> io::Result<()> {
    let SocketAddr::V4(server) = server else { return Err(io::Error::other("no IPv4 address")) };
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    let pipelined = framed.repeat(PIPELINED);
    let mut clients: Vec<Option<Client>> = (0..count).map(|_| None).collect();
    let (mut first, mut opened, mut closed) = (0, 0_u64, 0_u64);
    loop {
        closed += forget_closed(&mut clients)?;
        let mut openings = if kind == Kind::Opens { count } else { OPENED };
        for step in 0..count {
            let number = (first + step) % count;
            let client = &mut clients[number];
            if let Some(bad) = client {
                if !misbehave(kind, number, bad, framed, &pipelined) {
                    *client = None;
                }
            } else if openings > 0 {
                openings -= 1;
                // Where the queue is full, it comes again.
                if let Ok(stream) = open(server, number) {
                    opened += 1;
                    *client = (kind != Kind::Opens).then_some(Client { stream, sent: 0 });
                }
                if openings == 0 {
                    first = number + 1;
                }
            }
        }
        // Whoever listens may have gone: then this is to end, too.
        writeln!(io::stdout(), "{opened} {closed}")?;
        if !matches!(kind, Kind::Opens | Kind::Pages) {
            std::thread::sleep(PAUSE);
        }
    }
}

/// Drops those that the server has closed, whether or not they have read what came before; how many.
fn forget_closed(clients: &mut [Option<Client>]) -> io::Result<u64> {
    // Not among nix's: the other side sends no more.
    let ended = PollFlags::from_bits_retain(nix::libc::POLLRDHUP);
    let open: Vec<&Client> = clients.iter().flatten().collect();
    let mut descriptors: Vec<PollFd<'_>> =
        open.iter().map(|client| PollFd::new(client.stream.as_fd(), ended)).collect();
    poll(&mut descriptors, PollTimeout::ZERO)?;
    // Flags that nix does not know are `None`.
    let has_ended: Vec<bool> = descriptors
        .iter()
        .map(|descriptor| descriptor.revents().is_none_or(|flags| !flags.is_empty()))
        .collect();
    drop(descriptors);
    let mut count = 0;
    for (client, has_ended) in clients.iter_mut().filter(|client| client.is_some()).zip(has_ended) {
        if has_ended {
            *client = None;
            count += 1;
        }
    }
    Ok(count)
}

/// One step on a connection; whether it goes on.
fn misbehave(kind: Kind, number: usize, client: &mut Client, framed: &[u8], pipelined: &[u8]) -> bool {
    match kind {
        Kind::SlowReaders => {
            // From within the query where the last write ended.
            client.write(&pipelined[client.sent % framed.len()..]);
            true
        }
        Kind::SlowWriters => {
            let octet = if number.is_multiple_of(2) { framed[client.sent % framed.len()] } else { 0xff };
            client.write(&[octet]);
            true
        }
        Kind::HalfClosed => {
            if client.sent == 0 {
                client.write(&pipelined[..pipelined.len() - framed.len() / 2]);
                let _ = client.stream.shutdown(Shutdown::Write);
            }
            true
        }
        Kind::Resets => {
            if client.sent == 0 {
                client.write(&framed.repeat(3));
                return true;
            }
            let at_once = nix::libc::linger { l_onoff: 1, l_linger: 0 };
            let _ = setsockopt(&client.stream, sockopt::Linger, &at_once);
            false
        }
        Kind::Pages => {
            if client.sent == 0 {
                client.write(framed);
            }
            client.reads_on()
        }
        Kind::TenTimes | Kind::Opens => true,
        #[cfg(feature = "encrypted")]
        Kind::Encrypted(_) => true,
    }
}

impl Client {
    /// Writes what is taken at once.
    fn write(&mut self, octets: &[u8]) {
        self.sent += self.stream.write(octets).unwrap_or(0);
    }

    /// Reads what there is; whether more may come.
    fn reads_on(&mut self) -> bool {
        let mut octets = [0; 16 << 10];
        loop {
            match self.stream.read(&mut octets) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) => return matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected),
            }
        }
    }
}

/// A connection that is being made, from the address of its number.
fn open(server: SocketAddrV4, number: usize) -> io::Result<TcpStream> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket = socket(AddressFamily::Inet, SockType::Stream, flags, None)?;
    let host = number / PER_ADDRESS;
    let from = Ipv4Addr::new(127, 1, (host / 250) as u8, (host % 250) as u8 + 1);
    bind(socket.as_raw_fd(), &SockaddrStorage::from(SocketAddrV4::new(from, 0)))?;
    match connect(socket.as_raw_fd(), &SockaddrIn::from(server)) {
        Ok(()) | Err(nix::errno::Errno::EINPROGRESS) => Ok(TcpStream::from(socket)),
        Err(error) => Err(error.into()),
    }
}
