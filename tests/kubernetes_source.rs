//! `rosterd serve`, `check` and `zone` with a cluster as source, from the settings to the answers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "support/api_server.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod api_server;
#[path = "support/client.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod client;
#[path = "support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;

use api_server::ApiServer;
use client::{Transport, ask, data, explanations, serial};
use hickory_proto::op::ResponseCode;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use rosterd::{PATIENCE, Rosterd, alone};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Instant;

const DISCOVERY: &str = "/apis/discovery.k8s.io/v1";
const CORE: &str = "/api/v1";

/// A slice of the Service `myapp` with one ready peer for each address.
fn slice(namespace: &str, addresses: &[&str]) -> Value {
    let endpoints: Vec<Value> = addresses.iter().map(|address| json!({"addresses": [address]})).collect();
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {
            "name": "myapp-x", "namespace": namespace,
            "labels": {"kubernetes.io/service-name": "myapp", "app": "myapp"},
            "annotations": {"endpoints.kubernetes.io/last-change-trigger-time": "2020-01-01T00:00:00Z"},
        },
        "endpoints": endpoints, "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
    })
}

fn pod(namespace: &str, name: &str, address: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": "myapp"}, "uid": name},
        "spec": {"containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 80}]}]},
        "status": {
            "phase": "Running", "podIP": address, "podIPs": [{"ip": address}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    })
}

fn set(namespace: &str) -> String {
    format!("myapp.{namespace}.svc.peers.cluster.local.")
}

/// Response code, extended error codes, and sorted data of the answer.
fn asked(server: SocketAddr, name: &str, record_type: &str) -> (ResponseCode, Vec<u16>, Vec<String>) {
    let answer = ask(server, Transport::Udp, name, record_type, Some(1232));
    let codes = explanations(&answer).into_iter().map(|(code, _)| code).collect();
    (answer.metadata.response_code, codes, data(&answer.answers))
}

fn wait_until(server: SocketAddr, name: &str, addresses: &[&str]) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = asked(server, name, "A");
        if found.2 == addresses {
            return;
        }
        assert!(Instant::now() < deadline, "{name} is still {found:?}, not {addresses:?}");
        std::thread::yield_now();
    }
}

/// Runs a command to its end: exit code, standard output, standard error. The kubeconfig is `kubeconfig`.
fn command(kubeconfig: &str, environment: &[(&str, &str)], arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("kubeconfig"), kubeconfig).unwrap();
    let output = alone(Command::new(env!("CARGO_BIN_EXE_rosterd")).args(arguments).env_clear())
        .envs(environment.iter().copied())
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

const REFUSED: (ResponseCode, &[u16]) = (ResponseCode::Refused, &[20]);
const INVALID_DATA: (ResponseCode, &[u16]) = (ResponseCode::ServFail, &[24]);
const NOT_READY: (ResponseCode, &[u16]) = (ResponseCode::ServFail, &[14]);

#[test]
fn names_wait_for_the_first_list_and_changes_follow() {
    let api = ApiServer::start();
    api.put(slice("default", &["10.0.0.1", "10.0.0.2"]), DISCOVERY, "endpointslices");
    api.hold(true);
    let mut server = Rosterd::start_in_cluster(&api.kubeconfig(), "[server]");
    let address = server.ipv4();
    for (name, (code, extended)) in [
        (set("default").as_str(), NOT_READY),
        ("nobody.elsewhere.svc.peers.cluster.local.", NOT_READY),
        ("example.org.", REFUSED),
        ("peers.cluster.local.", (ResponseCode::NoError, &[])),
    ] {
        let found = asked(address, name, "SOA");
        assert_eq!((found.0, found.1.as_slice()), (code, extended), "{name}");
    }
    api.hold(false);
    server.wait_for_log("INFO namespace default, topology every Service: 1 object, 1 set, 2 peers");
    server.wait_for_log("INFO ready after ");
    let found = asked(address, &set("default"), "TXT");
    let expected =
        (ResponseCode::NoError, vec![], vec!["myapp@10.0.0.1".to_owned(), "myapp@10.0.0.2".to_owned()]);
    assert_eq!(found, expected);
    let missing = asked(address, "nobody.elsewhere.svc.peers.cluster.local.", "A");
    assert_eq!(missing, (ResponseCode::NXDomain, vec![], vec![]));
    // Not all Pods are known.
    assert_eq!(asked(address, "10-9-9-9.default.pod.cluster.local.", "A").2, ["10.9.9.9"]);
    let zones = ["peers.cluster.local.", "pod.cluster.local."];
    assert_eq!(zones.map(|zone| serial(address, zone)), [101; 2], "the revision of the list");

    api.put(slice("default", &["10.0.0.2", "10.0.0.3"]), DISCOVERY, "endpointslices");
    wait_until(address, &set("default"), &["10.0.0.2", "10.0.0.3"]);
    assert_eq!(serial(address, zones[0]), 102, "that of the event");
    let (status, log) = server.terminate(Signal::SIGTERM);
    assert_eq!(status.code(), Some(0), "{log:?}");
    let told = log.iter().find(|line| line.contains("INFO 1 change, visible from arrival: half within "));
    assert!(told.is_some_and(|line| line.contains("; from trigger: half above 1048.576s")), "{log:?}");
}

#[test]
fn a_namespace_without_rights_keeps_only_its_own_names_waiting() {
    let api = ApiServer::start();
    let forbidden = format!("list {DISCOVERY}/namespaces/b/endpointslices");
    for namespace in ["a", "b"] {
        api.put(slice(namespace, &["10.0.0.1"]), DISCOVERY, "endpointslices");
    }
    api.forbid(&forbidden, true);
    let settings = "kubernetes.leave_out_after = \"1ms\"\n\
                    topologies = [{ namespaces = [\"a\", \"b\"], selector = \"app=myapp\" }]\n[server]";
    let mut server = Rosterd::start_in_cluster(&api.kubeconfig(), settings);
    let address = server.ipv4();
    server.wait_for_log("INFO watching endpointslices in namespace b, with the labels app=myapp");
    let reported = server.wait_for_log("WARN endpointslices in namespace b: not allowed to list");
    assert!(reported.contains("verbs: [list, watch]"), "{reported}");
    let left_out = server.wait_for_log("WARN endpointslices in namespace b: not waited for any longer");
    assert!(left_out.contains("not for you"), "{left_out}");
    server.wait_for_log("INFO ready after ");
    wait_until(address, &set("a"), &["10.0.0.1"]);
    let found = asked(address, &set("b"), "A");
    assert_eq!((found.0, found.1.as_slice()), NOT_READY);
    api.forbid(&forbidden, false);
    server.wait_for_log("INFO endpointslices in namespace b: listed at last");
    wait_until(address, &set("b"), &["10.0.0.1"]);
    assert!(
        api.requests().iter().any(|request| request.contains("labelSelector=app%3Dmyapp")),
        "{:?}",
        api.requests()
    );
}

#[test]
fn an_object_that_does_not_parse_refuses_its_set_alone() {
    let api = ApiServer::start();
    let broken = |name: &str, service: &str| {
        let mut slice = slice("default", &["10.0.0.9"]);
        slice["metadata"]["name"] = json!(name);
        slice["metadata"]["labels"]["kubernetes.io/service-name"] = json!(service);
        slice["endpoints"] = json!("none");
        slice
    };
    api.put(slice("default", &["10.0.0.1"]), DISCOVERY, "endpointslices");
    api.put(broken("odd-x", "odd"), DISCOVERY, "endpointslices");
    let mut server = Rosterd::start_in_cluster(&api.kubeconfig(), "[server]");
    let address = server.ipv4();
    server.wait_for_log("WARN EndpointSlice default/odd-x: does not parse (");
    server.wait_for_log("WARN EndpointSlice default/odd-x: never parsed; the set odd.default is refused");
    server.wait_for_log("INFO ready after ");
    let odd = "odd.default.svc.peers.cluster.local.";
    let found = asked(address, odd, "A");
    assert_eq!((found.0, found.1.as_slice()), INVALID_DATA);
    assert_eq!(asked(address, &set("default"), "A").2, ["10.0.0.1"]);
    let (code, out, err) = command(&api.kubeconfig(), &[], &["zone", "--kubeconfig", "kubeconfig"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("warning: EndpointSlice default/odd-x: never parsed"), "{err}");
    assert!(out.contains("is refused: an object that belongs to it never parsed"), "{out}");

    // A good version is what stays once there is one.
    let mut mended = broken("odd-x", "odd");
    mended["endpoints"] = json!([{"addresses": ["10.0.0.9"]}]);
    api.put(mended, DISCOVERY, "endpointslices");
    wait_until(address, odd, &["10.0.0.9"]);
    api.put(broken("odd-x", "odd"), DISCOVERY, "endpointslices");
    server.wait_for_log("WARN EndpointSlice default/odd-x: its last good version stays");
    assert_eq!(asked(address, odd, "A"), (ResponseCode::NoError, vec![], vec!["10.0.0.9".to_owned()]));
}

#[test]
fn endpoints_that_kubernetes_has_cut_are_warned_of() {
    let api = ApiServer::start();
    let mut endpoints = json!({
        "apiVersion": "v1", "kind": "Endpoints",
        "metadata": {
            "name": "myapp", "namespace": "default",
            "annotations": {"endpoints.kubernetes.io/over-capacity": "truncated"},
        },
        "subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"name": "http", "port": 80}]}],
    });
    api.put(endpoints.clone(), CORE, "endpoints");
    let line = "Endpoints default/myapp: truncated to 1,000 addresses by Kubernetes, the set myapp.default may be \
                incomplete; watch EndpointSlices instead";
    let watch = [("ROSTERD__KUBERNETES__WATCH", "endpoints")];
    let (code, _, err) = command(&api.kubeconfig(), &watch, &["check", "--kubeconfig", "kubeconfig"]);
    assert_eq!((code, err), (0, format!("warning: {line}\n")));

    let mut server =
        Rosterd::start_in_cluster(&api.kubeconfig(), "kubernetes.watch = \"endpoints\"\n[server]");
    server.wait_for_log(&format!("WARN {line}"));
    // What is left is served, and the line is not repeated with every change.
    endpoints["subsets"][0]["addresses"] = json!([{"ip": "10.0.0.2"}]);
    api.put(endpoints, CORE, "endpoints");
    wait_until(server.ipv4(), &set("default"), &["10.0.0.2"]);
    let (_, log) = server.terminate(Signal::SIGTERM);
    assert!(!log.iter().any(|line| line.contains("truncated")), "{log:?}");
}

#[test]
fn the_commands_list_a_cluster_once() {
    let api = ApiServer::start();
    api.put(slice("default", &["10.0.0.1", "10.0.0.2"]), DISCOVERY, "endpointslices");
    api.put(pod("default", "lonely", "10.0.0.9"), CORE, "pods");
    let kubeconfig = api.kubeconfig();
    let check = ["check", "--kubeconfig", "kubeconfig"];
    let (code, out, err) = command(&kubeconfig, &[], &check);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(
        out,
        "\
settings and access to the cluster are right: 1 object, 1 set, 2 peers

NAMESPACE  SET    PEERS  TOPOLOGY
default    myapp      2  every Service
"
    );
    // A context alone is one of the user's own kubeconfig.
    let (code, out, err) =
        command(&kubeconfig, &[("KUBECONFIG", "kubeconfig")], &["zone", "--context", "test"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("\"myapp@10.0.0.1\"") && !out.contains("10-0-0-9.default.pod"), "{out}");
    let pods = [("ROSTERD__KUBERNETES__WATCH_PODS", "true")];
    let (code, out, err) = command(&kubeconfig, &pods, &["zone", "--kubeconfig", "kubeconfig"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("10-0-0-9.default.pod.cluster.local."), "{out}");
    assert!(!out.contains("myapp@10.0.0.9"), "{out}");
    let pods = [("ROSTERD__KUBERNETES__WATCH", "pods")];
    let arguments = ["check", "--kubeconfig", "kubeconfig", "--name", "all", "--selector", "app=myapp"];
    let (code, out, err) = command(&kubeconfig, &pods, &arguments);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.ends_with("\ndefault    all      1  all\n"), "{out}");
}

#[test]
fn the_commands_name_every_right_that_is_missing() {
    let api = ApiServer::start();
    for (namespace, verb) in [("a", "list"), ("c", "watch")] {
        api.forbid(&format!("{verb} {DISCOVERY}/namespaces/{namespace}/endpointslices"), true);
    }
    let flags = ["--kubeconfig", "kubeconfig", "--namespace", "a", "--namespace", "b", "--namespace", "c"];
    for of in ["check", "zone"] {
        let (code, out, err) = command(&api.kubeconfig(), &[], &[&[of][..], &flags].concat());
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
        let lines: Vec<&str> = err.lines().collect();
        assert_eq!(lines.len(), 2, "{err}");
        for (line, (namespace, verb)) in lines.iter().zip([("a", "list"), ("c", "watch")]) {
            let begins = format!(
                "error: endpointslices in namespace {namespace}: not allowed to {verb} endpointslices.discovery.k8s.io"
            );
            assert!(line.starts_with(&begins) && line.contains("verbs: [list, watch]"), "{line}");
            assert!(!line.contains("trying again"), "{line}");
        }
    }
}

#[test]
fn what_stands_in_the_way_to_a_cluster_is_named() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let api = ApiServer::start();
    let unreachable = ApiServer::kubeconfig_of(nobody);
    for of in ["check", "zone"] {
        let (code, _, err) = command(&unreachable, &[], &[of, "--kubeconfig", "kubeconfig"]);
        assert_eq!(code, 1, "{err}");
        assert!(
            err.starts_with("error: endpointslices in all namespaces: no connection to the API server"),
            "{err}"
        );
        assert!(err.ends_with(&format!("; the API server is http://{nobody}\n")), "{err}");
    }
    let half = [("KUBERNETES_SERVICE_HOST", "127.0.0.1")];
    for of in ["check", "zone", "serve"] {
        for (environment, flags, says) in [
            (&[][..], &["--kubeconfig", "none"][..], "error: cannot read the kubeconfig none: "),
            (
                &[],
                &["--kubeconfig", "kubeconfig", "--context", "x"],
                "error: kubeconfig has no context \"x\": it has test",
            ),
            (&half, &[], "error: cannot reach the Kubernetes API from here: "),
        ] {
            let arguments = [&[of, "--listen", "127.0.0.1:0"][..], flags].concat();
            let (code, out, err) = command(&api.kubeconfig(), environment, &arguments);
            assert_eq!((code, out.as_str()), (1, ""), "{of}: {err}");
            assert!(err.starts_with(says), "{of}: {err}");
        }
    }
    assert!(api.requests().is_empty(), "{:?}", api.requests());
}

#[test]
fn a_namespace_or_a_label_that_nothing_has_is_named() {
    let api = ApiServer::start();
    api.put(slice("a", &["10.0.0.1"]), DISCOVERY, "endpointslices");
    let flags =
        ["--kubeconfig", "kubeconfig", "--selector", "app=myapp", "--namespace", "a", "--namespace", "b"];
    for of in ["check", "zone"] {
        let (code, _, err) = command(&api.kubeconfig(), &[], &[&[of][..], &flags].concat());
        assert_eq!(code, 0, "{err}");
        assert_eq!(
            err,
            "warning: there are no endpointslices in namespace b, with the labels app=myapp; does `kubectl get \
             endpointslices -n b -l 'app=myapp'` show any?\n"
        );
    }
}

#[test]
fn pods_that_are_watched_for_nothing_are_warned_of() {
    let api = ApiServer::start();
    api.put(slice("a", &["10.0.0.1"]), DISCOVERY, "endpointslices");
    api.put(pod("a", "lonely", "10.0.0.9"), CORE, "pods");
    let flags = ["check", "--kubeconfig", "kubeconfig", "--namespace", "a"];
    let pods = [("ROSTERD__KUBERNETES__WATCH_PODS", "true")];
    let (code, _, err) = command(&api.kubeconfig(), &pods, &flags);
    assert_eq!(code, 0, "{err}");
    assert_eq!(
        err,
        "warning: kubernetes.watch_pods (ROSTERD__KUBERNETES__WATCH_PODS): nothing is made of these Pods, as names of \
         pods are not verified (pods) and there are no reverse zones\n"
    );
}

#[test]
fn an_exec_plugin_that_hangs_does_not_hold_the_end_up() {
    let folder = tempfile::tempdir().unwrap();
    let begun = folder.path().join("begun");
    let mut kubeconfig: Value = serde_json::from_str(&ApiServer::start().kubeconfig()).unwrap();
    kubeconfig["users"][0]["user"]["exec"] = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never", "command": "sh",
        "args": ["-c", "echo $$ > \"$0.new\"; mv \"$0.new\" \"$0\"; exec sleep 600", begun],
    });
    let file = folder.path().join("kubeconfig");
    std::fs::write(&file, kubeconfig.to_string()).unwrap();
    let mut server = alone(&mut Command::new(env!("CARGO_BIN_EXE_rosterd")))
        .args(["serve", "--listen", "127.0.0.1:0", "--kubeconfig"])
        .arg(&file)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    while !begun.exists() {
        assert!(Instant::now() < deadline, "the plugin was not run");
        std::thread::yield_now();
    }
    let signal = |process, signal| nix::sys::signal::kill(Pid::from_raw(process), signal).unwrap();
    signal(server.id().try_into().unwrap(), Signal::SIGTERM);
    let ended = loop {
        match server.try_wait().unwrap() {
            Some(ended) => break Some(ended),
            None if Instant::now() >= deadline => break None,
            None => std::thread::yield_now(),
        }
    };
    // Neither outlives the test.
    let _ = server.kill();
    signal(std::fs::read_to_string(begun).unwrap().trim().parse().unwrap(), Signal::SIGKILL);
    assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
}
