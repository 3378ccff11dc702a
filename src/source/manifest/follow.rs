//! Manifests after their first versions: followed on a thread of their own.
//!
//! All that has settled by one look is one [`Batch`]: files that were swapped together, as in a mounted ConfigMap, change
//! together.

use super::report::Report;
use super::tracked::{Tracked, Verdict};
use crate::roster::{Event, EventKind, WatchId};
use crate::source::files::{Files, Followed, Follower, Following, Notifications};
use std::hash::RandomState;
use std::ops::ControlFlow;
use std::time::Instant;

/// Manifests in folders.
const EXTENSIONS: &[&str] = &["yaml", "yml", "json"];

/// Manifests whose first versions stand.
#[derive(Debug)]
pub struct Manifests {
    pub(super) files: Files<Tracked>,
    pub(super) hasher: RandomState,
    watches: u32,
}

/// What changed at one look: to be applied whole before anything of it is shown.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// What the roster is told, in order.
    pub events: Vec<Event>,
    /// What a person is told.
    pub reports: Vec<Report>,
}

/// Manifests, and who is told of them.
struct FollowedManifests<F> {
    manifests: Manifests,
    on_batch: F,
}

impl<F: FnMut(Batch) -> ControlFlow<()>> Follower for FollowedManifests<F> {
    fn look(&mut self, now: Instant) -> ControlFlow<()> {
        let batch = self.manifests.look(now);
        if batch == Batch::default() { ControlFlow::Continue(()) } else { (self.on_batch)(batch) }
    }

    fn is_unsettled(&self) -> bool {
        self.manifests.files.is_unsettled()
    }

    fn notifications(&self) -> &Notifications {
        self.manifests.files.notifications()
    }
}

impl Manifests {
    pub(super) fn new(notifications: Notifications) -> Manifests {
        Manifests { files: Files::new(EXTENSIONS, notifications), hasher: RandomState::new(), watches: 0 }
    }

    /// Follows changes on a thread of its own until the result is dropped or `on_batch` breaks. Standard input and
    /// pipes do not change.
    pub fn follow(
        self,
        on_batch: impl FnMut(Batch) -> ControlFlow<()> + Send + 'static,
    ) -> std::io::Result<Following> {
        Following::start("manifests", FollowedManifests { manifests: self, on_batch })
    }

    /// One look at everything.
    fn look(&mut self, now: Instant) -> Batch {
        self.files.look(now);
        self.judge(now)
    }

    /// Reads what has settled and acts on it.
    fn judge(&mut self, now: Instant) -> Batch {
        let mut batch = Batch::default();
        let before = self.files.generations();
        let mut verdicts = Vec::new();
        let settled = self.files.all.iter().enumerate().filter(|(_, file)| file.version().is_settled(now));
        let (written, whole): (Vec<_>, Vec<_>) =
            settled.partition(|(_, file)| self.files.was_being_written(&file.version().path));
        verdicts.extend(whole.into_iter().map(|(index, file)| (index, file.judge(&self.hasher))));
        let written: Vec<usize> = written.into_iter().map(|(index, _)| index).collect();
        for index in written {
            batch.reports.extend(self.files.all.get_mut(index).and_then(|file| file.still_written(now)));
        }
        // What was read may be of two generations.
        let swapped = before != self.files.generations();
        for (index, verdict) in verdicts {
            let Some(file) = self.files.all.get_mut(index) else { continue };
            let verdict = if swapped { Verdict::Unsettled } else { verdict };
            let watches = &mut self.watches;
            let outcome = file.apply(verdict, now, || number(watches));
            batch.events.extend(outcome.events);
            batch.reports.extend(outcome.reports);
        }
        // A renamed file's objects come before they go.
        batch.events.sort_by_key(|event| event.kind == EventKind::Ended);
        self.files.all.retain(|file| !file.version().is_gone());
        batch
    }

    pub(super) fn next_watch(&mut self) -> WatchId {
        number(&mut self.watches)
    }
}

fn number(watches: &mut u32) -> WatchId {
    let watch = WatchId(*watches);
    *watches = watches.wrapping_add(1);
    watch
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const LOOK: Duration = Duration::from_secs(1);

    const MANIFEST: &str = "kind: Endpoints\napiVersion: v1\nmetadata: {name: e}\n";

    #[test]
    fn without_notifications_looking_finds_what_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        let mut manifests = Manifests::new(Notifications::none());
        manifests.files.folders.push(folder.path().to_owned());
        let start = Instant::now();
        assert_eq!(manifests.look(start), Batch::default());

        // A slow writer: nothing counts until a look finds what the look before found.
        for (step, text) in
            (0_u32..).zip(["kind: Endpoints\n", "kind: Endpoints\napiVersion: v1\n", MANIFEST])
        {
            std::fs::write(&path, text).unwrap();
            assert_eq!(manifests.look(start + LOOK * step), Batch::default());
        }
        let batch = manifests.look(start + LOOK * 3);
        let kinds: Vec<&EventKind> = batch.events.iter().map(|event| &event.kind).collect();
        let [
            EventKind::Started(..),
            EventKind::Named(_),
            EventKind::Reset,
            EventKind::Apply(object),
            EventKind::Synced,
        ] = kinds.as_slice()
        else {
            panic!("{batch:?}")
        };
        assert_eq!(&*object.key.name, "e");
        assert_eq!(manifests.look(start + LOOK * 4), Batch::default());

        std::fs::remove_file(&path).unwrap();
        assert_eq!(manifests.look(start + LOOK * 5), Batch::default());
        let batch = manifests.look(start + LOOK * 6);
        assert_eq!(batch.events.iter().map(|event| &event.kind).collect::<Vec<_>>(), [&EventKind::Ended]);
        assert!(manifests.files.all.is_empty());
    }
}
