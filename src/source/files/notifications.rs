//! What the kernel tells of folders (inotify(7)): that something changed, and who is still being written.
//!
//! Only a hint. Files that it says nothing of, as on network file systems, are found by looking.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Watches on folders.
#[derive(Debug)]
pub(crate) struct Notifications {
    inotify: Option<Inotify>,
    folders: HashMap<PathBuf, WatchDescriptor>,
    /// Names that were written to and not closed since.
    written: HashSet<(WatchDescriptor, OsString)>,
}

impl Notifications {
    /// Without any where the kernel gives none; then with the reason.
    pub(crate) fn new() -> (Notifications, Option<Errno>) {
        let (inotify, refused) = match Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK) {
            Ok(inotify) => (Some(inotify), None),
            Err(errno) => (None, Some(errno)),
        };
        (Notifications { inotify, folders: HashMap::new(), written: HashSet::new() }, refused)
    }

    /// As on file systems that tell nothing.
    #[cfg(test)]
    pub(crate) fn none() -> Notifications {
        Notifications { inotify: None, folders: HashMap::new(), written: HashSet::new() }
    }

    /// Watches these folders from now on and no others. One that cannot be watched is left out.
    pub(super) fn watch(&mut self, folders: &BTreeSet<PathBuf>) {
        let Some(inotify) = &self.inotify else { return };
        // The root of a path may be replaced at any time; adding a watch that stands is a look-up.
        let watched = |folder: &PathBuf| Some((folder.clone(), watch(inotify, folder)?));
        let watched: HashMap<_, _> = folders.iter().filter_map(watched).collect();
        let now: HashSet<WatchDescriptor> = watched.values().copied().collect();
        let before: HashSet<WatchDescriptor> = self.folders.values().copied().collect();
        for descriptor in before.difference(&now) {
            // The kernel has removed the watch itself where the folder is gone.
            let _ = inotify.rm_watch(*descriptor);
        }
        self.written.retain(|(descriptor, _)| now.contains(descriptor));
        self.folders = watched;
    }

    /// Watches this folder too, if it is not watched yet.
    pub(super) fn watch_also(&mut self, folder: PathBuf) {
        let Some(inotify) = self.inotify.as_ref().filter(|_| !self.folders.contains_key(&folder)) else {
            return;
        };
        if let Some(descriptor) = watch(inotify, &folder) {
            self.folders.insert(folder, descriptor);
        }
    }

    /// Takes in what has been told.
    pub(super) fn drain(&mut self) {
        let Some(inotify) = &self.inotify else { return };
        while let Ok(events) = inotify.read_events() {
            for event in events {
                if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
                    // Closings may be among what was lost.
                    self.written.clear();
                }
                let Some(name) = event.name else { continue };
                if event.mask.contains(AddWatchFlags::IN_MODIFY) {
                    self.written.insert((event.wd, name));
                } else if !event.mask.intersects(AddWatchFlags::IN_ATTRIB) {
                    self.written.remove(&(event.wd, name));
                }
            }
        }
    }

    /// Whether the file was written to and not closed since, as far as is known.
    pub(super) fn is_being_written(&self, folder: &Path, name: &OsStr) -> bool {
        let descriptor = self.folders.get(folder);
        descriptor.is_some_and(|descriptor| self.written.contains(&(*descriptor, name.to_owned())))
    }

    /// Waits until something is told, the other end of `stop` is closed, or the time is over. True is stop.
    pub(super) fn wait(&self, stop: BorrowedFd<'_>, time: Duration) -> bool {
        let mut waited = vec![PollFd::new(stop, PollFlags::POLLIN)];
        waited.extend(self.inotify.as_ref().map(|inotify| PollFd::new(inotify.as_fd(), PollFlags::POLLIN)));
        let timeout = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX);
        match poll(&mut waited, timeout) {
            Ok(_) => waited.first().and_then(PollFd::any).unwrap_or(true),
            // An interrupting signal is an early end of the time; without memory to wait with, looking goes on.
            Err(_) => false,
        }
    }
}

fn watch(inotify: &Inotify, folder: &Path) -> Option<WatchDescriptor> {
    let flags = AddWatchFlags::IN_MODIFY
        | AddWatchFlags::IN_CLOSE_WRITE
        | AddWatchFlags::IN_CREATE
        | AddWatchFlags::IN_DELETE
        | AddWatchFlags::IN_MOVE
        | AddWatchFlags::IN_ATTRIB
        | AddWatchFlags::IN_ONLYDIR;
    inotify.add_watch(folder, flags).ok()
}
