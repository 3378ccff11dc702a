//! Who may fetch zones, with which keys: settings as the answering part wants them, and the files of the keys.

use super::secret_file::read_text;
use crate::answer::{Network, Notified, TransferList, TransferRule};
use crate::config::{self, TransferSettings};
use crate::server::NotifiedList;
use crate::wire::{Name, TsigAlgorithm, TsigKey};
use crate::zone::JournalLimits;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Octets of the largest file of a key.
const LARGEST: u64 = 64 << 10;

/// Octets of the shortest secret. RFC 8945 10: "the secret SHOULD be at least as long as the keyed hash output"; keys of half
/// that are in use.
const SHORTEST: usize = 16;

/// Steps that are kept of what changed in a zone. One is made when a serial is given that was not given before.
const STEPS: usize = 1000;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[error("the key {}in {}: {cause}", .name.as_ref().map(|name| format!("{name} ")).unwrap_or_default(), .file.display())]
pub struct KeyError {
    /// The name of the key, where it is known.
    name: Option<Name>,
    file: PathBuf,
    cause: KeyFault,
}

/// What is wrong with the file of a key. Nothing of it is repeated: it would stand in logs.
#[derive(Debug, thiserror::Error)]
enum KeyFault {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error(
        "not a key: wants what `tsig-keygen NAME` prints, or a secret in base64, an algorithm and a colon before it"
    )]
    Form,
    #[error("the file names no key: wants what `tsig-keygen NAME` prints")]
    Nameless,
    #[error("is a key of another name there")]
    Name,
    #[error("the algorithm is none of hmac-sha256, hmac-sha384, hmac-sha512")]
    Algorithm,
    #[error("the secret is not base64")]
    Base64,
    #[error("the secret has {0} octets, which is less than {SHORTEST}: too short to be one")]
    Short(usize),
}

/// The keys of the settings.
pub(super) fn keys(settings: &TransferSettings) -> Result<Vec<Arc<TsigKey>>, KeyError> {
    let key = |key: &config::TransferKey| {
        let read =
            read_text(&key.file, LARGEST).map_err(KeyFault::from).and_then(|text| parse(&text, &key.name));
        read.map(Arc::new).map_err(|cause| KeyError {
            name: Some(key.name.clone()),
            file: key.file.clone(),
            cause,
        })
    };
    settings.keys.iter().map(key).collect()
}

/// The key of a file that says its name itself.
pub(super) fn key_of_file(file: &Path) -> Result<Arc<TsigKey>, KeyError> {
    let failed = |name: Option<Name>| move |cause| KeyError { name, file: file.to_owned(), cause };
    let text = read_text(file, LARGEST).map_err(|error| failed(None)(error.into()))?;
    let name = text.split('"').nth(1).or_else(|| text.split_whitespace().nth(1));
    let name = name.and_then(|name| name.parse::<Name>().ok());
    let name = name.ok_or(KeyFault::Nameless).map_err(failed(None))?;
    parse(&text, &name).map(Arc::new).map_err(failed(Some(name)))
}

/// Who may fetch what.
pub(super) fn list(settings: &TransferSettings) -> TransferList {
    let network = |network: &config::Network| Network::new(network.address, network.length);
    let rule = |secondary: &config::Secondary| TransferRule {
        clients: secondary.clients.iter().flatten().map(network).collect(),
        key: secondary.key.clone(),
        zones: secondary.zones.iter().flatten().cloned().collect(),
        incremental: secondary.incremental,
    };
    TransferList::new(settings.secondaries.iter().map(rule).collect())
}

/// Who is told of changes, with the keys of [`keys`].
pub(super) fn notified(settings: &TransferSettings, keys: &[Arc<TsigKey>]) -> NotifiedList {
    let of_one = |secondary: &config::Secondary| {
        let key = keys.iter().find(|key| Some(key.name()) == secondary.key.as_ref()).cloned();
        let zones: Vec<Name> = secondary.zones.iter().flatten().cloned().collect();
        let addresses = secondary.notify.clone().unwrap_or_default().into_iter();
        addresses.map(move |address| Notified { address, key: key.clone(), zones: zones.clone() })
    };
    NotifiedList {
        secondaries: settings.secondaries.iter().flat_map(of_one).collect(),
        interval: settings.notify_interval,
    }
}

/// How much is kept of what changed.
pub(super) fn journal(settings: &TransferSettings) -> JournalLimits {
    JournalLimits { octets: settings.journal, steps: STEPS }
}

/// Reads `key "name" { algorithm hmac-sha256; secret "c2VjcmV0"; };`, or `c2VjcmV0`, or `hmac-sha256:c2VjcmV0`.
fn parse(text: &str, name: &Name) -> Result<TsigKey, KeyFault> {
    let (algorithm, secret) = match text.split_once('{') {
        Some((head, body)) => {
            let mut words = head.split_whitespace();
            let (Some("key"), Some(own), None) = (words.next(), words.next(), words.next()) else {
                return Err(KeyFault::Form);
            };
            if own.trim_matches('"').parse::<Name>().ok().as_ref() != Some(name) {
                return Err(KeyFault::Name);
            }
            let body = body.split_once('}').ok_or(KeyFault::Form)?.0;
            let value = |wanted: &str| {
                body.split(';').find_map(|statement| {
                    let (word, value) = statement.trim().split_once(char::is_whitespace)?;
                    (word == wanted).then(|| value.trim().trim_matches('"').to_owned())
                })
            };
            (value("algorithm").ok_or(KeyFault::Form)?, value("secret").ok_or(KeyFault::Form)?)
        }
        None => match text.trim().split_once(':') {
            Some((algorithm, secret)) => (algorithm.to_owned(), secret.to_owned()),
            None => (TsigAlgorithm::Sha256.as_str().to_owned(), text.trim().to_owned()),
        },
    };
    let algorithm: TsigAlgorithm = algorithm.parse().map_err(|()| KeyFault::Algorithm)?;
    if secret.is_empty() {
        return Err(KeyFault::Form);
    }
    let secret = STANDARD.decode(secret).map_err(|_| KeyFault::Base64)?;
    if secret.len() < SHORTEST {
        return Err(KeyFault::Short(secret.len()));
    }
    Ok(TsigKey::new(name.clone(), algorithm, secret.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZg==";

    #[test]
    fn keys_are_read_as_programs_print_them() {
        let name: Name = "K.example".parse().unwrap();
        let key = |algorithm| TsigKey::new(name.clone(), algorithm, b"0123456789abcdef"[..].into());
        for (text, algorithm) in [
            (
                format!("key \"k.example\" {{\n\talgorithm hmac-sha512;\n\tsecret \"{SECRET}\";\n}};\n"),
                TsigAlgorithm::Sha512,
            ),
            (
                format!("key k.example. {{ secret {SECRET}; algorithm HMAC-SHA384.; }};"),
                TsigAlgorithm::Sha384,
            ),
            (format!("{SECRET}\n"), TsigAlgorithm::Sha256),
            (format!("hmac-sha384:{SECRET}"), TsigAlgorithm::Sha384),
        ] {
            assert_eq!(parse(&text, &name).unwrap(), key(algorithm), "{text}");
        }
    }

    #[test]
    fn what_is_no_key_is_named_and_not_repeated() {
        let name: Name = "k".parse().unwrap();
        for (text, message) in [
            (String::new(), "not a key"),
            ("\n".to_owned(), "not a key"),
            (format!("key \"other\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};"), "of another name"),
            (format!("key \"k\" {{ secret \"{SECRET}\"; }};"), "not a key"),
            ("key \"k\" { algorithm hmac-sha256; };".to_owned(), "not a key"),
            (format!("key \"k\" {{ algorithm hmac-sha256; secret \"{SECRET}\";"), "not a key"),
            (format!("key \"k\" {{ algorithm hmac-md5; secret \"{SECRET}\"; }};"), "none of hmac-sha256"),
            (format!("hmac-sha1:{SECRET}"), "none of hmac-sha256"),
            (SECRET.replace('M', "*"), "not base64"),
            ("c2hvcnQ=".to_owned(), "has 5 octets"),
        ] {
            let error = parse(&text, &name).unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
            assert!(!error.contains("MDEy") && !error.contains("c2hv"), "{error}");
        }
    }
}
