//! What became of a zone between two snapshots.

use super::TransferZone;
use crate::wire::{Name, RecordType};
use foldhash::quality::RandomState;
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Records that went and that came, SOA not among them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// Those that are no more.
    pub removed: Records,
    /// Those that are new.
    pub added: Records,
}

/// Records one behind the other, in one piece of memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Records(Vec<u8>);

impl Records {
    /// Records as [`Records::as_octets`] gives them; nothing if that is not what these are.
    pub fn from_octets(octets: Vec<u8>) -> Option<Records> {
        let mut rest = &*octets;
        while !rest.is_empty() {
            rest = split(rest)?.2;
        }
        Some(Records(octets))
    }

    /// Each with its owner, then type, class, TTL, length and data.
    pub fn as_octets(&self) -> &[u8] {
        &self.0
    }

    /// Octets that they take.
    pub fn octets(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them: its owner, and its type, class, TTL, length and data.
    pub fn each(&self, visit: &mut dyn FnMut(&Name, &[u8]) -> ControlFlow<()>) -> ControlFlow<()> {
        let mut rest = &*self.0;
        while let Some((owner, record, behind)) = split(rest) {
            visit(&owner, record)?;
            rest = behind;
        }
        ControlFlow::Continue(())
    }
}

/// Octets of a record from its owner to its data: type, class, TTL, length.
const FIXED_LEN: usize = 10;

/// The first record, and what follows it.
fn split(octets: &[u8]) -> Option<(Name, &[u8], &[u8])> {
    let (owner, rest) = Name::split_from(octets)?;
    let &[.., high, low] = rest.first_chunk::<FIXED_LEN>()?;
    let (record, behind) = rest.split_at_checked(FIXED_LEN + usize::from(u16::from_be_bytes([high, low])))?;
    Some((owner, record, behind))
}

impl TransferZone<'_> {
    /// What became of `older`, the same zone, by this. Costs what differs where one writer made both, and what both have
    /// otherwise.
    pub fn difference_from(&self, older: &TransferZone<'_>) -> Difference {
        // What a unit of the snapshot renders to depends on itself, the constants, and what a file adds.
        let same_records = match (self.zone.records(), older.zone.records()) {
            (Some(own), Some(other)) => Arc::ptr_eq(own, other),
            (own, other) => own.is_none() && other.is_none(),
        };
        let alike = same_records && Arc::ptr_eq(&self.snapshot.constants, &older.snapshot.constants);
        let mut gone: HashSet<Box<[u8]>, RandomState> = HashSet::default();
        let _: ControlFlow<()> = older.walk(alike.then_some(self.snapshot), &mut |owner, rtype, record| {
            if rtype != RecordType::SOA {
                gone.insert([owner.as_wire(), record].concat().into());
            }
            ControlFlow::Continue(())
        });
        let mut added = Records::default();
        let mut one = Vec::new();
        let _: ControlFlow<()> = self.walk(alike.then_some(older.snapshot), &mut |owner, rtype, record| {
            one.clear();
            one.extend_from_slice(owner.as_wire());
            one.extend_from_slice(record);
            if rtype != RecordType::SOA && !gone.remove(&*one) {
                added.0.extend_from_slice(&one);
            }
            ControlFlow::Continue(())
        });
        let mut gone: Vec<Box<[u8]>> = gone.into_iter().collect();
        gone.sort_unstable();
        // It is kept for long, and counted by its octets.
        added.0.shrink_to_fit();
        Difference { removed: Records(gone.concat()), added }
    }
}
