//! The API server takes the manifests in `deploy/kubernetes`, as they are.

use crate::overlays::deploy;
use crate::rights::{manifests, shipped_account};
use rosterd::config::{AdminSettings, File, Sources, load};
use serde_json::{Value, json};

#[test]
fn the_api_server_takes_the_manifests() {
    let plane = shipped_account();
    let folder = manifests().display().to_string();
    let arguments = ["apply", "--dry-run=server", "--validate=strict", "--warnings-as-errors", "-o", "json"];
    let list = plane.kubectl(&[&arguments[..], &["-k", &folder]].concat());
    let list: Value = serde_json::from_str(&list).expect("JSON");
    let mut kinds: Vec<&str> =
        list["items"].as_array().expect("items").iter().filter_map(|item| item["kind"].as_str()).collect();
    kinds.sort_unstable();
    let expected = [
        "ClusterRole",
        "ClusterRoleBinding",
        "ConfigMap",
        "Deployment",
        "Namespace",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Service",
        "ServiceAccount",
    ];
    assert_eq!(kinds, expected);

    let files = std::fs::read_dir(manifests().join("rights")).expect("a folder");
    for file in
        files.map(|file| file.expect("a file").path()).filter(|file| !file.ends_with("kustomization.yaml"))
    {
        let file = file.display().to_string();
        plane.kubectl(&[&arguments[..], &["-n", "default", "-f", &file]].concat());
    }
}

#[test]
fn the_settings_in_the_manifests_are_settings() {
    let path = manifests().join("rosterd.toml");
    let overlays = ["named-namespaces", "one-tenant"]
        .map(|name| deploy().join("overlays").join(name).join("rosterd.toml"));
    for path in [&overlays[..], &[path]].concat() {
        let text = std::fs::read_to_string(&path).expect("settings");
        let own_namespace = Some("team-c".to_owned());
        let sources = Sources { file: Some(File { path, text }), own_namespace, ..Sources::default() };
        let settings = load(&sources);
        assert!(settings.is_ok(), "{settings:?}");
    }
}

/// A Deployment is taken whatever its Pods ask for; whether they may have it shows when they are made.
#[test]
fn the_deployments_pods_may_run_where_they_are() {
    let plane = shipped_account();
    let folder = manifests().display().to_string();
    let list = plane.kubectl(&["apply", "--dry-run=server", "-o", "json", "-k", &folder]);
    let list: Value = serde_json::from_str(&list).expect("JSON");
    let deployment =
        list["items"].as_array().expect("items").iter().find(|item| item["kind"] == "Deployment");
    let template = &deployment.expect("a Deployment")["spec"]["template"];
    let pod = json!({"metadata": {"name": "rosterd"}, "spec": template["spec"]});
    let pods = "/api/v1/namespaces/rosterd/pods?dryRun=All";
    let made = plane.api.create(pods, &pod);
    assert_eq!(made["spec"]["serviceAccountName"], "rosterd");
    assert_eq!(made["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"], true);

    let container = &made["spec"]["containers"][0];
    let ports = container["ports"].as_array().expect("ports");
    let metrics = ports.iter().find(|port| port["name"] == "metrics").expect("a port");
    assert!(AdminSettings::LISTEN.iter().all(|address| metrics["containerPort"] == address.port()));
    for (probe, path) in [("livenessProbe", "/live"), ("readinessProbe", "/ready")] {
        let asked = &container[probe]["httpGet"];
        assert_eq!((&asked["path"], &asked["port"]), (&json!(path), &json!("metrics")), "{probe}");
    }

    // Who asks for more is refused: the namespace does enforce its standard.
    let mut greedy = pod;
    greedy["spec"]["containers"][0]["securityContext"]["capabilities"]["add"] = json!(["NET_ADMIN"]);
    let refused = plane.api.call(http::Method::POST, pods, "application/json", &greedy);
    let words = refused.expect_err("a refusal");
    assert!(words.contains("violates PodSecurity \"restricted"), "{words}");
}
