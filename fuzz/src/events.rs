//! Any sequence of what watches can say: what is served adds up to what a new server would serve of what is left.

use crate::message::Message;
use crate::world::{self, ask};
use arbitrary::{Result, Unstructured};
use rosterd::answer::{Client, Policy, Scratch, Transport};
use rosterd::roster::{
    Conditions, Endpoint, EndpointGroup, EndpointObject, Event, EventKind, Gives, ObjectKey, ObjectKind,
    Port, Protocol, Roster, Scope, Uid, WatchId,
};
use rosterd::zone::{PodNames, Snapshot, SnapshotWriter};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr};

/// Most events of one input.
const EVENTS_MAX: usize = 64;

const NAMES: [&str; 4] = ["one", "two", "three", "Bad"];
const SERVICES: [&str; 5] = ["", "web", "db", "gathered", "Not a label"];
const NAMESPACES: [&str; 4] = ["default", "other", "Bad", ""];
const HOSTNAMES: [&str; 4] = ["web-0", "web-1", "10-0-0-1", "Bad."];
const ADDRESSES: [&str; 6] = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "192.0.2.1", "fd00::1", "::ffff:10.0.0.1"];
const LABELS: [(&str, &str); 8] = [
    ("app", "db"),
    ("rosterd.io/set", "web"),
    ("rosterd.io/set", "Bad"),
    ("rosterd.io/mode", "peer"),
    ("rosterd.io/mode", "hostname"),
    ("rosterd.io/include", "all"),
    ("rosterd.io/ttl", "0"),
    ("rosterd.io/basename", "a"),
];

/// Tells the events of an input.
pub fn check(input: &[u8]) {
    let mut from = Unstructured::new(input);
    let mut told = Told::new();
    for _ in 0..EVENTS_MAX {
        // What an input has too few octets for does not happen.
        let (Ok((watch, kind)), Ok(publishes)) = (event(&mut from), from.arbitrary::<u8>()) else { break };
        told.tell(watch, kind);
        if publishes % 4 == 0 {
            told.publish();
        }
    }
    told.publish();
    let rebuilt = told.rebuilt();
    let incremental = told.writer.current();
    let texts =
        |snapshot: &Snapshot| snapshot.master_files().map(|(_, text)| masked(&text)).collect::<Vec<_>>();
    assert_eq!(texts(&incremental), texts(&rebuilt));
    for query in queries() {
        assert_eq!(answer(&query, &incremental), answer(&query, &rebuilt), "{}", query.escape_ascii());
    }
}

/// A history, told to a roster and remembered.
struct Told {
    roster: Roster,
    writer: SnapshotWriter,
    revision: u64,
    watches: BTreeMap<u32, Watch>,
}

/// What a watch has said, by the letter of `EventKind`.
#[derive(Clone)]
struct Watch {
    scope: Scope,
    gives: Gives,
    synced: bool,
    unreachable: bool,
    visible: Content,
    list: Option<Content>,
}

#[derive(Clone, Default)]
struct Content {
    /// Last good versions.
    good: BTreeMap<ObjectKey, EndpointObject>,
    /// Those that do not parse as they are now.
    broken: BTreeMap<ObjectKey, EndpointObject>,
    gone: BTreeSet<ObjectKey>,
}

impl Told {
    fn new() -> Told {
        let writer = SnapshotWriter::new(world::zones(PodNames::Verified)).expect("zones");
        Told { roster: Roster::new(world::options()), writer, revision: 0, watches: BTreeMap::new() }
    }

    fn tell(&mut self, watch: u32, kind: EventKind) {
        self.revision += 1;
        self.remember(watch, &kind);
        self.roster.handle(Event { watch: WatchId(watch), revision: Some(self.revision), kind });
    }

    fn publish(&mut self) {
        let changes = self.roster.take_changes();
        world::publish(&mut self.writer, &changes, self.revision);
        self.roster.take_notices().iter().for_each(|notice| drop(notice.to_string()));
    }

    fn remember(&mut self, id: u32, kind: &EventKind) {
        match kind {
            EventKind::Started(scope, gives) => {
                let watch = self.watches.entry(id).or_insert_with(|| Watch {
                    scope: scope.clone(),
                    gives: *gives,
                    synced: false,
                    unreachable: false,
                    visible: Content::default(),
                    list: Some(Content::default()),
                });
                watch.scope = scope.clone();
            }
            EventKind::Ended => drop(self.watches.remove(&id)),
            kind => {
                if let Some(watch) = self.watches.get_mut(&id) {
                    watch.remember(kind);
                }
            }
        }
    }

    /// What a new server serves of what is left.
    fn rebuilt(&self) -> std::sync::Arc<Snapshot> {
        let mut new = Told::new();
        for (id, watch) in &self.watches {
            new.tell(*id, EventKind::Started(watch.scope.clone(), watch.gives));
        }
        for (id, watch) in self.watches.iter().rev() {
            for object in watch.visible.good.values().rev() {
                new.tell(*id, EventKind::Apply(Box::new(object.clone())));
            }
            for object in watch.visible.broken.values().rev() {
                new.tell(*id, EventKind::Broken(Box::new(object.clone())));
            }
            if watch.synced {
                new.tell(*id, EventKind::Synced);
            }
            if watch.unreachable {
                new.tell(*id, EventKind::Unreachable);
            }
        }
        new.publish();
        new.writer.current()
    }
}

impl Watch {
    fn remember(&mut self, kind: &EventKind) {
        let content = self.list.as_mut().unwrap_or(&mut self.visible);
        match kind {
            EventKind::Apply(object) => {
                content.gone.remove(&object.key);
                content.broken.remove(&object.key);
                content.good.insert(object.key.clone(), (**object).clone());
            }
            EventKind::Broken(object) => {
                let key = object.key.clone();
                content.broken.insert(key.clone(), (**object).clone());
                // What is served stays where the list has no better version.
                if !content.good.contains_key(&key)
                    && !content.gone.contains(&key)
                    && let Some(last) = self.visible.good.get(&key)
                    && let Some(list) = &mut self.list
                {
                    list.good.insert(key, last.clone());
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

fn event(from: &mut Unstructured<'_>) -> Result<(u32, EventKind)> {
    let watch = from.int_in_range(0..=2)?;
    let kind = match from.int_in_range(0..=15)? {
        0..=5 => EventKind::Apply(Box::new(object(from)?)),
        6 => EventKind::Broken(Box::new(EndpointObject { groups: Vec::new(), ..object(from)? })),
        7 | 8 => EventKind::Delete(key(from)?),
        9 => EventKind::Reset,
        10 | 11 => EventKind::Synced,
        12 => EventKind::Ended,
        13 => {
            if from.arbitrary()? {
                EventKind::Unreachable
            } else {
                EventKind::Reachable
            }
        }
        _ => {
            let scope = if from.arbitrary()? { Scope::All } else { Scope::Namespace("default".into()) };
            EventKind::Started(scope, if from.ratio(1_u8, 4_u8)? { Gives::Addresses } else { Gives::Peers })
        }
    };
    Ok((watch, kind))
}

fn key(from: &mut Unstructured<'_>) -> Result<ObjectKey> {
    let kinds = [ObjectKind::EndpointSlice, ObjectKind::Endpoints, ObjectKind::Pod];
    Ok(ObjectKey {
        namespace: (*from.choose(&NAMESPACES)?).into(),
        name: (*from.choose(&NAMES)?).into(),
        kind: *from.choose(&kinds)?,
    })
}

fn object(from: &mut Unstructured<'_>) -> Result<EndpointObject> {
    let key = key(from)?;
    let service = optional(from, &SERVICES)?;
    let label = |from: &mut Unstructured<'_>| from.choose(&LABELS).copied();
    let labels: BTreeMap<_, _> = some(from, 2, label)?.into_iter().collect();
    Ok(EndpointObject {
        key,
        service,
        labels: labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        groups: some(from, 2, group)?,
        truncated: from.ratio(1_u8, 16_u8)?,
        created: None,
    })
}

fn group(from: &mut Unstructured<'_>) -> Result<EndpointGroup> {
    let port = |from: &mut Unstructured<'_>| {
        let protocols = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];
        Ok(Port {
            number: from.int_in_range(0..=2)?,
            protocol: *from.choose(&protocols)?,
            name: (*from.choose(&["", "http", "a.b", "EPMD"])?).into(),
        })
    };
    Ok(EndpointGroup { ports: some(from, 2, port)?, endpoints: some(from, 4, endpoint)? })
}

fn endpoint(from: &mut Unstructured<'_>) -> Result<Endpoint> {
    let address = |from: &mut Unstructured<'_>| {
        if from.ratio(1_u8, 4_u8)? {
            return Ok(IpAddr::V4(Ipv4Addr::from(from.arbitrary::<[u8; 4]>()?)));
        }
        Ok(from.choose(&ADDRESSES)?.parse().expect("an address"))
    };
    let uids = ["", "a", "b", "00000000-0000-0000-0000-000000000001"];
    let conditions = [None, Some(true), Some(false)];
    Ok(Endpoint {
        addresses: some(from, 2, address)?.into(),
        hostname: optional(from, &HOSTNAMES)?,
        uid: Uid::from_text(from.choose(&uids)?),
        namespace: optional(from, &NAMESPACES)?,
        conditions: Conditions {
            ready: *from.choose(&conditions)?,
            serving: *from.choose(&conditions)?,
            terminating: *from.choose(&conditions)?,
        },
        placement: None,
    })
}

fn optional(from: &mut Unstructured<'_>, texts: &[&str]) -> Result<Option<Box<str>>> {
    Ok(if from.arbitrary()? { Some((*from.choose(texts)?).into()) } else { None })
}

/// Up to `most` of something.
fn some<T>(
    from: &mut Unstructured<'_>,
    most: usize,
    one: impl Fn(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let count = from.int_in_range(0..=most)?;
    (0..count).map(|_| one(from)).collect()
}

/// Questions that every kind of name is asked by, of the types that there are.
fn queries() -> impl Iterator<Item = Vec<u8>> {
    let names = [
        "web.default.svc.peers.cluster.local",
        "gathered.default.svc.peers.cluster.local",
        "one.default.svc.peers.cluster.local",
        "web.other.svc.peers.cluster.local",
        "_http._tcp.web.default.svc.peers.cluster.local",
        "web-0.web.default.svc.peers.cluster.local",
        "10-0-0-1.web.default.svc.peers.cluster.local",
        "_1._of2.web.default.svc.peers.cluster.local",
        "default.svc.peers.cluster.local",
        "bad.svc.peers.cluster.local",
        "10-0-0-1.default.pod.cluster.local",
        "fd00--1.other.pod.cluster.local",
        "other.pod.cluster.local",
        "1.0.0.10.in-addr.arpa",
        "0.0.10.in-addr.arpa",
    ];
    // A, PTR, TXT, AAAA, SRV, ANY.
    let types = [1_u8, 12, 16, 28, 33, 255];
    names.into_iter().flat_map(move |name| types.map(|qtype| question(name, qtype)))
}

/// A question with EDNS: extended errors tell causes apart.
fn question(name: &str, qtype: u8) -> Vec<u8> {
    let mut query = b"\0\0\0\0\0\x01\0\0\0\0\0\x01".to_vec();
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).expect("a label"));
        query.extend(label.bytes());
    }
    query.extend([0, 0, qtype, 0, 1]);
    query.extend(b"\0\0\x29\x04\xd0\0\0\0\0\0\0");
    query
}

/// The answer over TCP, without serials: they tell histories apart.
fn answer(query: &[u8], snapshot: &Snapshot) -> impl PartialEq + Debug + use<> {
    let client = Client { transport: Transport::Tcp, address: Ipv4Addr::LOCALHOST.into() };
    // No set here is large.
    let mut out = [0; 8192];
    let answer = ask(query, &client, 0, snapshot, &Policy::default(), None, &mut Scratch::new(), &mut out);
    let message = Message::read(answer.expect("an answer"));
    let mut records: Vec<_> = message.sections.iter().flatten().cloned().collect();
    for soa in records.iter_mut().filter(|record| record.rtype == 6) {
        // RFC 1035 3.3.13: the serial is the first of five numbers at the end.
        let serial = soa.rdata.len() - 20;
        soa.rdata[serial..serial + 4].fill(0);
    }
    (message.flags, records, message.options())
}

/// A master file without the serial of its SOA, which is the first number behind `hostmaster`.
fn masked(text: &str) -> String {
    let mask = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let soa = words.contains(&"SOA");
        let keep = |index: usize| !soa || index + 5 != words.len();
        let kept = words.iter().enumerate().filter(|(index, _)| keep(*index)).map(|(_, word)| *word);
        kept.collect::<Vec<_>>().join(" ") + "\n"
    };
    text.lines().map(mask).collect()
}
