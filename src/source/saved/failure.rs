//! What can be wrong with a file of state, and with writing one.

use std::path::PathBuf;

/// Why a file of state is not used. It is a loss, and no reason not to start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The system does not give it.
    #[error("cannot read the saved state {}: {reason}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// Larger than any state is.
    #[error("the saved state {} has more than {most} octets", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that it may have.
        most: u64,
    },
    /// It is something else.
    #[error("{} is no saved state: it begins otherwise", .0.display())]
    Foreign(PathBuf),
    /// A version of this program wrote it that has another form.
    #[error("the saved state {} is of version {found}; this program reads version {known}", .path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The one that is read.
        known: u32,
    },
    /// It ends too early, or goes on too long.
    #[error("the saved state {} has {found} octets and says that it has {said}: it is damaged", .path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// How many it has.
        found: u64,
        /// How many it should have.
        said: u64,
    },
    /// Its checksum is another.
    #[error("the saved state {} does not have the checksum that it names: it is damaged", .0.display())]
    Checksum(PathBuf),
    /// Its content is not what this program writes.
    #[error("the saved state {} does not read as one in spite of its checksum", .0.display())]
    Malformed(PathBuf),
}

/// Why state is not saved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The system refuses.
    #[error("cannot {step} {}: {reason}", .path.display())]
    System {
        /// What was being done, `write`.
        step: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// Somebody else has the directory.
    #[error("another process keeps its state in {}: give each its own state.directory", .0.display())]
    Taken(PathBuf),
}
