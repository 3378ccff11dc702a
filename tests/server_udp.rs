//! The UDP side of the server, without DNS: batches, addresses, sizes, stopping.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/echo.rs"]
mod echo;

use echo::{LIMITS, start};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Bounds every wait; never reached when all is well.
const BOUND: Duration = Duration::from_secs(60);

fn client(from: &str) -> UdpSocket {
    let socket = UdpSocket::bind((from, 0)).unwrap();
    socket.set_read_timeout(Some(BOUND)).unwrap();
    socket
}

fn receive(client: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut answer = vec![0; 65_535];
    let (length, from) = client.recv_from(&mut answer).unwrap();
    answer.truncate(length);
    (answer, from)
}

#[test]
fn every_query_of_many_clients_is_answered_once() {
    let (server, address) = start(&["127.0.0.1:0"], LIMITS);
    let clients: Vec<UdpSocket> = (0..16).map(|_| client("127.0.0.1")).collect();
    for round in 0..20 {
        for (number, client) in clients.iter().enumerate() {
            client.send_to(format!("{number}.{round}").as_bytes(), address).unwrap();
        }
    }
    for (number, client) in clients.iter().enumerate() {
        // A client's queries go to one worker: they are answered in order.
        for round in 0..20 {
            let expected = format!("u 127.0.0.1 {number}.{round}").into_bytes();
            assert_eq!(receive(client), (expected, address));
        }
    }
    server.shutdown();
}

#[test]
fn answers_leave_from_the_address_that_was_asked() {
    let (server, _) = start(&["0.0.0.0:0", "[::]:0"], LIMITS);
    let ports: Vec<u16> = server.local_addresses().iter().map(SocketAddr::port).collect();
    let ask = |from: &str, to: &[&str], port: u16| {
        let client = client(from);
        // Several destinations in one batch: the socket's queue holds them all when the worker wakes, or not.
        for round in 0..50 {
            for to in to {
                let address = SocketAddr::new(to.parse().unwrap(), port);
                client.send_to(format!("{to} {round}").as_bytes(), address).unwrap();
            }
        }
        for round in 0..50 {
            for to in to {
                let (answer, source) = receive(&client);
                assert_eq!(String::from_utf8(answer).unwrap(), format!("u {from} {to} {round}"));
                assert_eq!(source, SocketAddr::new(to.parse::<IpAddr>().unwrap(), port));
            }
        }
    };
    ask("127.0.0.1", &["127.0.0.1", "127.0.0.2", "127.0.0.2", "127.1.2.3"], ports[0]);
    ask("127.0.0.9", &["127.0.0.2"], ports[0]);
    ask("::1", &["::1"], ports[1]);
}

#[test]
fn a_specific_address_of_each_family_answers() {
    let (server, _) = start(&["127.0.0.3:0", "[::1]:0"], LIMITS);
    for (address, from) in server.local_addresses().iter().zip(["127.0.0.1", "::1"]) {
        let client = client(from);
        client.send_to(b"hello", address).unwrap();
        assert_eq!(receive(&client), (format!("u {from} hello").into_bytes(), *address));
    }
}

#[test]
fn sizes_at_the_edges() {
    let (_server, address) = start(&["127.0.0.1:0"], LIMITS);
    let client = client("127.0.0.1");
    client.send_to(b"", address).unwrap();
    client.send_to(b"!no answer", address).unwrap();
    client.send_to(b"*1232", address).unwrap();
    assert_eq!(receive(&client).0.len(), 1232);
    // Larger than any query: only as much as a header is looked at, whatever follows.
    for length in [4161, 9000, 65_507] {
        client.send_to(&b"q".repeat(length), address).unwrap();
        assert_eq!(receive(&client).0, b"u 127.0.0.1 qqqqqqqqqqqq", "{length}");
    }
    client.send_to(&b"q".repeat(1000), address).unwrap();
    assert_eq!(receive(&client).0.len(), 1012);
}

#[test]
fn rotation_moves_with_each_query() {
    let (_server, address) = start(&["127.0.0.1:0"], LIMITS);
    let client = client("127.0.0.1");
    let mut rotations = Vec::new();
    for _ in 0..5 {
        client.send_to(b"r", address).unwrap();
        rotations.push(u32::from_be_bytes(receive(&client).0.try_into().unwrap()));
    }
    assert!(rotations.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "{rotations:?}");
}

#[test]
fn what_arrived_before_the_stop_is_answered_and_counted() {
    let (server, address) = start(&["127.0.0.1:0"], LIMITS);
    let client = client("127.0.0.1");
    for number in 0..100 {
        client.send_to(format!("{number}").as_bytes(), address).unwrap();
    }
    client.send_to(b"!", address).unwrap();
    server.shutdown();
    for number in 0..100 {
        assert_eq!(receive(&client).0, format!("u 127.0.0.1 {number}").into_bytes());
    }
    UdpSocket::bind(address).expect("the port is free again");
}

#[test]
fn counts_add_up() {
    let (server, address) = start(&["127.0.0.1:0"], LIMITS);
    let client = client("127.0.0.1");
    for query in [&b"!"[..], b"", b"a", b"b"] {
        client.send_to(query, address).unwrap();
    }
    for _ in 0..2 {
        receive(&client);
    }
    // Answers may arrive before all of their batch is counted.
    let deadline = Instant::now() + BOUND;
    let counted = || {
        let counts = server.counts();
        (counts.queries, counts.replies, counts.drops, counts.errors)
    };
    while counted() != (4, 2, 2, 0) && Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert_eq!(counted(), (4, 2, 2, 0));
}
