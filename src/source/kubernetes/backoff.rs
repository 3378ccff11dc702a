//! How long to wait before the next attempt.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// The first wait, at most.
const FIRST: Duration = Duration::from_millis(500);

/// The longest wait. A cluster that is back is found within it.
pub(super) const LONGEST: Duration = Duration::from_secs(30);

/// After how many attempts the longest wait is reached: 0.5 s × 2^6 = 32 s.
const DOUBLINGS: u32 = 6;

/// Waits that double from one failure to the next.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// Whether nothing has failed since the last success.
    pub(super) fn is_fresh(&self) -> bool {
        self.attempts == 0
    }

    /// The wait before the next attempt: between half of this step's wait and all of it, so that many clients of one
    /// server that has failed them do not return at the same moment. Never above [`LONGEST`].
    pub(super) fn next(&mut self, random: &mut Random) -> Duration {
        let step = (FIRST * (1 << self.attempts.min(DOUBLINGS))).min(LONGEST);
        self.skip();
        random.between(step / 2, step)
    }

    /// An attempt without a wait before it.
    pub(super) fn skip(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
    }

    /// Something arrived: waits are short again, but not absent.
    pub(super) fn progress(&mut self) {
        self.attempts = self.attempts.min(1);
    }

    /// A success that lasted.
    pub(super) fn reset(&mut self) {
        self.attempts = 0;
    }
}

/// Numbers without pattern, for jitter alone.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// Another sequence in each process and for each call.
    pub(super) fn new() -> Random {
        Random(RandomState::new().build_hasher().finish())
    }

    /// A duration from the range, its ends included.
    pub(super) fn between(&mut self, low: Duration, high: Duration) -> Duration {
        let range = u64::try_from(high.saturating_sub(low).as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        low + Duration::from_millis(self.next() % range)
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_with_jitter_up_to_thirty_seconds() {
        for seed in 0..200 {
            let (mut backoff, mut random) = (Backoff::default(), Random(seed));
            assert!(backoff.is_fresh());
            for longest in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000] {
                let wait = backoff.next(&mut random).as_millis();
                assert!((longest / 2..=longest).contains(&wait), "{wait} of {longest}");
            }
            backoff.progress();
            assert!(!backoff.is_fresh());
            assert!(backoff.next(&mut random) <= FIRST * 2);
            backoff.reset();
            assert!(backoff.is_fresh());
            assert!(backoff.next(&mut random) <= FIRST);
        }
    }

    #[test]
    fn attempts_without_a_wait_count() {
        let mut backoff = Backoff::default();
        backoff.skip();
        assert!(!backoff.is_fresh());
        assert!(backoff.next(&mut Random(1)) >= FIRST);
        backoff.attempts = u32::MAX;
        assert!(backoff.next(&mut Random(1)) >= LONGEST / 2);
    }

    #[test]
    fn jitter_spreads_over_its_range() {
        let mut random = Random(7);
        let (low, high) = (Duration::from_secs(45), Duration::from_secs(50));
        let drawn: Vec<Duration> = (0..1_000).map(|_| random.between(low, high)).collect();
        assert!(drawn.iter().all(|drawn| (low..=high).contains(drawn)));
        let early = drawn.iter().filter(|drawn| **drawn < Duration::from_millis(47_500)).count();
        assert!((400..600).contains(&early), "{early} of 1,000 in the lower half");
        assert_eq!(random.between(low, low), low);
    }
}
