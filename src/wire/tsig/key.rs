//! Keys of signatures, and the algorithms that they are for.

use crate::wire::Name;
use ring::hmac;
use std::fmt;
use std::str::FromStr;

/// A secret that two servers share, by a name that both know it by.
#[derive(Clone, PartialEq, Eq)]
pub struct TsigKey {
    pub(super) name: Name,
    pub(super) algorithm: TsigAlgorithm,
    pub(super) secret: Box<[u8]>,
}

/// What makes the signatures of a key.
///
/// RFC 8945 6 has HMAC-MD5 and HMAC-SHA1 as not recommended; they are not spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TsigAlgorithm {
    /// `hmac-sha256`.
    Sha256,
    /// `hmac-sha384`.
    Sha384,
    /// `hmac-sha512`.
    Sha512,
}

impl TsigAlgorithm {
    pub(super) const ALL: [TsigAlgorithm; 3] =
        [TsigAlgorithm::Sha256, TsigAlgorithm::Sha384, TsigAlgorithm::Sha512];

    /// Its name as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            TsigAlgorithm::Sha256 => "hmac-sha256",
            TsigAlgorithm::Sha384 => "hmac-sha384",
            TsigAlgorithm::Sha512 => "hmac-sha512",
        }
    }

    /// Its name in wire form (RFC 8945 6).
    pub(super) const fn as_wire(self) -> &'static [u8] {
        match self {
            TsigAlgorithm::Sha256 => b"\x0bhmac-sha256\0",
            TsigAlgorithm::Sha384 => b"\x0bhmac-sha384\0",
            TsigAlgorithm::Sha512 => b"\x0bhmac-sha512\0",
        }
    }

    /// Whether a MAC may have so many octets: a whole one, or one that is cut to no less than half of that and ten (RFC 8945
    /// 5.2.2.1).
    pub const fn may_have_mac_of(self, octets: usize) -> bool {
        let least = if self.mac_len() / 2 > 10 { self.mac_len() / 2 } else { 10 };
        least <= octets && octets <= self.mac_len()
    }

    /// Octets of a whole MAC.
    pub(super) const fn mac_len(self) -> usize {
        match self {
            TsigAlgorithm::Sha256 => 32,
            TsigAlgorithm::Sha384 => 48,
            TsigAlgorithm::Sha512 => 64,
        }
    }

    fn hmac(self) -> hmac::Algorithm {
        match self {
            TsigAlgorithm::Sha256 => hmac::HMAC_SHA256,
            TsigAlgorithm::Sha384 => hmac::HMAC_SHA384,
            TsigAlgorithm::Sha512 => hmac::HMAC_SHA512,
        }
    }
}

impl FromStr for TsigAlgorithm {
    type Err = ();

    /// Its name, in any case, with or without a final dot.
    fn from_str(text: &str) -> Result<TsigAlgorithm, ()> {
        let text = text.strip_suffix('.').unwrap_or(text);
        TsigAlgorithm::ALL.into_iter().find(|own| own.as_str().eq_ignore_ascii_case(text)).ok_or(())
    }
}

impl TsigKey {
    /// A key of this name. A secret has any number of octets; as many as a MAC has are good.
    pub fn new(name: Name, algorithm: TsigAlgorithm, secret: Box<[u8]>) -> TsigKey {
        TsigKey { name, algorithm, secret }
    }

    /// The name that both sides know it by.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// What makes its signatures.
    pub fn algorithm(&self) -> TsigAlgorithm {
        self.algorithm
    }

    /// A MAC to be fed.
    pub(super) fn begin(&self) -> hmac::Context {
        hmac::Context::with_key(&hmac::Key::new(self.algorithm.hmac(), &self.secret))
    }
}

/// Without the secret: it would stand in logs.
impl fmt::Debug for TsigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TsigKey({} {})", self.name, self.algorithm.as_str())
    }
}
