//! What real clients send (`data/client_queries/queries.txt`), octet by octet, and the answer to each of them, field by
//! field, over UDP and TCP.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "support/client.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod client;
#[path = "support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;

use client::{Transport, exchange, explanations, presentation};
use hickory_proto::op::Message;
use rosterd::Rosterd;
use std::collections::BTreeSet;

const QUERIES: &str = include_str!("data/client_queries/queries.txt");

/// Types that clients ask for.
const A: u16 = 1;
const NS: u16 = 2;
const SOA: u16 = 6;
const PTR: u16 = 12;
const TXT: u16 = 16;
const AAAA: u16 = 28;
const SRV: u16 = 33;
const HTTPS: u16 = 65;
const ANY: u16 = 255;

/// Response codes (RFC 1035 4.1.1).
const NOERROR: u16 = 0;
const NXDOMAIN: u16 = 3;
const REFUSED: u16 = 5;

/// Flags that are copied from the query, and those of which the server decides (RFC 1035 4.1.1, RFC 4035 3).
const QR: u16 = 0x8000;
const OPCODE_RD: u16 = 0x7900;
const AA: u16 = 0x0400;
const TC: u16 = 0x0200;

/// `udp_max` where nothing is set.
const UDP_MAX: u16 = 1232;

/// A query as it stands in the file, with whoever sent it.
struct Query {
    client: &'static str,
    transport: Transport,
    octets: Vec<u8>,
}

fn queries() -> Vec<Query> {
    let mut client = "";
    let mut queries = Vec::new();
    for line in QUERIES.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            client = comment;
        } else if let Some((transport, octets)) = line.split_once(' ') {
            let transport = match transport {
                "udp" => Transport::Udp,
                "tcp" => Transport::Tcp,
                other => panic!("{other}?"),
            };
            let digits = octets.as_bytes().chunks(2);
            let octet = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            queries.push(Query { client, transport, octets: digits.map(octet).collect() });
        }
    }
    queries
}

/// The sets that are asked for: `myapp` of three peers in two families, and `n120`, which fits into no datagram.
fn server() -> Rosterd {
    let addresses: Vec<String> = (1..=120).map(|peer| format!("{{ip: 10.1.0.{peer}}}")).collect();
    let n120 = format!(
        "---\napiVersion: v1\nkind: Endpoints\nmetadata: {{name: n120, namespace: default}}\n\
         subsets: [{{ports: [{{name: http, port: 8080}}], addresses: [{}]}}]\n",
        addresses.join(", ")
    );
    let manifest = include_str!("data/schema.yaml").to_owned() + &n120;
    Rosterd::start(&manifest, "reverse_zones = [\"10.0.0.0/8\"]\n[server]")
}

/// What a question is answered with.
struct Expected {
    rcode: u16,
    ttl: u32,
    answers: BTreeSet<String>,
    /// Octets of the largest RR.
    largest: usize,
}

fn expected(name: &str, qtype: u16, transport: Transport) -> Expected {
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<BTreeSet<String>>();
    let of_n120 = |text: fn(u32) -> String| (1..=120).map(text).collect::<BTreeSet<String>>();
    let peers = [1, 2, 3].map(|peer| format!("10.0.0.{peer}"));
    let srv = |ports: &[u16]| {
        let targets = [1, 2, 3].map(|peer| format!("10-0-0-{peer}.default.pod.cluster.local."));
        let of_target = |target: &String| ports.iter().map(|port| format!("0 10 {port} {target}")).collect();
        targets.iter().flat_map(|target| -> Vec<String> { of_target(target) }).collect::<BTreeSet<_>>()
    };
    let (rcode, answers, largest) = match (name, qtype) {
        ("myapp.default.svc.peers.cluster.local", A) => (NOERROR, peers.into(), 16),
        ("myapp.default.svc.peers.cluster.local", AAAA) => (NOERROR, texts(&["fd00::1"]), 28),
        ("myapp.default.svc.peers.cluster.local", ANY) => {
            let more = (transport == Transport::Tcp).then(|| "fd00::1".to_owned());
            (NOERROR, peers.into_iter().chain(more).collect(), 28)
        }
        ("myapp.default.svc.peers.cluster.local", TXT) => {
            (NOERROR, peers.iter().map(|address| format!("myapp@{address}")).collect(), 27)
        }
        ("myapp.default.svc.peers.cluster.local", SRV) => (NOERROR, srv(&[8080, 4369]), 54),
        ("_http._tcp.myapp.default.svc.peers.cluster.local", SRV) => (NOERROR, srv(&[8080]), 54),
        ("n120.default.svc.peers.cluster.local", A | ANY) => {
            (NOERROR, of_n120(|peer| format!("10.1.0.{peer}")), 16)
        }
        ("n120.default.svc.peers.cluster.local", TXT) => {
            (NOERROR, of_n120(|peer| format!("n120@10.1.0.{peer}")), 28)
        }
        ("n120.default.svc.peers.cluster.local", SRV) => {
            (NOERROR, of_n120(|peer| format!("0 10 8080 10-1-0-{peer}.default.pod.cluster.local.")), 56)
        }
        ("10-0-0-1.default.pod.cluster.local", A) => (NOERROR, texts(&["10.0.0.1"]), 16),
        ("1.0.0.10.in-addr.arpa" | "2.0.0.10.in-addr.arpa", PTR) => {
            let target = format!("10-0-0-{}.default.pod.cluster.local.", name.split('.').next().unwrap());
            (NOERROR, texts(&[&target]), 48)
        }
        // The name is there, the type is not.
        ("10-0-0-1.default.pod.cluster.local" | "n120.default.svc.peers.cluster.local", AAAA)
        | ("default.pod.cluster.local", A)
        | ("myapp.default.svc.peers.cluster.local", HTTPS) => (NOERROR, BTreeSet::new(), 0),
        ("", NS) => (REFUSED, BTreeSet::new(), 0),
        // Ports and prefixes that clients try, and that no peer has.
        _ => {
            let label = name.split('.').next().unwrap();
            let tried = ["_mongodb", "_grpclb", "_grpc_config", "_etcd-server", "_etcd-server-ssl"];
            assert!(tried.contains(&label), "{name} {qtype} is not expected");
            (NXDOMAIN, BTreeSet::new(), 0)
        }
    };
    // An RRset of more than 90 RRs has TTL 0.
    Expected { rcode, ttl: if answers.len() > 90 { 0 } else { 5 }, answers, largest }
}

/// The query's one question: its name in lower case, its type, and where it ends.
fn question(octets: &[u8]) -> (String, u16, usize) {
    let mut labels = Vec::new();
    let mut at = 12;
    while octets[at] != 0 {
        let end = at + 1 + usize::from(octets[at]);
        labels.push(String::from_utf8(octets[at + 1..end].to_ascii_lowercase()).unwrap());
        at = end;
    }
    (labels.join("."), u16::from_be_bytes([octets[at + 1], octets[at + 2]]), at + 5)
}

/// Holds an answer against the query, field by field.
fn hold(query: &[u8], answer: &[u8], transport: Transport) {
    let (name, qtype, end) = question(query);
    let Expected { rcode, ttl, answers: expected, largest } = expected(&name, qtype, transport);
    let message = Message::from_vec(answer).expect("a decodable answer");
    let word = |at: usize| u16::from_be_bytes([answer[at], answer[at + 1]]);

    // The header and the question, with the case of its letters.
    assert_eq!(answer[..2], query[..2], "ID");
    let flags = word(2);
    assert_eq!(flags & (QR | OPCODE_RD), QR | u16::from_be_bytes([query[2], query[3]]) & OPCODE_RD);
    assert_eq!(flags & AA != 0, rcode != REFUSED, "AA");
    assert_eq!((flags & 0x00f0, flags & 0x000f), (0, rcode), "RA, Z, AD, CD; RCODE");
    assert_eq!((word(4), &answer[12..end]), (1, &query[12..end]), "the question");

    // EDNS if the query has it.
    let edns = Message::from_vec(query).expect("a decodable query").edns;
    assert_eq!(message.edns.is_some(), edns.is_some(), "OPT");
    if let (Some(theirs), Some(ours)) = (&edns, &message.edns) {
        assert_eq!((ours.max_payload(), ours.version(), ours.flags().z), (UDP_MAX, 0, 0));
        assert_eq!(ours.flags().dnssec_ok, theirs.flags().dnssec_ok, "DO");
        // Neither cookies nor NSID are on; what is refused says why (RFC 8914, 20: Not Authoritative).
        let reasons: Vec<u16> = explanations(&message).into_iter().map(|(code, _)| code).collect();
        assert_eq!(ours.options().options.len(), reasons.len(), "options");
        assert_eq!(reasons, if rcode == REFUSED { vec![20] } else { vec![] });
    }

    // Answers: all of them, or as many as there is room for, and TC.
    let answers: Vec<String> = message.answers.iter().map(|record| presentation(&record.data)).collect();
    let found: BTreeSet<String> = answers.iter().cloned().collect();
    assert_eq!(found.len(), answers.len(), "an RR twice");
    let limit = match (transport, &edns) {
        (Transport::Tcp, _) => usize::from(u16::MAX),
        (Transport::Udp, None) => 512,
        (Transport::Udp, Some(edns)) => usize::from(edns.max_payload().clamp(512, UDP_MAX)),
    };
    assert!(answer.len() <= limit, "{} octets", answer.len());
    if flags & TC == 0 {
        assert_eq!(found, expected);
    } else {
        assert!(found.is_subset(&expected) && found.len() < expected.len() && !found.is_empty());
        assert!(answer.len() + largest > limit, "there was room for one more: {} octets", answer.len());
        assert!(message.additionals.is_empty());
    }
    if !answers.is_empty() {
        assert_eq!(answer[end..end + 2], [0xc0, 0x0c], "the owner is a pointer to the question");
    }
    for record in &message.answers {
        let rtype = u16::from(record.record_type());
        assert!(rtype == qtype || qtype == ANY && [A, AAAA].contains(&rtype), "{record}");
        assert_eq!((u16::from(record.dns_class), record.ttl), (1, ttl), "{record}");
    }

    // RFC 2308 3: an SOA where there is no answer, and nowhere else.
    let negative = expected.is_empty() && rcode != REFUSED;
    let authorities: Vec<_> =
        message.authorities.iter().map(|record| u16::from(record.record_type())).collect();
    assert_eq!(authorities, if negative { vec![SOA] } else { vec![] });
    assert!(message.authorities.iter().all(|record| record.ttl == 5));

    // Addresses of targets of SRV, as far as they have room.
    for record in &message.additionals {
        let owner = record.name.to_ascii();
        assert!(qtype == SRV && answers.iter().any(|srv| srv.ends_with(&owner)), "{record}");
        let dashed = presentation(&record.data).replace('.', "-");
        assert!(owner.starts_with(&dashed), "{record}");
    }
}

#[test]
fn every_client_gets_its_answer() {
    let server = server();
    let (mut asked, mut truncated) = (0, 0);
    for query in queries() {
        for transport in [Transport::Udp, Transport::Tcp] {
            let answer = exchange(server.ipv4(), transport, &query.octets);
            let (name, qtype, _) = question(&query.octets);
            let held = std::panic::catch_unwind(|| hold(&query.octets, &answer, transport));
            assert!(held.is_ok(), "{}: {name} {qtype} over {transport:?}", query.client);
            asked += 1;
            truncated += usize::from(answer[2] & 2 != 0);
        }
    }
    assert!(asked > 200 && truncated > 30, "{asked} asked, {truncated} truncated");
}

/// A client that comes again over TCP asks the same question there: whoever records queries has both.
#[test]
fn the_file_is_whole() {
    let queries = queries();
    let clients: BTreeSet<&str> = queries.iter().map(|query| query.client).collect();
    let recorded = clients.iter().filter(|client| client.ends_with(", recorded")).count();
    let described = clients.iter().filter(|client| client.ends_with("; described")).count();
    assert_eq!(recorded + described, clients.len());
    assert!(recorded >= 20 && described >= 10, "{recorded} recorded, {described} described");
    let over = |transport| queries.iter().filter(|query| query.transport == transport).count();
    assert!(over(Transport::Udp) > 80 && over(Transport::Tcp) > 20);
    for query in &queries {
        assert_eq!(query.octets[4..6], [0, 1], "one question");
    }
}
