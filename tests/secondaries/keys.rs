//! Keys of signatures, in the files and words of each server.

use std::io::Write as _;
use std::process::Command;
use std::sync::Arc;

/// A key that all sides have.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) algorithm: &'static str,
    /// In base64.
    pub(crate) secret: String,
    /// As `tsig-keygen` prints it.
    pub(crate) file: Arc<tempfile::NamedTempFile>,
}

impl Key {
    /// A new one, as a person makes it.
    pub(crate) fn new(algorithm: &'static str) -> Key {
        let made = Command::new("tsig-keygen").args(["-a", algorithm, "transfer.key"]).output();
        let text = String::from_utf8(made.expect("tsig-keygen (Debian: bind9)").stdout).unwrap();
        let secret = text.split('"').nth(3).expect("a secret").to_owned();
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(text.as_bytes()).expect("a written key");
        Key { name: "transfer.key", algorithm, secret, file: Arc::new(file) }
    }

    /// The settings of the primary.
    pub(crate) fn settings(&self) -> String {
        format!("[[transfer.keys]]\nname = \"{}\"\nfile = \"{}\"\n", self.name, self.file.path().display())
    }
}
