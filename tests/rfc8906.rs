//! The tests of RFC 8906 section 8, each named after its own section: what every server must do with queries that it does
//! not understand wholly. All of them over UDP and TCP, for a zone made from peers and one of a master file, with settings
//! as they are and with everything turned on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "support/client.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod client;
#[path = "support/query.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod query;
#[path = "support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;

use client::{Transport, exchange};
use hickory_proto::op::Message;
use query::{OptRecord, Query, wire};
use rosterd::Rosterd;

const ZONE: &str = "peers.cluster.local";

/// A zone of a master file, and what stands in it.
const STATIC_ZONE: &str = "static.test";
const MASTER_FILE: &str = "@ 5 SOA ns hostmaster 1 2 3 4 5\n@ 5 NS ns\nns 5 A 192.0.2.1\n";

/// Types (RFC 1035 3.2.2, RFC 2782).
const SOA: u16 = 6;
const SRV: u16 = 33;

/// Response codes (RFC 1035 4.1.1, RFC 6891 9).
const NOERROR: u16 = 0;
const NOTIMP: u16 = 4;
const BADVERS: u16 = 16;

/// Header flags (RFC 1035 4.1.1, RFC 4035 3).
const AA: u16 = 0x0400;
const TC: u16 = 0x0200;
const RD: u16 = 0x0100;
const Z: u16 = 0x0040;
const AD: u16 = 0x0020;
const CD: u16 = 0x0010;

/// DO in the flags of an OPT record (RFC 3225 3).
const DO: u16 = 0x8000;

/// An answer, taken apart.
struct Answer {
    flags: u16,
    message: Message,
}

impl Answer {
    fn rcode(&self) -> u16 {
        self.message.metadata.response_code.into()
    }

    fn has_soa(&self) -> bool {
        self.message.answers.iter().any(|record| u16::from(record.record_type()) == SOA)
    }

    /// The version in the OPT record, where there is one.
    fn edns_version(&self) -> Option<u8> {
        self.message.edns.as_ref().map(hickory_proto::op::Edns::version)
    }

    /// The flags of the OPT record: DO and those that must be zero.
    fn edns_flags(&self) -> u16 {
        let flags = self.message.edns.as_ref().expect("an OPT record").flags();
        u16::from(flags.dnssec_ok) << 15 | flags.z
    }

    fn has_option(&self, code: u16) -> bool {
        let edns = self.message.edns.as_ref().expect("an OPT record");
        edns.options().options.iter().any(|(found, _)| u16::from(*found) == code)
    }
}

/// Asks every server over every transport, and holds each answer against what is expected.
fn ask(query: &Query, expect: impl Fn(&Answer)) {
    let manifest = include_str!("data/schema.yaml");
    let everything = "[server.cookies]\nenabled = true\n[server.rate_limit]\nanswers_per_second = 100000\n\
                      [[server.access]]\naction = \"allow\"\nclients = [\"127.0.0.0/8\"]\n\
                      [server]\nnsid = \"one\"\nidentity = \"one\"\nversion = \"1\"";
    let files = [("static.test.zone", MASTER_FILE)];
    let of_file = Query { name: wire(STATIC_ZONE), ..query.clone() };
    for (server, query) in [
        (Rosterd::start(manifest, "[server]"), query),
        (Rosterd::start(manifest, everything), query),
        (Rosterd::start_with_zones(manifest, &files), &of_file),
    ] {
        for transport in [Transport::Udp, Transport::Tcp] {
            let octets = exchange(server.ipv4(), transport, &query.octets());
            assert_eq!(octets[..2], query.id.to_be_bytes());
            let flags = u16::from_be_bytes([octets[2], octets[3]]);
            assert_eq!(flags & 0xf800, 0x8000 | query.flags & 0x7800, "QR and opcode");
            let message = Message::from_vec(&octets).expect("a message");
            assert_eq!(message.queries.len(), 1);
            expect(&Answer { flags, message });
        }
    }
}

fn soa() -> Query {
    Query::new(ZONE, SOA)
}

/// The SOA question with this OPT record.
fn soa_with(edns: OptRecord) -> Query {
    Query { edns: Some(edns), ..soa() }
}

fn opt(version: u8, flags: u16) -> OptRecord {
    OptRecord { udp_size: 1232, version, flags, options: Vec::new() }
}

fn assert_soa_without_edns(answer: &Answer) {
    assert_eq!((answer.rcode(), answer.has_soa(), answer.edns_version()), (NOERROR, true, None));
    assert_ne!(answer.flags & AA, 0);
    assert_eq!(answer.flags & (TC | Z | AD), 0);
}

fn assert_soa_with_edns(answer: &Answer) {
    assert_eq!((answer.rcode(), answer.has_soa(), answer.edns_version()), (NOERROR, true, Some(0)));
    assert_ne!(answer.flags & AA, 0);
    assert_eq!((answer.flags & (TC | Z | AD), answer.edns_flags() & !DO), (0, 0));
}

fn assert_bad_version(answer: &Answer) {
    assert_eq!((answer.rcode(), answer.has_soa(), answer.edns_version()), (BADVERS, false, Some(0)));
    assert_eq!((answer.flags & (AA | TC | Z | AD), answer.edns_flags() & !DO), (0, 0));
}

#[test]
fn section_8_1_1_is_the_server_configured_for_the_zone() {
    ask(&soa(), assert_soa_without_edns);
}

#[test]
fn section_8_1_2_testing_unknown_types() {
    ask(&Query::new(ZONE, 1000), |answer| {
        assert_eq!((answer.rcode(), answer.edns_version()), (NOERROR, None));
        assert_ne!(answer.flags & AA, 0);
        assert_eq!((answer.message.answers.len(), answer.message.authorities.len()), (0, 1));
    });
}

#[test]
fn section_8_1_3_1_testing_cd_1_queries() {
    ask(&Query { flags: CD, ..soa() }, assert_soa_without_edns);
}

#[test]
fn section_8_1_3_2_testing_ad_1_queries() {
    ask(&Query { flags: AD, ..soa() }, assert_soa_without_edns);
}

#[test]
fn section_8_1_3_3_testing_reserved_bit() {
    ask(&Query { flags: Z, ..soa() }, assert_soa_without_edns);
}

#[test]
fn section_8_1_3_4_testing_recursive_queries() {
    ask(&Query { flags: RD, ..soa() }, |answer| {
        assert_soa_without_edns(answer);
        assert_ne!(answer.flags & RD, 0);
    });
}

#[test]
fn section_8_1_4_testing_unknown_opcodes() {
    for opcode in [3, 7, 15] {
        ask(&Query { flags: opcode << 11, ..soa() }, |answer| {
            assert_eq!((answer.rcode(), answer.has_soa(), answer.edns_version()), (NOTIMP, false, None));
            assert_eq!(answer.flags & (AA | TC | Z | AD), 0);
        });
    }
    // As `dig +header-only` sends it.
    let server = Rosterd::start(include_str!("data/schema.yaml"), "[server]");
    for transport in [Transport::Udp, Transport::Tcp] {
        let answer = exchange(server.ipv4(), transport, b"\x12\x34\x78\0\0\0\0\0\0\0\0\0");
        assert_eq!(answer, b"\x12\x34\xf8\x04\0\0\0\0\0\0\0\0");
    }
}

/// All tests here run over TCP; this one asks twice over one connection (RFC 7766 6.2.1).
#[test]
fn section_8_1_5_testing_tcp() {
    use std::io::{Read, Write};
    let server = Rosterd::start(include_str!("data/schema.yaml"), "[server]");
    let mut stream = std::net::TcpStream::connect(server.ipv4()).unwrap();
    stream.set_read_timeout(Some(rosterd::PATIENCE)).unwrap();
    let query = soa().octets();
    for _ in 0..2 {
        let framed = [&u16::try_from(query.len()).unwrap().to_be_bytes()[..], &query].concat();
        stream.write_all(&framed).unwrap();
        let mut length = [0; 2];
        stream.read_exact(&mut length).unwrap();
        let mut octets = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut octets).unwrap();
        let flags = u16::from_be_bytes([octets[2], octets[3]]);
        assert_soa_without_edns(&Answer { flags, message: Message::from_vec(&octets).unwrap() });
    }
}

#[test]
fn section_8_2_1_testing_minimal_edns() {
    ask(&soa_with(opt(0, 0)), |answer| {
        assert_soa_with_edns(answer);
        assert_eq!(answer.edns_flags(), 0);
    });
}

#[test]
fn section_8_2_2_testing_edns_version_negotiation() {
    for version in [1, 100, 255] {
        ask(&soa_with(opt(version, 0)), assert_bad_version);
    }
}

#[test]
fn section_8_2_3_testing_unknown_edns_options() {
    ask(&soa().option(100, b""), |answer| {
        assert_soa_with_edns(answer);
        assert!(!answer.has_option(100));
    });
}

#[test]
fn section_8_2_4_testing_unknown_edns_flags() {
    ask(&soa_with(opt(0, 0x0040)), assert_soa_with_edns);
}

#[test]
fn section_8_2_5_testing_edns_version_negotiation_with_unknown_edns_flags() {
    ask(&soa_with(opt(1, 0x0040)), assert_bad_version);
}

#[test]
fn section_8_2_6_testing_edns_version_negotiation_with_unknown_edns_options() {
    let query = soa().option(100, b"");
    let edns = query.edns.clone().map(|edns| OptRecord { version: 1, ..edns });
    ask(&Query { edns, ..query }, |answer| {
        assert_bad_version(answer);
        assert!(!answer.has_option(100));
    });
}

/// The RFC asks for DNSKEY, which is large where zones are signed; here a name with many records stands for it.
#[test]
fn section_8_2_7_testing_truncated_responses() {
    let addresses: Vec<String> = (1..=60).map(|peer| format!("{{ip: 10.0.0.{peer}}}")).collect();
    let manifest = format!(
        "apiVersion: v1\nkind: Endpoints\nmetadata: {{name: myapp, namespace: default}}\n\
         subsets: [{{addresses: [{}]}}]\n",
        addresses.join(", ")
    );
    let server = Rosterd::start(&manifest, "[server]");
    let edns = Some(OptRecord { udp_size: 512, ..opt(0, DO) });
    let query = Query { edns, ..Query::new(&format!("myapp.default.svc.{ZONE}"), SRV) };
    for (transport, truncated) in [(Transport::Udp, true), (Transport::Tcp, false)] {
        let octets = exchange(server.ipv4(), transport, &query.octets());
        let message = Message::from_vec(&octets).unwrap();
        let answer = Answer { flags: u16::from_be_bytes([octets[2], octets[3]]), message };
        assert_eq!((answer.rcode(), answer.edns_version()), (NOERROR, Some(0)));
        assert_eq!((answer.flags & TC != 0, answer.edns_flags()), (truncated, DO));
        assert!(!truncated || octets.len() <= 512);
    }
}

#[test]
fn section_8_2_8_testing_do_1_handling() {
    ask(&soa_with(opt(0, DO)), |answer| {
        assert_soa_with_edns(answer);
        assert_eq!(answer.edns_flags(), DO);
    });
}

#[test]
fn section_8_2_9_testing_edns_version_negotiation_with_do_1() {
    ask(&soa_with(opt(1, DO)), |answer| {
        assert_bad_version(answer);
        assert_eq!(answer.edns_flags(), DO);
    });
}

/// NSID, EXPIRE, client subnet 0.0.0.0/0 and a client's cookie.
#[test]
fn section_8_2_10_testing_with_multiple_defined_edns_options() {
    let query = soa().option(3, b"").option(9, b"").option(8, b"\0\x01\0\0").option(10, b"a client");
    ask(&query, |answer| {
        assert_soa_with_edns(answer);
        assert!(!answer.has_option(8) && !answer.has_option(9));
        // Both or neither, as the settings say.
        assert_eq!(answer.has_option(3), answer.has_option(10));
    });
}
