//! The values of settings: texts become types that cannot be wrong.
//!
//! Each type has a function that reads it and one that writes what reads back the same.

mod choice;
mod duration;
mod identity;
mod names;
mod network;
mod ports;
mod reverse_zone;
mod sockets;

pub(super) use choice::{RecordType, choice_text, choose, record_list, record_types};
pub use duration::{DURATION_MAX, DURATION_MIN};
pub(super) use duration::{duration, duration_text, pause, stale_after};
pub(super) use identity::{chaos_text, nsid, nsid_text};
pub(super) use names::{basename, domain, domain_text, filled, hostmaster, label, namespace, selector};
pub(super) use network::{network, network_text};
pub(super) use ports::{port, port_text};
pub(super) use reverse_zone::reverse_zone;
pub(super) use sockets::{advertised, listener, notified};

use crate::roster::SelectorError;
use crate::wire::NameError;
use std::time::Duration;

/// Why a value cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Nothing where something is wanted.
    #[error("is empty")]
    Empty,
    /// A list without elements where that has no meaning.
    #[error("is an empty list; leave the setting out instead")]
    EmptyList,
    /// The same element twice.
    #[error("stands in the list twice")]
    Twice,
    /// A number outside its range.
    #[error("must be from {least} to {most}")]
    Range {
        /// The smallest number allowed.
        least: i64,
        /// The largest.
        most: i64,
    },
    /// None of the words allowed.
    #[error("must be {}{}", one_of(.allowed), near(*.meant))]
    Choice {
        /// The words allowed.
        allowed: Vec<&'static str>,
        /// The word that was meant, where one is near.
        meant: Option<&'static str>,
    },
    /// Not a duration.
    #[error("not a duration: a whole number and ms, s, m or h, such as \"500ms\", \"10s\" or \"2m\"")]
    Duration,
    /// A duration outside its range.
    #[error("must be from {} to {}", duration_text(DURATION_MIN), duration_text(DURATION_MAX))]
    DurationRange,
    /// A duration shorter than makes sense.
    #[error("must be at least {}", duration_text(*.0))]
    DurationLeast(Duration),
    /// Not a domain name.
    #[error("not a domain name: {0}")]
    Domain(NameError),
    /// A character that names of zones and hosts do not have.
    #[error("not a domain name: {0:?} is neither a letter a-z, a digit, a hyphen nor an underscore")]
    DomainCharacter(char),
    /// The root.
    #[error("the root cannot be meant here")]
    Root,
    /// A mail address where its form as a domain name is wanted.
    #[error(
        "a mail address is written as a domain name here, with a dot for the @: \"admin@example.org\" is \"admin.example.org\""
    )]
    MailAddress,
    /// Not a lower-case RFC 1123 label.
    #[error(
        "not a lower-case RFC 1123 label: 1 to 63 of the characters a-z, 0-9 and -, with no - first or last"
    )]
    Label,
    /// Not a basename of nodes.
    #[error("not the first part of a node name: letters, digits, _ and - only, and at least one")]
    Basename,
    /// Not a label selector.
    #[error("not a label selector: {0}")]
    Selector(SelectorError),
    /// Not an address with a port.
    #[error("not an address with a port, such as \"127.0.0.1:5300\", \"[::1]:5300\" or \"0.0.0.0:53\"")]
    Listener,
    /// Not an IP address.
    #[error("not an IP address, such as \"192.0.2.1\" or \"2001:db8::1\"")]
    Address,
    /// An address that no client can reach a server by.
    #[error("not an address that clients can ask: it is unspecified, multicast or broadcast")]
    Unreachable,
    /// Not a network.
    #[error(
        "not a network of clients, such as \"10.0.0.0/8\", \"fd00::/8\" or the one address \"192.0.2.1\""
    )]
    Network,
    /// More octets than a text may have.
    #[error("has {octets} octets, and may have {limit}")]
    TooLong {
        /// How many it has.
        octets: usize,
        /// How many it may have.
        limit: usize,
    },
    /// Not octets in hexadecimal digits.
    #[error("begins with 0x, but what follows is not pairs of hexadecimal digits")]
    Hexadecimal,
    /// Not a reverse zone.
    #[error(
        "not a reverse zone: wants a name such as \"10.in-addr.arpa\" or a network such as \"10.0.0.0/8\""
    )]
    ReverseZone,
    /// A prefix between two labels.
    #[error("a reverse zone ends at a whole label: the prefix length must be a multiple of {0}")]
    ReversePrefix(u8),
    /// Bits behind the prefix are set.
    #[error("has bits set behind its prefix; the network is \"{0}\"")]
    HostBits(String),
    /// Not a port.
    #[error("not a port: wants an object's port name, \"http\", or name/protocol/number, \"http/tcp/8080\"")]
    Port,
}

/// `"a", "b" or "c"`.
fn one_of(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [only] => format!("\"{only}\""),
        [most @ .., last] => {
            let most: Vec<String> = most.iter().map(|word| format!("\"{word}\"")).collect();
            format!("{} or \"{last}\"", most.join(", "))
        }
    }
}

fn near(meant: Option<&str>) -> String {
    meant.map(|word| format!("; did you mean \"{word}\"?")).unwrap_or_default()
}
