//! Access lists and rate limiting, which nothing goes round.

use super::world::{SetOf, Target, with_files, with_sets};
use super::{ADDRESS, NOW, Query, Transport, answer_in, ask_by, decode, explanations, options};
use crate::answer::{AccessList, AccessRule, Client, Context, Cookies, Policy, RateLimiter, RateLimits};
use crate::wire::{CookieSecret, RecordType, SERVER_COOKIE_LEN};
use crate::zone::Snapshot;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType as HickoryType;
use std::net::IpAddr;
use std::sync::Arc;

const NAME: &str = "myapp.default.svc.peers.cluster.local";

fn snapshot() -> Arc<Snapshot> {
    with_sets(&[SetOf { name: "myapp", peers: 3, dual_stack: true, target: Target::Pod }], false)
}

fn deny(zones: &[&str], transports: &[Transport]) -> Policy {
    let zones = zones.iter().map(|text| text.parse().unwrap()).collect();
    let rule = AccessRule { allow: false, clients: Vec::new(), zones, transports: transports.to_vec() };
    Policy {
        access: AccessList::new(vec![rule]),
        nsid: b"me"[..].into(),
        identity: Some(b"me"[..].into()),
        cookies: Some(Cookies::new(CookieSecret::new([7; 16]), Vec::new(), false)),
        ..Policy::default()
    }
}

/// Every way to an answer: types with paths of their own, classes, transports, cookies.
#[test]
fn who_may_not_ask_is_refused_on_every_path() {
    let snapshot = snapshot();
    let good = CookieSecret::new([7; 16]).sign(*b"a client", ADDRESS, NOW);
    for qtype in [1, 6, 16, 28, 33, 251, 252, 255, 65280].map(RecordType) {
        for (name, class) in [
            (NAME, 1),
            ("peers.cluster.local", 1),
            ("nothing.peers.cluster.local", 1),
            ("id.server", 3),
            ("", 1),
        ] {
            for transport in [Transport::Udp, Transport::Tcp] {
                let query = Query { class, ..Query::new(name, qtype) }.option(10, &good).option(3, b"");
                let message = ask_by(&deny(&[], &[]), &query, transport, &snapshot);
                let case = format!("{name} {qtype} {transport:?}");
                assert_eq!(message.metadata.response_code, ResponseCode::Refused, "{case}");
                assert_eq!(explanations(&message), [(18, String::new())], "{case}");
                assert_eq!((message.queries.len(), message.answers.len()), (1, 0), "{case}");
                assert!(message.authorities.is_empty() && !message.metadata.authoritative, "{case}");
                assert!(options(&message, 3).is_empty(), "{case}: who answers is not told");
            }
        }
    }
}

#[test]
fn rules_hold_for_their_zones_and_transports() {
    let snapshot = snapshot();
    let query = Query::new(NAME, RecordType::A);
    let pod = Query::new("10-1-0-0.default.pod.cluster.local", RecordType::A);
    for (zones, transports, refused) in [
        (&["peers.cluster.local"][..], &[][..], [true, true, false]),
        (&["svc.peers.cluster.local"], &[Transport::Tcp], [false, true, false]),
        (&["cluster.local"], &[Transport::Udp], [true, false, true]),
    ] {
        let policy = deny(zones, transports);
        let asked = [(&query, Transport::Udp), (&query, Transport::Tcp), (&pod, Transport::Udp)];
        for ((query, transport), refused) in asked.into_iter().zip(refused) {
            let message = ask_by(&policy, query, transport, &snapshot);
            assert_eq!(
                message.answers.is_empty(),
                refused,
                "{zones:?} {transports:?} {query:?} {transport:?}"
            );
        }
    }
}

/// An alias, a redirection, a target or a name server of an open zone tells nothing of a closed one.
#[test]
fn other_zones_tell_nothing_of_one_that_is_closed() {
    const OPEN: &str = "@ 5 SOA ns hostmaster 1 2 3 4 5\n@ 5 NS ns\nns 5 A 192.0.2.1\n\
        alias 5 CNAME host.closed.test.\nmoved 5 DNAME closed.test.\nmail 5 MX 1 host.closed.test.\n\
        sub 5 NS host.closed.test.\n";
    const CLOSED: &str = "@ 5 SOA ns hostmaster 1 2 3 4 5\n@ 5 NS ns\nns 5 A 192.0.2.2\nhost 5 A 192.0.2.9\n";
    let snapshot = with_files(&[], &[("open.test.zone", OPEN), ("closed.test.zone", CLOSED)], false);
    for (name, qtype, answers) in [
        ("alias.open.test", RecordType::A, 1),
        ("host.moved.open.test", RecordType::A, 2),
        ("mail.open.test", RecordType::MX, 1),
        ("x.sub.open.test", RecordType::A, 0),
    ] {
        for (policy, told) in [(Policy::default(), true), (deny(&["closed.test"], &[]), false)] {
            let message = ask_by(&policy, &Query::new(name, qtype), Transport::Tcp, &snapshot);
            assert_eq!(message.metadata.response_code, ResponseCode::NoError, "{name}");
            assert_eq!(message.to_string().contains("192.0.2.9"), told, "{name}: {message}");
            let aliases = message.answers.iter().filter(|rr| rr.record_type() != HickoryType::A);
            assert_eq!(aliases.count(), answers, "{name}: {message}");
        }
    }
}

#[test]
fn additional_records_keep_to_the_rules_too() {
    let snapshot = snapshot();
    let query = Query::new(NAME, RecordType::SRV);
    for (zones, additionals) in
        [(&["example.org"][..], 3), (&["pod.cluster.local"], 0), (&["1-0-1.default"], 3)]
    {
        let message = ask_by(&deny(zones, &[]), &query, Transport::Udp, &snapshot);
        assert_eq!((message.answers.len(), message.additionals.len()), (3, additionals), "{zones:?}");
        assert!(!message.metadata.truncation);
    }
}

fn limiter(slip: u32) -> RateLimiter {
    RateLimiter::new(RateLimits { answers_per_second: 2, slip, ipv4_prefix: 24, ipv6_prefix: 56 })
}

/// How many answers there are to queries in a row, and how many of them are nothing but TC.
fn flood(limiter: &RateLimiter, query: &Query, transport: Transport, address: IpAddr) -> (usize, usize) {
    let snapshot = snapshot();
    let policy = Policy {
        cookies: Some(Cookies::new(CookieSecret::new([7; 16]), Vec::new(), false)),
        nsid: vec![b'n'; Policy::NSID_MAX].into(),
        ..Policy::default()
    };
    let context = Context { snapshot: &snapshot, policy: &policy, limiter: Some(limiter), now: NOW };
    let client = Client { transport, address };
    let octets = query.octets();
    let answers: Vec<_> =
        (0..10).filter_map(|_| answer_in(&context, &octets, &client, 0, &mut [0; 1232])).collect();
    let truncated = answers.iter().filter(|answer| {
        let message = decode(answer);
        assert_eq!(message.queries.len(), 1);
        let nothing_else = message.answers.is_empty() && message.authorities.is_empty();
        if message.metadata.truncation && nothing_else {
            // The server's half of a cookie is all that it has and the query has not.
            assert!(answer.len() <= octets.len() + SERVER_COOKIE_LEN, "{}", answer.len());
        }
        message.metadata.truncation && nothing_else
    });
    (answers.len(), truncated.count())
}

#[test]
fn udp_answers_of_every_kind_are_limited() {
    for query in [
        Query::new(NAME, RecordType::A),
        Query::new("nothing.peers.cluster.local", RecordType::A),
        Query::new("example.org", RecordType::A),
        Query { flags: 5 << 11, ..Query::new(NAME, RecordType::SOA) },
        Query::new(NAME, RecordType::A).option(10, b"a client").option(3, b"").option(19, b""),
        Query::new(NAME, RecordType::A).option(10, b"malformed"),
    ] {
        assert_eq!(flood(&limiter(0), &query, Transport::Udp, ADDRESS), (2, 0), "{query:?}");
        assert_eq!(flood(&limiter(2), &query, Transport::Udp, ADDRESS), (6, 4), "{query:?}");
        assert_eq!(flood(&limiter(0), &query, Transport::Tcp, ADDRESS), (10, 0), "{query:?}");
    }
}

#[test]
fn a_good_cookie_is_never_limited_and_costs_others_nothing() {
    let limiter = limiter(0);
    let query = Query::new(NAME, RecordType::A);
    let cookie = CookieSecret::new([7; 16]).sign(*b"a client", ADDRESS, NOW);
    let with = query.clone().option(10, &cookie);
    assert_eq!(flood(&limiter, &with, Transport::Udp, ADDRESS), (10, 0));
    assert_eq!(flood(&limiter, &query, Transport::Udp, ADDRESS), (2, 0));
    assert_eq!(flood(&limiter, &with, Transport::Udp, ADDRESS), (10, 0));
    // The cookie of another address is none.
    assert_eq!(flood(&limiter, &with, Transport::Udp, "127.0.0.2".parse().unwrap()), (0, 0));
}
