//! What the program says of a cluster and ends: `check` and `zone`.

use crate::control_plane::ControlPlane;
use crate::rosterd::Rosterd;
use crate::workload::Namespace;
use serde_json::json;
use std::path::Path;
use std::process::{Command, Stdio};

/// Exit code, standard output and standard error.
fn run(kubeconfig: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_rosterd"))
        .args(arguments)
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .stdin(Stdio::null())
        .output()
        .expect("the program");
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_cluster_is_listed_once_with_the_rights_of_a_role() {
    let plane = ControlPlane::shared();
    let name = "one-shot";
    // The token comes from a program, as those of cloud providers do.
    let token = plane.token_with(name, &["one-namespace.yaml"]);
    let credential = json!({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": token}});
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never",
        "command": "echo", "args": [credential.to_string()],
    });
    let kubeconfig = plane.kubeconfig(name, plane.port(), &json!({"exec": exec}));
    let namespace = Namespace { api: &plane.api, name };
    for (service, label, address) in
        [("a", "myapp", "10.0.0.1"), ("b", "myapp", "10.0.0.2"), ("c", "other", "10.0.0.3")]
    {
        namespace.service(service, &json!({}));
        namespace.ready_pod(service, service, &[address]);
        namespace.label_service(service, &json!({"app": label}));
        namespace.wait_for_slice(service, address, label);
    }

    // The selector of one topology goes to the API server, two are told apart here.
    let flags = ["--namespace", name, "--name", "myapp", "--selector", "app=myapp"];
    let (code, out, err) = run(&kubeconfig, &[&["check"][..], &flags].concat());
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let head = "settings and access to the cluster are right";
    let table = "NAMESPACE  SET    PEERS  TOPOLOGY\none-shot   myapp      2  myapp\n";
    assert_eq!(out, format!("{head}: 2 objects, 1 set, 2 peers\n\n{table}"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("rosterd.toml");
    let topology = |set: &str| {
        format!("[[topologies]]\nname = \"{set}\"\nselector = \"app={set}\"\nnamespaces = [\"{name}\"]\n")
    };
    std::fs::write(&file, format!("{}{}", topology("myapp"), topology("other"))).expect("written settings");
    let settings = file.display().to_string();
    let (code, out, err) = run(&kubeconfig, &["check", "--config", &settings]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(out, format!("{head}: 3 objects, 2 sets, 3 peers\n\n{table}one-shot   other      1  other\n"));

    let zone = ["zone", "--config", &settings, "--origin", "peers.cluster.local"];
    let (code, out, err) = run(&kubeconfig, &zone);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    for node in ["\"myapp@10.0.0.1\"", "\"myapp@10.0.0.2\"", "\"other@10.0.0.3\""] {
        assert!(out.contains(node), "no {node} in\n{out}");
    }

    // What other settings would do to a server that watches the same.
    let doors = "[admin]\nlisten = []\napi = ['127.0.0.1:0']\n";
    let watched = format!("{}{}{doors}[server]\n", topology("myapp"), topology("other"));
    let mut rosterd = Rosterd::watch(&kubeconfig, &watched);
    rosterd.wait_for_log("ready after");
    let url = rosterd.seen().iter().find_map(|line| Some(line.split_once("and why, at ")?.1.to_owned()));
    let url = url.expect("the API's address");
    let (code, out, err) = run(&kubeconfig, &["check", "--config", &settings, "--against", &url]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(out, format!("nothing would change at {url}: 2 sets\n"));
    std::fs::write(&file, topology("myapp")).expect("written settings");
    let (code, out, err) = run(&kubeconfig, &["check", "--config", &settings, "--against", &url]);
    assert_eq!((code, err.as_str()), (Some(3), ""));
    assert!(out.starts_with("other.one-shot 1 → no such set\n"), "{out}");

    // Half of it is nothing, and the line says what the other half wants.
    for command in ["check", "zone"] {
        let arguments = [&[command][..], &flags, &["--namespace", "default"]].concat();
        let (code, out, err) = run(&kubeconfig, &arguments);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
        let missing = "error: endpointslices in namespace default: not allowed to list \
                       endpointslices.discovery.k8s.io in namespace \"default\"; a Role in default with";
        assert!(err.starts_with(missing) && err.lines().count() == 1, "{err}");
    }
}
