//! Where a query is counted, as far as its zone decides.

use crate::wire::Name;

/// Where a zone is to be counted: one octet, so that whoever counts has its table at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZonePlace(u8);

impl ZonePlace {
    /// Zones made from peers that are counted each by itself.
    pub const ZONES: usize = 14;
    /// All other zones made from peers.
    pub const OTHERS: ZonePlace = ZonePlace(14);
    /// Zones of files.
    pub const FILE: ZonePlace = ZonePlace(15);
    /// Nowhere: the question was turned away, or is about no zone of this server.
    pub const NONE: ZonePlace = ZonePlace(16);
    /// How many places there are.
    pub const COUNT: usize = 17;

    /// That of a zone made from peers, by its number; all from [`ZonePlace::ZONES`] on share one.
    #[inline]
    pub fn generated(place: u8) -> ZonePlace {
        ZonePlace(place.min(ZonePlace::OTHERS.0))
    }

    /// Its number, below [`ZonePlace::COUNT`].
    #[inline]
    pub fn index(self) -> usize {
        self.0.into()
    }
}

/// The zones made from peers that have places of their own, in order of these. A zone that is not served any more keeps its
/// place: what was counted there is never taken for another's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CountedZones(Vec<Name>);

impl CountedZones {
    /// The place of a zone: its own, where there still is one to have.
    pub(super) fn place_of(&mut self, apex: &Name) -> ZonePlace {
        let known = self.0.iter().position(|known| known == apex);
        let place = known.unwrap_or(self.0.len());
        if known.is_none() && place < ZonePlace::ZONES {
            self.0.push(apex.clone());
        }
        ZonePlace::generated(u8::try_from(place).unwrap_or(u8::MAX))
    }

    /// The apexes, by their places.
    pub fn iter(&self) -> impl Iterator<Item = &Name> {
        self.0.iter()
    }
}

impl Default for ZonePlace {
    fn default() -> ZonePlace {
        ZonePlace::NONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_never_given_twice() {
        let name = |number: usize| format!("z{number}.").parse::<Name>().unwrap();
        let mut counted = CountedZones::default();
        for round in 0..2 {
            for number in 0..20 {
                let place = counted.place_of(&name(number)).index();
                assert_eq!(place, number.min(ZonePlace::OTHERS.index()), "{round}");
            }
        }
        assert_eq!(counted.iter().count(), ZonePlace::ZONES);
    }
}
