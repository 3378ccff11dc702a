//! `kdig`, which sends no EDNS unless told.

use crate::client::Transport;
use crate::program::Program;
use crate::rosterd::Rosterd;
use crate::schema;

const KDIG: Program = Program {
    name: "kdig",
    udp_size: None,
    arguments: |server, transport, name, record_type| {
        let (address, port) = (format!("@{}", server.ip()), server.port().to_string());
        let transport = if transport == Transport::Tcp { "+tcp" } else { "+notcp" };
        [&address, "-p", &port, "+retry=0", "+time=60", transport, "-q", name, "-t", record_type]
            .map(str::to_owned)
            .to_vec()
    },
};

#[test]
fn the_schema_over_udp_and_ipv4() {
    schema::hold(&KDIG, Rosterd::ipv4, Transport::Udp);
}

#[test]
fn the_schema_over_udp_and_ipv6() {
    schema::hold(&KDIG, Rosterd::ipv6, Transport::Udp);
}

#[test]
fn the_schema_over_tcp_and_ipv4() {
    schema::hold(&KDIG, Rosterd::ipv4, Transport::Tcp);
}

#[test]
fn the_schema_over_tcp_and_ipv6() {
    schema::hold(&KDIG, Rosterd::ipv6, Transport::Tcp);
}

#[test]
fn parts_of_a_set_are_the_whole() {
    schema::hold_parts(&KDIG);
}
