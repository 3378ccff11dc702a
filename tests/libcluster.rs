//! The node names of a set are those that libcluster's `Cluster.Strategy.Kubernetes` makes of the same objects,
//! wherever that is defined: Endpoints of one namespace whose addresses have a `targetRef`, IPv4 (its `dns` mode leaves
//! colons in names, which no resolver takes), in `hostname` mode a hostname for everybody.

#![allow(clippy::panic, reason = "a test that cannot set itself up has failed")]

use proptest::prelude::*;
use rosterd::roster::{
    Conditions, Endpoint, EndpointGroup, EndpointObject, Event, EventKind, Gives, Mode, Namespaces,
    ObjectKey, ObjectKind, Options, Roster, Scope, Selector, Topology, Uid, WatchId,
};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

const SERVICE: &str = "myapp-headless";
const NAMESPACE: &str = "default";

/// An address of an Endpoints, as libcluster reads it.
#[derive(Debug, Clone)]
struct Address {
    ip: Ipv4Addr,
    uid: u32,
    ready: bool,
}

impl Address {
    fn hostname(&self) -> String {
        format!("myapp-{}", self.uid)
    }

    /// That of its `targetRef`, which hand-made Endpoints may have elsewhere.
    fn namespace(&self) -> &'static str {
        if self.uid.is_multiple_of(4) { "elsewhere" } else { NAMESPACE }
    }
}

/// libcluster's rule: `addresses` of every subset of every Endpoints that the selector finds, never
/// `notReadyAddresses`, each formatted by the mode.
fn libcluster(mode: Mode, basename: &str, found: &[Vec<Vec<Address>>]) -> BTreeSet<String> {
    let mut nodes = BTreeSet::new();
    for subset in found.iter().flatten() {
        for address in subset.iter().filter(|address| address.ready) {
            let ip = address.ip.to_string();
            let host = match mode {
                Mode::Ip => ip,
                Mode::Dns => format!("{}.{}.pod.cluster.local", ip.replace('.', "-"), address.namespace()),
                Mode::Hostname => {
                    format!("{}.{SERVICE}.{}.svc.cluster.local", address.hostname(), address.namespace())
                }
                Mode::Peer => unreachable!("libcluster has no such mode"),
            };
            nodes.insert(format!("{basename}@{host}"));
        }
    }
    nodes
}

fn object(name: &str, label: &str, subsets: &[Vec<Address>]) -> EndpointObject {
    let endpoint = |address: &Address| Endpoint {
        addresses: vec![IpAddr::V4(address.ip)].into(),
        hostname: Some(address.hostname().into()),
        uid: Uid::from_text(&format!("00000000-0000-0000-0000-{:012}", address.uid)),
        namespace: Some(address.namespace().into()),
        conditions: Conditions {
            ready: Some(address.ready),
            serving: Some(address.ready),
            terminating: None,
        },
        placement: None,
    };
    let group = |subset: &Vec<Address>| EndpointGroup {
        ports: Vec::new(),
        endpoints: subset.iter().map(endpoint).collect(),
    };
    EndpointObject {
        key: ObjectKey { namespace: NAMESPACE.into(), name: name.into(), kind: ObjectKind::Endpoints },
        service: Some(name.into()),
        labels: vec![("app".into(), label.into())],
        groups: subsets.iter().map(group).collect(),
        truncated: false,
        created: None,
    }
}

/// What the roster serves in the set of the topology.
fn served(selector: Selector, mode: Mode, basename: &str, objects: Vec<EndpointObject>) -> BTreeSet<String> {
    let topology = Topology {
        name: Some("myapp".into()),
        selector,
        namespaces: Namespaces::Listed(vec![NAMESPACE.into()]),
        node_basename: Some(basename.into()),
        mode,
        ..Topology::every_service()
    };
    let mut roster = Roster::new(Options {
        cluster_domain: "cluster.local".into(),
        zone: "peers.cluster.local".into(),
        label_settings: true,
        topologies: vec![topology],
    });
    let mut handle = |kind| roster.handle(Event { watch: WatchId(0), revision: None, kind });
    handle(EventKind::Started(Scope::Namespace(NAMESPACE.into()), Gives::Peers));
    handle(EventKind::Reset);
    for object in objects {
        handle(EventKind::Apply(Box::new(object)));
    }
    handle(EventKind::Synced);
    let changes = roster.take_changes();
    let peers = changes.iter().filter_map(|change| match change {
        rosterd::roster::Change::Peer { set, old: None, new: Some(peer) } if &*set.name == "myapp" => {
            Some(peer)
        }
        _ => None,
    });
    peers.map(|peer| peer.node_name().map_or_else(|| "none".to_owned(), |name| name.to_string())).collect()
}

/// Pods have addresses of their own, one each, and stand in one subset: ready or not. The controller groups addresses
/// by ports, so an address may stand in several subsets when a named port differs; then each says the same.
fn subsets() -> impl Strategy<Value = Vec<Vec<Address>>> {
    let pod = (0..3_usize, any::<bool>(), any::<bool>());
    prop::collection::vec(pod, 0..12).prop_map(|pods| {
        let of_subset = |number: usize| {
            let numbered = pods.iter().zip(1_u8..);
            let here = numbered.filter(|((subset, _, twice), _)| {
                *subset == number || (*twice && (*subset + 1) % 3 == number)
            });
            let address = |((_, ready, _), pod): (&(usize, bool, bool), u8)| Address {
                ip: Ipv4Addr::new(10, 0, pod, 250 - pod),
                uid: pod.into(),
                ready: *ready,
            };
            here.map(address).collect()
        };
        (0..3).map(of_subset).collect()
    })
}

proptest! {
    #[test]
    fn node_names_are_libclusters(
        subsets in subsets(),
        other in subsets(),
        gathered: bool,
        basename in "[a-z][a-z0-9_]{0,10}",
        mode in prop::sample::select(vec![Mode::Ip, Mode::Dns, Mode::Hostname]),
    ) {
        // A second Endpoints: of the same app (the same pods behind another Service), or of another one.
        let mut found = vec![subsets.clone()];
        let mut objects = vec![object(SERVICE, "myapp", &subsets)];
        if gathered && mode != Mode::Hostname {
            objects.push(object("myapp-public", "myapp", &subsets));
            found.push(subsets);
        } else {
            objects.push(object("other", "other", &other));
        }
        let selector: Selector = "app=myapp".parse().map_err(|_| TestCaseError::fail("no selector"))?;
        prop_assert_eq!(served(selector, mode, &basename, objects), libcluster(mode, &basename, &found));
    }
}
