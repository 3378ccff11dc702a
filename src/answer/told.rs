//! What is told of an answer to whoever counts, beyond its octets.

use crate::zone::ZonePlace;

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
