//! All names of a zone with their RRsets: for master files and for transfers.
//!
//! Promises: every RRset that an answer could have stands in the walk once, in an order that equal contents have in
//! common; the parts of sets (`_<i>._of<n>`) and what an insecure pod zone has beyond the addresses that are held are answered
//! without standing anywhere, so they are not among them.

use super::arpa::{self, Covered};
use super::node::NodeKind;
use super::set::{HostLabel, Ports, SetRecords};
use super::sharded;
use super::snapshot::{Snapshot, Zone, ZoneTree};
use crate::roster::{SetKey, dashed};
use crate::wire::{Name, RecordType};
use std::ops::ControlFlow;
use std::sync::Arc;

/// The types of generated records, in the order in which they are told.
const TYPES: [RecordType; 7] = [
    RecordType::SOA,
    RecordType::NS,
    RecordType::A,
    RecordType::AAAA,
    RecordType::SRV,
    RecordType::TXT,
    RecordType::PTR,
];

/// What a walk comes by.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stop<'a> {
    /// An RRset: RRs one behind the other, each with a pointer to a question's name as owner.
    Rrset(RecordType, &'a [u8]),
    /// A set that is refused: an object that belongs to it never parsed.
    Refused,
    /// A set without records.
    Empty,
}

/// Takes what a walk comes by, and says whether it goes on.
pub(super) type Visit<'a> = dyn FnMut(&Name, Stop<'_>) -> ControlFlow<()> + 'a;

impl Snapshot {
    /// Walks over a zone of this snapshot.
    ///
    /// What another snapshot has in common with this one may be left out where `beside` is given: then only names are sure
    /// to be met at which the two differ.
    pub(super) fn walk(
        &self,
        zone: &Zone,
        beside: Option<&Snapshot>,
        visit: &mut Visit<'_>,
    ) -> ControlFlow<()> {
        let mut walk = Walk { snapshot: self, beside, visit };
        if zone.tree != ZoneTree::Static {
            walk.node(&zone.origin, NodeKind::Apex(self, zone))?;
        }
        match zone.tree {
            ZoneTree::Static => {}
            ZoneTree::Peers => walk.peers()?,
            ZoneTree::Pods => walk.pods()?,
            ZoneTree::Reverse(_, covered) => walk.pointers(zone, covered)?,
        }
        for node in zone.records().into_iter().flat_map(|records| records.tree.nodes()) {
            // RFC 1035 5.2 asks for no order; readers look for the SOA first.
            let (first, rest): (Vec<_>, Vec<_>) =
                node.rrsets().partition(|rrset| rrset.rtype == RecordType::SOA);
            for rrset in first.into_iter().chain(rest) {
                walk.rrset(&node.name, rrset.rtype, &rrset.octets)?;
            }
        }
        ControlFlow::Continue(())
    }
}

struct Walk<'a, 'v> {
    snapshot: &'a Snapshot,
    beside: Option<&'a Snapshot>,
    visit: &'a mut Visit<'v>,
}

impl<'a> Walk<'a, '_> {
    fn peers(&mut self) -> ControlFlow<()> {
        let snapshot = self.snapshot;
        let zone = &snapshot.constants.rendering.domains.zone;
        self.below(&[b"ns", b"dns"], zone, NodeKind::Nameserver(snapshot))?;
        self.below(&[b"dns-version"], zone, NodeKind::DnsVersion(snapshot))?;
        let sets: Vec<&Arc<SetRecords>> = match self.beside {
            Some(beside) => snapshot.sets.iter_unlike(&beside.sets).collect(),
            None => snapshot.sets.iter().collect(),
        };
        let mut keys: Vec<&SetKey> =
            sets.iter().map(|set| &set.key).chain(snapshot.refusals.sets()).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            let labels = sharded::labels(&key.namespace, &key.name);
            let Some(owner) = snapshot.constants.rendering.domains.set(key) else { continue };
            if snapshot.refusals.refuses(&labels) {
                (self.visit)(&owner, Stop::Refused)?;
            } else if let Some(set) = snapshot.sets.get(&labels) {
                self.set(&owner, set)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn set(&mut self, owner: &Name, set: &'a SetRecords) -> ControlFlow<()> {
        let snapshot = self.snapshot;
        if !self.node(owner, NodeKind::Set(snapshot, set, Ports::Every))? {
            (self.visit)(owner, Stop::Empty)?;
        }
        for port in &*set.settings.port_names {
            let (name, protocol) = (format!("_{}", port.name), format!("_{}", port.protocol.as_str()));
            let node = NodeKind::Set(snapshot, set, Ports::Named(port));
            self.below(&[name.as_bytes(), protocol.as_bytes()], owner, node)?;
        }
        for (label, addresses) in set.each_host() {
            let node = NodeKind::Host(snapshot, set, addresses);
            match label {
                HostLabel::Hostname(hostname) => self.below(&[hostname], owner, node)?,
                HostLabel::Address(address) => self.below(&[dashed(address).as_bytes()], owner, node)?,
            }
        }
        ControlFlow::Continue(())
    }

    fn pods(&mut self) -> ControlFlow<()> {
        let snapshot = self.snapshot;
        let beside = self.beside.map(|beside| &beside.addresses);
        for (address, holders) in snapshot.addresses.iter_unlike(beside) {
            for holder in holders.held() {
                if let Some(owner) = snapshot.constants.rendering.domains.pod(address, holder.namespace) {
                    self.node(&owner, NodeKind::Pod(snapshot, address, Some(holder)))?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn pointers(&mut self, zone: &Zone, covered: Covered) -> ControlFlow<()> {
        let snapshot = self.snapshot;
        let beside = self.beside.map(|beside| &beside.addresses);
        let addresses = snapshot.addresses.iter_unlike(beside);
        for (address, holders) in addresses.filter(|(address, _)| covered.holds(*address)) {
            let Ok(owner) = arpa::name_of(address).parse::<Name>() else { continue };
            let replaced = zone.records().and_then(|records| records.tree.get(owner.as_wire()));
            if replaced.is_none_or(|node| node.rrset(RecordType::PTR).is_none()) {
                self.node(&owner, NodeKind::Pointer(snapshot, address, holders))?;
            }
        }
        ControlFlow::Continue(())
    }

    fn below(&mut self, labels: &[&[u8]], origin: &Name, node: NodeKind<'_>) -> ControlFlow<()> {
        if let Ok(owner) = Name::below(labels.iter().copied(), origin) {
            self.node(&owner, node)?;
        }
        ControlFlow::Continue(())
    }

    /// Every RRset of a node. Whether there was any.
    fn node(&mut self, owner: &Name, node: NodeKind<'_>) -> ControlFlow<(), bool> {
        let mut any = false;
        for rtype in TYPES {
            if let Some(rrset) = node.rrset(rtype) {
                any = true;
                self.rrset(owner, rtype, &rrset.to_vec())?;
            }
        }
        ControlFlow::Continue(any)
    }

    fn rrset(&mut self, owner: &Name, rtype: RecordType, octets: &[u8]) -> ControlFlow<()> {
        (self.visit)(owner, Stop::Rrset(rtype, octets))
    }
}
