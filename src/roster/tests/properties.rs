//! Whatever happened in whatever order, what was told adds up to what the objects that are left give.

use super::build::{key, slice, topology};
use super::served::{Model, options};
use crate::roster::{
    Conditions, Endpoint, EndpointGroup, EndpointObject, Event, EventKind, Family, Gives, Include, Mode,
    ObjectKind, Options, Port, PortChoice, Prefer, Protocol, Roster, Scope, SrvHost, Topology, Uid, WatchId,
    WhenEmpty,
};
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeMap;

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
            addresses,
            hostname: hostname.map(Into::into),
            uid: Uid::from_text(uid),
            namespace: namespace.map(Into::into),
            conditions,
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
        2 => one_of_the_keys.prop_map(EventKind::Delete),
        1 => Just(EventKind::Reset),
        3 => Just(EventKind::Synced),
        1 => Just(EventKind::Ended),
        1 => select(vec![EventKind::Unreachable, EventKind::Reachable]),
        1 => select(vec![
            EventKind::Started(Scope::All, Gives::Peers),
            EventKind::Started(Scope::Namespace("default".into()), Gives::Peers),
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
#[derive(Debug, Default, Clone)]
struct Origin {
    visible: BTreeMap<String, EndpointObject>,
    list: Option<BTreeMap<String, EndpointObject>>,
}

fn name(key: &crate::roster::ObjectKey) -> String {
    format!("{key:?}")
}

/// The objects that are visible after the events.
fn left(events: &[(u32, EventKind)]) -> Vec<(u32, EndpointObject)> {
    let mut origins: BTreeMap<u32, Origin> = BTreeMap::new();
    for (watch, kind) in events {
        if let EventKind::Started(..) = kind {
            let new = Origin { list: Some(BTreeMap::new()), ..Origin::default() };
            origins.entry(*watch).or_insert(new);
            continue;
        }
        let Some(origin) = origins.get_mut(watch) else { continue };
        let target = origin.list.as_mut().unwrap_or(&mut origin.visible);
        match kind {
            EventKind::Apply(object) => drop(target.insert(name(&object.key), (**object).clone())),
            EventKind::Delete(key) => drop(target.remove(&name(key))),
            EventKind::Reset => origin.list = Some(BTreeMap::new()),
            EventKind::Synced => {
                origin.visible = origin.list.take().unwrap_or(std::mem::take(&mut origin.visible));
            }
            EventKind::Ended => drop(origins.remove(watch)),
            EventKind::Started(..)
            | EventKind::Named(_)
            | EventKind::Broken(_)
            | EventKind::Unreachable
            | EventKind::Reachable => {}
        }
    }
    let all = origins.into_iter().map(|(watch, origin)| (watch, origin.visible));
    all.flat_map(|(watch, objects)| objects.into_values().map(move |object| (watch, object))).collect()
}

fn handle(roster: &mut Roster, watch: u32, kind: EventKind) {
    roster.handle(Event { watch: WatchId(watch), revision: None, kind });
}

/// What a new roster gives for these objects, in this order.
fn from_scratch(options: Options, objects: Vec<(u32, EndpointObject)>) -> Model {
    let mut roster = Roster::new(options);
    for watch in 0..3 {
        handle(&mut roster, watch, EventKind::Started(Scope::All, Gives::Peers));
    }
    for (watch, object) in objects {
        handle(&mut roster, watch, EventKind::Apply(Box::new(object)));
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
        let mut objects = left(&events);
        if !objects.is_empty() {
            let middle = order.index(objects.len());
            objects.rotate_left(middle);
            objects.reverse();
        }
        let expected = from_scratch(options, objects).sorted();
        let found = model.sorted();
        prop_assert_eq!(found.sets, expected.sets);
        prop_assert_eq!(found.addresses, expected.addresses);
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
            let objects = last.values().map(|object| (0, object.clone())).collect();
            let expected = from_scratch(options.clone(), objects).sorted();
            let found = model.clone().sorted();
            prop_assert_eq!(found.sets, expected.sets);
            prop_assert_eq!(found.addresses, expected.addresses);
        }
    }
}
