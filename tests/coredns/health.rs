//! CoreDNS's health checks, and replicas that answer without having anything to say.

use crate::client::{Transport, ask, exchange, explanations};
use crate::coredns::CoreDns;
use crate::query::Query;
use crate::rosterd::{Rosterd, unused_port};
use crate::stanza::stanza;
use crate::wait::wait_for;
use crate::world::{Replica, SIZES, get, manifest, server, set};
use hickory_proto::op::{Message, ResponseCode};
use std::net::SocketAddr;

/// "For HC, we send to . IN NS": whatever comes back counts as alive, and has to come back at once, by both transports.
#[test]
fn what_health_checks_ask_is_answered() {
    let server = server();
    for transport in [Transport::Udp, Transport::Tcp] {
        let question = Query { flags: 0x0100, ..Query::new(".", 2) }.octets();
        let answer = Message::from_vec(&exchange(server.ipv4(), transport, &question)).expect("an answer");
        assert_eq!(answer.metadata.response_code, ResponseCode::Refused);
        assert_eq!(answer.queries.len(), 1, "the question is echoed: CoreDNS gives FORMERR where it is not");
    }
}

/// A replica that comes back at its address is asked again.
#[test]
fn a_replica_that_is_back_is_asked_again() {
    let ports = [unused_port(), unused_port()];
    let mut replicas = ports.map(|port| Some(Replica::start(port, "0s")));
    let servers = ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    let coredns = CoreDns::start("", &stanza("coredns", &servers, &[]), &CoreDns::others());
    let look_up = || {
        let answer = ask(coredns.address(), Transport::Udp, &set(SIZES[0]), "A", None);
        assert_eq!((answer.metadata.response_code, answer.answers.len()), (ResponseCode::NoError, SIZES[0]));
    };
    replicas[0] = None;
    // Enough for CoreDNS to see that nobody is there.
    (0..20).for_each(|_| look_up());
    replicas[0] = Some(Replica::start(ports[0], "0s"));
    let probes = replicas[0].as_ref().expect("a replica").probes;
    wait_for(
        "queries at the replica",
        || "none came".to_owned(),
        || {
            look_up();
            let metrics = get(probes, "/metrics").expect("metrics");
            let asked =
                |line: &&str| line.starts_with("rosterd_dns_requests_total") && line.contains("type=\"A\"");
            metrics.lines().find(asked).map(drop)
        },
    );
}

/// A kubeconfig of a cluster that is not there.
fn no_cluster() -> String {
    let server = format!("https://127.0.0.1:{}", unused_port());
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: c, cluster: {{server: '{server}', \
         insecure-skip-tls-verify: true}}}}]\nusers: [{{name: u, user: {{token: t}}}}]\ncontexts: [{{name: c, context: \
         {{cluster: c, user: u}}}}]\n"
    )
}

/// A replica that has just started, and has no list yet, is alive to CoreDNS: what it says passes. With `failover` CoreDNS asks
/// the other one instead.
#[test]
fn a_replica_without_a_list_says_so_and_failover_asks_the_other() {
    let ready = Rosterd::start_on(&manifest(), "[server]", &["127.0.0.1:0"]);
    let waiting = Rosterd::start_in_cluster(&no_cluster(), "[server]");
    let servers = [ready.ipv4(), waiting.ipv4()];
    let blocks = stanza("coredns", &servers, &[]);
    let look_up =
        |coredns: &CoreDns| ask(coredns.address(), Transport::Udp, &set(SIZES[0]), "TXT", Some(1232));

    let coredns = CoreDns::start("", &blocks, &CoreDns::others());
    let refused = wait_for(
        "a refusal",
        || "it never came".to_owned(),
        || Some(look_up(&coredns)).filter(|answer| answer.metadata.response_code == ResponseCode::ServFail),
    );
    // Not Ready (RFC 8914 4.15).
    assert_eq!(explanations(&refused).first().map(|(code, _)| *code), Some(14));

    let to = format!("forward . {} {}\n", servers[0], servers[1]);
    assert!(blocks.contains(&to), "{blocks}");
    let failover = format!("{} {{\n        failover SERVFAIL\n    }}\n", to.trim_end());
    let coredns = CoreDns::start("", &blocks.replace(&to, &failover), &CoreDns::others());
    for _ in 0..50 {
        let answer = look_up(&coredns);
        assert_eq!((answer.metadata.response_code, answer.answers.len()), (ResponseCode::NoError, SIZES[0]));
    }
}
