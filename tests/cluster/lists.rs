//! Lists as the API server gives them: in pages, as streams, and in pages where it does not stream.

use crate::control_plane::ControlPlane;
use crate::rosterd::Rosterd;
use crate::scene::Answers;
use crate::wait::wait_until_equal;
use crate::workload::Namespace;
use nix::sys::signal::Signal;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

/// The Services of the namespace `lists`, one peer each.
const SERVICES: [&str; 3] = ["a", "b", "c"];

fn make_services(plane: &ControlPlane) -> Namespace<'_> {
    let namespace = Namespace::create(plane, "lists");
    for (service, host) in SERVICES.into_iter().zip(1..) {
        namespace.service(service, &json!({}));
        let address = format!("10.0.0.{host}");
        namespace.ready_pod(service, service, &[&address]);
        namespace.wait_for_slice(service, &address, "myapp");
    }
    namespace
}

/// The log of a server with these settings that has listed the Services, and seen two changes.
fn log_of(kubeconfig: &Path, namespace: &Namespace<'_>, settings: &str) -> Vec<String> {
    let topology = "[[topologies]]\nnamespaces = [\"lists\"]\n";
    let rosterd = Rosterd::watch(kubeconfig, &format!("{topology}[kubernetes]\n{settings}\n[server]"));
    let txt = |service: &str| Answers::of(&rosterd, &format!("{service}.lists.svc.peers.cluster.local.")).txt;
    for (service, host) in SERVICES.into_iter().zip(1..) {
        let node = BTreeSet::from([format!("{service}@10.0.0.{host}")]);
        wait_until_equal(settings, &node, || txt(service));
    }
    namespace.set_ready("a", false);
    wait_until_equal(settings, &BTreeSet::new(), || txt("a"));
    namespace.set_ready("a", true);
    wait_until_equal(settings, &BTreeSet::from(["a@10.0.0.1".to_owned()]), || txt("a"));
    let (status, log) = rosterd.terminate(Signal::SIGTERM);
    assert!(status.success(), "{log:?}");
    log
}

fn says(log: &[String], text: &str) -> bool {
    log.iter().any(|line| line.contains(text))
}

/// The line of a watch that reads pages though it should not.
const PAGED: &str = "lists are read page by page, not as a stream";

#[test]
fn lists_in_pages_and_as_streams() {
    let plane = ControlPlane::shared();
    let kubeconfig = plane.kubeconfig_with("lists-reader", &["endpointslices.yaml"]);
    let namespace = make_services(plane);
    for settings in ["page_size = 1", "streaming_lists = true"] {
        let log = log_of(&kubeconfig, &namespace, settings);
        assert!(says(&log, "endpointslices in namespace lists: 3 objects"), "{settings}: {log:?}");
        // An etcd before 3.4.31 or 3.5.13 does not give the API server what streams need: no other reason is a good one.
        let paged = log.iter().filter(|line| line.contains(PAGED) || line.contains(" WARN "));
        let other: Vec<&String> = paged.filter(|line| !line.contains("RequestWatchProgress")).collect();
        assert!(other.is_empty(), "{settings}: {other:?}");
        // At least the two that were waited for: the controller may have written a slice once more.
        let told =
            log.iter().find_map(|line| line.split_once(" changes, visible from arrival: half within "));
        let changes = told.and_then(|(before, _)| before.rsplit(' ').next()?.parse::<u32>().ok());
        assert!(changes.is_some_and(|changes| changes >= 2), "{settings}: {log:?}");
        assert!(says(&log, "; from trigger: half within "), "{settings}: {log:?}");
    }
}

#[test]
fn an_api_server_that_does_not_stream_is_read_page_by_page() {
    let plane = ControlPlane::start_without(Some("WatchList"));
    let kubeconfig = plane.kubeconfig_with("lists-reader", &["endpointslices.yaml"]);
    let namespace = make_services(&plane);
    let log = log_of(&kubeconfig, &namespace, "streaming_lists = true");
    let paged = log.iter().find(|line| line.contains(PAGED));
    assert!(paged.is_some_and(|line| line.contains("sendInitialEvents")), "{log:?}");
    assert!(says(&log, "endpointslices in namespace lists: 3 objects"), "{log:?}");
    assert!(!says(&log, " WARN "), "{log:?}");
}
