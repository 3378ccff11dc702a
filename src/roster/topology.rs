//! A topology: the named rule that picks peers and names them. Its fields are the settings of `[[topologies]]`.

use super::{Protocol, Selector};

/// The largest TTL in seconds. RFC 2181 8: "a TTL value is an unsigned number, with a minimum value of 0, and a maximum
/// value of 2147483647".
pub const TTL_MAX: u32 = 2_147_483_647;

/// A rule that picks peers and names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// With a name, all matching objects of a namespace form the set of that name; without, each Service is a set.
    /// A lower-case RFC 1123 label.
    pub name: Option<Box<str>>,
    /// Which objects match, by their labels.
    pub selector: Selector,
    /// Where it looks. In listed namespaces a named topology's set exists even without objects.
    pub namespaces: Namespaces,
    /// The part of node names before `@`; the set's name where absent.
    pub node_basename: Option<Box<str>>,
    /// How node names are built.
    pub mode: Mode,
    /// Which peers are listed.
    pub include: Include,
    /// Whom to list when `include` leaves nobody.
    pub when_empty: WhenEmpty,
    /// What SRV records point at.
    pub srv_host: SrvHost,
    /// The record types served at the set's own name and its parts; names of ports keep their SRV.
    pub records: RecordTypes,
    /// TTL in seconds at and below the set's name; the server's where absent.
    pub ttl: Option<u32>,
    /// Which addresses are listed.
    pub family: Family,
    /// The family that names a dual-stack peer.
    pub prefer: Prefer,
    /// Which ports SRV records carry; those of the objects where absent.
    pub ports: Option<Vec<PortChoice>>,
}

impl Topology {
    /// The topology that holds where none is configured: every Service its own set.
    pub fn every_service() -> Topology {
        Topology {
            name: None,
            selector: Selector::everything(),
            namespaces: Namespaces::All,
            node_basename: None,
            mode: Mode::Ip,
            include: Include::Ready,
            when_empty: WhenEmpty::Nothing,
            srv_host: SrvHost::Mode,
            records: RecordTypes::ALL,
            ttl: None,
            family: Family::Any,
            prefer: Prefer::Ipv4,
            ports: None,
        }
    }
}

/// The namespaces of a topology.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Namespaces {
    /// All of them.
    All,
    /// These; sorted, unique, never empty. `"."` is resolved before it gets here.
    Listed(Vec<Box<str>>),
}

/// How a node name is built behind `<basename>@`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The address: `myapp@10.0.0.1`.
    Ip,
    /// The pod name: `myapp@10-0-0-1.default.pod.cluster.local`.
    Dns,
    /// `<hostname>.<service>.<ns>.svc.<cluster domain>`; a peer without hostname as in `Dns`.
    Hostname,
    /// The peer's name in our own zone, `<hostname or ip-dashes>.<set>.<ns>.svc.<zone>`.
    Peer,
}

impl Mode {
    /// Every value with its word in settings and labels.
    pub const WORDS: &'static [(&'static str, Mode)] =
        &[("ip", Mode::Ip), ("dns", Mode::Dns), ("hostname", Mode::Hostname), ("peer", Mode::Peer)];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        Mode::WORDS.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| word)
    }
}

/// Which peers are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Include {
    /// Ready ones (nil is ready).
    Ready,
    /// Also those that drain: serving though not ready.
    Serving,
    /// Also those not ready.
    All,
}

impl Include {
    /// Every value with its word in settings and labels.
    pub const WORDS: &'static [(&'static str, Include)] =
        &[("ready", Include::Ready), ("serving", Include::Serving), ("all", Include::All)];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        Include::WORDS.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| word)
    }
}

/// Whom to list when `include` leaves nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WhenEmpty {
    /// Nobody.
    Nothing,
    /// Those that serve.
    Serving,
    /// Everybody.
    All,
}

impl WhenEmpty {
    /// Every value with its word in settings.
    pub const WORDS: &'static [(&'static str, WhenEmpty)] =
        &[("nothing", WhenEmpty::Nothing), ("serving", WhenEmpty::Serving), ("all", WhenEmpty::All)];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        WhenEmpty::WORDS.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| word)
    }
}

/// What SRV records point at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SrvHost {
    /// The host that the mode gives.
    Mode,
    /// The peer's name in our own zone.
    Peer,
}

impl SrvHost {
    /// Every value with its word in settings.
    pub const WORDS: &'static [(&'static str, SrvHost)] = &[("mode", SrvHost::Mode), ("peer", SrvHost::Peer)];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        SrvHost::WORDS.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| word)
    }
}

/// The record types served at a set's own name and at its parts, `_<i>._of<n>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "one switch per record type")]
pub struct RecordTypes {
    /// A.
    pub a: bool,
    /// AAAA.
    pub aaaa: bool,
    /// SRV.
    pub srv: bool,
    /// TXT.
    pub txt: bool,
}

impl RecordTypes {
    /// All of them.
    pub const ALL: RecordTypes = RecordTypes { a: true, aaaa: true, srv: true, txt: true };
}

/// Which addresses are listed. A peer without any of these is not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Both families.
    Any,
    /// IPv4 only.
    Ipv4,
    /// IPv6 only.
    Ipv6,
}

impl Family {
    /// Every value with its word in settings.
    pub const WORDS: &'static [(&'static str, Family)] =
        &[("any", Family::Any), ("ipv4", Family::Ipv4), ("ipv6", Family::Ipv6)];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        Family::WORDS.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| word)
    }
}

/// The family that names a dual-stack peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prefer {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl Prefer {
    /// Every value with its word in settings.
    pub const WORDS: &'static [(&'static str, Prefer)] = &[("ipv4", Prefer::Ipv4), ("ipv6", Prefer::Ipv6)];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        Prefer::WORDS.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| word)
    }
}

/// A port that SRV records carry, as `ports` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortChoice {
    /// The object's port of this name.
    Named(Box<str>),
    /// `name/proto/number`, whatever the object says. The number is never 0.
    Fixed {
        /// Port name; empty where SRV is wanted at the bare name only.
        name: Box<str>,
        /// Protocol.
        protocol: Protocol,
        /// Number, never 0.
        number: u16,
    },
}
