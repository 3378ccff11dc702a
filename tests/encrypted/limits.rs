//! What bounds connections: how many there are, and how long each may take.

use crate::clients::{QUERY, ask_https, ask_quic, ask_tls, client, frame, https, quic, receive, tls};
use crate::server::{PATIENCE, limits, start, wait_for};
use rosterd::answer::Transport;
use rosterd::server::{EncryptedLimits, TcpLimits};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Short enough that a test reaches it, in place of the bound that it is about.
const SHORT: Duration = Duration::from_millis(300);

fn with(change: impl FnOnce(&mut TcpLimits)) -> EncryptedLimits {
    let mut limits = limits();
    change(&mut limits.connections);
    limits
}

#[tokio::test]
async fn who_does_not_shake_hands_is_let_go() {
    let encrypted = start(EncryptedLimits { handshake_timeout: SHORT, ..limits() });
    for transport in [Transport::Tls, Transport::Https] {
        for sent in [&b""[..], b"\x16\x03\x01\x02\0\x01", b"GET / HTTP/1.1\r\n\r\n"] {
            let mut stream = TcpStream::connect(encrypted.address(transport)).await.unwrap();
            stream.write_all(sent).await.unwrap();
            let mut rest = Vec::new();
            // An alert may come before the end; a reset is an end too.
            let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap();
        }
    }
    wait_for("failures are counted", || encrypted.server.counts().handshakes_failed == 6).await;
    assert_eq!(encrypted.server.counts().accepted, 0);
}

#[tokio::test]
async fn of_those_that_shake_hands_the_oldest_gives_way() {
    let encrypted = start(EncryptedLimits { max_handshakes: 3, ..limits() });
    let address = encrypted.address(Transport::Tls);
    let mut silent = Vec::new();
    for _ in 0..10 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    wait_for("seven had to go", || encrypted.server.counts().handshakes_failed >= 7).await;
    let mut stream = tls(address, client(&encrypted.authority, Transport::Tls, None)).await.unwrap();
    assert_eq!(ask_tls(&mut stream, b"in").await.unwrap(), b"s 127.0.0.1 in");
    let mut end = Vec::new();
    let _ = timeout(PATIENCE, silent.remove(0).read_to_end(&mut end)).await.unwrap();
}

#[tokio::test]
async fn connections_beyond_a_limit_are_closed_and_places_come_back() {
    let encrypted = start(with(|limits| limits.max_connections_per_address = 2));
    let config = |transport| client(&encrypted.authority, transport, None);
    let tls_at = encrypted.address(Transport::Tls);
    let mut first = tls(tls_at, config(Transport::Tls)).await.unwrap();
    assert_eq!(ask_tls(&mut first, b"in").await.unwrap(), b"s 127.0.0.1 in");
    let (_endpoint, second) =
        quic(encrypted.address(Transport::Quic), config(Transport::Quic)).await.unwrap();
    assert!(ask_quic(&second, &frame(QUERY)).await.is_ok());
    // All three kinds have one limit.
    let refused = match tls(tls_at, config(Transport::Tls)).await {
        Ok(mut stream) => ask_tls(&mut stream, b"in").await.is_err(),
        Err(_) => true,
    };
    assert!(refused);
    let third = quic(encrypted.address(Transport::Quic), config(Transport::Quic)).await;
    if let Ok((_endpoint, third)) = third {
        timeout(PATIENCE, third.closed()).await.unwrap();
    }
    assert_eq!(ask_tls(&mut first, b"still").await.unwrap(), b"s 127.0.0.1 still");
    second.close(0_u32.into(), b"");
    wait_for("its place is free", || encrypted.server.counts().closed >= 1).await;
    let mut sender = https(encrypted.address(Transport::Https), config(Transport::Https)).await;
    assert_eq!(ask_https(&mut sender, "POST", "/dns-query", QUERY).await.0, 200);
}

#[tokio::test]
async fn idle_connections_end_in_good_order() {
    let encrypted = start(with(|limits| limits.idle_timeout = SHORT));
    let config = |transport| client(&encrypted.authority, transport, None);
    let mut stream = tls(encrypted.address(Transport::Tls), config(Transport::Tls)).await.unwrap();
    assert_eq!(ask_tls(&mut stream, b"in").await.unwrap(), b"s 127.0.0.1 in");
    // An end without close_notify would be an error.
    assert_eq!(timeout(PATIENCE, stream.read(&mut [0])).await.unwrap().unwrap(), 0);
    let (_endpoint, connection) =
        quic(encrypted.address(Transport::Quic), config(Transport::Quic)).await.unwrap();
    assert!(ask_quic(&connection, &frame(QUERY)).await.is_ok());
    timeout(PATIENCE, connection.closed()).await.unwrap();
    let mut sender = https(encrypted.address(Transport::Https), config(Transport::Https)).await;
    assert_eq!(ask_https(&mut sender, "POST", "/dns-query", QUERY).await.0, 200);
    timeout(PATIENCE, async {
        while !sender.is_closed() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    wait_for("all have ended", || encrypted.server.counts().closed == 3).await;
}

#[tokio::test]
async fn queries_that_arrive_too_slowly_are_given_up() {
    let encrypted = start(with(|limits| limits.read_timeout = SHORT));
    let config = |transport| client(&encrypted.authority, transport, None);
    let mut stream = tls(encrypted.address(Transport::Tls), config(Transport::Tls)).await.unwrap();
    stream.write_all(&[0, 9, 1]).await.unwrap();
    stream.flush().await.unwrap();
    assert_eq!(timeout(PATIENCE, stream.read(&mut [0])).await.unwrap().unwrap(), 0);
    let (_endpoint, connection) =
        quic(encrypted.address(Transport::Quic), config(Transport::Quic)).await.unwrap();
    let (mut send, mut receive) = connection.open_bi().await.unwrap();
    send.write_all(&[0, 9, 1]).await.unwrap();
    match timeout(PATIENCE, receive.read_to_end(10)).await.unwrap() {
        Err(quinn::ReadToEndError::Read(quinn::ReadError::Reset(code))) => assert_eq!(code.into_inner(), 4),
        other => panic!("{other:?}"),
    }
    assert!(ask_quic(&connection, &frame(QUERY)).await.is_ok(), "the connection stays");
}

#[tokio::test]
async fn who_does_not_take_answers_is_cut_off() {
    let encrypted = start(with(|limits| limits.write_timeout = SHORT));
    let config = |transport| client(&encrypted.authority, transport, None);
    let mut stream = tls(encrypted.address(Transport::Tls), config(Transport::Tls)).await.unwrap();
    // It reads nothing; sending ends when the server does not read any more.
    let queries = frame(b"*65000").repeat(200);
    let _ = timeout(PATIENCE, stream.write_all(&queries)).await.unwrap();
    wait_for("it is cut off", || encrypted.server.counts().closed >= 1).await;
    let mut whole = 0;
    while receive(&mut stream).await.is_ok() {
        whole += 1;
    }
    assert!(whole < 200, "{whole} answers");
}

#[tokio::test]
async fn what_has_arrived_is_answered_when_the_server_stops() {
    let encrypted = start(limits());
    let config = |transport| client(&encrypted.authority, transport, None);
    let mut stream = tls(encrypted.address(Transport::Tls), config(Transport::Tls)).await.unwrap();
    assert_eq!(ask_tls(&mut stream, b"one").await.unwrap(), b"s 127.0.0.1 one");
    let (_endpoint, connection) =
        quic(encrypted.address(Transport::Quic), config(Transport::Quic)).await.unwrap();
    assert!(ask_quic(&connection, &frame(QUERY)).await.is_ok());
    let mut sender = https(encrypted.address(Transport::Https), config(Transport::Https)).await;
    assert_eq!(ask_https(&mut sender, "POST", "/dns-query", QUERY).await.0, 200);
    let addresses = encrypted.server.encrypted_addresses().to_vec();
    stream.write_all(&frame(b"two")).await.unwrap();
    stream.flush().await.unwrap();
    let server = encrypted.server;
    let stopping = tokio::task::spawn_blocking(move || server.shutdown());
    assert_eq!(receive(&mut stream).await.unwrap(), b"s 127.0.0.1 two");
    timeout(PATIENCE, connection.closed()).await.unwrap();
    timeout(PATIENCE, stopping).await.unwrap().unwrap();
    assert_eq!(addresses.len(), 3);
    for (_, address) in addresses.into_iter().filter(|(transport, _)| *transport != Transport::Quic) {
        assert!(TcpStream::connect(address).await.is_err(), "nobody listens there any more");
    }
}
