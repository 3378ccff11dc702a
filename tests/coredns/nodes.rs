//! Erlang nodes that know CoreDNS alone find each other.

use crate::beam::{Beam, Distribution, Resolver};
use crate::coredns::CoreDns;
use crate::rosterd::{Rosterd, unused_port};
use crate::stanza::stanza;
use crate::world::slice;
use std::net::{IpAddr, Ipv4Addr};

/// Nodes on addresses of the loopback network become one cluster, whatever they are called by.
fn become_one_cluster(mode: &str, hosts: [u8; 3], arguments: &[&str], name: fn(u8) -> String) {
    let manifest = slice("my-app", hosts.into_iter().map(|host| format!("127.0.0.{host}")));
    let settings = format!(
        "pods = \"insecure\"\n[[topologies]]\nname = \"my-app\"\nnode_basename = \"my_app\"\nmode = \"{mode}\"\n[server]"
    );
    let server = Rosterd::start_on(&manifest, &settings, &["127.0.0.1:0"]);
    let blocks = stanza("coredns", &[server.ipv4()], arguments);
    let coredns = CoreDns::start("", &blocks, &CoreDns::others());
    let resolver = Resolver { server: coredns.address(), cache: false };
    let port = unused_port();
    let nodes = hosts.map(|host| format!("my_app@{}", name(host)));
    let mut beams = [0, 1, 2].map(|node| {
        let listen = IpAddr::V4(Ipv4Addr::new(127, 0, 0, hosts[node]));
        let distribution = Distribution { name: &nodes[node], listen, port };
        Beam::member(resolver, &distribution, "my-app.default.svc.peers.cluster.local.")
    });
    for (place, beam) in beams.iter_mut().enumerate() {
        let others = nodes.iter().enumerate().filter(|(other, _)| *other != place);
        let others: Vec<String> = others.map(|(_, node)| format!("'{node}'")).collect();
        let connected = format!("connected [{}]", others.join(","));
        beam.wait_for(&connected, |line| line == connected);
    }
}

#[test]
fn nodes_named_by_addresses() {
    become_one_cluster("ip", [51, 52, 53], &[], |host| format!("127.0.0.{host}"));
}

#[test]
fn nodes_named_by_pod_names() {
    become_one_cluster("dns", [61, 62, 63], &["--with-pods", "--pods", "insecure"], |host| {
        format!("127-0-0-{host}.default.pod.cluster.local")
    });
}

/// Names in the server's own zone: one stanza is enough.
#[test]
fn nodes_named_by_their_sets() {
    become_one_cluster("peer", [71, 72, 73], &[], |host| {
        format!("127-0-0-{host}.my-app.default.svc.peers.cluster.local")
    });
}
