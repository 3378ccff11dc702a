//! Whether a server that watches the Kubernetes API is ready to be asked.

use super::health::{State, WatchHealth};
use std::time::{Duration, Instant};

/// What readiness is made of. Pure: time is passed in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Whether it is: whatever can be served is.
    pub ready: bool,
    /// Watches that have not delivered their first list, and are waited for.
    pub waiting: Vec<Unsynced>,
    /// Watches that have not delivered it for so long that nobody waits for them: their names alone are refused.
    pub left_out: Vec<Unsynced>,
    /// Watches that have not delivered it, and of which what was saved is served for want of better.
    pub saved: Vec<Unsynced>,
}

/// How long first lists are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Until a watch that has delivered nothing is left out.
    pub leave_out_after: Duration,
    /// Until what was saved will do.
    pub saved: Duration,
}

/// A watch that has not delivered its first list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsynced {
    /// What people call it.
    pub watch: Box<str>,
    /// Why not.
    pub why: Box<str>,
}

impl Readiness {
    /// Readiness when the watches have had `waited` to deliver.
    ///
    /// A watch that takes longer than `leave_out_after` is left out: one namespace without rights must not keep the
    /// others from being served. But never all of them: a server that has nothing is not ready, however long it waits,
    /// so that it does not take the place of one that has. Where all replicas are started while the API server is away,
    /// what was saved is better than nothing; it is waited for all the same, as what the API server has is better still.
    pub fn of(watches: &[WatchHealth], waited: Duration, patience: Patience) -> Readiness {
        let will_do = |watch: &&WatchHealth| watch.saved.is_some() && waited >= patience.saved;
        let (saved, unsynced): (Vec<_>, Vec<_>) =
            watches.iter().filter(|watch| !watch.synced).partition(will_do);
        let told = |watches: Vec<&WatchHealth>| {
            let told = |watch: &WatchHealth| Unsynced {
                watch: watch.plan.to_string().into(),
                why: why(&watch.state),
            };
            watches.into_iter().map(told).collect::<Vec<_>>()
        };
        let any = unsynced.len() < watches.len();
        let overdue = any && waited >= patience.leave_out_after;
        let (unsynced, saved) = (told(unsynced), told(saved));
        let (waiting, left_out) = if overdue { (Vec::new(), unsynced) } else { (unsynced, Vec::new()) };
        Readiness { ready: any && waiting.is_empty(), waiting, left_out, saved }
    }
}

/// For how long the watch that has been silent for longest has been; none where none has delivered yet.
pub fn longest_silence(watches: &[WatchHealth], now: Instant) -> Option<Duration> {
    let silences =
        watches.iter().filter_map(|watch| Some(now.saturating_duration_since(watch.last_contact?)));
    silences.max()
}

fn why(state: &State) -> Box<str> {
    match state {
        State::Failing { failure, .. } => failure.to_string().into(),
        State::Listing | State::Watching => "its first list is not complete".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::failure::Failure;
    use super::super::health::Health;
    use super::super::plan::WatchPlan;
    use super::*;
    use crate::roster::{Gives, ObjectKind, Scope};
    use proptest::prelude::*;

    const PATIENCE: Patience =
        Patience { leave_out_after: Duration::from_secs(60), saved: Duration::from_secs(5) };

    /// Watches, each of a namespace of its own, that are synchronised (`s`), failing (`f`), listing (`l`), or failing with a
    /// saved state (`d`).
    fn watches(states: &str) -> Vec<WatchHealth> {
        let plan = |place: usize| WatchPlan {
            resource: ObjectKind::EndpointSlice,
            scope: Scope::Namespace(format!("n{place}").into()),
            selector: None,
            gives: Gives::Peers,
        };
        let plans: Vec<WatchPlan> = (0..states.len()).map(plan).collect();
        let mut watches = Health::new(&plans).watches();
        for (watch, state) in watches.iter_mut().zip(states.chars()) {
            watch.synced = state == 's';
            watch.saved = (state == 'd').then_some(1);
            watch.state = match state {
                's' => State::Watching,
                'l' => State::Listing,
                _ => State::Failing { since: Instant::now(), failure: failure() },
            };
        }
        watches
    }

    fn failure() -> Failure {
        Failure::Connection("refused".to_owned())
    }

    /// `ready; waiting n0; left out n1`.
    fn told(states: &str, waited: u64) -> String {
        let found = Readiness::of(&watches(states), Duration::from_secs(waited), PATIENCE);
        let list = |watches: &[Unsynced]| {
            let names = watches.iter().map(|one| one.watch.rsplit(' ').next().unwrap().to_owned());
            names.collect::<Vec<_>>().join(" ")
        };
        let saved =
            if found.saved.is_empty() { String::new() } else { format!("; saved {}", list(&found.saved)) };
        format!(
            "{}; waiting {}; left out {}{saved}",
            found.ready,
            list(&found.waiting),
            list(&found.left_out)
        )
    }

    #[test]
    fn what_never_delivered_is_waited_for_and_then_left_out() {
        for (states, waited, expected) in [
            ("", 0, "false; waiting ; left out "),
            ("l", 0, "false; waiting n0; left out "),
            ("s", 0, "true; waiting ; left out "),
            ("ss", 1_000, "true; waiting ; left out "),
            ("sf", 59, "false; waiting n1; left out "),
            ("sf", 60, "true; waiting ; left out n1"),
            ("sl", 60, "true; waiting ; left out n1"),
            ("fsf", 61, "true; waiting ; left out n0 n2"),
            // Nothing at all is no readiness.
            ("ff", 1_000, "false; waiting n0 n1; left out "),
            // What was saved is something, after a while.
            ("dd", 4, "false; waiting n0 n1; left out "),
            ("dd", 5, "true; waiting ; left out ; saved n0 n1"),
            ("sd", 5, "true; waiting ; left out ; saved n1"),
            ("fd", 5, "false; waiting n0; left out ; saved n1"),
            ("fd", 60, "true; waiting ; left out n0; saved n1"),
        ] {
            assert_eq!(told(states, waited), expected, "{states} after {waited} s");
        }
    }

    #[test]
    fn the_reason_is_the_last_failure() {
        let waiting = Readiness::of(&watches("fl"), Duration::ZERO, PATIENCE).waiting;
        let reasons: Vec<&str> = waiting.iter().map(|one| &*one.why).collect();
        assert_eq!(reasons, [failure().to_string().as_str(), "its first list is not complete"]);
    }

    #[test]
    fn the_longest_silence_is_that_of_the_oldest_contact() {
        let mut watches = watches("ssl");
        let now = Instant::now();
        assert_eq!(longest_silence(&watches, now), None);
        watches[0].last_contact = Some(now.checked_sub(Duration::from_secs(9)).unwrap());
        watches[1].last_contact = Some(now + Duration::from_secs(1));
        assert_eq!(longest_silence(&watches, now), Some(Duration::from_secs(9)));
    }

    proptest! {
        /// Every watch is synchronised, waited for or left out; readiness is never lost by waiting.
        #[test]
        fn each_watch_is_in_one_place(states in "[slfd]{0,6}", waited in 0_u64..120, more in 0_u64..120) {
            let watches = watches(&states);
            let at = |waited| Readiness::of(&watches, Duration::from_secs(waited), PATIENCE);
            let found = at(waited);
            let synced = watches.iter().filter(|watch| watch.synced).count();
            let told = found.waiting.len() + found.left_out.len() + found.saved.len();
            prop_assert_eq!(synced + told, watches.len());
            prop_assert!(!found.ready || at(waited + more).ready);
            prop_assert!(!found.ready || synced + found.saved.len() > 0);
        }
    }
}
