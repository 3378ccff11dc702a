//! Any octets get at most one answer, within its limits.

use super::world::{SetOf, Target, with_files};
use super::{ADDRESS, NOW, Query, Transport, answer_into, decode};
use crate::answer::{AccessList, AccessRule, Client, Context, Cookies, Outcome, Policy, Scratch, answer};
use crate::wire::{CookieSecret, RecordType};
use crate::zone::Snapshot;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Record, RecordType as HickoryType};
use proptest::prelude::*;
use std::sync::{Arc, LazyLock};

/// A zone with everything that leads elsewhere, into one that not everybody may know of.
const OPEN: &str = "@ 5 SOA ns hostmaster 1 2 3 4 5\n@ 5 NS ns\nns 5 A 192.0.2.1\n*.wild 5 CNAME host.closed.test.\n\
    moved 5 DNAME closed.test.\nmail 5 MX 1 host.closed.test.\nsub 5 NS host.closed.test.\nsub 5 NS ns.sub\n\
    ns.sub 5 A 192.0.2.2\nmyapp 5 CNAME myapp.default.svc.peers.cluster.local.\n";
const CLOSED: &str = "@ 5 SOA ns hostmaster 1 2 3 4 5\n@ 5 NS ns\nns 5 A 192.0.2.99\nhost 5 A 192.0.2.99\n";

/// The address that stands in the closed zone alone.
const CLOSED_ADDRESS: [u8; 4] = [192, 0, 2, 99];

static SNAPSHOT: LazyLock<Arc<Snapshot>> = LazyLock::new(|| {
    let sets = [SetOf { name: "myapp", peers: 40, dual_stack: true, target: Target::Peer }];
    with_files(&sets, &[("open.test.zone", OPEN), ("closed.test.zone", CLOSED)], false)
});

/// The default settings, and those that turn everything on.
static POLICIES: LazyLock<[Policy; 2]> = LazyLock::new(|| {
    let secrets = [*b"the first secret", *b"the other secret"].map(CookieSecret::new);
    let [signing, other] = secrets;
    let closed = AccessRule {
        allow: false,
        clients: Vec::new(),
        zones: vec!["closed.test".parse().unwrap()],
        transports: Vec::new(),
    };
    let everything = Policy {
        access: AccessList::new(vec![closed]),
        cookies: Some(Cookies::new(signing, vec![other], true)),
        nsid: b"replica-1"[..].into(),
        identity: Some(b"replica-1"[..].into()),
        version: Some(b"1"[..].into()),
        ..Policy::default()
    };
    [Policy::default(), everything]
});

/// Octets by which an answer without data may be larger than its query: OPT, cookie, NSID, keepalive, two reasons, and an
/// SOA of names that the query did not have.
const OVERHEAD: usize = 11 + 28 + 13 + 6 + 12 + 100;

/// Asserts what holds for whatever comes in, and that the next query is answered as if it had not.
fn assert_sane(query: &[u8], transport: Transport) {
    for policy in &*POLICIES {
        let context = Context { snapshot: &SNAPSHOT, policy, limiter: None, now: NOW };
        let client = Client { transport, address: ADDRESS };
        let mut scratch = Scratch::new();
        let mut out = vec![0; if transport == Transport::Tcp { 65535 } else { 4096 }];
        let mut ask = |query: &[u8]| match answer(query, &client, 1, &context, &mut scratch, &mut out) {
            Outcome::Reply(length) => Some(out[..length].to_vec()),
            Outcome::Drop | Outcome::Transfer => None,
        };
        let good = Query::new("ns.dns.peers.cluster.local", RecordType::A).octets();
        let expected = [&b"\x12\x34\x85\0\0\x01\0\x01\0\0\0\0"[..], &good[12..], GOOD_RECORD].concat();
        let answer = ask(query);
        assert_eq!(ask(&good).unwrap(), expected, "after {}", query.escape_ascii());
        let is_query = query.len() >= 12 && query[2] & 0x80 == 0;
        assert_eq!(answer.is_some(), is_query, "{}", query.escape_ascii());
        if let Some(answer) = answer {
            assert_answers(&answer, query, transport);
            let told = answer.windows(4).any(|octets| octets == CLOSED_ADDRESS);
            assert!(!told || policy.access == AccessList::default(), "{}", query.escape_ascii());
        }
    }
}

/// The address of the name server, as it stands in an answer.
const GOOD_RECORD: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\x04\x0a\0\0\x35";

fn assert_answers(answer: &[u8], query: &[u8], transport: Transport) {
    assert_eq!(answer[..2], query[..2]);
    assert_eq!(answer[2] & 0xf9, 0x80 | query[2] & 0x79, "QR, opcode or RD");
    assert_eq!(answer[3] & 0xf0, 0);
    let message = decode(answer);
    let limit = match (transport, &message.edns) {
        (Transport::Tcp, _) => 65535,
        (Transport::Udp, Some(_)) => 1232,
        (Transport::Udp, None) => 512,
    };
    assert!(answer.len() <= limit, "{} octets", answer.len());
    if message.answers.is_empty() {
        assert!(answer.len() <= query.len() + OVERHEAD, "{} for {}", answer.len(), query.len());
    }
    // Aliases alone stand in an answer that denies what they lead to (RFC 6604 3).
    if message.metadata.response_code != ResponseCode::NoError {
        let mut types = message.answers.iter().map(Record::record_type);
        assert!(types.all(|rtype| matches!(rtype, HickoryType::CNAME | HickoryType::DNAME)), "{message}");
    }
}

fn good_queries() -> Vec<Vec<u8>> {
    const TSIG: &[u8] =
        b"\x01k\0\0\xfa\0\xff\0\0\0\0\0\x17\x01h\0\0\0\x65\x43\x21\x01\x01\x2c\0\x04mac!\x12\x34\0\0\0\0";
    let name = "myapp.default.svc.peers.cluster.local";
    let signed = |query: Query| {
        let mut octets = query.octets();
        octets[11] += 1;
        [&octets, TSIG].concat()
    };
    let cookie = CookieSecret::new(*b"the first secret").sign(*b"a client", ADDRESS, NOW);
    vec![
        Query::new(name, RecordType::A).octets(),
        Query::new(name, RecordType::SRV).edns(1232).octets(),
        Query { edns: Some((4096, 0x8000, Vec::new())), ..Query::new(name, RecordType::TXT) }
            .option(10, b"a client")
            .octets(),
        Query::new(name, RecordType::A)
            .option(3, b"")
            .option(10, &cookie)
            .option(11, b"")
            .option(19, b"")
            .octets(),
        Query::new("nothing.peers.cluster.local", RecordType::ANY).edns(512).octets(),
        Query::new("1.0.1.10.in-addr.arpa", RecordType::PTR).octets(),
        Query::new("x.wild.open.test", RecordType::A).edns(1232).octets(),
        Query::new("host.moved.open.test", RecordType::A).octets(),
        Query::new("mail.open.test", RecordType::MX).octets(),
        Query::new("x.sub.open.test", RecordType::A).octets(),
        Query::new("myapp.open.test", RecordType::SRV).edns(1232).octets(),
        Query { class: 3, ..Query::new("id.server", RecordType::TXT) }.octets(),
        Query { flags: 5 << 11, ..Query::new("peers.cluster.local", RecordType::SOA) }.octets(),
        signed(Query::new(name, RecordType::AAAA)),
        signed(Query::new(name, RecordType::AAAA).edns(1232)),
        [b"\x12\x34\0\0\0\0\0\0\0\0\0\x01\0\0\x29\x04\xd0\0\0\0\0\0\x1c\0\x0a\0\x18", &cookie[..]].concat(),
    ]
}

#[test]
fn every_truncation_of_a_good_query_is_handled() {
    for query in good_queries() {
        for length in 0..=query.len() {
            assert_sane(&query[..length], Transport::Udp);
        }
    }
}

#[test]
fn every_change_of_one_octet_of_a_good_query_is_handled() {
    for query in good_queries() {
        for at in 0..query.len() {
            for value in 0..=255 {
                let mut changed = query.clone();
                changed[at] = value;
                // Each over one transport: which of them matters little before anything is looked up.
                let over_tcp = (at + usize::from(value)) % 2 == 1;
                assert_sane(&changed, if over_tcp { Transport::Tcp } else { Transport::Udp });
            }
        }
    }
}

/// Types and classes that RFCs give a meaning, and some of those that they do not. All others: `tests/vulnerability_classes.rs`.
#[test]
fn types_and_classes_are_handled() {
    let name = "myapp.default.svc.peers.cluster.local";
    for class in [0, 1, 2, 3, 4, 254, 255, 65535] {
        for qtype in (0..=300).step_by(7).chain(249..=257).chain([32768, 65280, 65535]) {
            let query = Query { class, ..Query::new(name, RecordType(qtype)) };
            assert_sane(&query.octets(), Transport::Udp);
            assert_sane(&query.edns(1232).octets(), Transport::Tcp);
        }
    }
}

#[test]
fn pointers_lead_nowhere() {
    let question = Query::new("myapp.default.svc.peers.cluster.local", RecordType::A).octets()[12..].to_vec();
    let behind = u8::try_from(12 + question.len()).unwrap();
    // To itself, to the header, forward, to each other, at the end of a label.
    let fixed = b"\0\x10\0\x01\0\0\0\0\0\0";
    for owners in [
        vec![vec![0xc0, behind]],
        vec![vec![0xc0, 0]],
        vec![vec![0xff, 0xff]],
        vec![vec![0xc0, behind + 12], vec![0xc0, behind]],
        vec![vec![1, b'a', 0xc0, behind]],
    ] {
        let mut query = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::try_from(owners.len()).unwrap()];
        query.extend_from_slice(&question);
        for owner in owners {
            query.extend_from_slice(&owner);
            query.extend_from_slice(fixed);
        }
        assert_sane(&query, Transport::Udp);
        let answer = answer_into(&query, Transport::Udp, 0, &SNAPSHOT, &mut [0; 512]).unwrap();
        assert!(!decode(&answer).answers.is_empty());
    }
    for name in [&b"\xc0\x0c"[..], b"\xc0\x0e\xc0\x0c", b"\x01a\xc0\x0c", b"\x40", b"\x80"] {
        let query = [&[0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], name, &[0, 1, 0, 1]].concat();
        assert_sane(&query, Transport::Udp);
        let answer = answer_into(&query, Transport::Udp, 0, &SNAPSHOT, &mut [0; 512]).unwrap();
        assert_eq!(answer, [0x12, 0x34, 0x81, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}

#[test]
fn a_message_full_of_records_is_walked_once() {
    let mut query = Query::new("myapp.default.svc.peers.cluster.local", RecordType::A).octets();
    let mut count = 0_u16;
    while query.len() + 11 <= 65535 {
        query.extend_from_slice(b"\0\0\x10\0\x01\0\0\0\0\0\0");
        count += 1;
    }
    query[10..12].copy_from_slice(&count.to_be_bytes());
    assert_sane(&query, Transport::Tcp);
    // Sections that claim more than there is.
    query[4..12].copy_from_slice(&[0xff; 8]);
    assert_sane(&query, Transport::Tcp);
}

proptest! {
    #[test]
    fn any_octets_get_at_most_one_sane_answer(query in prop::collection::vec(any::<u8>(), 0..200)) {
        assert_sane(&query, Transport::Udp);
        assert_sane(&query, Transport::Tcp);
    }

    #[test]
    fn any_octets_behind_a_header_are_handled(
        flags in any::<u16>().prop_map(|flags| flags & 0x0fff),
        counts in prop::array::uniform4(0_u8..3),
        body in prop::collection::vec(prop_oneof![0_u8..4, any::<u8>()], 0..120),
    ) {
        let [qd, an, ns, ar] = counts;
        let [f0, f1] = flags.to_be_bytes();
        let query = [&[0x12, 0x34, f0, f1, 0, qd, 0, an, 0, ns, 0, ar][..], &body].concat();
        assert_sane(&query, Transport::Udp);
    }

    #[test]
    fn any_octets_behind_a_question_are_handled(
        additionals in 0_u8..4,
        rest in prop::collection::vec(prop_oneof![Just(0_u8), Just(41_u8), 0_u8..16, any::<u8>()], 0..60),
        length in 0_usize..600,
    ) {
        let mut query = Query::new("myapp.default.svc.peers.cluster.local", RecordType::SRV).octets();
        query[11] = additionals;
        query.extend_from_slice(&rest);
        assert_sane(&query, Transport::Udp);
        if let Some(answer) = answer_into(&query, Transport::Udp, 0, &SNAPSHOT, &mut vec![0; length]) {
            prop_assert!(answer.len() <= length.min(1232));
            decode(&answer);
        }
    }
}
