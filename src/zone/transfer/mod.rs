//! A zone as others fetch it: all its records, or what became of them since an earlier serial.
//!
//! [`Snapshot::transferable`] says whether a zone can be told wholly, and [`TransferZone`] tells it. A [`Journal`] keeps what
//! changed between the serials that were given to others. Knows nothing of messages, keys, or who may fetch what.

mod catalog;
mod difference;
mod journal;
mod kept;
#[cfg(test)]
mod tests;

pub use catalog::catalog;
pub use difference::{Difference, Records};
pub use journal::{Journal, JournalLimits, NotRestored, Step};
pub use kept::Kept;

use super::rr;
use super::snapshot::{Snapshot, Zone, ZoneTree};
use super::walk::Stop;
use super::{PodNames, ZoneRef};
use crate::wire::{Name, RecordType};
use std::ops::ControlFlow;
use std::sync::Arc;

/// A zone of a snapshot that can be told wholly.
#[derive(Debug, Clone, Copy)]
pub struct TransferZone<'a> {
    snapshot: &'a Snapshot,
    zone: &'a Zone,
}

/// Takes a record: its owner and type, and its type, class, TTL, length and data.
type VisitRecord<'v> = dyn FnMut(&Name, RecordType, &[u8]) -> ControlFlow<()> + 'v;

/// Why a zone cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTransferable {
    /// It has no such zone.
    #[error("no zone has this apex")]
    NoZone,
    /// Its names are made up when they are asked for: an insecure pod zone.
    #[error("names of the pod zone are made up when they are asked for, as long as pods are not verified")]
    Synthesised,
    /// Not every watch that contributes to it has delivered its full list.
    #[error("not everything that belongs to the zone has been listed")]
    NotReady,
    /// An object that contributes to it never parsed.
    #[error("an object that belongs to the zone does not parse")]
    Broken,
}

impl Snapshot {
    /// The zone of this apex, if it can be told wholly. Never one of which something is missing: another server would take
    /// that for all there is.
    pub fn transferable(&self, apex: &Name) -> Result<TransferZone<'_>, NotTransferable> {
        let zone = self.zones.iter().find(|zone| zone.origin == *apex).or_else(|| self.statics.get(apex));
        let zone = zone.ok_or(NotTransferable::NoZone)?;
        let complete = match zone.tree {
            ZoneTree::Static => true,
            ZoneTree::Pods if self.constants.pods != PodNames::Verified => {
                return Err(NotTransferable::Synthesised);
            }
            ZoneTree::Peers | ZoneTree::Pods | ZoneTree::Reverse(..) => self.readiness.everywhere.ready,
        };
        if !complete {
            return Err(NotTransferable::NotReady);
        }
        if zone.tree != ZoneTree::Static && self.refusals.any() {
            return Err(NotTransferable::Broken);
        }
        Ok(TransferZone { snapshot: self, zone })
    }
}

impl<'a> TransferZone<'a> {
    /// Its apex.
    pub fn apex(&self) -> &'a Name {
        &self.zone.origin
    }

    /// Its serial.
    pub fn serial(&self) -> u32 {
        self.zone.apex.serial
    }

    /// Whether both are of the same file as it was read once, or of none.
    fn is_of_file_of(&self, other: &TransferZone<'_>) -> bool {
        let file = |zone: &'_ Zone| match zone.tree {
            ZoneTree::Static => zone.records().map(Arc::as_ptr),
            _ => None,
        };
        file(self.zone) == file(other.zone)
    }

    /// Its SOA without owner: type, class, TTL, length and data.
    pub fn soa(&self) -> Box<[u8]> {
        let mut soa = Box::default();
        // The apex is the first of the walk, and the SOA the first there.
        let _: ControlFlow<()> = self.walk(None, &mut |_, rtype, record| {
            if rtype != RecordType::SOA {
                return ControlFlow::Continue(());
            }
            soa = record.into();
            ControlFlow::Break(())
        });
        soa
    }

    /// Every record but the SOA: its owner, and its type, class, TTL, length and data.
    pub fn each_record(&self, visit: &mut dyn FnMut(&Name, &[u8]) -> ControlFlow<()>) -> ControlFlow<()> {
        self.walk(None, &mut |owner, rtype, record| match rtype {
            RecordType::SOA => ControlFlow::Continue(()),
            _ => visit(owner, record),
        })
    }

    fn walk(&self, beside: Option<&Snapshot>, visit: &mut VisitRecord<'_>) -> ControlFlow<()> {
        self.snapshot.walk(self.zone, beside, &mut |owner, stop| {
            let Stop::Rrset(rtype, octets) = stop else { return ControlFlow::Continue(()) };
            for record in rr::whole(octets) {
                // Without the pointer to a question's name.
                visit(owner, rtype, record.get(2..).unwrap_or_default())?;
            }
            ControlFlow::Continue(())
        })
    }
}

impl ZoneRef<'_> {
    /// The zone's apex.
    pub fn apex(&self) -> &Name {
        &self.zone.origin
    }
}
