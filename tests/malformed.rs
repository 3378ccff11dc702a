//! The malformed matrix at a running server: good queries cut short everywhere and changed octet by octet. The server
//! answers or drops as it should, goes on, and sends no more than its limits. Every value of every octet, without
//! sockets: `src/answer/tests/hostile.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "support/query.rs"]
mod query;
#[path = "support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;

use query::Query;
use rosterd::{PATIENCE, Rosterd};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};

const SETTINGS: &str =
    "[server.cookies]\nenabled = true\nrequire = true\n[server]\nnsid = \"one\"\nidentity = \"one\"";

/// Values that an octet is set to: what lengths, counts, types and pointers trip over.
const VALUES: [u8; 12] = [0, 1, 2, 3, 0x0a, 0x0c, 0x29, 0x3f, 0x40, 0xc0, 0xfa, 0xff];

/// Octets of a header (RFC 1035 4.1.1): who sends fewer cannot be answered.
const HEADER: usize = 12;

/// QR, in the third octet of a message.
const QR: u8 = 0x80;

/// Octets that answers may have without EDNS and with it (RFC 1035 4.2.1, `udp_max`).
const LARGEST: [usize; 2] = [512, 1232];

fn good_queries() -> Vec<Vec<u8>> {
    const TSIG: &[u8] =
        b"\x01k\0\0\xfa\0\xff\0\0\0\0\0\x17\x01h\0\0\0\x65\x43\x21\x01\x01\x2c\0\x04mac!\x12\x34\0\0\0\0";
    let name = "myapp.default.svc.peers.cluster.local";
    let mut signed = Query::new(name, 1).edns(1232).octets();
    signed[11] += 1;
    signed.extend_from_slice(TSIG);
    vec![
        Query::new(name, 33).octets(),
        Query { flags: 0x0100, ..Query::new(name, 16) }
            .option(3, b"")
            .option(10, b"a client")
            .option(11, b"")
            .option(19, b"")
            .octets(),
        Query { class: 3, ..Query::new("id.server", 16) }.edns(512).octets(),
        Query { flags: 5 << 11, ..Query::new("peers.cluster.local", 6) }.octets(),
        signed,
    ]
}

/// Every truncation, and every octet at each of the values; each message with an id of its own where it is long enough.
fn matrix() -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    for query in good_queries() {
        messages.extend((0..query.len()).map(|length| query[..length].to_vec()));
        for at in 2..query.len() {
            messages.extend(VALUES.map(|value| {
                let mut changed = query.clone();
                changed[at] = value;
                changed
            }));
        }
    }
    for (id, message) in (0_u16..).zip(&mut messages) {
        if let Some(octets) = message.first_chunk_mut() {
            *octets = id.to_be_bytes();
        }
    }
    messages
}

/// Holds answers, in order, against the messages that they answer: one to each that is a query, none to others.
fn hold(messages: &[Vec<u8>], answers: &[Vec<u8>], largest: usize) {
    let mut answers = answers.iter();
    for message in messages {
        if message.len() < HEADER || message[2] & QR != 0 {
            continue;
        }
        let answer = answers.next().unwrap_or_else(|| panic!("no answer to {}", message.escape_ascii()));
        assert_eq!(answer[..2], message[..2], "{}", message.escape_ascii());
        assert_eq!(answer[2] & 0xf8, QR | message[2] & 0x78, "QR and opcode");
        assert!(answer.len() <= largest, "{} octets for {}", answer.len(), message.escape_ascii());
        hickory_proto::op::Message::from_vec(answer).unwrap();
    }
    assert_eq!(answers.next(), None, "more answers than queries");
}

#[test]
fn over_udp() {
    let server = Rosterd::start(include_str!("data/schema.yaml"), SETTINGS);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server.ipv4()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut buffer = vec![0; usize::from(u16::MAX)];
    let messages = matrix();
    // A socket's queries are answered in order: once the good one behind a batch is answered, all are.
    for batch in messages.chunks(16) {
        let mut batch = batch.to_vec();
        batch.push(Query { id: 0xffff, ..Query::new("peers.cluster.local", 6) }.octets());
        for message in &batch {
            socket.send(message).unwrap();
        }
        let mut answers = Vec::new();
        while answers.last().is_none_or(|last: &Vec<u8>| !last.starts_with(&[0xff, 0xff])) {
            let length = socket.recv(&mut buffer).expect("an answer to the good query");
            answers.push(buffer[..length].to_vec());
        }
        let without_edns = batch.iter().all(|message| !message.windows(3).any(|three| three == [0, 0, 0x29]));
        hold(&batch, &answers, LARGEST[usize::from(!without_edns)]);
        assert_eq!(answers.last().unwrap()[3] & 0x0f, 0, "the good query is answered well");
    }
}

#[test]
fn over_tcp() {
    let server = Rosterd::start(include_str!("data/schema.yaml"), SETTINGS);
    // A length of zero closes the connection.
    let messages: Vec<_> = matrix().into_iter().filter(|message| !message.is_empty()).collect();
    for batch in messages.chunks(500) {
        let answers = pipelined(server.ipv4(), batch);
        hold(batch, &answers, usize::from(u16::MAX));
    }
    let good = [Query::new("peers.cluster.local", 6).octets()];
    hold(&good, &pipelined(server.ipv4(), &good), 512);
}

/// All answers to messages sent one behind the other over a connection of their own.
fn pipelined(server: SocketAddr, messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let framed: Vec<u8> = messages
        .iter()
        .flat_map(|message| [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat())
        .collect();
    let mut writer = stream.try_clone().unwrap();
    let writing = std::thread::spawn(move || {
        writer.write_all(&framed).unwrap();
        writer.shutdown(std::net::Shutdown::Write).unwrap();
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
    answers
}
