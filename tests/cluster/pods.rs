//! Pods as the source, and Pods that only the pod zone knows.

use crate::client::{Transport, ask, data};
use crate::control_plane::ControlPlane;
use crate::rosterd::Rosterd;
use crate::scene::{Answers, SLICES, set, topology};
use crate::wait::wait_until_equal;
use crate::workload::Namespace;
use hickory_proto::op::ResponseCode;
use std::collections::BTreeSet;

#[test]
fn pods_by_their_own_labels() {
    let plane = ControlPlane::shared();
    let kubeconfig = plane.kubeconfig_with("pods-reader", &["pods.yaml"]);
    let namespace = Namespace::create(plane, "pods");
    let rosterd = Rosterd::watch(&kubeconfig, &topology("pods", "pods"));
    let comes_to = |step: &str, addresses: &[&str]| {
        let expected: BTreeSet<String> = addresses.iter().map(|address| format!("myapp@{address}")).collect();
        wait_until_equal(step, &expected, || Answers::of(&rosterd, &set("pods")).txt);
    };

    // There is no Service: the label of the Pods selects them.
    namespace.pod("myapp", "a", None);
    namespace.run("a", &["10.0.0.1"], false);
    namespace.ready_pod("myapp", "b", &["10.0.0.2", "fd00::2"]);
    namespace.ready_pod("other", "c", &["10.0.0.3"]);
    comes_to("b is ready", &["10.0.0.2"]);
    let both = Answers::of(&rosterd, &set("pods"));
    assert_eq!(both.aaaa, BTreeSet::from(["fd00::2".to_owned()]));
    namespace.set_ready("a", true);
    comes_to("a is ready", &["10.0.0.1", "10.0.0.2"]);
    let ports = ask(rosterd.ipv4(), Transport::Udp, &format!("_epmd._tcp.{}", set("pods")), "SRV", None);
    assert_eq!(ports.answers.len(), 2, "the containers' port: {ports}");
    let relabelled = serde_json::json!({"metadata": {"labels": {"app": "myapp"}}});
    namespace.api.patch(&namespace.path("pods", "c"), &relabelled);
    comes_to("c has the label", &["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    namespace.terminate("b");
    comes_to("b terminates", &["10.0.0.1", "10.0.0.3"]);
    namespace.patch_status("a", &serde_json::json!({"phase": "Failed"}));
    comes_to("a has failed", &["10.0.0.3"]);
    namespace.terminate("c");
    namespace.finish("c");
    comes_to("c is gone", &[]);
}

#[test]
fn pods_without_a_service_have_names() {
    let plane = ControlPlane::shared();
    let kubeconfig = plane.kubeconfig_with("named-reader", &["endpointslices.yaml", "pods.yaml"]);
    let namespace = Namespace::create(plane, "named");
    let settings = topology("named", SLICES).replace("[kubernetes]\n", "[kubernetes]\nwatch_pods = true\n");
    let rosterd = Rosterd::watch(&kubeconfig, &format!("pods = \"verified\"\n{settings}"));
    let look_up = |host: &str| {
        let name = format!("{host}.named.pod.cluster.local.");
        let answer = ask(rosterd.ipv4(), Transport::Udp, &name, "A", None);
        (answer.metadata.response_code, data(&answer.answers))
    };

    let unknown = (ResponseCode::NXDomain, Vec::new());
    wait_until_equal("a name of nobody", &unknown, || look_up("10-9-0-1"));
    namespace.ready_pod("alone", "alone", &["10.9.0.1"]);
    wait_until_equal(
        "a Pod without a Service",
        &(ResponseCode::NoError, vec!["10.9.0.1".to_owned()]),
        || look_up("10-9-0-1"),
    );
    assert_eq!(look_up("10-9-0-2"), unknown);
    assert_eq!(Answers::of(&rosterd, &set("named")).txt, BTreeSet::new(), "it is in no set");
    namespace.terminate("alone");
    namespace.finish("alone");
    wait_until_equal("the Pod is gone", &unknown, || look_up("10-9-0-1"));
}
