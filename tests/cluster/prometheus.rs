//! A real Prometheus scrapes two replicas, evaluates the shipped alert rules and answers every query of the dashboard.

use crate::client::{Transport, ask};
use crate::control_plane::ControlPlane;
use crate::process::{Folder, Process};
use crate::relay::Relay;
use crate::rosterd::{Rosterd, unused_port};
use crate::scene::set;
use crate::wait::{wait_for, wait_until_equal};
use crate::workload::Namespace;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

const ALERTS: &str = include_str!("../../deploy/monitoring/alerts.yaml");
const DASHBOARD: &str = include_str!("../../deploy/monitoring/dashboard.json");

/// The shipped rules, and the same ones without their patience, under another name: with no `for`, and with a replica behind
/// that is so by three seconds rather than five minutes.
const SHIPPED: &str = "name: rosterd";
const IMPATIENT: &str = "name: impatient";

const OPERATIONS: &str = include_str!("../../docs/operations.md");

/// Settings of a replica that keeps its state in a folder.
fn settings(folder: &Path) -> String {
    format!(
        "[kubernetes]\nstale_after = '10s'\n[admin]\nlisten = ['127.0.0.1:0']\napi = []\n\
         [state]\ndirectory = '{}'\ninterval = '1s'\n[server]",
        folder.display()
    )
}

/// A running Prometheus.
struct Prometheus {
    process: Process,
    port: u16,
    // Goes last, when nobody writes into it any more.
    _folder: Folder,
}

impl Prometheus {
    /// Scrapes these addresses, and evaluates the rules, every second.
    fn start(targets: &[String]) -> Prometheus {
        let folder = Folder::create();
        let impatient: Vec<&str> = ALERTS.lines().filter(|line| !line.trim().starts_with("for: ")).collect();
        let impatient = impatient.join("\n").replace(SHIPPED, IMPATIENT).replace("offset 5m", "offset 3s");
        fs::write(folder.path().join("alerts.yaml"), ALERTS).expect("written rules");
        fs::write(folder.path().join("impatient.yaml"), impatient).expect("written rules");
        let configuration = json!({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": ["alerts.yaml", "impatient.yaml"],
            "scrape_configs": [{"job_name": "rosterd", "static_configs": [{"targets": targets}]}],
        });
        fs::write(folder.path().join("prometheus.yml"), configuration.to_string()).expect("a configuration");
        let port = unused_port();
        let arguments = [
            "--config.file=prometheus.yml".to_owned(),
            "--storage.tsdb.path=data".to_owned(),
            format!("--web.listen-address=127.0.0.1:{port}"),
        ];
        let process = Process::start(folder.path(), "prometheus", Path::new("prometheus"), &arguments);
        Prometheus { process, port, _folder: folder }
    }

    /// What its API says to a path; nothing while it does not answer.
    fn api(&self, path: &str) -> Option<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        // 1.0: the answer ends with the connection, and has no chunks.
        write!(stream, "GET /api/v1/{path} HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }

    /// The values of an instant query that are numbers.
    fn values(&self, query: &str) -> Vec<f64> {
        let encoded = query.bytes().fold(String::new(), |text, octet| format!("{text}%{octet:02x}"));
        let answer = self.api(&format!("query?query={encoded}")).unwrap_or_default();
        assert_ne!(answer["status"], "error", "{query}: {answer}");
        let samples = answer["data"]["result"].as_array().cloned().unwrap_or_default();
        let value = |sample: &Value| sample["value"][1].as_str()?.parse::<f64>().ok();
        samples.iter().filter_map(value).filter(|value| !value.is_nan()).collect()
    }

    /// Every rule of a group: its name, its state and whether it could be evaluated.
    fn rules(&self, group: &str) -> Vec<(String, String, String)> {
        let answer = self.api("rules").unwrap_or_default();
        let groups = answer["data"]["groups"].as_array().cloned().unwrap_or_default();
        let group = groups
            .iter()
            .find(|each| format!("name: {}", each["name"].as_str().unwrap_or_default()) == group);
        let rules = group.and_then(|group| group["rules"].as_array()).cloned().unwrap_or_default();
        let text = |rule: &Value, key: &str| rule[key].as_str().unwrap_or_default().to_owned();
        rules.iter().map(|rule| (text(rule, "name"), text(rule, "state"), text(rule, "health"))).collect()
    }

    /// The rules of a group that are not in a state.
    fn not(&self, group: &str, state: &str) -> Vec<(String, String, String)> {
        let rules = self.rules(group);
        rules.into_iter().filter(|(_, is, health)| is != state || health != "ok").collect()
    }
}

/// The queries of the dashboard, with its variables set.
fn queries() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let expressions = targets.map(|target| target["expr"].as_str().expect("a query"));
    expressions
        .map(|text| {
            text.replace("$job", "rosterd").replace("$instance", ".*").replace("$__rate_interval", "10m")
        })
        .collect()
}

/// The metrics that queries of the dashboard and of the alerts ask for. `_bucket`, `_sum` and `_count` are of histograms.
fn asked_for() -> BTreeSet<String> {
    let mut asked = queries();
    asked.extend(ALERTS.lines().map(str::to_owned));
    let words = asked.iter().flat_map(|query| query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    words
        .filter(|word| word.starts_with("rosterd_") || word.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

/// The metrics of rosterd's own that the page of operations names.
fn told_of() -> BTreeSet<String> {
    let lines = OPERATIONS.lines().filter(|line| line.starts_with("| `rosterd_"));
    let names = lines.flat_map(|line| line.split('|').nth(1).unwrap_or_default().split('`'));
    names.filter(|name| name.starts_with("rosterd_")).map(str::to_owned).collect()
}

/// Where a replica has its metrics.
fn metrics(rosterd: &Rosterd) -> String {
    let line = rosterd.seen().iter().find(|line| line.contains("probes and metrics at ")).expect("a line");
    line.rsplit_once("http://").expect("an address").1.to_owned()
}

#[test]
fn prometheus_scrapes_alerts_and_draws() {
    let plane = ControlPlane::shared();
    let token = plane.token_with("prometheus", &["endpointslices.yaml"]);
    let namespace = Namespace { api: &plane.api, name: "prometheus" };
    namespace.service("myapp", &json!({}));
    namespace.ready_pod("myapp", "a", &["10.0.0.1"]);
    namespace.ready_pod("myapp", "b", &["10.0.0.2"]);
    namespace.wait_for_slice("myapp", "10.0.0.2", "myapp");
    let relays = [Relay::to(plane.port()), Relay::to(plane.port())];
    let kept = tempfile::tempdir().expect("a temporary folder");
    let replicas = [("prometheus-1", &relays[0]), ("prometheus-2", &relays[1])].map(|(name, relay)| {
        let kubeconfig = plane.kubeconfig(name, relay.port(), &json!({"token": token}));
        let mut rosterd = Rosterd::watch(&kubeconfig, &settings(&kept.path().join(name)));
        rosterd.wait_for_log("ready after");
        rosterd
    });
    let prometheus = Prometheus::start(&[metrics(&replicas[0]), metrics(&replicas[1])]);
    let words = || prometheus.process.last_words();

    // All is well: every rule can be evaluated, and none has anything to say.
    for group in [SHIPPED, IMPATIENT] {
        let explain = || format!("{:?}\n{}", prometheus.not(group, "inactive"), words());
        let quiet = || {
            (!prometheus.rules(group).is_empty() && prometheus.not(group, "inactive").is_empty())
                .then_some(())
        };
        wait_for("rules that are quiet", explain, quiet);
    }
    let alerts = ALERTS.matches("- alert: ").count();
    assert_eq!((prometheus.rules(SHIPPED).len(), prometheus.rules(IMPATIENT).len()), (alerts, alerts));
    wait_until_equal("both replicas", &vec![1.0, 1.0], || prometheus.values("up"));

    // One replica loses the API server. It says so after `stale_after`; the shipped rule waits, the impatient one does not.
    relays[0].cut();
    let stale = |group: &str| {
        let rules = prometheus.rules(group);
        rules.into_iter().find(|(name, _, _)| name == "RosterdStale").map(|(_, state, _)| state)
    };
    let firing = || (stale(IMPATIENT).as_deref() == Some("firing")).then_some(());
    wait_for("an alert", || format!("{:?}\n{}", prometheus.not(IMPATIENT, "inactive"), words()), firing);
    wait_until_equal("the shipped alert", &Some("pending".to_owned()), || stale(SHIPPED));
    let query = format!(
        "ALERTS{{alertname=\"RosterdStale\", alertstate=\"firing\", instance=\"{}\"}}",
        metrics(&replicas[0])
    );
    let one = || (prometheus.values(&query) == [1.0]).then_some(());
    wait_for("the alert of that replica", || format!("{:?}", prometheus.values(&query)), one);
    assert_eq!(prometheus.values("count(ALERTS{alertname=\"RosterdStale\", alertstate=\"firing\"})"), [1.0]);

    // Meanwhile things change, and only the other one hears of it.
    let drift = format!(
        "ALERTS{{alertname=\"RosterdRevisionsDrift\", alertstate=\"firing\", instance=\"{}\"}}",
        metrics(&replicas[0])
    );
    let mut ready = false;
    wait_for(
        "a replica behind",
        || format!("{:?}", prometheus.values("rosterd_watch_revision")),
        || {
            namespace.set_ready("a", ready);
            ready = !ready;
            (prometheus.values(&drift) == [1.0]).then_some(())
        },
    );
    assert_eq!(prometheus.values("count(ALERTS{alertname=\"RosterdRevisionsDrift\"})"), [1.0]);
    relays[0].mend();
    let gone = || (stale(IMPATIENT).as_deref() == Some("inactive")).then_some(());
    wait_for("its end", || format!("{:?}", stale(IMPATIENT)), gone);

    // While queries and changes go on, every query of the dashboard has something to show.
    let left = RefCell::new(queries());
    assert!(left.borrow().len() > 40, "{left:?}");
    let mut ready = false;
    wait_for(
        "data for the dashboard",
        || format!("{left:#?}"),
        || {
            namespace.set_ready("a", ready);
            ready = !ready;
            for transport in [Transport::Udp, Transport::Tcp] {
                for rosterd in &replicas {
                    ask(rosterd.ipv4(), transport, &set("prometheus"), "TXT", Some(1232));
                }
            }
            let mut left = left.borrow_mut();
            left.retain(|query| prometheus.values(query).is_empty());
            left.is_empty().then_some(())
        },
    );

    // What is asked for is there, and what is there is told of, to the letter.
    let names = prometheus.api("label/__name__/values").unwrap_or_default();
    let names = names["data"].as_array().cloned().unwrap_or_default();
    let emitted: BTreeSet<String> = names.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let missing: Vec<String> = asked_for().difference(&emitted).cloned().collect();
    assert!(missing.is_empty(), "nobody emits {missing:?}");
    let whole = |name: &String| {
        let parts = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
        parts.filter(|histogram| emitted.contains(&format!("{histogram}_bucket"))).unwrap_or(name).to_owned()
    };
    let told = told_of();
    let own = emitted.iter().filter(|name| name.starts_with("rosterd_")).map(whole).collect::<BTreeSet<_>>();
    let untold: Vec<&String> = own.difference(&told).collect();
    assert!(untold.is_empty(), "operations.md does not say what {untold:?} are");
    // These are there once there is something to count.
    let absent: Vec<&String> = told.difference(&own).collect();
    assert_eq!(absent, ["rosterd_object_notices_total", "rosterd_reload_timestamp_seconds"]);
}
