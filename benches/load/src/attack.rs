//! Clients of TCP as they should not be, in a process of their own: they run until they are ended.
//!
//! They come from 127.1.0.0/16, fewer from one address than the server allows, so that nothing but its limit in total
//! holds them back.

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrStorage, bind, connect, setsockopt, socket,
    sockopt,
};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;

/// What they do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    SlowReaders,
    SlowWriters,
    TenTimes,
    HalfClosed,
    Resets,
}

/// All of them: the word on the command line, the label in the table, how many connections as a multiple of the limit.
pub const KINDS: [(&str, &str, Kind, usize); 5] = [
    ("slow-readers", "ask and never read", Kind::SlowReaders, 1),
    ("slow-writers", "an octet at a time", Kind::SlowWriters, 1),
    ("ten-times", "10 x the limit, silent", Kind::TenTimes, 10),
    ("half-closed", "half-closed, unread", Kind::HalfClosed, 1),
    ("resets", "resets", Kind::Resets, 1),
];

/// Connections from one address.
const PER_ADDRESS: usize = 100;

/// Between two rounds over all connections.
const PAUSE: Duration = Duration::from_millis(20);

/// Connections opened in one round, at most: 2,000 in a second.
const OPENED: usize = 40;

/// Opens `count` connections to `server`, opens those anew that the server has closed, and misbehaves on all.
pub fn run(kind: Kind, server: SocketAddr, count: usize, query: &[u8]) -> io::Result<()> {
    let SocketAddr::V4(server) = server else { return Err(io::Error::other("no IPv4 address")) };
    let (_, hard) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE)?;
    nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE, hard, hard)?;
    let framed = [&(query.len() as u16).to_be_bytes(), query].concat();
    let mut clients: Vec<Option<TcpStream>> = (0..count).map(|_| None).collect();
    let mut first = 0;
    loop {
        let mut opened = 0;
        for step in 0..count {
            let number = (first + step) % count;
            let client = &mut clients[number];
            if let Some(stream) = client {
                if !misbehave(kind, stream, &framed) {
                    *client = None;
                }
            } else if opened < OPENED {
                opened += 1;
                first = number + 1;
                // Where the queue is full, it comes again.
                *client = open(server, number).ok();
            }
        }
        std::thread::sleep(PAUSE);
    }
}

/// One step on a connection; whether it goes on.
fn misbehave(kind: Kind, stream: &mut TcpStream, framed: &[u8]) -> bool {
    match kind {
        // As much as the server takes, until it has closed.
        Kind::SlowReaders => goes_on(stream.write(&framed.repeat(50))),
        Kind::SlowWriters => goes_on(stream.write(&[0])),
        Kind::TenTimes => goes_on(stream.read(&mut [0])),
        Kind::HalfClosed => {
            let _ = stream.write(&[framed, &framed[..framed.len() / 2]].concat());
            let _ = stream.shutdown(Shutdown::Write);
            // Seen without being read: data first, the end behind it.
            goes_on(stream.peek(&mut [0; 2000]).map(|octets| octets.min(1)))
        }
        Kind::Resets => {
            let _ = stream.write(&framed.repeat(3));
            let at_once = nix::libc::linger { l_onoff: 1, l_linger: 0 };
            let _ = setsockopt(stream, sockopt::Linger, &at_once);
            false
        }
    }
}

fn goes_on(done: io::Result<usize>) -> bool {
    match done {
        Ok(octets) => octets > 0,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
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
