//! Encrypted transports: certificate, key and authorities from files, and again when these change.

use super::one_line::OneLine;
use super::secret_file;
use super::serve::{ServeError, descriptors_of_watches, transfer_limits};
use super::settings_file::Before;
use crate::answer::Transport;
use crate::config::{Settings, TlsSettings};
use crate::server::{
    Credentials, CredentialsError, CurrentSnapshot, EncryptedConfig, EncryptedLimits, Part, Pem, Server,
    TcpLimits,
};
use crate::source::Following;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Octets of the largest file: what Kubernetes lets a Secret have.
const LARGEST: u64 = 1 << 20;

/// Why there is no certificate to serve with.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("cannot read {setting} {}: {error}", .path.display())]
    Unreadable {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// What stands in it is of no use.
    #[error("{setting} {} {error}", .path.display())]
    Unusable {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        error: CredentialsError,
    },
}

/// Whether the certificate can be served with, as `serve` wants it, where there is one.
pub fn check_certificates(settings: &Settings) -> Result<(), CertificateError> {
    match Files::of(&settings.server.tls) {
        Some(files) => files.read().map(drop),
        None => Ok(()),
    }
}

/// Encrypted transports before anything is listened on.
pub(super) struct Encrypted {
    files: Files,
    before: Before,
    credentials: Credentials,
}

impl Encrypted {
    /// What they take, where any are set.
    pub(super) fn first(settings: &Settings) -> Result<Option<Encrypted>, CertificateError> {
        let files = Files::of(&settings.server.tls).filter(|_| settings.server.is_encrypted());
        let Some(files) = files else { return Ok(None) };
        // What changes between this and the first look is noticed too.
        let before = Before::reading_all(files.paths());
        let credentials = files.read()?;
        Ok(Some(Encrypted { files, before, credentials }))
    }

    /// Listens and answers; the files are followed until the result is dropped.
    pub(super) fn serve(
        self,
        settings: &Settings,
        server: &mut Server,
        responder: CurrentSnapshot,
    ) -> Result<Following, ServeError> {
        let Encrypted { files, before, credentials } = self;
        let in_use = server.serve_encrypted(&config(settings), credentials, responder)?;
        for (transport, address) in server.encrypted_addresses() {
            let name = match transport {
                Transport::Https => "DNS over HTTPS",
                Transport::Quic => "DNS over QUIC",
                _ => "DNS over TLS",
            };
            tracing::info!("listening on {address} ({name})");
        }
        let following = before.follow_as("certificates", move |changed| {
            if changed {
                match files.read() {
                    Ok(credentials) => {
                        in_use.replace(credentials);
                        tracing::info!("certificate: read again, for connections from now on");
                    }
                    Err(error) => {
                        let line = format!("certificate: {error}; the former one stays in use");
                        tracing::warn!("{}", OneLine(line));
                    }
                }
            }
            ControlFlow::Continue(())
        });
        Ok(following?)
    }
}

/// The files that are named.
#[derive(Debug, Clone)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

impl Files {
    fn of(settings: &TlsSettings) -> Option<Files> {
        let TlsSettings { certificate, key, client_ca, .. } = settings.clone();
        Some(Files { certificate: certificate?, key: key?, client_ca })
    }

    fn paths(&self) -> impl Iterator<Item = &Path> {
        [&self.certificate, &self.key].into_iter().chain(&self.client_ca).map(PathBuf::as_path)
    }

    /// The file and the setting of a part.
    fn named(&self, part: Part) -> (&'static str, PathBuf) {
        match part {
            Part::Certificate => ("server.tls.certificate", self.certificate.clone()),
            Part::Key => ("server.tls.key", self.key.clone()),
            Part::ClientCa => ("server.tls.client_ca", self.client_ca.clone().unwrap_or_default()),
        }
    }

    fn text(&self, part: Part) -> Result<Vec<u8>, CertificateError> {
        let (setting, path) = self.named(part);
        secret_file::read(&path, LARGEST).map_err(|error| CertificateError::Unreadable {
            setting,
            path,
            error,
        })
    }

    fn read(&self) -> Result<Credentials, CertificateError> {
        let (certificate, key) = (self.text(Part::Certificate)?, self.text(Part::Key)?);
        let client_ca = self.client_ca.as_ref().map(|_| self.text(Part::ClientCa)).transpose()?;
        let pem = Pem { certificate: &certificate, key: &key, client_ca: client_ca.as_deref() };
        Credentials::from_pem(&pem).map_err(|error| {
            let (setting, path) = self.named(error.part());
            CertificateError::Unusable { setting, path, error }
        })
    }
}

/// What encrypted connections take of file descriptors, where any are set.
pub(super) fn descriptors(settings: &Settings) -> usize {
    let server = &settings.server;
    let most = server.tls.max_connections.saturating_add(server.tls.max_handshakes);
    if server.is_encrypted() { most } else { 0 }
}

fn config(settings: &Settings) -> EncryptedConfig {
    let server = &settings.server;
    let cpus = || std::thread::available_parallelism().map_or(1, usize::from);
    EncryptedConfig {
        tls: server.listen_tls.clone(),
        https: server.listen_https.clone(),
        quic: server.listen_quic.clone(),
        workers: server.workers.unwrap_or_else(cpus),
        limits: EncryptedLimits {
            connections: TcpLimits {
                max_connections: server.tls.max_connections,
                max_connections_per_address: server.tls.max_connections_per_address,
                idle_timeout: server.tcp.idle_timeout,
                read_timeout: server.tcp.read_timeout,
                write_timeout: server.tcp.write_timeout,
                transfers: transfer_limits(settings),
            },
            max_handshakes: server.tls.max_handshakes,
            handshake_timeout: server.tls.handshake_timeout,
        },
        descriptors_kept: descriptors_of_watches(settings).saturating_add(server.tcp.max_connections),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, load};

    fn settings(folder: &Path, client_ca: bool) -> Settings {
        let authority = if client_ca { "client_ca = 'ca.crt'\n" } else { "" };
        let text = format!("[server.tls]\ncertificate = 'tls.crt'\nkey = 'tls.key'\n{authority}");
        let file = crate::config::File { path: folder.join("rosterd.toml"), text };
        load(&Sources { file: Some(file), ..Sources::default() }).unwrap().settings
    }

    #[test]
    fn what_is_wrong_names_setting_and_file() {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let refused =
            |client_ca| check_certificates(&settings(folder.path(), client_ca)).unwrap_err().to_string();
        assert!(refused(false).starts_with("cannot read server.tls.certificate /"), "{}", refused(false));
        write("tls.crt", &made.cert.pem());
        assert!(refused(false).starts_with("cannot read server.tls.key /"), "{}", refused(false));
        write("tls.key", "no key");
        assert!(
            refused(false).ends_with("/tls.key has no private key: wants PEM (-----BEGIN PRIVATE KEY-----)")
        );
        write("tls.key", &made.signing_key.serialize_pem());
        assert!(check_certificates(&settings(folder.path(), false)).is_ok());
        assert!(refused(true).starts_with("cannot read server.tls.client_ca /"), "{}", refused(true));
        write("ca.crt", &made.cert.pem());
        assert!(check_certificates(&settings(folder.path(), true)).is_ok());
    }

    #[test]
    fn nothing_is_read_where_nothing_is_set() {
        let settings = load(&Sources::default()).unwrap().settings;
        assert!(check_certificates(&settings).is_ok() && Encrypted::first(&settings).unwrap().is_none());
        assert_eq!(descriptors(&settings), 0);
    }
}
