//! What is counted apart: types, response codes, sizes and times, and in which place of a table each is.

#![expect(
    clippy::indexing_slicing,
    reason = "tables that are made at compile time: a wrong place does not compile"
)]

use std::time::Duration;

/// The types that are counted each by itself (IANA, DNS parameters), behind the one that stands for all others.
pub const TYPES: [(u16, &str); TYPE_SLOTS] = [
    (0, "other"),
    (1, "A"),
    (2, "NS"),
    (5, "CNAME"),
    (6, "SOA"),
    (12, "PTR"),
    (15, "MX"),
    (16, "TXT"),
    (28, "AAAA"),
    (33, "SRV"),
    (35, "NAPTR"),
    (39, "DNAME"),
    (43, "DS"),
    (46, "RRSIG"),
    (47, "NSEC"),
    (48, "DNSKEY"),
    (50, "NSEC3"),
    (64, "SVCB"),
    (65, "HTTPS"),
    (251, "IXFR"),
    (252, "AXFR"),
    (255, "ANY"),
];
pub(super) const TYPE_SLOTS: usize = 22;

/// The response codes that are counted each by itself, behind the one that stands for all others.
pub const RCODES: [(u16, &str); RCODE_SLOTS] = [
    (255, "other"),
    (0, "NOERROR"),
    (1, "FORMERR"),
    (2, "SERVFAIL"),
    (3, "NXDOMAIN"),
    (4, "NOTIMP"),
    (5, "REFUSED"),
    (6, "YXDOMAIN"),
    (9, "NOTAUTH"),
    (16, "BADVERS"),
    (23, "BADCOOKIE"),
];
pub(super) const RCODE_SLOTS: usize = 11;

/// Upper bounds of sizes in octets, each of one bit more: a size's place is the number of its bits.
pub const SIZES: [u16; 10] = [63, 127, 255, 511, 1023, 2047, 4095, 8191, 16_383, 32_767];
pub(super) const SIZE_SLOTS: usize = SIZES.len() + 1;

/// Powers of two up to the size of the largest message.
pub(super) const POWERS: usize = 16;

/// How many powers are within the first bound.
const SMALL: usize = POWERS - SIZE_SLOTS;

/// How many bounds of times there are; each is twice the one before.
pub(super) const TIMES: usize = 20;
pub(super) const TIME_SLOTS: usize = TIMES + 1;

/// Below CoreDNS's first bound, 250 µs: a sixty-fourth of it.
const FIRST_TIME: Duration = Duration::from_nanos(3_906);

/// The place of each type below 256.
pub(super) static TYPE_SLOT: [u8; 256] = slots(&TYPES);

/// The place of each response code below 256.
pub(super) static RCODE_SLOT: [u8; 256] = slots(&RCODES);

const fn slots(named: &[(u16, &str)]) -> [u8; 256] {
    let mut slots = [0; 256];
    let mut slot: u8 = 1;
    while (slot as usize) < named.len() {
        slots[named[slot as usize].0 as usize] = slot;
        slot += 1;
    }
    slots
}

/// The upper bounds of times. From the seventh on they are those of CoreDNS.
pub fn times() -> impl Iterator<Item = Duration> {
    (0..TIMES).map(|power| Duration::from_nanos(250_000 << power >> 6)).map(|bound| bound.max(FIRST_TIME))
}

/// The highest power of two within the size of a message; 0 for an empty one. Below [`POWERS`].
#[inline]
pub(super) fn power(size: usize) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "messages have 65,535 octets at most")]
    let size = size as u16 | 1;
    size.ilog2() as usize
}

/// The place among [`SIZES`] of what was counted by [`power`].
pub(super) fn size_slot(power: usize) -> usize {
    power.saturating_sub(SMALL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_go_on_where_those_of_coredns_begin() {
        let bounds: Vec<Duration> = times().collect();
        assert_eq!(bounds[0], FIRST_TIME);
        assert_eq!(bounds[6], Duration::from_micros(250));
        assert_eq!(bounds[TIMES - 1], Duration::from_millis(2_048));
        assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]));
    }

    proptest! {
        #[test]
        fn a_size_is_within_its_bound_and_above_the_one_before(size in 0_usize..65_536) {
            let slot = size_slot(power(size));
            prop_assert!(SIZES.get(slot).is_none_or(|bound| size <= usize::from(*bound)));
            prop_assert!(slot == 0 || usize::from(SIZES[slot - 1]) < size);
        }
    }
}
