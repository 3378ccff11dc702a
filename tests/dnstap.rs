//! What a collector of dnstap is told: by one that is written after the formats' own texts, protocol buffers by prost.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "support/client.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod client;
#[path = "admin/http.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod http;
#[path = "support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;

use client::{Transport, ask, data};
use hickory_proto::op::Message as DnsMessage;
use prost::Message as _;
use rosterd::{PATIENCE, Rosterd};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

const NAME: &str = "myapp.default.svc.peers.cluster.local.";
const MANIFEST: &str = include_str!("../deploy/examples/myapp.yaml");
const CONTENT: &[u8] = b"protobuf:dnstap.Dnstap";

#[derive(Clone, PartialEq, prost::Message)]
struct Dnstap {
    #[prost(bytes, optional, tag = "1")]
    identity: Option<Vec<u8>>,
    #[prost(bytes, optional, tag = "2")]
    version: Option<Vec<u8>>,
    #[prost(message, optional, tag = "14")]
    message: Option<Message>,
    #[prost(int32, tag = "15")]
    r#type: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Message {
    #[prost(int32, tag = "1")]
    r#type: i32,
    #[prost(int32, optional, tag = "2")]
    family: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    protocol: Option<i32>,
    #[prost(bytes, optional, tag = "4")]
    query_address: Option<Vec<u8>>,
    #[prost(uint64, optional, tag = "8")]
    query_seconds: Option<u64>,
    #[prost(bytes, optional, tag = "10")]
    query: Option<Vec<u8>>,
    #[prost(uint64, optional, tag = "12")]
    response_seconds: Option<u64>,
    #[prost(bytes, optional, tag = "14")]
    response: Option<Vec<u8>>,
}

/// A server that notes queries for the socket, and where its metrics are.
fn server(socket: &Path, more: &str) -> (Rosterd, SocketAddr) {
    let settings = format!(
        "[admin]\nlisten = ['127.0.0.1:0']\napi = []\n[server]\ndnstap.socket = '{}'\n{more}",
        socket.display()
    );
    let mut server = Rosterd::start_on(MANIFEST, &settings, &["127.0.0.1:0"]);
    let metrics = admin(&mut server);
    (server, metrics)
}

fn admin(server: &mut Rosterd) -> SocketAddr {
    let told = |line: &String| line.split_once("http://").map(|(_, rest)| rest.to_owned());
    let known = server.seen().iter().find_map(told);
    let line = known.unwrap_or_else(|| told(&server.wait_for_log("http://")).unwrap());
    line.split(['/', ' ', ',']).next().unwrap().parse().unwrap()
}

fn metric(metrics: SocketAddr, line: &str) -> u64 {
    let body = http::get(metrics, "/metrics").body;
    let value = body.lines().find_map(|told| told.strip_prefix(line)?.trim().parse().ok());
    value.unwrap_or_else(|| panic!("no {line} in {body}"))
}

fn queries(metrics: SocketAddr, result: &str) -> u64 {
    metric(metrics, &format!("rosterd_dnstap_queries_total{{result=\"{result}\"}}"))
}

fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[derive(Debug, PartialEq)]
enum Frame {
    Data(Vec<u8>),
    /// Its type, and the type of its content.
    Control(u32, Vec<u8>),
}

/// The collector's side of a connection.
struct Collector(UnixStream);

impl Collector {
    /// Takes a connection, up to its START.
    fn accept(listener: &UnixListener) -> Collector {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut collector = Collector(stream);
        assert_eq!(collector.frame().unwrap(), Frame::Control(4, CONTENT.to_vec()), "READY");
        let accept = [
            &[0; 4],
            &34_u32.to_be_bytes()[..],
            &1_u32.to_be_bytes(),
            &1_u32.to_be_bytes(),
            &22_u32.to_be_bytes(),
            CONTENT,
        ]
        .concat();
        collector.0.write_all(&accept).unwrap();
        assert_eq!(collector.frame().unwrap(), Frame::Control(2, CONTENT.to_vec()), "START");
        collector
    }

    fn number(&mut self) -> io::Result<u32> {
        let mut octets = [0; 4];
        self.0.read_exact(&mut octets)?;
        Ok(u32::from_be_bytes(octets))
    }

    fn octets(&mut self, length: u32) -> io::Result<Vec<u8>> {
        let mut octets = vec![0; length.try_into().unwrap()];
        self.0.read_exact(&mut octets)?;
        Ok(octets)
    }

    /// The next frame.
    fn frame(&mut self) -> io::Result<Frame> {
        let length = self.number()?;
        if length > 0 {
            return self.octets(length).map(Frame::Data);
        }
        let length = self.number()?;
        let kind = self.number()?;
        let fields = self.octets(length - 4)?;
        if fields.is_empty() {
            return Ok(Frame::Control(kind, fields));
        }
        assert_eq!(fields[..4], 1_u32.to_be_bytes());
        assert_eq!(fields[4..8], u32::try_from(fields.len() - 8).unwrap().to_be_bytes());
        Ok(Frame::Control(kind, fields[8..].to_vec()))
    }

    fn message(&mut self) -> Dnstap {
        let Frame::Data(frame) = self.frame().unwrap() else { panic!("a control frame") };
        Dnstap::decode(&*frame).unwrap()
    }
}

#[test]
fn a_collector_is_told_queries_and_answers() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("tap");
    let listener = UnixListener::bind(&socket).unwrap();
    let begun = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let (server, metrics) = server(&socket, "dnstap.identity = 'one'\n");
    let mut collector = Collector::accept(&listener);
    wait_for("the connection", || metric(metrics, "rosterd_dnstap_connected ") == 1);
    for (transport, protocol) in [(Transport::Udp, 1), (Transport::Tcp, 2)] {
        let answer = ask(server.ipv4(), transport, NAME, "SRV", Some(1232));
        let [asked, answered] = [(); 2].map(|()| collector.message());
        for told in [&asked, &answered] {
            assert_eq!(told.identity.as_deref(), Some(&b"one"[..]));
            let version = String::from_utf8(told.version.clone().unwrap()).unwrap();
            assert_eq!((version, told.r#type), (format!("rosterd {}", env!("CARGO_PKG_VERSION")), 1));
            let message = told.message.as_ref().unwrap();
            assert_eq!((message.family, message.protocol), (Some(1), Some(protocol)));
            assert_eq!(message.query_address.as_deref(), Some(&[127, 0, 0, 1][..]));
            assert!(message.query_seconds.unwrap() >= begun);
        }
        let (asked, answered) = (asked.message.unwrap(), answered.message.unwrap());
        assert_eq!((asked.r#type, answered.r#type), (1, 2), "AUTH_QUERY and AUTH_RESPONSE");
        let query = DnsMessage::from_vec(&asked.query.unwrap()).unwrap();
        assert_eq!((query.metadata.id, &query.queries), (answer.metadata.id, &answer.queries));
        assert!(asked.response.is_none() && answered.query.is_none());
        assert!(answered.response_seconds.unwrap() >= begun);
        let response = DnsMessage::from_vec(&answered.response.unwrap()).unwrap();
        assert_eq!((response.metadata.id, response.answers), (answer.metadata.id, answer.answers));
    }
    wait_for("the count", || queries(metrics, "sent") == 2);
    assert_eq!((queries(metrics, "left_out"), queries(metrics, "lost")), (0, 0));

    // Another collection is asked for: the former one ends in order.
    server.replace_settings(&format!(
        "manifests = ['peers.yaml']\n[admin]\nlisten = ['{metrics}']\napi = []\n\
         [server]\ndnstap.socket = '{}'\ndnstap.messages = ['auth_response']\n",
        socket.display()
    ));
    assert_eq!(collector.frame().unwrap(), Frame::Control(3, vec![]), "STOP");
    drop(collector);
    let mut collector = Collector::accept(&listener);
    let answer = ask(server.ipv4(), Transport::Udp, NAME, "A", None);
    wait_for("the connection", || metric(metrics, "rosterd_dnstap_connected ") == 1);
    let told = collector.message();
    let response = told.message.unwrap().response.expect("answers alone are wanted");
    assert_eq!(DnsMessage::from_vec(&response).unwrap().answers, answer.answers);
}

#[test]
fn a_collector_that_reads_nothing_hangs_up_or_is_none_holds_no_answer_up() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("tap");
    let (server, metrics) = server(&socket, "dnstap.per_second = 1000000\n");
    let address = server.ipv4();
    let answered = |times: usize| {
        for _ in 0..times {
            assert_eq!(data(&ask(address, Transport::Udp, NAME, "A", None).answers).len(), 3);
        }
    };
    // No collector at all.
    answered(20);
    wait_for("the count of what is lost", || queries(metrics, "lost") > 0);

    // One that takes the connection and never says anything; then one that says what is no Frame Streams.
    let listener = UnixListener::bind(&socket).unwrap();
    let (silent, _) = listener.accept().unwrap();
    answered(20);
    drop(silent);
    let (mut other, _) = listener.accept().unwrap();
    other.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    answered(20);

    // One that begins, and reads nothing: what it is to be told fills its socket, the queue, and is left out.
    let reads_nothing = Collector::accept(&listener);
    wait_for("the connection", || metric(metrics, "rosterd_dnstap_connected ") == 1);
    let deadline = Instant::now() + PATIENCE;
    while queries(metrics, "left_out") == 0 {
        answered(200);
        assert!(Instant::now() < deadline, "nothing was left out");
    }
    // It is hung up on, and the next one is told what is asked then.
    drop(reads_nothing);
    let mut collector = Collector::accept(&listener);
    let name = "nobody.default.svc.peers.cluster.local.";
    ask(address, Transport::Udp, name, "A", None);
    let asked = |told: &Dnstap| {
        let query = told.message.as_ref()?.query.as_ref()?;
        Some(DnsMessage::from_vec(query).unwrap().queries[0].name().to_string())
    };
    while asked(&collector.message()).as_deref() != Some(name) {}
}
