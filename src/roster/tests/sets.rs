//! Which sets there are, whose they are, and what holds for them.

use super::build::{key, slice, topology};
use super::served::{Served, options, serve, serve_with};
use crate::roster::{
    EndpointObject, Event, EventKind, Gives, Mode, ObjectKind, Options, PortChoice, Protocol, RecordTypes,
    Roster, Scope, Topology, WatchId,
};

fn apply_all<const N: usize>(served: &mut Served, objects: [EndpointObject; N]) {
    for object in objects {
        served.apply(object);
    }
}

#[test]
fn every_service_is_a_set_without_topologies() {
    let mut served = serve([]);
    apply_all(
        &mut served,
        [
            slice("web", "web-1").with("10.0.0.1"),
            slice("web", "web-2").with("10.0.0.2"),
            slice("db", "db-1"),
            slice("web", "web-1").namespace("other").with("10.0.0.3"),
        ],
    );
    assert_eq!(served.sets(), "db.default web.default web.other");
    assert_eq!(served.names("web.default"), "web@10.0.0.1 web@10.0.0.2");
    assert_eq!(served.names("db.default"), "", "without peers it exists");
    served.delete(key("db-1"));
    assert_eq!(served.sets(), "web.default web.other");
}

#[test]
fn a_named_topology_gathers_what_matches() {
    let mut served = serve([topology("all", "app in (web,db)")]);
    apply_all(
        &mut served,
        [
            slice("web", "web-1").with("10.0.0.1").label("app", "web"),
            slice("db", "db-1").with("10.0.0.2").label("app", "db"),
            slice("", "pod").kind(ObjectKind::Pod).with("10.0.0.3").label("app", "db"),
            slice("other", "other-1").with("10.0.0.4"),
            slice("web", "web-1").namespace("other").with("10.0.0.5").label("app", "web"),
        ],
    );
    assert_eq!(served.sets(), "all.default all.other");
    assert_eq!(served.names("all.default"), "all@10.0.0.1 all@10.0.0.2 all@10.0.0.3");
    served.apply(slice("db", "db-1").with("10.0.0.2").label("app", "cache"));
    assert_eq!(served.names("all.default"), "all@10.0.0.1 all@10.0.0.3");
}

#[test]
fn pods_are_gathered_by_names_only() {
    // A Ready Pod with a host name below a Service need not be one of its endpoints.
    let mut served = serve([]);
    let pod = slice("web", "pod").kind(ObjectKind::Pod).with("10.0.0.99").label("rosterd.io/set", "web");
    apply_all(&mut served, [slice("web", "web-1").with("10.0.0.1"), pod]);
    assert_eq!(served.sets(), "web.default");
    assert_eq!(served.names("web.default"), "web@10.0.0.1");
}

#[test]
fn sets_of_listed_namespaces_exist_from_the_start() {
    let topologies =
        vec![topology("app", "x=y").within(&["default", "other"]), topology("", "").within(&["third"])];
    let mut roster = Roster::new(options(topologies.clone()));
    assert_eq!(roster.take_changes().len(), 2);
    let mut served = serve(topologies);
    assert_eq!(served.sets(), "app.default app.other");
    assert_eq!(
        (served.names("app.default").as_str(), served.port_names("app.default").as_str()),
        ("", "epmd/tcp")
    );
    served.apply(slice("web", "1").with("10.0.0.1").label("x", "y"));
    served.apply(slice("web", "1").namespace("third").with("10.0.0.1"));
    assert_eq!(served.names("app.default"), "app@10.0.0.1");
    served.delete(key("1"));
    assert_eq!(served.sets(), "app.default app.other web.third");
}

#[test]
fn the_first_topology_owns_a_set() {
    // Both yield `web.default`; what only the second one picks is not in it.
    let named = || topology("web", "app=web");
    let unnamed = || Topology { node_basename: Some("second".into()), ..topology("", "") };
    let objects =
        || [slice("web", "web-1").with("10.0.0.1"), slice("db", "db-1").with("10.0.0.2").label("app", "web")];
    let mut served = serve([named(), unnamed()]);
    apply_all(&mut served, objects());
    assert_eq!(served.names("web.default"), "web@10.0.0.2");
    assert_eq!(served.names("db.default"), "second@10.0.0.2");
    served.delete(key("db-1"));
    assert_eq!(
        served.names("web.default"),
        "second@10.0.0.1",
        "the second owns what the first does not yield"
    );

    let mut served = serve([unnamed(), named()]);
    apply_all(&mut served, objects());
    assert_eq!(served.names("web.default"), "second@10.0.0.1");

    let mut served = serve([named().within(&["default"]), unnamed()]);
    apply_all(&mut served, [slice("web", "web-1").with("10.0.0.1")]);
    assert_eq!(served.names("web.default"), "", "a listed namespace is the first one's also without objects");
}

#[test]
fn objects_that_cannot_name_a_set_are_skipped_and_told() {
    let mut served = serve([]);
    apply_all(
        &mut served,
        [
            slice("", "none").with("10.0.0.1"),
            slice("Web", "upper").with("10.0.0.2"),
            slice("web.x", "dotted").with("10.0.0.3"),
            slice("web", "spaced").namespace("not a label").with("10.0.0.4"),
        ],
    );
    assert_eq!(served.sets(), "");
    assert_eq!(served.addresses(), "default/10.0.0.1 default/10.0.0.2 default/10.0.0.3");
    assert_eq!(
        served.notices(),
        [
            "EndpointSlice default/none: skipped: it belongs to no Service, and the topology that matches it has no name",
            "EndpointSlice default/upper: skipped: `Web` cannot name a set, it is not a lower-case RFC 1123 label",
            "EndpointSlice default/dotted: skipped: `web.x` cannot name a set, it is not a lower-case RFC 1123 label",
            "EndpointSlice not a label/spaced: skipped: its namespace is not a lower-case RFC 1123 label",
        ]
    );
    let counts = served.roster.counts();
    assert_eq!(counts.notices.values().sum::<u64>(), 4);
    assert_eq!(counts.idle.values().sum::<usize>(), 4);
}

#[test]
fn a_label_names_the_set_where_no_topology_does() {
    let object = |set: &str| slice("web", "web-1").with("10.0.0.1").label("rosterd.io/set", set);
    for (topologies, set, expected) in [
        (vec![], "mine", "mine.default"),
        (vec![], "Not valid", "web.default"),
        (vec![topology("app", "")], "mine", "app.default"),
    ] {
        let mut served = serve(topologies);
        served.apply(object(set));
        assert_eq!(served.sets(), expected);
    }
    let mut deaf = serve_with(Options { label_settings: false, ..options(vec![]) });
    deaf.apply(object("mine"));
    assert_eq!(deaf.sets(), "web.default");
}

#[test]
fn labels_set_what_holds_for_the_set() {
    let mut served = serve([Topology { ttl: Some(7), ..topology("app", "") }]);
    served.apply(
        slice("b", "b-1").with("10.0.0.1").label("rosterd.io/ttl", "30").label("rosterd.io/mode", "dns"),
    );
    assert_eq!(served.settings("app.default").unwrap().ttl, Some(30));
    assert_eq!(served.names("app.default"), "app@10-0-0-1.default.pod.cluster.local");
    // Another object comes first by Service; what it leaves open, or says wrongly, others set.
    served.apply(slice("a", "z-1").label("rosterd.io/ttl", "60").label("rosterd.io/mode", "none"));
    assert_eq!(served.settings("app.default").unwrap().ttl, Some(60));
    assert_eq!(served.names("app.default"), "app@10-0-0-1.default.pod.cluster.local");
    assert_eq!(
        served.notices(),
        [
            "EndpointSlice default/z-1: the label rosterd.io/mode is ignored: it must be ip, dns, hostname or peer, not `none`"
        ]
    );
    served.delete(key("z-1"));
    served.apply(slice("b", "b-1").with("10.0.0.1"));
    assert_eq!(served.settings("app.default").unwrap().ttl, Some(7));
    assert_eq!(served.names("app.default"), "app@10.0.0.1");
}

#[test]
fn the_topology_sets_records_and_ttl() {
    let records = RecordTypes { txt: false, ..RecordTypes::ALL };
    let mut served = serve([Topology { records, ttl: Some(0), ..topology("", "") }]);
    served.apply(slice("web", "1"));
    let settings = served.settings("web.default").unwrap();
    assert_eq!((settings.records, settings.ttl), (records, Some(0)));
}

#[test]
fn port_names_are_those_of_all_objects() {
    let named = |name: &str| PortChoice::Named(name.into());
    let dist = || PortChoice::Fixed { name: "dist".into(), protocol: Protocol::Sctp, number: 9100 };
    let object = || slice("web", "1").port("http/80").port("HTTP/81").port("/82").port("b/0");
    let long = "p".repeat(63);
    for (what, ports, objects, expected) in [
        ("without endpoints too", None, vec![object()], "http/tcp"),
        ("no port", None, vec![slice("web", "1").with("10.0.0.1")], "epmd/tcp"),
        ("none with a name", None, vec![slice("web", "1").port("/80")], ""),
        ("too long", None, vec![slice("web", "1").port(&format!("{long}/80"))], ""),
        ("no label", None, vec![slice("web", "1").port("a_b/80")], ""),
        ("of any group", None, vec![object().group().port("grpc/1")], "grpc/tcp http/tcp"),
        ("of any object", None, vec![object(), slice("web", "2").port("grpc/1")], "grpc/tcp http/tcp"),
        ("one without", None, vec![object(), slice("web", "2").with("10.0.0.1")], "epmd/tcp http/tcp"),
        ("one without anything", None, vec![object(), slice("web", "2")], "http/tcp"),
        ("chosen", Some(vec![named("grpc")]), vec![object().port("grpc/1")], "grpc/tcp"),
        ("chosen in vain", Some(vec![named("grpc")]), vec![object()], "epmd/tcp"),
        ("given", Some(vec![dist()]), vec![object()], "dist/sctp"),
        ("both", Some(vec![dist(), named("http")]), vec![object()], "dist/sctp http/tcp"),
    ] {
        let mut served = serve([Topology { ports, ..topology("", "") }]);
        for object in objects {
            served.apply(object);
        }
        assert_eq!(served.port_names("web.default"), expected, "{what}");
    }
    let mut served =
        serve([Topology { ports: Some(vec![dist()]), ..topology("app", "").within(&["default"]) }]);
    assert_eq!(served.port_names("app.default"), "dist/sctp", "given without any object");
    served.apply(slice("web", "1").port("http/80").with("10.0.0.1"));
    let peers = served.peers("app.default").unwrap();
    let numbers: Vec<_> = peers[0].shape().ports.iter().map(|port| (&*port.name, port.number)).collect();
    assert_eq!(numbers, [("dist", 9100)]);
}

#[test]
fn port_names_go_with_their_last_object() {
    let mut served = serve([]);
    apply_all(
        &mut served,
        [slice("web", "1").port("http/80"), slice("web", "2").port("http/81").port("grpc/1")],
    );
    assert_eq!(served.port_names("web.default"), "grpc/tcp http/tcp");
    served.delete(key("2"));
    assert_eq!(served.port_names("web.default"), "http/tcp");
    served.apply(slice("web", "1"));
    assert_eq!(served.port_names("web.default"), "epmd/tcp");
}

#[test]
fn peers_without_port_have_the_port_mappers() {
    let mut served = serve([]);
    served.apply(slice("web", "1").port("zero/0").with("10.0.0.1"));
    let peers = served.peers("web.default").unwrap();
    let ports: Vec<_> =
        peers[0].shape().ports.iter().map(|port| (&*port.name, port.protocol, port.number)).collect();
    assert_eq!(ports, [("epmd", Protocol::Tcp, 4369)]);
}

#[test]
fn what_is_scoped_is_counted() {
    let mut served = serve([topology("app", "app"), topology("", "").within(&["default"])]);
    apply_all(
        &mut served,
        [
            slice("web", "1").with("10.0.0.1").with("10.0.0.2 unready").label("app", "x"),
            slice("db", "2").with("10.0.0.3"),
            slice("db", "2").namespace("other").with("10.0.0.3"),
        ],
    );
    let counts = served.roster.counts();
    let scoped: Vec<_> = counts
        .scoped
        .iter()
        .map(|((namespace, topology), found)| {
            (&**namespace, *topology, found.objects, found.sets, found.peers)
        })
        .collect();
    assert_eq!(scoped, [("default", 0, 1, 1, 1), ("default", 1, 2, 2, 2)]);
    assert_eq!(counts.idle.iter().map(|(name, count)| (&**name, *count)).collect::<Vec<_>>(), [("other", 1)]);
    assert_eq!((counts.objects, counts.topologies), (3, vec![Some("app".into()), None]));
}

#[test]
fn a_mode_of_a_topology_changes_with_its_owner() {
    let first = Topology { mode: Mode::Dns, ..topology("web", "first") };
    let mut served = serve([first, topology("", "")]);
    served.apply(slice("web", "1").with("10.0.0.1"));
    assert_eq!(served.names("web.default"), "web@10.0.0.1");
    served.apply(slice("web", "1").with("10.0.0.1").label("first", ""));
    assert_eq!(served.names("web.default"), "web@10-0-0-1.default.pod.cluster.local");
}

#[test]
fn events_of_unknown_watches_are_ignored() {
    let mut roster = Roster::new(options(vec![]));
    let mut handle = |watch, kind| roster.handle(Event { watch: WatchId(watch), revision: Some(5), kind });
    handle(1, EventKind::Started(Scope::All, Gives::Peers));
    handle(1, EventKind::Synced);
    handle(2, EventKind::Reset);
    handle(2, EventKind::Apply(Box::new(slice("web", "1").with("10.0.0.1"))));
    handle(2, EventKind::Synced);
    handle(1, EventKind::Ended);
    handle(1, EventKind::Apply(Box::new(slice("web", "1").with("10.0.0.1"))));
    assert_eq!(roster.take_changes(), []);
}
