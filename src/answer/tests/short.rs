//! The short way answers as the long one does, octet by octet, and is taken for what it is there for.

use super::world::{SetOf, Target, with_files, with_sets};
use super::{ADDRESS, NOW, Query, RD};
use crate::answer::short::{self, Way};
use crate::answer::{
    Client, Context, Cookies, Outcome, Policy, Scratch, Transport, answer, answer_by_the_long_way,
};
use crate::wire::{CookieSecret, RecordType};
use crate::zone::Snapshot;
use proptest::prelude::*;
use std::sync::{Arc, LazyLock};

const SECRETS: [CookieSecret; 2] = [CookieSecret::new([7; 16]), CookieSecret::new([8; 16])];
const COOKIE: u16 = 10;

/// Snapshots of which one knows all, one is old, and one has zones of files beside and inside of the generated ones.
static SNAPSHOTS: LazyLock<[Arc<Snapshot>; 3]> = LazyLock::new(|| {
    let set = |name, peers, dual_stack, target| SetOf { name, peers, dual_stack, target };
    let sets = [
        set("myapp", 5, false, Target::Pod),
        set("one", 1, true, Target::Pod),
        set("many", 70, true, Target::Pod),
        set("large", 300, false, Target::Pod),
        set("peers", 12, true, Target::Peer),
        set("elsewhere", 3, false, Target::Elsewhere),
        set("empty", 0, false, Target::Pod),
    ];
    let child =
        "@ 5 SOA ns hostmaster 1 2 3 4 5\n@ 5 NS ns\nns 5 A 192.0.2.1\nalias 5 CNAME ns\n* 5 A 192.0.2.2\n";
    let inside = "extra 5 A 192.0.2.3\n";
    [
        with_sets(&sets, false),
        with_sets(&sets, true),
        with_files(&sets, &[("example.test.zone", child), ("peers.cluster.local.zone", inside)], false),
    ]
});

fn policies() -> [Policy; 3] {
    let [signing, other] = SECRETS;
    let cookies = |require| Some(Cookies::new(signing.clone(), vec![other.clone()], require));
    [
        Policy::default(),
        Policy { cookies: cookies(false), udp_max: 4096, recursion_available: true, ..Policy::default() },
        Policy { cookies: cookies(true), udp_max: 512, nsid: b"replica-1"[..].into(), ..Policy::default() },
    ]
}

fn a_name() -> impl Strategy<Value = String> {
    let set =
        prop::sample::select(vec!["myapp", "one", "many", "large", "peers", "elsewhere", "empty", "absent"]);
    let namespace = prop::sample::select(vec!["default", "late", "odd", "absent"]);
    let below = prop::sample::select(vec![
        "",
        "",
        "",
        "",
        "10-1-0-1.",
        "fd00--1.",
        "_epmd._tcp.",
        "_tcp.",
        "_0._of2.",
        "_of2.",
        "_x._udp.",
        "www.",
        "a.b.c.",
    ]);
    let others = prop::sample::select(vec![
        "",
        "example.org",
        "local",
        "cluster.local",
        "peers.cluster.local",
        "svc.peers.cluster.local",
        "dns.peers.cluster.local",
        "ns.dns.peers.cluster.local",
        "dns-version.peers.cluster.local",
        "default.svc.peers.cluster.local",
        "nothing.peers.cluster.local",
        "extra.peers.cluster.local",
        "broken.odd.svc.peers.cluster.local",
        "pod.cluster.local",
        "default.pod.cluster.local",
        "10-1-0-2.default.pod.cluster.local",
        "10-1-0-2.late.pod.cluster.local",
        "fd00--1.default.pod.cluster.local",
        "10-9-9-9.default.pod.cluster.local",
        "x.default.pod.cluster.local",
        "2.0.1.10.in-addr.arpa",
        "9.9.9.10.in-addr.arpa",
        "1.10.in-addr.arpa",
        "10.in-addr.arpa",
        "1.11.in-addr.arpa",
        "example.test",
        "alias.example.test",
        "some.example.test",
        "test",
    ]);
    prop_oneof![
        (below, set, namespace)
            .prop_map(|(below, set, namespace)| format!("{below}{set}.{namespace}.svc.peers.cluster.local")),
        others.prop_map(str::to_owned),
    ]
}

fn a_type() -> impl Strategy<Value = RecordType> {
    use RecordType as T;
    prop_oneof![
        4 => prop::sample::select(vec![T::A, T::AAAA, T::SRV, T::TXT, T::PTR]),
        1 => prop::sample::select(vec![T::ANY, T::NS, T::SOA, T::DS, T::CNAME, T::AXFR, T::SVCB, T::HTTPS, T::OPT, T(0), T(63), T(66), T(65280)]),
    ]
}

/// COOKIE options of every worth, by what made them and how long ago, and others.
fn an_option() -> impl Strategy<Value = Option<(u16, Vec<u8>)>> {
    let cookie = (0_usize..3, prop::sample::select(vec![-400, -10, 0, 10, 1800, 1801, 3601]), 0_usize..=24)
        .prop_map(|(secret, age, length): (usize, i32, usize)| {
            let made = NOW.wrapping_sub(age.cast_unsigned());
            let cookie = match SECRETS.get(secret) {
                Some(secret) => secret.sign(*b"a client", ADDRESS, made),
                None => [9; 24],
            };
            // Mostly whole.
            (COOKIE, cookie[..if length < 4 { length * 8 } else { 24 }].to_vec())
        });
    prop_oneof![
        3 => Just(None),
        2 => cookie.prop_map(Some),
        1 => (prop::sample::select(vec![3_u16, 8, 10, 11, 19, 65000]), prop::collection::vec(any::<u8>(), 0..30)).prop_map(Some),
    ]
}

prop_compose! {
    fn a_query()(
        name in a_name(),
        qtype in a_type(),
        class in prop::sample::select(vec![1_u16, 1, 1, 1, 3, 255]),
        flags in prop_oneof![4 => prop::sample::select(vec![0, RD, 0x0120, 0x0010]), 1 => any::<u16>()],
        edns in prop::option::weighted(0.8, (0_u16..5000, prop::sample::select(vec![0, 0x8000, 0x1_0000, 0xffff_ffff]))),
        options in prop::collection::vec(an_option(), 1..=2),
        upper in any::<u64>(),
        change in prop::option::weighted(0.1, (any::<prop::sample::Index>(), any::<u8>())),
        rest in prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(any::<u8>(), 0..40)],
        cut in prop::option::weighted(0.05, any::<prop::sample::Index>()),
    ) -> Vec<u8> {
        let mut query = Query { class, flags, edns: None, ..Query::new(&name, qtype) };
        for (at, octet) in query.name.iter_mut().enumerate() {
            if upper >> (at % 64) & 1 == 1 && *octet >= b'a' {
                octet.make_ascii_uppercase();
            }
        }
        if let Some((size, ttl)) = edns {
            query.edns = Some((size, ttl, Vec::new()));
            for (code, data) in options.into_iter().flatten() {
                query = query.option(code, &data);
            }
        }
        let mut octets = query.octets();
        octets.extend(rest);
        if let Some((place, octet)) = change {
            let place = place.index(octets.len());
            octets[place] = octet;
        }
        if let Some(cut) = cut {
            octets.truncate(cut.index(octets.len() + 1));
        }
        octets
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn both_ways_give_the_same_octets(
        queries in prop::collection::vec(a_query(), 1..20),
        snapshot in 0_usize..3,
        policy in 0_usize..3,
        udp in prop::bool::weighted(0.9),
        rotation: u32,
        room in prop_oneof![1 => 0_usize..1300, 2 => Just(4096)],
    ) {
        let (policies, snapshot) = (policies(), &SNAPSHOTS[snapshot]);
        let context = Context { snapshot, policy: &policies[policy], limiter: None, now: NOW };
        let client = Client { transport: if udp { Transport::Udp } else { Transport::Tcp }, address: ADDRESS };
        // Scratch is used again, and the buffers hold what was there before.
        let mut scratch = Scratch::new();
        let (mut one, mut other) = (vec![0x00; room], vec![0xff; room]);
        for query in &queries {
            let short = answer(query, &client, rotation, &context, &mut scratch, &mut one);
            let mut fresh = Scratch::new();
            let long = answer_by_the_long_way(query, &client, rotation, &context, &mut fresh, &mut other);
            prop_assert_eq!(short, long, "{}", query.escape_ascii());
            prop_assert_eq!(scratch.told(), fresh.told(), "{}", query.escape_ascii());
            if let Outcome::Reply(length) = short {
                prop_assert_eq!(&one[..length], &other[..length], "{}", query.escape_ascii());
            }
        }
    }
}

#[test]
fn it_is_taken_for_what_is_asked_all_day() {
    use RecordType as T;
    let cookie = SECRETS[0].sign(*b"a client", ADDRESS, NOW - 60);
    let policies = policies();
    for (name, qtype) in [
        ("myapp.default.svc.peers.cluster.local", T::A),
        ("myapp.default.svc.peers.cluster.local", T::AAAA),
        ("myapp.default.svc.peers.cluster.local", T::SRV),
        ("_epmd._tcp.myapp.default.svc.peers.cluster.local", T::SRV),
        ("myapp.default.svc.peers.cluster.local", T::TXT),
        ("absent.default.svc.peers.cluster.local", T::A),
        ("www.example.com.default.svc.peers.cluster.local", T::AAAA),
        ("10-1-0-2.default.pod.cluster.local", T::A),
        ("2.0.1.10.in-addr.arpa", T::PTR),
        ("www.example.com", T::A),
    ] {
        let plain = Query::new(name, qtype);
        let with_cookie = plain.clone().option(COOKIE, &cookie);
        for (query, policy) in [
            (plain.clone(), &policies[0]),
            (plain.edns(1232), &policies[0]),
            (with_cookie.clone(), &policies[1]),
            (with_cookie, &policies[2]),
        ] {
            let context = Context { snapshot: &SNAPSHOTS[0], policy, limiter: None, now: NOW };
            let client = Client { transport: Transport::Udp, address: ADDRESS };
            let (mut scratch, mut out) = (Scratch::new(), [0; 4096]);
            let way = short::answer(&query.octets(), &client, 0, &context, &mut scratch.name, &mut out);
            // Five targets with their addresses have no room in 512 octets beside the rest.
            let cut = qtype == T::SRV && (query.edns.is_none() || policy.udp_max == 512);
            assert!(matches!(way, Way::Answered(..)) || cut, "{name} {qtype} {query:?}");
        }
    }
}
