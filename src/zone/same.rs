//! Equality of short runs of octets: labels, and the apexes of zones.

/// Whether two runs of octets are one. Runs of 4 to 32 octets, which nearly all are, are compared by their first and last
/// words, which overlap: a call that finds out the same costs more than the look-up around it.
#[expect(
    clippy::inline_always,
    reason = "one caller is each query's: what passes between the two stays in registers"
)]
#[inline(always)]
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    match one.len() {
        17..=32 => ends_are::<16>(one, other),
        8..=16 => ends_are::<8>(one, other),
        4..=7 => ends_are::<4>(one, other),
        _ => long_are(one, other),
    }
}

#[cold]
#[inline(never)]
fn long_are(one: &[u8], other: &[u8]) -> bool {
    one == other
}

/// Whether the first `LENGTH` octets are the same, and the last.
#[expect(
    clippy::inline_always,
    reason = "one caller is each query's: what passes between the two stays in registers"
)]
#[inline(always)]
fn ends_are<const LENGTH: usize>(one: &[u8], other: &[u8]) -> bool {
    one.first_chunk::<LENGTH>() == other.first_chunk() && one.last_chunk::<LENGTH>() == other.last_chunk()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_counts_at_every_length() {
        for length in 0..40 {
            let one: Vec<u8> = (0..length).collect();
            assert!(same(&one, &one.clone()), "{length}");
            for place in 0..one.len() {
                let mut other = one.clone();
                other[place] ^= 0x80;
                assert!(!same(&one, &other), "{length}, {place}");
            }
            assert!(!same(&one, &[&one[..], &[0]].concat()), "{length}");
        }
    }
}
