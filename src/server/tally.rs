//! What is counted of each query: by zone, type, response code and size, as dashboards of CoreDNS ask for it.
//!
//! Every UDP worker has a [`Tally`] of its own and is the only one that writes it: a counter is loaded and stored, with no
//! locked instruction. The TCP side has one for each address family, which its threads share. Whoever reads them adds
//! them up. What can be counted apart is fixed, so that nothing from the network makes it grow.

use super::slots::{
    POWERS, RCODE_SLOT, RCODE_SLOTS, SIZE_SLOTS, TIME_SLOTS, TIMES, TYPE_SLOT, TYPE_SLOTS, power, size_slot,
    times,
};
use crate::answer::{Fate, Outcome, Told, ZonePlace};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counters of one writer, or of several (see [`Tally::query`]). On cache lines of their own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Tally {
    zones: [ZoneTally; ZonePlace::COUNT],
    fates: [AtomicU64; Fate::COUNT],
    truncated: AtomicU64,
    dnssec_ok: AtomicU64,
    times: [AtomicU64; TIME_SLOTS],
    nanoseconds: AtomicU64,
}

/// Tables of a power of two, so that a place needs no comparison.
#[derive(Debug, Default)]
struct ZoneTally {
    /// By [`TYPE_SLOT`].
    types: [AtomicU64; 32],
    /// By the code itself: the highest that is sent is 23 (BADCOOKIE).
    rcodes: [AtomicU64; 32],
    /// By [`power`].
    query_sizes: [AtomicU64; POWERS],
    reply_sizes: [AtomicU64; POWERS],
    query_octets: AtomicU64,
    reply_octets: AtomicU64,
}

impl Tally {
    /// A query was answered with so many octets, or with nothing. `SHARED` where other threads count here too.
    #[inline]
    pub(super) fn query<const SHARED: bool>(&self, told: Told, query_len: usize, reply: Outcome) {
        let Some(zone) = self.zones.get(told.zone.index()) else { return };
        let of_type = TYPE_SLOT.get(usize::from(told.qtype)).copied().unwrap_or(0);
        add_at::<SHARED>(&zone.types, usize::from(of_type) % zone.types.len());
        add_at::<SHARED>(&zone.query_sizes, power(query_len));
        add::<SHARED>(&zone.query_octets, query_len as u64);
        if let Outcome::Reply(octets) = reply {
            add_at::<SHARED>(&zone.rcodes, usize::from(told.rcode) % zone.rcodes.len());
            add_at::<SHARED>(&zone.reply_sizes, power(octets));
            add::<SHARED>(&zone.reply_octets, octets as u64);
        }
        // One branch for most queries.
        if told.truncated || told.dnssec_ok || told.fate != Fate::Answered {
            self.particulars::<SHARED>(told);
        }
    }

    #[inline(never)]
    fn particulars<const SHARED: bool>(&self, told: Told) {
        add::<SHARED>(&self.truncated, told.truncated.into());
        add::<SHARED>(&self.dnssec_ok, told.dnssec_ok.into());
        if told.fate != Fate::Answered {
            add_at::<SHARED>(&self.fates, told.fate as usize);
        }
    }

    /// So many queries took so long.
    pub(super) fn took<const SHARED: bool>(&self, time: Duration, queries: u64) {
        let slot = times().position(|bound| time <= bound).unwrap_or(TIMES);
        if let Some(counter) = self.times.get(slot) {
            add::<SHARED>(counter, queries);
        }
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        add::<SHARED>(&self.nanoseconds, nanoseconds.saturating_mul(queries));
    }

    pub(super) fn add_to(&self, sum: &mut Tallied) {
        for (place, (zone, sum)) in self.zones.iter().zip(&mut sum.zones).enumerate() {
            sum.zone = match place {
                place if place < ZonePlace::ZONES => CountedZone::Generated(place),
                place if place == ZonePlace::OTHERS.index() => CountedZone::Others,
                place if place == ZonePlace::FILE.index() => CountedZone::Files,
                _ => CountedZone::None,
            };
            add_all(&zone.types, &mut sum.types);
            add_by(&zone.rcodes, &mut sum.rcodes, |code| {
                usize::from(RCODE_SLOT.get(code).copied().unwrap_or(0))
            });
            add_by(&zone.query_sizes, &mut sum.query_sizes, size_slot);
            sum.query_octets += zone.query_octets.load(Ordering::Relaxed);
            add_by(&zone.reply_sizes, &mut sum.reply_sizes, size_slot);
            sum.reply_octets += zone.reply_octets.load(Ordering::Relaxed);
        }
        add_all(&self.fates, &mut sum.fates);
        sum.truncated += self.truncated.load(Ordering::Relaxed);
        sum.dnssec_ok += self.dnssec_ok.load(Ordering::Relaxed);
        add_all(&self.times, &mut sum.times);
        sum.nanoseconds += self.nanoseconds.load(Ordering::Relaxed);
    }
}

/// One reading of the tallies of one transport and address family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tallied {
    /// By zone.
    pub zones: Vec<ZoneTallied>,
    /// What became of queries.
    fates: [u64; Fate::COUNT],
    /// Answers with TC.
    pub truncated: u64,
    /// Queries with DO.
    pub dnssec_ok: u64,
    /// Times until the answer was handed to the kernel: how many were within each of [`times`], and how many above.
    pub times: [u64; TIME_SLOTS],
    /// Their sum.
    pub nanoseconds: u64,
}

impl Tallied {
    /// Queries that the access list refused.
    pub fn denied(&self) -> u64 {
        self.fate(Fate::Denied)
    }

    /// Queries of networks above their rate.
    pub fn limited(&self) -> u64 {
        self.fate(Fate::Limited)
    }

    fn fate(&self, fate: Fate) -> u64 {
        self.fates.get(fate as usize).copied().unwrap_or(0)
    }
}

/// What was counted of one zone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ZoneTallied {
    /// Which.
    pub zone: CountedZone,
    /// Queries, by [`super::TYPES`].
    pub types: [u64; TYPE_SLOTS],
    /// Answers, by [`super::RCODES`].
    pub rcodes: [u64; RCODE_SLOTS],
    /// Queries by size: as many as are within each of [`super::SIZES`], and not within the one before.
    pub query_sizes: [u64; SIZE_SLOTS],
    /// Octets of queries.
    pub query_octets: u64,
    /// Answers by size, likewise.
    pub reply_sizes: [u64; SIZE_SLOTS],
    /// Octets of answers.
    pub reply_octets: u64,
}

/// What is counted as one zone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CountedZone {
    /// The zone made from peers at this place.
    Generated(usize),
    /// All other zones made from peers.
    Others,
    /// All zones of files.
    Files,
    /// No zone of this server.
    #[default]
    None,
}

impl Default for Tallied {
    fn default() -> Tallied {
        Tallied {
            zones: vec![ZoneTallied::default(); ZonePlace::COUNT],
            fates: [0; Fate::COUNT],
            truncated: 0,
            dnssec_ok: 0,
            times: [0; TIME_SLOTS],
            nanoseconds: 0,
        }
    }
}

#[inline]
fn add_at<const SHARED: bool>(counters: &[AtomicU64], slot: usize) {
    if let Some(counter) = counters.get(slot) {
        add::<SHARED>(counter, 1);
    }
}

/// Relaxed: the numbers guard nothing.
#[inline]
fn add<const SHARED: bool>(counter: &AtomicU64, more: u64) {
    if SHARED {
        counter.fetch_add(more, Ordering::Relaxed);
    } else {
        counter.store(counter.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }
}

fn add_all(counters: &[AtomicU64], sums: &mut [u64]) {
    for (counter, sum) in counters.iter().zip(sums) {
        *sum += counter.load(Ordering::Relaxed);
    }
}

fn add_by(counters: &[AtomicU64], sums: &mut [u64], slot: impl Fn(usize) -> usize) {
    for (place, counter) in counters.iter().enumerate() {
        if let Some(sum) = sums.get_mut(slot(place)) {
            *sum += counter.load(Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::slots::{RCODES, SIZES, TYPES};
    use super::*;

    fn told(zone: ZonePlace, qtype: u16, rcode: u16) -> Told {
        Told { qtype, rcode, zone, ..Told::default() }
    }

    #[test]
    fn queries_are_counted_by_zone_type_code_and_size() {
        let tally = Tally::default();
        let truncated = Told { truncated: true, ..told(ZonePlace::generated(0), 33, 0) };
        for (of, query_len, reply) in [
            (told(ZonePlace::generated(0), 1, 0), 40, Outcome::Reply(100)),
            (truncated, 101, Outcome::Reply(512)),
            (told(ZonePlace::generated(200), 1, 3), 40, Outcome::Reply(101)),
            (told(ZonePlace::FILE, 300, 17), 40, Outcome::Reply(5000)),
            (Told { fate: Fate::Limited, ..told(ZonePlace::NONE, 255, 0) }, 65_535, Outcome::Drop),
        ] {
            tally.query::<false>(of, query_len, reply);
            tally.query::<true>(of, query_len, reply);
        }
        tally.took::<false>(Duration::from_micros(3), 2);
        tally.took::<true>(Duration::from_secs(100), 1);
        let mut sum = Tallied::default();
        tally.add_to(&mut sum);
        let slot =
            |named: &[(u16, &str)], name: &str| named.iter().position(|(_, one)| *one == name).unwrap();
        let [first, others, files, none] = [0, 14, 15, 16].map(|place| &sum.zones[place]);
        assert_eq!((first.types[slot(&TYPES, "A")], first.types[slot(&TYPES, "SRV")]), (2, 2));
        assert_eq!(first.rcodes[slot(&RCODES, "NOERROR")], 4);
        assert_eq!((first.query_sizes[0], first.query_sizes[1], first.query_octets), (2, 2, 282));
        assert_eq!((first.reply_sizes[1], first.reply_sizes[4], first.reply_octets), (2, 2, 1224));
        assert_eq!((others.zone, others.rcodes[slot(&RCODES, "NXDOMAIN")]), (CountedZone::Others, 2));
        assert_eq!((files.types[slot(&TYPES, "other")], files.rcodes[slot(&RCODES, "other")]), (2, 2));
        assert_eq!(files.reply_sizes[7], 2);
        assert_eq!((none.types[slot(&TYPES, "ANY")], none.query_sizes[SIZES.len()]), (2, 2));
        assert_eq!(none.rcodes.iter().sum::<u64>(), 0, "nothing was sent");
        assert_eq!((sum.truncated, sum.fates[Fate::Limited as usize]), (2, 2));
        assert_eq!((sum.times[0], sum.times[TIMES]), (2, 1));
        assert_eq!(sum.nanoseconds, 6_000 + 100_000_000_000);
    }
}
