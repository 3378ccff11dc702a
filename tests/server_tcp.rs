//! The TCP side of the server, without DNS: limits, framing, stopping. Timeouts are tested with a clock that stands
//! still, beside the code.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/echo.rs"]
mod echo;

use echo::{LIMITS, start};
use rosterd::server::{BindError, Server, ServerConfig, StartError, TcpLimits, UdpOptions};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Bounds every wait; never reached when all is well.
const BOUND: Duration = Duration::from_secs(60);

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(BOUND)).unwrap();
    stream.set_write_timeout(Some(BOUND)).unwrap();
    stream
}

fn frame(message: &[u8]) -> Vec<u8> {
    [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
}

fn receive(stream: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut answer).unwrap();
    answer
}

fn ask(stream: &mut TcpStream, message: &[u8]) -> Vec<u8> {
    stream.write_all(&frame(message)).unwrap();
    receive(stream)
}

/// Whether the other side has closed without a word.
fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(length) => length == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[test]
fn pipelined_and_split_queries_are_answered_in_order() {
    let (_server, address) = start(&["127.0.0.1:0"], LIMITS);
    let mut stream = connect(address);
    stream.set_nodelay(true).unwrap();
    let queries: Vec<u8> = (0..500).flat_map(|number| frame(format!("{number}").as_bytes())).collect();
    for piece in queries.chunks(7) {
        stream.write_all(piece).unwrap();
    }
    for number in 0..500 {
        assert_eq!(receive(&mut stream), format!("t 127.0.0.1 {number}").into_bytes());
    }
    assert_eq!(ask(&mut stream, &b"x".repeat(65_000)).len(), 65_012);
    assert_eq!(ask(&mut stream, b"*65535").len(), 65_535);
}

#[test]
fn an_answer_is_one_segment_with_its_length() {
    let (_server, address) = start(&["127.0.0.1:0"], LIMITS);
    let mut stream = connect(address);
    stream.write_all(&frame(b"*1000")).unwrap();
    let mut answer = [0; 2000];
    assert_eq!(stream.read(&mut answer).unwrap(), 1002);
}

#[test]
fn half_closed_connections_get_their_answers() {
    let (_server, address) = start(&["[::1]:0"], LIMITS);
    let mut stream = connect(address);
    stream.write_all(&[frame(b"one"), frame(b"!"), frame(b"two"), b"\0\x09cut".to_vec()].concat()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(receive(&mut stream), b"t ::1 one");
    assert_eq!(receive(&mut stream), b"t ::1 two");
    assert!(is_closed(&mut stream));
}

#[test]
fn a_frame_of_length_zero_closes() {
    let (_server, address) = start(&["127.0.0.1:0"], LIMITS);
    let mut stream = connect(address);
    stream.write_all(&[frame(b"one"), frame(b""), frame(b"two")].concat()).unwrap();
    assert_eq!(receive(&mut stream), b"t 127.0.0.1 one");
    assert!(is_closed(&mut stream));
}

#[test]
fn connections_beyond_a_limit_are_closed_and_places_come_back() {
    let (server, address) = start(&["127.0.0.1:0"], TcpLimits { max_connections_per_address: 3, ..LIMITS });
    let mut streams: Vec<TcpStream> = (0..3).map(|_| connect(address)).collect();
    for stream in &mut streams {
        assert_eq!(ask(stream, b"in"), b"t 127.0.0.1 in");
    }
    for refused in 1..=30 {
        assert!(is_closed(&mut connect(address)));
        assert_eq!(server.counts().refused, refused);
    }
    for stream in &mut streams {
        assert_eq!(ask(stream, b"still"), b"t 127.0.0.1 still");
    }
    drop(streams.pop());
    // The place is free once the server has seen the end.
    let deadline = Instant::now() + BOUND;
    loop {
        let mut stream = connect(address);
        let _ = stream.write_all(&frame(b"again"));
        let mut length = [0; 2];
        if stream.read_exact(&mut length).is_ok() {
            break;
        }
        assert!(Instant::now() < deadline, "no place came back");
    }
    assert_eq!(server.counts().displaced, 0);
}

/// Ten times as many connections as there may be, none of which says a word: whoever comes later and asks is answered,
/// and whoever asks now and then stays.
#[test]
fn silent_connections_give_way_to_new_ones() {
    let limits = TcpLimits { max_connections: 5, max_connections_per_address: 1000, ..LIMITS };
    let (server, address) = start(&["127.0.0.1:0"], limits);
    let mut busy = connect(address);
    assert_eq!(ask(&mut busy, b"first"), b"t 127.0.0.1 first");
    let mut silent = Vec::new();
    for number in 0..50 {
        silent.push(connect(address));
        let mut asking = connect(address);
        let answer = ask(&mut asking, b"new");
        assert_eq!(answer, b"t 127.0.0.1 new", "connection {number}");
        assert_eq!(ask(&mut busy, b"busy"), b"t 127.0.0.1 busy", "after {number}");
    }
    assert!(is_closed(&mut silent[0]));
    // Of 52 that were not closed by their clients, 5 have a place.
    assert!(server.counts().displaced >= 47, "{:?}", server.counts());
}

#[test]
fn a_client_that_never_reads_is_cut_off_and_harms_nobody() {
    let limits = TcpLimits { write_timeout: Duration::from_millis(300), ..LIMITS };
    let (server, address) = start(&["127.0.0.1:0"], limits);
    let mut greedy = connect(address);
    // Asks for far more than the kernel buffers, until the server has had enough.
    let queries = frame(b"*65535").repeat(20);
    let mut other = connect(address);
    let deadline = Instant::now() + BOUND;
    while greedy.write_all(&queries).is_ok() {
        assert_eq!(ask(&mut other, b"other"), b"t 127.0.0.1 other");
        assert!(Instant::now() < deadline, "the greedy client was not cut off");
    }
    assert_eq!(ask(&mut other, b"other"), b"t 127.0.0.1 other");
    drop(other);
    server.shutdown();
}

#[test]
fn idle_connections_are_closed() {
    let limits = TcpLimits { idle_timeout: Duration::from_millis(50), ..LIMITS };
    let (_server, address) = start(&["127.0.0.1:0"], limits);
    let mut stream = connect(address);
    assert!(is_closed(&mut stream));
}

#[test]
fn clients_that_vanish_at_any_point_leave_the_server_whole() {
    let (server, address) = start(&["127.0.0.1:0"], LIMITS);
    for sent in [&b""[..], b"\0", b"\0\x05", b"\0\x05ab", b"\0\x05abcde", b"\0\x06*65535"] {
        for _ in 0..20 {
            let mut stream = connect(address);
            stream.write_all(sent).unwrap();
            // Closing with an answer unread, or soon to arrive, is a reset.
        }
    }
    // All are gone: as many as the limit allows find a place.
    let deadline = Instant::now() + BOUND;
    let mut places = Vec::new();
    while places.len() < LIMITS.max_connections_per_address {
        let mut stream = connect(address);
        let _ = stream.write_all(&frame(b"in"));
        if stream.read_exact(&mut [0; 2]).is_ok() {
            places.push(stream);
        }
        assert!(Instant::now() < deadline, "{} places came back", places.len());
    }
    drop(places);
    server.shutdown();
}

#[test]
fn stopping_lets_begun_messages_finish() {
    let (server, address) = start(&["127.0.0.1:0"], LIMITS);
    let mut begun = connect(address);
    assert_eq!(ask(&mut begun, b"one"), b"t 127.0.0.1 one");
    let mut idle = connect(address);
    assert_eq!(ask(&mut idle, b"one"), b"t 127.0.0.1 one");
    begun.write_all(b"\0\x05be").unwrap();
    let stopping = std::thread::spawn(move || server.shutdown());
    assert!(is_closed(&mut idle), "idle connections end at once");
    begun.write_all(b"gun").unwrap();
    assert_eq!(receive(&mut begun), b"t 127.0.0.1 begun");
    assert!(is_closed(&mut begun));
    stopping.join().unwrap();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_second_server_on_one_port_is_refused() {
    let (_first, address) = start(&["127.0.0.1:0"], LIMITS);
    let config = ServerConfig {
        listen: vec![address],
        workers: 1,
        udp_max: 512,
        udp: UdpOptions::default(),
        tcp: LIMITS,
        descriptors_kept: 0,
    };
    match Server::start(&config, echo::Echo) {
        Err(StartError::Bind(error @ BindError::InUse { .. })) => {
            assert!(
                error.to_string().starts_with(&format!("cannot listen on {address}: the TCP port is in use"))
            );
        }
        other => panic!("{other:?}"),
    }
}
