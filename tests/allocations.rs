//! The answer path allocates nothing: every shape of answer, counted by an allocator that this test links.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use rosterd::answer::{
    AccessList, AccessRule, Client, Context, Cookies, Network, Outcome, Policy, RateLimiter, RateLimits,
    Scratch, Transport, answer,
};
use rosterd::roster::{
    EndpointObject, Event, EventKind, Gives, Mode, ObjectKey, ObjectKind, Options, Roster, Scope, Topology,
    WatchId,
};
use rosterd::source::manifest::parse;
use rosterd::wire::{CookieSecret, Name, RecordType};
use rosterd::zone::{PodNames, Snapshot, SnapshotWriter, ZoneConfig};
use std::fmt::Write as _;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};

/// Everything that settings can turn on.
fn policy() -> Policy {
    let rule = AccessRule {
        allow: true,
        clients: vec![Network::new([127, 0, 0, 0].into(), 8)],
        zones: vec!["cluster.local".parse().unwrap()],
        transports: vec![Transport::Udp, Transport::Tcp],
    };
    let secrets = [*b"the first secret", *b"the other secret"].map(CookieSecret::new);
    let [signing, other] = secrets;
    Policy {
        cookies: Some(Cookies::new(signing, vec![other], false)),
        nsid: b"replica-1"[..].into(),
        identity: Some(b"replica-1"[..].into()),
        version: Some(b"1"[..].into()),
        access: AccessList::new(vec![rule]),
        ..Policy::default()
    }
}

/// One that is never reached, made once.
static LIMITER: LazyLock<RateLimiter> = LazyLock::new(|| {
    RateLimiter::new(RateLimits { answers_per_second: 1 << 30, slip: 2, ipv4_prefix: 24, ipv6_prefix: 56 })
});

/// Response codes (RFC 1035 4.1.1).
const NOERROR: u8 = 0;
const SERVFAIL: u8 = 2;
const NXDOMAIN: u8 = 3;
const REFUSED: u8 = 5;

/// TC, in the third octet of a message (RFC 1035 4.1.1).
const TC: u8 = 2;

/// Sets of three peers in two families, of none, of 100, of 5,000 (more than a message holds), and one with names of our
/// own zone.
fn manifest() -> String {
    let mut text = include_str!("data/schema.yaml").to_owned();
    for (name, peers) in [("many", 100), ("huge", 5_000)] {
        write!(
            text,
            "\n---\n{{apiVersion: v1, kind: Endpoints, metadata: {{name: {name}, namespace: default}}, "
        )
        .unwrap();
        text.push_str("subsets: [{ports: [{name: http, port: 80}, {name: metrics, port: 80}], addresses: [");
        for peer in 0..peers {
            write!(text, "{{ip: 10.1.{}.{}}}, ", peer / 250, peer % 250).unwrap();
        }
        text.push_str("]}]}\n");
    }
    text
}

/// What became of the watch of the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watch {
    /// It has not delivered its list.
    Waits,
    Complete,
    /// It lost its origin after that.
    Stale,
    /// One object of its list did not parse.
    Broken,
}

fn snapshot(state: Watch) -> Arc<Snapshot> {
    let topology = |name: &str, mode| Topology {
        name: Some(name.into()),
        selector: format!("app={name}").parse().unwrap(),
        mode,
        ..Topology::every_service()
    };
    let mut roster = Roster::new(Options {
        cluster_domain: "cluster.local".into(),
        zone: "peers.cluster.local".into(),
        label_settings: true,
        topologies: vec![
            topology("myapp", Mode::Dns),
            topology("shop", Mode::Peer),
            Topology { mode: Mode::Dns, ..Topology::every_service() },
        ],
    });
    let mut writer = SnapshotWriter::new(ZoneConfig {
        zone: "peers.cluster.local".parse().unwrap(),
        cluster_domain: "cluster.local".parse().unwrap(),
        pods: PodNames::Verified,
        reverse_zones: vec!["10.in-addr.arpa".parse().unwrap(), "0.0.d.f.ip6.arpa".parse().unwrap()],
        advertise: vec!["192.0.2.53".parse().unwrap()],
        nameserver: None,
        hostmaster: None,
        ttl: None,
        negative_ttl: 5,
    })
    .unwrap();
    let mut tell = |kind| roster.handle(Event { watch: WatchId(0), revision: None, kind });
    tell(EventKind::Started(Scope::All, Gives::Peers));
    for object in parse("test", manifest().as_bytes()).unwrap().objects {
        tell(EventKind::Apply(Box::new(object)));
    }
    if state == Watch::Broken {
        let key =
            ObjectKey { namespace: "default".into(), name: "odd".into(), kind: ObjectKind::EndpointSlice };
        let service = Some("broken".into());
        let object = EndpointObject {
            key,
            service,
            labels: Vec::new(),
            groups: Vec::new(),
            truncated: false,
            created: None,
        };
        tell(EventKind::Broken(Box::new(object)));
    }
    if state != Watch::Waits {
        tell(EventKind::Synced);
    }
    if state == Watch::Stale {
        tell(EventKind::Unreachable);
    }
    for change in roster.take_changes() {
        writer.apply(&change);
    }
    let reader = writer.zone_reader();
    for (file, text) in [
        ("example.test.zone", include_str!("data/static/example.zone")),
        ("child.zone", include_str!("data/static/child.zone")),
        ("peers.cluster.local.zone", include_str!("data/static/peers.cluster.local.zone")),
    ] {
        let name = file.strip_suffix(".zone").unwrap().parse().unwrap();
        let zone = reader.read(file, Some(&name), text.into(), &mut |_, _| Err(String::new())).unwrap();
        writer.put_zone(Arc::new(zone)).unwrap();
    }
    writer.publish(Some(1)).unwrap()
}

/// A query with EDNS, in it NSID, a cookie and ZONEVERSION.
fn query(name: &str, record_type: RecordType) -> Vec<u8> {
    let name: Name = name.parse().unwrap();
    let mut query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\x01".to_vec();
    query.extend_from_slice(name.as_wire());
    query.extend_from_slice(&record_type.0.to_be_bytes());
    query.extend_from_slice(b"\0\x01");
    // OPT (RFC 6891 6.1.2), with NSID (RFC 5001 2.3), COOKIE (RFC 7873 4) and ZONEVERSION (RFC 9660 2).
    query.extend_from_slice(b"\0\0\x29\x10\0\0\0\0\0\0\x24\0\x03\0\0\0\x0a\0\x18");
    query.extend_from_slice(b"abcdefgh\x01\0\0\0\0\0\x03\xe8the hash\0\x13\0\0");
    query
}

/// Asks and counts. Returns the answer and how often memory was allocated for it.
fn ask(query: &[u8], transport: Transport, snapshot: &Snapshot) -> (Option<Vec<u8>>, u64) {
    let client = Client { transport, address: IpAddr::V4(Ipv4Addr::LOCALHOST) };
    let policy = policy();
    let context = Context { snapshot, policy: &policy, limiter: Some(&*LIMITER), now: 1000 };
    let mut scratch = Scratch::new();
    let mut out = vec![0; 65_535];
    let mut outcome = Outcome::Drop;
    let counted = allocation_counter::measure(|| {
        outcome = answer(query, &client, 7, &context, &mut scratch, &mut out);
    });
    let answer = match outcome {
        Outcome::Reply(length) => Some(out[..length].to_vec()),
        Outcome::Drop | Outcome::Transfer => None,
    };
    (answer, counted.count_total)
}

/// Name, type, response code, and whether there is an answer section.
type Row = (&'static str, RecordType, u8, bool);

const SERVED: &[Row] = &[
    ("myapp.default.svc.peers.cluster.local", RecordType::A, NOERROR, true),
    ("myapp.default.svc.peers.cluster.local", RecordType::AAAA, NOERROR, true),
    ("myapp.default.svc.peers.cluster.local", RecordType::TXT, NOERROR, true),
    ("myapp.default.svc.peers.cluster.local", RecordType::SRV, NOERROR, true),
    ("myapp.default.svc.peers.cluster.local", RecordType::ANY, NOERROR, true),
    ("myapp.default.svc.peers.cluster.local", RecordType::MX, NOERROR, false),
    ("MyApp.Default.SVC.Peers.Cluster.LOCAL", RecordType::TXT, NOERROR, true),
    ("_http._tcp.myapp.default.svc.peers.cluster.local", RecordType::SRV, NOERROR, true),
    ("_tcp.myapp.default.svc.peers.cluster.local", RecordType::SRV, NOERROR, false),
    ("10-0-0-1.myapp.default.svc.peers.cluster.local", RecordType::A, NOERROR, true),
    ("10-0-0-1.myapp.default.svc.peers.cluster.local", RecordType::ANY, NOERROR, true),
    ("myapp-2.myapp.default.svc.peers.cluster.local", RecordType::A, NOERROR, true),
    ("shop.prod.svc.peers.cluster.local", RecordType::SRV, NOERROR, true),
    ("shop.default.svc.peers.cluster.local", RecordType::TXT, NOERROR, false),
    ("nobody.default.svc.peers.cluster.local", RecordType::A, NXDOMAIN, false),
    ("a.b.c.d.nobody.peers.cluster.local", RecordType::A, NOERROR, false),
    ("a.b.c.d.nobody.default.svc.peers.cluster.local", RecordType::A, NXDOMAIN, false),
    ("svc.peers.cluster.local", RecordType::A, NOERROR, false),
    ("default.svc.peers.cluster.local", RecordType::A, NOERROR, false),
    // More than a datagram, and more than a message: a name of several ports with one number among them.
    ("many.default.svc.peers.cluster.local", RecordType::A, NOERROR, true),
    ("many.default.svc.peers.cluster.local", RecordType::TXT, NOERROR, true),
    ("many.default.svc.peers.cluster.local", RecordType::SRV, NOERROR, true),
    ("many.default.svc.peers.cluster.local", RecordType::ANY, NOERROR, true),
    ("huge.default.svc.peers.cluster.local", RecordType::A, NOERROR, true),
    ("huge.default.svc.peers.cluster.local", RecordType::TXT, NOERROR, true),
    ("huge.default.svc.peers.cluster.local", RecordType::SRV, NOERROR, true),
    ("_metrics._tcp.huge.default.svc.peers.cluster.local", RecordType::SRV, NOERROR, true),
    ("_3._of8.huge.default.svc.peers.cluster.local", RecordType::A, NOERROR, true),
    ("_3._of8.huge.default.svc.peers.cluster.local", RecordType::TXT, NOERROR, true),
    ("_3._of8.huge.default.svc.peers.cluster.local", RecordType::SRV, NOERROR, true),
    ("_of8.huge.default.svc.peers.cluster.local", RecordType::A, NOERROR, false),
    ("_8._of8.huge.default.svc.peers.cluster.local", RecordType::A, NXDOMAIN, false),
    ("10-0-0-1.default.pod.cluster.local", RecordType::A, NOERROR, true),
    ("10-0-0-1.default.pod.cluster.local", RecordType::TXT, NOERROR, true),
    ("10-0-0-1.default.pod.cluster.local", RecordType::AAAA, NOERROR, false),
    ("fd00--1.default.pod.cluster.local", RecordType::AAAA, NOERROR, true),
    ("10-9-9-9.default.pod.cluster.local", RecordType::A, NXDOMAIN, false),
    ("1.0.0.10.in-addr.arpa", RecordType::PTR, NOERROR, true),
    (
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa",
        RecordType::PTR,
        NOERROR,
        true,
    ),
    ("0.0.10.in-addr.arpa", RecordType::PTR, NOERROR, false),
    ("9.9.9.10.in-addr.arpa", RecordType::PTR, NXDOMAIN, false),
    ("peers.cluster.local", RecordType::SOA, NOERROR, true),
    ("peers.cluster.local", RecordType::NS, NOERROR, true),
    ("peers.cluster.local", RecordType::ANY, NOERROR, true),
    ("peers.cluster.local", RecordType::AXFR, REFUSED, false),
    ("ns.dns.peers.cluster.local", RecordType::A, NOERROR, true),
    ("dns-version.peers.cluster.local", RecordType::TXT, NOERROR, true),
    ("example.org", RecordType::A, REFUSED, false),
    (".", RecordType::NS, REFUSED, false),
    ("www.example.test", RecordType::A, NOERROR, true),
    ("example.test", RecordType::NS, NOERROR, true),
    ("example.test", RecordType::MX, NOERROR, true),
    ("any.example.test", RecordType::ANY, NOERROR, true),
    ("a.b.c.d.nowhere.example.test", RecordType::A, NXDOMAIN, false),
    ("ent.example.test", RecordType::A, NOERROR, false),
    ("x.wild.example.test", RecordType::A, NOERROR, true),
    ("alias2.example.test", RecordType::A, NOERROR, true),
    ("c2.example.test", RecordType::A, NOERROR, true),
    ("loop1.example.test", RecordType::A, NOERROR, true),
    ("tonowhere.example.test", RecordType::A, NXDOMAIN, true),
    ("topeers.example.test", RecordType::TXT, NOERROR, true),
    ("x.cut.example.test", RecordType::A, NOERROR, false),
    ("cut.example.test", RecordType::DS, NOERROR, true),
    ("a.b.dn.example.test", RecordType::TXT, NOERROR, true),
    ("a.dloop.example.test", RecordType::A, NOERROR, true),
    ("_sip._tcp.example.test", RecordType::SRV, NOERROR, true),
    ("svc1.example.test", RecordType::SVCB, NOERROR, true),
    ("up.child.sub.example.test", RecordType::A, NOERROR, true),
    ("db.peers.cluster.local", RecordType::A, NOERROR, true),
    ("peers.cluster.local", RecordType::TXT, NOERROR, true),
];

/// Rows while the watch that contributes to them has not delivered its list.
const WAITING: &[Row] = &[
    ("myapp.default.svc.peers.cluster.local", RecordType::A, SERVFAIL, false),
    ("10-0-0-1.default.pod.cluster.local", RecordType::A, SERVFAIL, false),
    ("1.0.0.10.in-addr.arpa", RecordType::PTR, SERVFAIL, false),
    ("peers.cluster.local", RecordType::SOA, NOERROR, true),
];

/// Rows while an object has never parsed that makes the set `broken`.
const REFUSED_SET: &[Row] = &[
    ("broken.default.svc.peers.cluster.local", RecordType::A, SERVFAIL, false),
    ("_http._tcp.broken.default.svc.peers.cluster.local", RecordType::SRV, SERVFAIL, false),
    ("myapp.default.svc.peers.cluster.local", RecordType::A, NOERROR, true),
    ("10-9-9-9.default.pod.cluster.local", RecordType::A, SERVFAIL, false),
    ("10-0-0-1.default.pod.cluster.local", RecordType::A, NOERROR, true),
    ("9.9.9.10.in-addr.arpa", RecordType::PTR, SERVFAIL, false),
    ("1.0.0.10.in-addr.arpa", RecordType::PTR, NOERROR, true),
];

#[test]
fn no_answer_allocates() {
    let mut faults = Vec::new();
    let mut truncated = 0;
    for (state, rows) in [
        (Watch::Complete, SERVED),
        (Watch::Stale, SERVED),
        (Watch::Waits, WAITING),
        (Watch::Broken, REFUSED_SET),
    ] {
        let snapshot = snapshot(state);
        for &(name, record_type, rcode, answered) in rows {
            for transport in [Transport::Udp, Transport::Tcp] {
                let what = format!("{name} {record_type} over {transport:?}");
                let (answer, allocations) = ask(&query(name, record_type), transport, &snapshot);
                let answer = answer.unwrap_or_else(|| panic!("{what} is not answered"));
                // The low four bits of the fourth octet, and ANCOUNT: RFC 1035 4.1.1.
                assert_eq!(answer[3] & 0xf, rcode, "{what}");
                assert_eq!(answer[6..8] != [0, 0], answered, "{what}");
                truncated += usize::from(answer[2] & TC != 0);
                if allocations > 0 {
                    faults.push(format!("{what}: {allocations} allocations"));
                }
            }
        }
    }
    assert_eq!(faults, [""; 0]);
    assert!(truncated > 10, "only {truncated} answers were cut");
}

#[test]
fn no_malformed_query_allocates() {
    let snapshot = snapshot(Watch::Complete);
    let whole = query("myapp.default.svc.peers.cluster.local", RecordType::SRV);
    for end in 0..whole.len() {
        assert_eq!(ask(&whole[..end], Transport::Udp, &snapshot).1, 0, "cut after {end} octets");
    }
    for place in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[place] ^= 1 << bit;
            assert_eq!(ask(&changed, Transport::Udp, &snapshot).1, 0, "bit {bit} of octet {place}");
        }
    }
}

#[test]
fn no_number_of_options_allocates() {
    let snapshot = snapshot(Watch::Complete);
    let plain = query("myapp.default.svc.peers.cluster.local", RecordType::SRV);
    // The OPT record is the last: its length stands before the 36 octets of its options.
    let head = &plain[..plain.len() - 38];
    for option in
        [&b"\0\x0a\0\x08a client"[..], b"\0\x0a\0\0", b"\0\x03\0\0", b"\0\x13\0\0", b"\xff\xfe\0\x01x"]
    {
        for count in [1, 2, 100, 1_000] {
            let options = option.repeat(count);
            let length = u16::try_from(options.len()).unwrap().to_be_bytes();
            let (answer, allocations) = ask(&[head, &length, &options].concat(), Transport::Tcp, &snapshot);
            assert_eq!((answer.is_some(), allocations), (true, 0), "{count} times {option:?}");
        }
    }
    // The whole record twice.
    let opt = &plain[plain.len() - 47..];
    let mut twice = [&plain[..], opt].concat();
    twice[11] = 2;
    let (answer, allocations) = ask(&twice, Transport::Udp, &snapshot);
    assert_eq!((answer.map(|answer| answer[3] & 0xf), allocations), (Some(1), 0));
}

/// What the counts above rest on.
#[test]
fn allocations_are_seen() {
    let counted = allocation_counter::measure(|| drop(black_box(Box::new(black_box(7_u8)))));
    assert_eq!(counted.count_total, 1);
}
