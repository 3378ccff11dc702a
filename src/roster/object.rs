//! An endpoint object as every source delivers it: an EndpointSlice, an Endpoints or a Pod, reduced to what names
//! peers. Content is hostile until the roster has checked it: names and labels are whatever the API held.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

/// An endpoint object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointObject {
    /// Which object this is.
    pub key: ObjectKey,
    /// The Service it belongs to: the label `kubernetes.io/service-name` of a slice, the name of an Endpoints, the
    /// `spec.subdomain` of a Pod.
    pub service: Option<Box<str>>,
    /// The object's own labels, sorted by key, keys unique. A Service's labels are copied to its slices and Endpoints.
    pub labels: Vec<(Box<str>, Box<str>)>,
    /// Endpoints with the ports they have in common: one group for a slice or a Pod, one per subset of an Endpoints.
    pub groups: Vec<EndpointGroup>,
    /// The annotation `endpoints.kubernetes.io/over-capacity: truncated`: addresses are missing from this object.
    pub truncated: bool,
    /// `metadata.creationTimestamp`: Unix time in seconds.
    pub created: Option<u32>,
}

/// What identifies an object within one watch.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    /// Its namespace.
    pub namespace: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// Its kind.
    pub kind: ObjectKind,
}

/// Kinds of endpoint objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectKind {
    /// `v1 Endpoints`.
    Endpoints,
    /// `discovery.k8s.io/v1 EndpointSlice`.
    EndpointSlice,
    /// `v1 Pod`.
    Pod,
}

impl ObjectKind {
    /// The kind as Kubernetes spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            ObjectKind::Endpoints => "Endpoints",
            ObjectKind::EndpointSlice => "EndpointSlice",
            ObjectKind::Pod => "Pod",
        }
    }
}

/// Endpoints that share one list of ports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointGroup {
    /// Ports with a number; those without (`port: null` in a slice: "all ports") are left out by the source.
    pub ports: Vec<Port>,
    /// The endpoints, in the object's order.
    pub endpoints: Vec<Endpoint>,
}

/// One endpoint: in a slice one element of `endpoints`, in an Endpoints one address, a Pod itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Addresses in the object's order; those that do not parse, and names (`addressType: FQDN`), are left out.
    pub addresses: Addresses,
    /// `hostname`, as the object has it.
    pub hostname: Option<Box<str>>,
    /// `targetRef.uid`, or a Pod's own.
    pub uid: Option<Uid>,
    /// `targetRef.namespace`, or a Pod's own; absent or empty means the object's.
    pub namespace: Option<Box<str>>,
    /// Whether it is ready, serving, terminating.
    pub conditions: Conditions,
    /// Where it runs, if the object says so. For people: no name or record depends on it.
    pub placement: Option<Arc<Placement>>,
}

/// The addresses of an endpoint: nearly always one, which needs no memory of its own. A slice of a hundred endpoints is made
/// and freed with each change of one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Addresses {
    /// The one that there is.
    One(IpAddr),
    /// None, or several.
    Several(Box<[IpAddr]>),
}

impl Addresses {
    /// They, each once.
    pub(super) fn unique(&self) -> Addresses {
        let mut known = foldhash::HashSet::default();
        self.iter().copied().filter(|address| known.insert(*address)).collect()
    }

    pub(super) fn as_slice(&self) -> &[IpAddr] {
        self
    }
}

impl Deref for Addresses {
    type Target = [IpAddr];

    fn deref(&self) -> &[IpAddr] {
        match self {
            Addresses::One(address) => std::slice::from_ref(address),
            Addresses::Several(addresses) => addresses,
        }
    }
}

impl FromIterator<IpAddr> for Addresses {
    fn from_iter<I: IntoIterator<Item = IpAddr>>(addresses: I) -> Addresses {
        let mut addresses = addresses.into_iter();
        match (addresses.next(), addresses.next()) {
            (None, _) => Addresses::Several(Box::default()),
            (Some(only), None) => Addresses::One(only),
            (Some(first), Some(second)) => {
                Addresses::Several([first, second].into_iter().chain(addresses).collect())
            }
        }
    }
}

impl From<Vec<IpAddr>> for Addresses {
    fn from(addresses: Vec<IpAddr>) -> Addresses {
        addresses.into_iter().collect()
    }
}

/// Where an endpoint runs: `nodeName` and `zone`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Placement {
    /// The node.
    pub node: Option<Box<str>>,
    /// The zone that the node is in.
    pub zone: Option<Box<str>>,
}

/// The conditions of an endpoint, as the object has them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Conditions {
    /// `ready`; nil is true.
    pub ready: Option<bool>,
    /// `serving`. An Endpoints' `notReadyAddresses` have `Some(false)`.
    pub serving: Option<bool>,
    /// `terminating`; nil is false.
    pub terminating: Option<bool>,
}

/// A pod's identity, compact where it is the UUID that API servers assign.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Uid {
    /// The canonical text form of a UUID: its octets, which unlike a number need no room to be aligned.
    Uuid([u8; 16]),
    /// Anything else.
    Text(Arc<str>),
}

/// A port of an endpoint object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Port {
    /// Its number, never 0.
    pub number: u16,
    /// Its protocol; nil is TCP.
    pub protocol: Protocol,
    /// Its name; empty where it has none.
    pub name: Box<str>,
}

/// A transport protocol, as port names carry it (`_tcp`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// Every value with its lower-case name.
    pub const WORDS: &'static [(&'static str, Protocol)] = &[
        (Protocol::Tcp.as_str(), Protocol::Tcp),
        (Protocol::Udp.as_str(), Protocol::Udp),
        (Protocol::Sctp.as_str(), Protocol::Sctp),
    ];

    /// The lower-case name, `tcp`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Sctp => "sctp",
        }
    }
}

impl Uid {
    /// Reads a uid; an empty text is none.
    pub fn from_text(text: &str) -> Option<Uid> {
        if text.is_empty() {
            return None;
        }
        Some(parse_uuid(text).map_or_else(|| Uid::Text(text.into()), Uid::Uuid))
    }
}

/// The canonical form only, lower case, so that two texts never meet in one value.
fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let octets: &[u8; 36] = text.as_bytes().try_into().ok()?;
    if [8, 13, 18, 23].iter().any(|place: &usize| octets.get(*place) != Some(&b'-')) {
        return None;
    }
    let digit = |place: usize| match *octets.get(place)? {
        octet @ b'0'..=b'9' => Some(octet - b'0'),
        octet @ b'a'..=b'f' => Some(octet - b'a' + 10),
        _ => None,
    };
    let mut value = [0; 16];
    // Where the two digits of each octet begin, between the dashes.
    let places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    for (octet, place) in value.iter_mut().zip(places) {
        *octet = digit(place)? << 4 | digit(place + 1)?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_are_compact_where_they_are_canonical_uuids() {
        let text = "3e7c1f0a-9d52-4c2b-8f10-0123456789ab";
        assert_eq!(
            Uid::from_text(text),
            Some(Uid::Uuid(0x3e7c_1f0a_9d52_4c2b_8f10_0123_4567_89ab_u128.to_be_bytes()))
        );
        for other in ["pod-1", &text.to_uppercase(), &text.replace('-', "0")] {
            assert_eq!(Uid::from_text(other), Some(Uid::Text(other.into())), "{other}");
        }
        assert_eq!(Uid::from_text(""), None);
    }
}
