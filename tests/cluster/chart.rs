//! The Helm chart: it makes what the kustomization makes, its values are checked before anything is applied, and the API
//! server takes what it renders.

use crate::control_plane::{ControlPlane, program};
use crate::overlays::{deploy, installed, named, plane, rights, slices_only};
use rosterd::config::{File, Sources, load};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

fn chart() -> String {
    deploy().join("helm/rosterd").display().to_string()
}

fn helm(arguments: &[&str]) -> Output {
    Command::new(program("helm")).args(arguments).output().expect("helm")
}

/// What the chart renders with such values, `--set` by `--set`.
fn template(values: &[&str]) -> Result<Vec<Value>, String> {
    let chart = chart();
    let mut arguments = vec!["template", "rosterd", &chart, "--namespace", "rosterd"];
    arguments.extend(values.iter().flat_map(|value| ["--set", value]));
    let output = helm(&arguments);
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8(output.stdout).expect("UTF-8 text");
    let documents = text.split("\n---\n").map(|document| document.trim_start_matches("---\n"));
    Ok(documents.map(|document| serde_saphyr::from_str(document).expect("an object")).collect())
}

#[test]
fn helm_finds_nothing_wrong_with_the_chart() {
    let output = helm(&["lint", "--strict", "--quiet", &chart()]);
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}

/// What differs between the two on purpose: labels by which Helm knows its own, and the hash of the settings, which is in a
/// name here and in an annotation there.
fn comparable(objects: &[Value]) -> BTreeMap<String, Value> {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for label in [
                    "app.kubernetes.io/instance",
                    "app.kubernetes.io/version",
                    "app.kubernetes.io/managed-by",
                    "helm.sh/chart",
                    "rosterd.io/settings",
                ] {
                    fields.remove(label);
                }
                fields.values_mut().for_each(strip);
                fields.retain(|key, value| key != "annotations" || *value != json!({}));
            }
            Value::Array(elements) => elements.iter_mut().for_each(strip),
            _ => {}
        }
    }
    objects
        .iter()
        .map(|object| {
            let mut object = object.clone();
            strip(&mut object);
            if object["kind"] == "ConfigMap" {
                object["metadata"]["name"] = json!("rosterd");
                // Comments and the order of keys: what is meant is compared below.
                object["data"] = json!({});
            }
            if let Some(volumes) =
                object.pointer_mut("/spec/template/spec/volumes").and_then(Value::as_array_mut)
            {
                for volume in volumes.iter_mut().filter(|volume| volume["configMap"].is_object()) {
                    volume["configMap"]["name"] = json!("rosterd");
                }
            }
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            (format!("{}/{}", text(&object["kind"]), text(&object["metadata"]["name"])), object)
        })
        .collect()
}

fn settings(objects: &[Value]) -> String {
    let map = objects.iter().find(|object| object["kind"] == "ConfigMap").expect("a ConfigMap");
    map["data"]["rosterd.toml"].as_str().expect("settings").to_owned()
}

fn kustomize(plane: &ControlPlane, overlay: &str) -> Vec<Value> {
    let text = plane.kubectl(&["kustomize", &deploy().join(overlay).display().to_string()]);
    text.split("\n---\n").map(|document| serde_saphyr::from_str(document).expect("an object")).collect()
}

fn effective(text: &str) -> String {
    let file = File { path: PathBuf::from("rosterd.toml"), text: text.to_owned() };
    let loaded = load(&Sources { file: Some(file), ..Sources::default() }).expect("settings");
    format!("{:?}", loaded.settings)
}

#[test]
fn the_chart_makes_what_the_kustomizations_make() {
    let plane = plane();
    let address = "service.clusterIP=10.96.0.53";
    let local = ["nodeLocal.enabled=true", "nodeLocal.clusterIP=10.96.0.54", address];
    let encrypted = ["encrypted.enabled=true", address];
    for (overlay, values) in [
        ("kubernetes", &[][..]),
        ("overlays/fixed-address", &[address]),
        ("overlays/node-local", &local),
        ("overlays/encrypted", &encrypted),
    ] {
        let kustomized = kustomize(plane, overlay);
        let rendered = template(values).expect("manifests");
        assert_eq!(effective(&settings(&rendered)), effective(&settings(&kustomized)), "{overlay}");
        let mut expected = comparable(&kustomized);
        // Helm makes the namespace itself.
        expected.remove("Namespace/rosterd");
        let mut found = comparable(&rendered);
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{overlay}");
        for (name, object) in &mut found {
            if let Some(container) =
                object.pointer_mut("/spec/template/spec/containers/0").and_then(Value::as_object_mut)
            {
                assert_eq!(container.remove("imagePullPolicy"), Some(json!("IfNotPresent")));
            }
            assert_eq!(object, &expected[name], "{overlay}: {name}");
        }
    }
}

#[test]
fn the_api_server_takes_what_the_chart_makes_of_all_values() {
    let plane = plane();
    let values = [
        "service.clusterIP=10.96.0.63",
        "monitoring.serviceMonitor=true",
        "monitoring.podMonitor=true",
        "monitoring.prometheusRule=true",
        "monitoring.labels.release=prometheus",
        "networkPolicy.egress.enabled=true",
        "rbac.namespaces={team-a,team-b}",
        "rbac.resources={endpointslices,endpoints,pods}",
        "serviceAccount.annotations.a=b",
        "service.annotations.a=b",
        "podAnnotations.a=b",
        "podLabels.a=b",
        "priorityClassName=system-cluster-critical",
        "image.pullSecrets[0].name=registry",
        "image.digest=sha256:0123456789012345678901234567890123456789012345678901234567890123",
        "env[0].name=RUST_LOG",
        "env[0].value=debug",
        "tolerations[0].operator=Exists",
        "affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution=null",
        "nameOverride=other",
        "encrypted.enabled=true",
        "encrypted.secretName=other-tls",
    ];
    for more in [&[][..], &["nodeLocal.enabled=true"]] {
        let rendered = template(&[&values[..], more].concat()).expect("manifests");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let list = json!({"apiVersion": "v1", "kind": "List", "items": rendered});
        let file = folder.path().join("list.json");
        fs::write(&file, list.to_string()).expect("a written list");
        let arguments = ["apply", "--dry-run=server", "--validate=strict", "--warnings-as-errors", "-f"];
        plane.kubectl(&[&arguments[..], &[&file.display().to_string()]].concat());
        named(&rendered, "PrometheusRule", "other");
    }
}

#[test]
fn the_chart_is_installed_changed_and_taken_away() {
    let plane = installed();
    let run = |arguments: &[&str]| {
        let output = Command::new(program("helm"))
            .args(arguments)
            .args(["--namespace", "chart"])
            .env("KUBECONFIG", plane.administrator())
            .output()
            .expect("helm");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let address = "service.clusterIP=10.96.0.73";
    let said = run(&["install", "by-helm", &chart(), "--create-namespace", "--set", address]);
    for line in ["rosterd serves peers.cluster.local at 10.96.0.73.", "      forward . 10.96.0.73\n"] {
        assert!(said.contains(line), "{said}");
    }
    let deployment = "/apis/apps/v1/namespaces/chart/deployments/by-helm";
    assert_eq!(plane.api.get(deployment)["spec"]["replicas"], 2);
    for namespace in ["default", "kube-system", "chart"] {
        assert_eq!(rights(plane, "chart:by-helm", namespace), slices_only(), "{namespace}");
    }
    run(&["upgrade", "by-helm", &chart(), "--reuse-values", "--set", "replicas=3"]);
    assert_eq!(plane.api.get(deployment)["spec"]["replicas"], 3);
    assert_eq!(plane.api.get("/api/v1/namespaces/chart/services/by-helm")["spec"]["clusterIP"], "10.96.0.73");
    run(&["uninstall", "by-helm"]);
    assert!(plane.api.try_get("/api/v1/namespaces/chart/services/by-helm").is_err());
    assert!(plane.api.try_get("/apis/rbac.authorization.k8s.io/v1/clusterroles/by-helm").is_err());
}

/// Every kind of value there is in settings.
#[test]
fn values_become_settings() {
    let rendered = template(&[
        "settings.zone=peers.example.org",
        "settings.label_settings=false",
        "settings.reverse_zones={10.0.0.0/8,fd00::/8}",
        "settings.topologies[0].name=myapp",
        "settings.topologies[0].selector=app in (a\\,b)",
        "settings.topologies[0].ttl=30",
        "settings.topologies[0].namespaces={default}",
        "settings.topologies[1].selector=tier=\"x\"",
        "settings.server.ttl=0",
        "settings.server.tcp.idle_timeout=20s",
        "settings.server.access[0].action=deny",
        "settings.server.access[0].clients={10.0.0.0/8}",
        "settings.log.level=debug",
    ]);
    let text = settings(&rendered.expect("manifests"));
    let expected = r#"label_settings = false
reverse_zones = ["10.0.0.0/8", "fd00::/8"]
zone = "peers.example.org"

[log]
level = "debug"

[server]
access = [{ action = "deny", clients = ["10.0.0.0/8"] }]
listen = ["0.0.0.0:5300", "[::]:5300"]
tcp = { idle_timeout = "20s" }
ttl = 0

[[topologies]]
name = "myapp"
namespaces = ["default"]
selector = "app in (a,b)"
ttl = 30

[[topologies]]
selector = "tier=\"x\""
"#;
    assert_eq!(text, expected);
}

#[test]
fn wrong_values_are_refused() {
    for (value, about) in [
        ("replicas=0", "replicas"),
        ("replica=2", "replica"),
        ("image.repository=", "repository"),
        ("image.digest=latest", "digest"),
        ("service.clusterIP=rosterd", "clusterIP"),
        ("service.port=53", "port"),
        ("rbac.resources={secrets}", "resources"),
        ("rbac.namespaces={Team}", "namespaces"),
        ("settings.pods=all", "pods"),
        ("settings.server.listen={:53}", "listen"),
        ("settings.server.udp_max=100", "udp_max"),
        ("settings.topologies[0].mode=pod", "mode"),
        ("monitoring.interval=often", "interval"),
        ("encrypted.secretName=", "secretName"),
    ] {
        let refused = template(&[value]).expect_err(value);
        let line = refused.lines().find(|line| line.starts_with("- at ") && line.contains(about));
        assert!(
            refused.contains("values don't meet the specifications of the schema") && line.is_some(),
            "{value}: {refused}"
        );
    }
}

/// The chart holds a copy, because it can read nothing outside of itself.
#[test]
fn the_chart_has_the_alerts() {
    let alerts = fs::read_to_string(deploy().join("monitoring/alerts.yaml")).expect("alerts");
    assert_eq!(fs::read_to_string(deploy().join("helm/rosterd/files/alerts.yaml")).expect("alerts"), alerts);
    let rendered = template(&["monitoring.prometheusRule=true"]).expect("manifests");
    let expected: Value = serde_saphyr::from_str(&alerts).expect("alerts");
    assert_eq!(named(&rendered, "PrometheusRule", "rosterd")["spec"], expected);
}
