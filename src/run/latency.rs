//! How long changes take until they are served: from their arrival, and from what triggered them.

use crate::admin::Durations;
use crate::source::kubernetes::Arrival;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// Bounds of a histogram. Each is twice the one before.
const BOUNDS: usize = 21;

/// The first bound from arrival on: what takes less is as good. The last is 10.5 s.
const ARRIVAL: Duration = Duration::from_micros(10);

/// The first bound from the trigger on. These are the buckets of CoreDNS's
/// `coredns_kubernetes_dns_programming_duration_seconds`: 1 ms × 2^0 to 2^20, so that both can be laid over each other.
const TRIGGER: Duration = Duration::from_millis(1);

/// Counts of times until a change is visible. Written by the thread that publishes, read by any.
#[derive(Debug)]
pub(super) struct Latency {
    from_arrival: Histogram,
    from_trigger: Histogram,
}

/// Counts at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Latencies {
    from_arrival: Counts,
    from_trigger: Counts,
}

impl Latency {
    pub(super) fn new() -> Latency {
        Latency { from_arrival: Histogram::new(ARRIVAL), from_trigger: Histogram::new(TRIGGER) }
    }

    /// Changes have become visible at `visible`, when the clock on the wall showed `now`.
    pub(super) fn visible(&self, arrivals: &[Arrival], visible: Instant, now: SystemTime) {
        for arrival in arrivals {
            self.from_arrival.count(visible.saturating_duration_since(arrival.at));
            // What benchmarks read: histograms are too coarse for them.
            tracing::trace!(
                decoding = ?arrival.decoded.saturating_duration_since(arrival.at),
                applying = ?visible.saturating_duration_since(arrival.decoded),
                "a change is visible"
            );
            if let Some(triggered) = arrival.triggered {
                // Clocks of two hosts may differ by more than it took.
                self.from_trigger.count(now.duration_since(triggered).unwrap_or_default());
            }
        }
    }

    /// All so far for metrics: from the trigger on, and from arrival on.
    pub(super) fn durations(&self) -> [Durations; 2] {
        [self.from_trigger.durations(), self.from_arrival.durations()]
    }

    /// All so far.
    pub(super) fn so_far(&self) -> Latencies {
        Latencies { from_arrival: self.from_arrival.counts(), from_trigger: self.from_trigger.counts() }
    }
}

impl Latencies {
    /// Whether nothing was counted.
    pub(super) fn is_empty(&self) -> bool {
        self.from_arrival.total() == 0
    }

    /// What was counted after `earlier`.
    pub(super) fn since(&self, earlier: &Latencies) -> Latencies {
        Latencies {
            from_arrival: self.from_arrival.since(&earlier.from_arrival),
            from_trigger: self.from_trigger.since(&earlier.from_trigger),
        }
    }
}

/// `12 changes, visible from arrival: half within 40µs, 99 % within 160µs; from trigger: half within …`.
impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes = self.from_arrival.total();
        let noun = if changes == 1 { "change" } else { "changes" };
        write!(f, "{changes} {noun}, visible from arrival: {}", self.from_arrival)?;
        if self.from_trigger.total() > 0 {
            write!(f, "; from trigger: {}", self.from_trigger)?;
        }
        Ok(())
    }
}

/// Counts that other threads read.
#[derive(Debug)]
struct Histogram {
    first: Duration,
    /// One for each bound, and one for what is above all.
    counts: [AtomicU64; BOUNDS + 1],
    /// In microseconds: of half a million years.
    sum: AtomicU64,
}

impl Histogram {
    fn new(first: Duration) -> Histogram {
        Histogram { first, counts: [const { AtomicU64::new(0) }; BOUNDS + 1], sum: AtomicU64::new(0) }
    }

    fn count(&self, time: Duration) {
        let bucket = bounds(self.first).position(|bound| time <= bound).unwrap_or(BOUNDS);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let _ = self
            .sum
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |sum| Some(sum.saturating_add(micros)));
    }

    fn durations(&self) -> Durations {
        let Counts { first, counts } = self.counts();
        let sum = Duration::from_micros(self.sum.load(Ordering::Relaxed));
        Durations { bounds: bounds(first).collect(), counts: counts.to_vec(), sum }
    }

    fn counts(&self) -> Counts {
        Counts {
            first: self.first,
            counts: self.counts.each_ref().map(|count| count.load(Ordering::Relaxed)),
        }
    }
}

/// A histogram at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counts {
    first: Duration,
    counts: [u64; BOUNDS + 1],
}

impl Counts {
    fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn since(&self, earlier: &Counts) -> Counts {
        let mut counts = self.counts;
        for (count, before) in counts.iter_mut().zip(earlier.counts) {
            *count = count.saturating_sub(before);
        }
        Counts { counts, ..*self }
    }

    /// The bound within which so many of a hundred are; the last one and `false` where they are above it.
    fn percentile(&self, percent: u64) -> (Duration, bool) {
        // Rounded up: the 99th percentile of two is the second.
        let rank = self.total().saturating_mul(percent).div_ceil(100);
        let mut seen = 0;
        for (count, bound) in self.counts.iter().zip(bounds(self.first)) {
            seen += count;
            if seen >= rank {
                return (bound, true);
            }
        }
        (bounds(self.first).last().unwrap_or(self.first), false)
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (lead, percent) in [("half ", 50), (", 99 % ", 99)] {
            let (bound, within) = self.percentile(percent);
            write!(f, "{lead}{} {bound:?}", if within { "within" } else { "above" })?;
        }
        Ok(())
    }
}

fn bounds(first: Duration) -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(first), |bound| bound.checked_mul(2)).take(BOUNDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn micros(count: u64) -> Duration {
        Duration::from_micros(count)
    }

    #[test]
    fn times_from_arrival_and_trigger_are_counted_apart() {
        let latency = Latency::new();
        let (start, wall) = (Instant::now(), SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000));
        let visible = start + Duration::from_millis(5);
        let at = |micros_before: u64| visible.checked_sub(micros(micros_before)).unwrap();
        latency.visible(
            &[
                Arrival { at: at(35), decoded: at(30), triggered: Some(wall - Duration::from_millis(3)) },
                Arrival { at: at(40), decoded: at(30), triggered: None },
                // Clocks that disagree, both ways.
                Arrival {
                    at: visible + micros(1),
                    decoded: visible + micros(2),
                    triggered: Some(wall + Duration::from_secs(5)),
                },
            ],
            visible,
            wall,
        );
        let all = latency.so_far();
        assert_eq!(
            all.to_string(),
            "3 changes, visible from arrival: half within 40µs, 99 % within 40µs; \
             from trigger: half within 1ms, 99 % within 4ms"
        );
        latency.visible(&[Arrival { at: at(2_000), decoded: at(30), triggered: None }], visible, wall);
        let last = latency.so_far().since(&all);
        assert_eq!(
            last.to_string(),
            "1 change, visible from arrival: half within 2.56ms, 99 % within 2.56ms"
        );
        assert!(latency.so_far().since(&latency.so_far()).is_empty());
    }

    #[test]
    fn bounds_are_those_of_coredns_and_what_is_above_is_said_to_be() {
        let trigger: Vec<Duration> = bounds(TRIGGER).collect();
        assert_eq!(
            (trigger.first(), trigger.last()),
            (Some(&TRIGGER), Some(&Duration::from_millis(1 << 20)))
        );
        let histogram = Histogram::new(ARRIVAL);
        histogram.count(Duration::from_secs(3_600));
        assert_eq!(histogram.counts().to_string(), "half above 10.48576s, 99 % above 10.48576s");
        histogram.count(Duration::MAX);
        histogram.count(ARRIVAL);
        assert_eq!(histogram.counts().total(), 3);
        let all = histogram.durations();
        assert_eq!(
            (all.bounds.len(), all.counts.len(), all.counts.iter().sum::<u64>()),
            (BOUNDS, BOUNDS + 1, 3)
        );
        assert_eq!(all.sum, Duration::from_micros(u64::MAX), "it does not wrap");
    }

    proptest! {
        /// The bound that is told is the smallest one that so many of all times are within.
        #[test]
        fn percentiles_are_those_of_the_sorted_times(
            times in prop::collection::vec(0_u64..20_000_000, 1..200), percent in 1_u64..=100,
        ) {
            let histogram = Histogram::new(ARRIVAL);
            for time in &times {
                histogram.count(micros(*time));
            }
            let mut sorted = times;
            sorted.sort_unstable();
            let rank = (sorted.len() * usize::try_from(percent).unwrap()).div_ceil(100);
            let exact = micros(sorted[rank - 1]);
            let expected = bounds(ARRIVAL).find(|bound| exact <= *bound);
            let told = histogram.counts().percentile(percent);
            prop_assert_eq!(told.1.then_some(told.0), expected);
        }
    }
}
