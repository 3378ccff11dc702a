//! Who was turned away, for somebody who says it. Nothing here waits or allocates, and what is kept has a bound: what many
//! strangers ask for is counted.

use crate::wire::TsigFault;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Clients and causes that are kept apart until they are taken.
const KEPT: usize = 16;

/// Requests for zones, and others with a signature, that were turned away.
#[derive(Debug, Default)]
pub struct Refusals {
    kept: Mutex<[Option<Refused>; KEPT]>,
    others: AtomicU64,
}

/// Requests of one client that were turned away for one cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Who asked; over UDP anybody can be made to seem so.
    pub client: IpAddr,
    /// Why.
    pub cause: RefusedFor,
    /// How often.
    pub times: u64,
}

/// Why a request was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefusedFor {
    /// Its signature is not accepted.
    #[error("NOTAUTH, {name}: {0}", name = .0.as_str())]
    Signature(TsigFault),
    /// It is made too long ago, or is of the future, by so many seconds.
    #[error("NOTAUTH, BADTIME: the clocks differ by {0} s")]
    Time(u64),
    /// Nobody who is set up to fetch the zone is at this address, or has this key or none.
    #[error("REFUSED: no [[transfer.secondaries]] fits the address and the key, or its absence")]
    Rules,
}

impl Refusals {
    pub(in crate::answer) fn note(&self, client: IpAddr, cause: RefusedFor) {
        // Whoever holds it is about to be done; one more or less is not waited for.
        if let Ok(mut kept) = self.kept.try_lock() {
            for place in kept.iter_mut() {
                let refused = place.get_or_insert(Refused { client, cause, times: 0 });
                if refused.client == client && refused.cause.is_like(cause) {
                    refused.times = refused.times.saturating_add(1);
                    return;
                }
            }
        }
        self.others.fetch_add(1, Ordering::Relaxed);
    }

    /// What was noted since this was last called, and how many others there were.
    pub fn take(&self) -> (Vec<Refused>, u64) {
        let mut kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let refused = std::mem::take(&mut *kept).into_iter().flatten().collect();
        (refused, self.others.swap(0, Ordering::Relaxed))
    }
}

impl RefusedFor {
    /// Whether it is the same but for the moment.
    fn is_like(self, other: RefusedFor) -> bool {
        self == other || matches!((self, other), (RefusedFor::Time(_), RefusedFor::Time(_)))
    }
}

/// What was noted is no setting: lists with the same rules are equal.
impl PartialEq for Refusals {
    fn eq(&self, _: &Refusals) -> bool {
        true
    }
}

impl Eq for Refusals {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_has_a_bound() {
        let refusals = Refusals::default();
        for number in 0..=255 {
            for time in 0..3 {
                refusals.note([192, 0, 2, number].into(), RefusedFor::Time(time));
            }
        }
        refusals.note([192, 0, 2, 0].into(), RefusedFor::Rules);
        let (kept, others) = refusals.take();
        assert_eq!((kept.len(), others), (KEPT, (256 - KEPT as u64) * 3 + 1));
        assert!(kept.iter().all(|refused| refused.times == 3));
        assert_eq!(refusals.take(), (Vec::new(), 0));
    }

    #[test]
    fn causes_are_told_in_words() {
        for (cause, text) in [
            (
                RefusedFor::Signature(TsigFault::BadSignature),
                "NOTAUTH, BADSIG: the signature is not that of the message",
            ),
            (RefusedFor::Signature(TsigFault::BadKey), "NOTAUTH, BADKEY: the key is not known"),
            (RefusedFor::Time(3_600), "NOTAUTH, BADTIME: the clocks differ by 3600 s"),
        ] {
            assert_eq!(cause.to_string(), text);
        }
    }
}
