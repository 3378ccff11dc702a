//! What the program shows of itself: filled in as its parts come up, read by the admin's HTTP.

use super::latency::Latency;
use super::log::Verbosity;
use super::look_up::explanation;
use super::one_line::OneLine;
use super::panics;
use super::questions::Questions;
use super::saving::Writes;
use super::writer::Progress;
use crate::admin::{
    Durations, Explanation, LookUpError, Phase, Question, Ready, SavedState, Unavailable, Upkeep, World,
    ZoneState,
};
use crate::config::{Effective, LogLevel, Source};
use crate::roster::Subject;
use crate::server::{Current, DnstapCounts, Observer, QueryLogCounts, TransferCounts};
use crate::source::kubernetes::{Health, Patience, Readiness, Unsynced, WatchHealth, WatchPlan};
use arc_swap::{ArcSwap, ArcSwapOption};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Lines of `/ready` about watches; settings can name hundreds of namespaces.
const LINES: usize = 50;

/// What is shown.
#[derive(Debug)]
pub(super) struct Board {
    shown: ArcSwap<Shown>,
    verbosity: Verbosity,
    served: OnceLock<Served>,
    watched: ArcSwapOption<Watched>,
    ending: AtomicBool,
    pub(super) reloads: Reloads,
    pub(super) writes: Arc<Writes>,
    pub(super) queries: Arc<QueryLogCounts>,
    pub(super) dnstap: Arc<DnstapCounts>,
    pub(super) transfers: Arc<TransferCounts>,
}

/// What settings say of what is shown.
#[derive(Debug)]
pub(super) struct Shown {
    /// Those in force, as TOML.
    settings: String,
    ready_when_stale: bool,
    /// Whether peers come from a cluster, which has to be found and listed.
    waits_for_cluster: bool,
    keeps_state: bool,
}

impl Shown {
    pub(super) fn of(effective: &Effective) -> Shown {
        let settings = &effective.settings;
        Shown {
            settings: effective.show().to_string(),
            ready_when_stale: settings.admin.ready_when_stale,
            waits_for_cluster: matches!(
                settings.source(),
                Some(Source::Kubeconfig { .. } | Source::InCluster)
            ),
            keeps_state: settings.state.directory.is_some(),
        }
    }
}

/// What has become of settings that were read again.
#[derive(Debug, Default)]
pub(super) struct Reloads {
    /// Those that came into force and were others.
    pub(super) changed: AtomicU64,
    /// Those that were as before.
    pub(super) unchanged: AtomicU64,
    /// Those that were refused.
    pub(super) refused: AtomicU64,
    /// When the last others came into force: Unix time in seconds; 0 before.
    pub(super) last: AtomicU64,
    /// Whether the file says something else than what is in force.
    pub(super) behind: AtomicBool,
}

/// What answers, once it does.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) observer: Observer,
    pub(super) current: Arc<ArcSwap<Current>>,
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
    pub(super) patience: Patience,
}

impl Board {
    /// One without parts.
    pub(super) fn new(effective: &Effective, verbosity: Verbosity) -> Arc<Board> {
        Arc::new(Board {
            shown: ArcSwap::from_pointee(Shown::of(effective)),
            verbosity,
            served: OnceLock::new(),
            watched: ArcSwapOption::empty(),
            ending: AtomicBool::new(false),
            reloads: Reloads::default(),
            writes: Arc::default(),
            queries: Arc::default(),
            dnstap: Arc::default(),
            transfers: Arc::default(),
        })
    }

    /// Queries are answered from now on.
    pub(super) fn serves(&self, served: Served) {
        let _ = self.served.set(served);
    }

    /// This is watched from now on; nothing, with manifests.
    pub(super) fn watches(&self, watched: Option<Watched>) {
        self.watched.store(watched.map(Arc::new));
    }

    /// These settings are in force from now on.
    pub(super) fn shows(&self, effective: &Effective) {
        self.shown.store(Arc::new(Shown::of(effective)));
    }

    /// The plans of the watches whose objects are served now; none with manifests, which are served whole.
    pub(super) fn served_plans(&self) -> Option<Vec<WatchPlan>> {
        self.watched.load().as_ref()?;
        let serves = |watch: &WatchHealth| watch.synced || watch.saved.is_some();
        Some(World::watches(self).into_iter().filter(serves).map(|watch| watch.plan).collect())
    }

    /// The server has been asked to end.
    pub(super) fn ends(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    fn why_not_or_all_the_same(&self, watched: &Watched) -> Ready {
        let all = watched.health.watches();
        let Readiness { ready, waiting, left_out, saved } =
            Readiness::of(&all, watched.started.elapsed(), watched.patience);
        let told = |how: &'static str| {
            move |Unsynced { watch, why }: Unsynced| OneLine(format!("{watch}: {how} ({why})")).to_string()
        };
        let stale = all.iter().filter(|watch| watch.unreachable);
        let stale: Vec<String> = stale
            .map(|watch| format!("{}: the API server is not heard, its names may be old", watch.plan))
            .collect();
        let ready = ready && (self.shown.load().ready_when_stale || stale.is_empty());
        let waiting = waiting.into_iter().map(told("not listed yet"));
        let left_out = left_out.into_iter().map(told("left out, its names are refused"));
        let saved = saved.into_iter().map(told("served as it was saved"));
        let mut why: Vec<String> = waiting.chain(left_out).chain(saved).chain(stale).collect();
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
        match (self.phase(), &*self.watched.load()) {
            (Phase::Ending, _) => not("the server has been asked to end"),
            (Phase::Starting, _) => not("the server is starting"),
            (Phase::Serving, Some(watched)) => self.why_not_or_all_the_same(watched),
            (Phase::Serving, None) if self.shown.load().waits_for_cluster => {
                not("the cluster is not watched yet")
            }
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
        let watched = self.watched.load();
        all.extend(
            watched.as_ref().map(|watched| own(("kubernetes", watched.beats.load(Ordering::Relaxed)))),
        );
        all
    }

    fn watches(&self) -> Vec<WatchHealth> {
        self.watched.load().as_ref().map(|watched| watched.health.watches()).unwrap_or_default()
    }

    fn zones(&self) -> Vec<ZoneState> {
        let Some(served) = self.served.get() else { return Vec::new() };
        let snapshot = Arc::clone(&served.current.load().snapshot);
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

    fn counted_zones(&self) -> Vec<String> {
        let Some(served) = self.served.get() else { return Vec::new() };
        let counted = Arc::clone(served.current.load().snapshot.counted_zones());
        counted.iter().map(ToString::to_string).collect()
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
        explanation(&served.current.load().snapshot, asked, record_type, limit)
    }

    fn durations(&self) -> [Durations; 2] {
        self.watched.load().as_ref().map(|watched| watched.latency.durations()).unwrap_or_default()
    }

    fn panics(&self) -> u64 {
        panics::so_far()
    }

    fn settings(&self) -> String {
        self.shown.load().settings.clone()
    }

    fn upkeep(&self) -> Upkeep {
        let number = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let time = |count: &AtomicU64| Some(number(count)).filter(|time| *time > 0);
        let Reloads { changed, unchanged, refused, last, behind } = &self.reloads;
        let Writes { done: written, failed: unwritten, last: last_write, octets } = &*self.writes;
        let state = SavedState {
            writes: number(written),
            failed: number(unwritten),
            last: time(last_write),
            octets: number(octets),
        };
        let QueryLogCounts { logged, left_out } = &*self.queries;
        let TransferCounts { whole, changes, nothing_new, broken_off } = &*self.transfers;
        let DnstapCounts { sent, left_out: above, lost, connected, .. } = &*self.dnstap;
        Upkeep {
            reloads: [changed, unchanged, refused].map(number),
            last_reload: time(last),
            behind: behind.load(Ordering::Relaxed),
            state: self.shown.load().keeps_state.then_some(state),
            queries_logged: [number(logged), number(left_out)],
            dnstap: [number(sent), number(above), number(lost)],
            dnstap_connected: connected.load(Ordering::Relaxed) > 0,
            transfers: [whole, changes, nothing_new, broken_off].map(number),
        }
    }

    fn log_level(&self) -> String {
        self.verbosity.get()
    }

    fn set_log_level(&self, level: LogLevel) {
        self.verbosity.set(level);
    }
}
