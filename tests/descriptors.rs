//! File descriptors run out: connections wait until there are some again, and datagrams are answered meanwhile. In a
//! process of its own, as every test would feel it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "support/echo.rs"]
mod echo;

use echo::{LIMITS, start};
use nix::sys::resource::{Resource, setrlimit};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// Bounds every wait; never reached when all is well.
const BOUND: Duration = Duration::from_secs(60);

#[test]
fn connections_wait_until_there_are_descriptors_again() {
    // The server raises the soft limit to the hard one.
    setrlimit(Resource::RLIMIT_NOFILE, 200, 200).unwrap();
    let (server, address) = start(&["127.0.0.1:0"], LIMITS);
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.connect(address).unwrap();
    udp.set_read_timeout(Some(BOUND)).unwrap();

    let mut rest: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert!(!rest.is_empty());
    // One for the client, none for the server's side of the connection.
    rest.pop();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(BOUND)).unwrap();
    stream.write_all(b"\0\x05query").unwrap();

    let deadline = Instant::now() + BOUND;
    while server.counts().errors < 3 {
        udp.send(b"query").unwrap();
        let mut answer = [0; 100];
        let length = udp.recv(&mut answer).unwrap();
        assert!(answer.starts_with(b"u 127.0.0.1 query") && length == 17);
        assert!(Instant::now() < deadline, "{:?}", server.counts());
    }
    // It tries again at its leisure.
    let counts = server.counts();
    assert!(counts.replies > counts.errors, "{counts:?}");

    drop(rest);
    let mut answer = [0; 19];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"\0\x11t 127.0.0.1 query");
}
