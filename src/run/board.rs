//! What the program shows of itself: filled in as its parts come up, read by the admin's HTTP.

use super::latency::Latency;
use super::log::Verbosity;
use super::look_up::explanation;
use super::one_line::OneLine;
use super::panics;
use super::questions::Questions;
use super::writer::Progress;
use crate::admin::{
    Durations, Explanation, LookUpError, Phase, Question, Ready, Unavailable, World, ZoneState,
};
use crate::config::LogLevel;
use crate::roster::Subject;
use crate::server::Observer;
use crate::source::kubernetes::{Health, Readiness, Unsynced, WatchHealth};
use crate::zone::Snapshot;
use arc_swap::ArcSwap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Lines of `/ready` about watches; settings can name hundreds of namespaces.
const LINES: usize = 50;

/// What is shown.
#[derive(Debug)]
pub(super) struct Board {
    settings: String,
    verbosity: Verbosity,
    ready_when_stale: bool,
    served: OnceLock<Served>,
    watched: OnceLock<Watched>,
    /// Whether peers come from a cluster, which has to be found and listed.
    waits_for_cluster: bool,
    ending: AtomicBool,
}

/// What answers, once it does.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) observer: Observer,
    pub(super) snapshot: Arc<ArcSwap<Snapshot>>,
    pub(super) progress: Arc<Progress>,
    pub(super) questions: Questions,
}

/// What watches, once it does.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) health: Health,
    pub(super) latency: Arc<Latency>,
    pub(super) beats: Arc<AtomicU64>,
    pub(super) started: Instant,
    pub(super) leave_out_after: Duration,
}

impl Board {
    /// One without parts.
    pub(super) fn new(
        settings: String,
        verbosity: Verbosity,
        ready_when_stale: bool,
        waits_for_cluster: bool,
    ) -> Arc<Board> {
        Arc::new(Board {
            settings,
            verbosity,
            ready_when_stale,
            served: OnceLock::new(),
            watched: OnceLock::new(),
            waits_for_cluster,
            ending: AtomicBool::new(false),
        })
    }

    /// Queries are answered from now on.
    pub(super) fn serves(&self, served: Served) {
        let _ = self.served.set(served);
    }

    /// The cluster is watched from now on.
    pub(super) fn watches(&self, watched: Watched) {
        let _ = self.watched.set(watched);
    }

    /// The server has been asked to end.
    pub(super) fn ends(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    fn why_not_or_all_the_same(&self, watched: &Watched) -> Ready {
        let all = watched.health.watches();
        let Readiness { ready, waiting, left_out } =
            Readiness::of(&all, watched.started.elapsed(), watched.leave_out_after);
        let told = |how: &'static str| {
            move |Unsynced { watch, why }: Unsynced| OneLine(format!("{watch}: {how} ({why})")).to_string()
        };
        let stale = all.iter().filter(|watch| watch.unreachable);
        let stale: Vec<String> = stale
            .map(|watch| format!("{}: the API server is not heard, its names may be old", watch.plan))
            .collect();
        let ready = ready && (self.ready_when_stale || stale.is_empty());
        let waiting = waiting.into_iter().map(told("not listed yet"));
        let left_out = left_out.into_iter().map(told("left out, its names are refused"));
        let mut why: Vec<String> = waiting.chain(left_out).chain(stale).collect();
        if why.len() > LINES {
            let more = why.len() - LINES;
            why.truncate(LINES);
            why.push(format!("{more} more lines like these"));
        }
        Ready { ready, why }
    }
}

impl World for Board {
    fn phase(&self) -> Phase {
        if self.ending.load(Ordering::Relaxed) {
            Phase::Ending
        } else if self.served.get().is_some() {
            Phase::Serving
        } else {
            Phase::Starting
        }
    }

    fn readiness(&self) -> Ready {
        let not = |why: &str| Ready { ready: false, why: vec![why.to_owned()] };
        match (self.phase(), self.watched.get()) {
            (Phase::Ending, _) => not("the server has been asked to end"),
            (Phase::Starting, _) => not("the server is starting"),
            (Phase::Serving, Some(watched)) => self.why_not_or_all_the_same(watched),
            (Phase::Serving, None) if self.waits_for_cluster => not("the cluster is not watched yet"),
            (Phase::Serving, None) => Ready { ready: true, why: Vec::new() },
        }
    }

    fn observer(&self) -> Option<Observer> {
        self.served.get().map(|served| served.observer.clone())
    }

    fn beats(&self) -> Vec<(String, u64)> {
        let Some(served) = self.served.get() else { return Vec::new() };
        let own = |(name, beats): (&str, u64)| (name.to_owned(), beats);
        let mut all: Vec<_> = served.observer.beats().map(own).collect();
        all.push(own(("roster", served.questions.beats())));
        let watched = self.watched.get();
        all.extend(watched.map(|watched| own(("kubernetes", watched.beats.load(Ordering::Relaxed)))));
        all
    }

    fn watches(&self) -> Vec<WatchHealth> {
        self.watched.get().map(|watched| watched.health.watches()).unwrap_or_default()
    }

    fn zones(&self) -> Vec<ZoneState> {
        let Some(served) = self.served.get() else { return Vec::new() };
        let snapshot = served.snapshot.load();
        let generated = snapshot.generated_zones().count();
        let zones = snapshot.serials().enumerate();
        zones
            .map(|(place, (apex, serial))| ZoneState {
                apex: apex.to_string(),
                serial,
                generated: place < generated,
            })
            .collect()
    }

    fn publications(&self) -> (u64, Option<SystemTime>) {
        let Some(Served { progress, .. }) = self.served.get() else { return (0, None) };
        let last = Duration::from_millis(progress.last.load(Ordering::Relaxed));
        (progress.snapshots.load(Ordering::Relaxed), UNIX_EPOCH.checked_add(last))
    }

    fn oversize(&self) -> u64 {
        self.served.get().map_or(0, |served| served.progress.oversize.load(Ordering::Relaxed))
    }

    fn ask(&self, question: Question) -> Result<(), Unavailable> {
        self.served.get().ok_or(Unavailable::NotYet)?.questions.put(question)
    }

    fn look_up(
        &self,
        asked: &str,
        record_type: Option<&str>,
        limit: usize,
    ) -> Result<(Explanation, Subject), LookUpError> {
        let served = self.served.get().ok_or(Unavailable::NotYet)?;
        explanation(&served.snapshot.load(), asked, record_type, limit)
    }

    fn durations(&self) -> [Durations; 2] {
        self.watched.get().map(|watched| watched.latency.durations()).unwrap_or_default()
    }

    fn panics(&self) -> u64 {
        panics::so_far()
    }

    fn settings(&self) -> String {
        self.settings.clone()
    }

    fn log_level(&self) -> String {
        self.verbosity.get()
    }

    fn set_log_level(&self, level: LogLevel) {
        self.verbosity.set(level);
    }
}
