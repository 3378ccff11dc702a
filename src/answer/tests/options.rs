//! NSID, edns-tcp-keepalive, ZONEVERSION; and what gives way where there is little room.

use super::world::{SetOf, Target, with_sets};
use super::{Query, Transport, ask, ask_by, decode, explanations, octets_by, options};
use crate::answer::{Cookies, Policy};
use crate::wire::{CookieSecret, RecordType};
use crate::zone::Snapshot;
use std::sync::Arc;

const NSID: u16 = 3;
const COOKIE: u16 = 10;
const KEEPALIVE: u16 = 11;
const PADDING: u16 = 12;
const ZONE_VERSION: u16 = 19;

fn snapshot(stale: bool) -> Arc<Snapshot> {
    with_sets(&[SetOf { name: "myapp", peers: 200, dual_stack: false, target: Target::Pod }], stale)
}

fn query(name: &str) -> Query {
    Query::new(name, RecordType::A)
}

const NAME: &str = "_0._of32.myapp.default.svc.peers.cluster.local";

fn policy() -> Policy {
    let cookies = Cookies::new(CookieSecret::new([7; 16]), Vec::new(), false);
    Policy { nsid: b"replica-1"[..].into(), tcp_idle: 123, cookies: Some(cookies), ..Policy::default() }
}

#[test]
fn the_identifier_is_told_to_who_asks() {
    let snapshot = snapshot(false);
    for data in [&b""[..], b"means nothing"] {
        for name in [NAME, "example.org", "nothing.peers.cluster.local"] {
            let query = query(name).option(NSID, data);
            let message = ask_by(&policy(), &query, Transport::Udp, &snapshot);
            assert_eq!(options(&message, NSID), [b"replica-1"], "{name}");
            assert!(options(&ask(&query, Transport::Udp, &snapshot), NSID).is_empty(), "not set");
        }
    }
    let unasked = ask_by(&policy(), &query(NAME).edns(1232), Transport::Udp, &snapshot);
    assert!(options(&unasked, NSID).is_empty());
}

/// RFC 7830 4, 6 and RFC 8467 4.1: who pads is answered by blocks of 468 octets, where nobody on the way sees what it is.
#[test]
fn answers_are_padded_for_who_pads_where_that_hides_anything() {
    let snapshot = snapshot(false);
    let long = "myapp.default.svc.peers.cluster.local";
    for (transport, padded) in [
        (Transport::Udp, false),
        (Transport::Tcp, false),
        (Transport::Tls, true),
        (Transport::Https, true),
        (Transport::Quic, true),
    ] {
        for query in [
            query(NAME),
            query(long),
            query("nothing.peers.cluster.local"),
            query("example.org"),
            query(NAME).option(NSID, b"").option(COOKIE, b"a client"),
        ] {
            let octets = octets_by(&policy(), &query.clone().option(PADDING, b"xyz"), transport, &snapshot);
            assert_eq!(octets.len().is_multiple_of(468), padded, "{transport:?} {} octets", octets.len());
            let data = options(&decode(&octets), PADDING);
            assert_eq!(data.len(), usize::from(padded), "{transport:?}");
            assert!(data.iter().flatten().all(|octet| *octet == 0));
            let bare = octets_by(&policy(), &query.edns(1232), transport, &snapshot);
            assert!(options(&decode(&bare), PADDING).is_empty(), "unasked");
        }
    }
}

/// Before a question is admitted, nothing is known of who asks.
#[test]
fn errors_do_not_tell_the_identifier() {
    let snapshot = snapshot(false);
    let cookies = Cookies::new(CookieSecret::new([7; 16]), Vec::new(), true);
    let policy = Policy { cookies: Some(cookies), ..policy() };
    for (query, rcode) in [
        (query(NAME).option(NSID, b"").option(ZONE_VERSION, b"x"), 1),
        (Query { flags: 4 << 11, ..query(NAME) }.option(NSID, b""), 4),
        (query(NAME).option(NSID, b"").option(COOKIE, b"a client"), 23),
    ] {
        let message = ask_by(&policy, &query, Transport::Udp, &snapshot);
        assert_eq!(u16::from(message.metadata.response_code), rcode);
        assert!(options(&message, NSID).is_empty(), "{rcode}");
    }
}

#[test]
fn the_idle_timeout_is_told_over_tcp_to_who_asks() {
    let snapshot = snapshot(false);
    for data in [&b""[..], b"\0\x01"] {
        let query = query(NAME).option(KEEPALIVE, data);
        let tcp = ask_by(&policy(), &query, Transport::Tcp, &snapshot);
        assert_eq!(options(&tcp, KEEPALIVE), [[0, 123]]);
        assert!(options(&ask_by(&policy(), &query, Transport::Udp, &snapshot), KEEPALIVE).is_empty());
    }
    let unasked = ask_by(&policy(), &query(NAME).edns(1232), Transport::Tcp, &snapshot);
    assert!(options(&unasked, KEEPALIVE).is_empty());
}

#[test]
fn the_version_of_the_zone_is_told_with_authoritative_answers() {
    let snapshot = snapshot(false);
    for (name, version) in [
        (NAME, Some([3, 0, 0, 0, 0, 7])),
        ("peers.cluster.local", Some([3, 0, 0, 0, 0, 7])),
        ("nothing.peers.cluster.local", Some([3, 0, 0, 0, 0, 7])),
        ("10-1-0-0.default.pod.cluster.local", Some([3, 0, 0, 0, 0, 7])),
        ("1.0.1.10.in-addr.arpa", Some([3, 0, 0, 0, 0, 7])),
        ("a.late.svc.peers.cluster.local", None),
        ("example.org", None),
    ] {
        let query = query(name).option(ZONE_VERSION, b"");
        let message = ask(&query, Transport::Udp, &snapshot);
        let version: Vec<Vec<u8>> = version.iter().map(|version| version.to_vec()).collect();
        assert_eq!(options(&message, ZONE_VERSION), version, "{name}");
    }
    let transfer = Query::new("peers.cluster.local", RecordType::AXFR).option(ZONE_VERSION, b"");
    assert!(options(&ask(&transfer, Transport::Tcp, &snapshot), ZONE_VERSION).is_empty());
    assert!(options(&ask(&query(NAME).edns(512), Transport::Udp, &snapshot), ZONE_VERSION).is_empty());
}

#[test]
fn paddings_are_for_encrypted_transports() {
    let snapshot = snapshot(false);
    for transport in [Transport::Udp, Transport::Tcp] {
        let message = ask(&query(NAME).option(12, &[0; 40]), transport, &snapshot);
        assert!(options(&message, 12).is_empty());
    }
}

#[test]
fn reasons_give_way_to_records_and_what_was_asked_for_does_not() {
    let snapshot = snapshot(true);
    let mut explained = [0, 0];
    for size in 512..=1232 {
        for name in
            [NAME, "_0._of16.myapp.default.svc.peers.cluster.local", "myapp.default.svc.peers.cluster.local"]
        {
            let query = Query { edns: Some((size, 0, Vec::new())), ..query(name) };
            let query = query.option(NSID, b"").option(COOKIE, b"a client").option(ZONE_VERSION, b"");
            let message = ask_by(&policy(), &query, Transport::Udp, &snapshot);
            for code in [NSID, COOKIE, ZONE_VERSION] {
                assert_eq!(options(&message, code).len(), 1, "{name} {size}");
            }
            let reasons = explanations(&message).len();
            explained[usize::from(message.metadata.truncation)] += reasons;
            assert!(reasons > 0 || !message.metadata.truncation, "{name} {size}");
        }
    }
    assert!(explained[0] > 0 && explained[1] > 0);
}

#[test]
fn the_largest_question_and_all_options_fit_into_512_octets() {
    let snapshot = snapshot(false);
    let policy = Policy { nsid: vec![b'n'; Policy::NSID_MAX].into(), ..policy() };
    let label = "x".repeat(57);
    let name = [label.as_str(); 4].join(".") + ".peers.cluster.local";
    let query = query(&name).option(NSID, b"").option(COOKIE, b"a client").option(ZONE_VERSION, b"");
    assert_eq!(query.name.len(), 253);
    let query = Query { edns: query.edns.map(|(_, ttl, options)| (0, ttl, options)), ..query };
    let message = ask_by(&policy, &query, Transport::Udp, &snapshot);
    for code in [NSID, COOKIE, ZONE_VERSION] {
        assert_eq!(options(&message, code).len(), 1, "{code}");
    }
    // The SOA finds no room any more.
    assert!(message.metadata.truncation);
}
