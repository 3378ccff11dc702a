//! Serials of zones.

/// The serial of a zone whose records changed.
///
/// `last` is the serial before, `revision` the highest revision applied, `now` Unix time in seconds. The low 32 bits
/// of the revision, or where sources have none the time, are taken if they lie ahead of the last serial; else the
/// serial counts on by one. So every change of content is an increase, whatever the cause.
pub(super) fn next(last: Option<u32>, revision: Option<u64>, now: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "serials are the low 32 bits")]
    let wanted = revision.unwrap_or(now) as u32;
    match last {
        None => wanted,
        Some(last) if is_ahead(wanted, last) => wanted,
        Some(last) => last.wrapping_add(1),
    }
}

/// RFC 1982 3.2: `serial` is greater than `other` if it lies 1 to 2^31 - 1 ahead of it, counting modulo 2^32.
fn is_ahead(serial: u32, other: u32) -> bool {
    (1..1 << 31).contains(&serial.wrapping_sub(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn revisions_are_taken_while_they_lead() {
        assert_eq!(next(None, Some(1 << 32 | 7), 0), 7);
        assert_eq!(next(Some(7), Some(1 << 32 | 9), 0), 9);
        assert_eq!(next(Some(9), Some(1 << 32 | 9), 0), 10);
        assert_eq!(next(Some(10), Some(3), 0), 11);
        assert_eq!(next(Some(u32::MAX), Some(u64::from(u32::MAX)), 0), 0);
    }

    #[test]
    fn without_revisions_the_clock_leads() {
        assert_eq!(next(None, None, 1_700_000_000), 1_700_000_000);
        assert_eq!(next(Some(1_700_000_000), None, 1_700_000_000), 1_700_000_001);
        assert_eq!(next(Some(1_700_000_001), None, 1_600_000_000), 1_700_000_002);
        assert_eq!(next(Some(0), None, 1 << 31), 1);
    }

    proptest! {
        #[test]
        fn every_change_is_an_increase(last: u32, revision: Option<u64>, now: u64) {
            prop_assert!(is_ahead(next(Some(last), revision, now), last));
        }
    }
}
