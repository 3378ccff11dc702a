//! The static zones of a snapshot, found by the longest apex that a name ends in.

use super::ZonePlace;
use super::apex::Apex;
use super::snapshot::{Zone, ZoneTree};
use super::static_zone::StaticZone;
use crate::wire::{Name, QueryName};
use foldhash::quality::RandomState;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Zones by their apexes.
#[derive(Debug, Clone, Default)]
pub(super) struct StaticTable {
    zones: HashMap<Box<[u8]>, Arc<Zone>, RandomState>,
    /// Apexes and the names above them: they exist, whatever the zone around them holds.
    above: HashSet<Box<[u8]>, RandomState>,
    /// Labels of the deepest apex.
    deepest: usize,
}

impl StaticTable {
    /// A table of these zones, which have an SOA each and apexes that differ.
    pub(super) fn of(zones: impl Iterator<Item = Arc<StaticZone>>) -> StaticTable {
        let mut table = StaticTable::default();
        for records in zones {
            let Some(authority) = &records.authority else { continue };
            let apex = Arc::new(Apex::of_file(authority.serial, &authority.negative_soa));
            let origin = records.origin.clone();
            for (index, _) in std::iter::once(&b""[..]).chain(origin.labels()).enumerate() {
                let above = Name::below(origin.labels().skip(index), &Name::root());
                table.above.extend(above.map(|above| above.as_wire().into()));
            }
            table.deepest = table.deepest.max(origin.labels().count());
            let key = origin.as_wire().into();
            let mut zone = Zone::new(origin, ZonePlace::FILE, ZoneTree::Static, apex);
            zone.set_records(Some(records));
            table.zones.insert(key, Arc::new(zone));
        }
        table
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.zones.is_empty()
    }

    /// The zone with the longest apex that `name` ends in with at least `least` labels before it and fewer than `below`, and
    /// how many these are.
    pub(super) fn longest(&self, name: &QueryName, least: usize, below: usize) -> Option<(&Zone, usize)> {
        let labels = name.label_count();
        let first = least.max(labels.saturating_sub(self.deepest));
        (first..below.min(labels + 1)).find_map(|depth| Some((&**self.zones.get(name.suffix(depth))?, depth)))
    }

    /// Whether a zone has its apex at this name or below it.
    #[inline]
    pub(super) fn has_at_or_below(&self, name: &QueryName) -> bool {
        name.label_count() <= self.deepest && self.above.contains(name.as_wire())
    }

    /// The zone of an apex.
    pub(super) fn get(&self, apex: &Name) -> Option<&Zone> {
        self.zones.get(apex.as_wire()).map(|zone| &**zone)
    }

    /// All zones, by apex.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Zone> {
        let mut zones: Vec<&Zone> = self.zones.values().map(|zone| &**zone).collect();
        zones.sort_unstable_by(|one, other| one.origin.cmp(&other.origin));
        zones.into_iter()
    }
}
