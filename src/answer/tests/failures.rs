//! Queries that get no data: outside, not ready, not implemented, malformed.

use super::world::{SetOf, Target, below, with_sets};
use super::{Query, Transport, answer_into, ask, decode, explanations};
use crate::wire::{Name, RecordType};
use crate::zone::Snapshot;
use hickory_proto::op::{Message, ResponseCode};
use std::sync::Arc;

const NAME: &str = "myapp.default.svc.peers.cluster.local";

fn snapshot() -> Arc<Snapshot> {
    with_sets(&[SetOf { name: "myapp", peers: 2, dual_stack: false, target: Target::Pod }], true)
}

fn a() -> Query {
    Query::new(NAME, RecordType::A)
}

fn assert_no_records(message: &Message) {
    let sections = (message.answers.len(), message.authorities.len(), message.additionals.len());
    assert_eq!(sections, (0, 0, 0), "{message}");
    assert!(!message.metadata.authoritative && !message.metadata.truncation, "{message}");
}

#[test]
fn what_is_not_answered_is_refused_with_a_reason() {
    let snapshot = snapshot();
    for (query, rcode, reason) in [
        (Query::new("", RecordType::NS), ResponseCode::Refused, 20),
        (Query::new("example.com", RecordType::A), ResponseCode::Refused, 20),
        (Query::new("cluster.local", RecordType::A), ResponseCode::Refused, 20),
        (Query::new("xpeers.cluster.local", RecordType::A), ResponseCode::Refused, 20),
        (Query { class: 3, ..a() }, ResponseCode::Refused, 20),
        (Query { class: 255, ..a() }, ResponseCode::Refused, 20),
        (Query { class: 0, ..a() }, ResponseCode::Refused, 20),
        (Query { class: 254, ..a() }, ResponseCode::Refused, 20),
        (Query::new("peers.cluster.local", RecordType::AXFR), ResponseCode::Refused, 21),
        (Query::new("peers.cluster.local", RecordType::IXFR), ResponseCode::Refused, 21),
        (Query::new("example.com", RecordType::AXFR), ResponseCode::Refused, 20),
        (Query::new("x.late.svc.peers.cluster.local", RecordType::A), ResponseCode::ServFail, 14),
        (Query::new("late.svc.peers.cluster.local", RecordType::TXT), ResponseCode::ServFail, 14),
        (Query::new("9.9.9.10.in-addr.arpa", RecordType::PTR), ResponseCode::ServFail, 14),
        (Query::new("broken.odd.svc.peers.cluster.local", RecordType::TXT), ResponseCode::ServFail, 24),
        (
            Query::new("_a._tcp.broken.odd.svc.peers.cluster.local", RecordType::SRV),
            ResponseCode::ServFail,
            24,
        ),
        (Query::new("10-0-0-1.odd.pod.cluster.local", RecordType::A), ResponseCode::ServFail, 24),
    ] {
        for transport in [Transport::Udp, Transport::Tcp] {
            let message = ask(&query.clone().edns(1232), transport, &snapshot);
            assert_eq!(message.metadata.response_code, rcode, "{query:?}");
            assert_eq!(explanations(&message), [(reason, String::new())], "{query:?}");
            assert_eq!(message.queries.len(), 1);
            assert_no_records(&message);
            let plain = ask(&query, transport, &snapshot);
            assert_eq!(plain.metadata.response_code, rcode);
            assert!(plain.edns.is_none());
        }
    }
}

#[test]
fn other_opcodes_are_not_implemented() {
    let snapshot = snapshot();
    for opcode in 1..16_u16 {
        let flags = opcode << 11;
        let header_only = [&[0x12, 0x34][..], &flags.to_be_bytes(), &[0; 8]].concat();
        let garbage = [&[0x12, 0x34][..], &flags.to_be_bytes(), &[0xff; 40]].concat();
        let queries = [
            (Query { flags, ..a() }.octets(), 1, false),
            (Query { flags, ..a() }.edns(1232).octets(), 1, true),
            (header_only, 0, false),
            (garbage, 0, false),
        ];
        for (query, questions, edns) in queries {
            let octets = answer_into(&query, Transport::Udp, 0, &snapshot, &mut [0; 512]).unwrap();
            let message = decode(&octets);
            assert_eq!(u16::from_be_bytes([octets[2], octets[3]]), 0x8004 | flags, "{opcode}");
            assert_eq!((message.queries.len(), message.edns.is_some()), (questions, edns), "{opcode}");
            let explained = if edns { vec![(21, String::new())] } else { Vec::new() };
            assert_eq!(explanations(&message), explained, "{opcode}");
            assert_no_records(&message);
        }
    }
}

#[test]
fn malformed_queries_are_format_errors() {
    const OPT: &[u8] = b"\0\0\x29\x04\xd0\0\0\0\0\0\0";
    let snapshot = snapshot();
    let question = &a().octets()[12..];
    // Counts of the four sections and what follows the header; questions repeated, OPT kept.
    let cases = [
        ("no question", [0, 0, 0, 0], vec![], 0, false),
        ("no question with OPT", [0, 0, 0, 1], OPT.to_vec(), 0, true),
        ("two questions", [2, 0, 0, 0], [question, question].concat(), 0, false),
        ("two questions with OPT", [2, 0, 0, 1], [question, question, OPT].concat(), 0, true),
        ("question missing", [1, 0, 0, 0], vec![], 0, false),
        ("question cut", [1, 0, 0, 0], question[..question.len() - 1].to_vec(), 0, false),
        ("pointer in the question", [1, 0, 0, 0], b"\xc0\x0c\0\x01\0\x01".to_vec(), 0, false),
        ("pointer, OPT", [1, 0, 0, 1], [b"\xc0\x0c\0\x01\0\x01", OPT].concat(), 0, true),
        ("two OPT", [1, 0, 0, 2], [question, OPT, OPT].concat(), 1, true),
        ("OPT as answer", [1, 1, 0, 0], [question, OPT].concat(), 1, true),
        ("TSIG as answer", [1, 1, 0, 0], [question, TSIG].concat(), 1, false),
        ("TSIG before OPT", [1, 0, 0, 2], [question, TSIG, OPT].concat(), 1, true),
        ("TSIG twice", [1, 0, 0, 3], [question, OPT, TSIG, TSIG].concat(), 1, true),
        (
            "TSIG of junk",
            [1, 0, 0, 2],
            [question, OPT, b"\x01k\0\0\xfa\0\xff\0\0\0\0\0\x04junk"].concat(),
            1,
            true,
        ),
        (
            "zone version in a query",
            [1, 0, 0, 1],
            [question, b"\0\0\x29\x04\xd0\0\0\0\0\0\x05\0\x13\0\x01\0"].concat(),
            1,
            true,
        ),
        ("record missing", [1, 0, 0, 1], question.to_vec(), 1, false),
        ("record cut", [1, 0, 0, 1], [question, &OPT[..10]].concat(), 1, false),
        ("record missing behind OPT", [1, 0, 0, 2], [question, OPT].concat(), 1, true),
        (
            "option cut",
            [1, 0, 0, 1],
            [question, b"\0\0\x29\x04\xd0\0\0\0\0\0\x05\0\x0a\0\x08x"].concat(),
            1,
            true,
        ),
    ];
    for (case, [qd, an, ns, ar], rest, questions, edns) in cases {
        let query = [&[0x12, 0x34, 1, 0, 0, qd, 0, an, 0, ns, 0, ar][..], &rest].concat();
        let octets = answer_into(&query, Transport::Udp, 0, &snapshot, &mut [0; 512]).expect(case);
        let message = decode(&octets);
        assert_eq!(message.metadata.response_code, ResponseCode::FormErr, "{case}");
        assert_eq!((message.queries.len(), message.edns.is_some()), (questions, edns), "{case}");
        assert_no_records(&message);
        assert_eq!(explanations(&message), [], "{case}");
    }
}

#[test]
fn only_edns_version_0_is_spoken() {
    let snapshot = snapshot();
    for version in [1, 2, 255_u32] {
        let query = Query { edns: Some((4096, version << 16 | 0x8000, b"junk".to_vec())), ..a() };
        let message = ask(&query, Transport::Udp, &snapshot);
        let edns = message.edns.clone().unwrap();
        assert_eq!(u16::from(message.metadata.response_code), 16, "{version}");
        assert_eq!((edns.rcode_high(), edns.version(), edns.max_payload()), (1, 0, 1232));
        assert_no_records(&message);
    }
}

#[test]
fn options_and_flags_that_mean_nothing_here_are_ignored() {
    let snapshot = snapshot();
    // COOKIE, client subnet, padding, an unknown option, the same twice.
    for options in [
        &b"\0\x0a\0\x08\x01\x02\x03\x04\x05\x06\x07\x08"[..],
        b"\0\x08\0\x04\0\x01\0\0",
        b"\0\x0c\0\0",
        b"\xff\xfe\0\x01x\xff\xfe\0\x01x",
    ] {
        for (ttl, dnssec_ok) in [(0, false), (0x8000, true), (0x7fff, false)] {
            let query = Query { edns: Some((1232, ttl, options.to_vec())), ..a() };
            let message = ask(&query, Transport::Udp, &snapshot);
            let edns = message.edns.clone().unwrap();
            assert_eq!(message.answers.len(), 2);
            assert_eq!((edns.flags().dnssec_ok, edns.flags().z), (dnssec_ok, 0));
        }
    }
}

#[test]
fn other_records_of_a_query_are_ignored() {
    // SIG with a type covered of 0 is SIG(0) (RFC 2931 3); TKEY asks for a key (RFC 2930 2).
    const SIG: &[u8] = b"\0\0\x18\0\xff\0\0\0\0\0\x13\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x01k\0";
    const TKEY: &[u8] = b"\x03key\0\0\xf9\0\xff\0\0\0\0\0\x11junk that is here";
    let snapshot = snapshot();
    let plain = a().octets();
    for (counts, rest) in [
        ([0, 0, 0, 1], SIG),
        ([0, 0, 0, 1], TKEY),
        ([0, 1, 0, 0], TKEY),
        ([0, 1, 0, 0], b"\xc0\x0c\0\x06\0\x01\0\0\0\0\0\0"),
        ([0, 0, 0, 0], b"octets that no count covers"),
    ] {
        let mut query = [&plain, rest].concat();
        for (count, at) in counts.into_iter().zip([5, 7, 9, 11]) {
            query[at] |= count;
        }
        let octets = answer_into(&query, Transport::Udp, 0, &snapshot, &mut [0; 512]).unwrap();
        assert_eq!(decode(&octets).answers.len(), 2);
    }
}

/// A TSIG record with a MAC of four octets.
const TSIG: &[u8] =
    b"\x03key\0\0\xfa\0\xff\0\0\0\0\0\x21\x0bhmac-sha256\0\0\0\x65\x43\x21\x01\x01\x2c\0\x04mac!\x12\x34\0\0\0\0";

#[test]
fn signatures_by_keys_that_are_not_known_are_not_authorised() {
    let snapshot = snapshot();
    for edns in [false, true] {
        let query = if edns { a().edns(1232) } else { a() };
        let mut octets = [query.octets(), TSIG.to_vec()].concat();
        octets[11] += 1;
        for transport in [Transport::Udp, Transport::Tcp] {
            let answer = answer_into(&octets, transport, 0, &snapshot, &mut [0; 512]).unwrap();
            let message = decode(&answer);
            assert_eq!(message.metadata.response_code, ResponseCode::NotAuth);
            assert_eq!((message.answers.len(), message.authorities.len()), (0, 0));
            assert_eq!((message.queries.len(), message.edns.is_some()), (1, edns));
            // The same names and times, no MAC, the same ID, BADKEY, nothing else.
            let expected = [&TSIG[..13], b"\0\x1d", &TSIG[15..36], b"\0\0\x12\x34\0\x11\0\0"].concat();
            assert!(answer.ends_with(&expected), "{}", answer.escape_ascii());
            assert_eq!(answer[11], 1 + u8::from(edns));
        }
    }
}

#[test]
fn a_signature_whose_names_do_not_fit_is_answered_truncated() {
    let snapshot = snapshot();
    let long = [[&[63][..], &[b'k'; 63]].concat().repeat(3), vec![60], vec![b'k'; 60], vec![0]].concat();
    let rdata = [&long[..], &TSIG[28..]].concat();
    let length = u16::try_from(rdata.len()).unwrap().to_be_bytes();
    let mut octets = [&a().octets(), &long[..], b"\0\xfa\0\xff\0\0\0\0", &length, &rdata].concat();
    octets[11] = 1;
    let udp = decode(&answer_into(&octets, Transport::Udp, 0, &snapshot, &mut [0; 4096]).unwrap());
    assert_eq!(udp.metadata.response_code, ResponseCode::NotAuth);
    assert!(udp.metadata.truncation && udp.signature.is_none());
    let tcp = decode(&answer_into(&octets, Transport::Tcp, 0, &snapshot, &mut [0; 4096]).unwrap());
    assert!(!tcp.metadata.truncation);
}

#[test]
fn answers_are_never_answered() {
    let snapshot = snapshot();
    for opcode in 0..16 {
        for rcode in 0..16 {
            let query = Query { flags: 0x8000 | opcode << 11 | rcode, ..a() };
            assert_eq!(answer_into(&query.octets(), Transport::Udp, 0, &snapshot, &mut [0; 512]), None);
        }
    }
    assert_eq!(answer_into(&[0xff; 12], Transport::Udp, 0, &snapshot, &mut [0; 512]), None);
}

#[test]
fn a_negative_answer_without_room_for_its_soa_is_truncated() {
    // 200 octets of apex in MNAME and 255 of RNAME beside a question of 250 are more than 512.
    let label = "a".repeat(49);
    let zone = [label.as_str(); 3].join(".");
    let hostmaster: Name =
        ["b".repeat(62), "c".repeat(62), "d".repeat(62), "e".repeat(62)].join(".").parse().unwrap();
    let snapshot = below(&zone, Some(hostmaster), &[], false);
    let query = Query::new(&format!("{}.{zone}", "x".repeat(60)), RecordType::A);
    let short = ask(&query, Transport::Udp, &snapshot);
    assert!(short.metadata.truncation && short.authorities.is_empty() && short.metadata.authoritative);
    let long = ask(&query.edns(1232), Transport::Udp, &snapshot);
    assert!(!long.metadata.truncation && long.authorities.len() == 1);
    assert_eq!(long.metadata.response_code, ResponseCode::NXDomain);
}
