//! What stands at a name, and which RRsets it has.

use super::holders::Holder;
use super::rr_list::Part;
use super::rrset::{Kind, Rrset};
use super::set::{Ports, SetRecords};
use super::snapshot::{Snapshot, Zone};
use crate::wire::RecordType;
use std::net::IpAddr;

/// The outcome of a look-up.
#[derive(Debug, Clone, Copy)]
pub enum Found<'a> {
    /// The name exists; which types it has is another question.
    Node(Node<'a>),
    /// Nothing exists at or below the name (RFC 8020).
    NxDomain,
    /// A watch that can contribute to the name has not delivered its full list yet: neither data nor denial is true.
    NotReady,
}

/// An existing name.
#[derive(Debug, Clone, Copy)]
#[expect(private_interfaces, reason = "callers ask for RRsets and never look inside")]
pub enum Node<'a> {
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

impl<'a> Node<'a> {
    /// The RRset of a type; `None` where there is none (NODATA).
    pub fn rrset(&self, rtype: RecordType) -> Option<Rrset<'a>> {
        let (kind, ttl) = match *self {
            Node::Apex(snapshot, zone) => match rtype {
                RecordType::SOA => (Kind::One(&zone.apex.soa), 0),
                RecordType::NS => (Kind::Nameserver(snapshot, &zone.apex.ns), 0),
                _ => return None,
            },
            Node::Nameserver(snapshot) => {
                let ttl = snapshot.constants.rendering.ttl(None, 1);
                (Kind::addresses(&snapshot.constants.advertised, rtype)?, ttl)
            }
            Node::DnsVersion(snapshot) if rtype == RecordType::TXT => {
                (Kind::One(&snapshot.constants.dns_version), 0)
            }
            Node::Set(snapshot, set, ports) => of_set(snapshot, set, ports, None, rtype)?,
            Node::Part(snapshot, set, part) => of_set(snapshot, set, Ports::Every, Some(part), rtype)?,
            Node::Host(snapshot, set, addresses) => {
                let kind = Kind::addresses(addresses, rtype)?;
                (kind, snapshot.constants.rendering.ttl(set.settings.ttl, 1))
            }
            Node::Pod(snapshot, address, holder) => {
                let ttl = snapshot.constants.rendering.ttl(None, 1);
                match (rtype, address) {
                    (RecordType::A, IpAddr::V4(_)) | (RecordType::AAAA, IpAddr::V6(_)) => {
                        (Kind::Address(address), ttl)
                    }
                    (RecordType::TXT, _) => {
                        let holder = holder.filter(|holder| holder.node_names().next().is_some())?;
                        (Kind::NodeNames(holder), ttl)
                    }
                    _ => return None,
                }
            }
            Node::Pointer(snapshot, address, holders) if rtype == RecordType::PTR => {
                let ttl = snapshot.constants.rendering.ttl(None, 1);
                (
                    Kind::Pointers {
                        address,
                        holders,
                        cluster: &snapshot.constants.rendering.domains.cluster,
                    },
                    ttl,
                )
            }
            Node::EmptyNonTerminal | Node::DnsVersion(_) | Node::Pointer(..) => return None,
        };
        Some(Rrset { kind, ttl })
    }
}

fn of_set<'a>(
    snapshot: &'a Snapshot,
    set: &'a SetRecords,
    ports: Ports<'a>,
    part: Option<Part>,
    rtype: RecordType,
) -> Option<(Kind<'a>, u32)> {
    let served = set.settings.records;
    // A port's own name has its SRV and nothing else.
    let bare = matches!(ports, Ports::Every);
    let list = match rtype {
        RecordType::A if served.a && bare => Some(set.addresses(rtype)),
        RecordType::AAAA if served.aaaa && bare => Some(set.addresses(rtype)),
        RecordType::TXT if served.txt && bare => Some(set.txt()),
        RecordType::SRV if served.srv => None,
        _ => return None,
    };
    let kind = match (list, part) {
        (Some(list), None) => Kind::List(list, rtype),
        (Some(list), Some(part)) => Kind::ListPart(list, part, rtype),
        (None, part) => Kind::Srv { snapshot, set, ports, part },
    };
    let records = kind.records();
    let ttl = snapshot.constants.rendering.ttl(set.settings.ttl, records);
    (records > 0).then_some((kind, ttl))
}
