//! The settings file, followed as manifests are: a version counts when it has stopped changing, also where a mounted
//! ConfigMap swaps its folder.

use crate::source::Following;
use crate::source::files::{Files, Followed, Follower, Notifications, Sighting, Version};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tokio::sync::mpsc::Sender;

/// The file, as it is followed.
#[derive(Debug)]
struct SettingsFile(Version);

impl Followed for SettingsFile {
    fn found(path: PathBuf) -> SettingsFile {
        SettingsFile(Version::found(path))
    }

    fn version(&self) -> &Version {
        &self.0
    }

    fn version_mut(&mut self) -> &mut Version {
        &mut self.0
    }
}

struct FollowedFile {
    files: Files<SettingsFile>,
    changed: Sender<()>,
}

/// What a settings file is before it is read: what changes from then on is told.
#[derive(Debug)]
pub struct Before {
    path: PathBuf,
    seen: Sighting,
}

impl Before {
    /// Looks at it.
    pub fn reading(path: &Path) -> Before {
        Before { path: path.to_owned(), seen: Sighting::of(path) }
    }

    /// Tells of each version that is not the last, until the result is dropped.
    pub(super) fn follow(self, changed: Sender<()>) -> io::Result<Following> {
        let mut files = Files::new(&[], Notifications::new().0);
        files.all.push(SettingsFile(Version::named(self.path, self.seen)));
        Following::start("settings", FollowedFile { files, changed })
    }
}

impl Follower for FollowedFile {
    fn look(&mut self, now: Instant) -> ControlFlow<()> {
        self.files.look(now);
        let mut changed = false;
        for index in 0..self.files.all.len() {
            let Some(SettingsFile(version)) = self.files.all.get(index) else { break };
            if !version.is_settled(now) || self.files.was_being_written(&version.path) {
                continue;
            }
            if let Some(SettingsFile(version)) = self.files.all.get_mut(index) {
                version.settle();
                changed = true;
            }
        }
        if changed {
            // Where one waits to be heard, it tells of this one too.
            let _ = self.changed.try_send(());
        }
        if self.changed.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn is_unsettled(&self) -> bool {
        self.files.is_unsettled()
    }

    fn notifications(&self) -> &Notifications {
        self.files.notifications()
    }
}
