//! The journal as octets, to be kept over a restart.
//!
//! Steps are good for a zone only where they lead to what that has. So what they lead to stands beside them: serial, SOA, and
//! a sum over all records. Octets that are read are hostile: what is not what was written is nothing.

use super::{Difference, Records, Step, TransferZone};
use crate::wire::{Class, Name, RecordType};
use ring::digest::{SHA256, digest};
use std::ops::ControlFlow;
use std::sync::Arc;

/// What is kept of one zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub(super) apex: Name,
    pub(super) end: End,
    pub(super) steps: Vec<Arc<Step>>,
}

/// What steps lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) serial: u32,
    pub(super) soa: Box<[u8]>,
    /// All records but the SOA, in whatever order: the sum of the first halves of their SHA-256 sums.
    pub(super) sum: u128,
}

impl End {
    /// What a zone has. Work: that of a transfer.
    pub(super) fn of(zone: &TransferZone<'_>) -> End {
        let mut sum = 0_u128;
        let mut one = Vec::new();
        let _: ControlFlow<()> = zone.each_record(&mut |owner, record| {
            one.clear();
            one.extend_from_slice(owner.as_wire());
            one.extend_from_slice(record);
            let half = digest(&SHA256, &one).as_ref().first_chunk().copied();
            sum = sum.wrapping_add(u128::from_be_bytes(half.unwrap_or_default()));
            ControlFlow::Continue(())
        });
        End { serial: zone.serial(), soa: zone.soa(), sum }
    }
}

impl Kept {
    /// Steps that lead to this zone: those of [`Journal::leads_to`](super::Journal::leads_to).
    pub fn new(zone: &TransferZone<'_>, steps: Vec<Arc<Step>>) -> Kept {
        Kept { apex: zone.apex().clone(), end: End::of(zone), steps }
    }

    /// The zone's apex.
    pub fn apex(&self) -> &Name {
        &self.apex
    }

    /// Passes its octets on, piece by piece; nothing of their size is held in memory.
    ///
    /// # Errors
    /// That of `put`.
    pub fn write<E>(&self, put: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let Kept { apex, end: End { serial, soa, sum }, steps } = self;
        put(apex.as_wire())?;
        put(&serial.to_be_bytes())?;
        write_octets(soa, put)?;
        put(&sum.to_be_bytes())?;
        put(&length_of(steps.len()))?;
        for step in steps {
            let Step { from, to, soa_before, soa_after, difference: Difference { removed, added } } = &**step;
            put(&from.to_be_bytes())?;
            put(&to.to_be_bytes())?;
            for octets in [soa_before, soa_after, removed.as_octets(), added.as_octets()] {
                write_octets(octets, put)?;
            }
        }
        Ok(())
    }

    /// Zones written one behind the other, down to the last octet; nothing if that is not what these are.
    pub fn read(octets: &[u8]) -> Option<Vec<Kept>> {
        let mut take = Take(octets);
        let mut all = Vec::new();
        while !take.0.is_empty() {
            all.push(take.kept()?);
        }
        Some(all)
    }
}

fn write_octets<E>(octets: &[u8], put: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    put(&length_of(octets.len()))?;
    put(octets)
}

/// Lengths and counts are below what a journal may have: [`JournalLimits`](super::JournalLimits).
fn length_of(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

/// What is left to be read. `None` of any of these is the end of all reading.
struct Take<'a>(&'a [u8]);

impl<'a> Take<'a> {
    fn kept(&mut self) -> Option<Kept> {
        let (apex, rest) = Name::split_from(self.0)?;
        self.0 = rest;
        let serial = self.number()?;
        let soa = self.soa(serial)?;
        let (sum, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        let end = End { serial, soa, sum: u128::from_be_bytes(*sum) };
        let mut steps: Vec<Arc<Step>> = Vec::new();
        for _ in 0..self.number()? {
            let (from, to) = (self.number()?, self.number()?);
            let (soa_before, soa_after) = (self.soa(from)?, self.soa(to)?);
            let removed = Records::from_octets(self.octets()?.to_vec())?;
            let added = Records::from_octets(self.octets()?.to_vec())?;
            // Each begins where the former ends.
            if steps.last().is_some_and(|last| last.to != from || last.soa_after != soa_before) {
                return None;
            }
            let difference = Difference { removed, added };
            steps.push(Arc::new(Step { from, to, soa_before, soa_after, difference }));
        }
        let leads = steps.last().is_none_or(|last| last.to == end.serial && last.soa_after == end.soa);
        leads.then_some(Kept { apex, end, steps })
    }

    fn number(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    fn octets(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (octets, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(octets)
    }

    /// A SOA without owner, of this serial.
    fn soa(&mut self, serial: u32) -> Option<Box<[u8]>> {
        let octets = self.octets()?;
        let &[t0, t1, c0, c1, _, _, _, _, high, low, ref rdata @ ..] = octets else { return None };
        let fits = [t0, t1] == RecordType::SOA.0.to_be_bytes()
            && [c0, c1] == Class::IN.0.to_be_bytes()
            && usize::from(u16::from_be_bytes([high, low])) == rdata.len();
        // RFC 1035 3.3.13: two names, and five numbers of which the first is the serial.
        let numbers = Name::split_from(Name::split_from(rdata)?.1)?.1;
        let is_whole = fits && numbers.len() == 20 && numbers.starts_with(&serial.to_be_bytes());
        is_whole.then(|| octets.into())
    }
}
