//! The whole answer data at one moment: immutable once published, cheap to clone for the writer.

use super::apex::Apex;
use super::arpa::{Covered, Tree};
use super::holders::AddressTable;
use super::node::{Found, Node, NodeKind, Redirection, Referral};
use super::ordered::OrderedTable;
use super::readiness::Readiness;
use super::refusals::Refusals;
use super::same::same;
use super::set::{Rendering, SetRecords};
use super::sharded::ShardedTable;
use super::static_table::StaticTable;
use super::static_zone::{Met, StaticZone, is_reserved};
use super::{CountedZones, PodNames, ZonePlace, peer_tree, pod_tree, reverse_tree};
use crate::wire::{Ending, Name, QueryName, RecordType};
use std::net::IpAddr;
use std::sync::Arc;

/// Everything that is served, at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(super) constants: Arc<Constants>,
    /// The generated zones, those with more labels first, so that the first that fits is the longest match.
    pub(super) zones: Vec<Zone>,
    /// How names in them end.
    pub(super) ending: Ending,
    /// Which of them are counted where.
    pub(super) counted: Arc<CountedZones>,
    /// The zones of files.
    pub(super) statics: Arc<StaticTable>,
    pub(super) sets: ShardedTable<SetRecords>,
    /// Namespaces with sets, refused ones among them.
    pub(super) set_namespaces: OrderedTable<Arc<[u8]>, ()>,
    pub(super) addresses: AddressTable,
    /// Namespaces with held addresses.
    pub(super) pod_namespaces: OrderedTable<Arc<[u8]>, ()>,
    pub(super) readiness: Readiness,
    pub(super) refusals: Refusals,
}

/// What never changes under the same settings.
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

/// A zone.
#[derive(Debug, Clone)]
pub(super) struct Zone {
    pub(super) origin: Name,
    /// Octets of its wire form.
    octets: u8,
    /// Labels of the origin, without the root label.
    pub(super) labels: usize,
    /// Where what falls into it is counted.
    pub(super) place: ZonePlace,
    pub(super) tree: ZoneTree,
    pub(super) apex: Arc<Apex>,
    /// The records of a file: all of a static zone, those added to a generated one.
    records: Option<Arc<StaticZone>>,
    /// What can be found at once in it.
    at_once: Option<TreeAtOnce>,
}

/// Names that are found at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TreeAtOnce {
    Peers,
    Pods,
}

impl Zone {
    pub(super) fn new(origin: Name, place: ZonePlace, tree: ZoneTree, apex: Arc<Apex>) -> Zone {
        let labels = origin.labels().count();
        // RFC 1035 3.1: at most 255.
        let octets = u8::try_from(origin.as_wire().len()).unwrap_or(u8::MAX);
        let mut zone = Zone { origin, octets, labels, place, tree, apex, records: None, at_once: None };
        zone.set_records(None);
        zone
    }

    /// How many labels a name has before the apex, if it is at or below it and these are at least `least`.
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    fn depth_of(&self, name: &QueryName, least: usize) -> Option<usize> {
        let labels = name.label_count();
        let depth = labels.wrapping_sub(self.labels);
        if depth > labels || depth < least {
            return None;
        }
        // Begins at a label, so that equal octets are equal labels.
        let suffix = name.suffix_of_len(depth, self.octets)?;
        same(suffix, self.origin.as_wire()).then_some(depth)
    }

    pub(super) fn records(&self) -> Option<&Arc<StaticZone>> {
        self.records.as_ref()
    }

    /// Puts the records of a file in place of those before.
    pub(super) fn set_records(&mut self, records: Option<Arc<StaticZone>>) {
        self.at_once = match self.tree {
            _ if records.is_some() => None,
            ZoneTree::Peers => Some(TreeAtOnce::Peers),
            ZoneTree::Pods => Some(TreeAtOnce::Pods),
            _ => None,
        };
        self.records = records;
    }

    /// What can be found at once in it: generated names, with no records of a file between them.
    #[inline]
    pub(super) fn at_once(&self) -> Option<TreeAtOnce> {
        self.at_once
    }
}

/// Which names a zone has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ZoneTree {
    /// Those of its file alone.
    Static,
    Peers,
    Pods,
    Reverse(Tree, Covered),
}

/// A zone of a snapshot, as the one that a question falls into.
#[derive(Debug, Clone, Copy)]
pub struct ZoneRef<'a> {
    snapshot: &'a Snapshot,
    pub(super) zone: &'a Zone,
    /// Labels of the question's name below the apex.
    pub(super) depth: usize,
    apex_offset: usize,
}

impl Snapshot {
    /// The zone that answers for a name: the one with the longest matching apex. DS at an apex belongs to the parent
    /// where that is served too. `None` means that the name is not ours.
    #[inline(never)]
    pub fn zone_of(&self, name: &QueryName, qtype: RecordType) -> Option<ZoneRef<'_>> {
        let first = self.longest_match(name, 0)?;
        // RFC 4035 3.1.4.1: a DS RRset is authoritative data of the parent's side of the zone cut.
        if qtype != RecordType::DS || first.depth > 0 {
            return Some(first);
        }
        Some(self.parent_of(name).unwrap_or(first))
    }

    /// The zone around the one whose apex the name is, if that is where the name belongs.
    #[cold]
    fn parent_of(&self, name: &QueryName) -> Option<ZoneRef<'_>> {
        self.longest_match(name, 1).filter(|parent| !parent.is_turned_off(name))
    }

    /// The addresses that a name has here, whether the zone answers for them or holds them for a delegation.
    pub fn addresses_of(&self, name: &QueryName, with_glue: bool) -> Option<Node<'_>> {
        match self.zone_of(name, RecordType::A)?.find(name, RecordType::A) {
            Found::Node(node) => Some(node),
            Found::Referral(referral) if with_glue => referral.glue(name),
            _ => None,
        }
    }

    /// The zone with the longest apex that a name ends in with at least `least` labels before it.
    fn longest_match(&self, name: &QueryName, least: usize) -> Option<ZoneRef<'_>> {
        let generated = self.longest_generated(name, least);
        let generated = generated.map(|(zone, depth)| self.zone_ref(name, zone, depth));
        if self.statics.is_empty() { generated } else { self.longest_of_files(name, least, generated) }
    }

    /// The generated zone among them, and how many labels the name has before its apex.
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    pub(super) fn longest_generated(&self, name: &QueryName, least: usize) -> Option<(&Zone, usize)> {
        let (first, others) = self.zones.split_first()?;
        let found = first.depth_of(name, least);
        if let Some(depth) = found {
            return Some((first, depth));
        }
        // Names of no zone are asked often, and names of the first even more so.
        if !self.ending.fits(name.tail()) {
            return None;
        }
        others.iter().find_map(|zone| Some((zone, zone.depth_of(name, least)?)))
    }

    #[inline]
    pub(super) fn zone_ref<'a>(&'a self, name: &QueryName, zone: &'a Zone, depth: usize) -> ZoneRef<'a> {
        ZoneRef { snapshot: self, zone, depth, apex_offset: name.offset(depth) }
    }

    /// The longer match of a generated zone and those of files.
    #[inline(never)]
    pub(super) fn longest_of_files<'a>(
        &'a self,
        name: &QueryName,
        least: usize,
        generated: Option<ZoneRef<'a>>,
    ) -> Option<ZoneRef<'a>> {
        let below = generated.map_or(usize::MAX, |generated| generated.depth);
        let of_file = self.statics.longest(name, least, below).map(|(zone, depth)| ZoneRef {
            snapshot: self,
            zone,
            depth,
            apex_offset: name.offset(depth),
        });
        of_file.or(generated)
    }

    /// RFC 8020: a name above a zone that is served here, or at its apex as the parent sees it, exists.
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    pub(super) fn is_above_a_zone(&self, name: &QueryName) -> bool {
        // A name above another one has fewer labels: this is seen at once of nearly every name.
        let labels = name.label_count();
        let zones = &self.zones;
        zones.first().is_some_and(|longest| longest.labels >= labels) && self.is_above_generated(name)
            || self.statics.has_at_or_below(name)
    }

    #[cold]
    fn is_above_generated(&self, name: &QueryName) -> bool {
        self.zones.iter().any(|zone| zone.origin.is_at_or_below_wire(name.as_wire()))
    }

    /// The zones made from peers, these and former ones, that are counted each by itself.
    pub fn counted_zones(&self) -> &Arc<CountedZones> {
        &self.counted
    }

    /// The apexes of the zones made from peers, those with more labels first.
    pub fn generated_zones(&self) -> impl Iterator<Item = &Name> {
        self.zones.iter().map(|zone| &zone.origin)
    }

    /// Apexes with their serials.
    pub fn serials(&self) -> impl Iterator<Item = (&Name, u32)> {
        self.zones.iter().chain(self.statics.iter()).map(|zone| (&zone.origin, zone.apex.serial))
    }
}

impl<'a> ZoneRef<'a> {
    /// Octets from the start of the question's name to the zone's apex in it.
    #[inline]
    pub fn apex_offset(&self) -> usize {
        self.apex_offset
    }

    /// The snapshot that it is a zone of.
    #[inline]
    pub fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// Where what falls into it is counted.
    pub fn place(&self) -> ZonePlace {
        self.zone.place
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
    #[inline]
    pub fn negative_soa(&self) -> &'a [u8] {
        &self.zone.apex.negative_soa
    }

    /// What stands at the name for which this zone was found, as far as a question for `qtype` must know it.
    pub fn find(&self, name: &QueryName, qtype: RecordType) -> Found<'a> {
        let found = match &self.zone.records {
            None => self.find_generated(name, qtype),
            Some(records) => self.find_with_file(records, name, qtype),
        };
        if matches!(found, Found::NxDomain { .. } | Found::NotReady | Found::Broken)
            && self.snapshot.is_above_a_zone(name)
        {
            return Found::node(NodeKind::EmptyNonTerminal);
        }
        found
    }

    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    fn find_generated(&self, name: &QueryName, qtype: RecordType) -> Found<'a> {
        if self.depth == 0 {
            return Found::node(NodeKind::Apex(self.snapshot, self.zone));
        }
        match self.zone.tree {
            ZoneTree::Peers => peer_tree::find(self.snapshot, name, self.depth),
            ZoneTree::Pods => pod_tree::find(self.snapshot, name, self.depth, qtype),
            ZoneTree::Reverse(tree, _) => reverse_tree::find(self.snapshot, name, tree),
            ZoneTree::Static => Found::IMPOSSIBLE,
        }
    }

    /// The records of a file, and generated ones where the zone has these.
    #[inline(never)]
    fn find_with_file(&self, records: &'a StaticZone, name: &QueryName, qtype: RecordType) -> Found<'a> {
        let in_file = || match records.tree.find(name, self.depth, qtype) {
            Met::Node(node) => Found::node(NodeKind::Static(node)),
            Met::Cut(cut, labels) => {
                let owner_offset = name.offset(self.depth.saturating_sub(labels));
                Found::Referral(Referral { cut, tree: &records.tree, owner_offset })
            }
            Met::Redirection(node, labels) => {
                let owner_offset = name.offset(self.depth.saturating_sub(labels));
                Found::Redirection(Redirection { node, owner_offset })
            }
            Met::Nothing => Found::IMPOSSIBLE,
        };
        let tree = self.zone.tree;
        if tree == ZoneTree::Static {
            return in_file();
        }
        let exact = || records.tree.get(name.as_wire());
        match self.find_generated(name, qtype) {
            denied @ Found::NxDomain { .. } => {
                let top = self.depth.checked_sub(1).map_or(&[][..], |top| name.label(top));
                // The wildcard at the apex ends where generated names begin.
                if tree == ZoneTree::Peers && is_reserved(top) {
                    return denied;
                }
                match in_file() {
                    Found::NxDomain { .. } => denied,
                    found => found,
                }
            }
            // Nothing but the pointer of an address can still come.
            unknown @ (Found::NotReady | Found::Broken) => match exact() {
                Some(node)
                    if node.rrset(RecordType::PTR).is_some() || !may_have_pointer(tree, name, qtype) =>
                {
                    Found::node(NodeKind::Static(node))
                }
                _ => unknown,
            },
            found => found.with(exact()),
        }
    }

    /// Whether the zone is delegated or redirected before this name, so that DS here is no matter of it.
    fn is_turned_off(&self, name: &QueryName) -> bool {
        matches!(self.find(name, RecordType::DS), Found::Referral(_) | Found::Redirection(_))
    }
}

/// Whether the answer to such a question can hold a generated pointer.
fn may_have_pointer(tree: ZoneTree, name: &QueryName, qtype: RecordType) -> bool {
    let ZoneTree::Reverse(tree, _) = tree else { return false };
    let is_address = tree.covered(name).is_some_and(|covered| covered.address().is_some());
    is_address && matches!(qtype, RecordType::PTR | RecordType::ANY)
}
