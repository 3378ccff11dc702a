//! `drill`, of the ldns family: a third parser of the same answers.

use crate::client::Transport;
use crate::rosterd::Rosterd;
use crate::schema;
use crate::transcript::Transcript;
use std::net::SocketAddr;
use std::process::Command;

fn look_up(server: SocketAddr, transport: Transport, name: &str, record_type: &str) -> Transcript {
    let mut drill = Command::new("drill");
    drill.args(["-p", &server.port().to_string(), if transport == Transport::Tcp { "-t" } else { "-u" }]);
    drill.args([name, &format!("@{}", server.ip()), record_type]);
    Transcript::of(&mut drill)
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
