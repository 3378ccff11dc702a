//! What the server serves, row by row of the schema, and how a look-up program's answers are held against it.

use crate::client::{self, Transport, ask};
use crate::program::Program;
use crate::rosterd::Rosterd;
use crate::transcript::PrintedRecord;
use hickory_proto::rr::Record;
use std::net::SocketAddr;

/// Three peers: two stacks, IPv4 only, IPv4 with a hostname. Two named ports. A second set whose only peer is not ready.
const MANIFEST: &str = include_str!("../data/schema.yaml");

const SETTINGS: &str = r#"
reverse_zones = ["10.in-addr.arpa", "0.0.d.f.ip6.arpa"]

[[topologies]]
name = "myapp"
selector = "app=myapp"
namespaces = ["default"]
mode = "dns"

[[topologies]]
name = "shop"
node_basename = "web_shop"
selector = "app=shop"
mode = "peer"

[server]
advertise = ["127.0.0.1", "::1"]
"#;

/// One look-up and its result.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) record_type: &'static str,
    pub(crate) rcode: &'static str,
    /// The data of the answer section, in any order. Where it is empty, an SOA stands in the authority section of
    /// answers from our zones.
    pub(crate) answer: &'static [&'static str],
}

/// A row with an answer.
const fn found(name: &'static str, record_type: &'static str, answer: &'static [&'static str]) -> Row {
    Row { name, record_type, rcode: "NOERROR", answer }
}

/// A name that exists without records of the type.
const fn nodata(name: &'static str, record_type: &'static str) -> Row {
    Row { name, record_type, rcode: "NOERROR", answer: &[] }
}

/// A name below which nothing exists, or that is not ours.
const fn error(rcode: &'static str, name: &'static str, record_type: &'static str) -> Row {
    Row { name, record_type, rcode, answer: &[] }
}

/// The schema's rows, as the fixture has them.
pub(crate) const ROWS: &[Row] = &[
    // The set.
    found(
        "myapp.default.svc.peers.cluster.local.",
        "TXT",
        &[
            "myapp@10-0-0-1.default.pod.cluster.local",
            "myapp@10-0-0-2.default.pod.cluster.local",
            "myapp@10-0-0-3.default.pod.cluster.local",
        ],
    ),
    found("myapp.default.svc.peers.cluster.local.", "A", &["10.0.0.1", "10.0.0.2", "10.0.0.3"]),
    found("myapp.default.svc.peers.cluster.local.", "AAAA", &["fd00::1"]),
    found(
        "myapp.default.svc.peers.cluster.local.",
        "SRV",
        &[
            "0 10 4369 10-0-0-1.default.pod.cluster.local.",
            "0 10 4369 10-0-0-2.default.pod.cluster.local.",
            "0 10 4369 10-0-0-3.default.pod.cluster.local.",
            "0 10 8080 10-0-0-1.default.pod.cluster.local.",
            "0 10 8080 10-0-0-2.default.pod.cluster.local.",
            "0 10 8080 10-0-0-3.default.pod.cluster.local.",
        ],
    ),
    // One port of the set.
    found(
        "_http._tcp.myapp.default.svc.peers.cluster.local.",
        "SRV",
        &[
            "0 10 8080 10-0-0-1.default.pod.cluster.local.",
            "0 10 8080 10-0-0-2.default.pod.cluster.local.",
            "0 10 8080 10-0-0-3.default.pod.cluster.local.",
        ],
    ),
    nodata("_tcp.myapp.default.svc.peers.cluster.local.", "SRV"),
    error("NXDOMAIN", "_https._tcp.myapp.default.svc.peers.cluster.local.", "SRV"),
    // One peer.
    found("10-0-0-1.myapp.default.svc.peers.cluster.local.", "A", &["10.0.0.1"]),
    found("10-0-0-1.myapp.default.svc.peers.cluster.local.", "AAAA", &["fd00::1"]),
    found("myapp-2.myapp.default.svc.peers.cluster.local.", "A", &["10.0.0.3"]),
    nodata("myapp-2.myapp.default.svc.peers.cluster.local.", "AAAA"),
    error("NXDOMAIN", "10-0-0-9.myapp.default.svc.peers.cluster.local.", "A"),
    // Pod names, whatever the condition of the endpoint.
    found("10-0-0-1.default.pod.cluster.local.", "A", &["10.0.0.1"]),
    nodata("10-0-0-1.default.pod.cluster.local.", "AAAA"),
    found("10-0-0-1.default.pod.cluster.local.", "TXT", &["myapp@10-0-0-1.default.pod.cluster.local"]),
    found("fd00--1.default.pod.cluster.local.", "AAAA", &["fd00::1"]),
    found("fd00-0-0-0-0-0-0-1.default.pod.cluster.local.", "AAAA", &["fd00::1"]),
    found("10-0-1-1.default.pod.cluster.local.", "A", &["10.0.1.1"]),
    error("NXDOMAIN", "10-0-0-9.default.pod.cluster.local.", "A"),
    nodata("default.pod.cluster.local.", "A"),
    // Reverse names.
    found("3.0.0.10.in-addr.arpa.", "PTR", &["10-0-0-3.default.pod.cluster.local."]),
    found(
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa.",
        "PTR",
        &["fd00--1.default.pod.cluster.local."],
    ),
    error("NXDOMAIN", "9.0.0.10.in-addr.arpa.", "PTR"),
    nodata("0.0.10.in-addr.arpa.", "PTR"),
    // Apexes, and the names that every zone needs.
    found(
        "peers.cluster.local.",
        "SOA",
        &["ns.dns.peers.cluster.local. hostmaster.peers.cluster.local. SERIAL 30 5 604800 5"],
    ),
    found("peers.cluster.local.", "NS", &["ns.dns.peers.cluster.local."]),
    found("pod.cluster.local.", "NS", &["ns.dns.peers.cluster.local."]),
    found("10.in-addr.arpa.", "NS", &["ns.dns.peers.cluster.local."]),
    found("ns.dns.peers.cluster.local.", "A", &["127.0.0.1"]),
    found("ns.dns.peers.cluster.local.", "AAAA", &["::1"]),
    found("dns-version.peers.cluster.local.", "TXT", &["1.1.0"]),
    // Another set, with names of its own zone and an underscore before the `@`; its one peer is not ready.
    nodata("shop.default.svc.peers.cluster.local.", "TXT"),
    found(
        "shop.prod.svc.peers.cluster.local.",
        "TXT",
        &["web_shop@10-0-2-1.shop.prod.svc.peers.cluster.local"],
    ),
    found(
        "shop.prod.svc.peers.cluster.local.",
        "SRV",
        &["0 10 4369 10-0-2-1.shop.prod.svc.peers.cluster.local."],
    ),
    found("10-0-2-1.shop.prod.svc.peers.cluster.local.", "A", &["10.0.2.1"]),
    // What does not exist, and what is not ours.
    nodata("svc.peers.cluster.local.", "A"),
    nodata("default.svc.peers.cluster.local.", "TXT"),
    error("NXDOMAIN", "nobody.default.svc.peers.cluster.local.", "TXT"),
    error("REFUSED", "example.com.", "A"),
    error("REFUSED", ".", "NS"),
];

/// A server with the rows' data.
pub(crate) fn server() -> Rosterd {
    Rosterd::start(MANIFEST, SETTINGS)
}

/// Holds a program's answers to every row against what is expected, and section by section against what hickory-proto
/// decodes of the answer to the same question. Nothing changes between the two.
pub(crate) fn hold(program: &Program, address: impl Fn(&Rosterd) -> SocketAddr, transport: Transport) {
    let server = server();
    let server_address = address(&server);
    for row in ROWS {
        let what = format!("{} {} over {transport:?} at {server_address}", row.name, row.record_type);
        let seen = program.look_up(server_address, transport, row.name, row.record_type);
        let ours = row.rcode != "REFUSED";
        let mut expected: Vec<String> = row.answer.iter().map(|&data| data.to_owned()).collect();
        expected.sort();

        assert_eq!(seen.rcode, row.rcode, "{what}");
        assert_eq!(seen.has_flag("aa"), ours, "AA of {what}");
        assert!(seen.has_flag("qr") && seen.has_flag("rd"), "flags {:?} of {what}", seen.flags);
        assert!(
            !seen.has_flag("ra") && !seen.has_flag("ad") && !seen.has_flag("tc"),
            "{:?} of {what}",
            seen.flags
        );
        assert_eq!(seen.data(), expected, "{what}");
        for record in &seen.answer {
            assert_eq!(record.owner, row.name, "owner of {what}");
            assert_eq!(record.record_type, row.record_type, "type of {what}");
            assert_eq!(record.ttl, 5, "TTL of {what}");
        }
        let soa =
            seen.authority.iter().filter(|record| record.record_type == "SOA" && record.ttl == 5).count();
        assert_eq!(soa, usize::from(ours && row.answer.is_empty()), "SOA in authority of {what}");

        let decoded = ask(server_address, transport, row.name, row.record_type, program.udp_size);
        let rcode = format!("{:?}", decoded.metadata.response_code).to_uppercase();
        assert_eq!(rcode, row.rcode, "{what}, decoded");
        assert_eq!(decoded.metadata.authoritative, ours, "AA of {what}, decoded");
        for (section, printed, decoded) in [
            ("answer", &seen.answer, &decoded.answers),
            ("authority", &seen.authority, &decoded.authorities),
            ("additional", &seen.additional, &decoded.additionals),
        ] {
            let decoded = sorted(decoded.iter().map(as_printed));
            assert_eq!(sorted(printed.iter().cloned()), decoded, "{section} section of {what}");
        }
    }
}

/// A decoded record as look-up programs print it.
fn as_printed(record: &Record) -> PrintedRecord {
    PrintedRecord {
        owner: record.name.to_ascii(),
        ttl: record.ttl,
        record_type: record.record_type().to_string(),
        data: client::presentation(&record.data),
    }
}

/// Complete answers of addresses rotate: sections are compared in an order of their own.
fn sorted(records: impl Iterator<Item = PrintedRecord>) -> Vec<PrintedRecord> {
    let mut records: Vec<PrintedRecord> = records.collect();
    records.sort();
    records
}

/// The i-th of n parts of a set are disjoint and complete, whatever n, on every way to the server.
pub(crate) fn hold_parts(program: &Program) {
    const SET: &str = "myapp.default.svc.peers.cluster.local.";
    let server = server();
    for (address, transport) in [server.ipv4(), server.ipv6()]
        .into_iter()
        .flat_map(|address| [Transport::Udp, Transport::Tcp].map(|transport| (address, transport)))
    {
        for (record_type, records) in [("TXT", 3), ("A", 3), ("AAAA", 1), ("SRV", 6)] {
            let whole = program.look_up(address, transport, SET, record_type).data();
            assert_eq!(whole.len(), records, "{record_type} over {transport:?} at {address}");
            for parts in [1, 2, 8] {
                let mut together = Vec::new();
                for part in 0..parts {
                    let name = format!("_{part}._of{parts}.{SET}");
                    let answer = program.look_up(address, transport, &name, record_type);
                    assert_eq!(answer.rcode, "NOERROR", "{name} {record_type}");
                    together.extend(answer.data());
                }
                together.sort();
                assert_eq!(together, whole, "{parts} parts of {record_type} over {transport:?} at {address}");
            }
        }
        let beyond = program.look_up(address, transport, &format!("_2._of2.{SET}"), "TXT");
        assert_eq!(beyond.rcode, "NXDOMAIN");
    }
}
