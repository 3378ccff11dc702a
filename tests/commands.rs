//! What the commands make of manifests.

#![allow(clippy::unwrap_used, reason = "a test that cannot run the program has failed")]

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A slice with two ready peers, one that is not, and a Service that is not read.
const MANIFEST: &str = "\
apiVersion: v1
kind: List
items:
- apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata:
    name: myapp-x1
    namespace: default
    labels: {kubernetes.io/service-name: myapp, app: myapp}
  addressType: IPv4
  endpoints:
  - addresses: [10.0.0.1]
    conditions: {ready: true}
  - addresses: [10.0.0.2]
  - addresses: [10.0.0.3]
    conditions: {ready: false}
  ports:
  - {name: http, port: 8080, protocol: TCP}
- apiVersion: v1
  kind: Service
  metadata: {name: myapp, namespace: default}
";

/// Runs the program in an empty environment, in a folder that holds the manifest.
fn rosterd(arguments: &[&str], input: &str) -> Output {
    rosterd_in(&[], arguments, input)
}

/// The same in an environment of these variables.
fn rosterd_in(environment: &[(&str, &str)], arguments: &[&str], input: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("endpoints.yaml"), MANIFEST).unwrap();
    std::fs::write(folder.path().join("broken.yaml"), "a: [1\nb: }\n").unwrap();
    start(folder.path(), environment, arguments, input)
}

fn start(folder: &Path, environment: &[(&str, &str)], arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rosterd"))
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn texts(output: &Output) -> (i32, String, String) {
    let text = |octets: &[u8]| String::from_utf8(octets.to_owned()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn check_tells_what_would_be_served() {
    for (arguments, input) in
        [(&["check", "--manifest", "endpoints.yaml"][..], ""), (&["check", "--manifest", "-"], MANIFEST)]
    {
        let (code, out, err) = texts(&rosterd(arguments, input));
        assert_eq!((code, err.as_str()), (0, ""));
        assert_eq!(
            out,
            "\
settings and manifests are right: 1 object, 1 set, 2 peers
skipped: 1 object of kind Service

NAMESPACE  SET    PEERS  TOPOLOGY
default    myapp      2  every Service
"
        );
    }
}

#[test]
fn a_topology_by_flags_gathers_a_set() {
    let flags = ["--selector", "app=myapp", "--name", "all", "--include", "all", "--basename", "node"];
    let arguments = [&["check", "--manifest", "endpoints.yaml"][..], &flags].concat();
    let (code, out, _) = texts(&rosterd(&arguments, ""));
    assert_eq!(code, 0);
    assert!(out.ends_with("\ndefault    all      3  all\n"), "{out}");
    let arguments = [&["zone", "--manifest", "endpoints.yaml"][..], &flags].concat();
    let (_, out, _) = texts(&rosterd(&arguments, ""));
    assert!(out.contains("node@10.0.0.3"), "{out}");
    let arguments = ["check", "--manifest", "endpoints.yaml", "--selector", "app=other"];
    let (code, out, _) = texts(&rosterd(&arguments, ""));
    assert_eq!(code, 0);
    assert!(out.contains("namespace default: 1 object that no topology takes\n"), "{out}");
    assert!(out.ends_with("no sets: no object matches\n"), "{out}");
}

#[test]
fn zone_prints_master_files() {
    let arguments = ["zone", "--manifest", "-", "--reverse-zone", "10.0.0.0/8", "--advertise", "192.0.2.1"];
    let (code, out, err) = texts(&rosterd(&arguments, MANIFEST));
    assert_eq!((code, err.as_str()), (0, ""));
    let heads: Vec<&str> = out.lines().filter(|line| line.starts_with([';', '$'])).collect();
    assert_eq!(
        heads,
        [
            "; zone 10.in-addr.arpa.",
            "$ORIGIN 10.in-addr.arpa.",
            "; zone pod.cluster.local.",
            "$ORIGIN pod.cluster.local.",
            "; zone peers.cluster.local.",
            "$ORIGIN peers.cluster.local.",
        ]
    );
    let records: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    for record in [
        "myapp.default.svc.peers.cluster.local. 5 IN TXT \"myapp@10.0.0.1\"",
        "myapp.default.svc.peers.cluster.local. 5 IN A 10.0.0.2",
        "_http._tcp.myapp.default.svc.peers.cluster.local. 5 IN SRV 0 10 8080 10-0-0-1.default.pod.cluster.local.",
        "10-0-0-3.default.pod.cluster.local. 5 IN A 10.0.0.3",
        "1.0.0.10.in-addr.arpa. 5 IN PTR 10-0-0-1.default.pod.cluster.local.",
        "ns.dns.peers.cluster.local. 5 IN A 192.0.2.1",
    ] {
        assert!(records.contains(&record.split_whitespace().collect()), "{record} is not in\n{out}");
    }
}

#[test]
fn the_nameserver_has_the_addresses_of_the_pod() {
    let arguments = ["zone", "--manifest", "-", "--origin", "peers.cluster.local"];
    let environment = [("POD_IPS", "unset"), ("POD_IP", "192.0.2.7")];
    let (code, out, err) = texts(&rosterd_in(&environment, &arguments, MANIFEST));
    assert_eq!((code, err.as_str()), (0, "warning: POD_IPS: \"unset\" is not an IP address; ignored\n"));
    let nameserver = out.lines().filter(|line| line.starts_with("ns.dns."));
    let addresses: Vec<&str> = nameserver.filter_map(|line| line.split_whitespace().last()).collect();
    assert_eq!(addresses, ["192.0.2.7"]);
}

#[test]
fn zone_prints_the_one_that_is_asked_for() {
    let all = ["zone", "--manifest", "-", "--reverse-zone", "10.0.0.0/8"];
    let (_, together, _) = texts(&rosterd(&all, MANIFEST));
    let mut apart = Vec::new();
    for origin in ["10.in-addr.arpa", "pod.cluster.local.", "Peers.Cluster.Local"] {
        let (code, out, err) = texts(&rosterd(&[&all[..], &["--origin", origin]].concat(), MANIFEST));
        assert_eq!((code, err.as_str()), (0, ""), "{origin}");
        let soas = out.lines().filter(|line| line.split_whitespace().nth(3) == Some("SOA"));
        // RFC 1035 5.2: "Exactly one SOA RR should be present at the top of the zone."
        assert_eq!(soas.count(), 1, "{out}");
        apart.push(out);
    }
    // Each run has serials of its own.
    let without_soa = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.contains("SOA")).map(str::to_owned).collect()
    };
    assert_eq!(without_soa(&apart.join("\n")), without_soa(&together));
    let (code, out, err) = texts(&rosterd(&[&all[..], &["--origin", "cluster.local"]].concat(), MANIFEST));
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(
        err,
        "error: no zone is called \"cluster.local\"; there are 10.in-addr.arpa., pod.cluster.local., \
         peers.cluster.local.\n"
    );
}

#[test]
fn manifests_that_cannot_be_read_are_named_all_at_once() {
    for command in ["check", "zone", "serve"] {
        let arguments =
            [command, "--manifest", "none.yaml", "--manifest", "broken.yaml", "--listen", "127.0.0.1:0"];
        let (code, out, err) = texts(&rosterd(&arguments, ""));
        assert_eq!((code, out.as_str()), (1, ""), "{command}");
        let lines: Vec<&str> = err.lines().collect();
        assert_eq!(lines.len(), 2, "{err}");
        assert!(lines[0].starts_with("error: none.yaml: "), "{err}");
        assert!(lines[1].starts_with("error: broken.yaml:2:"), "{err}");
    }
}

#[test]
fn a_reader_of_zones_that_leaves_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let slice = |number: usize| {
        let one = MANIFEST.replace("myapp", &format!("myapp-{number}"));
        format!("---\n{one}")
    };
    std::fs::write(folder.path().join("many.yaml"), (0..500).map(slice).collect::<String>()).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_rosterd"))
        .args(["zone", "--manifest", "many.yaml"])
        .env_clear()
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0_u8; 6];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    assert_eq!(&first, b"; zone");
    let (code, _, err) = texts(&child.wait_with_output().unwrap());
    assert_eq!((code, err.as_str()), (0, ""));
}
