//! The questions that are measured, with the goal and the limit of each.

use crate::world::{FIVE, HOSTS, ONE, THIRTY, World, namespace};
use pure::answer::{Cookies, Policy};
use pure::wire::{CookieSecret, RecordType};
use std::net::{IpAddr, Ipv4Addr};

/// Who asks.
pub const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 255, 1, 2));

/// When: Unix time in seconds.
pub const NOW: u32 = 1_700_000_000;

/// Questions of each shape, for different names as far as there are any.
pub const QUESTIONS: usize = 2000;

/// Response codes (RFC 1035 4.1.1).
const NOERROR: u8 = 0;
const NXDOMAIN: u8 = 3;
const REFUSED: u8 = 5;

/// Questions of one shape.
pub struct Shape {
    pub label: &'static str,
    /// What an answer shall come to cost, in instructions, where that is set.
    pub goal: Option<u64>,
    /// What it must not cost any more: as measured, and a few for what compilers change, but no more than the goal. Lower
    /// it with what is won.
    pub limit: u64,
    /// What right answers are.
    pub rcode: u8,
    pub answers: u16,
    /// Whether the zone of a file is served too.
    pub beside_file: bool,
    pub queries: Vec<Vec<u8>>,
}

/// What the server is set to.
pub fn policy() -> Policy {
    Policy { cookies: Some(Cookies::new(secret(), Vec::new(), false)), ..Policy::default() }
}

pub fn secret() -> CookieSecret {
    CookieSecret::new(*b"sixteen octets..")
}

/// All of them, or those that show how a look-up grows.
pub fn shapes(world: World, curve: bool) -> Vec<Shape> {
    let zone = "svc.peers.cluster.local";
    let of = |sets: usize, kind: (usize, &'static str)| {
        move |index: usize| format!("{}{}.{}.{zone}", kind.1, index % sets, namespace(index % sets))
    };
    let (one, five, thirty) = (of(world.ones, ONE), of(world.fives, FIVE), of(world.thirties, THIRTY));
    let pod = |index: usize| {
        let (set, peer) = (index % world.fives, index / world.fives % FIVE.0);
        let address = world.address(set, peer).to_string().replace('.', "-");
        format!("{address}.{}.pod.cluster.local", namespace(set))
    };
    let reverse = |index: usize| {
        let [a, b, c, d] = world.address(index % world.fives, 0).octets();
        format!("{d}.{c}.{b}.{a}.in-addr.arpa")
    };
    let absent = |index: usize| format!("absent{index}.{}.{zone}", namespace(index));
    let searched = |index: usize| format!("www{index}.example.com.{}.{zone}", namespace(index));
    let port = |index: usize| format!("_http._tcp.{}", five(index));
    let outside = |index: usize| format!("www{index}.example.com");
    let host = |index: usize| format!("host{}.example.test", index % HOSTS);
    let (a, srv, txt) = (RecordType::A, RecordType::SRV, RecordType::TXT);
    let all = vec![
        shape("A x 5", Some(700), 658, a, five, (NOERROR, 5)),
        shape("A of a pod name", Some(800), 800, a, pod, (NOERROR, 1)),
        shape("NXDOMAIN in the set tree", Some(700), 625, a, absent, (NXDOMAIN, 0)),
        shape("PTR", None, 2646, RecordType::PTR, reverse, (NOERROR, 1)),
        shape("REFUSED", Some(350), 350, a, outside, (REFUSED, 0)),
        shape("NXDOMAIN of a search list", Some(700), 655, a, searched, (NXDOMAIN, 0)),
        shape("A x 30, rotated", Some(750), 726, a, thirty, (NOERROR, 30)),
        shape("AAAA NODATA", None, 626, RecordType::AAAA, five, (NOERROR, 0)),
        shape("SRV x 1", Some(700), 700, srv, one, (NOERROR, 1)),
        shape("SRV x 5", None, 876, srv, five, (NOERROR, 5)),
        shape("SRV x 5 of a port", None, 1668, srv, port, (NOERROR, 5)),
        shape("TXT x 1", Some(700), 636, txt, one, (NOERROR, 1)),
        shape("TXT x 5", None, 656, txt, five, (NOERROR, 5)),
        shape("A x 5, good cookie", Some(950), 928, a, five, (NOERROR, 5)).with_cookies(),
        Shape { beside_file: true, ..shape("A x 5, beside a file", None, 726, a, five, (NOERROR, 5)) },
        Shape { beside_file: true, ..shape("A of a file", None, 1143, a, host, (NOERROR, 1)) },
    ];
    all.into_iter().take(if curve { 4 } else { usize::MAX }).collect()
}

impl Shape {
    fn with_cookies(self) -> Shape {
        let cookie = secret().sign(*b"a client", CLIENT, NOW - 60);
        let option = [&[0, 10, 0, 24][..], &cookie].concat();
        let with = |mut query: Vec<u8>| {
            // The OPT record's length ends the query.
            query.truncate(query.len() - 2);
            query.extend_from_slice(&[0, 28]);
            query.extend_from_slice(&option);
            query
        };
        let queries = self.queries.into_iter().map(with).collect();
        Shape { queries, ..self }
    }
}

fn shape(
    label: &'static str,
    goal: Option<u64>,
    limit: u64,
    qtype: RecordType,
    name: impl Fn(usize) -> String,
    (rcode, answers): (u8, u16),
) -> Shape {
    // A fixed stride through all names, so that neighbours in time are not neighbours in memory.
    let queries = (0..QUESTIONS).map(|index| query(&name(index * 977), qtype)).collect();
    Shape { label, goal, limit, rcode, answers, beside_file: false, queries }
}

/// A query with EDNS and a size of 1232, as resolvers send it: letters in both cases (draft-vixie-dnsext-dns0x20).
fn query(name: &str, qtype: RecordType) -> Vec<u8> {
    let mut query = vec![0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).expect("a label"));
        let octets = label.bytes().enumerate();
        query.extend(octets.map(|(at, octet)| if at % 3 == 0 { octet.to_ascii_uppercase() } else { octet }));
    }
    query.push(0);
    query.extend_from_slice(&qtype.0.to_be_bytes());
    query.extend_from_slice(&[0, 1, 0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);
    query
}
