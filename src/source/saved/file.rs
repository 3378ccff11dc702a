//! The files of a directory. At the place of each there is always a whole one, or none: a new one is written beside it,
//! flushed to the disk, and renamed.

use super::failure::{ReadError, WriteError};
use super::form::Form;
use super::image::{Image, STATE};
use super::read::Saved;
use crate::source::files::{ReadFailure, read_bounded};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The name of the file of state.
pub const FILE: &str = "rosterd.state";

/// What it is called while it is written. One that a process has left behind is taken away.
const UNFINISHED: &str = "rosterd.state.new";

/// The most octets of a file that is read: some ten times the state of the largest cluster.
const LARGEST: u64 = 256 << 20;

/// How often a directory is locked that another takes the place of at that moment.
const LOCKS: usize = 3;

/// Who may read it: it names every peer.
const MODE: u32 = 0o600;

/// Where state is kept. One process at a time writes there.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    lock: Option<Flock<File>>,
}

impl Directory {
    /// Touches nothing yet.
    pub fn new(path: PathBuf) -> Directory {
        Directory { path, lock: None }
    }

    /// The file.
    pub fn file(&self) -> PathBuf {
        self.path.join(FILE)
    }

    /// What was saved last; none where nothing was.
    pub fn read(&self) -> Result<Option<Saved>, ReadError> {
        let path = self.file();
        octets_of(&path)?.map(|octets| Saved::read(octets, &path)).transpose()
    }

    /// The body of another file; none where there is none.
    pub fn read_other(&self, form: &Form) -> Result<Option<Vec<u8>>, ReadError> {
        let path = self.path.join(form.file);
        let Some(octets) = octets_of(&path)? else { return Ok(None) };
        form.body(&octets, &path).map(|body| Some(body.to_vec()))
    }

    /// Saves an image, and returns how many octets it has. What was saved before stays until this is on the disk.
    pub fn write(&mut self, image: &Image) -> Result<u64, WriteError> {
        self.write_other(&STATE, |body| image.write_body(body))
    }

    /// The same for another file, whose body `write_body` writes.
    pub fn write_other(
        &mut self,
        form: &Form,
        write_body: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<u64, WriteError> {
        let (unfinished, finished) = (self.path.join(UNFINISHED), self.path.join(form.file));
        let path = self.path.clone();
        let lock = self.lock()?;
        let written = write_to(&unfinished, form, write_body);
        if written.is_err() {
            // A part of it is of no use, and on a full disk it is in the way.
            let _ = std::fs::remove_file(&unfinished);
        }
        let octets = written?;
        std::fs::rename(&unfinished, &finished).map_err(|error| failure("replace", &finished, &error))?;
        // The new name is on the disk only when its directory is (fsync(2): "an explicit fsync() on a file descriptor for
        // the directory is also needed").
        lock.sync_all().map_err(|error| failure("flush", &path, &error))?;
        Ok(octets)
    }

    /// The directory, made where it is missing, and this process's alone.
    fn lock(&mut self) -> Result<&File, WriteError> {
        let lock = match self.lock.take() {
            Some(lock) if is_still(&lock, &self.path) => lock,
            _ => fresh_lock(&self.path)?,
        };
        Ok(self.lock.insert(lock))
    }
}

/// What a file has; none where there is none.
fn octets_of(path: &Path) -> Result<Option<Vec<u8>>, ReadError> {
    let unreadable = |reason: String| ReadError::Unreadable { path: path.to_owned(), reason };
    // Without O_NONBLOCK, opening a pipe that lies there waits for its writer.
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path);
    let mut file = match file {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(|error| unreadable(error.to_string()))?,
    };
    let metadata = file.metadata().map_err(|error| unreadable(error.to_string()))?;
    if !metadata.is_file() {
        return Err(unreadable("it is not a file".to_owned()));
    }
    let octets = read_bounded(&mut file, metadata.len(), LARGEST).map_err(|failure| match failure {
        ReadFailure::TooLarge => ReadError::TooLarge { path: path.to_owned(), most: LARGEST },
        ReadFailure::Unreadable(reason) => unreadable(reason),
        ReadFailure::Changed => unreadable("it changes".to_owned()),
    })?;
    Ok(Some(octets))
}

/// Whether the directory that was locked still lies there.
fn is_still(lock: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (lock.metadata(), std::fs::metadata(path)) {
        (Ok(locked), Ok(there)) => (locked.dev(), locked.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Locks the directory that lies there when it is locked: another may have come there meanwhile.
fn fresh_lock(path: &Path) -> Result<Flock<File>, WriteError> {
    for _ in 0..LOCKS {
        let lock = lock(path)?;
        if is_still(&lock, path) {
            return Ok(lock);
        }
    }
    Err(failure("lock", path, &io::Error::other("it is replaced all the time")))
}

fn lock(path: &Path) -> Result<Flock<File>, WriteError> {
    let made = std::fs::create_dir(path);
    // Where it is there already, whether it can be used is seen when it is.
    if let Some(error) = made.err().filter(|_| !path.is_dir()) {
        return Err(failure("make the directory", path, &error));
    }
    let directory = File::open(path).map_err(|error| failure("open", path, &error))?;
    Flock::lock(directory, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
        Errno::EWOULDBLOCK => WriteError::Taken(path.to_owned()),
        errno => failure("lock", path, &io::Error::from(errno)),
    })
}

fn write_to(
    path: &Path,
    form: &Form,
    write_body: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<u64, WriteError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failure("remove", path, &error)),
        _ => {}
    }
    // O_EXCL: whatever lies there now, a link or a pipe among it, is somebody else's, and is not written to (open(2): "if
    // pathname is a symbolic link, then open() fails regardless of where the symbolic link points").
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(path)
        .map_err(|error| failure("write", path, &error))?;
    let octets = form.write(&mut file, write_body).map_err(|error| failure("write", path, &error))?;
    file.sync_all().map_err(|error| failure("flush", path, &error))?;
    Ok(octets)
}

fn failure(step: &'static str, path: &Path, error: &io::Error) -> WriteError {
    WriteError::System { step, path: path.to_owned(), reason: error.to_string() }
}
