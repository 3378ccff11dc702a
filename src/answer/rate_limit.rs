//! How many UDP answers a network gets in a second: what a forged source address can be flooded with is bounded.
//!
//! All workers share one table of fixed size, which is made once. Networks that fall into one of its slots share its
//! rate: a slot that were given to whoever came last would let a flood from many networks wash its own counts away.

use foldhash::fast::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

/// Slots of the table, 2 MiB: of 5,000 networks, one in fifty shares its slot with another.
const SLOTS: usize = 1 << 18;

/// Seconds that the clock of one worker may be behind that of another: batches are answered at the time they began.
const BEHIND_MAX: u32 = 2;

/// The settings of rate limiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// Answers that a network gets in each second of the clock.
    pub answers_per_second: u32,
    /// Every how manieth query above that gets a truncated answer, so that a real client asks again over TCP; 0: none.
    pub slip: u32,
    /// Bits of an IPv4 address that make a network.
    pub ipv4_prefix: u8,
    /// Bits of an IPv6 address that make a network.
    pub ipv6_prefix: u8,
}

/// Counts the answers of each network in the current second.
#[derive(Debug)]
pub struct RateLimiter {
    limits: RateLimits,
    hasher: RandomState,
    /// The second in the upper half, answers and refusals of it in the lower.
    slots: Box<[AtomicU64]>,
}

/// What becomes of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is answered.
    Answer,
    /// It is answered by nothing but TC.
    Truncate,
    /// It is not answered.
    Drop,
}

impl RateLimiter {
    /// A limiter that has counted nothing yet.
    pub fn new(limits: RateLimits) -> RateLimiter {
        let slots = std::iter::repeat_with(AtomicU64::default).take(SLOTS).collect();
        RateLimiter { limits, hasher: RandomState::default(), slots }
    }

    /// Counts a query from `address` at `now`, Unix time in seconds modulo 2^32.
    pub(super) fn count(&self, address: IpAddr, now: u32) -> Verdict {
        let hash = self.hasher.hash_one(self.network(address));
        let index = usize::try_from(hash).unwrap_or(0) % SLOTS;
        let Some(slot) = self.slots.get(index) else { return Verdict::Answer };
        // Relaxed: the number guards nothing.
        let before = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |slot| Some(counted(slot, now)));
        let count = counted(before.unwrap_or(0), now) & u64::from(u32::MAX);
        let above = count.saturating_sub(self.limits.answers_per_second.into());
        match (above, u64::from(self.limits.slip)) {
            (0, _) => Verdict::Answer,
            (_, 0) => Verdict::Drop,
            (above, slip) if above.is_multiple_of(slip) => Verdict::Truncate,
            _ => Verdict::Drop,
        }
    }

    /// The network of an address, and of which family it is.
    fn network(&self, address: IpAddr) -> (bool, u128) {
        let (ipv4, bits, width, prefix) = match address.to_canonical() {
            IpAddr::V4(v4) => (true, u128::from(v4.to_bits()), 32_u32, self.limits.ipv4_prefix),
            IpAddr::V6(v6) => (false, v6.to_bits(), 128, self.limits.ipv6_prefix),
        };
        (ipv4, bits.checked_shr(width.saturating_sub(prefix.into())).unwrap_or(0))
    }
}

/// A slot after one query more.
fn counted(slot: u64, now: u32) -> u64 {
    let [s0, s1, s2, s3, c0, c1, c2, c3] = slot.to_be_bytes();
    let (second, count) = (u32::from_be_bytes([s0, s1, s2, s3]), u32::from_be_bytes([c0, c1, c2, c3]));
    let (second, count) =
        if second.wrapping_sub(now) <= BEHIND_MAX { (second, count.saturating_add(1)) } else { (now, 1) };
    u64::from(second) << 32 | u64::from(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(answers_per_second: u32, slip: u32) -> RateLimiter {
        RateLimiter::new(RateLimits { answers_per_second, slip, ipv4_prefix: 24, ipv6_prefix: 56 })
    }

    fn verdicts(limiter: &RateLimiter, addresses: &[&str], now: u32) -> String {
        let verdicts = addresses.iter().map(|text| limiter.count(text.parse().unwrap(), now));
        verdicts
            .map(|verdict| match verdict {
                Verdict::Answer => 'a',
                Verdict::Truncate => 't',
                Verdict::Drop => '-',
            })
            .collect()
    }

    #[test]
    fn above_the_rate_every_nth_is_truncated_and_the_others_are_dropped() {
        for (slip, expected) in [(0, "aaa-------"), (1, "aaattttttt"), (2, "aaa-t-t-t-"), (3, "aaa--t--t-")] {
            assert_eq!(verdicts(&limiter(3, slip), &["192.0.2.1"; 10], 1_700_000_000), expected, "{slip}");
        }
    }

    #[test]
    fn each_second_begins_anew_also_where_the_clock_wraps() {
        let limiter = limiter(2, 0);
        for now in [1_700_000_000, 1_700_000_001, 1_700_000_010, u32::MAX, 0, 1] {
            assert_eq!(verdicts(&limiter, &["192.0.2.1"; 3], now), "aa-", "{now}");
        }
    }

    #[test]
    fn a_worker_whose_batch_began_earlier_counts_with_the_others() {
        let limiter = limiter(2, 0);
        assert_eq!(verdicts(&limiter, &["192.0.2.1"], 1000), "a");
        assert_eq!(verdicts(&limiter, &["192.0.2.1"], 999), "a");
        assert_eq!(verdicts(&limiter, &["192.0.2.1"], 1000), "-");
        assert_eq!(verdicts(&limiter, &["192.0.2.1"], 999), "-");
        // A clock that was set back does not stop it.
        assert_eq!(verdicts(&limiter, &["192.0.2.1"; 3], 500), "aa-");
        assert_eq!(verdicts(&limiter, &["192.0.2.1"; 3], 470), "aa-");
    }

    #[test]
    fn a_network_is_counted_as_one() {
        for (one, other, same) in [
            ("192.0.2.1", "192.0.2.255", true),
            ("192.0.2.1", "::ffff:192.0.2.7", true),
            ("192.0.2.1", "192.0.3.1", false),
            ("2001:db8::1", "2001:db8:0:ff::1", true),
            ("2001:db8::1", "2001:db8:0:100::1", false),
            ("0.0.0.1", "::1", false),
        ] {
            let limiter = limiter(1, 0);
            // Two networks may share a slot, but not every time.
            let again = (0..5)
                .map(|_| self::limiter(1, 0))
                .all(|limiter| verdicts(&limiter, &[one, other], 7) == "a-");
            assert_eq!(again, same, "{one} {other}");
            assert_eq!(verdicts(&limiter, &[one, one], 7), "a-");
        }
    }

    #[test]
    fn whole_address_spaces_can_be_one_network() {
        let limits = RateLimits { answers_per_second: 1, slip: 0, ipv4_prefix: 0, ipv6_prefix: 0 };
        let limiter = RateLimiter::new(limits);
        assert_eq!(verdicts(&limiter, &["192.0.2.1", "10.0.0.1"], 7), "a-");
        assert_eq!(verdicts(&limiter, &["2001:db8::1", "fd00::1"], 8), "a-");
    }
}
