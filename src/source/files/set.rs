//! Many files: those that were named, and those that folders hold.

use super::folder::{generation, parent, paths, places};
use super::notifications::Notifications;
use super::sighting::Sighting;
use super::version::Version;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// How often a folder's content may be swapped while it is looked at before the look ends without it.
const SWAPS: usize = 8;

/// A file that is followed, with what its follower knows of it.
pub(crate) trait Followed {
    /// One that has appeared in a folder.
    fn found(path: PathBuf) -> Self;

    fn version(&self) -> &Version;

    fn version_mut(&mut self) -> &mut Version;
}

/// Files and folders.
#[derive(Debug)]
pub(crate) struct Files<T> {
    pub(crate) all: Vec<T>,
    pub(crate) folders: Vec<PathBuf>,
    /// Extensions of the files that count in folders.
    extensions: &'static [&'static str],
    notifications: Notifications,
}

/// What is mounted in each folder: files of two generations do not belong together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Generations(BTreeMap<PathBuf, Option<PathBuf>>);

impl<T: Followed> Files<T> {
    pub(crate) fn new(extensions: &'static [&'static str], notifications: Notifications) -> Files<T> {
        Files { all: Vec::new(), folders: Vec::new(), extensions, notifications }
    }

    pub(crate) fn notifications(&self) -> &Notifications {
        &self.notifications
    }

    /// The files of a folder that count, sorted.
    pub(crate) fn listing(&self, folder: &Path) -> std::io::Result<BTreeSet<PathBuf>> {
        paths(folder, self.extensions)
    }

    /// Takes note of what every file is now, and of files that are new in folders.
    pub(crate) fn look(&mut self, now: Instant) {
        self.sight(now);
        // After the look: whoever began to write before it has been told of by now.
        self.watch(std::iter::empty());
    }

    fn sight(&mut self, now: Instant) {
        for _ in 0..SWAPS {
            let before = self.generations();
            let listings = self.folders.iter().map(|folder| (folder.clone(), self.listing(folder)));
            let listings: BTreeMap<PathBuf, std::io::Result<BTreeSet<PathBuf>>> = listings.collect();
            let tracked: BTreeSet<&PathBuf> = self.all.iter().map(|file| &file.version().path).collect();
            let listed = listings.values().flatten().flatten();
            let new: Vec<PathBuf> = listed.filter(|path| !tracked.contains(path)).cloned().collect();
            self.all.extend(new.into_iter().map(T::found));
            let sight = |file: &Version| match listings.get(&parent(&file.path)) {
                Some(Err(error)) if file.found => {
                    Sighting::Unusable(format!("its folder cannot be read: {error}"))
                }
                Some(Ok(listed)) if file.found && !listed.contains(&file.path) => Sighting::Unlisted,
                _ => Sighting::of(&file.path),
            };
            let sighted: Vec<Sighting> = self.all.iter().map(|file| sight(file.version())).collect();
            if before == self.generations() {
                let files = self.all.iter_mut().zip(sighted);
                files.for_each(|(file, sighting)| file.version_mut().saw(sighting, now));
                return;
            }
        }
    }

    /// What is mounted in each folder now.
    pub(crate) fn generations(&self) -> Generations {
        let folders = self.all.iter().map(|file| parent(&file.version().path));
        let folders: BTreeSet<PathBuf> = folders.chain(self.folders.iter().cloned()).collect();
        Generations(folders.into_iter().map(|folder| (folder.clone(), generation(&folder))).collect())
    }

    /// Watches the folders of every file, of these paths too, and takes in what has been told of them.
    pub(crate) fn watch<'p>(&mut self, more: impl Iterator<Item = &'p Path>) {
        let files =
            self.all.iter().flat_map(|file| places(&file.version().path)).chain(more.flat_map(places));
        let folders = files.map(|(folder, _)| folder).chain(self.folders.iter().cloned()).collect();
        self.notifications.watch(&folders);
        self.notifications.drain();
    }

    /// Watches the folders of these paths too, and takes in what has been told.
    pub(crate) fn watch_also<'p>(&mut self, paths: impl Iterator<Item = &'p Path>) {
        for (folder, _) in paths.flat_map(places) {
            self.notifications.watch_also(folder);
        }
        self.notifications.drain();
    }

    /// Whether a file is open for writing, as far as is known by now.
    pub(crate) fn is_being_written(&mut self, path: &Path) -> bool {
        self.notifications.drain();
        self.was_being_written(path)
    }

    /// The same, as far as was known at the last look.
    pub(crate) fn was_being_written(&self, path: &Path) -> bool {
        places(path).iter().any(|(folder, name)| self.notifications.is_being_written(folder, name))
    }

    /// Whether any file has been seen in a version that does not count yet.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.all.iter().any(|file| file.version().is_unsettled())
    }
}
