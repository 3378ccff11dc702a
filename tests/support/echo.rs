//! A responder that shows what reached it, for tests of transports alone.

use rosterd::answer::{Client, Outcome, Transport};
use rosterd::server::{Responder, Server, ServerConfig, TcpLimits, UdpOptions};
use std::net::SocketAddr;
use std::time::Duration;

/// Answers `<u, t, s, h or q> <client's address> <query>`; `!…` is dropped; `*<n>` gives `n` octets; `r` gives the rotation.
#[derive(Debug)]
pub(crate) struct Echo;

impl Responder for Echo {
    type Scratch = ();
    type Batch<'a> = ();
    type View<'a> = ();

    fn scratch(&self) {}

    fn batch(&self) {}

    fn view((): &()) {}

    fn respond(
        (): &(),
        (): &mut (),
        query: &[u8],
        client: &Client,
        rotation: u32,
        out: &mut [u8],
    ) -> Outcome {
        let transport = match client.transport {
            Transport::Udp => "u",
            Transport::Tcp => "t",
            Transport::Tls => "s",
            Transport::Https => "h",
            Transport::Quic => "q",
        };
        let answer = match query {
            [] | [b'!', ..] => return Outcome::Drop,
            [b'*', digits @ ..] => vec![b'*'; std::str::from_utf8(digits).unwrap().parse().unwrap()],
            b"r" => rotation.to_be_bytes().to_vec(),
            _ => [format!("{transport} {} ", client.address).as_bytes(), query].concat(),
        };
        out[..answer.len()].copy_from_slice(&answer);
        Outcome::Reply(answer.len())
    }
}

/// Limits that no test reaches by accident.
pub(crate) const LIMITS: TcpLimits = TcpLimits {
    max_connections: 50,
    max_connections_per_address: 40,
    idle_timeout: Duration::from_secs(60),
    read_timeout: Duration::from_secs(60),
    transfers: rosterd::server::TransferLimits { at_once: 1, time: Duration::from_secs(10) },
    write_timeout: Duration::from_secs(60),
};

/// An echo server on `listen`, with the first address it got.
pub(crate) fn start(listen: &[&str], tcp: TcpLimits) -> (Server, SocketAddr) {
    let listen = listen.iter().map(|address| address.parse().unwrap()).collect();
    let config = ServerConfig {
        listen,
        workers: 2,
        udp_max: 1232,
        udp: UdpOptions::default(),
        tcp,
        descriptors_kept: 0,
    };
    let server = Server::start(&config, Echo).unwrap();
    let address = server.local_addresses()[0];
    (server, address)
}
