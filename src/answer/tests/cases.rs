//! What is asked, and the whole answer to it.

use super::world::{SetOf, Target, with_sets};
use super::{Query, RD, Transport, ask, explanations, octets_of};
use crate::wire::RecordType;
use crate::zone::Snapshot;
use hickory_proto::rr::Record;
use std::sync::Arc;

const SOA: &str = "peers.cluster.local. 5 IN SOA ns.dns.peers.cluster.local. hostmaster.peers.cluster.local. \
                   7 30 5 604800 5";
const POD_SOA: &str =
    "pod.cluster.local. 5 IN SOA ns.dns.peers.cluster.local. hostmaster.peers.cluster.local. 7 30 5 604800 5";

fn snapshot(stale: bool) -> Arc<Snapshot> {
    let set = |name, peers, dual_stack, target| SetOf { name, peers, dual_stack, target };
    with_sets(
        &[
            set("myapp", 2, true, Target::Pod),
            set("own", 2, true, Target::Peer),
            set("elsewhere", 2, false, Target::Elsewhere),
            set("empty", 0, false, Target::Pod),
        ],
        stale,
    )
}

fn texts(records: &[Record]) -> Vec<String> {
    records.iter().map(ToString::to_string).collect()
}

/// Name, type, transport; response code, answer, authority and additional section.
type Case = (
    &'static str,
    RecordType,
    Transport,
    u16,
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
);

const UDP: Transport = Transport::Udp;
const TCP: Transport = Transport::Tcp;

const CASES: &[Case] = &[
    (
        "myapp.default.svc.peers.cluster.local",
        RecordType::A,
        UDP,
        0,
        &[
            "myapp.default.svc.peers.cluster.local. 5 IN A 10.1.0.0",
            "myapp.default.svc.peers.cluster.local. 5 IN A 10.1.0.1",
        ],
        &[],
        &[],
    ),
    (
        "MyApp.Default.SVC.peers.cluster.local",
        RecordType::TXT,
        UDP,
        0,
        &[
            "MyApp.Default.SVC.peers.cluster.local. 5 IN TXT myapp@10.1.0.0",
            "MyApp.Default.SVC.peers.cluster.local. 5 IN TXT myapp@10.1.0.1",
        ],
        &[],
        &[],
    ),
    (
        "_epmd._tcp.own.default.svc.peers.cluster.local",
        RecordType::SRV,
        UDP,
        0,
        &[
            "_epmd._tcp.own.default.svc.peers.cluster.local. 5 IN SRV 0 10 4369 \
             10-1-0-0.own.default.svc.peers.cluster.local.",
            "_epmd._tcp.own.default.svc.peers.cluster.local. 5 IN SRV 0 10 4369 \
             10-1-0-1.own.default.svc.peers.cluster.local.",
        ],
        &[],
        &[
            "10-1-0-0.own.default.svc.peers.cluster.local. 5 IN A 10.1.0.0",
            "10-1-0-0.own.default.svc.peers.cluster.local. 5 IN AAAA fd00::",
            "10-1-0-1.own.default.svc.peers.cluster.local. 5 IN A 10.1.0.1",
            "10-1-0-1.own.default.svc.peers.cluster.local. 5 IN AAAA fd00::1",
        ],
    ),
    (
        "myapp.default.svc.peers.cluster.local",
        RecordType::SRV,
        UDP,
        0,
        &[
            "myapp.default.svc.peers.cluster.local. 5 IN SRV 0 10 4369 10-1-0-0.default.pod.cluster.local.",
            "myapp.default.svc.peers.cluster.local. 5 IN SRV 0 10 4369 10-1-0-1.default.pod.cluster.local.",
        ],
        &[],
        &[
            "10-1-0-0.default.pod.cluster.local. 5 IN A 10.1.0.0",
            "10-1-0-1.default.pod.cluster.local. 5 IN A 10.1.0.1",
        ],
    ),
    (
        "elsewhere.default.svc.peers.cluster.local",
        RecordType::SRV,
        UDP,
        0,
        &[
            "elsewhere.default.svc.peers.cluster.local. 5 IN SRV 0 10 4369 \
             host-0.other.default.svc.cluster.local.",
            "elsewhere.default.svc.peers.cluster.local. 5 IN SRV 0 10 4369 \
             host-1.other.default.svc.cluster.local.",
        ],
        &[],
        &[],
    ),
    (
        "peers.cluster.local",
        RecordType::NS,
        UDP,
        0,
        &["peers.cluster.local. 5 IN NS ns.dns.peers.cluster.local."],
        &[],
        &["ns.dns.peers.cluster.local. 5 IN A 10.0.0.53", "ns.dns.peers.cluster.local. 5 IN AAAA fd00::53"],
    ),
    ("peers.cluster.local", RecordType::SOA, UDP, 0, &[SOA], &[], &[]),
    (
        "dns-version.peers.cluster.local",
        RecordType::TXT,
        UDP,
        0,
        &["dns-version.peers.cluster.local. 5 IN TXT 1.1.0"],
        &[],
        &[],
    ),
    (
        "10-1-0-1.default.pod.cluster.local",
        RecordType::A,
        UDP,
        0,
        &["10-1-0-1.default.pod.cluster.local. 5 IN A 10.1.0.1"],
        &[],
        &[],
    ),
    (
        "1.0.1.10.in-addr.arpa",
        RecordType::PTR,
        UDP,
        0,
        &["1.0.1.10.in-addr.arpa. 5 IN PTR 10-1-0-1.default.pod.cluster.local."],
        &[],
        &[],
    ),
    // RFC 8482 4.1: one RRset over UDP, both families over TCP, or one RRset of another type.
    (
        "myapp.default.svc.peers.cluster.local",
        RecordType::ANY,
        UDP,
        0,
        &[
            "myapp.default.svc.peers.cluster.local. 5 IN A 10.1.0.0",
            "myapp.default.svc.peers.cluster.local. 5 IN A 10.1.0.1",
        ],
        &[],
        &[],
    ),
    (
        "myapp.default.svc.peers.cluster.local",
        RecordType::ANY,
        TCP,
        0,
        &[
            "myapp.default.svc.peers.cluster.local. 5 IN A 10.1.0.0",
            "myapp.default.svc.peers.cluster.local. 5 IN A 10.1.0.1",
            "myapp.default.svc.peers.cluster.local. 5 IN AAAA fd00::",
            "myapp.default.svc.peers.cluster.local. 5 IN AAAA fd00::1",
        ],
        &[],
        &[],
    ),
    (
        "dns-version.peers.cluster.local",
        RecordType::ANY,
        TCP,
        0,
        &["dns-version.peers.cluster.local. 5 IN TXT 1.1.0"],
        &[],
        &[],
    ),
    // Empty non-terminals, sets without peers, types that a name does not have: NODATA.
    ("svc.peers.cluster.local", RecordType::A, UDP, 0, &[], &[SOA], &[]),
    ("_tcp.myapp.default.svc.peers.cluster.local", RecordType::SRV, UDP, 0, &[], &[SOA], &[]),
    ("empty.default.svc.peers.cluster.local", RecordType::TXT, UDP, 0, &[], &[SOA], &[]),
    ("empty.default.svc.peers.cluster.local", RecordType::ANY, TCP, 0, &[], &[SOA], &[]),
    ("myapp.default.svc.peers.cluster.local", RecordType::HTTPS, UDP, 0, &[], &[SOA], &[]),
    ("myapp.default.svc.peers.cluster.local", RecordType(0), UDP, 0, &[], &[SOA], &[]),
    ("myapp.default.svc.peers.cluster.local", RecordType::OPT, UDP, 0, &[], &[SOA], &[]),
    ("myapp.default.svc.peers.cluster.local", RecordType::TSIG, UDP, 0, &[], &[SOA], &[]),
    ("myapp.default.svc.peers.cluster.local", RecordType(65535), UDP, 0, &[], &[SOA], &[]),
    ("default.pod.cluster.local", RecordType::A, UDP, 0, &[], &[POD_SOA], &[]),
    ("peers.cluster.local", RecordType::DS, UDP, 0, &[], &[SOA], &[]),
    ("nothing.default.svc.peers.cluster.local", RecordType::A, UDP, 3, &[], &[SOA], &[]),
    ("www.example.com.myapp.default.svc.peers.cluster.local", RecordType::A, TCP, 3, &[], &[SOA], &[]),
    ("10-9-9-9.default.pod.cluster.local", RecordType::A, UDP, 3, &[], &[POD_SOA], &[]),
];

#[test]
fn answers_from_our_zones_are_authoritative_and_complete() {
    let snapshot = snapshot(false);
    for (name, qtype, transport, rcode, answers, authorities, additionals) in CASES {
        for edns in [None, Some(1232)] {
            let query = Query::new(name, *qtype);
            let query = edns.map_or(query.clone(), |size| query.edns(size));
            let message = ask(&query, *transport, &snapshot);
            let case = format!("{name} {qtype} {transport:?} {edns:?}");
            assert_eq!(u16::from(message.metadata.response_code), *rcode, "{case}");
            assert_eq!(texts(&message.answers), *answers, "{case}");
            assert_eq!(texts(&message.authorities), *authorities, "{case}");
            assert_eq!(texts(&message.additionals), *additionals, "{case}");
            assert!(message.metadata.authoritative && !message.metadata.truncation, "{case}");
            assert_eq!(message.edns.is_some(), edns.is_some(), "{case}");
            assert_eq!(explanations(&message), [], "{case}");
        }
    }
}

#[test]
fn what_is_stale_says_so() {
    let snapshot = snapshot(true);
    for (name, qtype, code) in [
        ("myapp.default.svc.peers.cluster.local", RecordType::TXT, Some(3)),
        ("myapp.default.svc.peers.cluster.local", RecordType::MX, Some(3)),
        ("nothing.default.svc.peers.cluster.local", RecordType::A, Some(19)),
        ("1.0.1.10.in-addr.arpa", RecordType::PTR, Some(3)),
        ("10-9-9-9.default.pod.cluster.local", RecordType::A, Some(19)),
        ("peers.cluster.local", RecordType::SOA, None),
        ("ns.dns.peers.cluster.local", RecordType::A, None),
        ("dns-version.peers.cluster.local", RecordType::TXT, None),
        ("www.peers.cluster.local", RecordType::A, None),
    ] {
        let query = Query::new(name, qtype);
        let message = ask(&query.clone().edns(1232), Transport::Udp, &snapshot);
        assert_eq!(
            explanations(&message),
            Vec::from_iter(code.map(|code| (code, String::new()))),
            "{name} {qtype}"
        );
        assert!(message.metadata.authoritative);
        assert!(ask(&query, Transport::Udp, &snapshot).edns.is_none());
    }
}

#[test]
fn complete_addresses_rotate_and_nothing_else_does() {
    let snapshot = snapshot(false);
    let name = "myapp.default.svc.peers.cluster.local";
    for (qtype, rotates) in
        [(RecordType::A, true), (RecordType::AAAA, true), (RecordType::TXT, false), (RecordType::SRV, false)]
    {
        let query = Query::new(name, qtype);
        let at = |rotation| super::decode(&octets_of(&query, Transport::Udp, rotation, &snapshot)).answers;
        let mut turned = at(0);
        assert_eq!(at(0).len(), 2);
        assert_eq!(at(4_294_967_294), turned, "{qtype}");
        turned.reverse();
        assert_eq!(at(1) == turned, rotates, "{qtype}");
        assert_eq!(at(u32::MAX) == turned, rotates, "{qtype}");
    }
}

#[test]
fn flags_are_set_by_the_rules_and_not_by_the_query() {
    let snapshot = snapshot(false);
    for name in ["myapp.default.svc.peers.cluster.local", "example.com", "x.late.svc.peers.cluster.local"] {
        for flags in [0, RD, 0x07ff, 0x0030, 0x0240] {
            let query = Query { flags, ..Query::new(name, RecordType::A) };
            let octets = octets_of(&query, Transport::Udp, 0, &snapshot);
            let authoritative = if name.starts_with("myapp") { 0x0400 } else { 0 };
            let sent = u16::from_be_bytes([octets[2], octets[3]]);
            assert_eq!(sent & 0xfff0, 0x8000 | flags & RD | authoritative, "{name} {flags:#06x}");
        }
    }
}

#[test]
fn recursion_is_available_only_where_it_is_set() {
    let snapshot = snapshot(false);
    let query = Query::new("myapp.default.svc.peers.cluster.local", RecordType::A).octets();
    let client = super::Client { transport: Transport::Udp, address: [127, 0, 0, 1].into() };
    for recursion_available in [false, true] {
        let policy = super::Policy { recursion_available, ..super::POLICY };
        let mut out = [0; 512];
        let mut scratch = super::Scratch::new();
        let outcome = super::answer(&query, &client, 0, &policy, &snapshot, &mut scratch, &mut out);
        assert!(matches!(outcome, super::Outcome::Reply(_)));
        assert_eq!(out[3] & 0x80 != 0, recursion_available);
    }
}

#[test]
fn the_question_comes_back_octet_by_octet() {
    let snapshot = snapshot(false);
    for name in ["mYaPP.deFAult.SVC.Peers.cluster.LOCAL", "ExAmPlE.cOm", ""] {
        let query = Query::new(name, RecordType::A).edns(1232);
        let sent = query.octets();
        let end = 12 + query.name.len() + 4;
        let octets = octets_of(&query, Transport::Udp, 0, &snapshot);
        assert_eq!(octets[..2], sent[..2]);
        assert_eq!(octets[12..end], sent[12..end], "{name}");
    }
}
