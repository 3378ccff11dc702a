//! Clients of each transport, and what they are answered.

use crate::authority::{Authority, Signed};
use crate::server::{Encrypted, PATIENCE, limits, start, start_with};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use quinn::crypto::rustls::QuicClientConfig;
use rosterd::answer::Transport;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A connection within TLS.
pub(crate) async fn tls(address: SocketAddr, config: ClientConfig) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
}

pub(crate) async fn receive(stream: &mut TlsStream<TcpStream>) -> io::Result<Vec<u8>> {
    let length = stream.read_u16().await?;
    let mut answer = vec![0; length.into()];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

pub(crate) async fn ask_tls(stream: &mut TlsStream<TcpStream>, message: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(&frame(message)).await?;
    stream.flush().await?;
    receive(stream).await
}

/// A connection of HTTP/2.
pub(crate) async fn https(address: SocketAddr, config: ClientConfig) -> SendRequest<Full<Bytes>> {
    let stream = tls(address, config).await.unwrap();
    let shaking = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = shaking.await.unwrap();
    tokio::spawn(connection);
    sender
}

/// Status, `cache-control`, and body.
pub(crate) async fn ask_https(
    sender: &mut SendRequest<Full<Bytes>>,
    method: &str,
    uri: &str,
    body: &[u8],
) -> (u16, String, Vec<u8>) {
    let mut request = http::Request::builder().method(method).uri(format!("https://localhost{uri}"));
    if method == "POST" {
        request = request.header("content-type", "application/dns-message");
    }
    let request = request.body(Full::new(Bytes::copy_from_slice(body))).unwrap();
    let response = timeout(PATIENCE, sender.send_request(request)).await.unwrap().unwrap();
    let cached = response.headers().get("cache-control").map(|value| value.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, cached.unwrap_or_default(), body.to_vec())
}

/// A connection of QUIC, with what drives it.
pub(crate) async fn quic(
    address: SocketAddr,
    config: ClientConfig,
) -> Result<(quinn::Endpoint, quinn::Connection), quinn::ConnectionError> {
    let mut endpoint = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    let config = QuicClientConfig::try_from(config).unwrap();
    endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(config)));
    let connection = endpoint.connect(address, "localhost").unwrap().await?;
    Ok((endpoint, connection))
}

/// What a stream with these octets is answered, its length before it.
pub(crate) async fn ask_quic(
    connection: &quinn::Connection,
    octets: &[u8],
) -> Result<Vec<u8>, quinn::ReadToEndError> {
    let (mut send, mut receive) = connection.open_bi().await.unwrap();
    send.write_all(octets).await.unwrap();
    send.finish().unwrap();
    timeout(PATIENCE, receive.read_to_end(70_000)).await.unwrap()
}

fn of(encrypted: &Encrypted, transport: Transport, shows: Option<&Signed>) -> ClientConfig {
    client(&encrypted.authority, transport, shows)
}

/// How a client of a transport is configured.
pub(crate) fn client(authority: &Authority, transport: Transport, shows: Option<&Signed>) -> ClientConfig {
    match transport {
        Transport::Https => authority.client(b"h2", shows),
        Transport::Quic => authority.client_of(&[&rustls::version::TLS13], b"doq", shows),
        _ => authority.client(b"dot", shows),
    }
}

/// A query without id, as DNS over QUIC wants it, that the echo sends back.
pub(crate) const QUERY: &[u8] = b"\0\0\x01\0\0\x01\0\0\0\0\0\0\0\0\x01\0\x01";

fn echoed(transport: &str) -> Vec<u8> {
    [format!("{transport} 127.0.0.1 ").as_bytes(), QUERY].concat()
}

#[tokio::test]
async fn queries_over_tls_are_answered_in_order_with_any_version_and_without_alpn() {
    let encrypted = start(limits());
    let address = encrypted.address(Transport::Tls);
    for (version, protocol) in [
        (&rustls::version::TLS13, &b"dot"[..]),
        (&rustls::version::TLS12, b"dot"),
        (&rustls::version::TLS13, b""),
    ] {
        let config = encrypted.authority.client_of(&[version], protocol, None);
        let mut stream = tls(address, config).await.unwrap();
        let queries: Vec<u8> = (0..300).flat_map(|number| frame(format!("{number}").as_bytes())).collect();
        for piece in queries.chunks(7) {
            stream.write_all(piece).await.unwrap();
        }
        stream.flush().await.unwrap();
        for number in 0..300 {
            let answer = receive(&mut stream).await.unwrap();
            assert_eq!(answer, format!("s 127.0.0.1 {number}").into_bytes());
        }
        assert_eq!(ask_tls(&mut stream, b"*65535").await.unwrap().len(), 65_535);
    }
    assert!(tls(address, encrypted.authority.client(b"h2", None)).await.is_err(), "another protocol");
    assert!(tls(address, Authority::new().client(b"dot", None)).await.is_err(), "another authority");
}

#[tokio::test]
async fn large_answers_over_tls_wait_for_a_client_that_reads_late() {
    let encrypted = start(limits());
    let config = of(&encrypted, Transport::Tls, None);
    let mut stream = tls(encrypted.address(Transport::Tls), config).await.unwrap();
    // More than any buffer on the way holds.
    stream.write_all(&frame(b"*65000").repeat(100)).await.unwrap();
    stream.flush().await.unwrap();
    for _ in 0..100 {
        assert_eq!(timeout(PATIENCE, receive(&mut stream)).await.unwrap().unwrap().len(), 65_000);
    }
}

#[tokio::test]
async fn queries_over_https_are_answered_by_both_methods() {
    let encrypted = start(limits());
    let config = of(&encrypted, Transport::Https, None);
    let mut sender = https(encrypted.address(Transport::Https), config).await;
    let too_large = vec![b'x'; 65_536];
    for (method, uri, body, status, answer) in [
        ("POST", "/dns-query", QUERY, 200, echoed("h")),
        ("POST", "/dns-query?x=y", b"*65535", 200, vec![b'*'; 65_535]),
        ("GET", "/dns-query?dns=AAABAAABAAAAAAAAAAABAAE", b"", 200, echoed("h")),
        ("GET", "/dns-query", b"", 400, vec![]),
        ("GET", "/dns-query?dns=AAA=", b"", 400, vec![]),
        ("GET", "/elsewhere?dns=AAA", b"", 404, vec![]),
        ("PUT", "/dns-query", QUERY, 405, vec![]),
        // What is not answered over other transports.
        ("POST", "/dns-query", b"!", 400, vec![]),
        ("POST", "/dns-query", b"", 400, vec![]),
        ("POST", "/dns-query", &too_large, 413, vec![]),
    ] {
        let (found, _, octets) = ask_https(&mut sender, method, uri, body).await;
        assert_eq!((found, octets.len()), (status, answer.len()), "{method} {uri}");
        assert_eq!(octets, answer, "{method} {uri}");
    }
    let request = http::Request::post("https://localhost/dns-query").body(Full::default()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 415, "without a type");
}

#[tokio::test]
async fn many_streams_over_https_are_answered_at_a_time() {
    let encrypted = start(limits());
    let config = of(&encrypted, Transport::Https, None);
    let sender = https(encrypted.address(Transport::Https), config).await;
    let asks = (0..300).map(|number: u32| {
        let mut sender = sender.clone();
        tokio::spawn(async move {
            let body = format!("{number}").into_bytes();
            let (status, _, answer) = ask_https(&mut sender, "POST", "/dns-query", &body).await;
            assert_eq!((status, answer), (200, [b"h 127.0.0.1 ", &body[..]].concat()));
        })
    });
    for asked in asks.collect::<Vec<_>>() {
        asked.await.unwrap();
    }
}

#[tokio::test]
async fn queries_over_quic_are_answered_each_on_its_stream() {
    let encrypted = start(limits());
    let config = of(&encrypted, Transport::Quic, None);
    let (_endpoint, connection) = quic(encrypted.address(Transport::Quic), config).await.unwrap();
    for _ in 0..200 {
        assert_eq!(ask_quic(&connection, &frame(QUERY)).await.unwrap(), frame(&echoed("q")));
    }
    let asks = (0..200).map(|_| {
        let connection = connection.clone();
        tokio::spawn(async move { ask_quic(&connection, &frame(QUERY)).await.unwrap() })
    });
    for asked in asks.collect::<Vec<_>>() {
        assert_eq!(asked.await.unwrap(), frame(&echoed("q")));
    }
}

#[tokio::test]
async fn what_breaks_the_rules_of_quic_closes_the_connection() {
    let encrypted = start(limits());
    let with_id = [b"\0\x07", &QUERY[2..]].concat();
    let keepalive =
        [&QUERY[..11], b"\x01", &QUERY[12..], b"\0\0\x29\x04\xd0\0\0\0\0\0\x04\0\x0b\0\0"].concat();
    for octets in [
        frame(&with_id),
        frame(&keepalive),
        [frame(QUERY), frame(QUERY)].concat(),
        frame(QUERY)[..9].to_vec(),
        vec![],
        vec![0; 70_000],
    ] {
        let config = of(&encrypted, Transport::Quic, None);
        let (_endpoint, connection) = quic(encrypted.address(Transport::Quic), config).await.unwrap();
        let (mut send, _receive) = connection.open_bi().await.unwrap();
        // What is too long is cut off while it is being sent.
        let _ = send.write_all(&octets).await;
        let _ = send.finish();
        match timeout(PATIENCE, connection.closed()).await.unwrap() {
            quinn::ConnectionError::ApplicationClosed(close) => assert_eq!(close.error_code.into_inner(), 2),
            other => panic!("{other}"),
        }
    }
    let config = of(&encrypted, Transport::Quic, None);
    let (_endpoint, connection) = quic(encrypted.address(Transport::Quic), config).await.unwrap();
    let never = timeout(std::time::Duration::from_millis(200), connection.open_uni()).await;
    assert!(never.is_err(), "streams in one direction are not given");
}

#[tokio::test]
async fn clients_must_show_a_certificate_where_one_is_asked_for() {
    let encrypted = start_with(limits(), true);
    let shown = encrypted.authority.sign();
    let other = Authority::new().sign();
    let [tls_at, quic_at] = [Transport::Tls, Transport::Quic].map(|transport| encrypted.address(transport));
    for (shows, let_in) in [(Some(&shown), true), (None, false), (Some(&other), false)] {
        // By TLS 1.3 the client has finished before it hears of a refusal (RFC 8446 4.4.2).
        let answered = match tls(tls_at, of(&encrypted, Transport::Tls, shows)).await {
            Ok(mut stream) => ask_tls(&mut stream, b"in").await.is_ok(),
            Err(_) => false,
        };
        assert_eq!(answered, let_in);
        let answered = match quic(quic_at, of(&encrypted, Transport::Quic, shows)).await {
            Ok((_endpoint, connection)) => match connection.open_bi().await {
                Ok((mut queries, mut answers)) => {
                    let sent = queries.write_all(&frame(QUERY)).await.is_ok() && queries.finish().is_ok();
                    sent && answers.read_to_end(1000).await.is_ok()
                }
                Err(_) => false,
            },
            Err(_) => false,
        };
        assert_eq!(answered, let_in);
    }
}

#[tokio::test]
async fn other_credentials_meet_new_connections_and_old_ones_stay() {
    let encrypted = start(limits());
    let addresses = [Transport::Tls, Transport::Https, Transport::Quic].map(|one| encrypted.address(one));
    let [tls_at, https_at, quic_at] = addresses;
    let mut old = tls(tls_at, of(&encrypted, Transport::Tls, None)).await.unwrap();
    let mut old_https = https(https_at, of(&encrypted, Transport::Https, None)).await;
    let (_endpoint, old_quic) = quic(quic_at, of(&encrypted, Transport::Quic, None)).await.unwrap();
    let other = Authority::new();
    encrypted.credentials.replace(crate::server::credentials(&other.sign(), None));
    assert!(tls(tls_at, of(&encrypted, Transport::Tls, None)).await.is_err(), "the former is not shown");
    assert!(quic(quic_at, of(&encrypted, Transport::Quic, None)).await.is_err(), "the former is not shown");
    let mut new = tls(tls_at, client(&other, Transport::Tls, None)).await.unwrap();
    assert_eq!(ask_tls(&mut new, b"new").await.unwrap(), b"s 127.0.0.1 new");
    let mut new = https(https_at, client(&other, Transport::Https, None)).await;
    assert_eq!(ask_https(&mut new, "POST", "/dns-query", QUERY).await.0, 200);
    let (_endpoint, new) = quic(quic_at, client(&other, Transport::Quic, None)).await.unwrap();
    assert_eq!(ask_quic(&new, &frame(QUERY)).await.unwrap(), frame(&echoed("q")));
    assert_eq!(ask_tls(&mut old, b"old").await.unwrap(), b"s 127.0.0.1 old");
    assert_eq!(ask_https(&mut old_https, "POST", "/dns-query", QUERY).await.0, 200);
    assert_eq!(ask_quic(&old_quic, &frame(QUERY)).await.unwrap(), frame(&echoed("q")));
}
