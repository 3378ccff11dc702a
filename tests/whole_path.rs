//! The whole path from events to a snapshot: whatever happened in whatever order, what is served is what a server
//! that only ever saw the objects that are left would serve.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use rosterd::roster::{
    Conditions, Endpoint, EndpointGroup, EndpointObject, Event, EventKind, Family, Gives, Include, Mode,
    Namespaces, ObjectKey, ObjectKind, Options, Port, PortChoice, Prefer, Protocol, RecordTypes, Roster,
    Scope, SrvHost, Topology, Uid, WatchId, WhenEmpty,
};
use rosterd::wire::{Name, QueryName, RecordType};
use rosterd::zone::{Found, PodNames, Snapshot, SnapshotWriter, ZoneConfig};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const NAMESPACES: [&str; 2] = ["default", "prod"];
const SERVICES: [&str; 2] = ["web", "db"];
/// Names that sets can have here: the Services', the topologies' and those that labels give.
const SETS: [&str; 4] = ["web", "db", "gathered", "labelled"];
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
        self.zone.publish(now, self.roster.revision())
    }
}

/// Watches as the events' description has them, by number.
#[derive(Debug, Default, Clone)]
struct Origins(BTreeMap<u32, Origin>);

#[derive(Debug, Clone)]
struct Origin {
    scope: Scope,
    gives: Gives,
    synced: bool,
    unreachable: bool,
    visible: Content,
    list: Option<Content>,
}

/// Objects as a list has them, or what happened since the last one.
#[derive(Debug, Default, Clone)]
struct Content {
    /// Their last good versions.
    good: BTreeMap<ObjectKey, EndpointObject>,
    /// Those that do not parse as they are now.
    broken: BTreeMap<ObjectKey, EndpointObject>,
    /// What was deleted while the list arrived.
    gone: BTreeSet<ObjectKey>,
}

/// Whether names are known, and whether what is known may be old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    ready: bool,
    stale: bool,
}

impl Origins {
    fn tell(&mut self, watch: u32, kind: &EventKind) {
        match kind {
            EventKind::Started(scope, gives) => {
                let new = Origin {
                    scope: scope.clone(),
                    gives: *gives,
                    synced: false,
                    unreachable: false,
                    visible: Content::default(),
                    list: Some(Content::default()),
                };
                self.0.entry(watch).or_insert(new).scope = scope.clone();
            }
            EventKind::Ended => drop(self.0.remove(&watch)),
            kind => {
                if let Some(origin) = self.0.get_mut(&watch) {
                    origin.tell(kind);
                }
            }
        }
    }

    /// What a new server makes of the objects. It meets them in the order that `order` makes of them: those of even
    /// places in the first lists, the others one by one.
    fn served_anew(&self, topologies: &[Topology], order: &[u16]) -> Arc<Snapshot> {
        let mut path = Path::new(topologies);
        let objects = self.0.iter().flat_map(|(watch, origin)| {
            let Content { good, broken, .. } = &origin.visible;
            let good = good.values().map(|object| EventKind::Apply(Box::new(object.clone())));
            // One with a good version broke after that: it comes last, whatever the order.
            let broken = broken.values().map(|object| EventKind::Broken(Box::new(object.clone())));
            good.chain(broken).map(|kind| (*watch, kind))
        });
        let is_kept = |(_, (watch, kind)): &(&u16, (u32, EventKind))| match kind {
            EventKind::Broken(object) => self.0[watch].visible.good.contains_key(&object.key),
            _ => false,
        };
        let (kept, mut objects): (Vec<_>, Vec<_>) = order.iter().cycle().zip(objects).partition(is_kept);
        objects.sort_by_key(|(place, _)| **place);
        let (listed, single): (Vec<_>, Vec<_>) = objects.into_iter().partition(|(place, _)| **place % 2 == 0);
        for (watch, origin) in &self.0 {
            path.tell(*watch, None, EventKind::Started(Scope::All, origin.gives));
        }
        for (_, (watch, kind)) in listed {
            path.tell(watch, None, kind);
        }
        for watch in self.0.keys() {
            path.tell(*watch, None, EventKind::Synced);
        }
        for (_, (watch, kind)) in single.into_iter().chain(kept) {
            path.tell(watch, None, kind);
        }
        path.publish(1).expect("a first publication")
    }

    /// What is known of names to which these watches contribute.
    fn known(&self, contributes: impl Fn(&Origin) -> bool) -> Known {
        let mut known =
            Known { ready: self.0.values().any(|origin| origin.gives == Gives::Peers), stale: false };
        for origin in self.0.values().filter(|origin| contributes(origin)) {
            known.ready &= origin.synced;
            known.stale |= origin.synced && origin.unreachable;
        }
        known
    }

    /// What is found at names of every kind, given what a server finds that has seen all there is.
    fn expected(&self, anew: &Snapshot) -> BTreeMap<String, String> {
        let covers = |origin: &Origin, namespace: &str| match &origin.scope {
            Scope::All => true,
            Scope::Namespace(own) => **own == *namespace,
        };
        let mut expected = BTreeMap::new();
        let mut expect = |name: String, known: Known, known_while_waiting: bool| {
            let found = found(anew, &name);
            let found = match found.as_str() {
                "node" if !known.ready && known_while_waiting => found,
                _ if !known.ready => "not ready".to_owned(),
                _ => found,
            };
            let ages = known.stale && (found == "node" || found == "none");
            expected.insert(name, if ages { format!("old {found}") } else { found });
        };
        for namespace in NAMESPACES.into_iter().chain(["absent"]) {
            let of_sets = self.known(|origin| origin.gives == Gives::Peers && covers(origin, namespace));
            for name in names_of_sets(namespace) {
                expect(name, of_sets, false);
            }
            let of_addresses = self.known(|origin| covers(origin, namespace));
            expect(format!("{namespace}.pod.cluster.local"), of_addresses, true);
            for address in ["10-0-0-1", "10-0-0-4", "10-0-0-9", "fd00--1"] {
                expect(format!("{address}.{namespace}.pod.cluster.local"), of_addresses, false);
            }
        }
        let everywhere = self.known(|_| true);
        for name in
            ["1.0.0.10.in-addr.arpa", "4.0.0.10.in-addr.arpa", "9.0.0.10.in-addr.arpa", "0.10.in-addr.arpa"]
        {
            expect(name.to_owned(), everywhere, true);
        }
        for name in
            ["peers.cluster.local", "pod.cluster.local", "svc.peers.cluster.local", "x.peers.cluster.local"]
        {
            expect(name.to_owned(), Known { ready: true, stale: false }, false);
        }
        expected
    }
}

impl Origin {
    fn tell(&mut self, kind: &EventKind) {
        let content = self.list.as_mut().unwrap_or(&mut self.visible);
        match kind {
            EventKind::Apply(object) => {
                content.gone.remove(&object.key);
                content.broken.remove(&object.key);
                content.good.insert(object.key.clone(), (**object).clone());
            }
            EventKind::Broken(object) => {
                content.broken.insert(object.key.clone(), (**object).clone());
                // What is served stays, where the list has no better version.
                if !content.good.contains_key(&object.key)
                    && !content.gone.contains(&object.key)
                    && let Some(last) = self.visible.good.get(&object.key)
                    && let Some(list) = &mut self.list
                {
                    list.good.insert(object.key.clone(), last.clone());
                }
            }
            EventKind::Delete(key) => {
                content.good.remove(key);
                content.broken.remove(key);
                content.gone.insert(key.clone());
            }
            EventKind::Reset => self.list = Some(Content::default()),
            EventKind::Synced => {
                self.synced = true;
                if let Some(list) = self.list.take() {
                    self.visible = Content { gone: BTreeSet::new(), ..list };
                }
            }
            EventKind::Unreachable => self.unreachable = true,
            EventKind::Reachable => self.unreachable = false,
            EventKind::Started(..) | EventKind::Ended | EventKind::Named(_) => {}
        }
    }
}

fn names_of_sets(namespace: &str) -> Vec<String> {
    let mut names = vec![format!("{namespace}.svc.peers.cluster.local")];
    for set in SETS {
        for below in ["", "web-0.", "_tcp.", "_0._of2.", "_http._tcp.", "10-0-0-1."] {
            names.push(format!("{below}{set}.{namespace}.svc.peers.cluster.local"));
        }
    }
    names
}

/// What is at a name: `node` or `none`, `old` before it where it may be, or why neither is told.
fn found(snapshot: &Snapshot, name: &str) -> String {
    let (found, stale) = match find(snapshot, name, RecordType::A) {
        Found::Node(node) => ("node", node.is_stale()),
        Found::NxDomain { stale } => ("none", stale),
        Found::NotReady => ("not ready", false),
        Found::Broken => ("broken", false),
    };
    if stale { format!("old {found}") } else { found.to_owned() }
}

fn find<'a>(snapshot: &'a Snapshot, name: &str, record_type: RecordType) -> Found<'a> {
    let name: Name = name.parse().unwrap();
    let mut query = QueryName::new();
    query.read(name.as_wire(), 0).unwrap();
    snapshot.zone_of(&query, record_type).expect("our zone").find(&query, record_type)
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

fn an_endpoint() -> impl Strategy<Value = Endpoint> {
    let addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "fd00::1", "fd00::2"]
        .map(|text| text.parse().unwrap());
    let condition = || select(vec![None, None, Some(true), Some(false)]);
    let conditions = (condition(), condition(), condition())
        .prop_map(|(ready, serving, terminating)| Conditions { ready, serving, terminating });
    (
        prop::collection::vec(select(addresses.to_vec()), 0..3),
        select(vec![None, None, Some("web-0"), Some("web-1")]),
        select(vec!["", "a", "b", "c", "00000000-0000-4000-8000-000000000001"]),
        select(vec![None, None, None, Some("prod")]),
        conditions,
    )
        .prop_map(|(addresses, hostname, uid, namespace, conditions)| Endpoint {
            addresses,
            hostname: hostname.map(Into::into),
            uid: Uid::from_text(uid),
            namespace: namespace.map(Into::into),
            conditions,
        })
}

fn a_group() -> impl Strategy<Value = EndpointGroup> {
    // Two names of one number, one number of two protocols, a port without a name.
    let ports = [
        ("http", 80, Protocol::Tcp),
        ("metrics", 80, Protocol::Tcp),
        ("dns", 53, Protocol::Udp),
        ("dns-tcp", 53, Protocol::Tcp),
        ("", 9100, Protocol::Tcp),
    ]
    .map(|(name, number, protocol)| Port { number, protocol, name: name.into() });
    (subsequence(ports.to_vec(), 0..4), prop::collection::vec(an_endpoint(), 0..5))
        .prop_map(|(ports, endpoints)| EndpointGroup { ports, endpoints })
}

fn a_key() -> impl Strategy<Value = ObjectKey> {
    let kind = select(vec![ObjectKind::EndpointSlice, ObjectKind::EndpointSlice, ObjectKind::Endpoints]);
    (select(vec!["one", "two", "three"]), select(NAMESPACES.to_vec()), kind).prop_map(
        |(name, namespace, kind)| ObjectKey { namespace: namespace.into(), name: name.into(), kind },
    )
}

fn an_object() -> impl Strategy<Value = EndpointObject> {
    // In the order of their keys, as objects have them.
    let labels = [
        ("app", &["web", "db"][..]),
        ("rosterd.io/basename", &["one", "two"]),
        ("rosterd.io/include", &["ready", "serving", "all"]),
        ("rosterd.io/mode", &["ip", "dns", "hostname", "peer", "none"]),
        ("rosterd.io/set", &["labelled", "web"]),
        ("rosterd.io/ttl", &["0", "30"]),
    ];
    let labels: Vec<_> = labels
        .into_iter()
        .map(|(name, values)| {
            let weight = if name == "app" { 0.7 } else { 0.2 };
            let value = prop::option::weighted(weight, select(values));
            value.prop_map(move |value| Some((name.into(), value?.into())))
        })
        .collect();
    (a_key(), select(SERVICES.to_vec()), labels, prop::collection::vec(a_group(), 0..3)).prop_map(
        |(key, service, labels, groups)| EndpointObject {
            key,
            service: Some(service.into()),
            labels: labels.into_iter().flatten().collect(),
            groups,
            truncated: false,
        },
    )
}

/// Up to three topologies that overlap: all of `app=web`, by name; whatever has a label, by name; every Service.
fn topologies() -> impl Strategy<Value = Vec<Topology>> {
    let heads = [(Some("gathered"), "app=web"), (Some("web"), "app"), (None, "")];
    (subsequence(heads.to_vec(), 0..=heads.len()), prop::collection::vec(a_topology(), heads.len())).prop_map(
        |(heads, topologies)| {
            let both = heads.into_iter().zip(topologies);
            both.map(|((name, selector), topology)| Topology {
                name: name.map(Into::into),
                selector: selector.parse().unwrap(),
                ..topology
            })
            .collect()
        },
    )
}

fn a_topology() -> impl Strategy<Value = Topology> {
    let who = (
        select(vec![&[][..], &["default"], &["default", "prod"]]),
        select(vec![Include::Ready, Include::Serving, Include::All]),
        select(vec![WhenEmpty::Nothing, WhenEmpty::Serving, WhenEmpty::All]),
        select(vec![Family::Any, Family::Any, Family::Ipv4, Family::Ipv6]),
    );
    let fixed = PortChoice::Fixed { name: "dist".into(), protocol: Protocol::Tcp, number: 9100 };
    let ports = [None, None, Some(vec![PortChoice::Named("http".into())]), Some(vec![fixed])];
    let no_txt = RecordTypes { txt: false, ..RecordTypes::ALL };
    let how = (
        select(vec![Mode::Ip, Mode::Dns, Mode::Hostname, Mode::Peer]),
        select(vec![SrvHost::Mode, SrvHost::Peer]),
        select(vec![Prefer::Ipv4, Prefer::Ipv6]),
        select(vec![RecordTypes::ALL, RecordTypes::ALL, no_txt]),
        select(vec![None, Some(0), Some(30)]),
        select(ports.to_vec()),
    );
    (who, how).prop_map(
        |((listed, include, when_empty, family), (mode, srv_host, prefer, records, ttl, ports))| {
            let listed: Vec<_> = listed.iter().map(|namespace| (*namespace).into()).collect();
            let namespaces = if listed.is_empty() { Namespaces::All } else { Namespaces::Listed(listed) };
            Topology {
                namespaces,
                include,
                when_empty,
                family,
                mode,
                srv_host,
                prefer,
                records,
                ttl,
                ports,
                ..Topology::every_service()
            }
        },
    )
}

#[derive(Debug, Clone)]
enum Step {
    Tell(u32, Option<u64>, EventKind),
    /// At this time.
    Publish(u64),
}

fn a_start() -> impl Strategy<Value = EventKind> {
    let [default, prod] = NAMESPACES.map(|namespace| Scope::Namespace(namespace.into()));
    let scope = select(vec![Scope::All, Scope::All, default, prod]);
    let gives = select(vec![Gives::Peers, Gives::Peers, Gives::Addresses]);
    (scope, gives).prop_map(|(scope, gives)| EventKind::Started(scope, gives))
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
