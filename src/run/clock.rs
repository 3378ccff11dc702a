//! The time of day, where it is asked for.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix time in seconds; 0 where the clock stands before 1970.
pub(super) fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
