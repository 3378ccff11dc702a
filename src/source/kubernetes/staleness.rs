//! Whether what a watch delivered still counts as current: a function of what was heard, and when.

use crate::roster::EventKind;
use std::time::Duration;
use tokio::time::Instant;

/// The time since the API server was last heard, per watch.
#[derive(Debug)]
pub(super) struct Staleness {
    after: Duration,
    watches: Vec<Watch>,
}

#[derive(Debug, Clone)]
struct Watch {
    /// None before the first full list: what was never served is not stale.
    heard: Option<Instant>,
    unreachable: bool,
}

impl Staleness {
    /// Watches, numbered by their place, that have not begun.
    pub(super) fn new(watches: usize, after: Duration) -> Staleness {
        Staleness { after, watches: vec![Watch { heard: None, unreachable: false }; watches] }
    }

    /// What was saved stands for the watch's first list: nothing has been heard of it yet.
    pub(super) fn serves_saved(&mut self, place: usize) {
        if let Some(watch) = self.watches.get_mut(place) {
            watch.unreachable = true;
        }
    }

    /// The watch's data was current then.
    pub(super) fn heard(&mut self, place: usize, at: Instant) {
        if let Some(Watch { heard: Some(heard), .. }) = self.watches.get_mut(place) {
            *heard = at.max(*heard);
        }
    }

    /// The watch's full list is complete. Returns what the roster is told of it.
    pub(super) fn synced(&mut self, place: usize, at: Instant) -> Option<EventKind> {
        let watch = self.watches.get_mut(place)?;
        watch.heard = Some(at);
        std::mem::take(&mut watch.unreachable).then_some(EventKind::Reachable)
    }

    /// A watch was accepted. Returns what the roster is told of it.
    pub(super) fn established(&mut self, place: usize, at: Instant) -> Option<EventKind> {
        self.heard(place, at);
        let watch = self.watches.get_mut(place).filter(|watch| watch.heard.is_some())?;
        std::mem::take(&mut watch.unreachable).then_some(EventKind::Reachable)
    }

    /// The watches that have just become unreachable, each once.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<usize> {
        let mut expired = Vec::new();
        for (place, watch) in self.watches.iter_mut().enumerate() {
            if !watch.unreachable && watch.heard.is_some_and(|heard| heard + self.after <= now) {
                watch.unreachable = true;
                expired.push(place);
            }
        }
        expired
    }

    /// When the next watch becomes unreachable if nothing is heard.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let reachable = self.watches.iter().filter(|watch| !watch.unreachable);
        reachable.filter_map(|watch| watch.heard).min().map(|heard| heard + self.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn data_is_stale_some_time_after_the_last_word() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut staleness = Staleness::new(2, Duration::from_secs(60));
        staleness.heard(0, at(0));
        assert_eq!(staleness.deadline(), None, "never synchronised");
        assert!(staleness.expire(at(1_000)).is_empty());

        assert_eq!(staleness.synced(0, at(1_000)), None);
        assert_eq!(staleness.deadline(), Some(at(1_060)));
        staleness.heard(0, at(1_030));
        staleness.heard(0, at(1_020));
        assert!(staleness.expire(at(1_089)).is_empty());
        assert_eq!(staleness.expire(at(1_090)), [0]);
        assert!(staleness.expire(at(2_000)).is_empty(), "said once");
        assert_eq!(staleness.deadline(), None);
        staleness.heard(0, at(2_000));
        assert!(staleness.expire(at(2_001)).is_empty(), "a word alone heals nothing");

        assert_eq!(staleness.established(0, at(2_001)), Some(EventKind::Reachable));
        assert_eq!(staleness.established(0, at(2_002)), None);
        assert_eq!(staleness.expire(at(2_062)), [0]);
        assert_eq!(staleness.synced(0, at(2_063)), Some(EventKind::Reachable));
        assert_eq!(staleness.synced(1, at(2_010)), None);
        assert_eq!(staleness.deadline(), Some(at(2_070)), "the earlier of the two");
        assert_eq!(staleness.synced(9, at(2_010)), None, "no such watch");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_saved_is_stale_until_the_first_list() {
        let now = Instant::now();
        let mut staleness = Staleness::new(1, Duration::from_secs(60));
        staleness.serves_saved(0);
        assert_eq!((staleness.deadline(), staleness.expire(now)), (None, Vec::new()));
        assert_eq!(staleness.established(0, now), None);
        assert_eq!(staleness.synced(0, now), Some(EventKind::Reachable));
        assert_eq!(staleness.synced(0, now), None);
    }
}
