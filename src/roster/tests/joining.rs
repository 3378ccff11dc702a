//! Who is one peer, and what a joined peer has.

use super::build::{slice, topology};
use super::served::{Served, serve};
use crate::roster::{EndpointObject, Family, ObjectKind, Prefer, Topology};

fn served(topology: Topology, objects: &[EndpointObject]) -> Served {
    let mut forth = serve([topology.clone()]);
    let mut back = serve([topology]);
    for (object, from_behind) in objects.iter().zip(objects.iter().rev()) {
        forth.apply(object.clone());
        back.apply(from_behind.clone());
    }
    assert_eq!(forth.model.clone().sorted().sets, back.model.sorted().sets, "in any order");
    forth
}

/// The addresses of each peer of `web`, primary first.
fn addresses(served: &Served) -> Vec<String> {
    let peers = served.peers("web.default").unwrap();
    let text = |peer: &crate::roster::Peer| {
        let others = peer.addresses().iter().copied().filter(|address| *address != peer.primary());
        std::iter::once(peer.primary())
            .chain(others)
            .map(|address| address.to_string())
            .collect::<Vec<_>>()
            .join(" ")
    };
    peers.iter().map(|peer| text(peer)).collect()
}

#[test]
fn entries_are_joined_by_uid_and_else_by_address() {
    let web = |name: &str| slice("web", name);
    for (what, objects, expected) in [
        (
            "slices of two families",
            vec![web("4").with("uid=a 10.0.0.1"), web("6").with("uid=a fd00::1")],
            vec!["10.0.0.1 fd00::1"],
        ),
        (
            "a pod that is in two slices for a moment",
            vec![web("1").with("uid=a 10.0.0.1"), web("2").with("uid=a 10.0.0.1")],
            vec!["10.0.0.1"],
        ),
        (
            "mirrored Endpoints without uid",
            vec![
                web("web").kind(ObjectKind::Endpoints).with("10.0.0.1").with("10.0.0.2"),
                web("web-1").with("10.0.0.1").with("10.0.0.2"),
            ],
            vec!["10.0.0.1", "10.0.0.2"],
        ),
        (
            "an address without uid that a pod has too",
            vec![web("1").with("10.0.0.1 10.0.0.9"), web("2").with("uid=a fd00::1 10.0.0.1")],
            vec!["10.0.0.1 10.0.0.9 fd00::1"],
        ),
        (
            "an address without uid goes with the smallest uid",
            vec![web("1").with("10.0.0.1 10.0.0.9"), web("2").with("uid=b 10.0.0.1").with("uid=a 10.0.0.1")],
            vec!["10.0.0.1", "10.0.0.1 10.0.0.9"],
        ),
        (
            "only the first address identifies",
            vec![web("1").with("10.0.0.9 10.0.0.1"), web("2").with("uid=a 10.0.0.1")],
            vec!["10.0.0.1", "10.0.0.9 10.0.0.1"],
        ),
        (
            "pods in a node's network stay apart",
            vec![web("1").with("uid=a 10.0.0.1").with("uid=b 10.0.0.1")],
            vec!["10.0.0.1", "10.0.0.1"],
        ),
        ("nobody without address", vec![web("1").with("uid=a").with("")], vec![]),
        ("a repeated address", vec![web("1").with("uid=a 10.0.0.1 10.0.0.1")], vec!["10.0.0.1"]),
        ("loopback", vec![web("1").with("127.0.0.1")], vec!["127.0.0.1"]),
    ] {
        let mut found = addresses(&served(Topology::every_service(), &objects));
        found.sort();
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn an_address_changes_hands_with_its_pod() {
    let mut served = serve([]);
    served.apply(slice("web", "1").with("10.0.0.1 10.0.0.9"));
    served.apply(slice("web", "2").with("uid=b 10.0.0.1"));
    assert_eq!(addresses(&served), ["10.0.0.1 10.0.0.9"]);
    served.apply(slice("web", "3").with("uid=a 10.0.0.1"));
    assert_eq!(served.peers("web.default").unwrap().len(), 2);
    served.apply(slice("web", "2"));
    assert_eq!(addresses(&served), ["10.0.0.1 10.0.0.9"]);
    served.apply(slice("web", "3"));
    assert_eq!(addresses(&served), ["10.0.0.1 10.0.0.9"], "by itself again");
    served.apply(slice("web", "1"));
    assert_eq!(addresses(&served), [""; 0]);
}

/// A pod of two Services is a peer of each; a set joins only what is its own.
#[test]
fn sets_join_their_own_objects_only() {
    let mut served = serve([]);
    served.apply(slice("web", "web-1").with("uid=a 10.0.0.1"));
    served.apply(slice("api", "api-1").with("uid=a fd00::1").with("10.0.0.1"));
    assert_eq!(addresses(&served), ["10.0.0.1"]);
    assert_eq!(served.peers("api.default").unwrap().len(), 2);
}

#[test]
fn a_joined_peer_is_in_if_any_entry_is_and_has_all_addresses_and_ports() {
    let objects = [
        slice("web", "1").port("http/80").with("uid=a 10.0.0.1 unready"),
        slice("web", "2").port("epmd/4369").port("HTTP/80").with("uid=a fd00::1"),
    ];
    let served = served(Topology::every_service(), &objects);
    assert_eq!(addresses(&served), ["10.0.0.1 fd00::1"]);
    let peers = served.peers("web.default").unwrap();
    let ports: Vec<_> = peers[0].shape().ports.iter().map(|port| (&*port.name, port.number)).collect();
    assert_eq!(ports, [("http", 80), ("epmd", 4369)]);
}

#[test]
fn hostname_and_service_come_from_the_first_that_has_one() {
    let gathered = || topology("web", "");
    for (objects, expected) in [
        (["a/1 uid=a 10.0.0.1", "b/1 uid=a 10.0.0.1 host=pod-0"], "pod-0 b"),
        (["b/1 uid=a 10.0.0.1 host=of-b", "a/2 uid=a 10.0.0.1 host=of-a"], "of-a a"),
        (["a/2 uid=a 10.0.0.1 host=second", "a/1 uid=a 10.0.0.1 host=first"], "first a"),
        (["a/1 uid=a 10.0.0.1 host=Bad", "b/1 uid=a 10.0.0.1 host=good"], "good b"),
    ] {
        let objects = objects.map(|text| {
            let (place, endpoint) = text.split_once(' ').unwrap();
            let (service, name) = place.split_once('/').unwrap();
            slice(service, &format!("{service}-{name}")).with(endpoint)
        });
        let topology = Topology { mode: crate::roster::Mode::Hostname, ..gathered() };
        let served = served(topology, &objects);
        let peer = &served.peers("web.default").unwrap()[0];
        let crate::roster::SrvTarget::Service(service) = &peer.shape().target else { panic!("{peer:?}") };
        assert_eq!(format!("{} {service}", peer.given_hostname().unwrap()), expected);
        assert_eq!(peer.hostname(), peer.given_hostname());
    }
}

#[test]
fn family_limits_addresses_and_prefer_chooses_the_primary() {
    let objects = [
        slice("web", "4").with("uid=a 10.0.0.2 10.0.0.1").with("uid=b 10.0.0.3"),
        slice("web", "6").with("uid=a fd00::1"),
    ];
    for (family, prefer, expected) in [
        (Family::Any, Prefer::Ipv4, &["10.0.0.2 10.0.0.1 fd00::1", "10.0.0.3"][..]),
        (Family::Any, Prefer::Ipv6, &["10.0.0.3", "fd00::1 10.0.0.1 10.0.0.2"]),
        (Family::Ipv4, Prefer::Ipv6, &["10.0.0.2 10.0.0.1", "10.0.0.3"]),
        (Family::Ipv6, Prefer::Ipv4, &["fd00::1"]),
    ] {
        let served = served(Topology { family, prefer, ..Topology::every_service() }, &objects);
        assert_eq!(addresses(&served), expected, "{family:?} {prefer:?}");
    }
}

#[test]
fn a_hostname_of_two_is_nobodys() {
    let mut served = serve([Topology { mode: crate::roster::Mode::Peer, ..Topology::every_service() }]);
    let (first, second) =
        ("web@web-0.web.default.svc.peers.cluster.local", "web@10-0-0-2.web.default.svc.peers.cluster.local");
    let both = format!("web@10-0-0-1.web.default.svc.peers.cluster.local {second}");
    served.apply(slice("web", "1").with("uid=a 10.0.0.1 host=web-0"));
    assert_eq!(served.names("web.default"), first);
    served.apply(slice("web", "2").with("uid=b 10.0.0.2 host=web-0"));
    assert_eq!(served.names("web.default"), both);
    assert!(served.peers("web.default").unwrap().iter().all(|peer| peer.hostname().is_none()));
    assert_eq!(
        served.notices(),
        ["set web.default: several peers have the hostname `web-0` and go by their addresses"]
    );
    served.apply(slice("web", "3").with("uid=c 10.0.0.3 host=web-0"));
    assert_eq!((served.peers("web.default").unwrap().len(), served.notices().len()), (3, 0));
    served.apply(slice("web", "3"));
    // One that is not listed does not clash.
    served.apply(slice("web", "2").with("uid=b 10.0.0.2 host=web-0 unready"));
    assert_eq!(served.names("web.default"), first);
    // Nor does the same pod in another slice.
    served.apply(slice("web", "3").with("uid=a fd00::1 host=web-0"));
    assert_eq!(served.names("web.default"), first);
}

/// In one slice the endpoints of one pod changed places: the first address is another one.
#[test]
fn places_within_an_object_matter() {
    let mut served = serve([]);
    let (one, two, other) = ("uid=a 10.0.0.1", "uid=a 10.0.0.2", "uid=b 10.0.0.3");
    let object =
        |endpoints: [&str; 3]| endpoints.iter().fold(slice("web", "1"), |object, words| object.with(words));
    served.apply(object([one, two, other]));
    assert_eq!(addresses(&served), ["10.0.0.1 10.0.0.2", "10.0.0.3"]);
    let changes = served.apply(object([other, two, one]));
    assert_eq!(addresses(&served), ["10.0.0.2 10.0.0.1", "10.0.0.3"]);
    assert_eq!(changes.len(), 1);
    assert_eq!(served.apply(object([two, other, one])), []);
}
