//! How long answers took: a histogram of fixed size, so that recording costs the same at any rate.

use std::time::Duration;

/// Steps within each power of two: a recorded time is right to one part in 32.
const STEPS: usize = 32;

/// Powers of two above [`STEPS`] nanoseconds: up to more than a minute.
const POWERS: usize = 32;

/// Times of answers.
#[derive(Clone)]
pub struct Latency {
    counts: Vec<u64>,
    total: u64,
}

impl Default for Latency {
    fn default() -> Latency {
        Latency { counts: vec![0; STEPS * (POWERS + 1)], total: 0 }
    }
}

impl Latency {
    /// Records `nanoseconds` for `answers` answers.
    pub fn record(&mut self, nanoseconds: u64) {
        let step = step(nanoseconds).min(self.counts.len() - 1);
        self.counts[step] += 1;
        self.total += 1;
    }

    /// Adds what another run recorded.
    pub fn add(&mut self, other: &Latency) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
    }

    /// The time within which this part of the answers came, of 1; zero without any.
    pub fn quantile(&self, part: f64) -> Duration {
        let mut rest = (self.total as f64 * part).ceil() as u64;
        for (step, &count) in self.counts.iter().enumerate() {
            if count > 0 && count >= rest {
                return Duration::from_nanos(highest(step));
            }
            rest -= count;
        }
        Duration::ZERO
    }
}

/// The step that a time falls into.
fn step(nanoseconds: u64) -> usize {
    let power = (nanoseconds / STEPS as u64).checked_ilog2().map_or(0, |power| power as usize + 1);
    let shift = power.saturating_sub(1);
    let within = (nanoseconds >> shift) as usize - if power > 0 { STEPS } else { 0 };
    power * STEPS + within
}

/// The longest time of a step.
fn highest(step: usize) -> u64 {
    let (power, within) = (step / STEPS, (step % STEPS) as u64);
    match power {
        0 => within,
        _ => ((within + STEPS as u64 + 1) << (power - 1)) - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_falls_into_a_step_that_ends_at_most_a_part_in_32_above_it() {
        for exponent in 0..36 {
            for nanoseconds in [1_u64 << exponent, (1 << exponent) + 1, 3 << exponent, (1 << exponent) - 1] {
                let end = highest(step(nanoseconds));
                assert!(
                    end >= nanoseconds && end - nanoseconds <= nanoseconds / STEPS as u64,
                    "{nanoseconds}"
                );
            }
        }
    }

    #[test]
    fn quantiles_are_of_what_was_recorded() {
        let mut latency = Latency::default();
        assert_eq!(latency.quantile(0.5), Duration::ZERO);
        for nanoseconds in 1..=20 {
            latency.record(nanoseconds);
        }
        let mut twice = latency.clone();
        twice.add(&latency);
        for latency in [latency, twice] {
            assert_eq!([0.5, 0.95, 1.0].map(|part| latency.quantile(part).as_nanos()), [10, 19, 20]);
        }
    }
}
