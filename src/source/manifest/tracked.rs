//! One file that is followed: which version of it is served, and which is on its way.

use super::file::{Identity, ReadFailure, Sighting, read_version};
use super::parse::{Parsed, parse};
use super::report::{ReadReport, Report, Trouble};
use crate::roster::{Event, EventKind, Gives, Scope, WatchId};
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a file that replaced another must have stayed the same: writers that rename are done.
pub(super) const SETTLE: Duration = Duration::from_millis(100);

/// How long a file that is written in place, or is new, must have stayed the same. Several commands may write it one
/// after the other, and of writers elsewhere (another mount, another host) the kernel says nothing.
const WRITTEN_SETTLE: Duration = Duration::from_secs(1);

/// How long a file must have been gone: many writers remove it and write it again.
const GONE_SETTLE: Duration = Duration::from_secs(1);

/// After which time an open writer is worth a word.
const LONG_WRITE: Duration = Duration::from_secs(10);

/// A followed file.
#[derive(Debug)]
pub(super) struct Tracked {
    pub(super) path: PathBuf,
    pub(super) origin: String,
    /// Whether it was found in a folder, and not named itself.
    pub(super) found: bool,
    /// Its watch; none before its first version was judged.
    pub(super) watch: Option<WatchId>,
    /// What was last judged.
    judged: Sighting,
    /// What was last seen, if that has not been judged, and since when it is so.
    candidate: Option<Candidate>,
    /// Hash of the bytes that are served.
    content: Option<u64>,
    has_objects: bool,
    /// Why the last version is not served.
    trouble: Option<Trouble>,
}

#[derive(Debug)]
struct Candidate {
    sighting: Sighting,
    since: Instant,
    /// That its writer takes long has been said.
    said: bool,
}

/// A version as it was judged.
#[derive(Debug)]
pub(super) enum Verdict {
    Good {
        content: u64,
        parsed: Parsed,
    },
    /// What is served already.
    Same,
    Bad(Trouble),
    /// Gone from its folder.
    Gone,
    /// It changed meanwhile.
    Unsettled,
}

/// What comes of a verdict.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) events: Vec<Event>,
    pub(super) reports: Vec<Report>,
}

impl Tracked {
    /// A file whose first version stands.
    pub(super) fn loaded(
        path: PathBuf,
        found: bool,
        watch: WatchId,
        seen: Identity,
        version: (u64, bool),
    ) -> Tracked {
        let (content, has_objects) = version;
        let mut tracked = Tracked::found(path);
        tracked.found = found;
        tracked.watch = Some(watch);
        tracked.judged = Sighting::File(seen);
        tracked.content = Some(content);
        tracked.has_objects = has_objects;
        tracked
    }

    /// A file that has appeared in a folder.
    pub(super) fn found(path: PathBuf) -> Tracked {
        Tracked {
            origin: path.display().to_string(),
            path,
            found: true,
            watch: None,
            judged: Sighting::Unlisted,
            candidate: None,
            content: None,
            has_objects: false,
            trouble: None,
        }
    }

    /// Takes note of what is there now.
    pub(super) fn saw(&mut self, sighting: Sighting, now: Instant) {
        if sighting == self.judged {
            self.candidate = None;
        } else if self.candidate.as_ref().is_none_or(|candidate| candidate.sighting != sighting) {
            self.candidate = Some(Candidate { sighting, since: now, said: false });
        }
    }

    /// Whether there is anything that has not been judged.
    pub(super) fn is_unsettled(&self) -> bool {
        self.candidate.is_some()
    }

    /// Whether it has stayed the same for long enough to be judged.
    pub(super) fn is_settled(&self, now: Instant) -> bool {
        self.candidate.as_ref().is_some_and(|candidate| {
            let needed = match (&candidate.sighting, &self.judged) {
                (Sighting::File(now), Sighting::File(before)) if now.is_another_file(before) => SETTLE,
                (Sighting::File(_), _) => WRITTEN_SETTLE,
                _ => GONE_SETTLE,
            };
            now.saturating_duration_since(candidate.since) >= needed
        })
    }

    /// Whether it is gone from its folder, and nothing is left of it.
    pub(super) fn is_gone(&self) -> bool {
        self.judged == Sighting::Unlisted && self.candidate.is_none()
    }

    /// A word on a writer that takes long, once.
    pub(super) fn still_written(&mut self, now: Instant) -> Option<Report> {
        let candidate = self.candidate.as_mut()?;
        if candidate.said || now.saturating_duration_since(candidate.since) < LONG_WRITE {
            return None;
        }
        candidate.said = true;
        Some(Report::StillWritten { origin: self.origin.clone() })
    }

    /// Reads what has settled.
    pub(super) fn judge(&self, hasher: &RandomState) -> Verdict {
        let Some(Candidate { sighting, .. }) = &self.candidate else { return Verdict::Unsettled };
        let seen = match sighting {
            Sighting::File(identity) => *identity,
            Sighting::Unlisted => return Verdict::Gone,
            Sighting::Missing => return Verdict::Bad(Trouble::Missing),
            Sighting::Unusable(reason) => return Verdict::Bad(Trouble::Unreadable(reason.clone())),
        };
        let bytes = match read_version(&self.path, seen) {
            Ok(bytes) => bytes,
            Err(ReadFailure::Changed) => return Verdict::Unsettled,
            Err(ReadFailure::TooLarge) => return Verdict::Bad(Trouble::TooLarge),
            Err(ReadFailure::Unreadable(reason)) => return Verdict::Bad(Trouble::Unreadable(reason)),
        };
        let content = hasher.hash_one(&bytes);
        if self.content == Some(content) {
            return Verdict::Same;
        }
        match parse(&self.origin, &bytes) {
            Ok(parsed) if parsed.objects.is_empty() && self.has_objects => {
                Verdict::Bad(Trouble::Emptied { in_folder: self.found })
            }
            Ok(parsed) => Verdict::Good { content, parsed },
            Err(error) => Verdict::Bad(Trouble::Broken(error)),
        }
    }

    /// Looks at it anew, as if it had just changed.
    pub(super) fn unsettle(&mut self, now: Instant) {
        if let Some(candidate) = &mut self.candidate {
            candidate.since = now;
        }
    }

    /// Acts on a verdict. `next_watch` numbers a watch where it needs its first.
    pub(super) fn apply(
        &mut self,
        verdict: Verdict,
        now: Instant,
        next_watch: impl FnOnce() -> WatchId,
    ) -> Outcome {
        if matches!(verdict, Verdict::Unsettled) {
            self.unsettle(now);
            return Outcome::default();
        }
        if let Some(candidate) = self.candidate.take() {
            self.judged = candidate.sighting;
        }
        let mut outcome = Outcome::default();
        let origin = self.origin.clone();
        match verdict {
            Verdict::Unsettled => {}
            Verdict::Good { content, parsed } => {
                let trouble = self.trouble.take();
                let watch = self.start(&mut outcome.events, next_watch);
                self.content = Some(content);
                self.has_objects = !parsed.objects.is_empty();
                outcome.reports.push(Report::Read(version(origin, watch, parsed, &mut outcome.events)));
                if trouble.is_some() {
                    outcome.events.push(event(watch, EventKind::Reachable));
                }
            }
            Verdict::Same => {
                if self.trouble.take().is_some() {
                    outcome.events.extend(self.watch.map(|watch| event(watch, EventKind::Reachable)));
                    outcome.reports.push(Report::Recovered { origin });
                }
            }
            Verdict::Bad(trouble) => {
                if self.trouble.is_none() {
                    // A new file that is broken has a watch too: what is served without it is not all there is.
                    let is_new = self.watch.is_none();
                    let watch = self.start(&mut outcome.events, next_watch);
                    if is_new {
                        outcome.events.push(event(watch, EventKind::Reset));
                        outcome.events.push(event(watch, EventKind::Synced));
                    }
                    outcome.events.push(event(watch, EventKind::Unreachable));
                }
                if self.trouble.as_ref() != Some(&trouble) {
                    self.trouble = Some(trouble.clone());
                    outcome.reports.push(match self.content {
                        Some(_) => Report::Kept { origin, trouble },
                        None => Report::Waiting { origin, trouble },
                    });
                }
            }
            Verdict::Gone => {
                if let Some(watch) = self.watch {
                    outcome.events.push(event(watch, EventKind::Ended));
                    outcome.reports.push(Report::Ended { origin });
                }
            }
        }
        outcome
    }

    /// Its watch, started where it has none.
    fn start(&mut self, events: &mut Vec<Event>, next_watch: impl FnOnce() -> WatchId) -> WatchId {
        *self.watch.get_or_insert_with(|| {
            let watch = next_watch();
            events.extend(started(watch, &self.origin));
            watch
        })
    }
}

/// The events with which a watch begins.
pub(super) fn started(watch: WatchId, origin: &str) -> [Event; 2] {
    [EventKind::Started(Scope::All, Gives::Peers), EventKind::Named(origin.into())]
        .map(|kind| event(watch, kind))
}

/// The events of one whole version, put behind those in `events`.
pub(super) fn version(origin: String, watch: WatchId, parsed: Parsed, events: &mut Vec<Event>) -> ReadReport {
    let Parsed { objects, skipped, notices, .. } = parsed;
    let report = ReadReport { origin, objects: objects.len(), skipped, notices };
    events.reserve(objects.len() + 2);
    events.push(event(watch, EventKind::Reset));
    events.extend(objects.into_iter().map(|object| event(watch, EventKind::Apply(Box::new(object)))));
    events.push(event(watch, EventKind::Synced));
    report
}

pub(super) fn event(watch: WatchId, kind: EventKind) -> Event {
    Event { watch, revision: None, kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(path: &std::path::Path, text: &str) -> Sighting {
        std::fs::write(path, text).unwrap();
        Sighting::of(path)
    }

    #[test]
    fn a_version_settles_when_it_has_stayed_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        let start = Instant::now();
        let mut file = Tracked::found(path.clone());
        assert!(!file.is_settled(start) && file.is_gone());

        file.saw(seen(&path, "1"), start);
        assert!(!file.is_gone() && !file.is_settled(start + WRITTEN_SETTLE / 2));
        // A slow writer on a file system that tells nothing: each look that finds a change begins anew.
        let longer = seen(&path, "12");
        file.saw(longer.clone(), start + WRITTEN_SETTLE);
        assert!(!file.is_settled(start + WRITTEN_SETTLE * 3 / 2));
        file.saw(longer.clone(), start + WRITTEN_SETTLE * 2);
        assert!(file.is_settled(start + WRITTEN_SETTLE * 2));

        // Being gone takes longer, and coming back as it was is nothing.
        file.judged = longer.clone();
        file.saw(Sighting::Missing, start);
        assert!(!file.is_settled(start + SETTLE) && file.is_settled(start + GONE_SETTLE));
        file.saw(longer, start + SETTLE);
        assert!(!file.is_unsettled());

        // What was renamed over it is whole.
        let other = folder.path().join("b.yaml");
        seen(&other, "1");
        std::fs::rename(&other, &path).unwrap();
        file.saw(Sighting::of(&path), start);
        assert!(!file.is_settled(start + SETTLE / 2) && file.is_settled(start + SETTLE));
    }

    #[test]
    fn what_changes_while_it_is_read_is_not_judged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        let mut file = Tracked::found(path.clone());
        let now = Instant::now();
        file.saw(seen(&path, "# one"), now);
        seen(&path, "# another");
        let verdict = file.judge(&RandomState::new());
        assert!(matches!(verdict, Verdict::Unsettled), "{verdict:?}");
        let outcome = file.apply(verdict, now + SETTLE, || WatchId(0));
        assert!(outcome.events.is_empty() && file.is_unsettled() && !file.is_settled(now + SETTLE));
    }

    #[test]
    fn a_writer_that_takes_long_is_mentioned_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        let mut file = Tracked::found(path.clone());
        let now = Instant::now();
        file.saw(seen(&path, "1"), now);
        assert_eq!(file.still_written(now + SETTLE), None);
        assert!(file.still_written(now + LONG_WRITE).is_some());
        assert_eq!(file.still_written(now + LONG_WRITE * 2), None);
    }
}
