//! Since when each zone has its serial. Snapshots know no time: whoever looks every second does.

use super::world::ZoneState;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The serials that were seen last, and when each came up.
#[derive(Debug, Default)]
pub(super) struct Ages {
    publication: Option<u64>,
    zones: HashMap<String, (u32, Instant)>,
}

impl Ages {
    /// Whether a snapshot has been published that was not looked at.
    pub(super) fn are_behind(&self, publication: u64) -> bool {
        self.publication != Some(publication)
    }

    /// Takes in the zones of a snapshot.
    pub(super) fn look(&mut self, publication: u64, zones: &[ZoneState], now: Instant) {
        self.publication = Some(publication);
        let mut before = std::mem::take(&mut self.zones);
        for ZoneState { apex, serial, .. } in zones {
            let known = before.remove(apex).filter(|(known, _)| known == serial);
            self.zones.insert(apex.clone(), known.unwrap_or((*serial, now)));
        }
    }

    /// How long a zone has had its serial.
    pub(super) fn of(&self, apex: &str, now: Instant) -> Duration {
        self.zones.get(apex).map_or(Duration::ZERO, |(_, since)| now.saturating_duration_since(*since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_as_old_as_its_serial() {
        let zone = |apex: &str, serial| ZoneState { apex: apex.to_owned(), serial, generated: true };
        let (mut ages, start) = (Ages::default(), Instant::now());
        let later = start + Duration::from_secs(5);
        assert!(ages.are_behind(0));
        ages.look(0, &[zone("a.", 1), zone("b.", 1)], start);
        assert!(!ages.are_behind(0) && ages.are_behind(1));
        ages.look(1, &[zone("a.", 1), zone("b.", 2)], later);
        assert_eq!(ages.of("a.", later), Duration::from_secs(5));
        assert_eq!(ages.of("b.", later), Duration::ZERO);
        ages.look(2, &[zone("b.", 2)], later);
        assert_eq!(ages.zones.len(), 1);
    }
}
