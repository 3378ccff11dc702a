//! What a source left out of objects that it otherwise took: counted, with one example, never a failure.

use std::collections::BTreeMap;
use std::fmt;

/// Something odd in objects, how often, and where it was met first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it is.
    pub oddity: Oddity,
    /// How often it was met.
    pub count: usize,
    /// The first of them: the object, and the value in question.
    pub example: String,
}

/// What can be odd in an object that is served all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Oddity {
    /// An address that does not parse; left out.
    Address,
    /// An address of the other family than the slice's `addressType`; taken.
    AddressFamily,
    /// A slice whose `addressType` is neither `IPv4` nor `IPv6`; its endpoints have no addresses.
    AddressType,
    /// A port number that is 0 or above 65535; left out.
    PortNumber,
    /// A protocol other than TCP, UDP and SCTP; the port is left out.
    Protocol,
    /// An object that the same manifest holds twice; the later one counts.
    Duplicate,
}

impl fmt::Display for Oddity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Oddity::Address => "addresses that do not parse were left out",
            Oddity::AddressFamily => "addresses are of another family than their slice's addressType",
            Oddity::AddressType => "slices have an addressType without IP addresses",
            Oddity::PortNumber => "ports whose number is not 1 to 65535 were left out",
            Oddity::Protocol => "ports whose protocol is not TCP, UDP or SCTP were left out",
            Oddity::Duplicate => "objects stand twice in the manifest: the later one counts",
        })
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Notice { oddity, count, example } = self;
        write!(formatter, "{oddity}: {count}, the first in {example}")
    }
}

/// Notices while they are being counted.
#[derive(Debug, Default)]
pub(super) struct Notices(BTreeMap<Oddity, (usize, String)>);

impl Notices {
    /// Counts one; `example` is asked for the first time only.
    pub(super) fn count(&mut self, oddity: Oddity, example: impl FnOnce() -> String) {
        self.0.entry(oddity).or_insert_with(|| (0, example())).0 += 1;
    }

    /// Adds what another has counted.
    pub(super) fn append(&mut self, other: Notices) {
        for (oddity, (count, example)) in other.0 {
            self.0.entry(oddity).or_insert((0, example)).0 += count;
        }
    }

    /// The notices, in the order of [`Oddity`].
    pub(super) fn into_vec(self) -> Vec<Notice> {
        let entries = self.0.into_iter();
        entries.map(|(oddity, (count, example))| Notice { oddity, count, example }).collect()
    }
}
