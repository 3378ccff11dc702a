//! The first versions: all of them, or all that is wrong with them.

use super::MANIFEST_MAX;
use super::follow::Manifests;
use super::parse::parse;
use super::report::{LoadError, ReadReport, Report};
use super::tracked::{Tracked, event, started, version};
use crate::roster::{Event, EventKind, WatchId};
use crate::source::files::{Notifications, ReadFailure, SETTLE, Sighting, read_bounded, read_version};
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::hash::BuildHasher;
use std::io::Read;
use std::path::{Path, PathBuf};

/// How often a first version is tried to be read while it changes, [`SETTLE`] apart.
const TRIES: usize = 50;

/// Where a manifest is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Input {
    /// Standard input, read once to its end.
    StandardInput,
    /// A file, or a folder with its `*.yaml`, `*.yml` and `*.json` files (one level, names with a dot in front left
    /// out). What is neither (a pipe) is read once.
    Path(PathBuf),
}

/// First versions.
#[derive(Debug)]
pub struct Loaded {
    /// What to follow.
    pub manifests: Manifests,
    /// All watches and their objects.
    pub events: Vec<Event>,
    /// What was read, file by file.
    pub read: Vec<ReadReport>,
    /// What else is worth a word.
    pub reports: Vec<Report>,
}

/// Reads the first versions. Every input that cannot be read is an error, all of them at once: whoever starts on a part
/// of his peers starts a second cluster. An input that is given twice is read once.
pub fn load(inputs: &[Input], standard_input: &mut dyn Read) -> Result<Loaded, Vec<LoadError>> {
    let mut loader = Loader::new();
    let mut files = BTreeMap::new();
    let mut seen = HashSet::new();
    for input in inputs.iter().filter(|input| seen.insert(*input)) {
        let result = match input {
            Input::StandardInput => loader.once("standard input", standard_input),
            Input::Path(path) => loader.path(path, &mut files),
        };
        loader.errors.extend(result.err());
    }
    // Watched before they are read, so that no change falls between.
    loader.manifests.files.watch(files.keys().map(PathBuf::as_path));
    for (path, found) in &files {
        let result = loader.file(path, *found);
        loader.errors.extend(result.err());
    }
    let Loader { manifests, events, read, errors, reports } = loader;
    if errors.is_empty() { Ok(Loaded { manifests, events, read, reports }) } else { Err(errors) }
}

struct Loader {
    manifests: Manifests,
    events: Vec<Event>,
    read: Vec<ReadReport>,
    errors: Vec<LoadError>,
    reports: Vec<Report>,
}

impl Loader {
    fn new() -> Loader {
        let (notifications, refused) = Notifications::new();
        let polled = refused.map(|errno| Report::Polled { reason: errno.desc().to_owned() });
        Loader {
            manifests: Manifests::new(notifications),
            events: Vec::new(),
            read: Vec::new(),
            errors: Vec::new(),
            reports: polled.into_iter().collect(),
        }
    }

    /// Puts the files of a path to those that are to be read, each with whether a folder named it.
    fn path(&mut self, path: &Path, files: &mut BTreeMap<PathBuf, bool>) -> Result<(), LoadError> {
        let origin = path.display().to_string();
        let unreadable = |error: std::io::Error| LoadError::Unreadable {
            origin: origin.clone(),
            reason: error.to_string(),
        };
        let metadata = std::fs::metadata(path).map_err(unreadable)?;
        if metadata.is_file() {
            files.insert(path.to_owned(), false);
        } else if metadata.is_dir() {
            let paths = self.manifests.files.listing(path).map_err(unreadable)?;
            if paths.is_empty() {
                self.reports.push(Report::NoManifests { origin });
            }
            for path in paths {
                files.entry(path).or_insert(true);
            }
            // Its list of files is a list too, which is complete when it is empty.
            let watch = self.manifests.next_watch();
            self.events.extend(started(watch, &path.display().to_string()));
            self.events.extend([EventKind::Reset, EventKind::Synced].map(|kind| event(watch, kind)));
            self.manifests.files.folders.push(path.to_owned());
        } else {
            self.once(&origin, &mut File::open(path).map_err(unreadable)?)?;
        }
        Ok(())
    }

    fn once(&mut self, origin: &str, from: &mut dyn Read) -> Result<(), LoadError> {
        let bytes = read_bounded(from, 0, MANIFEST_MAX).map_err(|failure| load_error(origin, failure))?;
        self.take(origin, &bytes).map(drop)
    }

    fn file(&mut self, path: &Path, found: bool) -> Result<(), LoadError> {
        let origin = path.display().to_string();
        for _ in 0..TRIES {
            let seen = match Sighting::of(path) {
                Sighting::File(identity) => identity,
                // Removed since its folder was listed.
                Sighting::Missing if found && !path.is_symlink() => return Ok(()),
                Sighting::Missing | Sighting::Unlisted => {
                    return Err(LoadError::Unreadable { origin, reason: "no such file".to_owned() });
                }
                Sighting::Unusable(reason) => return Err(LoadError::Unreadable { origin, reason }),
            };
            let restless = self.manifests.files.is_being_written(path) || !seen.is_older_than(SETTLE);
            let version =
                if restless { Err(ReadFailure::Changed) } else { read_version(path, seen, MANIFEST_MAX) };
            match version {
                Ok(bytes) => {
                    let (watch, has_objects) = self.take(&origin, &bytes)?;
                    let content = self.manifests.hasher.hash_one(&bytes);
                    let tracked =
                        Tracked::loaded(path.to_owned(), found, watch, seen, (content, has_objects));
                    self.manifests.files.all.push(tracked);
                    return Ok(());
                }
                Err(ReadFailure::Changed) => std::thread::sleep(SETTLE),
                Err(failure) => return Err(load_error(&origin, failure)),
            }
        }
        Err(LoadError::Restless { origin })
    }

    /// A watch for a text, and whether it has objects.
    fn take(&mut self, origin: &str, bytes: &[u8]) -> Result<(WatchId, bool), LoadError> {
        let parsed = parse(origin, bytes).map_err(LoadError::Broken)?;
        if !parsed.has_documents {
            return Err(LoadError::Nothing { origin: origin.to_owned() });
        }
        let watch = self.manifests.next_watch();
        self.events.extend(started(watch, origin));
        let report = version(origin.to_owned(), watch, parsed, &mut self.events);
        let has_objects = report.objects > 0;
        self.read.push(report);
        Ok((watch, has_objects))
    }
}

fn load_error(origin: &str, failure: ReadFailure) -> LoadError {
    let origin = origin.to_owned();
    match failure {
        ReadFailure::Changed => LoadError::Restless { origin },
        ReadFailure::TooLarge => LoadError::TooLarge { origin },
        ReadFailure::Unreadable(reason) => LoadError::Unreadable { origin, reason },
    }
}
