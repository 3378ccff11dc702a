//! Clients that do as they should not, many at a time: nobody else notices, and nothing of them is left.

use crate::clients::{QUERY, ask_https, ask_tls, client, frame, https, quic, tls};
use crate::echo::LIMITS;
use crate::server::{Encrypted, PATIENCE, limits, start, wait_for};
use rosterd::answer::Transport;
use rosterd::server::{EncryptedLimits, TcpLimits};
use std::net::UdpSocket;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Bad clients of each kind.
const MANY: usize = 60;

fn bounded() -> EncryptedLimits {
    let connections = TcpLimits {
        max_connections: 40,
        max_connections_per_address: 30,
        idle_timeout: Duration::from_secs(2),
        read_timeout: Duration::from_secs(1),
        write_timeout: Duration::from_secs(1),
        transfers: LIMITS.transfers,
    };
    EncryptedLimits { connections, max_handshakes: 16, handshake_timeout: Duration::from_secs(1) }
}

/// Whether those who do as they should are answered, on each transport and beside them.
async fn serves(encrypted: &Encrypted) {
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.connect(encrypted.server.local_addresses()[0]).unwrap();
    udp.set_read_timeout(Some(PATIENCE)).unwrap();
    udp.send(b"plain").unwrap();
    let mut answer = [0; 100];
    let length = udp.recv(&mut answer).unwrap();
    assert_eq!(&answer[..length], b"u 127.0.0.1 plain");
    let config = |transport| client(&encrypted.authority, transport, None);
    // A place may be taken for a moment by one that is on its way out.
    let asks = async {
        loop {
            if let Ok(mut stream) = tls(encrypted.address(Transport::Tls), config(Transport::Tls)).await
                && ask_tls(&mut stream, b"in").await.is_ok_and(|answer| answer == b"s 127.0.0.1 in")
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        loop {
            if let Ok((_endpoint, connection)) =
                quic(encrypted.address(Transport::Quic), config(Transport::Quic)).await
                && let Ok((mut send, mut receive)) = connection.open_bi().await
                && send.write_all(&frame(QUERY)).await.is_ok()
                && send.finish().is_ok()
                && receive.read_to_end(1000).await.is_ok()
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, asks).await.unwrap();
}

/// Whether all of their connections are gone.
async fn is_empty(encrypted: &Encrypted) {
    wait_for("all have gone", || {
        let counts = encrypted.server.counts();
        counts.accepted == counts.closed
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_handshakes_that_never_end() {
    let encrypted = start(bounded());
    let hello = b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03";
    let mut open = Vec::new();
    for place in 0..MANY {
        for transport in [Transport::Tls, Transport::Https] {
            if let Ok(mut stream) = TcpStream::connect(encrypted.address(transport)).await {
                let _ = stream.write_all(&hello[..place % hello.len()]).await;
                open.push(stream);
            }
        }
    }
    serves(&encrypted).await;
    drop(open);
    is_empty(&encrypted).await;
}

#[tokio::test]
async fn clients_that_leave_in_the_middle_of_everything() {
    let encrypted = start(bounded());
    let config = |transport| client(&encrypted.authority, transport, None);
    for place in 0..MANY {
        // At some place of the handshake.
        let at = encrypted.address(Transport::Tls);
        let _ = timeout(Duration::from_micros(300 * place as u64), tls(at, config(Transport::Tls))).await;
        let at = encrypted.address(Transport::Quic);
        let _ = timeout(Duration::from_micros(300 * place as u64), quic(at, config(Transport::Quic))).await;
        // After it, with half a query or with answers under way.
        if let Ok(mut stream) = tls(encrypted.address(Transport::Tls), config(Transport::Tls)).await {
            let octets = [frame(b"*60000"), frame(b"*60000"), vec![0, 9, 1]].concat();
            let _ = stream.write_all(&octets[..octets.len() * place / MANY]).await;
        }
        if let Ok((_endpoint, connection)) =
            quic(encrypted.address(Transport::Quic), config(Transport::Quic)).await
            && let Ok((mut send, _receive)) = connection.open_bi().await
        {
            let octets = frame(QUERY);
            let _ = send.write_all(&octets[..octets.len() * place / MANY]).await;
            if place % 2 == 0 {
                let _ = send.reset(3_u32.into());
            }
        }
    }
    serves(&encrypted).await;
    is_empty(&encrypted).await;
}

#[tokio::test]
async fn streams_that_are_left_half_open() {
    let encrypted = start(bounded());
    let config = |transport| client(&encrypted.authority, transport, None);
    let (_endpoint, connection) =
        quic(encrypted.address(Transport::Quic), config(Transport::Quic)).await.unwrap();
    let mut open = Vec::new();
    // As many as are given at a time.
    while let Ok(stream) = timeout(Duration::from_millis(200), connection.open_bi()).await {
        let (mut send, receive) = stream.unwrap();
        send.write_all(&[0, 200, 0]).await.unwrap();
        open.push((send, receive));
        assert!(open.len() <= 64, "too many streams at a time");
    }
    serves(&encrypted).await;
    for (_, receive) in &mut open {
        let end = timeout(PATIENCE, receive.read_to_end(10)).await.unwrap();
        assert!(end.is_err(), "given up");
    }
    connection.close(0_u32.into(), b"");
    is_empty(&encrypted).await;
}

#[tokio::test]
async fn garbage_instead_of_http() {
    let encrypted = start(bounded());
    let config = || client(&encrypted.authority, Transport::Https, None);
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let settings = b"\0\0\0\x04\0\0\0\0\0";
    for octets in [
        &b"GET /dns-query?dns=AAA HTTP/1.1\r\nhost: x\r\n\r\n"[..],
        &[&preface[..], b"\xff\xff\xff\xff\xff\xff\xff\xff\xff"].concat(),
        &[&preface[..], settings, b"\0\0\x05\x01\x04\0\0\0\x01\xff\xff\xff\xff\xff"].concat(),
        &[&preface[..], settings, &b"\0\0\0\x01\x04\0\0\0\x01".repeat(100)].concat(),
        &preface[..10],
    ] {
        let mut stream = tls(encrypted.address(Transport::Https), config()).await.unwrap();
        let _ = stream.write_all(octets).await;
        let mut rest = Vec::new();
        let _ =
            timeout(PATIENCE, tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest)).await.unwrap();
    }
    let mut sender = https(encrypted.address(Transport::Https), config()).await;
    assert_eq!(ask_https(&mut sender, "POST", "/dns-query", QUERY).await.0, 200);
    drop(sender);
    is_empty(&encrypted).await;
}

#[tokio::test]
async fn datagrams_that_are_no_quic() {
    let encrypted = start(limits());
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(encrypted.address(Transport::Quic)).unwrap();
    for length in 0..1300 {
        let octets: Vec<u8> = (0..length)
            .map(|place: usize| u8::try_from((place * 31 + length) % 256).unwrap() | 0xc0)
            .collect();
        socket.send(&octets).unwrap();
    }
    serves(&encrypted).await;
    is_empty(&encrypted).await;
}
