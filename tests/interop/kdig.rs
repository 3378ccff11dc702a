//! `kdig`, which sends no EDNS unless told.

use crate::client::Transport;
use crate::rosterd::Rosterd;
use crate::schema;
use crate::transcript::Transcript;
use std::net::SocketAddr;
use std::process::Command;

fn look_up(server: SocketAddr, transport: Transport, name: &str, record_type: &str) -> Transcript {
    let mut kdig = Command::new("kdig");
    kdig.arg(format!("@{}", server.ip())).args(["-p", &server.port().to_string()]);
    kdig.args(["+retry=0", "+time=10", if transport == Transport::Tcp { "+tcp" } else { "+notcp" }]);
    kdig.args(["-q", name, "-t", record_type]);
    Transcript::of(&mut kdig)
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
