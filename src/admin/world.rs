//! What is shown: the seam to the program.

use super::explanation::Explanation;
use crate::config::LogLevel;
use crate::roster::{Roster, Subject};
use crate::server::Observer;
use crate::source::kubernetes::WatchHealth;
use std::ops::ControlFlow;
use std::time::{Duration, Instant, SystemTime};

/// The program, as far as it shows itself. Nothing here may wait for long.
pub trait World: Send + Sync + 'static {
    /// How far it has come.
    fn phase(&self) -> Phase;

    /// Whether it is ready to be asked, and why not.
    fn readiness(&self) -> Ready;

    /// What answers queries, once it does.
    fn observer(&self) -> Option<Observer>;

    /// The threads that must move, each with how often it has come round: every few seconds at least.
    fn beats(&self) -> Vec<(String, u64)>;

    /// How each watch of the Kubernetes API fares; none with manifests.
    fn watches(&self) -> Vec<WatchHealth>;

    /// The zones that are served, those made from peers first.
    fn zones(&self) -> Vec<ZoneState>;

    /// The zones made from peers, served now or before, by the places where they are counted: of what was counted earlier,
    /// none is missing.
    fn counted_zones(&self) -> Vec<String>;

    /// How many snapshots have been published, and when the last one was.
    fn publications(&self) -> (u64, Option<SystemTime>);

    /// RRsets that do not fit into one message.
    fn oversize(&self) -> u64;

    /// Puts a question to whoever may look at the roster. It is asked soon, on another thread; not at all where its time
    /// has not come, or has passed.
    fn ask(&self, question: Question) -> Result<(), Unavailable>;

    /// What stands at a name that a person asks for, with at most `limit` records of one type or of all, and whose name it
    /// is.
    fn look_up(
        &self,
        asked: &str,
        record_type: Option<&str>,
        limit: usize,
    ) -> Result<(Explanation, Subject), LookUpError>;

    /// How long changes took until they were served: from what triggered them, and from the event that told of them.
    fn durations(&self) -> [Durations; 2];

    /// Panics of any thread so far.
    fn panics(&self) -> u64;

    /// How settings, state on disk and the query log fare.
    fn upkeep(&self) -> Upkeep;

    /// The settings in force as TOML, without secrets.
    fn settings(&self) -> String;

    /// What is logged, as `RUST_LOG` would say it.
    fn log_level(&self) -> String;

    /// Logs so much from now on.
    fn set_log_level(&self, level: LogLevel);
}

/// A look at the roster, as short as a page or shorter. Where it is not done with that, it is asked again soon, and who
/// changes the roster comes between.
pub type Question = Box<dyn FnMut(&Roster) -> ControlFlow<()> + Send>;

/// How far a server has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It does not answer yet.
    Starting,
    /// It answers.
    Serving,
    /// It has been asked to end.
    Ending,
}

/// Whether a server is ready.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ready {
    /// Whether it is.
    pub ready: bool,
    /// Why not, or what is missing all the same: a line each.
    pub why: Vec<String>,
}

/// Why a question is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// There is no roster yet.
    #[error("the server is starting: nothing is known yet")]
    NotYet,
    /// Others ask.
    #[error("too many questions at a time: ask again")]
    Busy,
}

/// Why a name is not looked up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookUpError {
    /// It cannot be a name.
    #[error("{name:?} is no name: {why}")]
    Name {
        /// What was asked for.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no such type.
    #[error("{0}")]
    Type(
        /// What is wrong with it.
        String,
    ),
    /// Nothing is served yet.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A zone, as it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneState {
    /// Its name, with the final dot.
    pub apex: String,
    /// Its serial.
    pub serial: u32,
    /// Whether it is made from peers.
    pub generated: bool,
}

/// How settings, state on disk and the query log fare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// Settings that were read again: those that came into force and were others, those that were as before, and those that
    /// were refused.
    pub reloads: [u64; 3],
    /// When the last others came into force: Unix time in seconds.
    pub last_reload: Option<u64>,
    /// Whether other settings are in force than the file says.
    pub behind: bool,
    /// What is kept on disk, where anything is.
    pub state: Option<SavedState>,
    /// Lines about queries: those that were written, and those that were left out.
    pub queries_logged: [u64; 2],
    /// Queries noted for dnstap: those whose messages were sent, those that were left out, those that were lost.
    pub dnstap: [u64; 3],
    /// Whether a collector of dnstap listens.
    pub dnstap_connected: bool,
    /// Transfers: of whole zones, of changes, of nothing new, and those that were broken off.
    pub transfers: [u64; 4],
}

/// What has become of writing state to disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SavedState {
    /// Writes.
    pub writes: u64,
    /// Writes that failed.
    pub failed: u64,
    /// When the last one was: Unix time in seconds.
    pub last: Option<u64>,
    /// Octets of the last one.
    pub octets: u64,
}

/// Counts of times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Durations {
    /// Upper bounds, ascending.
    pub bounds: Vec<Duration>,
    /// How many are within each bound and not within the one before, and how many above all.
    pub counts: Vec<u64>,
    /// Their sum.
    pub sum: Duration,
}

/// How long ago that was.
pub(super) fn since(instant: Option<Instant>, now: Instant) -> Option<Duration> {
    instant.map(|instant| now.saturating_duration_since(instant))
}
