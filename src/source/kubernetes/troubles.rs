//! When a failure is worth a line: when it begins, and every few minutes while it lasts.

use super::failure::{Failure, FailureKind};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// How long a failure of one kind goes on before it is said again.
pub(super) const REPEAT: Duration = Duration::from_secs(300);

/// What is failing now.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    since: Option<Instant>,
    /// When each kind was last said.
    said: BTreeMap<FailureKind, Instant>,
}

impl Troubles {
    /// A failure. Returns whether it is worth a line.
    pub(super) fn failed(&mut self, failure: &Failure, now: Instant) -> bool {
        self.since.get_or_insert(now);
        let is_due = |said: &Instant| now.duration_since(*said) >= REPEAT;
        let due = self.said.get(&failure.kind()).is_none_or(is_due);
        if due {
            self.said.insert(failure.kind(), now);
        }
        due
    }

    /// Since when something has been failing.
    pub(super) fn since(&self) -> Option<Instant> {
        self.since
    }

    /// All is well. Returns since when it was not.
    pub(super) fn ended(&mut self) -> Option<Instant> {
        self.said.clear();
        self.since.take()
    }
}

#[cfg(test)]
mod tests {
    use super::super::failure::Refusal;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_said_when_it_begins_and_every_five_minutes() {
        let refused = Failure::Connection("refused".to_owned());
        let forbidden = Failure::Refused(Refusal::new(403, "", None));
        let mut troubles = Troubles::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for (seconds, failure, said) in [
            (0, &refused, true),
            (1, &refused, false),
            (2, &forbidden, true),
            (3, &refused, false),
            (299, &refused, false),
            (300, &refused, true),
            (301, &forbidden, false),
            (303, &forbidden, true),
            (599, &refused, false),
        ] {
            assert_eq!(troubles.failed(failure, at(seconds)), said, "at {seconds} s");
            assert_eq!(troubles.since(), Some(start));
        }
        assert_eq!(troubles.ended(), Some(start));
        assert_eq!((troubles.since(), troubles.ended()), (None, None));
        assert!(troubles.failed(&refused, at(601)), "it begins anew");
    }
}
