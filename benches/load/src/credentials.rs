//! A certificate for the servers that are measured, in files that go with it, and addresses for them to show it at.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::Command;

/// The name in the certificate.
pub const NAME: &str = "localhost";

/// Certificate and key of this process, removed when dropped.
pub struct Credentials(PathBuf);

impl Credentials {
    /// Writes them into the folder for temporary files.
    pub fn write() -> io::Result<Credentials> {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).map_err(io::Error::other)?;
        let folder = folder();
        std::fs::create_dir_all(&folder)?;
        std::fs::write(certificate(), made.cert.pem())?;
        std::fs::write(folder.join("tls.key"), made.signing_key.serialize_pem())?;
        Ok(Credentials(folder))
    }

    /// Has a rosterd listen for TLS, HTTPS and QUIC, at these addresses.
    pub fn listen(&self, command: &mut Command) -> io::Result<Vec<SocketAddr>> {
        command.env("ROSTERD__SERVER__TLS__CERTIFICATE", self.0.join("tls.crt"));
        command.env("ROSTERD__SERVER__TLS__KEY", self.0.join("tls.key"));
        let mut addresses = Vec::new();
        // All are held until all are chosen, so that they differ.
        let mut held = Vec::new();
        for setting in ["LISTEN_TLS", "LISTEN_HTTPS", "LISTEN_QUIC"] {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let address = listener.local_addr()?;
            held.push((UdpSocket::bind(address)?, listener));
            command.env(format!("ROSTERD__SERVER__{setting}"), address.to_string());
            addresses.push(address);
        }
        Ok(addresses)
    }
}

impl Drop for Credentials {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Where this process writes its certificate.
pub fn certificate() -> PathBuf {
    folder().join("tls.crt")
}

fn folder() -> PathBuf {
    std::env::temp_dir().join(format!("rosterd-load-{}-tls", std::process::id()))
}
