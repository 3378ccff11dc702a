//! Cookies in whole messages: learnt, kept, renewed, refused.

use super::world::{SetOf, Target, with_sets};
use super::{ADDRESS, NOW, Query, Transport, ask, ask_by, options};
use crate::answer::{Cookies, Policy};
use crate::wire::{CookieSecret, RecordType};
use crate::zone::Snapshot;
use hickory_proto::op::{Message, ResponseCode};
use std::sync::Arc;

const SECRET: CookieSecret = CookieSecret::new(*b"a secret of 128b");
const COOKIE: u16 = 10;
const BADCOOKIE: u16 = 23;

fn snapshot() -> Arc<Snapshot> {
    with_sets(&[SetOf { name: "myapp", peers: 60, dual_stack: false, target: Target::Pod }], false)
}

fn policy(require: bool) -> Policy {
    Policy { cookies: Some(Cookies::new(SECRET, Vec::new(), require)), ..Policy::default() }
}

fn a() -> Query {
    Query::new("myapp.default.svc.peers.cluster.local", RecordType::A)
}

fn rcode(message: &Message) -> u16 {
    message.metadata.response_code.into()
}

/// The one cookie of an answer.
fn cookie(message: &Message) -> Vec<u8> {
    let cookies = options(message, COOKIE);
    assert_eq!(cookies.len(), 1);
    cookies[0].clone()
}

#[test]
fn a_client_learns_a_cookie_and_keeps_it() {
    let snapshot = snapshot();
    let query = a().option(COOKIE, b"a client");
    for transport in [Transport::Udp, Transport::Tcp] {
        let learnt = cookie(&ask_by(&policy(false), &query, transport, &snapshot));
        assert_eq!(learnt, SECRET.sign(*b"a client", ADDRESS, NOW));
        let again = ask_by(&policy(true), &a().option(COOKIE, &learnt), transport, &snapshot);
        assert_eq!((cookie(&again), rcode(&again), again.answers.len()), (learnt, 0, 60));
    }
}

#[test]
fn every_answer_to_a_readable_cookie_has_one() {
    let snapshot = snapshot();
    let fresh = SECRET.sign(*b"a client", ADDRESS, NOW);
    for (query, expected) in [
        (Query::new("nothing.peers.cluster.local", RecordType::A), ResponseCode::NXDomain),
        (Query::new("example.org", RecordType::A), ResponseCode::Refused),
        (Query::new("a.late.svc.peers.cluster.local", RecordType::A), ResponseCode::ServFail),
        (Query { flags: 4 << 11, ..a() }, ResponseCode::NotImp),
    ] {
        let message = ask_by(&policy(false), &query.option(COOKIE, b"a client"), Transport::Udp, &snapshot);
        assert_eq!(message.metadata.response_code, expected);
        assert_eq!(cookie(&message), fresh);
    }
}

#[test]
fn without_the_setting_or_the_option_nothing_changes() {
    let snapshot = snapshot();
    let with = ask(&a().option(COOKIE, b"a client"), Transport::Udp, &snapshot);
    assert_eq!(with, ask(&a().edns(1232), Transport::Udp, &snapshot));
    // Of an option that means nothing, no length is wrong.
    assert_eq!(with, ask(&a().option(COOKIE, b"cookie"), Transport::Udp, &snapshot));
    for query in [a(), a().edns(1232)] {
        let by = ask_by(&policy(true), &query, Transport::Udp, &snapshot);
        assert_eq!(by, ask(&query, Transport::Udp, &snapshot));
    }
}

#[test]
fn malformed_cookies_are_format_errors_and_only_the_first_counts() {
    let snapshot = snapshot();
    for length in 0..48 {
        let query = a().option(COOKIE, &vec![7; length]);
        let message = ask_by(&policy(false), &query, Transport::Udp, &snapshot);
        let legal = length == 8 || (16..=40).contains(&length);
        assert_eq!(message.metadata.response_code == ResponseCode::NoError, legal, "{length}");
        assert_eq!(options(&message, COOKIE).len(), usize::from(legal), "{length}");
        assert_eq!(message.metadata.response_code == ResponseCode::FormErr, !legal, "{length}");
    }
    let first = a().option(COOKIE, b"a client").option(COOKIE, b"x").option(COOKIE, b"b client");
    let message = ask_by(&policy(false), &first, Transport::Udp, &snapshot);
    assert_eq!(cookie(&message), SECRET.sign(*b"a client", ADDRESS, NOW));
    let other = a().option(COOKIE, b"x").option(COOKIE, b"a client");
    assert_eq!(rcode(&ask_by(&policy(false), &other, Transport::Udp, &snapshot)), 1);
}

#[test]
fn where_they_are_required_a_client_with_half_a_cookie_must_come_again() {
    let snapshot = snapshot();
    let bad = SECRET.sign(*b"a client", ADDRESS, NOW - 3601);
    let fresh = SECRET.sign(*b"a client", ADDRESS, NOW);
    for data in [&b"a client"[..], &bad] {
        let query = a().option(COOKIE, data);
        let udp = ask_by(&policy(true), &query, Transport::Udp, &snapshot);
        assert_eq!((rcode(&udp), udp.answers.len(), cookie(&udp)), (BADCOOKIE, 0, fresh.to_vec()));
        assert!(!udp.metadata.authoritative && !udp.metadata.truncation);
        for (required, transport) in [(true, Transport::Tcp), (false, Transport::Udp)] {
            let answered = ask_by(&policy(required), &query, transport, &snapshot);
            assert_eq!(
                (rcode(&answered), answered.answers.len(), cookie(&answered)),
                (0, 60, fresh.to_vec())
            );
        }
    }
}

/// RFC 7873 5.4.
#[test]
fn a_query_without_question_asks_for_a_cookie() {
    let snapshot = snapshot();
    let good = SECRET.sign(*b"a client", ADDRESS, NOW);
    let bad = SECRET.sign(*b"b client", ADDRESS, NOW);
    let mut bad_for_a = bad;
    bad_for_a[..8].copy_from_slice(b"a client");
    for (data, expected) in [(&b"a client"[..], 0), (&good, 0), (&bad_for_a, BADCOOKIE)] {
        for require in [false, true] {
            let length = u8::try_from(data.len()).unwrap();
            let opt =
                [b"\0\0\x29\x04\xd0\0\0\0\0\0", &[length + 4][..], b"\0\x0a\0", &[length], data].concat();
            let query = [&[0x12, 0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], &opt[..]].concat();
            let policy = policy(require);
            let context = super::Context { snapshot: &snapshot, policy: &policy, limiter: None, now: NOW };
            let client = super::Client { transport: Transport::Udp, address: ADDRESS };
            let answer = super::answer_in(&context, &query, &client, 0, &mut [0; 512]).unwrap();
            let message = super::decode(&answer);
            assert_eq!((rcode(&message), cookie(&message)), (expected, good.to_vec()));
            assert!(message.queries.is_empty() && message.answers.is_empty());
        }
    }
}
