//! Real distributed Erlang nodes: named by their pods, without epmd, they find each other in TXT records.

use crate::beam::{Beam, Distribution, Resolver};
use crate::rosterd::{Rosterd, unused_port};
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};

const QUERY: &str = "my-app.default.svc.peers.cluster.local.";

/// How the nodes of a test are named.
struct Naming {
    mode: &'static str,
    /// The node names in order, for the addresses in order.
    nodes: [&'static str; 3],
    /// The last octets of the addresses: tests run side by side, each on addresses of its own.
    hosts: [u8; 3],
}

const BY_NAME: Naming = Naming {
    mode: "dns",
    nodes: [
        "my_app@127-0-0-11.default.pod.cluster.local",
        "my_app@127-0-0-12.default.pod.cluster.local",
        "my_app@127-0-0-13.default.pod.cluster.local",
    ],
    hosts: [11, 12, 13],
};

const BY_ADDRESS: Naming = Naming {
    mode: "ip",
    nodes: ["my_app@127.0.0.21", "my_app@127.0.0.22", "my_app@127.0.0.23"],
    hosts: [21, 22, 23],
};

const FOR_A_SHELL_BY_ADDRESS: Naming = Naming {
    mode: "ip",
    nodes: ["my_app@127.0.0.41", "my_app@127.0.0.42", "my_app@127.0.0.43"],
    hosts: [41, 42, 43],
};

const FOR_A_SHELL_BY_NAME: Naming = Naming {
    mode: "dns",
    nodes: [
        "my_app@127-0-0-31.default.pod.cluster.local",
        "my_app@127-0-0-32.default.pod.cluster.local",
        "my_app@127-0-0-33.default.pod.cluster.local",
    ],
    hosts: [31, 32, 33],
};

impl Naming {
    fn settings(&self) -> String {
        format!(
            "[[topologies]]\nname = \"my-app\"\nnode_basename = \"my_app\"\nselector = \"app=my-app\"\n\
             namespaces = [\"default\"]\nmode = \"{}\"\n[server]",
            self.mode
        )
    }

    /// A slice of the first `count` nodes.
    fn manifest(&self, count: usize) -> String {
        let mut manifest =
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\nmetadata: {name: \
             my-app-a, namespace: default, labels: {app: my-app, kubernetes.io/service-name: my-app}}\n\
             ports: [{name: epmd, protocol: TCP, port: 4369}]\nendpoints:\n"
                .to_owned();
        for host in self.hosts.iter().take(count) {
            writeln!(manifest, "- {{addresses: [127.0.0.{host}], conditions: {{ready: true}}}}")
                .expect("text");
        }
        manifest
    }

    fn start(&self, server: &Rosterd, port: u16) -> [Beam; 3] {
        let resolver = Resolver { server: server.ipv4(), cache: false };
        [0, 1, 2].map(|node| {
            let distribution =
                Distribution { name: self.nodes[node], listen: address(self.hosts[node]), port };
            Beam::member(resolver, &distribution, QUERY)
        })
    }

    /// The nodes but one, as a node prints them.
    fn others(&self, but: usize) -> String {
        let others: Vec<String> =
            (0..3).filter(|node| *node != but).map(|node| format!("'{}'", self.nodes[node])).collect();
        format!("[{}]", others.join(","))
    }
}

fn address(host: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, host))
}

fn becomes_one_cluster_and_loses_a_node(naming: &Naming) {
    let server = Rosterd::start(&naming.manifest(3), &naming.settings());
    let mut nodes = naming.start(&server, unused_port());
    for (node, beam) in nodes.iter_mut().enumerate() {
        let connected = format!("connected {}", naming.others(node));
        beam.wait_for(&connected, |line| line == connected);
    }

    server.replace_manifest(&naming.manifest(2));
    let named = format!("named {}", naming.others(2));
    for beam in &mut nodes {
        beam.wait_for(&named, |line| line == named);
    }
}

#[test]
fn nodes_named_by_pod_names_become_one_cluster() {
    becomes_one_cluster_and_loses_a_node(&BY_NAME);
}

#[test]
fn nodes_named_by_addresses_become_one_cluster() {
    becomes_one_cluster_and_loses_a_node(&BY_ADDRESS);
}

fn a_remote_shell_reaches_a_node(naming: &Naming, shell: u8) {
    let server = Rosterd::start(&naming.manifest(3), &naming.settings());
    let port = unused_port();
    let mut nodes = naming.start(&server, port);
    let connected = format!("connected {}", naming.others(0));
    nodes[0].wait_for(&connected, |line| line == connected);

    let resolver = Resolver { server: server.ipv4(), cache: false };
    let listen = address(shell);
    let shell = Distribution { name: &format!("shell@{listen}"), listen, port };
    let mut shell = Beam::remote_shell(resolver, &shell, naming.nodes[0]);
    shell.wait_for("a shell", |line| line.contains("Eshell"));
    shell.send("io:format(\"this is ~s of ~b~n\", [node(), length(nodes()) + 1]).");
    let answer = shell.wait_for("an answer", |line| line.starts_with("this is "));
    assert_eq!(answer.trim_end(), format!("this is {} of 3", naming.nodes[0]));
}

#[test]
fn a_remote_shell_reaches_a_node_by_its_pod_name() {
    a_remote_shell_reaches_a_node(&FOR_A_SHELL_BY_NAME, 34);
}

#[test]
fn a_remote_shell_reaches_a_node_by_its_address() {
    a_remote_shell_reaches_a_node(&FOR_A_SHELL_BY_ADDRESS, 44);
}
