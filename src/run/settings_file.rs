//! The settings file, and those of certificates, followed as manifests are: a version counts when it has stopped changing,
//! also where a mounted ConfigMap or Secret swaps its folder.

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

struct FollowedFiles<F> {
    files: Files<SettingsFile>,
    /// Hears at each look whether anything has changed.
    told: F,
}

/// What files are before they are read: what changes from then on is told.
#[derive(Debug)]
pub struct Before {
    files: Vec<(PathBuf, Sighting)>,
}

impl Before {
    /// Looks at it.
    pub fn reading(path: &Path) -> Before {
        Before::reading_all(std::iter::once(path))
    }

    /// Looks at several that belong together.
    pub(super) fn reading_all<'a>(paths: impl Iterator<Item = &'a Path>) -> Before {
        Before { files: paths.map(|path| (path.to_owned(), Sighting::of(path))).collect() }
    }

    /// Tells of each version that is not the last, until the result is dropped.
    pub(super) fn follow(self, changed: Sender<()>) -> io::Result<Following> {
        self.follow_as("settings", move |has_changed| {
            if has_changed {
                // Where one waits to be heard, it tells of this one too.
                let _ = changed.try_send(());
            }
            if changed.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    }

    /// Calls this at each look, on a thread of this name, until the result is dropped.
    pub(super) fn follow_as(
        self,
        name: &str,
        told: impl FnMut(bool) -> ControlFlow<()> + Send + 'static,
    ) -> io::Result<Following> {
        let mut files = Files::new(&[], Notifications::new().0);
        files.all.extend(self.files.into_iter().map(|(path, seen)| SettingsFile(Version::named(path, seen))));
        Following::start(name, FollowedFiles { files, told })
    }
}

impl<F: FnMut(bool) -> ControlFlow<()>> Follower for FollowedFiles<F> {
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
        (self.told)(changed)
    }

    fn is_unsettled(&self) -> bool {
        self.files.is_unsettled()
    }

    fn notifications(&self) -> &Notifications {
        self.files.notifications()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::sync::mpsc::{Receiver, channel};

    fn told(changes: &mut Receiver<()>) -> bool {
        let until = Instant::now() + Duration::from_secs(60);
        while Instant::now() < until {
            if changes.try_recv().is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    #[test]
    fn a_mounted_configmap_is_followed() {
        // As kubelet does it: `..data` is swapped for one that names a new folder, the file's own link stays.
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let mount = |version: &str, text: &str| {
            std::fs::create_dir(place(version)).unwrap();
            std::fs::write(place(version).join("rosterd.toml"), text).unwrap();
            std::os::unix::fs::symlink(version, place("..data_tmp")).unwrap();
            std::fs::rename(place("..data_tmp"), place("..data")).unwrap();
        };
        mount("..1", "one");
        std::os::unix::fs::symlink("..data/rosterd.toml", place("rosterd.toml")).unwrap();
        let before = Before::reading(&place("rosterd.toml"));
        // What changes between the first read and the first look is told too.
        mount("..2", "two");
        let (sender, mut changes) = channel(1);
        let following = before.follow(sender).unwrap();
        assert!(told(&mut changes));
        mount("..3", "three");
        assert!(told(&mut changes));
        std::fs::remove_file(place("..data")).unwrap();
        assert!(told(&mut changes), "it is gone");
        mount("..4", "four");
        assert!(told(&mut changes));
        drop(following);
        assert!(changes.try_recv().is_err(), "nothing else");
    }
}
