//! `dig`, with EDNS and a cookie as it sends them by default.

use crate::client::Transport;
use crate::rosterd::Rosterd;
use crate::schema;
use crate::transcript::Transcript;
use std::net::SocketAddr;
use std::process::Command;

fn command(server: SocketAddr, transport: Transport, name: &str, record_type: &str) -> Command {
    let mut dig = Command::new("dig");
    dig.arg(format!("@{}", server.ip())).args(["-p", &server.port().to_string()]);
    dig.args(["+tries=1", "+time=10", if transport == Transport::Tcp { "+tcp" } else { "+notcp" }]);
    dig.args([name, record_type]);
    dig
}

fn look_up(server: SocketAddr, transport: Transport, name: &str, record_type: &str) -> Transcript {
    Transcript::of(&mut command(server, transport, name, record_type))
}

#[test]
fn the_schema_over_udp_and_ipv4() {
    schema::hold(Rosterd::ipv4, Transport::Udp, look_up);
}

#[test]
fn the_schema_over_udp_and_ipv6() {
    schema::hold(Rosterd::ipv6, Transport::Udp, look_up);
}

#[test]
fn the_schema_over_tcp_and_ipv4() {
    schema::hold(Rosterd::ipv4, Transport::Tcp, look_up);
}

#[test]
fn the_schema_over_tcp_and_ipv6() {
    schema::hold(Rosterd::ipv6, Transport::Tcp, look_up);
}

#[test]
fn parts_of_a_set_are_the_whole() {
    schema::hold_parts(look_up);
}

#[test]
fn targets_of_srv_come_with_their_addresses() {
    let server = schema::server();
    let name = "_http._tcp.myapp.default.svc.peers.cluster.local.";
    let seen = look_up(server.ipv4(), Transport::Udp, name, "SRV");
    let mut additional: Vec<_> =
        seen.additional.iter().map(|record| format!("{} {}", record.owner, record.data)).collect();
    additional.sort();
    assert_eq!(
        additional,
        [
            "10-0-0-1.default.pod.cluster.local. 10.0.0.1",
            "10-0-0-2.default.pod.cluster.local. 10.0.0.2",
            "10-0-0-3.default.pod.cluster.local. 10.0.0.3",
        ]
    );
}

#[test]
fn the_question_keeps_its_letter_case() {
    let server = schema::server();
    let seen = look_up(server.ipv4(), Transport::Udp, "MyApp.Default.SVC.peers.Cluster.local.", "A");
    assert_eq!(seen.data(), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    assert!(seen.answer.iter().all(|record| record.owner == "MyApp.Default.SVC.peers.Cluster.local."));
}

#[test]
fn an_unknown_edns_version_is_named_as_bad() {
    let server = schema::server();
    let mut dig = command(server.ipv4(), Transport::Udp, "peers.cluster.local.", "SOA");
    let seen = Transcript::of(dig.args(["+edns=1", "+noednsnegotiation"]));
    assert_eq!(seen.rcode, "BADVERS");
    assert!(seen.answer.is_empty());
}

#[test]
fn reasons_are_given_as_extended_errors() {
    let server = schema::server();
    let output = command(server.ipv4(), Transport::Udp, "example.com.", "A").output().expect("dig");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("EDE: 20 (Not Authoritative)"), "{text}");
}
