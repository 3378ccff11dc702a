//! Rights that are missing, come and go, and tokens that are replaced.

use crate::api::Api;
use crate::client::{Transport, ask, explanations};
use crate::control_plane::ControlPlane;
use crate::relay::Relay;
use crate::rights::{manifests, shipped_account};
use crate::rosterd::Rosterd;
use crate::scene::{Answers, set};
use crate::wait::{wait_for, wait_until_equal};
use crate::workload::Namespace;
use hickory_proto::op::ResponseCode;
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const README: &str = include_str!("../../deploy/README.md");

/// Not Ready (RFC 8914 4.15).
const NOT_READY: u16 = 14;

/// Grants what `one-namespace.yaml` grants, as its head says.
fn grant(plane: &ControlPlane, namespace: &str) {
    let file = manifests().join("rights/one-namespace.yaml");
    plane.kubectl(&["apply", "-n", namespace, "-f", &file.display().to_string()]);
}

fn txt(rosterd: &Rosterd, namespace: &str) -> BTreeSet<String> {
    Answers::of(rosterd, &set(namespace)).txt
}

fn node(address: &str) -> BTreeSet<String> {
    BTreeSet::from([format!("myapp@{address}")])
}

#[test]
fn a_namespace_without_rights_waits_alone() {
    let plane = shipped_account();
    for (name, address) in [("team-a", "10.0.0.1"), ("team-b", "10.0.0.2")] {
        let namespace = Namespace::create(plane, name);
        namespace.service("myapp", &json!({}));
        namespace.ready_pod("myapp", "a", &[address]);
    }
    grant(plane, "team-a");
    let relay = Relay::to(plane.port());
    let token = plane.token_of("rosterd", "rosterd");
    let kubeconfig = plane.kubeconfig("teams", relay.port(), &json!({"token": token}));
    let settings = "[[topologies]]\nname = \"myapp\"\nnamespaces = [\"team-a\", \"team-b\"]\n[server]";
    let mut rosterd = Rosterd::watch(&kubeconfig, settings);

    let line = rosterd.wait_for_log("not allowed to list endpointslices");
    let (_, words) = line.split_once(" WARN ").expect("a warning");
    assert!(
        README.contains(&format!("\nWARN {words}\n")),
        "deploy/README.md shows another line than {words}"
    );
    wait_until_equal("the namespace with rights", &node("10.0.0.1"), || txt(&rosterd, "team-a"));
    for record_type in ["TXT", "A", "AAAA", "SRV"] {
        let answer = ask(rosterd.ipv4(), Transport::Udp, &set("team-b"), record_type, Some(1232));
        assert_eq!(answer.metadata.response_code, ResponseCode::ServFail, "{answer}");
        assert!(explanations(&answer).iter().any(|(code, _)| *code == NOT_READY), "{answer}");
    }

    grant(plane, "team-b");
    wait_until_equal("the other, with rights", &node("10.0.0.2"), || txt(&rosterd, "team-b"));

    // Rights that are taken away leave what was known.
    plane.kubectl(&["delete", "rolebinding", "rosterd", "-n", "team-a"]);
    relay.cut();
    relay.mend();
    rosterd.wait_for_log("endpointslices.discovery.k8s.io in namespace \"team-a\"");
    assert_eq!(txt(&rosterd, "team-a"), node("10.0.0.1"));
}

#[test]
fn a_token_is_read_again_when_it_is_replaced() {
    let plane = ControlPlane::shared();
    let first = plane.token_with("rotation-reader", &["endpointslices.yaml"]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("token");
    write_token(&file, &first);
    let relay = Relay::to(plane.port());
    let kubeconfig = plane.kubeconfig("rotation", relay.port(), &json!({"tokenFile": file}));
    let namespace = Namespace::create(plane, "rotation");
    namespace.service("myapp", &json!({}));
    namespace.ready_pod("myapp", "a", &["10.0.0.1"]);
    let rosterd = Rosterd::watch(&kubeconfig, "[server]");
    wait_until_equal("by the first token", &node("10.0.0.1"), || txt(&rosterd, "rotation"));

    // A service account that is made again is another one: tokens of the first are worth nothing.
    let account = "/api/v1/namespaces/rotation-reader/serviceaccounts";
    plane.api.delete(&format!("{account}/rosterd-rotation-reader"));
    plane.api.create(account, &json!({"metadata": {"name": "rosterd-rotation-reader"}}));
    let old = Api::new(&plane.kubeconfig("revoked", plane.port(), &json!({"token": first})));
    let slices = namespace.collection("endpointslices");
    wait_for("the first token's end", String::new, || old.try_get(&slices).err());
    write_token(&file, &plane.token_of("rotation-reader", "rosterd-rotation-reader"));

    relay.cut();
    relay.mend();
    namespace.set_ready("a", false);
    namespace.ready_pod("myapp", "b", &["10.0.0.2"]);
    wait_until_equal("by the second token", &node("10.0.0.2"), || txt(&rosterd, "rotation"));
}

/// Replaces a token as a kubelet does: whole.
fn write_token(file: &Path, token: &str) {
    let written = file.with_extension("new");
    fs::write(&written, token).expect("a written token");
    fs::rename(written, file).expect("a replaced token");
}
