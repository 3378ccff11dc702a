//! The program with its settings: the same answers over all transports, padding, who may ask, and certificates that change.

use crate::authority::Authority;
use crate::clients::{ask_https, ask_quic, ask_tls, client, frame, https, quic, tls};
use crate::query::Query;
use crate::rosterd_process::Rosterd;
use rosterd::answer::Transport;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::Path;

const MANIFEST: &str = include_str!("../../deploy/examples/loopback.yaml");

struct Served {
    rosterd: Rosterd,
    addresses: Vec<SocketAddr>,
    authority: Authority,
    folder: tempfile::TempDir,
}

fn write(folder: &Path, authority: &Authority) {
    let signed = authority.sign();
    for (name, text) in [("tls.crt", signed.certificate), ("tls.key", signed.key)] {
        let written = folder.join(format!("{name}.new"));
        std::fs::write(&written, text).unwrap();
        std::fs::rename(written, folder.join(name)).unwrap();
    }
}

fn start(more: &str) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    write(folder.path(), &authority);
    let path = folder.path().display();
    let settings = format!(
        "{more}[server.tls]\ncertificate = '{path}/tls.crt'\nkey = '{path}/tls.key'\n[server]\n\
         listen_tls = ['127.0.0.1:0']\nlisten_https = ['127.0.0.1:0']\nlisten_quic = ['127.0.0.1:0']\n"
    );
    let mut rosterd = Rosterd::start(MANIFEST, &settings);
    let addresses = ["TLS", "HTTPS", "QUIC"].map(|name| {
        let line = rosterd.wait_for_log(&format!("(DNS over {name})"));
        let rest = line.split("listening on ").nth(1).unwrap();
        rest.split(' ').next().unwrap().parse().unwrap()
    });
    Served { rosterd, addresses: addresses.to_vec(), authority, folder }
}

fn ask_tcp(address: SocketAddr, query: &[u8]) -> Vec<u8> {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(crate::server::PATIENCE)).unwrap();
    stream.write_all(&frame(query)).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut answer).unwrap();
    answer
}

impl Served {
    /// The answers over TLS, HTTPS by both methods, and QUIC.
    async fn ask(&self, query: &[u8]) -> [Vec<u8>; 4] {
        use base64::Engine as _;
        let config = |transport| client(&self.authority, transport, None);
        let mut stream = tls(self.addresses[0], config(Transport::Tls)).await.unwrap();
        let by_tls = ask_tls(&mut stream, query).await.unwrap();
        let mut sender = https(self.addresses[1], config(Transport::Https)).await;
        let (status, _, by_post) = ask_https(&mut sender, "POST", "/dns-query", query).await;
        assert_eq!(status, 200);
        let encoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(query);
        let (status, _, by_get) =
            ask_https(&mut sender, "GET", &format!("/dns-query?dns={encoded}"), b"").await;
        assert_eq!(status, 200);
        let (_endpoint, connection) = quic(self.addresses[2], config(Transport::Quic)).await.unwrap();
        let by_quic = ask_quic(&connection, &frame(query)).await.unwrap();
        [by_tls, by_post, by_get, by_quic[2..].to_vec()]
    }
}

/// A query without id.
fn query(name: &str, qtype: u16) -> Query {
    Query { id: 0, ..Query::new(name, qtype) }
}

/// An answer whose A records, which rotate from query to query, stand in their order.
fn not_rotated(mut answer: Vec<u8>) -> Vec<u8> {
    let question = answer[12..].iter().position(|octet| *octet == 0).unwrap() + 12 + 5;
    let answers = usize::from(u16::from_be_bytes([answer[6], answer[7]]));
    // Owner, a pointer, and type.
    if answers > 0 && answer[question..].starts_with(b"\xc0\x0c\0\x01") {
        let mut records: Vec<Vec<u8>> =
            answer[question..question + answers * 16].chunks(16).map(<[u8]>::to_vec).collect();
        records.sort();
        answer.splice(question..question + answers * 16, records.concat());
    }
    answer
}

#[tokio::test]
async fn the_answers_are_those_of_tcp() {
    let served = start("");
    for (name, qtype) in [
        ("my-app.default.svc.peers.cluster.local", 1),
        ("my-app.default.svc.peers.cluster.local", 33),
        ("my-app.default.svc.peers.cluster.local", 16),
        ("my-app.default.svc.peers.cluster.local", 255),
        ("none.default.svc.peers.cluster.local", 1),
        ("peers.cluster.local", 6),
        ("example.com", 1),
    ] {
        for query in [query(name, qtype), query(name, qtype).edns(1232)] {
            let query = query.octets();
            let by_tcp = not_rotated(ask_tcp(served.rosterd.ipv4(), &query));
            for answer in served.ask(&query).await {
                assert_eq!(not_rotated(answer), by_tcp, "{name} {qtype}");
            }
        }
    }
}

/// RFC 9103 has transfer over TLS; those over HTTPS and QUIC are refused to a secondary too.
#[tokio::test]
async fn zones_are_transferred_over_tls_only() {
    let served = start("[[transfer.secondaries]]\nclients = ['127.0.0.1']\n");
    let [by_tls, others @ ..] = served.ask(&query("peers.cluster.local", 252).octets()).await;
    // AA and NOERROR, and SOA as the first record.
    assert_eq!(by_tls[2..4], [0x84, 0x00]);
    assert!(u16::from_be_bytes([by_tls[6], by_tls[7]]) > 0, "{by_tls:02x?}");
    for answer in others {
        assert_eq!(answer[2..4], [0x80, 0x05], "{answer:02x?}");
    }
}

#[tokio::test]
async fn answers_to_padded_queries_are_padded_where_that_hides_them() {
    let served = start("");
    let name = "my-app.default.svc.peers.cluster.local";
    let padded = query(name, 33).edns(1232).option(12, &[0; 60]).octets();
    for answer in served.ask(&padded).await {
        assert_eq!(answer.len() % 468, 0, "{} octets", answer.len());
    }
    assert_ne!(ask_tcp(served.rosterd.ipv4(), &padded).len() % 468, 0);
    let bare = query(name, 33).edns(1232).octets();
    for answer in served.ask(&bare).await {
        assert!(answer.len() < 468, "{} octets", answer.len());
    }
}

#[tokio::test]
async fn answers_over_https_may_be_kept_as_long_as_their_records() {
    let served = start("");
    let config = client(&served.authority, Transport::Https, None);
    let mut sender = https(served.addresses[1], config).await;
    for (name, cached) in [
        ("my-app.default.svc.peers.cluster.local", "max-age=5"),
        ("none.default.svc.peers.cluster.local", "max-age=5"),
        ("example.com", "max-age=0"),
    ] {
        let (_, found, _) = ask_https(&mut sender, "POST", "/dns-query", &query(name, 1).octets()).await;
        assert_eq!(found, cached, "{name}");
    }
}

#[tokio::test]
async fn access_rules_tell_transports_apart_and_each_is_counted() {
    let rule = "[[server.access]]\naction = 'deny'\ntransports = ['https', 'quic']\n[admin]\nlisten = ['127.0.0.1:0']\n";
    let mut served = start(rule);
    let query = query("my-app.default.svc.peers.cluster.local", 1).octets();
    let codes = served.ask(&query).await.map(|answer| answer[3] & 0x0f);
    assert_eq!(codes, [0, 5, 5, 5]);
    let found = served
        .rosterd
        .seen()
        .iter()
        .find_map(|line| line.split("metrics at http://").nth(1))
        .map(str::to_owned);
    let address = found.unwrap_or_else(|| served.rosterd.wait_for_log("metrics at http://"));
    let address = address.rsplit("http://").next().unwrap().trim();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    for proto in ["tls", "https", "quic"] {
        let line = |line: &&str| {
            line.starts_with("rosterd_dns_responses_total") && line.contains(&format!("proto=\"{proto}\""))
        };
        assert!(text.lines().any(|one| line(&one)), "{proto} in {text}");
    }
}

#[tokio::test]
async fn certificates_are_read_again_and_broken_ones_are_not_taken() {
    let mut served = start("");
    let query = query("peers.cluster.local", 6).octets();
    let ask = async |address, authority: &Authority| {
        let mut stream = tls(address, client(authority, Transport::Tls, None)).await.ok()?;
        ask_tls(&mut stream, &query).await.ok()
    };
    assert!(ask(served.addresses[0], &served.authority).await.is_some());
    std::fs::write(served.folder.path().join("tls.key"), "no key").unwrap();
    let line = served.rosterd.wait_for_log("certificate: ");
    assert!(line.contains("server.tls.key") && line.contains("the former one stays in use"), "{line}");
    assert!(ask(served.addresses[0], &served.authority).await.is_some());
    let other = Authority::new();
    write(served.folder.path(), &other);
    served.rosterd.wait_for_log("certificate: read again");
    assert!(ask(served.addresses[0], &other).await.is_some());
    assert!(ask(served.addresses[0], &served.authority).await.is_none());
}
