//! What is told of an answer to whoever counts, beyond its octets.

use crate::zone::ZoneRef;

/// A few octets about one query.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// The type asked for; 0 where no question could be read.
    pub qtype: u16,
    /// The whole response code; meaningless where nothing is sent.
    pub rcode: u16,
    /// The zone that the question falls into.
    pub zone: ZonePlace,
    /// What became of it.
    pub fate: Fate,
    /// Whether the client wants DNSSEC records (DO).
    pub dnssec_ok: bool,
    /// Whether the answer has TC.
    pub truncated: bool,
}

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

    /// Where what falls into a zone is counted.
    #[inline]
    pub(super) fn of(zone: Option<&ZoneRef<'_>>) -> ZonePlace {
        zone.map_or(ZonePlace::NONE, |zone| zone.place().map_or(ZonePlace::FILE, ZonePlace::generated))
    }

    /// That of a zone made from peers, by its place in the snapshot.
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

impl Default for ZonePlace {
    fn default() -> ZonePlace {
        ZonePlace::NONE
    }
}

/// What became of a query.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fate {
    /// It was answered, or dropped because it is no query.
    #[default]
    Answered,
    /// The access list refused it.
    Denied,
    /// Its network has had as many answers as it may: nothing was sent, or a truncated answer.
    Limited,
}

impl Fate {
    /// How many there are.
    pub const COUNT: usize = 3;
}
