//! Serials of zones.

/// The serial of all zones when a source tells its first version: a revision, or with manifests Unix time in seconds.
pub(super) fn first(version: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "serials are the low 32 bits")]
    let serial = version as u32;
    serial
}

/// The serial of a zone that is versioned by Unix time in seconds, behind its `last` one.
pub fn next_serial(last: Option<u32>, now: u64) -> u32 {
    last.map_or_else(|| first(now), |last| next(last, Some(now)))
}

/// The serial of a zone whose records changed.
///
/// `last` is the serial before, `version` the highest revision applied, or where sources have none Unix time in seconds.
/// Its low 32 bits are taken if they lie ahead of the last serial; else the serial counts on by one. So every change of
/// content is an increase, whatever the cause.
pub(super) fn next(last: u32, version: Option<u64>) -> u32 {
    match version.map(first) {
        Some(wanted) if is_ahead(wanted, last) => wanted,
        _ => last.wrapping_add(1),
    }
}

/// RFC 1982 3.2: `serial` is greater than `other` if it lies 1 to 2^31 - 1 ahead of it, counting modulo 2^32.
pub(super) fn is_ahead(serial: u32, other: u32) -> bool {
    (1..1 << 31).contains(&serial.wrapping_sub(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn versions_are_taken_while_they_lead() {
        assert_eq!(first(1 << 32 | 7), 7);
        for (last, version, expected) in [
            (7, Some(1 << 32 | 9), 9),
            (9, Some(1 << 32 | 9), 10),
            (10, Some(3), 11),
            (u32::MAX, Some(u64::from(u32::MAX)), 0),
            (0, Some(1 << 31), 1),
            (7, None, 8),
        ] {
            assert_eq!(next(last, version), expected, "{last} {version:?}");
        }
    }

    proptest! {
        #[test]
        fn every_change_is_an_increase(last: u32, version: Option<u64>) {
            prop_assert!(is_ahead(next(last, version), last));
        }
    }
}
