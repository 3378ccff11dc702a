//! An echo server on all encrypted transports.

use crate::authority::{Authority, Signed};
use crate::echo::{Echo, LIMITS};
use rosterd::answer::Transport;
use rosterd::server::{
    Credentials, CredentialsInUse, EncryptedConfig, EncryptedLimits, Pem, Server, ServerConfig, TcpLimits,
    UdpOptions,
};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long anything may take that is waited for. Reached only when it does not come at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Limits that no test reaches by accident.
pub(crate) fn limits() -> EncryptedLimits {
    EncryptedLimits { connections: LIMITS, max_handshakes: 30, handshake_timeout: PATIENCE }
}

pub(crate) struct Encrypted {
    pub(crate) server: Server,
    pub(crate) authority: Authority,
    pub(crate) credentials: CredentialsInUse,
}

/// What a server shows.
pub(crate) fn credentials(signed: &Signed, client_ca: Option<&str>) -> Credentials {
    let pem = Pem {
        certificate: signed.certificate.as_bytes(),
        key: signed.key.as_bytes(),
        client_ca: client_ca.map(str::as_bytes),
    };
    Credentials::from_pem(&pem).unwrap()
}

pub(crate) fn start(limits: EncryptedLimits) -> Encrypted {
    start_with(limits, false)
}

/// The same, to which clients must show a certificate by its own authority where `asks` is set.
pub(crate) fn start_with(limits: EncryptedLimits, asks: bool) -> Encrypted {
    let listen = vec!["127.0.0.1:0".parse().unwrap()];
    let config = ServerConfig {
        listen: listen.clone(),
        workers: 2,
        udp_max: 1232,
        udp: UdpOptions::default(),
        tcp: TcpLimits { ..LIMITS },
        descriptors_kept: 0,
    };
    let mut server = Server::start(&config, Echo).unwrap();
    let authority = Authority::new();
    let encrypted = EncryptedConfig {
        tls: listen.clone(),
        https: listen.clone(),
        quic: listen,
        workers: 2,
        limits,
        descriptors_kept: 0,
    };
    let shown = credentials(&authority.sign(), asks.then_some(authority.pem()));
    let credentials = server.serve_encrypted(&encrypted, shown, Echo).unwrap();
    Encrypted { server, authority, credentials }
}

impl Encrypted {
    pub(crate) fn address(&self, transport: Transport) -> SocketAddr {
        let all = self.server.encrypted_addresses();
        all.iter().find(|(one, _)| *one == transport).unwrap().1
    }
}

/// Waits until something holds.
pub(crate) async fn wait_for(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "never: {what}");
        // Clients of this thread go on meanwhile.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
