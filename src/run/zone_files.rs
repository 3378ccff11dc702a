//! Master files: read at start, followed when they change.
//!
//! A version counts as those of manifests do; what a file includes is followed with it. A broken version keeps the zone
//! as it was, a file that is gone from its folder takes its zone with it. A file of a folder that another one includes is a
//! part of that one's zone and no zone of its own, whatever its name ends in.

use super::writer::{Writer, ZoneChange, say};
use crate::source::Following;
use crate::source::files::{
    Files, Followed, Follower, Notifications, ReadFailure, SETTLE, Sighting, Version, read_version,
};
use crate::wire::Name;
use crate::zone::{Fault, Included, OCTETS_MAX, Put, StaticZone, ZoneReader};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::ControlFlow;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// The extension of master files in folders, and of those whose name says the origin.
const EXTENSION: &str = "zone";

/// How often a first version is tried to be read while it changes, [`SETTLE`] apart.
const TRIES: usize = 50;

/// Why a version of a zone is not served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZoneFileError {
    /// What is wrong in it.
    #[error("{0}")]
    Fault(Fault),
    /// It is not there, or cannot be read.
    #[error("{file}: {reason}")]
    Unreadable {
        /// The file or folder.
        file: String,
        /// Why.
        reason: String,
    },
    /// It was written to whenever it was read.
    #[error("{0}: it does not stop changing")]
    Restless(String),
}

/// Master files whose first versions stand.
#[derive(Debug)]
pub(super) struct ZoneFiles {
    files: Files<ZoneFile>,
    reader: ZoneReader,
    /// What deserves a look in the first versions.
    pub(super) notices: Vec<String>,
    /// What the first versions hold, a line for each file.
    pub(super) loaded: Vec<String>,
}

/// A master file, or one that such a file includes.
#[derive(Debug)]
struct ZoneFile {
    version: Version,
    /// None for a file that is only included.
    zone: Option<Served>,
}

/// What is served of a master file.
#[derive(Debug, Default)]
struct Served {
    /// The files that it includes, those that could not be read too.
    includes: BTreeSet<PathBuf>,
    /// Whether a version of it is served.
    stands: bool,
    /// Whether it stands in a folder and another file includes it: then it is no zone of its own.
    part: bool,
    /// Whether it, or what it includes, has changed since it was last read.
    pending: bool,
    /// Why the last version is not served, as it was said.
    trouble: Option<String>,
}

impl Followed for ZoneFile {
    fn found(path: PathBuf) -> ZoneFile {
        ZoneFile { version: Version::found(path), zone: Some(Served::default()) }
    }

    fn version(&self) -> &Version {
        &self.version
    }

    fn version_mut(&mut self) -> &mut Version {
        &mut self.version
    }
}

/// A zone as it was read, with what was seen of the files that were read for it.
struct Reading {
    zone: Result<StaticZone, Vec<ZoneFileError>>,
    seen: BTreeMap<PathBuf, Sighting>,
    /// A file changed while it was read.
    restless: bool,
}

/// What has become of a file.
enum Changed {
    /// There is another version, or none that is good.
    Read(Result<StaticZone, Vec<ZoneFileError>>),
    /// What was a zone is included by another file: its name, as it was named.
    Part(String),
}

impl ZoneFiles {
    /// Reads the first versions: all zones, or all that is wrong with any of them.
    pub(super) fn load(
        paths: &[PathBuf],
        reader: ZoneReader,
    ) -> Result<(ZoneFiles, Vec<StaticZone>), Vec<ZoneFileError>> {
        let (notifications, refused) = Notifications::new();
        let files = Files::new(&[EXTENSION], notifications);
        let mut loading = ZoneFiles { files, reader, notices: Vec::new(), loaded: Vec::new() };
        if let (Some(errno), false) = (refused, paths.is_empty()) {
            let reason = errno.desc();
            loading
                .notices
                .push(format!("zone files are looked at once a second: no notifications ({reason})"));
        }
        let (mut zones, mut errors, mut named) = (Vec::new(), Vec::new(), BTreeMap::new());
        for path in paths {
            let unreadable = |error: std::io::Error| ZoneFileError::Unreadable {
                file: path.display().to_string(),
                reason: error.to_string(),
            };
            match std::fs::metadata(path) {
                Ok(metadata) if metadata.is_dir() => match loading.files.listing(path) {
                    Ok(listed) => {
                        if listed.is_empty() {
                            loading.notices.push(format!("{}: no *.{EXTENSION} in it yet", path.display()));
                        }
                        for path in listed {
                            named.entry(path).or_insert(true);
                        }
                        loading.files.folders.push(path.clone());
                    }
                    Err(error) => errors.push(unreadable(error)),
                },
                Ok(_) => drop(named.insert(path.clone(), false)),
                Err(error) => errors.push(unreadable(error)),
            }
        }
        // Watched before they are read, so that no change falls between.
        loading.files.watch(named.keys().map(PathBuf::as_path));
        let mut first: BTreeMap<PathBuf, (ZoneFile, Result<StaticZone, Vec<ZoneFileError>>)> =
            BTreeMap::new();
        let mut parts = BTreeMap::new();
        for (path, found) in named {
            match loading.first(&path) {
                Some(Reading { zone, mut seen, .. }) => {
                    let seen_here = seen.remove(&path).unwrap_or(Sighting::Missing);
                    let includes = seen.keys().cloned().collect();
                    parts.extend(seen);
                    let mut version = Version::named(path.clone(), seen_here);
                    version.found = found;
                    let served = Served { stands: true, includes, ..Served::default() };
                    first.insert(path, (ZoneFile { version, zone: Some(served) }, zone));
                }
                None => errors.push(ZoneFileError::Restless(path.display().to_string())),
            }
        }
        for (path, (mut file, zone)) in first {
            let seen = parts.remove(&path);
            if let (true, Some(_), Some(served)) = (file.version.found, seen, &mut file.zone) {
                (served.part, served.stands) = (true, false);
            } else {
                match zone {
                    Ok(zone) => {
                        loading.loaded.push(told(&zone));
                        zones.push(zone);
                    }
                    Err(wrong) => errors.extend(wrong),
                }
            }
            loading.files.all.push(file);
        }
        let part = |(path, seen)| ZoneFile { version: Version::named(path, seen), zone: None };
        loading.files.all.extend(parts.into_iter().map(part));
        if errors.is_empty() { Ok((loading, zones)) } else { Err(errors) }
    }

    /// The first version of one file; none if it does not stop changing.
    fn first(&mut self, path: &Path) -> Option<Reading> {
        for _ in 0..TRIES {
            let reading = self.read(path);
            let young = |seen: &Sighting| matches!(seen, Sighting::File(file) if !file.is_older_than(SETTLE));
            let paths: Vec<PathBuf> = reading.seen.keys().cloned().collect();
            self.files.watch_also(paths.iter().map(PathBuf::as_path));
            let written = paths.iter().any(|path| self.files.was_being_written(path));
            if reading.restless || written || reading.seen.values().any(young) {
                std::thread::sleep(SETTLE);
                continue;
            }
            return Some(reading);
        }
        None
    }

    /// Reads a zone as its files are now.
    fn read(&self, path: &Path) -> Reading {
        let file = path.display().to_string();
        let mut seen = BTreeMap::new();
        let mut restless = false;
        let mut read = |path: &Path| {
            let sighting = Sighting::of(path);
            seen.insert(path.to_owned(), sighting.clone());
            let identity = match sighting {
                Sighting::File(identity) => identity,
                Sighting::Missing | Sighting::Unlisted => return Err("no such file".to_owned()),
                Sighting::Unusable(reason) => return Err(reason),
            };
            read_version(path, identity, OCTETS_MAX as u64).map_err(|failure| match failure {
                ReadFailure::Changed => {
                    restless = true;
                    "it does not stop changing".to_owned()
                }
                ReadFailure::TooLarge => format!("larger than {OCTETS_MAX} bytes"),
                ReadFailure::Unreadable(reason) => reason,
            })
        };
        let zone = match read(path) {
            Err(reason) => Err(vec![ZoneFileError::Unreadable { file, reason }]),
            Ok(text) => {
                let mut paths = BTreeMap::from([(file.clone(), path.to_owned())]);
                let mut include = |from: &str, path: &str| {
                    let folder =
                        paths.get(from).and_then(|from: &PathBuf| from.parent()).unwrap_or(Path::new(""));
                    let path = plain(&folder.join(path));
                    let name = path.display().to_string();
                    let text = read(&path)?;
                    paths.insert(name.clone(), path);
                    Ok(Included { name, text })
                };
                let zone = self.reader.read(&file, origin_of(path).as_ref(), text, &mut include);
                zone.map_err(|faults| faults.into_iter().map(ZoneFileError::Fault).collect())
            }
        };
        Reading { zone, seen, restless }
    }

    /// Follows changes on a thread of its own until the result is dropped; none where there is nothing to follow.
    pub(super) fn follow(self, writer: &Writer) -> std::io::Result<Option<Following>> {
        if self.files.all.is_empty() && self.files.folders.is_empty() {
            return Ok(None);
        }
        Following::start("zone files", FollowedZones { zones: self, writer: writer.another() }).map(Some)
    }

    /// Marks what has settled, and the zones that it concerns. Returns changes for zones that are gone.
    fn settle(&mut self, now: Instant, reports: &mut Vec<Report>) -> Vec<ZoneChange> {
        let mut gone = Vec::new();
        let mut changed = BTreeSet::new();
        for index in 0..self.files.all.len() {
            let Some(file) = self.files.all.get(index) else { break };
            if !file.version.is_settled(now) {
                continue;
            }
            let written = self.files.was_being_written(&file.version.path);
            let Some(file) = self.files.all.get_mut(index) else { break };
            let origin = file.version.origin.clone();
            if written {
                if file.version.still_written(now) {
                    reports.push(Report::warning(format!(
                        "{origin}: still open for writing; its content counts when it is closed"
                    )));
                }
                continue;
            }
            if !file.version.is_going() {
                changed.insert(file.version.path.clone());
            } else if file.zone.as_ref().is_some_and(|zone| zone.stands) {
                gone.push(ZoneChange::Remove(origin));
            }
            file.version.settle();
        }
        let files = &mut self.files.all;
        files.retain(|file| !file.version.is_gone());
        for file in files {
            let Some(zone) = &mut file.zone else { continue };
            let concerned = changed.contains(&file.version.path) || !zone.includes.is_disjoint(&changed);
            // What stood in the way of a zone may be gone.
            zone.pending |= concerned || (zone.trouble.is_some() && !gone.is_empty());
        }
        gone
    }

    /// Reads zones that have changed. Those of which a file is being changed wait for the next look. Of files that have
    /// become parts of others it says so.
    fn changed(&mut self) -> Vec<(usize, Changed)> {
        let before = self.files.generations();
        let of = |file: &ZoneFile| file.version.path.clone();
        let unsettled: BTreeSet<PathBuf> =
            self.files.all.iter().filter(|file| file.version.is_unsettled()).map(of).collect();
        let pending = |(_, file): &(usize, &ZoneFile)| file.zone.as_ref().is_some_and(|zone| zone.pending);
        let places = self.files.all.iter().enumerate().filter(pending);
        let mut read: Vec<(usize, Reading)> =
            places.map(|(index, file)| (index, self.read(&file.version.path))).collect();
        read.retain(|(_, reading)| {
            let changes = |path: &PathBuf| unsettled.contains(path) || self.files.was_being_written(path);
            !reading.restless && !reading.seen.keys().any(changes)
        });
        // What was read may be of two generations.
        if before != self.files.generations() {
            return Vec::new();
        }
        let mut known: BTreeSet<PathBuf> = self.files.all.iter().map(of).collect();
        let mut readings = BTreeMap::new();
        for (index, Reading { zone, mut seen, .. }) in read {
            let Some(ZoneFile { version, zone: Some(served) }) = self.files.all.get_mut(index) else {
                continue;
            };
            seen.remove(&version.path);
            served.pending = false;
            served.includes = seen.keys().cloned().collect();
            let new = seen.into_iter().filter(|(path, _)| known.insert(path.clone()));
            let new: Vec<ZoneFile> = new
                .map(|(path, seen)| ZoneFile { version: Version::named(path, seen), zone: None })
                .collect();
            self.files.all.extend(new);
            readings.insert(index, zone);
        }
        let parts = self.included();
        let mut changes = Vec::new();
        for (index, file) in self.files.all.iter_mut().enumerate() {
            let ZoneFile { version, zone: Some(served) } = file else { continue };
            let was_part =
                std::mem::replace(&mut served.part, version.found && parts.contains(&version.path));
            let reading = readings.remove(&index);
            if served.part {
                served.trouble = None;
                if std::mem::take(&mut served.stands) {
                    changes.push((index, Changed::Part(version.origin.clone())));
                }
            } else if let Some(zone) = reading {
                changes.push((index, Changed::Read(zone)));
            } else {
                // What was a part is looked at again as what it is by itself.
                served.pending |= was_part;
            }
        }
        changes
    }

    /// All that zones include.
    fn included(&self) -> BTreeSet<PathBuf> {
        let zones = self.files.all.iter().filter_map(|file| file.zone.as_ref());
        zones.flat_map(|zone| zone.includes.iter().cloned()).collect()
    }

    /// Follows no file any more that nothing includes.
    fn forget_unused(&mut self) {
        let used = self.included();
        self.files.all.retain(|file| file.zone.is_some() || used.contains(&file.version.path));
    }

    /// What is to be said of a version that is not served; nothing where that has been said.
    fn not_served(&mut self, index: usize, wrong: &[String]) -> Vec<Report> {
        let Some(ZoneFile { zone: Some(served), .. }) = self.files.all.get_mut(index) else {
            return Vec::new();
        };
        let trouble = wrong.join("\n");
        if served.trouble.as_ref() == Some(&trouble) {
            return Vec::new();
        }
        served.trouble = Some(trouble);
        let kept = if served.stands { "the zone stays as it was" } else { "not served until it is good" };
        wrong.iter().map(|line| Report::warning(format!("{line}; {kept}"))).collect()
    }

    /// What is to be said of a version that is served.
    fn served(&mut self, index: usize, zone: &StaticZone, put: Put) -> Vec<Report> {
        let Some(ZoneFile { zone: Some(served), .. }) = self.files.all.get_mut(index) else {
            return Vec::new();
        };
        let recovered = served.trouble.take().is_some();
        served.stands = true;
        let mut reports = Vec::new();
        if put.changed {
            reports.push(Report::note(told(zone)));
            reports.extend(zone.warnings().iter().map(|fault| Report::warning(fault.to_string())));
        } else if recovered {
            reports.push(Report::note(format!("{}: good again, as it is served", zone.file())));
        }
        reports.extend(put.warning.map(|fault| Report::warning(fault.to_string())));
        reports
    }
}

/// Master files, and who is told of them.
struct FollowedZones {
    zones: ZoneFiles,
    writer: Writer,
}

impl Follower for FollowedZones {
    fn look(&mut self, now: Instant) -> ControlFlow<()> {
        let FollowedZones { zones, writer } = self;
        zones.files.look(now);
        let mut reports = Vec::new();
        let gone = zones.settle(now, &mut reports);
        let (mut places, mut changes) = (vec![None; gone.len()], gone);
        for (index, change) in zones.changed() {
            match change {
                Changed::Read(Ok(zone)) => {
                    places.push(Some(index));
                    changes.push(ZoneChange::Put(Arc::new(zone)));
                }
                Changed::Part(file) => {
                    places.push(Some(index));
                    changes.push(ZoneChange::Remove(file));
                }
                Changed::Read(Err(wrong)) => {
                    let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
                    reports.extend(zones.not_served(index, &wrong));
                }
            }
        }
        if !changes.is_empty() {
            let outcomes = writer.take_zones(&changes);
            for ((place, change), outcome) in places.into_iter().zip(&changes).zip(outcomes) {
                reports.extend(match (place, change, outcome) {
                    (Some(index), ZoneChange::Put(zone), Ok(put)) => {
                        zones.served(index, zone, put.unwrap_or(Put { changed: false, warning: None }))
                    }
                    (Some(_), ZoneChange::Remove(file), _) => vec![Report::warning(format!(
                        "{file}: a part of the zone of the file that includes it from now on, and no zone of its own"
                    ))],
                    (Some(index), _, Err(fault)) => zones.not_served(index, &[fault.to_string()]),
                    (_, ZoneChange::Remove(file), _) => vec![Report::warning(format!(
                        "{file}: gone from its folder, and its zone with it: questions about it are refused from now on"
                    ))],
                    _ => Vec::new(),
                });
            }
        }
        zones.forget_unused();
        say(reports.into_iter().map(|Report { warning, text }| (warning, text)));
        ControlFlow::Continue(())
    }

    fn is_unsettled(&self) -> bool {
        let pending = |file: &ZoneFile| file.zone.as_ref().is_some_and(|zone| zone.pending);
        self.zones.files.is_unsettled() || self.zones.files.all.iter().any(pending)
    }

    fn notifications(&self) -> &Notifications {
        self.zones.files.notifications()
    }
}

/// A line for people.
#[derive(Debug)]
struct Report {
    warning: bool,
    text: String,
}

impl Report {
    fn warning(text: String) -> Report {
        Report { warning: true, text }
    }

    fn note(text: String) -> Report {
        Report { warning: false, text }
    }
}

/// What is served of a file.
fn told(zone: &StaticZone) -> String {
    let (file, origin) = (zone.file(), zone.origin());
    match zone.serial() {
        Some(serial) => format!("{file}: zone {origin} with serial {serial}"),
        None => format!("{file}: records in the zone {origin}"),
    }
}

/// The origin that a file's name says.
fn origin_of(path: &Path) -> Option<Name> {
    path.file_name()?.to_str()?.strip_suffix(EXTENSION)?.strip_suffix('.')?.parse().ok()
}

/// The path without `.` in it, so that one file has one name.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|component| *component != Component::CurDir).collect()
}

/// Lines of errors.
pub(super) struct Lines<'a, T>(pub(super) &'a [T]);

impl<T: fmt::Display> fmt::Display for Lines<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.0.iter().enumerate() {
            let before = if index == 0 { "" } else { "\n" };
            write!(formatter, "{before}{line}")?;
        }
        Ok(())
    }
}
