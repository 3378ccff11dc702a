//! What stands at a name, and which RRsets it has.

use super::holders::Holder;
use super::rr_list::Part;
use super::rrset::{Kind, Rrset};
use super::set::{Ports, SetRecords};
use super::snapshot::{Snapshot, Zone};
use crate::roster::Standing;
use crate::wire::RecordType;
use std::net::IpAddr;

/// The outcome of a look-up.
#[derive(Debug, Clone, Copy)]
pub enum Found<'a> {
    /// The name exists; which types it has is another question.
    Node(Node<'a>),
    /// Nothing exists at or below the name (RFC 8020).
    NxDomain {
        /// Whether that may be no longer so: a watch that could contribute to the name has lost its origin.
        stale: bool,
    },
    /// A watch that can contribute to the name has not delivered its full list yet: neither data nor denial is true.
    NotReady,
    /// An object that could contribute to the name does not parse and never did: neither data nor denial is true.
    Broken,
}

/// An existing name.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    kind: NodeKind<'a>,
    stale: bool,
}

/// Which name of the generated trees it is, with what its records are made of.
#[derive(Debug, Clone, Copy)]
pub(super) enum NodeKind<'a> {
    /// The apex of a zone.
    Apex(&'a Snapshot, &'a Zone),
    /// `ns.dns.<zone>`.
    Nameserver(&'a Snapshot),
    /// `dns-version.<zone>`.
    DnsVersion(&'a Snapshot),
    /// A name without records that has names below it.
    EmptyNonTerminal,
    /// `<set>.<ns>.svc.<zone>` with all ports, or `_<port>._<proto>` below it with one.
    Set(&'a Snapshot, &'a SetRecords, Ports<'a>),
    /// `_<i>._of<n>` below a set.
    Part(&'a Snapshot, &'a SetRecords, Part),
    /// A peer's name below its set.
    Host(&'a Snapshot, &'a SetRecords, &'a [IpAddr]),
    /// A pod name.
    Pod(&'a Snapshot, IpAddr, Option<&'a Holder>),
    /// A reverse name of an address.
    Pointer(&'a Snapshot, IpAddr, &'a [Holder]),
}

impl<'a> Found<'a> {
    /// A name that no watch can have told anything old of.
    pub(super) fn node(kind: NodeKind<'a>) -> Found<'a> {
        Found::Node(Node { kind, stale: false })
    }

    /// A name that cannot exist, whatever watches tell.
    pub(super) const IMPOSSIBLE: Found<'static> = Found::NxDomain { stale: false };

    /// What stands at a name to which watches contribute that are ready, if anything does.
    pub(super) fn of_watches(kind: Option<NodeKind<'a>>, known: Standing) -> Found<'a> {
        match kind {
            Some(kind) => Found::Node(Node { kind, stale: known.stale }),
            None => Found::NxDomain { stale: known.stale },
        }
    }
}

impl<'a> Node<'a> {
    /// The RRset of a type; `None` where there is none (NODATA).
    pub fn rrset(&self, rtype: RecordType) -> Option<Rrset<'a>> {
        self.kind.rrset(rtype)
    }

    /// Whether what it has may be old: a watch that can contribute to it has lost its origin.
    pub fn is_stale(&self) -> bool {
        self.stale
    }
}

impl<'a> NodeKind<'a> {
    pub(super) fn rrset(&self, rtype: RecordType) -> Option<Rrset<'a>> {
        let (snapshot, own, kind) = match *self {
            NodeKind::Apex(snapshot, zone) => match rtype {
                RecordType::SOA => (snapshot, None, Kind::One(&zone.apex.soa)),
                RecordType::NS => (snapshot, None, Kind::Nameserver(snapshot, &zone.apex.ns)),
                _ => return None,
            },
            NodeKind::Nameserver(snapshot) => {
                (snapshot, None, Kind::addresses(&snapshot.constants.advertised, rtype)?)
            }
            NodeKind::DnsVersion(snapshot) if rtype == RecordType::TXT => {
                (snapshot, None, Kind::One(&snapshot.constants.dns_version))
            }
            NodeKind::Set(snapshot, set, ports) => {
                (snapshot, set.settings.ttl, of_set(snapshot, set, ports, None, rtype)?)
            }
            NodeKind::Part(snapshot, set, part) => {
                (snapshot, set.settings.ttl, of_set(snapshot, set, Ports::Every, Some(part), rtype)?)
            }
            NodeKind::Host(snapshot, set, addresses) => {
                (snapshot, set.settings.ttl, Kind::addresses(addresses, rtype)?)
            }
            NodeKind::Pod(snapshot, address, holder) => {
                let kind = match (rtype, address) {
                    (RecordType::A, IpAddr::V4(_)) | (RecordType::AAAA, IpAddr::V6(_)) => {
                        Kind::Address(address)
                    }
                    (RecordType::TXT, _) => Kind::NodeNames(holder?),
                    _ => return None,
                };
                (snapshot, None, kind)
            }
            NodeKind::Pointer(snapshot, address, holders) if rtype == RecordType::PTR => {
                let cluster = &snapshot.constants.rendering.domains.cluster;
                (snapshot, None, Kind::Pointers { address, holders, cluster })
            }
            NodeKind::EmptyNonTerminal | NodeKind::DnsVersion(_) | NodeKind::Pointer(..) => return None,
        };
        Rrset::new(kind, |records| snapshot.constants.rendering.ttl(own, records))
    }
}

fn of_set<'a>(
    snapshot: &'a Snapshot,
    set: &'a SetRecords,
    ports: Ports<'a>,
    part: Option<Part>,
    rtype: RecordType,
) -> Option<Kind<'a>> {
    let served = set.settings.records;
    let list = match (rtype, ports) {
        // A port's own name has its SRV and nothing else, whatever is served at the set's name.
        (RecordType::SRV, Ports::Named(_)) => None,
        (RecordType::A, Ports::Every) if served.a => Some(set.addresses(rtype)),
        (RecordType::AAAA, Ports::Every) if served.aaaa => Some(set.addresses(rtype)),
        (RecordType::TXT, Ports::Every) if served.txt => Some(set.txt()),
        (RecordType::SRV, Ports::Every) if served.srv => None,
        _ => return None,
    };
    Some(match (list, part) {
        (Some(list), None) => Kind::List(list, rtype),
        (Some(list), Some(part)) => Kind::ListPart(list, part, rtype),
        (None, part) => Kind::Srv { snapshot, set, ports, part },
    })
}
