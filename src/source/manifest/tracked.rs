//! One manifest that is followed: what is served of it, and what becomes of its next version.

use super::MANIFEST_MAX;
use super::parse::{Parsed, parse};
use super::report::{ReadReport, Report, Trouble};
use crate::roster::{Event, EventKind, Gives, Scope, WatchId};
use crate::source::files::{Followed, Identity, Settled, Version};
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::time::Instant;

/// A followed manifest.
#[derive(Debug)]
pub(super) struct Tracked {
    pub(super) version: Version,
    /// Its watch; none before its first version was judged.
    pub(super) watch: Option<WatchId>,
    /// Hash of the bytes that are served.
    content: Option<u64>,
    has_objects: bool,
    /// Why the last version is not served.
    trouble: Option<Trouble>,
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

impl Followed for Tracked {
    fn found(path: PathBuf) -> Tracked {
        Tracked {
            version: Version::found(path),
            watch: None,
            content: None,
            has_objects: false,
            trouble: None,
        }
    }

    fn version(&self) -> &Version {
        &self.version
    }

    fn version_mut(&mut self) -> &mut Version {
        &mut self.version
    }
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
        Tracked {
            version: Version::loaded(path, found, seen),
            watch: Some(watch),
            content: Some(content),
            has_objects,
            trouble: None,
        }
    }

    /// A word on a writer that takes long, once.
    pub(super) fn still_written(&mut self, now: Instant) -> Option<Report> {
        let origin = self.version.origin.clone();
        self.version.still_written(now).then_some(Report::StillWritten { origin })
    }

    /// Reads what has settled.
    pub(super) fn judge(&self, hasher: &RandomState) -> Verdict {
        let bytes = match self.version.read(MANIFEST_MAX) {
            Settled::Bytes(bytes) => bytes,
            Settled::Gone => return Verdict::Gone,
            Settled::Missing => return Verdict::Bad(Trouble::Missing),
            Settled::Unsettled => return Verdict::Unsettled,
            Settled::TooLarge => return Verdict::Bad(Trouble::TooLarge),
            Settled::Unreadable(reason) => return Verdict::Bad(Trouble::Unreadable(reason)),
        };
        let content = hasher.hash_one(&bytes);
        if self.content == Some(content) {
            return Verdict::Same;
        }
        match parse(&self.version.origin, &bytes) {
            Ok(parsed) if parsed.objects.is_empty() && self.has_objects => {
                Verdict::Bad(Trouble::Emptied { in_folder: self.version.found })
            }
            Ok(parsed) => Verdict::Good { content, parsed },
            Err(error) => Verdict::Bad(Trouble::Broken(error)),
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
            self.version.unsettle(now);
            return Outcome::default();
        }
        self.version.settle();
        let mut outcome = Outcome::default();
        let origin = self.version.origin.clone();
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
            events.extend(started(watch, &self.version.origin));
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
    use crate::source::files::{SETTLE, Sighting};

    fn seen(path: &std::path::Path, text: &str) -> Sighting {
        std::fs::write(path, text).unwrap();
        Sighting::of(path)
    }

    #[test]
    fn what_changes_while_it_is_read_is_not_judged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        let mut file = Tracked::found(path.clone());
        let now = Instant::now();
        file.version.saw(seen(&path, "# one"), now);
        seen(&path, "# another");
        let verdict = file.judge(&RandomState::new());
        assert!(matches!(verdict, Verdict::Unsettled), "{verdict:?}");
        let outcome = file.apply(verdict, now + SETTLE, || WatchId(0));
        assert!(
            outcome.events.is_empty()
                && file.version.is_unsettled()
                && !file.version.is_settled(now + SETTLE)
        );
    }
}
