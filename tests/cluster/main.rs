//! The server on a real Kubernetes control plane: etcd, the API server with RBAC, and the controllers that write endpoint
//! objects.
//!
//! Behind the feature `cluster`, because it needs these programs: `.ci/run` builds them and turns the feature on. Where
//! one is missing its tests fail.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot set itself up has failed"
)]

mod api;
#[path = "../support/client.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod client;
mod control_plane;
mod process;
#[path = "../support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;
mod wait;
mod workload;

#[test]
fn plane_works() {
    let plane = control_plane::ControlPlane::shared();
    let ns = workload::Namespace::create(plane, "one");
    ns.service("myapp", &serde_json::json!({}));
    ns.ready_pod("myapp", "a", &["10.0.0.1"]);
    println!("{}", plane.kubectl(&["get", "endpoints,endpointslices,pods,svc", "-A"]));
    wait::wait_for("ep", || String::new(), || plane.kubectl(&["get", "endpoints", "-A"]).contains("10.0.0.1").then_some(()));
}
