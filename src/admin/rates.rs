//! How often things happen: what was counted, seen once a second, as rates over the last seconds.

use super::json::Word;
use super::metrics::zone_name;
use crate::server::{RCODES, Stream, TYPES, Tallied};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// How far rates look back: long enough to be steady, short enough to follow.
const WINDOW: Duration = Duration::from_secs(10);

/// Sights that are kept: a minute of them.
const SIGHTS: usize = 61;

/// What was counted until now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) publications: u64,
    queries: u64,
    types: BTreeMap<Word, u64>,
    rcodes: BTreeMap<Word, u64>,
    zones: BTreeMap<Word, u64>,
}

/// What was counted, second by second.
#[derive(Debug, Default)]
pub(super) struct Rates {
    sights: VecDeque<(Instant, Counted)>,
}

/// Queries and changes: how many until now, and how many a second.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RatesJson {
    /// Seconds that the rates are of.
    pub(crate) seconds: f64,
    pub(crate) queries: RateJson,
    pub(crate) publications: RateJson,
    /// By type, by response code, by zone; what was never seen is left out.
    pub(crate) types: Vec<RateJson>,
    pub(crate) rcodes: Vec<RateJson>,
    pub(crate) zones: Vec<RateJson>,
    /// Queries a second, of each second of the last minute.
    pub(crate) history: Vec<f64>,
}

/// Something that is counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RateJson {
    pub(crate) name: Word,
    pub(crate) total: u64,
    pub(crate) per_second: f64,
}

impl Counted {
    /// Adds all transports up.
    pub(super) fn of(tallied: &[(Stream, Tallied)], zones: &[String], publications: u64) -> Counted {
        let mut counted = Counted { publications, ..Counted::default() };
        for zone in tallied.iter().flat_map(|(_, tallied)| &tallied.zones) {
            let queries: u64 = zone.types.iter().sum();
            if queries == 0 {
                continue;
            }
            counted.queries += queries;
            *counted.zones.entry(zone_name(zone.zone, zones).to_owned().into()).or_default() += queries;
            let types = TYPES.iter().map(|(_, name)| *name).zip(zone.types);
            add(&mut counted.types, types);
            let rcodes = RCODES.iter().map(|(_, name)| *name).zip(zone.rcodes);
            add(&mut counted.rcodes, rcodes);
        }
        counted
    }
}

fn add(sums: &mut BTreeMap<Word, u64>, counts: impl Iterator<Item = (&'static str, u64)>) {
    for (name, count) in counts.filter(|(_, count)| *count > 0) {
        *sums.entry(name.into()).or_default() += count;
    }
}

impl Rates {
    /// Takes in what was counted until `now`.
    pub(super) fn see(&mut self, now: Instant, counted: Counted) {
        self.sights.push_back((now, counted));
        if self.sights.len() > SIGHTS {
            self.sights.pop_front();
        }
    }

    /// How often things happen, as of the last sight.
    pub(super) fn json(&self) -> RatesJson {
        let Some((now, last)) = self.sights.back() else { return RatesJson::default() };
        let is_recent = |(at, _): &&(Instant, Counted)| now.saturating_duration_since(*at) <= WINDOW;
        let none = Counted::default();
        let first = self.sights.iter().find(is_recent).filter(|(at, _)| at < now);
        let seconds = first.map_or(0.0, |(at, _)| now.saturating_duration_since(*at).as_secs_f64());
        let first = first.map_or(&none, |(_, counted)| counted);
        let rate = |name: &Word, total: u64, before: u64| RateJson {
            name: name.clone(),
            total,
            per_second: per_second(total.saturating_sub(before), seconds),
        };
        let each = |last: &BTreeMap<Word, u64>, first: &BTreeMap<Word, u64>| {
            let before = |name| first.get(name).copied().unwrap_or(0);
            let mut all: Vec<RateJson> =
                last.iter().map(|(name, total)| rate(name, *total, before(name))).collect();
            all.sort_by_key(|rate| Reverse(rate.total));
            all
        };
        let pairs = self.sights.iter().zip(self.sights.iter().skip(1));
        let history = pairs.map(|((before, first), (after, then))| {
            let seconds = after.saturating_duration_since(*before).as_secs_f64();
            per_second(then.queries.saturating_sub(first.queries), seconds)
        });
        RatesJson {
            seconds,
            queries: rate(&"queries".into(), last.queries, first.queries),
            publications: rate(&"publications".into(), last.publications, first.publications),
            types: each(&last.types, &first.types),
            rcodes: each(&last.rcodes, &first.rcodes),
            zones: each(&last.zones, &first.zones),
            history: history.collect(),
        }
    }
}

/// 0 where no time has passed.
fn per_second(count: u64, seconds: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate is no count")]
    let count = count as f64;
    if seconds > 0.0 { count / seconds } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(queries: u64, types: &[(&'static str, u64)]) -> Counted {
        let mut counted = Counted { queries, publications: queries / 10, ..Counted::default() };
        add(&mut counted.types, types.iter().copied());
        counted
    }

    #[test]
    fn rates_are_of_the_last_seconds() {
        let mut rates = Rates::default();
        assert_eq!(rates.json(), RatesJson::default());
        let start = Instant::now();
        rates.see(start, counted(100, &[("A", 100)]));
        let first = rates.json();
        assert_eq!((first.queries.total, first.history.len()), (100, 0));
        assert!(first.queries.per_second.abs() < f64::EPSILON, "there is nothing to compare with");
        // Fifty a second for two minutes, then a hundred, among them some of a new type.
        for second in 1..=120 {
            rates.see(start + Duration::from_secs(second), counted(100 + 50 * second, &[("A", 100)]));
        }
        for second in 1..=10 {
            let count = counted(6100 + 100 * second, &[("A", 100), ("TXT", 20 * second)]);
            rates.see(start + Duration::from_secs(120 + second), count);
        }
        let now = rates.json();
        let rate = |total, per_second| RateJson { total, per_second, ..RateJson::default() };
        let nameless = |rate: &RateJson| RateJson { name: Word::default(), ..rate.clone() };
        assert_eq!(
            (nameless(&now.queries), nameless(&now.publications)),
            (rate(7100, 100.0), rate(710, 10.0))
        );
        let types: Vec<_> = now.types.iter().map(|rate| (&*rate.name, rate.total, rate.per_second)).collect();
        assert_eq!(types, [("TXT", 200, 20.0), ("A", 100, 0.0)]);
        assert_eq!(now.history.len(), SIGHTS - 1);
        assert_eq!((now.history.first(), now.history.last()), (Some(&50.0), Some(&100.0)));
    }
}
