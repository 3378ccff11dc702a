//! Whether threads move: those that have not come round for long are stuck.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a thread may stay away. Applying the first list of a large cluster takes a second, on a starved machine
/// many; who is killed for being slow has everything to do again.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is known of threads.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    threads: BTreeMap<String, (u64, Instant)>,
}

impl Pulse {
    /// Takes in how often threads have come round by `now`.
    pub(super) fn feel(&mut self, beats: Vec<(String, u64)>, now: Instant) {
        for (thread, count) in beats {
            let known = self.threads.entry(thread).or_insert((count, now));
            if known.0 != count {
                *known = (count, now);
            }
        }
    }

    /// The threads that are stuck, each with since when.
    pub(super) fn stuck(&self, now: Instant) -> Vec<(&str, Duration)> {
        let away =
            self.threads.iter().map(|(thread, (_, last))| (&**thread, now.saturating_duration_since(*last)));
        away.filter(|(_, away)| *away >= PATIENCE).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_come_round_is_stuck() {
        let mut pulse = Pulse::default();
        let start = Instant::now();
        let beats = |one, other| vec![("one".to_owned(), one), ("other".to_owned(), other)];
        pulse.feel(beats(1, 1), start);
        pulse.feel(beats(1, 2), start + PATIENCE / 2);
        assert_eq!(pulse.stuck(start + PATIENCE / 2), []);
        assert_eq!(pulse.stuck(start + PATIENCE), [("one", PATIENCE)]);
        pulse.feel(beats(2, 2), start + PATIENCE);
        assert_eq!(pulse.stuck(start + PATIENCE), []);
    }
}
