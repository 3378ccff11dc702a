//! `dig`, with EDNS and a cookie as it sends them by default.

use crate::client::Transport;
use crate::program::Program;
use crate::rosterd::Rosterd;
use crate::schema;
use crate::transcript::Transcript;

const DIG: Program = Program {
    name: "dig",
    udp_size: Some(1232),
    arguments: |server, transport, name, record_type| {
        let (address, port) = (format!("@{}", server.ip()), server.port().to_string());
        let transport = if transport == Transport::Tcp { "+tcp" } else { "+notcp" };
        [&address, "-p", &port, "+tries=1", "+time=60", transport, name, record_type]
            .map(str::to_owned)
            .to_vec()
    },
};

#[test]
fn the_schema_over_udp_and_ipv4() {
    schema::hold(&DIG, Rosterd::ipv4, Transport::Udp);
}

#[test]
fn the_schema_over_udp_and_ipv6() {
    schema::hold(&DIG, Rosterd::ipv6, Transport::Udp);
}

#[test]
fn the_schema_over_tcp_and_ipv4() {
    schema::hold(&DIG, Rosterd::ipv4, Transport::Tcp);
}

#[test]
fn the_schema_over_tcp_and_ipv6() {
    schema::hold(&DIG, Rosterd::ipv6, Transport::Tcp);
}

#[test]
fn parts_of_a_set_are_the_whole() {
    schema::hold_parts(&DIG);
}

#[test]
fn targets_of_srv_come_with_their_addresses() {
    let server = schema::server();
    let name = "_http._tcp.myapp.default.svc.peers.cluster.local.";
    let seen = DIG.look_up(server.ipv4(), Transport::Udp, name, "SRV");
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
    let seen = DIG.look_up(server.ipv4(), Transport::Udp, "MyApp.Default.SVC.peers.Cluster.local.", "A");
    assert_eq!(seen.data(), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    assert!(seen.answer.iter().all(|record| record.owner == "MyApp.Default.SVC.peers.Cluster.local."));
}

#[test]
fn an_unknown_edns_version_is_named_as_bad() {
    let server = schema::server();
    let mut dig = DIG.command(server.ipv4(), Transport::Udp, "peers.cluster.local.", "SOA");
    let seen = Transcript::of(dig.args(["+edns=1", "+noednsnegotiation"]));
    assert_eq!(seen.rcode, "BADVERS");
    assert!(seen.answer.is_empty());
}

#[test]
fn reasons_are_given_as_extended_errors() {
    let server = schema::server();
    let output = DIG.command(server.ipv4(), Transport::Udp, "example.com.", "A").output().expect("dig");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("EDE: 20 (Not Authoritative)"), "{text}");
}
