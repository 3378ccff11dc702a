//! Durations: `"500ms"`, `"10s"`, `"2m"`, `"1h"`.

use super::Invalid;
use std::time::Duration;

/// The shortest duration that a setting takes: timers of the runtime tick once a millisecond.
pub const DURATION_MIN: Duration = Duration::from_millis(1);

/// The longest: a day.
pub const DURATION_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The shortest time after which the API counts as unheard: watches are renewed every few seconds before that, and more
/// often asks the API server for nothing.
pub(in crate::config) const STALE_AFTER_MIN: Duration = Duration::from_secs(10);

/// Milliseconds in each unit, longest first.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a duration: decimal digits and one unit, nothing between or around.
pub(in crate::config) fn duration(text: &str) -> Result<Duration, Invalid> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    let Some(unit) = text.strip_prefix(digits) else { return Err(Invalid::Duration) };
    let Some((_, unit)) = UNITS.iter().find(|(name, _)| *name == unit) else { return Err(Invalid::Duration) };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Invalid::Duration);
    }
    let milliseconds = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(*unit));
    let duration = Duration::from_millis(milliseconds.ok_or(Invalid::DurationRange)?);
    if (DURATION_MIN..=DURATION_MAX).contains(&duration) { Ok(duration) } else { Err(Invalid::DurationRange) }
}

/// A duration after which the API counts as unheard.
pub(in crate::config) fn stale_after(text: &str) -> Result<Duration, Invalid> {
    duration(text).and_then(|time| {
        if time < STALE_AFTER_MIN { Err(Invalid::DurationLeast(STALE_AFTER_MIN)) } else { Ok(time) }
    })
}

/// A duration that may be none at all: `0s`.
pub(in crate::config) fn pause(text: &str) -> Result<Duration, Invalid> {
    if UNITS.iter().any(|(unit, _)| text.strip_prefix('0') == Some(*unit)) {
        return Ok(Duration::ZERO);
    }
    duration(text)
}

/// The shortest text that reads as the duration.
pub(in crate::config) fn duration_text(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    if milliseconds == 0 {
        return "0s".to_owned();
    }
    for (name, unit) in UNITS {
        if milliseconds.is_multiple_of(u128::from(unit)) {
            return format!("{}{name}", milliseconds / u128::from(unit));
        }
    }
    format!("{milliseconds}ms")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, expected) in [
            ("500ms", Ok(Duration::from_millis(500))),
            ("10s", Ok(Duration::from_secs(10))),
            ("2m", Ok(Duration::from_secs(120))),
            ("24h", Ok(DURATION_MAX)),
            ("25h", Err(Invalid::DurationRange)),
            ("0s", Err(Invalid::DurationRange)),
            ("99999999999999999999s", Err(Invalid::DurationRange)),
            ("18446744073709551615h", Err(Invalid::DurationRange)),
            ("10", Err(Invalid::Duration)),
            ("", Err(Invalid::Duration)),
            ("s", Err(Invalid::Duration)),
            ("10 s", Err(Invalid::Duration)),
            ("+10s", Err(Invalid::Duration)),
            ("-1s", Err(Invalid::Duration)),
            ("1.5s", Err(Invalid::Duration)),
            ("10S", Err(Invalid::Duration)),
            ("1m30s", Err(Invalid::Duration)),
            ("10µs", Err(Invalid::Duration)),
        ] {
            assert_eq!(duration(text), expected, "{text}");
        }
    }

    #[test]
    fn only_a_pause_may_be_none() {
        for text in ["0s", "0ms", "0h"] {
            assert_eq!(pause(text), Ok(Duration::ZERO));
        }
        assert_eq!(pause(&duration_text(Duration::ZERO)), Ok(Duration::ZERO));
        assert_eq!(pause("5s"), Ok(Duration::from_secs(5)));
        for text in ["0", "00s", "0d", "s"] {
            assert!(pause(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn texts_read_back(milliseconds in 1_u64..=86_400_000) {
            let value = Duration::from_millis(milliseconds);
            prop_assert_eq!(duration(&duration_text(value)), Ok(value));
        }
    }
}
