//! The API server, etcd and the way to them fail while clients ask. Each test has a control plane of its own.

use crate::client::{Transport, ask, explanations};
use crate::control_plane::ControlPlane;
use crate::questions::{Expected, Questions};
use crate::relay::Relay;
use crate::rosterd::Rosterd;
use crate::scene::Answers;
use crate::wait::{wait_for, wait_until_equal};
use crate::workload::Namespace;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use serde_json::json;
use std::collections::BTreeSet;

/// Every Service is a set; names of pods are those of slices; answers say that they may be old as soon as they may.
const SETTINGS: &str = "pods = \"verified\"\n[kubernetes]\nstale_after = \"10s\"\n[server]";

/// Not Ready (RFC 8914 4.15).
const NOT_READY: u16 = 14;

/// Stale Answer (RFC 8914 4.4).
const STALE: u16 = 3;

fn set(service: &str) -> String {
    format!("{service}.default.svc.peers.cluster.local.")
}

fn nodes(service: &str, hosts: impl IntoIterator<Item = u8>) -> BTreeSet<String> {
    hosts.into_iter().map(|host| format!("{service}@10.0.0.{host}")).collect()
}

/// What is asked all the time: a set of five and the name of one of its pods.
fn questions() -> Vec<Expected> {
    let pod = "10-0-0-1.default.pod.cluster.local.".to_owned();
    vec![
        Expected { name: set("myapp"), record_type: RecordType::TXT, data: nodes("myapp", 1..=5) },
        Expected { name: pod, record_type: RecordType::A, data: BTreeSet::from(["10.0.0.1".to_owned()]) },
    ]
}

fn make_services(namespace: &Namespace<'_>) {
    namespace.service("myapp", &json!({}));
    for host in 1..=5 {
        namespace.ready_pod("myapp", &format!("myapp-{host}"), &[&format!("10.0.0.{host}")]);
    }
    namespace.service("web", &json!({}));
    namespace.ready_pod("web", "web-11", &["10.0.0.11"]);
}

fn txt_comes_to(step: &str, rosterd: &Rosterd, service: &str, expected: &BTreeSet<String>) {
    wait_until_equal(step, expected, || Answers::of(rosterd, &set(service)).txt);
}

fn wait_until_stale(rosterd: &Rosterd, stale: bool) {
    let said = || explanations(&ask(rosterd.ipv4(), Transport::Udp, &set("myapp"), "TXT", Some(1232)));
    let is_stale = || said().iter().any(|(code, _)| *code == STALE);
    wait_for("the extended error", || format!("{:?}", said()), || (is_stale() == stale).then_some(()));
}

#[test]
fn answers_stay_while_the_api_server_and_etcd_are_away() {
    let mut plane = ControlPlane::start();
    let kubeconfig = plane.kubeconfig_with("reader", &["endpointslices.yaml"]);
    make_services(&Namespace { api: &plane.api, name: "default" });
    let rosterd = Rosterd::watch(&kubeconfig, SETTINGS);
    txt_comes_to("the first list", &rosterd, "myapp", &nodes("myapp", 1..=5));
    txt_comes_to("the first list", &rosterd, "web", &nodes("web", [11]));
    let questions = Questions::ask(rosterd.ipv4(), questions());

    plane.kill_api_server();
    questions.go_on(500);
    wait_until_stale(&rosterd, true);
    plane.start_api_server();
    Namespace { api: &plane.api, name: "default" }.ready_pod("web", "web-12", &["10.0.0.12"]);
    txt_comes_to("a change after the API server", &rosterd, "web", &nodes("web", [11, 12]));
    wait_until_stale(&rosterd, false);
    questions.go_on(500);

    plane.restart_etcd();
    questions.go_on(500);
    Namespace { api: &plane.api, name: "default" }.ready_pod("web", "web-13", &["10.0.0.13"]);
    txt_comes_to("a change after etcd", &rosterd, "web", &nodes("web", [11, 12, 13]));

    let (right, wrong) = questions.end();
    assert!(wrong.is_empty(), "{} of {}: {}", wrong.len(), right + wrong.len(), wrong[0]);
    assert!(right >= 1_500, "{right} answers");
}

#[test]
fn what_was_deleted_meanwhile_is_gone() {
    let mut plane = ControlPlane::start();
    let relay = Relay::to(plane.port());
    let token = plane.token_with("reader", &["endpointslices.yaml"]);
    let kubeconfig = plane.kubeconfig("relayed", relay.port(), &json!({"token": token}));
    make_services(&Namespace { api: &plane.api, name: "default" });
    let rosterd = Rosterd::watch(&kubeconfig, SETTINGS);
    txt_comes_to("the first list", &rosterd, "web", &nodes("web", [11]));
    txt_comes_to("the first list", &rosterd, "myapp", &nodes("myapp", 1..=5));
    let questions = Questions::ask(rosterd.ipv4(), questions());

    // The watch goes on where it stood, and is told what happened.
    relay.cut();
    let namespace = Namespace { api: &plane.api, name: "default" };
    namespace.ready_pod("web", "web-12", &["10.0.0.12"]);
    namespace.api.delete(&namespace.path("services", "web"));
    wait_for_no_slices(&namespace, "web");
    questions.go_on(200);
    assert_eq!(Answers::of(&rosterd, &set("web")).txt, nodes("web", [11]), "the last that was known");
    relay.mend();
    wait_until_gone(&rosterd, "web");

    // An API server that has been restarted does not know what happened before: only a list shows what is missing.
    namespace.service("web", &json!({}));
    txt_comes_to("the Service again", &rosterd, "web", &nodes("web", [11, 12]));
    relay.cut();
    namespace.api.delete(&namespace.path("services", "web"));
    wait_for_no_slices(&namespace, "web");
    plane.kill_api_server();
    plane.start_api_server();
    questions.go_on(200);
    relay.mend();
    wait_until_gone(&rosterd, "web");

    let (right, wrong) = questions.end();
    assert!(wrong.is_empty(), "{} of {}: {}", wrong.len(), right + wrong.len(), wrong[0]);
}

#[test]
fn a_cluster_restored_from_a_backup_is_followed() {
    let mut plane = ControlPlane::start();
    let kubeconfig = plane.kubeconfig_with("reader", &["endpointslices.yaml"]);
    make_services(&Namespace { api: &plane.api, name: "default" });
    let mut rosterd = Rosterd::watch(&kubeconfig, SETTINGS);
    txt_comes_to("the first list", &rosterd, "web", &nodes("web", [11]));
    txt_comes_to("the first list", &rosterd, "myapp", &nodes("myapp", 1..=5));
    let questions = Questions::ask(rosterd.ipv4(), questions());
    plane.back_up();

    // The API server writes some objects of its own when it starts: revisions must be well ahead of these.
    let namespace = Namespace { api: &plane.api, name: "default" };
    for round in 0..300 {
        namespace.label_service("myapp", &json!({"round": round.to_string()}));
    }
    namespace.ready_pod("web", "web-12", &["10.0.0.12"]);
    txt_comes_to("after the backup", &rosterd, "web", &nodes("web", [11, 12]));
    plane.restore();
    txt_comes_to("as it was at the backup", &rosterd, "web", &nodes("web", [11]));
    rosterd.wait_for_log("WARN endpointslices in all namespaces: the cluster went back from revision ");
    Namespace { api: &plane.api, name: "default" }.ready_pod("web", "web-13", &["10.0.0.13"]);
    txt_comes_to("a change after that", &rosterd, "web", &nodes("web", [11, 13]));

    let (right, wrong) = questions.end();
    assert!(wrong.is_empty(), "{} of {}: {}", wrong.len(), right + wrong.len(), wrong[0]);
}

#[test]
fn the_api_server_comes_late_and_then_with_another_certificate() {
    let mut plane = ControlPlane::start();
    let kubeconfig = plane.kubeconfig_with("reader", &["endpointslices.yaml"]);
    make_services(&Namespace { api: &plane.api, name: "default" });
    plane.kill_api_server();
    let mut rosterd = Rosterd::watch(&kubeconfig, SETTINGS);
    rosterd.wait_for_log("WARN endpointslices in all namespaces: no connection to the API server");
    let waiting = ask(rosterd.ipv4(), Transport::Udp, &set("myapp"), "TXT", Some(1232));
    assert_eq!(waiting.metadata.response_code, ResponseCode::ServFail, "{waiting}");
    assert!(explanations(&waiting).iter().any(|(code, _)| *code == NOT_READY), "{waiting}");
    let apex = ask(rosterd.ipv4(), Transport::Udp, "peers.cluster.local.", "SOA", None);
    assert_eq!((apex.metadata.response_code, apex.answers.len()), (ResponseCode::NoError, 1), "{apex}");
    plane.start_api_server();
    rosterd.wait_for_log("INFO ready after ");
    txt_comes_to("the first list", &rosterd, "myapp", &nodes("myapp", 1..=5));
    txt_comes_to("the first list", &rosterd, "web", &nodes("web", [11]));

    let questions = Questions::ask(rosterd.ipv4(), questions());
    // The file is read again about once a minute.
    plane.replace_certificate();
    Namespace { api: &plane.api, name: "default" }.ready_pod("web", "web-12", &["10.0.0.12"]);
    txt_comes_to("a change by the new certificate", &rosterd, "web", &nodes("web", [11, 12]));
    let (right, wrong) = questions.end();
    assert!(wrong.is_empty(), "{} of {}: {}", wrong.len(), right + wrong.len(), wrong[0]);
}

fn wait_for_no_slices(namespace: &Namespace<'_>, service: &str) {
    let label = format!("labelSelector=kubernetes.io%2Fservice-name%3D{service}");
    let list = format!("{}?{label}", namespace.collection("endpointslices"));
    let slices = || namespace.api.get(&list)["items"].as_array().map(Vec::len);
    wait_until_equal("no slices", &Some(0), slices);
}

fn wait_until_gone(rosterd: &Rosterd, service: &str) {
    let codes = || Answers::of(rosterd, &set(service)).codes;
    wait_until_equal("a name of nobody", &BTreeSet::from(["NXDomain".to_owned()]), codes);
}
