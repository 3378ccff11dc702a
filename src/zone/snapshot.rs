//! The whole answer data at one moment: immutable once published, cheap to clone for the writer.

use super::apex::Apex;
use super::arpa::{Covered, Tree};
use super::holders::AddressTable;
use super::node::{Found, NodeKind};
use super::ordered::OrderedTable;
use super::readiness::Readiness;
use super::refusals::Refusals;
use super::set::{Rendering, SetRecords};
use super::sharded::ShardedTable;
use super::{PodNames, peer_tree, pod_tree, reverse_tree};
use crate::wire::{Name, QueryName, RecordType};
use std::net::IpAddr;
use std::sync::Arc;

/// Everything that is served, at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(super) constants: Arc<Constants>,
    /// The served zones, those with more labels first, so that the first that fits is the longest match.
    pub(super) zones: Vec<Zone>,
    pub(super) sets: ShardedTable<SetRecords>,
    /// Namespaces with sets, and how many; refused ones count once more.
    pub(super) set_namespaces: OrderedTable<Box<[u8]>, usize>,
    pub(super) addresses: AddressTable,
    /// Namespaces with held addresses, and how many.
    pub(super) pod_namespaces: OrderedTable<Box<[u8]>, usize>,
    pub(super) readiness: Readiness,
    pub(super) refusals: Refusals,
}

/// What never changes while the server runs.
#[derive(Debug)]
pub(super) struct Constants {
    pub(super) rendering: Rendering,
    pub(super) pods: PodNames,
    /// Addresses of `ns.dns.<zone>`, sorted.
    pub(super) advertised: Vec<IpAddr>,
    /// Whether the zones' nameserver is `ns.dns.<zone>`, whose addresses we know.
    pub(super) nameserver_is_ours: bool,
    /// `dns-version.<zone>` TXT, rendered.
    pub(super) dns_version: Box<[u8]>,
}

/// A generated zone.
#[derive(Debug, Clone)]
pub(super) struct Zone {
    pub(super) origin: Name,
    pub(super) tree: ZoneTree,
    pub(super) apex: Arc<Apex>,
}

/// Which names a generated zone has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ZoneTree {
    Peers,
    Pods,
    Reverse(Tree, Covered),
}

/// A zone of a snapshot, as the one that a question falls into.
#[derive(Debug, Clone, Copy)]
pub struct ZoneRef<'a> {
    snapshot: &'a Snapshot,
    zone: &'a Zone,
    /// Labels of the question's name below the apex.
    depth: usize,
    apex_offset: usize,
}

impl Snapshot {
    /// The zone that answers for a name: the one with the longest matching apex. DS at an apex belongs to the parent
    /// where that is served too. `None` means that the name is not ours.
    pub fn zone_of(&self, name: &QueryName, qtype: RecordType) -> Option<ZoneRef<'_>> {
        let matching = self.zones.iter().filter_map(|zone| {
            let apex = zone.origin.as_wire();
            let apex_offset = name.as_wire().len().checked_sub(apex.len())?;
            if name.as_wire().get(apex_offset..) != Some(apex) {
                return None;
            }
            let depth = name.label_at(apex_offset)?;
            Some(ZoneRef { snapshot: self, zone, depth, apex_offset })
        });
        let mut first = None;
        for found in matching {
            // RFC 4035 3.1.4.1: a DS RRset is authoritative data of the parent's side of the zone cut.
            if qtype != RecordType::DS || found.depth > 0 {
                return Some(found);
            }
            first = first.or(Some(found));
        }
        first
    }

    /// Apexes with their serials.
    pub fn serials(&self) -> impl Iterator<Item = (&Name, u32)> {
        self.zones.iter().map(|zone| (&zone.origin, zone.apex.serial))
    }
}

impl<'a> ZoneRef<'a> {
    /// Octets from the start of the question's name to the zone's apex in it.
    pub fn apex_offset(&self) -> usize {
        self.apex_offset
    }

    /// The zone's serial.
    pub fn serial(&self) -> u32 {
        self.zone.apex.serial
    }

    /// How many labels the zone's name has, the root label not counted: that of the question less those below the apex.
    pub fn labels(&self, name: &QueryName) -> Option<u8> {
        u8::try_from(name.label_count().checked_sub(self.depth)?).ok()
    }

    /// The SOA of negative answers, without its owner: type, class, TTL (equal to MINIMUM), rdata length, rdata.
    pub fn negative_soa(&self) -> &'a [u8] {
        &self.zone.apex.negative_soa
    }

    /// What stands at the name for which this zone was found, as far as a question for `qtype` must know it.
    pub fn find(&self, name: &QueryName, qtype: RecordType) -> Found<'a> {
        if self.depth == 0 {
            return Found::node(NodeKind::Apex(self.snapshot, self.zone));
        }
        let found = match self.zone.tree {
            ZoneTree::Peers => peer_tree::find(self.snapshot, name, self.depth),
            ZoneTree::Pods => pod_tree::find(self.snapshot, name, self.depth, qtype),
            ZoneTree::Reverse(tree, _) => reverse_tree::find(self.snapshot, name, tree),
        };
        match found {
            Found::NxDomain { .. } | Found::NotReady | Found::Broken if self.is_above_a_zone(name) => {
                Found::node(NodeKind::EmptyNonTerminal)
            }
            found => found,
        }
    }

    /// RFC 8020: a name above a zone that is served here, or at its apex as the parent sees it, exists.
    fn is_above_a_zone(&self, name: &QueryName) -> bool {
        self.snapshot.zones.iter().any(|zone| zone.origin.is_at_or_below_wire(name.as_wire()))
    }
}
