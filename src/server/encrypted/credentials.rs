//! What a server shows of itself, and asks of its clients, before anything is said: certificate, key, authorities.
//!
//! Promises: what was taken can be used; a private key is never part of an error. Knows nothing of files.

use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use std::fmt;
use std::sync::Arc;

/// Protocol names of TLS (RFC 7301): RFC 7858 with IANA's registry, RFC 9113 3.2, RFC 9250 4.1.
const DOT: &[u8] = b"dot";
const H2: &[u8] = b"h2";
const DOQ: &[u8] = b"doq";

/// Texts in PEM.
#[derive(Clone, Copy)]
pub struct Pem<'a> {
    /// The certificate, and those that lead from it to an authority.
    pub certificate: &'a [u8],
    /// Its private key.
    pub key: &'a [u8],
    /// Authorities of clients, where they must show a certificate.
    pub client_ca: Option<&'a [u8]>,
}

/// A certificate with its key, ready for each encrypted transport.
#[derive(Clone)]
pub struct Credentials {
    pub(super) tls: Arc<ServerConfig>,
    pub(super) https: Arc<ServerConfig>,
    pub(super) quic: Arc<quinn::crypto::rustls::QuicServerConfig>,
}

/// Which of the three texts an error is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The certificate.
    Certificate,
    /// The key.
    Key,
    /// The authorities of clients.
    ClientCa,
}

/// Why there are no credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// The text has none of what it should have.
    #[error("{}", nothing_in(*.0))]
    Nothing(
        /// Which text.
        Part,
    ),
    /// The text is not PEM.
    #[error("is not PEM: {problem}")]
    NotPem {
        /// Which text.
        part: Part,
        /// Why.
        problem: String,
    },
    /// What stands in it cannot be used.
    #[error("cannot be used: {problem}")]
    Unusable {
        /// Which text.
        part: Part,
        /// Why.
        problem: String,
    },
    /// The key is that of another certificate.
    #[error("is not the key of the certificate")]
    OtherKey,
}

fn nothing_in(part: Part) -> &'static str {
    match part {
        Part::Certificate | Part::ClientCa => "has no certificate: wants PEM (-----BEGIN CERTIFICATE-----)",
        Part::Key => "has no private key: wants PEM (-----BEGIN PRIVATE KEY-----)",
    }
}

impl CredentialsError {
    /// The text that is to be looked at.
    pub fn part(&self) -> Part {
        match self {
            CredentialsError::Nothing(part)
            | CredentialsError::NotPem { part, .. }
            | CredentialsError::Unusable { part, .. } => *part,
            CredentialsError::OtherKey => Part::Key,
        }
    }
}

impl Credentials {
    /// Those of these texts.
    pub fn from_pem(pem: &Pem<'_>) -> Result<Credentials, CredentialsError> {
        let chain = certificates(pem.certificate, Part::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(pem.key).map_err(|error| not_pem(&error, Part::Key))?;
        // RFC 9325 3.1.1, and RFC 7858 3.2 with it: nothing older than TLS 1.2.
        let tls = config(pem, &[&TLS13, &TLS12], &chain, &key)?;
        // RFC 9001 4.2: "Clients MUST NOT offer TLS versions older than 1.3."
        let mut quic = config(pem, &[&TLS13], &chain, &key)?;
        quic.alpn_protocols = vec![DOQ.to_vec()];
        // RFC 9250 4.5 has risks of queries in 0-RTT data, and servers need not take any.
        quic.max_early_data_size = 0;
        let quic = quinn::crypto::rustls::QuicServerConfig::try_from(quic)
            .map_err(|error| CredentialsError::Unusable { part: Part::Key, problem: error.to_string() })?;
        let with = |protocol: &[u8]| {
            let mut config = tls.clone();
            config.alpn_protocols = vec![protocol.to_vec()];
            Arc::new(config)
        };
        Ok(Credentials { tls: with(DOT), https: with(H2), quic: Arc::new(quic) })
    }
}

fn config(
    pem: &Pem<'_>,
    versions: &[&'static rustls::SupportedProtocolVersion],
    chain: &[CertificateDer<'static>],
    key: &PrivateKeyDer<'static>,
) -> Result<ServerConfig, CredentialsError> {
    let provider = Arc::new(ring::default_provider());
    let unusable = |part| move |problem: String| CredentialsError::Unusable { part, problem };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(|error| unusable(Part::Key)(error.to_string()))?;
    let builder = match pem.client_ca {
        None => builder.with_no_client_auth(),
        Some(text) => {
            let mut roots = RootCertStore::empty();
            for authority in certificates(text, Part::ClientCa)? {
                roots.add(authority).map_err(|error| unusable(Part::ClientCa)(error.to_string()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(
                verifier.map_err(|error| unusable(Part::ClientCa)(error.to_string()))?,
            )
        }
    };
    builder.with_single_cert(chain.to_vec(), key.clone_key()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => CredentialsError::OtherKey,
        rustls::Error::InvalidCertificate(_) => unusable(Part::Certificate)(error.to_string()),
        other => unusable(Part::Key)(other.to_string()),
    })
}

fn certificates(text: &[u8], part: Part) -> Result<Vec<CertificateDer<'static>>, CredentialsError> {
    let all = CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>();
    let all = all.map_err(|error| not_pem(&error, part))?;
    if all.is_empty() { Err(CredentialsError::Nothing(part)) } else { Ok(all) }
}

/// What is said of a text repeats nothing of it: it would stand in logs.
fn not_pem(error: &pem::Error, part: Part) -> CredentialsError {
    let problem = match error {
        pem::Error::NoItemsFound => return CredentialsError::Nothing(part),
        pem::Error::MissingSectionEnd { .. } => "an END line is missing",
        pem::Error::IllegalSectionStart { .. } => "a BEGIN line is malformed",
        pem::Error::Base64Decode(_) => "what stands between BEGIN and END is not base64",
        _ => "it cannot be read",
    };
    CredentialsError::NotPem { part, problem: problem.to_owned() }
}

impl fmt::Debug for Credentials {
    /// A key is nobody's business.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Credentials").finish_non_exhaustive()
    }
}

impl fmt::Debug for Pem<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pem").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate for `localhost` and its key, as PEM.
    fn made() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    fn refused(certificate: &str, key: &str, client_ca: Option<&str>) -> (Part, String) {
        let pem = Pem {
            certificate: certificate.as_bytes(),
            key: key.as_bytes(),
            client_ca: client_ca.map(str::as_bytes),
        };
        let error = Credentials::from_pem(&pem).unwrap_err();
        (error.part(), error.to_string())
    }

    #[test]
    fn a_certificate_with_its_key_is_taken() {
        let (certificate, key) = made();
        let (authority, _) = made();
        for client_ca in [None, Some(authority.as_bytes())] {
            let pem = Pem { certificate: certificate.as_bytes(), key: key.as_bytes(), client_ca };
            let credentials = Credentials::from_pem(&pem).unwrap();
            assert_eq!(credentials.tls.alpn_protocols, [b"dot".to_vec()]);
            assert_eq!(credentials.https.alpn_protocols, [b"h2".to_vec()]);
            let shown = format!("{credentials:?} {pem:?}");
            assert!(!shown.contains("PRIVATE"), "{shown}");
        }
        // Some keep both in one file.
        let both = format!("{key}{certificate}");
        let pem = Pem { certificate: both.as_bytes(), key: both.as_bytes(), client_ca: None };
        assert!(Credentials::from_pem(&pem).is_ok());
    }

    #[test]
    fn what_is_wrong_is_said_of_the_right_text_without_repeating_it() {
        let (certificate, key) = made();
        let (_, other) = made();
        let cut = key.get(..key.len() / 2).unwrap();
        let broken = "-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n";
        for (certificate, key, client_ca, part, words) in [
            ("", &*key, None, Part::Certificate, "has no certificate: wants PEM"),
            (&*key, &*key, None, Part::Certificate, "has no certificate: wants PEM"),
            (&*certificate, "", None, Part::Key, "has no private key: wants PEM"),
            (&*certificate, cut, None, Part::Key, "is not PEM: an END line is missing"),
            (&*certificate, &*other, None, Part::Key, "is not the key of the certificate"),
            (broken, &*key, None, Part::Certificate, "cannot be used: "),
            (&*certificate, &*key, Some(""), Part::ClientCa, "has no certificate: wants PEM"),
            (&*certificate, &*key, Some(broken), Part::ClientCa, "cannot be used: "),
        ] {
            let (found, text) = refused(certificate, key, client_ca);
            assert_eq!(found, part, "{text}");
            assert!(text.starts_with(words), "{text}");
            assert!(!text.contains("secret") && !text.contains("c2Vj"), "{text}");
        }
    }
}
