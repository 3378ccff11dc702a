//! What a person is told of manifests: what was read, and why a version is not served.

use super::MANIFEST_MAX;
use super::error::ParseError;
use crate::source::Notice;
use std::collections::BTreeMap;
use std::fmt;

/// What one version of a manifest holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadReport {
    /// The file.
    pub origin: String,
    /// How many endpoint objects.
    pub objects: usize,
    /// Objects of other kinds, which are not read.
    pub skipped: BTreeMap<String, usize>,
    /// What was left out of objects.
    pub notices: Vec<Notice>,
}

/// What happened to a manifest that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// A new version is served.
    Read(ReadReport),
    /// A version is not served; the last good one stays.
    Kept {
        /// The file.
        origin: String,
        /// Why.
        trouble: Trouble,
    },
    /// A new file in a folder is not served yet.
    Waiting {
        /// The file.
        origin: String,
        /// Why.
        trouble: Trouble,
    },
    /// A file has been open for writing for long, so that its new content does not count yet.
    StillWritten {
        /// The file.
        origin: String,
    },
    /// A file is again what is served of it.
    Recovered {
        /// The file.
        origin: String,
    },
    /// A file is gone from its folder, and its objects with it.
    Ended {
        /// The file.
        origin: String,
    },
    /// A folder has no manifests yet.
    NoManifests {
        /// The folder.
        origin: String,
    },
    /// The kernel does not tell of changes: they are found by looking once a second.
    Polled {
        /// The kernel's reason.
        reason: String,
    },
}

/// Why a version of a manifest is not served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It is not there.
    #[error("the file is gone")]
    Missing,
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// It is larger than [`MANIFEST_MAX`].
    #[error("larger than {MANIFEST_MAX} bytes")]
    TooLarge,
    /// It is not a manifest.
    #[error("{0}")]
    Broken(ParseError),
    /// It has no endpoint objects, where it had some.
    #[error("it holds no endpoint objects any more{}", if *.in_folder { "; take it out of its folder if that is meant" } else { "" })]
    Emptied {
        /// Whether taking it away would take its objects away.
        in_folder: bool,
    },
}

/// Why a manifest cannot be read at first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The text is not a manifest.
    #[error("{0}")]
    Broken(ParseError),
    /// It holds no document: an answer made of nothing would deny every peer.
    #[error(
        "{origin}: it holds nothing; did the command that writes it fail? (without peers it would hold a List of no items)"
    )]
    Nothing {
        /// The file.
        origin: String,
    },
    /// It is not there, or cannot be read.
    #[error("{origin}: {reason}")]
    Unreadable {
        /// The file or folder.
        origin: String,
        /// The system's words.
        reason: String,
    },
    /// It is larger than [`MANIFEST_MAX`].
    #[error("{origin}: larger than {MANIFEST_MAX} bytes")]
    TooLarge {
        /// The file.
        origin: String,
    },
    /// It was written to whenever it was read.
    #[error("{origin}: it does not stop changing")]
    Restless {
        /// The file.
        origin: String,
    },
}

impl Report {
    /// Whether somebody should look at it.
    pub fn is_warning(&self) -> bool {
        match self {
            Report::Read(report) => !report.notices.is_empty(),
            Report::Kept { .. }
            | Report::Waiting { .. }
            | Report::StillWritten { .. }
            | Report::NoManifests { .. } => true,
            Report::Recovered { .. } | Report::Ended { .. } | Report::Polled { .. } => false,
        }
    }
}

impl fmt::Display for ReadReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} endpoint objects", self.origin, self.objects)?;
        for (index, (kind, count)) in self.skipped.iter().enumerate() {
            let before = if index == 0 { "; other kinds, not read: " } else { ", " };
            write!(formatter, "{before}{count} {kind}")?;
        }
        self.notices.iter().try_for_each(|notice| write!(formatter, "; {notice}"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Report::Read(report) => report.fmt(formatter),
            // A parse error begins with the file and the place in it.
            Report::Kept { trouble: Trouble::Broken(error), .. } => {
                write!(formatter, "{error}; the last good version stays")
            }
            Report::Kept { origin, trouble } => {
                write!(formatter, "{origin}: {trouble}; the last good version stays")
            }
            Report::Waiting { trouble: Trouble::Broken(error), .. } => {
                write!(formatter, "{error}; not served until it is good")
            }
            Report::Waiting { origin, trouble } => {
                write!(formatter, "{origin}: {trouble}; not served until it is good")
            }
            Report::StillWritten { origin } => {
                write!(formatter, "{origin}: still open for writing; its content counts when it is closed")
            }
            Report::Recovered { origin } => write!(formatter, "{origin}: good again, as it is served"),
            Report::Ended { origin } => {
                write!(formatter, "{origin}: gone from its folder, and its objects with it")
            }
            Report::NoManifests { origin } => {
                write!(formatter, "{origin}: no *.yaml, *.yml or *.json in it yet")
            }
            Report::Polled { reason } => {
                write!(formatter, "manifests are looked at once a second: no notifications ({reason})")
            }
        }
    }
}
