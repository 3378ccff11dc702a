//! Objects, topologies and watches at random, out of a universe so small that everything collides.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use rosterd::roster::{
    Conditions, Endpoint, EndpointGroup, EndpointObject, EventKind, Family, Gives, Include, Mode, Namespaces,
    ObjectKey, ObjectKind, Port, PortChoice, Prefer, Protocol, RecordTypes, Scope, SrvHost, Topology, Uid,
    WhenEmpty,
};

pub(super) const NAMESPACES: [&str; 2] = ["default", "prod"];
const SERVICES: [&str; 2] = ["web", "db"];
/// Names that sets can have here: the Services', the topologies' and those that labels give.
pub(super) const SETS: [&str; 4] = ["web", "db", "gathered", "labelled"];

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
            addresses: addresses.into(),
            hostname: hostname.map(Into::into),
            uid: Uid::from_text(uid),
            namespace: namespace.map(Into::into),
            conditions,
            placement: None,
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

pub(super) fn a_key() -> impl Strategy<Value = ObjectKey> {
    let kind = select(vec![ObjectKind::EndpointSlice, ObjectKind::EndpointSlice, ObjectKind::Endpoints]);
    (select(vec!["one", "two", "three"]), select(NAMESPACES.to_vec()), kind).prop_map(
        |(name, namespace, kind)| ObjectKey { namespace: namespace.into(), name: name.into(), kind },
    )
}

pub(super) fn an_object() -> impl Strategy<Value = EndpointObject> {
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
            created: None,
        },
    )
}

/// Up to three topologies that overlap: all of `app=web`, by name; whatever has a label, by name; every Service.
pub(super) fn topologies() -> impl Strategy<Value = Vec<Topology>> {
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

pub(super) fn a_start() -> impl Strategy<Value = EventKind> {
    let [default, prod] = NAMESPACES.map(|namespace| Scope::Namespace(namespace.into()));
    let scope = select(vec![Scope::All, Scope::All, default, prod]);
    let gives = select(vec![Gives::Peers, Gives::Peers, Gives::Addresses]);
    (scope, gives).prop_map(|(scope, gives)| EventKind::Started(scope, gives))
}
