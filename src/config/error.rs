//! What is wrong with settings.

use super::origin::Origin;
use super::values::Invalid;
use std::fmt;
use std::net::SocketAddr;

/// Every wrong setting, in the order of layers and of the file's text. Never empty. Its text has one line for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errors {
    errors: Vec<Error>,
}

impl Errors {
    pub(super) fn new(mut errors: Vec<Error>) -> Errors {
        errors.sort_by(|a, b| (&a.origin, &a.key).cmp(&(&b.origin, &b.key)));
        errors.dedup();
        Errors { errors }
    }

    /// The errors, one for each wrong setting.
    pub fn iter(&self) -> impl Iterator<Item = &Error> {
        self.errors.iter()
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}

/// One wrong setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Where it came from.
    pub origin: Origin,
    /// Its key, `server.ttl`; empty where the file is not TOML.
    pub key: String,
    /// The value as it was written; none for tables.
    pub value: Option<String>,
    /// What is wrong.
    pub problem: Problem,
}

impl fmt::Display for Error {
    /// `rosterd.toml:3:7: server.ttl = 7.9: wants a whole number from 0 to 2147483647, not a number with a
    /// fraction`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        match (self.key.as_str(), &self.value) {
            ("", _) => {}
            (key, Some(value)) => write!(f, "{key} = {value}: ")?,
            (key, None) => write!(f, "{key}: ")?,
        }
        write!(f, "{}", self.problem)
    }
}

impl std::error::Error for Error {}

/// What is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The file is not TOML.
    #[error("not TOML: {0}")]
    Syntax(String),
    /// No setting has this key.
    #[error("no such setting{}", meant(.0.as_deref()))]
    NoSuchKey(
        /// The name that was meant, where one is near.
        Option<String>,
    ),
    /// A value of another type.
    #[error("wants {wanted}, not {found}")]
    WrongType {
        /// What the key takes.
        wanted: String,
        /// What was found.
        found: &'static str,
    },
    /// A value of the right type that cannot be.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The value is not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// Two zones with one apex.
    #[error("two zones have the apex {apex}: this one and {other}")]
    SameApex {
        /// The apex, without the final dot.
        apex: String,
        /// The other zone: its key and origin.
        other: String,
    },
    /// The peer zone within the pod zone: the longest match answers, and would deny the pods of a namespace.
    #[error(
        "lies below the pod zone {pods} and would hide names of pods: take a zone elsewhere, or pods = \"disabled\""
    )]
    HidesPods {
        /// The apex of the pod zone, without the final dot.
        pods: String,
    },
    /// A zone that leaves no room for the longest legal name below it.
    #[error("too long: {octets} octets on the wire, and the longest names below it leave room for {limit}")]
    TooLong {
        /// The octets of the name on the wire.
        octets: usize,
        /// How many it may have.
        limit: usize,
    },
    /// A listener at an address whose port another one takes at all addresses of the family.
    #[error(
        "\"{all}\" ({at}) takes this port at all {family} addresses, this one among them: take one of the two away",
        family = if .all.is_ipv4() { "IPv4" } else { "IPv6" }
    )]
    PortTaken {
        /// The other one.
        all: SocketAddr,
        /// Where it stands.
        at: Origin,
    },
    /// Two topologies of one name.
    #[error("the topology at {first} has this name too; names of topologies are unique")]
    NameTaken {
        /// Where the first stands.
        first: Origin,
    },
    /// Flags or environment describe a topology, and so does the file.
    #[error(
        "describes the only topology, but the file has topologies of its own ({0}): take one of the two away"
    )]
    TopologyTwice(Origin),
    /// `"."` while the namespace that rosterd runs in is not known.
    #[error(
        "\".\" is the namespace rosterd runs in, which is not known here: name the namespace, or set POD_NAMESPACE"
    )]
    OwnNamespaceUnknown,
    /// `"."` while the namespace that rosterd runs in has no legal name.
    #[error("\".\" is the namespace rosterd runs in, said to be {0:?}: {1}")]
    OwnNamespaceInvalid(String, Invalid),
    /// `prefer` names a family that `family` leaves out.
    #[error("names peers by a family that family = \"{0}\" leaves out: take one of the two away")]
    PreferLeftOut(&'static str),
    /// A way to the Kubernetes API beside manifests.
    #[error(
        "names the cluster to watch, but there are manifests ({manifests}), which are served instead: take one of the two away"
    )]
    TwoSources {
        /// Where the manifests stand.
        manifests: Origin,
    },
    /// A topology asks for what Endpoints do not say: whether a peer that is not ready still serves.
    #[error(
        "Endpoints do not say who is serving, and kubernetes.watch is \"endpoints\" ({watch}): take \"{instead}\" or \"all\" \
         here, or watch \"endpointslices\""
    )]
    ServingUnknown {
        /// Where `kubernetes.watch` stands.
        watch: Origin,
        /// The other word that this setting can have.
        instead: &'static str,
    },
    /// Pods as source while nothing names a set.
    #[error("Pods belong to no Service that could name their set: {}", named_topology(.topology.as_ref()))]
    PodsUnnamed {
        /// The topology without a name; none where there is no topology.
        topology: Option<Origin>,
    },
    /// A setting without a default that must have a value has none.
    #[error("has no value")]
    Missing,
    /// Two keys of one name.
    #[error("the key at {first} has this name too; names of keys are unique")]
    KeyTwice {
        /// The name of the other one.
        first: Origin,
    },
    /// No key has this name.
    #[error("no key has this name: it wants a [[transfer.keys]] with it")]
    NoSuchTransferKey,
    /// A secondary without address and key.
    #[error("has no value, and neither has key: anybody could fetch zones; say who by one of the two")]
    AnybodyIsSecondary,
    /// The layers cannot be merged. Not to be expected.
    #[error("cannot be merged: {0}")]
    Merge(String),
}

fn named_topology(unnamed: Option<&Origin>) -> String {
    match unnamed {
        None => "describe a topology with a name".to_owned(),
        Some(Origin::Default) => "give the topology a name".to_owned(),
        Some(origin) => format!("give the topology at {origin} a name"),
    }
}

fn meant(name: Option<&str>) -> String {
    name.map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}
