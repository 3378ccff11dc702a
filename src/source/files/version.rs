//! One file: which version of it counts, and which is on its way.

use super::sighting::{Identity, ReadFailure, Sighting, read_version};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a file that replaced another must have stayed the same: writers that rename are done.
pub(crate) const SETTLE: Duration = Duration::from_millis(100);

/// How long a file that is written in place, or is new, must have stayed the same. Several commands may write it one
/// after the other, and of writers elsewhere (another mount, another host) the kernel says nothing.
const WRITTEN_SETTLE: Duration = Duration::from_secs(1);

/// How long a file must have been gone: many writers remove it and write it again.
const GONE_SETTLE: Duration = Duration::from_secs(1);

/// After which time an open writer is worth a word.
const LONG_WRITE: Duration = Duration::from_secs(10);

/// A followed file.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) path: PathBuf,
    /// What it is called.
    pub(crate) origin: String,
    /// Whether it was found in a folder, and not named itself.
    pub(crate) found: bool,
    /// What was last judged.
    judged: Sighting,
    /// What was last seen, if that has not been judged, and since when it is so.
    candidate: Option<Candidate>,
}

#[derive(Debug)]
struct Candidate {
    sighting: Sighting,
    since: Instant,
    /// That its writer takes long has been said.
    said: bool,
}

/// What has settled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    Bytes(Vec<u8>),
    Missing,
    TooLarge,
    Unreadable(String),
    /// Gone from its folder.
    Gone,
    /// It changed meanwhile.
    Unsettled,
}

impl Version {
    /// A file whose first version stands.
    pub(crate) fn loaded(path: PathBuf, found: bool, seen: Identity) -> Version {
        Version { found, judged: Sighting::File(seen), ..Version::found(path) }
    }

    /// A file that was not found in a folder, and of which this was seen when it was read.
    pub(crate) fn named(path: PathBuf, seen: Sighting) -> Version {
        Version { found: false, judged: seen, ..Version::found(path) }
    }

    /// A file that has appeared in a folder.
    pub(crate) fn found(path: PathBuf) -> Version {
        let origin = path.display().to_string();
        Version { origin, path, found: true, judged: Sighting::Unlisted, candidate: None }
    }

    /// Takes note of what is there now.
    pub(crate) fn saw(&mut self, sighting: Sighting, now: Instant) {
        if sighting == self.judged {
            self.candidate = None;
        } else if self.candidate.as_ref().is_none_or(|candidate| candidate.sighting != sighting) {
            self.candidate = Some(Candidate { sighting, since: now, said: false });
        }
    }

    /// Whether there is anything that has not been judged.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.candidate.is_some()
    }

    /// Whether it has stayed the same for long enough to be judged.
    pub(crate) fn is_settled(&self, now: Instant) -> bool {
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
    pub(crate) fn is_gone(&self) -> bool {
        self.judged == Sighting::Unlisted && self.candidate.is_none()
    }

    /// Whether what has settled, or will, is that it is gone from its folder.
    pub(crate) fn is_going(&self) -> bool {
        self.candidate.as_ref().is_some_and(|candidate| candidate.sighting == Sighting::Unlisted)
    }

    /// Whether its writer takes long, said once.
    pub(crate) fn still_written(&mut self, now: Instant) -> bool {
        let Some(candidate) = self.candidate.as_mut() else { return false };
        if candidate.said || now.saturating_duration_since(candidate.since) < LONG_WRITE {
            return false;
        }
        candidate.said = true;
        true
    }

    /// Reads what has settled, at most so many octets.
    pub(crate) fn read(&self, most: u64) -> Settled {
        let Some(Candidate { sighting, .. }) = &self.candidate else { return Settled::Unsettled };
        let seen = match sighting {
            Sighting::File(identity) => *identity,
            Sighting::Unlisted => return Settled::Gone,
            Sighting::Missing => return Settled::Missing,
            Sighting::Unusable(reason) => return Settled::Unreadable(reason.clone()),
        };
        match read_version(&self.path, seen, most) {
            Ok(bytes) => Settled::Bytes(bytes),
            Err(ReadFailure::Changed) => Settled::Unsettled,
            Err(ReadFailure::TooLarge) => Settled::TooLarge,
            Err(ReadFailure::Unreadable(reason)) => Settled::Unreadable(reason),
        }
    }

    /// Looks at it anew, as if it had just changed.
    pub(crate) fn unsettle(&mut self, now: Instant) {
        if let Some(candidate) = &mut self.candidate {
            candidate.since = now;
        }
    }

    /// Takes what has settled for judged.
    pub(crate) fn settle(&mut self) {
        if let Some(candidate) = self.candidate.take() {
            self.judged = candidate.sighting;
        }
    }
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
        let mut file = Version::found(path.clone());
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
    fn a_writer_that_takes_long_is_mentioned_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        let mut file = Version::found(path.clone());
        let now = Instant::now();
        file.saw(seen(&path, "1"), now);
        assert!(!file.still_written(now + SETTLE));
        assert!(file.still_written(now + LONG_WRITE));
        assert!(!file.still_written(now + LONG_WRITE * 2));
    }
}
