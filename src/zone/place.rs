//! Where a query is counted, as far as its zone decides.

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

    /// That of a zone made from peers, by its place in the snapshot, [`u8::MAX`] standing for all further ones.
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
