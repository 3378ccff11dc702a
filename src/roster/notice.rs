//! What an operator should hear about: objects that cannot be served as they are, and why.

use super::overrides::wanted;
use super::{ObjectKey, SetKey};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// One thing worth a log line. Said when it begins, not again while it lasts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Notice {
    /// Something in an object is ignored, or the whole object.
    #[error("{object}: {problem}")]
    Object {
        /// The object.
        object: ObjectName,
        /// What is wrong with it.
        problem: Problem,
    },
    /// Addresses are missing from an object, and so maybe from a set.
    #[error(
        "{object}: truncated to 1,000 addresses by Kubernetes, the set {set} may be incomplete; watch EndpointSlices instead"
    )]
    Truncated {
        /// The object.
        object: ObjectName,
        /// A set that it contributes to.
        set: SetKey,
    },
    /// Two watches have an object of one name; both are served.
    #[error("{object} is in {} and in {}: both are served", one_line(&.watches[0]), one_line(&.watches[1]))]
    Twice {
        /// The object.
        object: ObjectName,
        /// What people call the watch that had it, and the one that brought it too.
        watches: [Box<str>; 2],
    },
    /// Several listed peers of a set have one hostname; all of them go by their addresses.
    #[error("set {set}: several peers have the hostname `{hostname}` and go by their addresses")]
    HostnameClash {
        /// The set.
        set: SetKey,
        /// The hostname.
        hostname: Box<str>,
    },
    /// A peer without node name, as it would be too long.
    #[error(
        "set {set}: the node name of the peer {address} would have {length} octets, above 255, and is left out"
    )]
    NodeNameTooLong {
        /// The set.
        set: SetKey,
        /// The peer's primary address.
        address: IpAddr,
        /// How long the name would be, in octets.
        length: usize,
    },
    /// An object came to be one that does not parse.
    #[error("{object}: its last good version stays until it parses again")]
    Broken {
        /// The object.
        object: ObjectName,
    },
    /// A new object does not parse.
    #[error("{object}: never parsed; {}", refused(.sets))]
    NeverParsed {
        /// The object.
        object: ObjectName,
        /// The sets that are refused because of it, unique.
        sets: Vec<SetKey>,
    },
}

/// What an object that never parsed leads to.
fn refused(sets: &[SetKey]) -> String {
    let names: Vec<String> = sets.iter().map(SetKey::to_string).collect();
    match &*names {
        [] => "its addresses are unknown until it does".to_owned(),
        [set] => format!("the set {set} is refused until it does"),
        sets => format!("the sets {} are refused until it does", sets.join(", ")),
    }
}

/// What is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The object is skipped: no name can hold its namespace.
    #[error("skipped: its namespace is not a lower-case RFC 1123 label")]
    Namespace,
    /// The object is skipped where Services name the sets.
    #[error("skipped: it belongs to no Service, and the topology that matches it has no name")]
    NoService,
    /// The object is skipped where Services name the sets.
    #[error("skipped: `{}` cannot name a set, it is not a lower-case RFC 1123 label", one_line(.0))]
    SetName(Box<str>),
    /// A label of this server is ignored.
    #[error("the label {label} is ignored: it must be {}, not `{}`", wanted(label), one_line(.value))]
    LabelValue {
        /// The label's key.
        label: &'static str,
        /// Its value.
        value: Box<str>,
    },
    /// Labels like those of this server, which has none of these names; the first of them.
    #[error("the label `{}` is ignored: there are rosterd.io/set, basename, mode, include and ttl", one_line(.0))]
    NoSuchLabel(Box<str>),
    /// Hostnames of endpoints are ignored; the first of them.
    #[error("the hostname `{}` is ignored: it is not a lower-case RFC 1123 label", one_line(.0))]
    Hostname(Box<str>),
    /// Hostnames of endpoints cannot be labels below the set; the first of them.
    #[error("the hostname `{}` reads as an address: below the set, the peer goes by its own", one_line(.0))]
    HostnameIsAddress(Box<str>),
    /// Namespaces of endpoints are ignored, the object's holds; the first of them.
    #[error("the namespace `{}` of an endpoint is ignored: it is not a lower-case RFC 1123 label", one_line(.0))]
    EndpointNamespace(Box<str>),
    /// A port has no name of its own, SRV records stand at the set's name only; the first of them.
    #[error("the port name `{}` is ignored: with `_` before it, it would not be a label", one_line(.0))]
    PortName(Box<str>),
}

/// An object, as notices call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectName(pub ObjectKey);

/// The kinds of notices, for counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoticeKind {
    /// [`Problem::Namespace`].
    Namespace,
    /// [`Problem::NoService`].
    NoService,
    /// [`Problem::SetName`].
    SetName,
    /// [`Problem::LabelValue`].
    LabelValue,
    /// [`Problem::NoSuchLabel`].
    NoSuchLabel,
    /// [`Problem::Hostname`] and [`Problem::HostnameIsAddress`].
    Hostname,
    /// [`Problem::EndpointNamespace`].
    EndpointNamespace,
    /// [`Problem::PortName`].
    PortName,
    /// [`Notice::Truncated`].
    Truncated,
    /// [`Notice::Twice`].
    Twice,
    /// [`Notice::HostnameClash`].
    HostnameClash,
    /// [`Notice::NodeNameTooLong`].
    NodeNameTooLong,
    /// [`Notice::Broken`] and [`Notice::NeverParsed`].
    Broken,
}

impl Notice {
    /// Which kind it is.
    pub fn kind(&self) -> NoticeKind {
        match self {
            Notice::Object { problem, .. } => problem.kind(),
            Notice::Truncated { .. } => NoticeKind::Truncated,
            Notice::Twice { .. } => NoticeKind::Twice,
            Notice::HostnameClash { .. } => NoticeKind::HostnameClash,
            Notice::NodeNameTooLong { .. } => NoticeKind::NodeNameTooLong,
            Notice::Broken { .. } | Notice::NeverParsed { .. } => NoticeKind::Broken,
        }
    }
}

impl Problem {
    fn kind(&self) -> NoticeKind {
        match self {
            Problem::Namespace => NoticeKind::Namespace,
            Problem::NoService => NoticeKind::NoService,
            Problem::SetName(_) => NoticeKind::SetName,
            Problem::LabelValue { .. } => NoticeKind::LabelValue,
            Problem::NoSuchLabel(_) => NoticeKind::NoSuchLabel,
            Problem::Hostname(_) | Problem::HostnameIsAddress(_) => NoticeKind::Hostname,
            Problem::EndpointNamespace(_) => NoticeKind::EndpointNamespace,
            Problem::PortName(_) => NoticeKind::PortName,
        }
    }
}

impl NoticeKind {
    /// A word for it, as in a metric's label.
    pub fn as_str(self) -> &'static str {
        match self {
            NoticeKind::Namespace => "namespace",
            NoticeKind::NoService => "no_service",
            NoticeKind::SetName => "set_name",
            NoticeKind::LabelValue => "label_value",
            NoticeKind::NoSuchLabel => "no_such_label",
            NoticeKind::Hostname => "hostname",
            NoticeKind::EndpointNamespace => "endpoint_namespace",
            NoticeKind::PortName => "port_name",
            NoticeKind::Truncated => "truncated",
            NoticeKind::Twice => "twice",
            NoticeKind::HostnameClash => "hostname_clash",
            NoticeKind::NodeNameTooLong => "node_name_too_long",
            NoticeKind::Broken => "broken",
        }
    }
}

/// `EndpointSlice default/web-x7k2p`.
impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ObjectKey { namespace, name, kind } = &self.0;
        write!(f, "{} {}/{}", kind.as_str(), one_line(namespace), one_line(name))
    }
}

/// Most characters of a hostile text that a notice repeats.
const QUOTED_MAX: usize = 80;

/// A text as part of one line: what controls a terminal or ends the line is escaped, and what is long is cut.
fn one_line(text: &str) -> impl fmt::Display {
    let cut = text.char_indices().nth(QUOTED_MAX).and_then(|(end, _)| text.get(..end));
    format!("{}{}", cut.unwrap_or(text).escape_debug(), if cut.is_some() { "…" } else { "" })
}

/// `<set>.<namespace>`, as names have it.
impl fmt::Display for SetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.name, self.namespace)
    }
}

/// Notices since they were last taken, and how many there ever were.
#[derive(Debug, Default)]
pub(super) struct Notices {
    list: Vec<Notice>,
    pub(super) counts: BTreeMap<NoticeKind, u64>,
}

impl Notices {
    pub(super) fn push(&mut self, notice: Notice) {
        *self.counts.entry(notice.kind()).or_default() += 1;
        self.list.push(notice);
    }

    pub(super) fn take(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.list)
    }
}
