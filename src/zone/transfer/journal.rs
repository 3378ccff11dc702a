//! What changed between the serials of a zone that were given to others, as far back as there is room.
//!
//! A secondary holds what it was given: only those serials can be asked from. So nothing is written when a zone changes.
//! The snapshot of the last serial that was given is kept, and when another one is given, the difference between the two is
//! all that remains of the older: however often a set changed in between, it is told once.

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
    steps: VecDeque<Arc<Step>>,
    octets: usize,
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
            let first = OfZone { last: Arc::clone(snapshot), serial, steps: VecDeque::new(), octets: 0 };
            self.zones.insert(apex.clone(), first);
            return;
        };
        if serial == of_zone.serial {
            // The same records, and perhaps newer ones of other zones: the older snapshot need not be kept for this.
            of_zone.last = Arc::clone(snapshot);
        }
        if !is_ahead(serial, of_zone.serial) {
            return;
        }
        let before = std::mem::replace(&mut of_zone.last, Arc::clone(snapshot));
        match before.transferable(apex) {
            Ok(older) => of_zone.add(step(&older, zone)),
            Err(_) => of_zone.clear(),
        }
        of_zone.serial = serial;
        of_zone.keep_within(limits);
    }

    /// What leads from a serial to the last one that was given, step by step; `None` where the journal does not reach
    /// back so far. No steps where nothing is ahead of the serial.
    pub fn since(&self, zone: &TransferZone<'_>, serial: u32) -> Option<Vec<Arc<Step>>> {
        let of_zone = self.zones.get(zone.apex())?;
        if serial == of_zone.serial || is_ahead(serial, of_zone.serial) {
            return Some(Vec::new());
        }
        let first = of_zone.steps.iter().position(|step| step.from == serial)?;
        Some(of_zone.steps.iter().skip(first).cloned().collect())
    }

    /// Takes over steps that were kept elsewhere, if they lead to what `snapshot` has.
    pub fn restore(
        &mut self,
        snapshot: &Arc<Snapshot>,
        apex: &Name,
        steps: Vec<Step>,
        limits: JournalLimits,
    ) {
        let Ok(zone) = snapshot.transferable(apex) else { return };
        let (serial, soa) = (zone.serial(), zone.soa());
        let joined = steps.windows(2).all(|pair| matches!(pair, [one, next] if one.to == next.from));
        if !joined || steps.last().is_none_or(|last| last.to != serial || last.soa_after != soa) {
            return;
        }
        let octets = steps.iter().map(Step::octets).sum();
        let steps = steps.into_iter().map(Arc::new).collect();
        let mut of_zone = OfZone { last: Arc::clone(snapshot), serial, steps, octets };
        of_zone.keep_within(limits);
        self.zones.insert(apex.clone(), of_zone);
    }

    /// The steps of each zone, to be kept elsewhere.
    pub fn steps(&self) -> impl Iterator<Item = (&Name, &VecDeque<Arc<Step>>)> {
        self.zones.iter().map(|(apex, of_zone)| (apex, &of_zone.steps))
    }

    /// Octets of all records that are kept.
    pub fn octets(&self) -> usize {
        self.zones.values().map(|of_zone| of_zone.octets).sum()
    }

    /// Takes note of what `snapshot` has, as if every zone in the journal had been given, and forgets zones that are no more:
    /// snapshots that are kept here grow old otherwise, where nobody fetches anything.
    pub fn keep_up(&mut self, snapshot: &Arc<Snapshot>, limits: JournalLimits) {
        self.zones.retain(|apex, _| !matches!(snapshot.transferable(apex), Err(NotTransferable::NoZone)));
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
