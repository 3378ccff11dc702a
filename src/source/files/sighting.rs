//! Files as versions: what tells two versions apart, and reading one of them whole.

use nix::fcntl::OFlag;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a look at a path found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sighting {
    File(Identity),
    Missing,
    /// Gone from the folder that named it.
    Unlisted,
    /// Something that is no file, or that may not be looked at.
    Unusable(String),
}

/// What changes whenever a file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// Why a version was not read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ReadFailure {
    /// The file is not, or no more, the version that was seen.
    Changed,
    TooLarge,
    Unreadable(String),
}

impl Identity {
    /// Whether this is another file than that one, and not that one written anew.
    pub(crate) fn is_another_file(&self, other: &Identity) -> bool {
        (self.device, self.inode) != (other.device, other.inode)
    }
}

impl Sighting {
    /// Looks at a path, through symbolic links.
    pub(crate) fn of(path: &Path) -> Sighting {
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => Sighting::File(Identity::of(&metadata)),
            Ok(_) => Sighting::Unusable("not a file any more".to_owned()),
            // A folder on the way that became a file: nothing is there either.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Sighting::Missing
            }
            Err(error) => Sighting::Unusable(error.to_string()),
        }
    }
}

impl Identity {
    fn of(metadata: &Metadata) -> Identity {
        Identity {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Identity {
    /// Whether its content was last changed longer ago; a time to come is long ago.
    pub(crate) fn is_older_than(&self, time: Duration) -> bool {
        let part = |value| u64::try_from(value).unwrap_or_default();
        let since_epoch = Duration::from_secs(part(self.modified.0))
            .saturating_add(Duration::from_nanos(part(self.modified.1)));
        let Some(modified) = UNIX_EPOCH.checked_add(since_epoch) else { return true };
        SystemTime::now().duration_since(modified).map_or(true, |age| age >= time)
    }
}

/// Reads the version that was seen, of at most `most` octets, or none.
pub(crate) fn read_version(path: &Path, seen: Identity, most: u64) -> Result<Vec<u8>, ReadFailure> {
    // Without O_NONBLOCK, opening what has just become a pipe waits for its writer.
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path);
    let mut file = file.map_err(|error| match error.kind() {
        ErrorKind::NotFound => ReadFailure::Changed,
        _ => ReadFailure::Unreadable(error.to_string()),
    })?;
    let same = |file: &File| file.metadata().is_ok_and(|metadata| Identity::of(&metadata) == seen);
    if !same(&file) {
        return Err(ReadFailure::Changed);
    }
    let bytes = read_bounded(&mut file, seen.size, most)?;
    if same(&file) && Sighting::of(path) == Sighting::File(seen) {
        Ok(bytes)
    } else {
        Err(ReadFailure::Changed)
    }
}

/// Reads to the end, at most `most` octets.
pub(crate) fn read_bounded(from: &mut dyn Read, expected: u64, most: u64) -> Result<Vec<u8>, ReadFailure> {
    let mut bytes = Vec::with_capacity(usize::try_from(expected.min(most)).unwrap_or_default());
    let read = from.take(most + 1).read_to_end(&mut bytes);
    let read = read.map_err(|error| ReadFailure::Unreadable(error.to_string()))?;
    if read as u64 > most { Err(ReadFailure::TooLarge) } else { Ok(bytes) }
}
