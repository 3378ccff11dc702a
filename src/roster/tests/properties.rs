//! Whatever happened in whatever order, what was told adds up to what the objects that are left give.

use super::build::{key, slice, topology};
use super::served::{Model, options};
use super::views::{sets_in_pages, totals};
use crate::roster::{
    Conditions, Endpoint, EndpointGroup, EndpointObject, Event, EventKind, Family, Gives, Include, Mode,
    ObjectKind, Options, Peer, Port, PortChoice, Prefer, Protocol, Roster, Scope, SetKey, SrvHost, Topology,
    Uid, WatchId, WhenEmpty,
};
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

fn an_endpoint() -> impl Strategy<Value = Endpoint> {
    let addresses =
        ["10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1", "fd00::2"].map(|text| text.parse().unwrap());
    let condition = || select(vec![None, Some(true), Some(false)]);
    let conditions = (condition(), condition(), condition())
        .prop_map(|(ready, serving, terminating)| Conditions { ready, serving, terminating });
    (
        prop::collection::vec(select(addresses.to_vec()), 0..3),
        select(vec![None, None, Some("web-0"), Some("web-1"), Some("10-0-0-1"), Some("Bad")]),
        select(vec!["", "", "a", "b", "c", "00000000-0000-0000-0000-000000000001"]),
        select(vec![None, None, Some(""), Some("default"), Some("other"), Some("Not valid")]),
        conditions,
    )
        .prop_map(|(addresses, hostname, uid, namespace, conditions)| Endpoint {
            addresses: addresses.into(),
            hostname: hostname.map(Into::into),
            uid: Uid::from_text(uid),
            namespace: namespace.map(Into::into),
            conditions,
            placement: None,
        })
}

fn a_group() -> impl Strategy<Value = EndpointGroup> {
    let port =
        (select(vec!["", "http", "EPMD", "a.b"]), 0..3_u16, select(vec![Protocol::Tcp, Protocol::Udp]));
    let port = port.prop_map(|(name, number, protocol)| Port { number, protocol, name: name.into() });
    (prop::collection::vec(port, 0..2), prop::collection::vec(an_endpoint(), 0..5))
        .prop_map(|(ports, endpoints)| EndpointGroup { ports, endpoints })
}

fn an_object() -> impl Strategy<Value = EndpointObject> {
    let labels = [
        ("app", &["web", "db"][..]),
        ("rosterd.io/basename", &["one", "two", "a@b"]),
        ("rosterd.io/include", &["ready", "all", "some"]),
        ("rosterd.io/mode", &["dns", "hostname", "peer", "x"]),
        ("rosterd.io/set", &["web", "gathered", "Bad"]),
        ("rosterd.io/ttl", &["0", "30", "-1"]),
    ];
    let labels: Vec<_> = labels
        .into_iter()
        .map(|(name, values)| {
            prop::option::weighted(0.3, select(values)).prop_map(move |value| Some((name, value?)))
        })
        .collect();
    (
        select(vec!["one", "two", "three"]),
        select(vec!["", "web", "web", "db", "Bad"]),
        select(vec!["default", "default", "other", "Bad"]),
        labels,
        prop::collection::vec(a_group(), 0..3),
        select(vec![ObjectKind::EndpointSlice, ObjectKind::Endpoints]),
        any::<bool>(),
    )
        .prop_map(|(name, service, namespace, labels, groups, kind, truncated)| {
            let mut object = slice(service, name).namespace(namespace).kind(kind);
            for (label, value) in labels.into_iter().flatten() {
                object = object.label(label, value);
            }
            EndpointObject { groups, truncated, ..object }
        })
}

fn a_topology() -> impl Strategy<Value = Topology> {
    let kind = (
        select(vec!["", "gathered", "web"]),
        select(vec!["", "app=web", "app!=web", "app"]),
        select(vec![&[][..], &["default"], &["default", "other"]]),
        select(vec![Mode::Ip, Mode::Dns, Mode::Hostname, Mode::Peer]),
        select(vec![Include::Ready, Include::Serving, Include::All]),
        select(vec![WhenEmpty::Nothing, WhenEmpty::Serving, WhenEmpty::All]),
    );
    let fixed = PortChoice::Fixed { name: "dist".into(), protocol: Protocol::Tcp, number: 9100 };
    let ports = [None, None, Some(vec![PortChoice::Named("http".into())]), Some(vec![fixed])];
    let more = (
        select(vec![SrvHost::Mode, SrvHost::Peer]),
        select(vec![Family::Any, Family::Any, Family::Ipv4, Family::Ipv6]),
        select(vec![Prefer::Ipv4, Prefer::Ipv6]),
        select(ports.to_vec()),
    );
    (kind, more).prop_map(
        |((name, selector, listed, mode, include, when_empty), (srv_host, family, prefer, ports))| {
            let topology = topology(name, selector);
            let topology = if listed.is_empty() { topology } else { topology.within(listed) };
            Topology { mode, include, when_empty, srv_host, family, prefer, ports, ..topology }
        },
    )
}

fn an_event() -> impl Strategy<Value = (u32, EventKind)> {
    let watch = 0..3_u32;
    let one_of_the_keys =
        (select(vec!["one", "two", "three"]), any::<bool>()).prop_map(|(name, is_slice)| {
            let mut key = key(name);
            if !is_slice {
                key.kind = ObjectKind::Endpoints;
            }
            key
        });
    let kind = prop_oneof![
        12 => an_object().prop_map(|object| EventKind::Apply(Box::new(object))),
        4 => an_object().prop_map(|object| EventKind::Broken(Box::new(EndpointObject { groups: vec![], ..object }))),
        2 => one_of_the_keys.prop_map(EventKind::Delete),
        1 => Just(EventKind::Reset),
        3 => Just(EventKind::Synced),
        1 => Just(EventKind::Ended),
        1 => select(vec![EventKind::Unreachable, EventKind::Reachable]),
        1 => select(vec![
            EventKind::Started(Scope::All, Gives::Peers),
            EventKind::Started(Scope::Namespace("default".into()), Gives::Peers),
            EventKind::Started(Scope::All, Gives::Addresses),
        ]),
    ];
    (watch, kind)
}

fn a_plain_endpoint() -> impl Strategy<Value = String> {
    let uid = select(vec!["", "uid=a", "uid=a", "uid=b"]);
    let address = select(vec!["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.1 fd00::1"]);
    let hostname = select(vec!["", "", "host=web-0"]);
    let condition = select(vec!["", "draining", "unready", "unready"]);
    (uid, address, hostname, condition)
        .prop_map(|(uid, address, hostname, condition)| format!("{uid} {address} {hostname} {condition}"))
}

/// What a watch has, by the letter of the events' description.
#[derive(Debug, Clone)]
struct Origin {
    gives: Gives,
    visible: Content,
    list: Option<Content>,
}

/// Objects as a list, or all that happened since the last one, has them.
#[derive(Debug, Default, Clone)]
struct Content {
    /// Their last good versions.
    good: BTreeMap<String, EndpointObject>,
    /// Those that do not parse as they are now.
    broken: BTreeMap<String, EndpointObject>,
    /// What was deleted, and did not come back.
    gone: BTreeSet<String>,
}

fn name(key: &crate::roster::ObjectKey) -> String {
    format!("{key:?}")
}

impl Origin {
    fn new(gives: Gives) -> Origin {
        Origin { gives, visible: Content::default(), list: Some(Content::default()) }
    }

    fn tell(&mut self, kind: &EventKind) {
        let content = self.list.as_mut().unwrap_or(&mut self.visible);
        match kind {
            EventKind::Apply(object) => {
                let name = name(&object.key);
                content.gone.remove(&name);
                content.broken.remove(&name);
                content.good.insert(name, (**object).clone());
            }
            EventKind::Broken(object) => {
                let name = name(&object.key);
                content.broken.insert(name.clone(), (**object).clone());
                // What is served stays, where the list has no better version.
                if !content.good.contains_key(&name)
                    && !content.gone.contains(&name)
                    && let Some(last) = self.visible.good.get(&name)
                    && let Some(list) = &mut self.list
                {
                    list.good.insert(name, last.clone());
                }
            }
            EventKind::Delete(key) => {
                let name = name(key);
                content.good.remove(&name);
                content.broken.remove(&name);
                content.gone.insert(name);
            }
            EventKind::Reset => self.list = Some(Content::default()),
            EventKind::Synced => {
                if let Some(list) = self.list.take() {
                    self.visible = Content { gone: BTreeSet::new(), ..list };
                }
            }
            EventKind::Started(..)
            | EventKind::Ended
            | EventKind::Named(_)
            | EventKind::Unreachable
            | EventKind::Reachable => {}
        }
    }
}

/// What there is after the events.
#[derive(Debug, Default, Clone)]
struct Left {
    gives: BTreeMap<u32, Gives>,
    /// Objects by watch, each with its last good version.
    good: Vec<(u32, EndpointObject)>,
    /// Objects by watch that do not parse, good versions or not.
    broken: Vec<(u32, EndpointObject)>,
    /// Those of them that never parsed.
    never: Vec<(u32, EndpointObject)>,
}

impl Left {
    fn after(events: &[(u32, EventKind)]) -> Left {
        let mut origins: BTreeMap<u32, Origin> = BTreeMap::new();
        for (watch, kind) in events {
            match kind {
                EventKind::Started(_, gives) => drop(origins.entry(*watch).or_insert(Origin::new(*gives))),
                EventKind::Ended => drop(origins.remove(watch)),
                kind => {
                    if let Some(origin) = origins.get_mut(watch) {
                        origin.tell(kind);
                    }
                }
            }
        }
        let mut left = Left::default();
        for (watch, Origin { gives, visible, .. }) in origins {
            left.gives.insert(watch, gives);
            for (name, object) in visible.broken {
                if !visible.good.contains_key(&name) {
                    left.never.push((watch, object.clone()));
                }
                left.broken.push((watch, object));
            }
            left.good.extend(visible.good.into_values().map(|object| (watch, object)));
        }
        left
    }

    /// The sets that would list somebody of the objects that never parsed.
    fn wanted(&self, options: Options) -> BTreeSet<SetKey> {
        let addresses = ["10.9.9.9", "fd99::9"].map(|text| text.parse::<IpAddr>().unwrap());
        let mut good = self.good.clone();
        good.extend(self.never.iter().map(|(watch, object)| {
            let group = EndpointGroup::default();
            let object = EndpointObject { groups: vec![group], ..object.clone() };
            (*watch, object.with("10.9.9.9 fd99::9"))
        }));
        let sets = from_scratch(options, &Left { good, broken: vec![], ..self.clone() }).sets;
        let lists = |peers: &[Arc<Peer>]| {
            peers.iter().any(|peer| peer.addresses().iter().any(|address| addresses.contains(address)))
        };
        sets.into_iter().filter(|(_, (_, peers))| lists(peers)).map(|(key, _)| key).collect()
    }
}

fn handle(roster: &mut Roster, watch: u32, kind: EventKind) {
    roster.handle(Event { watch: WatchId(watch), revision: None, kind });
}

/// What a new roster gives for what is left.
fn from_scratch(options: Options, left: &Left) -> Model {
    let mut roster = Roster::new(options);
    for watch in 0..3 {
        let gives = left.gives.get(&watch).copied().unwrap_or(Gives::Peers);
        handle(&mut roster, watch, EventKind::Started(Scope::All, gives));
    }
    for (watch, object) in &left.good {
        handle(&mut roster, *watch, EventKind::Apply(Box::new(object.clone())));
    }
    for (watch, object) in &left.broken {
        handle(&mut roster, *watch, EventKind::Broken(Box::new(object.clone())));
    }
    for watch in 0..3 {
        handle(&mut roster, watch, EventKind::Synced);
    }
    let mut model = Model::default();
    for change in roster.take_changes() {
        model.apply(&change);
    }
    model
}

/// Whoever looks at the roster sees the sets that were told of, with as many peers.
fn check_views(roster: &Roster, told: &BTreeMap<SetKey, usize>) -> Result<(), TestCaseError> {
    let seen: Vec<_> = sets_in_pages(roster, None, 2).into_iter().map(|set| (set.key, set.listed)).collect();
    prop_assert_eq!(&seen, &told.clone().into_iter().collect::<Vec<_>>());
    let totals = totals(roster).topologies;
    prop_assert_eq!(totals.iter().map(|topology| topology.sets).sum::<usize>(), told.len());
    prop_assert_eq!(
        totals.iter().map(|topology| topology.listed).sum::<usize>(),
        told.values().sum::<usize>()
    );
    let empty = told.values().filter(|peers| **peers == 0).count();
    prop_assert_eq!(totals.iter().map(|topology| topology.empty_sets).sum::<usize>(), empty);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn what_was_told_adds_up(
        topologies in prop::collection::vec(a_topology(), 0..4),
        label_settings: bool,
        events in prop::collection::vec((an_event(), any::<bool>()), 1..40),
        order: prop::sample::Index,
    ) {
        let options = Options { label_settings, ..options(topologies) };
        let mut events = events;
        // Most sequences begin with watches that deliver.
        let begin = [(0, EventKind::Started(Scope::All, Gives::Peers)), (0, EventKind::Synced), (1, EventKind::Started(Scope::All, Gives::Peers))];
        events.splice(0..0, begin.map(|event| (event, true)));

        let mut roster = Roster::new(options.clone());
        let mut model = Model::default();
        for ((watch, kind), taken) in &events {
            handle(&mut roster, *watch, kind.clone());
            if *taken {
                // Checks on the way that `old` is what was told, and that only sets that exist have peers.
                roster.take_changes().iter().for_each(|change| model.apply(change));
            }
        }
        roster.take_changes().iter().for_each(|change| model.apply(change));

        let events: Vec<_> = events.into_iter().map(|(event, _)| event).collect();
        let mut left = Left::after(&events);
        for objects in [&mut left.good, &mut left.broken] {
            if !objects.is_empty() {
                let middle = order.index(objects.len());
                objects.rotate_left(middle);
                objects.reverse();
            }
        }
        let expected = from_scratch(options.clone(), &left).sorted();
        let found = model.sorted();
        let counted = found.sets.iter().map(|(key, (_, peers))| (key.clone(), peers.len())).collect();
        prop_assert_eq!(found.sets, expected.sets);
        prop_assert_eq!(found.addresses, expected.addresses);
        prop_assert_eq!(&found.refused, &left.wanted(options));
        let namespaces = left.never.iter().map(|(_, object)| &*object.key.namespace);
        let namespaces: BTreeSet<Arc<str>> = namespaces.filter(|name| *name != "Bad").map(Into::into).collect();
        prop_assert_eq!(found.unparsed, namespaces);
        prop_assert_eq!(roster.counts().broken, left.broken.len());
        check_views(&roster, &counted)?;
        prop_assert!(roster.take_changes().is_empty());
    }

    /// The same with objects that differ in little: endpoints come, go, turn and change places within slices.
    #[test]
    fn small_changes_add_up(
        topologies in prop::collection::vec(a_topology(), 0..2),
        lists in prop::collection::vec((select(vec!["one", "two"]), prop::collection::vec(a_plain_endpoint(), 0..6)), 1..30),
    ) {
        let options = options(topologies);
        let mut roster = Roster::new(options.clone());
        handle(&mut roster, 0, EventKind::Started(Scope::All, Gives::Peers));
        handle(&mut roster, 0, EventKind::Synced);
        let mut model = Model::default();
        let mut last = BTreeMap::new();
        for (name, endpoints) in lists {
            let object = endpoints.iter().fold(slice("web", name).label("app", "web"), |object, words| object.with(words));
            handle(&mut roster, 0, EventKind::Apply(Box::new(object.clone())));
            roster.take_changes().iter().for_each(|change| model.apply(change));
            last.insert(name, object);
            let good = last.values().map(|object| (0, object.clone())).collect();
            let expected = from_scratch(options.clone(), &Left { good, ..Left::default() }).sorted();
            let found = model.clone().sorted();
            prop_assert_eq!(found.sets, expected.sets);
            prop_assert_eq!(found.addresses, expected.addresses);
        }
    }
}
