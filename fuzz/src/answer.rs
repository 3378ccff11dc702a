//! Anything as a query, over UDP and TCP: RFC 1035, 2181, 2308, 6891 hold of every answer.
//!
//! The first octet of an input says who asks by which settings (see [`Setting`]); the rest is the message.

use crate::message::Message;
use crate::world::{self, NOW, ask};
use rosterd::answer::{
    Client, Context, Outcome, Policy, RateLimiter, RateLimits, Scratch, Transport, answer_by_the_long_way,
};
use rosterd::zone::{PodNames, Snapshot};
use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

struct World {
    snapshots: [Arc<Snapshot>; 2],
    policies: [Policy; 3],
    clients: [IpAddr; 2],
    limiter: RateLimiter,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let manifest = world::manifest();
    World {
        snapshots: [
            world::snapshot(PodNames::Verified, &manifest, true),
            world::snapshot(PodNames::Insecure, &manifest, false),
        ],
        policies: world::policies(),
        clients: ["192.0.2.1", "2001:db8::1"].map(|text| text.parse().expect("an address")),
        limiter: RateLimiter::new(RateLimits {
            answers_per_second: 1,
            slip: 2,
            ipv4_prefix: 24,
            ipv6_prefix: 56,
        }),
    }
});

/// The message's flags (RFC 1035 4.1.1, RFC 4035 3).
const QR: u16 = 0x8000;
const OPCODE: u16 = 0x7800;
const AA: u16 = 0x0400;
const TC: u16 = 0x0200;
const RD: u16 = 0x0100;
const RA: u16 = 0x0080;
const Z_AD_CD: u16 = 0x0070;

const NOERROR: u16 = 0;
const NXDOMAIN: u16 = 3;
const BADCOOKIE: u16 = 23;

const SOA: u16 = 6;
const ANY: u16 = 255;

/// EDNS options that answers can have.
const NSID: u16 = 3;
const COOKIE: u16 = 10;
const KEEPALIVE: u16 = 11;
const EXTENDED_ERROR: u16 = 15;
const ZONE_VERSION: u16 = 19;

/// Who asks, and by which settings.
struct Setting {
    snapshot: &'static Snapshot,
    policy: &'static Policy,
    address: IpAddr,
    limited: bool,
}

impl Setting {
    fn of(octet: u8) -> Setting {
        let world = &*WORLD;
        Setting {
            snapshot: &world.snapshots[usize::from(octet & 1)],
            address: world.clients[usize::from(octet >> 1 & 1)],
            policy: &world.policies[usize::from(octet >> 2) % 3],
            limited: octet >> 6 == 3,
        }
    }
}

thread_local! {
    /// Used for all inputs, as a worker does; and buffers of which each holds what was there before.
    static USED: RefCell<(Scratch, [Vec<u8>; 3])> =
        RefCell::new((Scratch::new(), [0x00, 0xff, 0xaa].map(|octet| vec![octet; 65_535])));
}

/// Answers an input.
pub fn check(input: &[u8]) {
    USED.with_borrow_mut(|(scratch, buffers)| check_by(input, scratch, buffers));
}

fn check_by(input: &[u8], scratch: &mut Scratch, [first, second, third]: &mut [Vec<u8>; 3]) {
    let Some((setting, query)) = input.split_first() else { return };
    let Setting { snapshot, policy, address, limited } = Setting::of(*setting);
    let [udp, tcp] = [Transport::Udp, Transport::Tcp].map(|transport| {
        let client = Client { transport, address };
        let answer = ask(query, &client, 3, snapshot, policy, None, scratch, first);
        let again = ask(query, &client, 3, snapshot, policy, None, &mut Scratch::new(), second);
        assert_eq!(answer, again, "something is left from an earlier query");
        let room = if transport == Transport::Udp { usize::from(policy.udp_max) } else { 65_535 };
        let context = Context { snapshot, policy, limiter: None, now: NOW };
        let by_the_long_way =
            answer_by_the_long_way(query, &client, 3, &context, &mut Scratch::new(), &mut third[..room]);
        let by_the_long_way = match by_the_long_way {
            Outcome::Reply(length) => Some(&third[..length]),
            Outcome::Drop | Outcome::Transfer => None,
        };
        assert_eq!(answer, by_the_long_way, "the short way leads elsewhere");
        let answer = answer.map(|octets| {
            let message = read(octets);
            hold(query, &message, octets.len(), transport, policy);
            message
        });
        assert_eq!(answer.is_some(), is_answered(query), "{transport:?}");
        answer
    });
    if let (Some(udp), Some(tcp)) = (&udp, &tcp) {
        agree(udp, tcp);
    }
    if limited {
        let client = Client { transport: Transport::Udp, address };
        let answer = ask(query, &client, 3, snapshot, policy, Some(&WORLD.limiter), scratch, first);
        if let Some(octets) = answer {
            hold(query, &read(octets), octets.len(), Transport::Udp, policy);
        }
    }
}

/// Whoever sends a header with QR 0 has an answer; nobody else has.
fn is_answered(query: &[u8]) -> bool {
    query.len() >= 12 && query[2] & 0x80 == 0
}

/// Reads an answer twice, by decoders that have nothing in common.
fn read(octets: &[u8]) -> Message {
    let message = Message::read(octets);
    let other = hickory_proto::op::Message::from_vec(octets).expect("an answer that hickory-proto reads");
    assert_eq!(other.answers.len(), message.sections[0].len());
    assert_eq!(other.authorities.len(), message.sections[1].len());
    message
}

/// What holds of every answer by itself.
fn hold(query: &[u8], answer: &Message, length: usize, transport: Transport, policy: &Policy) {
    let flags = u16::from_be_bytes([query[2], query[3]]);
    assert_eq!(answer.id.to_be_bytes(), query[..2]);
    assert_eq!(answer.flags & (QR | OPCODE | RD), QR | flags & (OPCODE | RD));
    assert_eq!(answer.flags & Z_AD_CD, 0);
    assert_eq!(answer.flags & RA != 0, policy.recursion_available);
    if !answer.question.is_empty() {
        assert_eq!(answer.question, query[12..12 + answer.question.len()]);
        assert_eq!(query[4..6], [0, 1], "the question of a query with another number of them");
    }
    assert!(length <= limit(query, answer, transport, policy), "{length} octets over {transport:?}");

    let rcode = answer.rcode();
    if answer.flags & AA != 0 {
        assert!(matches!(rcode, NOERROR | NXDOMAIN), "AA with {rcode}");
    } else {
        assert!(answer.sections[0].iter().all(|record| record.class == 3), "records without AA");
        assert!(answer.sections[1].is_empty());
    }
    // RFC 2308 3: a negative answer has the SOA, and no other has.
    let negative = answer.flags & AA != 0 && answer.sections[0].is_empty() && answer.flags & TC == 0;
    let soa = answer.sections[1].iter().filter(|record| record.rtype == SOA).count();
    assert_eq!(soa, usize::from(negative), "{soa} SOA records");
    // RFC 2181 5.2: one TTL in an RRset, no RR twice.
    for section in &answer.sections {
        let mut records = section.clone();
        records.sort_unstable();
        for pair in records.windows(2) {
            assert_ne!(pair[0], pair[1], "an RR stands twice");
            let of = |index: usize| (&pair[index].owner, pair[index].rtype, pair[index].class);
            assert!(of(0) != of(1) || pair[0].ttl == pair[1].ttl, "two TTLs");
        }
    }
    let owner = answer.question.len().checked_sub(4).map(|end| answer.question[..end].to_ascii_lowercase());
    assert!(answer.sections[0].iter().all(|record| Some(&record.owner) == owner.as_ref()));
    options(answer, transport, policy);
}

/// How many octets it may have.
fn limit(query: &[u8], answer: &Message, transport: Transport, policy: &Policy) -> usize {
    if transport == Transport::Tcp {
        return usize::from(u16::MAX);
    }
    if answer.opt().is_none() {
        return 512;
    }
    // Where the other decoder reads the query, it knows what the client takes.
    let theirs = hickory_proto::op::Message::from_vec(query).ok().and_then(|query| query.edns);
    let theirs = theirs.map_or(policy.udp_max, |edns| edns.max_payload());
    usize::from(theirs.min(policy.udp_max).max(512))
}

/// The options of an answer, each once at most but for extended errors, in the forms of their RFCs.
fn options(answer: &Message, transport: Transport, policy: &Policy) {
    let Some(opt) = answer.opt() else { return };
    assert_eq!((opt.owner.as_slice(), opt.class), (&[0][..], policy.udp_max));
    assert_eq!(opt.ttl & 0x00ff_7fff, 0, "version, or flags that nobody knows");
    let options = answer.options();
    for (index, (code, data)) in options.iter().enumerate() {
        match *code {
            // RFC 9018 4: client cookie, version, reserved, timestamp, hash.
            COOKIE => {
                assert!(policy.cookies.is_some());
                assert_eq!((data.len(), &data[8..12]), (24, &[1, 0, 0, 0][..]));
                let age = NOW.wrapping_sub(u32::from_be_bytes([data[12], data[13], data[14], data[15]]));
                assert!(age <= 1800 || age >= u32::MAX - 300, "a cookie made {age} s ago");
            }
            NSID => assert_eq!(data[..], policy.nsid[..]),
            KEEPALIVE => {
                assert_eq!(transport, Transport::Tcp);
                assert_eq!(data[..], policy.tcp_idle.to_be_bytes());
            }
            EXTENDED_ERROR => assert!(data.len() >= 2 && std::str::from_utf8(&data[2..]).is_ok()),
            ZONE_VERSION => {
                assert_ne!(answer.flags & AA, 0);
                assert_eq!((data.len(), data[1]), (6, 0));
            }
            other => panic!("option {other}"),
        }
        let again = options[..index].iter().any(|(earlier, _)| earlier == code);
        assert!(!again || *code == EXTENDED_ERROR, "option {code} twice");
    }
}

/// What holds between the answers over UDP and TCP: all the same, but for what did not fit and says so.
fn agree(udp: &Message, tcp: &Message) {
    if udp.rcode() == BADCOOKIE {
        return;
    }
    assert_eq!(udp.rcode(), tcp.rcode());
    assert_eq!(udp.flags & !TC, tcp.flags & !TC);
    let qtype = udp.question.len().checked_sub(4).map(|at| [udp.question[at], udp.question[at + 1]]);
    // RFC 8482: one RRset over UDP.
    if qtype == Some(ANY.to_be_bytes()) {
        return;
    }
    let sorted = |message: &Message| {
        [0, 1].map(|section| {
            let mut records = message.sections[section].clone();
            records.sort_unstable();
            records
        })
    };
    let ([few, few_authorities], [all, all_authorities]) = (sorted(udp), sorted(tcp));
    if udp.flags & TC == 0 {
        assert_eq!(tcp.flags & TC, 0);
        assert_eq!((few, few_authorities), (all, all_authorities));
    } else if tcp.flags & TC == 0 {
        let missing = few.len() < all.len() || few_authorities.len() < all_authorities.len();
        let tsig = tcp.sections[2].len() > udp.sections[2].len();
        assert!(missing || tsig, "TC, and nothing is missing");
        assert!(few.iter().all(|record| all.binary_search(record).is_ok()), "RRs that are not there");
    }
}
