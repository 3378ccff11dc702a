//! Services of other kinds: without selector, with Pods that are not ready, with hostnames, with labels for the server.

use crate::client::{Transport, ask, data};
use crate::control_plane::ControlPlane;
use crate::rosterd::Rosterd;
use crate::scene::{Answers, ENDPOINTS, SLICES, Scene, set, topology};
use crate::wait::{wait_for, wait_until_equal};
use crate::workload::{Host, Namespace};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn follow_endpoints_made_by_hand(watch: &str) {
    let plane = ControlPlane::shared();
    let name = format!("by-hand-{watch}");
    let kubeconfig = plane.kubeconfig_with(&format!("{name}-reader"), &[&format!("{watch}.yaml")]);
    let namespace = Namespace::create(plane, &name);
    let scene = Scene::start(namespace, &kubeconfig, watch);

    namespace.service("myapp", &json!({"selector": null}));
    scene.comes_to("no endpoints", &[], &[]);
    let subsets = |ready: &[&str], not_ready: &[&str]| {
        let list = |addresses: &[&str]| addresses.iter().map(|ip| json!({"ip": ip})).collect::<Vec<Value>>();
        let ports = json!([{"name": "epmd", "port": 4369, "protocol": "TCP"}]);
        json!([{"addresses": list(ready), "notReadyAddresses": list(not_ready), "ports": ports}])
    };
    let object = json!({
        // The mirror takes the labels from here, not from the Service.
        "metadata": {"name": "myapp", "labels": {"app": "myapp"}},
        "subsets": subsets(&["10.0.0.1", "10.0.0.2"], &[]),
    });
    namespace.api.create(&namespace.collection("endpoints"), &object);
    scene.comes_to("two addresses", &["10.0.0.1", "10.0.0.2"], &[]);

    let endpoints = namespace.path("endpoints", "myapp");
    namespace.api.patch(&endpoints, &json!({"subsets": subsets(&["10.0.0.2", "10.0.0.3"], &["10.0.0.1"])}));
    scene.comes_to("one is not ready, one is new", &["10.0.0.2", "10.0.0.3"], &[]);
    namespace.api.delete(&endpoints);
    scene.comes_to("no endpoints any more", &[], &[]);
}

#[test]
fn endpoints_made_by_hand_by_slices() {
    follow_endpoints_made_by_hand(SLICES);
}

#[test]
fn endpoints_made_by_hand_by_endpoints() {
    follow_endpoints_made_by_hand(ENDPOINTS);
}

fn follow_published_early(watch: &str) {
    let plane = ControlPlane::shared();
    let name = format!("early-{watch}");
    let kubeconfig = plane.kubeconfig_with(&format!("{name}-reader"), &[&format!("{watch}.yaml")]);
    let namespace = Namespace::create(plane, &name);
    let scene = Scene::start(namespace, &kubeconfig, watch);

    namespace.service("myapp", &json!({"publishNotReadyAddresses": true}));
    namespace.pod("myapp", "a", None);
    namespace.run("a", &["10.0.0.1"], false);
    scene.comes_to("a is not ready and published", &["10.0.0.1"], &[]);
    namespace.terminate("a");
    namespace.ready_pod("myapp", "b", &["10.0.0.2"]);
    scene.comes_to("a terminates and is published", &["10.0.0.1", "10.0.0.2"], &[]);
    namespace
        .api
        .patch(&namespace.path("services", "myapp"), &json!({"spec": {"publishNotReadyAddresses": false}}));
    scene.comes_to("who is not ready is not published", &["10.0.0.2"], &[]);
}

#[test]
fn pods_published_early_by_slices() {
    follow_published_early(SLICES);
}

#[test]
fn pods_published_early_by_endpoints() {
    follow_published_early(ENDPOINTS);
}

fn follow_hostnames(watch: &str) {
    let plane = ControlPlane::shared();
    let name = format!("hostnames-{watch}");
    let kubeconfig = plane.kubeconfig_with(&format!("{name}-reader"), &[&format!("{watch}.yaml")]);
    let namespace = Namespace::create(plane, &name);
    let settings = topology(&name, watch).replacen('\n', "\nmode = \"hostname\"\n", 1);
    let rosterd = Rosterd::watch(&kubeconfig, &settings);

    namespace.service("db", &json!({}));
    for (number, address) in [(0, "10.0.0.1"), (1, "10.0.0.2")] {
        let hostname = format!("db-{number}");
        namespace.pod("db", &hostname, Some(Host { hostname: &hostname, subdomain: "db" }));
        namespace.run(&hostname, &[address], true);
    }
    let nodes = |domain: &str| BTreeSet::from([0, 1].map(|number| format!("myapp@db-{number}.db.{domain}")));
    let expected = nodes(&format!("{name}.svc.cluster.local"));
    wait_until_equal("nodes named by their hostnames", &expected, || Answers::of(&rosterd, &set(&name)).txt);

    // The Pod keeps its name when it comes back elsewhere, as those of a StatefulSet do.
    namespace.terminate("db-1");
    namespace.finish("db-1");
    let before = format!("db-0.{}", set(&name));
    let address_of = |host: &str| {
        let answer = ask(rosterd.ipv4(), Transport::Udp, &format!("{host}.{}", set(&name)), "A", None);
        data(&answer.answers)
    };
    wait_until_equal("db-1 is gone", &Vec::new(), || address_of("db-1"));
    namespace.pod("db", "db-1", Some(Host { hostname: "db-1", subdomain: "db" }));
    namespace.run("db-1", &["10.0.0.9"], true);
    wait_until_equal("db-1 is elsewhere", &vec!["10.0.0.9".to_owned()], || address_of("db-1"));
    assert_eq!(address_of("db-0"), ["10.0.0.1"], "{before}");
}

#[test]
fn hostnames_by_slices() {
    follow_hostnames(SLICES);
}

#[test]
fn hostnames_by_endpoints() {
    follow_hostnames(ENDPOINTS);
}

#[test]
fn labels_on_the_service_are_settings_of_its_set() {
    let plane = ControlPlane::shared();
    let name = "labels";
    let kubeconfig = plane.kubeconfig_with("labels-reader", &["endpointslices.yaml"]);
    let namespace = Namespace::create(plane, name);
    // Without a topology every Service is a set of its own.
    let rosterd = Rosterd::watch(&kubeconfig, "[server]");
    let txt = |set: &str| Answers::of(&rosterd, &format!("{set}.{name}.svc.peers.cluster.local.")).txt;
    let nodes = |nodes: &[&str]| -> BTreeSet<String> { nodes.iter().map(ToString::to_string).collect() };

    namespace.service("web", &json!({}));
    namespace.ready_pod("web", "a", &["10.0.0.1"]);
    namespace.ready_pod("web", "b", &["10.0.0.2"]);
    wait_until_equal("the set", &nodes(&["web@10.0.0.1", "web@10.0.0.2"]), || txt("web"));
    namespace.terminate("a");
    wait_until_equal("a terminates", &nodes(&["web@10.0.0.2"]), || txt("web"));
    namespace.label_service("web", &json!({"rosterd.io/include": "serving", "rosterd.io/basename": "node"}));
    let served = nodes(&["node@10.0.0.1", "node@10.0.0.2"]);
    wait_until_equal("who drains is listed", &served, || txt("web"));
    namespace.label_service("web", &json!({"rosterd.io/set": "front"}));
    wait_until_equal("the set has another name", &served, || txt("front"));
    wait_for(
        "the old name is gone",
        || format!("{:?}", txt("web")),
        || {
            let answers = Answers::of(&rosterd, &format!("web.{name}.svc.peers.cluster.local."));
            answers.codes.iter().all(|code| code == "NXDomain").then_some(())
        },
    );
}
