//! Wires the parts: settings to a source, its events to the roster, the roster's changes to the zone, its snapshots to
//! the server. Knows nothing of the parts' insides.
//!
//! Start order: settings, sockets, data; with manifests their first versions come before the sockets. Nothing is answered
//! from data that is not whole.

mod advertise;
mod answering;
mod attempts;
mod board;
mod certificates;
mod clock;
mod cluster;
mod fetch;
mod generation;
mod journal;
mod latency;
mod list_once;
mod load;
mod log;
mod look_up;
mod notices;
mod one_line;
mod panics;
mod pipeline;
mod policy;
mod programs;
mod published;
mod query_lines;
mod questions;
mod reload;
mod restore;
mod saving;
mod secret_file;
mod serve;
mod serving;
mod settings_file;
mod signals;
mod summary;
mod transfers;
mod watching;
mod writer;
mod zone_files;

pub use certificates::{CertificateError, check_certificates};
pub use cluster::{ClusterError, OtherPods, denies_pods, names_pods, other_pods, watches_pods_in_vain};
pub use fetch::{FetchError, FetchedZone, fetch};
pub use load::{LoadError, Loaded, load_once};
pub use look_up::{ExplainError, explain_once};
pub use one_line::OneLine;
pub use policy::{SecretError, check_secrets};
pub use reload::Again;
pub use serve::{ServeError, serve};
pub use settings_file::Before;
pub use summary::{SetSummary, Summary, broken, counted, idle};
pub use transfers::KeyError;
pub use zone_files::ZoneFileError;
