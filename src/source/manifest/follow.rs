//! Manifests after their first versions: followed on a thread of their own.
//!
//! The kernel's notifications wake it; once a second it looks anyway. A version is judged when it has stayed the same
//! for a moment and nobody is known to be writing it. All that has settled by one look is one [`Batch`]: files that
//! were swapped together, as in a mounted ConfigMap, change together.

use super::file::Sighting;
use super::folder::{generation, parent, paths, places};
use super::notifications::Notifications;
use super::report::Report;
use super::tracked::{SETTLE, Tracked, Verdict};
use crate::roster::{Event, EventKind, WatchId};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::RandomState;
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often files are looked at without a notification.
const LOOK: Duration = Duration::from_secs(1);

/// The shortest time between two looks, however much is notified.
const PAUSE: Duration = Duration::from_millis(10);

/// How often a folder's content may be swapped while it is looked at before the look ends without it.
const SWAPS: usize = 8;

/// Manifests whose first versions stand.
#[derive(Debug)]
pub struct Manifests {
    pub(super) files: Vec<Tracked>,
    pub(super) folders: Vec<PathBuf>,
    pub(super) hasher: RandomState,
    notifications: Notifications,
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

/// The thread that follows. Dropping this ends it, and waits for a batch that is being received.
#[derive(Debug)]
pub struct Following {
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Following {
    fn drop(&mut self) {
        drop(self.stop.take());
        let Some(thread) = self.thread.take() else { return };
        if thread.thread().id() != std::thread::current().id() {
            // A panic of the thread is one of the receiver, and has been printed.
            let _ = thread.join();
        }
    }
}

impl Manifests {
    pub(super) fn new(notifications: Notifications) -> Manifests {
        Manifests {
            files: Vec::new(),
            folders: Vec::new(),
            hasher: RandomState::new(),
            notifications,
            watches: 0,
        }
    }

    /// Follows changes on a thread of its own until the result is dropped or `on_batch` breaks. Standard input and
    /// pipes do not change.
    pub fn follow(
        mut self,
        mut on_batch: impl FnMut(Batch) -> ControlFlow<()> + Send + 'static,
    ) -> std::io::Result<Following> {
        let (stop, stopped) = UnixStream::pair()?;
        let thread = std::thread::Builder::new().name("manifests".to_owned()).spawn(move || {
            loop {
                let batch = self.look(Instant::now());
                if batch != Batch::default() && on_batch(batch).is_break() {
                    return;
                }
                std::thread::sleep(PAUSE);
                let unsettled = self.files.iter().any(Tracked::is_unsettled);
                let time = if unsettled { SETTLE / 2 } else { LOOK };
                if self.notifications.wait(stopped.as_fd(), time) {
                    return;
                }
            }
        })?;
        Ok(Following { stop: Some(stop), thread: Some(thread) })
    }

    /// One look at everything.
    fn look(&mut self, now: Instant) -> Batch {
        self.sight(now);
        // After the look: whoever began to write before it has been told of by now.
        self.watch(std::iter::empty());
        self.judge(now)
    }

    /// Takes note of what every file is now, and of files that are new in folders.
    fn sight(&mut self, now: Instant) {
        for _ in 0..SWAPS {
            let before = self.generations();
            let listings = self.folders.iter().map(|folder| (folder.clone(), paths(folder)));
            let listings: BTreeMap<PathBuf, std::io::Result<BTreeSet<PathBuf>>> = listings.collect();
            let tracked: BTreeSet<&PathBuf> = self.files.iter().map(|file| &file.path).collect();
            let listed = listings.values().flatten().flatten();
            let new: Vec<PathBuf> = listed.filter(|path| !tracked.contains(path)).cloned().collect();
            self.files.extend(new.into_iter().map(Tracked::found));
            let sight = |file: &Tracked| match listings.get(&parent(&file.path)) {
                Some(Err(error)) if file.found => {
                    Sighting::Unusable(format!("its folder cannot be read: {error}"))
                }
                Some(Ok(listed)) if file.found && !listed.contains(&file.path) => Sighting::Unlisted,
                _ => Sighting::of(&file.path),
            };
            let sighted: Vec<Sighting> = self.files.iter().map(sight).collect();
            if before == self.generations() {
                self.files.iter_mut().zip(sighted).for_each(|(file, sighting)| file.saw(sighting, now));
                return;
            }
        }
    }

    /// What is mounted in each folder.
    fn generations(&self) -> BTreeMap<PathBuf, Option<PathBuf>> {
        let folders = self.files.iter().map(|file| parent(&file.path));
        let folders: BTreeSet<PathBuf> = folders.chain(self.folders.iter().cloned()).collect();
        folders.into_iter().map(|folder| (folder.clone(), generation(&folder))).collect()
    }

    /// Reads what has settled and acts on it.
    fn judge(&mut self, now: Instant) -> Batch {
        let mut batch = Batch::default();
        let before = self.generations();
        let mut verdicts = Vec::new();
        for (index, file) in self.files.iter_mut().enumerate().filter(|(_, file)| file.is_settled(now)) {
            if is_being_written(&self.notifications, &file.path) {
                batch.reports.extend(file.still_written(now));
            } else {
                verdicts.push((index, file.judge(&self.hasher)));
            }
        }
        // What was read may be of two generations.
        let swapped = before != self.generations();
        for (index, verdict) in verdicts {
            let Some(file) = self.files.get_mut(index) else { continue };
            let verdict = if swapped { Verdict::Unsettled } else { verdict };
            let watches = &mut self.watches;
            let outcome = file.apply(verdict, now, || number(watches));
            batch.events.extend(outcome.events);
            batch.reports.extend(outcome.reports);
        }
        // A renamed file's objects come before they go.
        batch.events.sort_by_key(|event| event.kind == EventKind::Ended);
        self.files.retain(|file| !file.is_gone());
        batch
    }

    /// Watches the folders of every file, of these paths too, and takes in what has been told of them.
    pub(super) fn watch<'p>(&mut self, more: impl Iterator<Item = &'p Path>) {
        let files = self.files.iter().flat_map(|file| places(&file.path)).chain(more.flat_map(places));
        let folders = files.map(|(folder, _)| folder).chain(self.folders.iter().cloned()).collect();
        self.notifications.watch(&folders);
        self.notifications.drain();
    }

    /// Whether a file is open for writing, as far as is known by now.
    pub(super) fn is_being_written(&mut self, path: &Path) -> bool {
        self.notifications.drain();
        is_being_written(&self.notifications, path)
    }

    pub(super) fn next_watch(&mut self) -> WatchId {
        number(&mut self.watches)
    }
}

fn is_being_written(notifications: &Notifications, path: &Path) -> bool {
    places(path).iter().any(|(folder, name)| notifications.is_being_written(folder, name))
}

fn number(watches: &mut u32) -> WatchId {
    let watch = WatchId(*watches);
    *watches = watches.wrapping_add(1);
    watch
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "kind: Endpoints\napiVersion: v1\nmetadata: {name: e}\n";

    #[test]
    fn without_notifications_looking_finds_what_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        let mut manifests = Manifests::new(Notifications::none());
        manifests.folders.push(folder.path().to_owned());
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
        assert!(manifests.files.is_empty());
    }
}
