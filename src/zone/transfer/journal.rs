//! What changed between the serials of a zone that were given to others, as far back as there is room.
//!
//! A secondary holds what it was given: only those serials can be asked from. So nothing is written when a zone changes.
//! The snapshot of the last serial that was given is kept, and when another one is given, the difference between the two is
//! all that remains of the older: however often a set changed in between, it is told once.

use super::kept::{End, Kept};
use super::{Difference, NotTransferable, TransferZone};
use crate::wire::Name;
use crate::zone::Snapshot;
use crate::zone::serial::is_ahead;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// How much is kept; nothing by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JournalLimits {
    /// Octets of the records of all steps of one zone. A single step beyond it empties the journal.
    pub octets: usize,
    /// Steps of one zone.
    pub steps: usize,
}

/// From one serial of a zone to the next that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The serial before.
    pub from: u32,
    /// The serial after.
    pub to: u32,
    /// The SOA before, without owner: type, class, TTL, length and data.
    pub soa_before: Box<[u8]>,
    /// The SOA after.
    pub soa_after: Box<[u8]>,
    /// Records other than the SOA.
    pub difference: Difference,
}

/// The steps of all zones.
#[derive(Debug, Default)]
pub struct Journal {
    zones: HashMap<Name, OfZone>,
}

#[derive(Debug)]
struct OfZone {
    /// What has the last serial that was given.
    last: Arc<Snapshot>,
    serial: u32,
    /// Whether that serial has meant other records before, as with a file that was changed without it: no step begins
    /// there.
    is_ambiguous: bool,
    steps: VecDeque<Arc<Step>>,
    octets: usize,
}

/// Why steps that were kept are of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotRestored {
    /// The zone cannot be told.
    #[error(transparent)]
    NotTransferable(#[from] NotTransferable),
    /// They lead to other records.
    #[error("it has other records than they lead to")]
    Other,
    /// They lead further.
    #[error("its serial is an older one than they lead to")]
    Older,
}

impl Step {
    fn octets(&self) -> usize {
        self.difference.removed.octets().saturating_add(self.difference.added.octets())
    }
}

impl Journal {
    /// Takes note that `zone`, which is one of `snapshot`, is about to be given to somebody. Of one that is older than what
    /// was given before, no note is taken.
    pub fn give(&mut self, snapshot: &Arc<Snapshot>, zone: &TransferZone<'_>, limits: JournalLimits) {
        let (apex, serial) = (zone.apex(), zone.serial());
        let Some(of_zone) = self.zones.get_mut(apex) else {
            let last = Arc::clone(snapshot);
            let first = OfZone { last, serial, is_ambiguous: false, steps: VecDeque::new(), octets: 0 };
            self.zones.insert(apex.clone(), first);
            return;
        };
        if serial == of_zone.serial {
            // Perhaps newer records of other zones: the older snapshot need not be kept for this.
            let before = std::mem::replace(&mut of_zone.last, Arc::clone(snapshot));
            if before.transferable(apex).map_or(true, |before| !before.is_of_file_of(zone)) {
                of_zone.clear();
                of_zone.is_ambiguous = true;
            }
        }
        if !is_ahead(serial, of_zone.serial) {
            return;
        }
        let before = std::mem::replace(&mut of_zone.last, Arc::clone(snapshot));
        match before.transferable(apex) {
            Ok(older) if !of_zone.is_ambiguous => of_zone.add(step(&older, zone)),
            _ => of_zone.clear(),
        }
        of_zone.serial = serial;
        of_zone.is_ambiguous = false;
        of_zone.keep_within(limits);
    }

    /// What leads from a serial to what `zone` has, step by step; `None` where the journal does not reach back so far, or
    /// `zone` is not what was given last. No steps where nothing is ahead of the serial.
    pub fn since(&self, zone: &TransferZone<'_>, serial: u32) -> Option<Vec<Arc<Step>>> {
        let of_zone = self.zones.get(zone.apex())?;
        if serial == zone.serial() || is_ahead(serial, zone.serial()) {
            return Some(Vec::new());
        }
        // A file's serial may be set back, and a snapshot be older than the last.
        if zone.serial() != of_zone.serial {
            return None;
        }
        let first = of_zone.steps.iter().position(|step| step.from == serial)?;
        Some(of_zone.steps.iter().skip(first).cloned().collect())
    }

    /// Takes over what was kept of a zone, if it leads to what `snapshot` has, and returns from how many serials. What has
    /// the same records under a later serial, as a source without revisions gives them after a restart, is one step further.
    pub fn restore(
        &mut self,
        snapshot: &Arc<Snapshot>,
        kept: Kept,
        limits: JournalLimits,
    ) -> Result<usize, NotRestored> {
        let Kept { apex, end, steps } = kept;
        let zone = snapshot.transferable(&apex)?;
        let now = End::of(&zone);
        if now.sum != end.sum || (now.serial == end.serial && now.soa != end.soa) {
            return Err(NotRestored::Other);
        }
        if now.serial != end.serial && !is_ahead(now.serial, end.serial) {
            return Err(NotRestored::Older);
        }
        let mut of_zone = OfZone {
            last: Arc::clone(snapshot),
            serial: now.serial,
            is_ambiguous: false,
            octets: steps.iter().map(|step| step.octets()).fold(0, usize::saturating_add),
            steps: steps.into(),
        };
        if now.serial != end.serial {
            let (from, to) = (end.serial, now.serial);
            let difference = Difference::default();
            of_zone.add(Step { from, to, soa_before: end.soa, soa_after: now.soa, difference });
        }
        of_zone.keep_within(limits);
        let serials = of_zone.steps.len();
        self.zones.insert(apex, of_zone);
        Ok(serials)
    }

    /// The steps of each zone that lead to what `snapshot` has, with its apex.
    pub fn leads_to(&self, snapshot: &Snapshot) -> Vec<(Name, Vec<Arc<Step>>)> {
        let leads = |(apex, of_zone): (&Name, &OfZone)| {
            let zone = snapshot.transferable(apex).ok()?;
            let steps = || (apex.clone(), of_zone.steps.iter().cloned().collect());
            (zone.serial() == of_zone.serial).then(steps)
        };
        self.zones.iter().filter_map(leads).collect()
    }

    /// Octets of all records that are kept.
    pub fn octets(&self) -> usize {
        self.zones.values().map(|of_zone| of_zone.octets).sum()
    }

    /// Takes note of what `snapshot`, the current one, has, as if every zone in the journal had been given, and forgets zones
    /// that cannot be given any more or have gone back: snapshots that are kept here grow old otherwise.
    pub fn keep_up(&mut self, snapshot: &Arc<Snapshot>, limits: JournalLimits) {
        self.zones.retain(|apex, of_zone| {
            let serial = snapshot.transferable(apex).map(|zone| zone.serial());
            serial.is_ok_and(|serial| serial == of_zone.serial || is_ahead(serial, of_zone.serial))
        });
        let apexes: Vec<Name> = self.zones.keys().cloned().collect();
        for apex in apexes {
            if let Ok(zone) = snapshot.transferable(&apex) {
                self.give(snapshot, &zone, limits);
            }
        }
    }
}

impl OfZone {
    fn add(&mut self, step: Step) {
        // A serial that was told before would be found twice.
        if step.to == step.from || self.steps.iter().any(|other| other.from == step.to) {
            self.clear();
            return;
        }
        self.octets = self.octets.saturating_add(step.octets());
        self.steps.push_back(Arc::new(step));
    }

    fn clear(&mut self) {
        self.steps.clear();
        self.octets = 0;
    }

    fn keep_within(&mut self, limits: JournalLimits) {
        while self.octets > limits.octets || self.steps.len() > limits.steps {
            let Some(oldest) = self.steps.pop_front() else { return };
            self.octets = self.octets.saturating_sub(oldest.octets());
        }
    }
}

fn step(older: &TransferZone<'_>, newer: &TransferZone<'_>) -> Step {
    Step {
        from: older.serial(),
        to: newer.serial(),
        soa_before: older.soa(),
        soa_after: newer.soa(),
        difference: newer.difference_from(older),
    }
}
