//! libcluster's three DNS strategies and `dns_cluster`, asked of this server, name the nodes that libcluster's
//! `Kubernetes` strategy computes from the same Endpoints objects.
//!
//! The objects are generated, within what that strategy is defined for: every address has a `targetRef` with its
//! namespace; host names exist where the mode needs them; names made of addresses are made of IPv4 ones.

use crate::beam::{Beam, Resolver};
use crate::rosterd::Rosterd;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How many applications one manifest holds.
const APPLICATIONS: usize = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Ip,
    Dns,
    Hostname,
}

/// One application: its pods, spread over the Endpoints objects that its selector picks.
#[derive(Debug, Clone)]
struct Application {
    mode: Mode,
    namespace: &'static str,
    pods: Vec<Pod>,
}

/// A pod, and where it is listed: object, subset, and whether as ready.
#[derive(Debug, Clone)]
struct Pod {
    address: IpAddr,
    entries: Vec<(usize, usize, bool)>,
}

fn pods(v6: bool, objects: usize, count: usize) -> impl Strategy<Value = Vec<Pod>> {
    let v4 = any::<[u8; 3]>().prop_map(|[b, c, d]| IpAddr::V4(Ipv4Addr::new(10, b, c, d)));
    let any_family = if v6 {
        prop_oneof![
            v4,
            any::<[u16; 4]>().prop_map(|[a, b, c, d]| IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, a, b, c, d)))
        ]
        .boxed()
    } else {
        v4.boxed()
    };
    let entries = prop::collection::vec((0..objects, 0..2_usize, prop::bool::weighted(0.7)), 1..4);
    prop::collection::btree_map(any_family, entries, 0..=count)
        .prop_map(|pods| pods.into_iter().map(|(address, entries)| Pod { address, entries }).collect())
}

fn application() -> impl Strategy<Value = Application> {
    let namespace = prop_oneof![Just("default"), Just("prod")];
    let mode = prop_oneof![
        (Just(Mode::Ip), pods(true, 3, 12)),
        (Just(Mode::Ip), pods(false, 1, 120)),
        (Just(Mode::Dns), pods(false, 3, 12)),
        // One service name is configured, so there is one object.
        (Just(Mode::Hostname), pods(false, 1, 12)),
    ];
    (namespace, mode).prop_map(|(namespace, (mode, pods))| Application { mode, namespace, pods })
}

impl Application {
    /// The Endpoints objects as the API server lists them, in the application's namespace and a look-alike elsewhere.
    fn objects(&self, number: usize) -> Vec<Value> {
        let mut subsets: BTreeMap<(usize, usize), (Vec<Value>, Vec<Value>)> = BTreeMap::new();
        for (index, pod) in self.pods.iter().enumerate() {
            let mut address = json!({
                "ip": pod.address,
                "targetRef": {
                    "kind": "Pod",
                    "name": format!("app-{number}-{index}"),
                    "namespace": self.namespace,
                    "uid": format!("uid-{number}-{index}"),
                },
            });
            if self.mode == Mode::Hostname {
                address["hostname"] = json!(format!("app-{index}"));
            }
            for (object, subset, ready) in pod.entries.iter().copied() {
                let (addresses, not_ready) = subsets.entry((object, subset)).or_default();
                // An address stands in a subset once.
                if !addresses.contains(&address) && !not_ready.contains(&address) {
                    if ready { addresses } else { not_ready }.push(address.clone());
                }
            }
        }
        let mut objects: BTreeMap<usize, Vec<Value>> = BTreeMap::new();
        for ((object, subset), (addresses, not_ready)) in subsets {
            let mut value = json!({ "ports": [{ "name": format!("port-{subset}"), "port": 4000 + subset }] });
            if !addresses.is_empty() {
                value["addresses"] = json!(addresses);
            }
            if !not_ready.is_empty() {
                value["notReadyAddresses"] = json!(not_ready);
            }
            objects.entry(object).or_default().push(value);
        }
        let mut objects: Vec<Value> = objects
            .into_iter()
            .map(|(object, subsets)| {
                endpoints(self.namespace, &format!("svc-{number}-{object}"), number, &subsets)
            })
            .collect();
        let elsewhere = json!({
            "ip": "192.0.2.1",
            "targetRef": { "kind": "Pod", "name": "other", "namespace": "elsewhere", "uid": "other" },
        });
        objects.push(endpoints(
            "elsewhere",
            &format!("svc-{number}-0"),
            number,
            &[json!({ "addresses": [elsewhere] })],
        ));
        objects
    }

    /// The service name that `hostname` mode is configured with.
    fn service(number: usize) -> String {
        format!("svc-{number}-0")
    }

    fn topology(&self, number: usize) -> String {
        let mode = format!("{:?}", self.mode).to_lowercase();
        format!(
            "[[topologies]]\nname = \"app-{number}\"\nnode_basename = \"app_{number}\"\nselector = \"app=app-{number}\"\n\
             namespaces = [\"{}\"]\nmode = \"{mode}\"\n",
            self.namespace
        )
    }

    fn has_ipv6(&self) -> bool {
        self.pods.iter().any(|pod| pod.address.is_ipv6())
    }
}

fn endpoints(namespace: &str, name: &str, number: usize, subsets: &[Value]) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": { "name": name, "namespace": namespace, "labels": { "app": format!("app-{number}") } },
        "subsets": subsets,
    })
}

/// What libcluster's `Kubernetes` strategy makes of the objects that the API server lists for its selector.
fn kubernetes_strategy(mode: Mode, basename: &str, service: &str, objects: &[Value]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for subset in objects.iter().filter_map(|object| object["subsets"].as_array()).flatten() {
        for address in subset["addresses"].as_array().into_iter().flatten() {
            let (Some(ip), Some(namespace)) =
                (address["ip"].as_str(), address["targetRef"]["namespace"].as_str())
            else {
                panic!("the strategy is not defined for {address}")
            };
            names.insert(match mode {
                Mode::Ip => format!("{basename}@{ip}"),
                Mode::Dns => format!("{basename}@{}.{namespace}.pod.cluster.local", ip.replace('.', "-")),
                Mode::Hostname => {
                    let hostname = address["hostname"].as_str().expect("a hostname");
                    format!("{basename}@{hostname}.{service}.{namespace}.svc.cluster.local")
                }
            });
        }
    }
    names
}

/// A list of atoms as Erlang prints it.
fn atoms(names: &BTreeSet<String>) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    format!("[{}]", names.join(","))
}

#[test]
fn dns_strategies_name_the_nodes_that_the_kubernetes_strategy_computes() {
    let mut runner = TestRunner::deterministic();
    let applications: Vec<Application> = (0..APPLICATIONS)
        .map(|_| application().new_tree(&mut runner).expect("an application").current())
        .collect();
    let objects: Vec<Vec<Value>> =
        applications.iter().enumerate().map(|(number, application)| application.objects(number)).collect();
    let items: Vec<&Value> = objects.iter().flatten().collect();
    let manifest = json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string();
    let topologies: String =
        applications.iter().enumerate().map(|(number, application)| application.topology(number)).collect();
    let server = Rosterd::start(&manifest, &format!("{topologies}[server]"));
    let mut node = Beam::erlang(Resolver { server: server.ipv4(), cache: false });

    let mut named = 0;
    for (number, (application, objects)) in applications.iter().zip(&objects).enumerate() {
        let listed: Vec<Value> = objects
            .iter()
            .filter(|object| object["metadata"]["namespace"] == application.namespace)
            .cloned()
            .collect();
        let basename = format!("app_{number}");
        let service = Application::service(number);
        let namespace = application.namespace;
        let strategy = |mode| atoms(&kubernetes_strategy(mode, &basename, &service, &listed));
        let query = format!("app-{number}.{namespace}.svc.peers.cluster.local.");
        let mut hold = |call: String, mode| {
            assert_eq!(node.evaluate(&call), strategy(mode), "{call} for {application:?}");
        };

        hold(format!("strategies:dns_poll(\"{query}\", \"{basename}\")"), Mode::Ip);
        hold(format!("strategies:dns_cluster(\"{query}\", \"{basename}\")"), Mode::Ip);
        hold(format!("strategies:txt(\"{query}\")"), application.mode);
        if !application.has_ipv6() {
            hold(format!("strategies:kubernetes_dns(\"{query}\", \"{basename}\")"), Mode::Ip);
            let hosts = if application.mode == Mode::Hostname { Mode::Hostname } else { Mode::Dns };
            hold(
                format!(
                    "strategies:kubernetes_dns_srv(\"app-{number}\", \"{namespace}\", \"peers.cluster.local.\", \
                     \"{basename}\")"
                ),
                hosts,
            );
        }
        named += kubernetes_strategy(Mode::Ip, &basename, &service, &listed).len();
    }
    assert!(named > APPLICATIONS, "the generated objects name next to nobody: {named}");
}
