//! Where a setting came from.

use std::collections::BTreeMap;
use std::fmt;

/// Where a setting came from. The order is that of the layers, and within the file that of the text.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// No layer set it.
    #[default]
    Default,
    /// The settings file.
    File {
        /// Its path as given.
        path: String,
        /// Line, counted from 1.
        line: usize,
        /// Column in characters, counted from 1.
        column: usize,
    },
    /// The environment variable of this name.
    Environment(String),
    /// The flag of this name, with its dashes.
    Flag(String),
}

impl Origin {
    /// As [`fmt::Display`], without the column.
    pub fn brief(&self) -> String {
        match self {
            Origin::File { path, line, .. } => format!("{path}:{line}"),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { path, line, column } => write!(f, "{path}:{line}:{column}"),
            Origin::Environment(name) | Origin::Flag(name) => f.write_str(name),
        }
    }
}

/// The origin of each effective setting, by its key: `server.ttl`, `topologies[0].mode`, `server.listen[1]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    by_key: BTreeMap<String, Origin>,
}

impl Origins {
    /// Where the setting came from; [`Origin::Default`] for those that nothing set.
    pub fn of(&self, key: &str) -> &Origin {
        self.by_key.get(key).unwrap_or(&Origin::Default)
    }

    pub(super) fn insert(&mut self, key: String, origin: Origin) {
        self.by_key.insert(key, origin);
    }
}
