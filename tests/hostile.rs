//! Anything at all at the real sockets: at most one answer, never one to an answer, and a server that goes on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "support/client.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod client;
#[path = "support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;

use client::{Transport, ask};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use rosterd::{PATIENCE, Rosterd};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};

/// Messages of one test.
const MESSAGES: u16 = 2_000;

/// Datagrams that are sent before their answers are read; divides the above.
const BATCH: u16 = 16;

/// QR, in the third octet of a message: it is an answer (RFC 1035 4.1.1).
const QR: u8 = 0x80;

/// Octets of a header (RFC 1035 4.1.1): who sends fewer cannot be answered.
const HEADER: usize = 12;

fn server() -> Rosterd {
    Rosterd::start(include_str!("data/schema.yaml"), "reverse_zones = [\"10.0.0.0/8\"]\n[server]")
}

/// A query as clients send it.
fn a_query() -> impl Strategy<Value = Vec<u8>> {
    let name = select(vec![
        &b"\x05myapp\x07default\x03svc\x05peers\x07cluster\x05local\0"[..],
        b"\x05_http\x04_tcp\x05myapp\x07default\x03svc\x05peers\x07cluster\x05local\0",
        b"\x0810-0-0-1\x07default\x03pod\x07cluster\x05local\0",
        b"\x011\x010\x010\x0210\x07in-addr\x04arpa\0",
        b"\x05peers\x07cluster\x05local\0",
        b"\0",
    ]);
    // A, SOA, PTR, TXT, SRV, IXFR, AXFR, ANY.
    let record_type = select(vec![1_u16, 6, 12, 16, 33, 251, 252, 255]);
    (name, record_type, any::<bool>()).prop_map(|(name, record_type, edns)| {
        let counts = [0, 1, 0, 0, 0, 0, 0, u8::from(edns)];
        let opt = &b"\0\0\x29\x04\xd0\0\0\0\0\0\x0c\0\x0a\0\x08abcdefgh"[..];
        let opt = if edns { opt } else { &[] };
        [b"\0\0\x01\0", &counts[..], name, &record_type.to_be_bytes(), b"\0\x01", opt].concat()
    })
}

/// Noise, a query, or a query of which octets were changed, put in or cut off.
fn a_message() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<Index>(), any::<u8>(), 0..3_u8);
    let mutated = (a_query(), prop::collection::vec(change, 0..8)).prop_map(|(mut query, changes)| {
        for (place, octet, how) in changes {
            let place = place.index(query.len());
            match how {
                0 => query[place] = octet,
                1 => query.insert(place, octet),
                _ if place > 2 => query.truncate(place),
                _ => {}
            }
        }
        query
    });
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..80),
        1 => prop::collection::vec(any::<u8>(), 400..1_400),
        8 => mutated,
    ]
}

/// Messages, each with an id of its own where it is long enough for one.
fn messages() -> Vec<Vec<u8>> {
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let strategy = a_message();
    (0..MESSAGES)
        .map(|id| {
            let mut message = strategy.new_tree(&mut runner).unwrap().current();
            if let Some(octets) = message.first_chunk_mut() {
                *octets = id.to_be_bytes();
            }
            message
        })
        .collect()
}

/// Whether there has to be an answer: `None` where that is for the server to say.
fn wants_answer(message: &[u8]) -> Option<bool> {
    match message {
        short if short.len() < HEADER => Some(false),
        answer if answer[2] & QR != 0 => Some(false),
        // One question, the root, SOA: nothing is wrong with it.
        [_, _, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 1] => Some(true),
        _ => None,
    }
}

/// Holds answers against the messages that they answer, by id.
fn hold(messages: &[Vec<u8>], answers: &[Vec<u8>]) {
    let mut count: BTreeMap<u16, usize> = BTreeMap::new();
    for answer in answers {
        let id = u16::from_be_bytes(*answer.first_chunk().expect("an id"));
        assert!(answer.len() >= HEADER && answer[2] & QR != 0, "no answer: {}", answer.escape_ascii());
        *count.entry(id).or_default() += 1;
    }
    assert!(count.keys().all(|id| usize::from(*id) < messages.len()), "an answer to nothing");
    for (id, message) in (0..).zip(messages) {
        let answers = count.get(&id).copied().unwrap_or(0);
        assert!(answers <= 1, "{answers} answers to {}", message.escape_ascii());
        if let Some(wants) = wants_answer(message) {
            assert_eq!(answers == 1, wants, "{answers} answers to {}", message.escape_ascii());
        }
    }
    // Else nothing was shown.
    assert!(count.len() > messages.len() / 2, "{} answers", count.len());
}

fn still_answers(address: SocketAddr) {
    for transport in [Transport::Udp, Transport::Tcp] {
        let answer = ask(address, transport, "myapp.default.svc.peers.cluster.local.", "A", None);
        assert_eq!(answer.answers.len(), 3, "{transport:?}");
    }
}

#[test]
fn datagrams_get_one_answer_at_most() {
    let server = server();
    for address in [server.ipv4(), server.ipv6()] {
        let local = if address.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        let socket = UdpSocket::bind(local).unwrap();
        socket.connect(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut messages = messages();
        let mut answers = Vec::new();
        let mut buffer = vec![0; usize::from(u16::MAX)];
        // A socket's queries are answered in order: once the last of a batch is answered, all are.
        for (number, batch) in (0_u16..).zip(messages.chunks_mut(usize::from(BATCH))) {
            let id = (number * BATCH + BATCH - 1).to_be_bytes();
            let last = batch.last_mut().unwrap();
            *last = [&id[..], b"\x01\0\0\x01\0\0\0\0\0\0\0\0\x06\0\x01"].concat();
            for message in &*batch {
                socket.send(message).unwrap();
            }
            loop {
                let length = socket.recv(&mut buffer).expect("an answer to the last of a batch");
                answers.push(buffer[..length].to_vec());
                if buffer.starts_with(&id) {
                    break;
                }
            }
        }
        still_answers(address);
        hold(&messages, &answers);
    }
}

#[test]
fn messages_over_tcp_get_one_answer_at_most() {
    let server = server();
    for address in [server.ipv4(), server.ipv6()] {
        let mut messages = messages();
        // A length of zero closes the connection.
        for (id, message) in (0_u16..).zip(&mut messages).filter(|(_, message)| message.is_empty()) {
            message.extend(id.to_be_bytes());
        }
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let mut writer = stream.try_clone().unwrap();
        let framed: Vec<u8> = messages
            .iter()
            .flat_map(|message| [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat())
            .collect();
        let writing = std::thread::spawn(move || {
            writer.write_all(&framed).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut received = Vec::new();
        (&stream).read_to_end(&mut received).unwrap();
        writing.join().unwrap();
        let mut answers = Vec::new();
        let mut rest = received.as_slice();
        while let Some((length, following)) = rest.split_first_chunk() {
            let (answer, following) = following.split_at(u16::from_be_bytes(*length).into());
            answers.push(answer.to_vec());
            rest = following;
        }
        assert_eq!(rest, b"", "a cut answer");
        still_answers(address);
        hold(&messages, &answers);
    }
}

/// Octets that are no frames at all: the connection may end, the server must not.
#[test]
fn noise_over_tcp_harms_nobody() {
    let server = server();
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let noise = prop::collection::vec(any::<u8>(), 0..5_000);
    for _ in 0..100 {
        let noise = noise.new_tree(&mut runner).unwrap().current();
        let mut stream = TcpStream::connect(server.ipv4()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // The server may have closed before all was sent.
        let _ = stream.write_all(&noise).and_then(|()| stream.shutdown(Shutdown::Write));
        let mut received = Vec::new();
        let _ = stream.read_to_end(&mut received);
        assert!(received.len() < 1_000_000, "{} octets for {}", received.len(), noise.len());
    }
    still_answers(server.ipv4());
}
