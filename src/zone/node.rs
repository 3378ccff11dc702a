//! What stands at a name, and which RRsets it has.

use super::holders::{Holder, Holders};
use super::hosts::HostAddresses;
use super::rr_list::{Part, RrList};
use super::rrset::{Kind, Rrset};
use super::set::{Ports, SetRecords};
use super::snapshot::{Snapshot, Zone};
use super::static_zone::{Tree, TreeNode};
use crate::roster::Standing;
use crate::wire::{QueryName, RecordType};
use std::net::IpAddr;

/// The outcome of a look-up.
#[derive(Debug, Clone, Copy)]
pub enum Found<'a> {
    /// The name exists; which types it has is another question.
    Node(Node<'a>),
    /// Somebody else answers for the name: the zone is delegated at or above it.
    Referral(Referral<'a>),
    /// The name is below one whose whole subtree stands elsewhere (RFC 6672).
    Redirection(Redirection<'a>),
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
    /// What a file says of a generated name: it goes before what is generated.
    added: Option<&'a TreeNode>,
}

/// A delegation.
#[derive(Debug, Clone, Copy)]
pub struct Referral<'a> {
    pub(super) cut: &'a TreeNode,
    pub(super) tree: &'a Tree,
    pub(super) owner_offset: usize,
}

/// A redirection of a subtree.
#[derive(Debug, Clone, Copy)]
pub struct Redirection<'a> {
    pub(super) node: &'a TreeNode,
    pub(super) owner_offset: usize,
}

/// Which name of the generated trees it is, with what its records are made of.
#[derive(Debug, Clone, Copy)]
pub(super) enum NodeKind<'a> {
    /// A name of a file.
    Static(&'a TreeNode),
    /// The apex of a generated zone.
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
    Host(&'a Snapshot, &'a SetRecords, HostAddresses<'a>),
    /// A pod name.
    Pod(&'a Snapshot, IpAddr, Option<Holder<'a>>),
    /// A reverse name of an address.
    Pointer(&'a Snapshot, IpAddr, Holders<'a>),
}

impl<'a> Found<'a> {
    /// A name that no watch can have told anything old of.
    #[inline]
    pub(super) fn node(kind: NodeKind<'a>) -> Found<'a> {
        Found::Node(Node { kind, stale: false, added: None })
    }

    /// A name that cannot exist, whatever watches tell.
    pub(super) const IMPOSSIBLE: Found<'static> = Found::NxDomain { stale: false };

    /// What stands at a name to which watches contribute that are ready, if anything does.
    #[inline]
    pub(super) fn of_watches(kind: Option<NodeKind<'a>>, known: Standing) -> Found<'a> {
        match kind {
            Some(kind) => Found::Node(Node { kind, stale: known.stale, added: None }),
            None => Found::NxDomain { stale: known.stale },
        }
    }

    /// With what a file says of the name.
    pub(super) fn with(self, added: Option<&'a TreeNode>) -> Found<'a> {
        match self {
            // No watch contributes to a pointer that stands in the place of the generated one.
            Found::Node(node @ Node { kind: NodeKind::Pointer(..), .. })
                if added.is_some_and(|added| added.rrset(RecordType::PTR).is_some()) =>
            {
                Found::Node(Node { added, stale: false, ..node })
            }
            Found::Node(node) => Found::Node(Node { added, ..node }),
            found => found,
        }
    }
}

impl<'a> Node<'a> {
    /// The RRset of a type; `None` where there is none (NODATA).
    #[inline]
    pub fn rrset(&self, rtype: RecordType) -> Option<Rrset<'a>> {
        if let Some(added) = self.added
            && let Some(added) = added.rrset(rtype)
        {
            return Some(Rrset::rendered(added));
        }
        // What nearly all questions are for, ahead of the rest.
        match self.kind {
            NodeKind::Set(snapshot, set, Ports::Every) if rtype != RecordType::SRV => {
                of_list(snapshot, set, rtype)
            }
            NodeKind::Pod(snapshot, address @ IpAddr::V4(_), _) if rtype == RecordType::A => {
                Some(Rrset::of_address(address, |records| snapshot.constants.rendering.ttl(None, records)))
            }
            _ => self.kind.rrset(rtype),
        }
    }

    /// The CNAME of a name of a file: generated names have none, and none is added to them.
    #[inline]
    pub fn alias(&self) -> Option<Rrset<'a>> {
        let node = if let NodeKind::Static(node) = self.kind { Some(node) } else { self.added };
        node?.rrset(RecordType::CNAME).map(Rrset::rendered)
    }

    /// Some RRset of a name that has none of the types that are looked for first.
    pub fn any_rrset(&self) -> Option<Rrset<'a>> {
        let own = if let NodeKind::Static(node) = self.kind { node.rrsets().next() } else { None };
        own.or_else(|| self.added?.rrsets().next()).map(Rrset::rendered)
    }

    /// Whether what it has may be old: a watch that can contribute to it has lost its origin.
    #[inline]
    pub fn is_stale(&self) -> bool {
        self.stale
    }
}

impl<'a> Referral<'a> {
    /// The NS RRset.
    pub fn nameservers(&self) -> Option<Rrset<'a>> {
        self.cut.rrset(RecordType::NS).map(Rrset::rendered)
    }

    /// Octets from the start of the name that was looked up to the owner of the NS RRset in it.
    pub fn owner_offset(&self) -> usize {
        self.owner_offset
    }

    /// Whether a name lies in what is delegated, so that its addresses are to be found nowhere else.
    pub fn is_in_domain(&self, name: &QueryName) -> bool {
        let cut = self.cut.name.as_wire();
        let offset = name.as_wire().len().checked_sub(cut.len());
        offset.is_some_and(|offset| {
            name.label_at(offset).is_some() && name.as_wire().get(offset..) == Some(cut)
        })
    }

    /// What the zone holds at a name below a cut: glue.
    pub(super) fn glue(&self, name: &QueryName) -> Option<Node<'a>> {
        let node = self.tree.get(name.as_wire())?;
        Some(Node { kind: NodeKind::Static(node), stale: false, added: None })
    }
}

impl<'a> Redirection<'a> {
    /// The DNAME, one RR.
    pub fn dname(&self) -> Option<Rrset<'a>> {
        self.node.rrset(RecordType::DNAME).map(Rrset::rendered)
    }

    /// Octets from the start of the name that was looked up to the owner of the DNAME in it.
    pub fn owner_offset(&self) -> usize {
        self.owner_offset
    }
}

impl<'a> NodeKind<'a> {
    pub(super) fn rrset(&self, rtype: RecordType) -> Option<Rrset<'a>> {
        let (snapshot, own, kind) = match *self {
            NodeKind::Static(node) => return node.rrset(rtype).map(Rrset::rendered),
            NodeKind::Apex(snapshot, zone) => match rtype {
                RecordType::SOA => (snapshot, None, Kind::One(&zone.apex.soa)),
                RecordType::NS => (snapshot, None, Kind::Nameserver(snapshot, &zone.apex.ns)),
                _ => return None,
            },
            NodeKind::Nameserver(snapshot) => (
                snapshot,
                None,
                Kind::addresses(HostAddresses::Several(&snapshot.constants.advertised), rtype)?,
            ),
            NodeKind::DnsVersion(snapshot) if rtype == RecordType::TXT => {
                (snapshot, None, Kind::One(&snapshot.constants.dns_version))
            }
            NodeKind::Set(snapshot, set, Ports::Every) if rtype != RecordType::SRV => {
                return of_list(snapshot, set, rtype);
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

/// The RRset of a type other than SRV at a set's name.
#[expect(
    clippy::inline_always,
    reason = "one caller is each query's: what passes between the two stays in registers"
)]
#[inline(always)]
fn of_list<'a>(snapshot: &'a Snapshot, set: &'a SetRecords, rtype: RecordType) -> Option<Rrset<'a>> {
    let list = list_of(set, rtype)?;
    Rrset::of_list(list, rtype, |records| snapshot.constants.rendering.ttl(set.settings.ttl, records))
}

/// The list of a type other than SRV, if that is served.
#[expect(
    clippy::inline_always,
    reason = "one caller is each query's: what passes between the two stays in registers"
)]
#[inline(always)]
fn list_of(set: &SetRecords, rtype: RecordType) -> Option<&RrList> {
    let served = set.served();
    let (list, is_served) = match rtype {
        RecordType::A => (set.addresses(rtype), served.a),
        RecordType::AAAA => (set.addresses(rtype), served.aaaa),
        RecordType::TXT => (set.txt(), served.txt),
        _ => return None,
    };
    is_served.then_some(list)
}

/// SRV at a set's name and at a port's, and all types of a part.
fn of_set<'a>(
    snapshot: &'a Snapshot,
    set: &'a SetRecords,
    ports: Ports<'a>,
    part: Option<Part>,
    rtype: RecordType,
) -> Option<Kind<'a>> {
    Some(match (rtype, ports, part) {
        // A port's own name has its SRV and nothing else, whatever is served at the set's name.
        (RecordType::SRV, Ports::Named(_), part) => Kind::Srv { snapshot, set, ports, part },
        (RecordType::SRV, Ports::Every, part) if set.served().srv => Kind::Srv { snapshot, set, ports, part },
        (RecordType::SRV, ..) | (_, Ports::Named(_), _) => return None,
        (_, Ports::Every, Some(part)) => Kind::ListPart(list_of(set, rtype)?, part, rtype),
        (_, Ports::Every, None) => Kind::List(list_of(set, rtype)?, rtype),
    })
}
