//! The whole path from events to a snapshot: whatever happened in whatever order, what is served is what a server
//! that only ever saw the objects that are left would serve.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod objects;
mod origins;

use objects::{NAMESPACES, SETS, a_key, a_start, an_object, topologies};
use origins::{Origins, find, found};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use rosterd::roster::{EndpointObject, Event, EventKind, Gives, Options, Roster, Scope, Topology, WatchId};
use rosterd::wire::RecordType;
use rosterd::zone::{Found, PodNames, Snapshot, SnapshotWriter, ZoneConfig};
use std::collections::BTreeMap;
use std::sync::Arc;

const WATCHES: u32 = 3;

/// The two stations between events and snapshots, one behind the other.
struct Path {
    roster: Roster,
    zone: SnapshotWriter,
}

impl Path {
    fn new(topologies: &[Topology]) -> Path {
        let roster = Roster::new(Options {
            cluster_domain: "cluster.local".into(),
            zone: "peers.cluster.local".into(),
            label_settings: true,
            topologies: topologies.to_vec(),
        });
        let zone = SnapshotWriter::new(ZoneConfig {
            zone: "peers.cluster.local".parse().unwrap(),
            cluster_domain: "cluster.local".parse().unwrap(),
            pods: PodNames::Verified,
            reverse_zones: vec!["10.in-addr.arpa".parse().unwrap(), "d.f.ip6.arpa".parse().unwrap()],
            advertise: vec!["192.0.2.53".parse().unwrap()],
            nameserver: None,
            hostmaster: None,
            ttl: None,
            negative_ttl: 5,
        });
        Path { roster, zone: zone.unwrap() }
    }

    fn tell(&mut self, watch: u32, revision: Option<u64>, kind: EventKind) {
        self.roster.handle(Event { watch: WatchId(watch), revision, kind });
    }

    fn publish(&mut self, now: u64) -> Option<Arc<Snapshot>> {
        for change in self.roster.take_changes() {
            self.zone.apply(&change);
        }
        self.zone.publish(self.roster.revision().or(Some(now)))
    }
}

/// Master files by apex, without SOA records: these differ by their serials.
fn texts(snapshot: &Snapshot) -> BTreeMap<String, String> {
    let soa = |line: &&str| !line.contains("\tSOA\t");
    let files = snapshot.master_files();
    files
        .map(|(apex, text)| (apex.to_string(), text.lines().filter(soa).collect::<Vec<_>>().join("\n")))
        .collect()
}

fn serials(snapshot: &Snapshot) -> BTreeMap<String, u32> {
    snapshot.serials().map(|(apex, serial)| (apex.to_string(), serial)).collect()
}

/// The RRs of a type at a name, each its octets from the TTL on, sorted; `None` where the name does not exist, or is
/// refused.
fn records(snapshot: &Snapshot, name: &str, record_type: RecordType) -> Option<Vec<Vec<u8>>> {
    let node = match find(snapshot, name, record_type) {
        Found::Node(node) => node,
        Found::NxDomain { .. } | Found::Broken => return None,
        Found::NotReady => unreachable!("all watches are complete"),
    };
    let Some(rrset) = node.rrset(record_type) else { return Some(Vec::new()) };
    let mut octets = vec![0; rrset.wire_len()];
    let copied = rrset.copy(&mut octets, 0);
    assert_eq!((copied.octets, copied.records), (octets.len(), rrset.len()));
    let mut records = Vec::new();
    let mut rest = octets.as_slice();
    // Owner (a pointer to the question), type, class, TTL, length of the data: RFC 1035 3.2.1.
    while let [_, _, _, _, _, _, ttl @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([ttl[4], ttl[5]]));
        records.push(ttl[..6 + length].to_vec());
        rest = &ttl[6 + length..];
    }
    records.sort();
    Some(records)
}

/// Holds the parts of every set against the whole.
fn hold_parts(snapshot: &Snapshot) -> Result<(), TestCaseError> {
    for (set, namespace) in SETS.iter().flat_map(|set| NAMESPACES.map(|namespace| (set, namespace))) {
        for record_type in [RecordType::A, RecordType::AAAA, RecordType::TXT, RecordType::SRV] {
            let name = format!("{set}.{namespace}.svc.peers.cluster.local");
            let whole = records(snapshot, &name, record_type);
            for parts in [1, 2, 8] {
                let each = (0..parts).map(|part| format!("_{part}._of{parts}.{name}"));
                let each: Option<Vec<_>> = each.map(|name| records(snapshot, &name, record_type)).collect();
                let together = each.map(|each| {
                    let mut together = each.concat();
                    together.sort();
                    // An address of two peers is one RR of the whole, and of the part of either.
                    together.dedup();
                    together
                });
                prop_assert_eq!(&together, &whole, "{} parts of {} {}", parts, name, record_type);
            }
        }
    }
    Ok(())
}

#[derive(Debug, Clone)]
enum Step {
    Tell(u32, Option<u64>, EventKind),
    /// At this time.
    Publish(u64),
}

fn a_step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![
        12 => an_object().prop_map(|object| EventKind::Apply(Box::new(object))),
        4 => an_object().prop_map(|object| EventKind::Broken(Box::new(EndpointObject { groups: vec![], ..object }))),
        3 => a_key().prop_map(EventKind::Delete),
        1 => Just(EventKind::Reset),
        2 => Just(EventKind::Synced),
        1 => Just(EventKind::Ended),
        1 => a_start(),
        2 => select(vec![EventKind::Unreachable, EventKind::Reachable]),
    ];
    // Revisions and times around where counting modulo 2^32 begins anew.
    let around = u64::from(u32::MAX) - 5;
    let revision = prop::option::of(around..around + 12);
    prop_oneof![
        4 => (0..WATCHES, revision, kind).prop_map(|(watch, revision, kind)| Step::Tell(watch, revision, kind)),
        1 => (around..around + 12).prop_map(Step::Publish),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_is_served_is_what_a_new_server_would_serve(
        topologies in topologies(),
        starts in prop::collection::vec(a_start(), WATCHES as usize),
        synced in any::<Index>(),
        steps in prop::collection::vec(a_step(), 1..60),
        order in prop::collection::vec(any::<u16>(), 1..20),
    ) {
        let mut path = Path::new(&topologies);
        let mut origins = Origins::default();
        // All watches exist, and some are complete from the beginning.
        let complete = |watches: u32| (0..watches).map(|watch| (watch, EventKind::Synced));
        let tell = |(watch, kind)| Step::Tell(watch, None, kind);
        let begin = (0..).zip(starts).chain(complete(u32::try_from(synced.index(WATCHES as usize + 1)).unwrap())).map(tell);
        // At the end all are, and one more that surely gives peers, so that names are answered.
        let end = (0..=WATCHES).map(|watch| (watch, EventKind::Started(Scope::All, Gives::Peers)));
        let end = end.chain(complete(WATCHES + 1)).map(tell).chain([Step::Publish(0)]);
        let mut last: Option<Arc<Snapshot>> = None;
        for step in begin.chain(steps).chain(end) {
            let now = match step {
                Step::Tell(watch, revision, kind) => {
                    origins.tell(watch, &kind);
                    path.tell(watch, revision, kind);
                    continue;
                }
                Step::Publish(now) => now,
            };
            let published = path.publish(now);
            let served = path.zone.current();
            let text = texts(&served);
            let anew = origins.served_anew(&topologies, &order);
            prop_assert_eq!(&text, &texts(&anew));
            for (name, expected) in origins.expected(&anew) {
                prop_assert_eq!(found(&served, &name), expected, "{}", name);
            }
            if let Some(last) = &last {
                let (text_before, serials_before) = (texts(last), serials(last));
                for (apex, serial) in serials(&served) {
                    let before = serials_before[&apex];
                    let changed = text[&apex] != text_before[&apex];
                    // RFC 1982 3.2: what is ahead is 1 to 2^31 - 1 ahead, counting modulo 2^32.
                    let ahead = (1..1 << 31).contains(&serial.wrapping_sub(before));
                    prop_assert!(ahead || serial == before, "{} from {} back to {}", apex, before, serial);
                    // Names that come and go without records count too: an empty set is NODATA, none is NXDOMAIN. So do
                    // node names that leave and come back within one publication. Reverse zones have neither.
                    prop_assert!(ahead || !changed, "{} changed and still is {}", apex, serial);
                    prop_assert!(changed || !ahead || !apex.ends_with(".arpa."), "{} is as it was", apex);
                }
            }
            if published.is_none() && let Some(last) = &last {
                prop_assert!(Arc::ptr_eq(last, &served), "published without a word");
            }
            last = Some(served);
        }
        hold_parts(&path.zone.current())?;
    }
}
