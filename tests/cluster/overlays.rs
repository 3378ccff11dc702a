//! The overlays and components of `deploy/`: the API server takes each of them, and their account may do what the server
//! does and nothing else.

use crate::control_plane::{ControlPlane, program};
use crate::rosterd::Rosterd;
use crate::scene::Answers;
use crate::wait::wait_until_equal;
use crate::workload::Namespace;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What operators have of the repository.
pub(crate) fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

/// A control plane for dry runs, on which nothing is installed.
pub(crate) fn plane() -> &'static ControlPlane {
    static PLANE: OnceLock<ControlPlane> = OnceLock::new();
    PLANE.get_or_init(with_namespaces)
}

/// One on which things are installed, each in namespaces of its own. What is installed in those that overlays name gives
/// no account a ClusterRole.
pub(crate) fn installed() -> &'static ControlPlane {
    static PLANE: OnceLock<ControlPlane> = OnceLock::new();
    PLANE.get_or_init(with_namespaces)
}

/// The namespaces that the overlays name, and the resources of the Prometheus Operator.
fn with_namespaces() -> ControlPlane {
    let plane = ControlPlane::start();
    for name in ["rosterd", "team-a", "team-b", "team-c"] {
        plane.api.create("/api/v1/namespaces", &json!({"metadata": {"name": name}}));
    }
    let definitions = program("prometheus-operator-crd").display().to_string();
    plane.kubectl(&["apply", "--server-side", "-f", &definitions]);
    plane.kubectl(&["wait", "--for=condition=Established", "crd", "--all"]);
    plane
}

/// The objects that the API server would make of a kustomization.
pub(crate) fn dry_run(folder: &Path) -> Vec<Value> {
    let folder = folder.display().to_string();
    let arguments = [
        "apply",
        "--dry-run=server",
        "--validate=strict",
        "--warnings-as-errors",
        "-o",
        "json",
        "-k",
        &folder,
    ];
    let list: Value = serde_json::from_str(&plane().kubectl(&arguments)).expect("JSON");
    list["items"].as_array().expect("items").clone()
}

pub(crate) fn named<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let object = objects.iter().find(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    object.unwrap_or_else(|| panic!("no {kind} {name} in {objects:#?}"))
}

/// `kind namespace/name` of each, sorted.
fn names(objects: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let name = |object: &Value| {
        let metadata = &object["metadata"];
        let name = text(&metadata["name"]);
        // A ConfigMap's name ends in a hash.
        let name = name
            .strip_prefix("rosterd-")
            .filter(|_| object["kind"] == "ConfigMap")
            .map_or(name.clone(), |_| "rosterd-HASH".to_owned());
        format!("{} {}/{name}", text(&object["kind"]), text(&metadata["namespace"]))
    };
    let mut names: Vec<String> = objects.iter().map(name).collect();
    names.sort_unstable();
    names
}

#[test]
fn the_service_has_the_address_that_was_chosen() {
    let objects = dry_run(&deploy().join("overlays/fixed-address"));
    let service = named(&objects, "Service", "rosterd");
    assert_eq!(
        (&service["spec"]["clusterIP"], &service["spec"]["ports"][0]["port"]),
        (&json!("10.96.0.53"), &json!(53))
    );
    let container = &named(&objects, "Deployment", "rosterd")["spec"]["template"]["spec"]["containers"][0];
    let advertise = json!({"name": "ROSTERD__SERVER__ADVERTISE", "value": "10.96.0.53"});
    assert!(container["env"].as_array().expect("variables").contains(&advertise));
    assert_eq!(container["ports"][0]["containerPort"], 5300);
}

#[test]
fn a_replica_on_every_node() {
    let objects = dry_run(&deploy().join("overlays/node-local"));
    let set = &named(&objects, "DaemonSet", "rosterd")["spec"];
    assert_eq!(
        set["updateStrategy"],
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}})
    );
    assert_eq!(set["template"]["spec"]["hostNetwork"], Value::Null);
    let near = &named(&objects, "Service", "rosterd-node")["spec"];
    assert_eq!((&near["clusterIP"], &near["internalTrafficPolicy"]), (&json!("10.96.0.54"), &json!("Local")));
    let far = &named(&objects, "Service", "rosterd")["spec"];
    assert_eq!((&far["clusterIP"], &far["internalTrafficPolicy"]), (&json!("10.96.0.53"), &json!("Cluster")));
    for kind in ["Deployment", "PodDisruptionBudget"] {
        assert!(objects.iter().all(|object| object["kind"] != kind), "{kind}");
    }
}

/// The whole ConfigMap that is shown for kubeadm.
#[test]
fn the_api_server_takes_the_corefile() {
    let file = deploy().join("coredns/kubeadm.yaml").display().to_string();
    let map = plane().kubectl(&["apply", "--dry-run=server", "--validate=strict", "-o", "json", "-f", &file]);
    let map: Value = serde_json::from_str(&map).expect("JSON");
    let mut rosterd = Command::new(env!("CARGO_BIN_EXE_rosterd"));
    let stanza =
        rosterd.args(["stanza", "--for", "coredns", "--at", "10.96.0.53"]).output().expect("the program");
    let stanza = String::from_utf8(stanza.stdout).expect("UTF-8 text");
    let stanza: Vec<&str> =
        stanza.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(stanza.len() > 3, "{stanza:?}");
    assert!(
        map["data"]["Corefile"].as_str().expect("text").trim_end().ends_with(&stanza.join("\n")),
        "{map}"
    );
}

#[test]
fn components_fit_an_overlay_of_ones_own() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    copy(&deploy(), folder.path());
    let own = folder.path().join("overlays/own");
    fs::create_dir(&own).expect("a folder");
    let mut components: Vec<String> = fs::read_dir(deploy().join("components"))
        .expect("a folder")
        .map(|entry| format!("../../components/{}", entry.expect("an entry").file_name().display()))
        .collect();
    // In the order of their names, what changes the kind of the Deployment comes behind what changes it.
    components.sort_unstable();
    assert_eq!(components.len(), 7, "{components:?}");
    let kustomization = json!({"resources": ["../named-namespaces"], "components": components});
    fs::write(own.join("kustomization.yaml"), kustomization.to_string()).expect("a written kustomization");
    let objects = dry_run(&own);
    for kind in ["ServiceMonitor", "PodMonitor", "PrometheusRule"] {
        let spec = &named(&objects, kind, "rosterd")["spec"];
        assert!(spec["jobLabel"] == "app.kubernetes.io/name" || kind == "PrometheusRule", "{spec}");
    }
    named(&objects, "DaemonSet", "rosterd");
    let egress = &named(&objects, "NetworkPolicy", "rosterd-egress")["spec"];
    assert_eq!(egress["policyTypes"], json!(["Egress"]));
}

/// Copies a folder's contents into another one, which is made.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    let copied = Command::new("cp").arg("-r").arg(from.join(".")).arg(to).status().expect("cp");
    assert!(copied.success(), "{} is not copied", from.display());
}

/// What an account may do in a namespace and others without any rights of their own may not: lines of
/// `kubectl auth can-i --list`.
pub(crate) fn rights(plane: &ControlPlane, account: &str, namespace: &str) -> BTreeSet<String> {
    let list = |account: &str| -> BTreeSet<String> {
        let account = format!("--as=system:serviceaccount:{account}");
        let groups = ["--as-group=system:serviceaccounts", "--as-group=system:authenticated"];
        let arguments = ["auth", "can-i", "--list", "--no-headers", "-n", namespace, &account];
        let list = plane.kubectl(&[&arguments[..], &groups].concat());
        list.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    let everybody = list("default:default");
    assert!(everybody.iter().any(|line| line.contains("/api/*")), "{everybody:?}");
    list(account).difference(&everybody).cloned().collect()
}

/// The one right that there is: to list and to watch slices.
pub(crate) fn slices_only() -> BTreeSet<String> {
    BTreeSet::from(["endpointslices.discovery.k8s.io [] [] [list watch]".to_owned()])
}

#[test]
fn rights_in_named_namespaces_and_in_no_other() {
    let plane = installed();
    let overlay = deploy().join("overlays/named-namespaces");
    let expected = [
        "ConfigMap rosterd/rosterd-HASH",
        "Deployment rosterd/rosterd",
        "Namespace -/rosterd",
        "NetworkPolicy rosterd/rosterd",
        "PodDisruptionBudget rosterd/rosterd",
        "Role team-a/rosterd",
        "Role team-b/rosterd",
        "RoleBinding team-a/rosterd",
        "RoleBinding team-b/rosterd",
        "Service rosterd/rosterd",
        "ServiceAccount rosterd/rosterd",
    ];
    assert_eq!(names(&dry_run(&overlay)), expected);
    plane.kubectl(&["apply", "-k", &overlay.display().to_string()]);
    for namespace in ["team-a", "team-b"] {
        assert_eq!(rights(plane, "rosterd:rosterd", namespace), slices_only(), "{namespace}");
    }
    for namespace in ["default", "kube-system", "rosterd"] {
        assert_eq!(rights(plane, "rosterd:rosterd", namespace), BTreeSet::new(), "{namespace}");
    }
    // That is enough: the settings as shipped, with the token of that account.
    let namespace = Namespace { api: &plane.api, name: "team-b" };
    namespace.service("named", &json!({}));
    namespace.label_service("named", &json!({"rosterd.io/publish": "true"}));
    namespace.ready_pod("named", "named", &["10.0.1.1"]);
    namespace.service("kept", &json!({}));
    namespace.ready_pod("kept", "kept", &["10.0.1.2"]);
    namespace.wait_for_slice("kept", "10.0.1.2", "myapp");
    let rosterd = shipped(plane, "rosterd", &overlay.join("rosterd.toml"));
    let answers = |set: &str| Answers::of(&rosterd, &format!("{set}.team-b.svc.peers.cluster.local."));
    wait_until_equal("a published Service", &BTreeSet::from(["named@10.0.1.1".to_owned()]), || {
        answers("named").txt
    });
    assert_eq!(answers("kept").codes, BTreeSet::from(["NXDomain".to_owned()]));
}

#[test]
fn an_instance_of_a_teams_own_sees_nothing_else() {
    let plane = installed();
    let overlay = deploy().join("overlays/one-tenant");
    let expected = [
        "ConfigMap team-c/rosterd-HASH",
        "Deployment team-c/rosterd",
        "NetworkPolicy team-c/rosterd",
        "PodDisruptionBudget team-c/rosterd",
        "Role team-c/rosterd",
        "RoleBinding team-c/rosterd",
        "Service team-c/rosterd",
        "ServiceAccount team-c/rosterd",
    ];
    let objects = dry_run(&overlay);
    assert_eq!(names(&objects), expected);
    let subject = &named(&objects, "RoleBinding", "rosterd")["subjects"][0];
    assert_eq!(subject["namespace"], "team-c");
    plane.kubectl(&["apply", "-k", &overlay.display().to_string()]);
    assert_eq!(rights(plane, "team-c:rosterd", "team-c"), slices_only());
    for namespace in ["default", "team-a", "rosterd"] {
        assert_eq!(rights(plane, "team-c:rosterd", namespace), BTreeSet::new(), "{namespace}");
    }
    // Kubernetes, NetworkPolicy: "podSelector: This selects particular Pods in the same namespace as the NetworkPolicy".
    let ingress = &named(&objects, "NetworkPolicy", "rosterd")["spec"]["ingress"];
    let [rule] = ingress.as_array().expect("rules").as_slice() else { panic!("one rule: {ingress}") };
    assert_eq!(rule["from"], json!([{"podSelector": {}}]));
    assert_eq!(rule["ports"].as_array().map(Vec::len), Some(3));

    // What its own account sees, on the settings as shipped: the team's published Services, in the team's zone, and no other's.
    for (name, address) in [("team-c", "10.0.3.1"), ("team-a", "10.0.3.2")] {
        let namespace = Namespace { api: &plane.api, name };
        namespace.service("shop", &json!({}));
        namespace.label_service("shop", &json!({"rosterd.io/publish": "true"}));
        namespace.ready_pod("shop", "shop", &[address]);
        namespace.wait_for_slice("shop", address, "myapp");
    }
    let rosterd = shipped(plane, "team-c", &overlay.join("rosterd.toml"));
    let answers = |name: &str| Answers::of(&rosterd, name);
    let peers = || answers("shop.team-c.svc.team-c.internal.").txt;
    wait_until_equal(
        "its peers",
        &BTreeSet::from(["shop@10-0-3-1.shop.team-c.svc.team-c.internal".to_owned()]),
        peers,
    );
    for (name, code) in [
        ("shop.team-a.svc.team-c.internal.", "NXDomain"),
        ("shop.team-c.svc.peers.cluster.local.", "Refused"),
        ("10-0-3-1.team-c.pod.cluster.local.", "Refused"),
    ] {
        assert_eq!(answers(name).codes, BTreeSet::from([code.to_owned()]), "{name}");
    }
}

/// The server on settings that are shipped, with the token of the account `rosterd` in a namespace.
fn shipped(plane: &ControlPlane, namespace: &str, settings: &Path) -> Rosterd {
    let token = plane.token_of(namespace, "rosterd");
    let kubeconfig =
        plane.kubeconfig(&format!("shipped-{namespace}"), plane.port(), &json!({"token": token}));
    let settings = fs::read_to_string(settings).expect("settings");
    let listen = settings.lines().find(|line| line.starts_with("listen = ")).expect("a listener");
    let mut program = Command::new(env!("CARGO_BIN_EXE_rosterd"));
    // A Pod has it from the folder of its account.
    program.env("POD_NAMESPACE", namespace).env("ROSTERD__KUBERNETES__KUBECONFIG", kubeconfig);
    let rosterd = Rosterd::start_by(program, &settings.replace(listen, ""));
    assert!(settings.contains("rosterd.io/publish=true"));
    rosterd
}
