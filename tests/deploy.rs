//! What `deploy/` ships agrees with itself, with the documentation and with the program, as far as that shows without other
//! programs. What those say is in `tests/interop/` and `tests/cluster/`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot read what is shipped has failed"
)]

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const ALERTS: &str = "deploy/monitoring/alerts.yaml";
const DASHBOARD: &str = "deploy/monitoring/dashboard.json";
const OPERATIONS: &str = "docs/operations.md";

fn text(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn alerts() -> Vec<Value> {
    let rules = yaml(ALERTS);
    let groups = rules["groups"].as_array().expect("groups");
    groups.iter().flat_map(|group| group["rules"].as_array().expect("rules")).cloned().collect()
}

#[test]
fn alerts_say_what_to_do() {
    let operations = text(OPERATIONS);
    let tested = text("deploy/monitoring/alerts_test.yaml");
    let alerts = alerts();
    assert!(!alerts.is_empty());
    for alert in &alerts {
        let name = alert["alert"].as_str().expect("a name");
        let runbook = format!("{OPERATIONS}#{}", name.to_lowercase());
        assert_eq!(alert["annotations"]["runbook"], runbook.as_str());
        assert!(operations.contains(&format!("\n### {name}\n")), "{OPERATIONS} has no heading {name}");
        assert!(alert["annotations"]["summary"].is_string(), "{name} has no summary");
        assert!(
            ["warning", "critical"].iter().any(|severity| alert["labels"]["severity"] == *severity),
            "{name}"
        );
        assert!(
            tested.contains(&format!("ALERTS{{alertname=\"{name}\", alertstate=\"firing\"}}")),
            "{name} is not tested"
        );
        assert!(tested.contains(&format!("- alertname: {name}\n")), "{name} is not tested while all is well");
    }
    // Nothing is said of alerts that do not exist.
    let headings = operations.lines().filter(|line| line.starts_with("### Rosterd")).count();
    assert_eq!(headings, alerts.len());
}

#[test]
fn the_alerts_of_the_operator_are_the_same() {
    let rule = yaml("deploy/components/prometheus-rule/prometheusrule.yaml");
    assert_eq!(rule["spec"], yaml(ALERTS));
}

#[test]
fn metrics_that_are_asked_for_exist() {
    let (operations, process) = (text(OPERATIONS), text("src/admin/process.rs"));
    let dashboard: Value = serde_json::from_str(&text(DASHBOARD)).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let mut queries: Vec<Value> = targets.map(|target| target["expr"].clone()).collect();
    queries.extend(alerts().iter().map(|alert| alert["expr"].clone()));
    let names: BTreeSet<String> = queries
        .iter()
        .flat_map(|query| {
            query.as_str().expect("a query").split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        })
        .filter(|word| word.starts_with("rosterd_") || word.starts_with("process_"))
        .map(|word| word.trim_end_matches("_bucket").to_owned())
        .collect();
    assert!(names.len() > 30, "{names:?}");
    for name in names {
        let known = operations.contains(&format!("`{name}`")) || process.contains(&format!("\"{name}\""));
        assert!(known, "nobody knows of {name}");
    }
}

/// The alert on memory is at four fifths of what the Pods may have.
#[test]
fn the_alert_on_memory_comes_before_the_limit() {
    let deployment = yaml("deploy/kubernetes/deployment.yaml");
    let limit = &deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"];
    let mebibytes = limit.as_str().and_then(|limit| limit.strip_suffix("Mi")).expect("a limit");
    let octets = mebibytes.parse::<u64>().expect("a number") * 1024 * 1024;
    let alerts = alerts();
    let alert = alerts.iter().find(|alert| alert["alert"] == "RosterdMemory").expect("the alert");
    let expression = alert["expr"].as_str().expect("an expression");
    assert!(expression.ends_with(&format!(" > {}", octets * 4 / 5)), "{expression} of {octets}");
}

#[test]
fn overlays_and_components_are_all_told_of() {
    let readme = text("deploy/README.md");
    for folder in ["overlays", "components"] {
        for entry in
            fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(folder)).expect("a folder")
        {
            let name = entry.expect("an entry").file_name();
            let link = format!("]({folder}/{}/", name.display());
            assert!(readme.contains(&link), "deploy/README.md has no link {link}...");
        }
    }
}

/// Each file of rights gives those to list and to watch one resource, and no other.
#[test]
fn rights_are_those_that_are_used() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kubernetes/rights");
    let mut resources = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("a file");
        for document in text.split("\n---\n") {
            let object: Value = serde_saphyr::from_str(document).expect("an object");
            if !matches!(object["kind"].as_str(), Some("Role" | "ClusterRole")) {
                continue;
            }
            let rules = object["rules"].as_array().expect("rules");
            let [rule] = rules.as_slice() else { panic!("{}: one rule: {rules:?}", path.display()) };
            assert_eq!(rule["verbs"], serde_json::json!(["list", "watch"]), "{}", path.display());
            let fields: Vec<&String> = rule.as_object().expect("a rule").keys().collect();
            assert_eq!(fields, ["apiGroups", "resources", "verbs"], "{}", path.display());
            resources.insert(format!("{} {}", rule["apiGroups"], rule["resources"]));
        }
    }
    let expected =
        [r#"[""] ["endpoints"]"#, r#"[""] ["pods"]"#, r#"["discovery.k8s.io"] ["endpointslices"]"#];
    assert_eq!(resources.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}
