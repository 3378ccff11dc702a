//! The thread that watches the Kubernetes API: its batches become snapshots, and readiness and speed become lines.

use super::board::Watched;
use super::cluster::{ClusterError, connection, options, watches};
use super::latency::{Latencies, Latency};
use super::notices::Notices;
use super::one_line::OneLine;
use super::programs::Starters;
use super::summary::{bounded, scope};
use super::writer::Writer;
use crate::config::Settings;
use crate::roster::Scope;
use crate::source::kubernetes::WatchHealth;
use crate::source::kubernetes::{
    self, Batch, Client, Health, Options, Patience, Readiness, Unsynced, WatchPlan, longest_silence,
};
use std::cell::RefCell;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// How often readiness is looked at while it can come at any moment.
const LOOK_SOON: Duration = Duration::from_millis(20);

/// The same where it is there, or long overdue.
const LOOK: Duration = Duration::from_secs(1);

/// How often a line says how fast changes became visible.
const TELL: Duration = Duration::from_secs(60);

/// A way to the API server that nothing has been asked of.
pub(super) struct Cluster {
    runtime: Runtime,
    client: Client,
    /// Where the API server is.
    server: String,
    plans: Vec<WatchPlan>,
    options: Options,
    patience: Patience,
    /// The threads that renew credentials.
    starters: Starters,
}

/// What comes of watches, beside what is served.
pub(super) struct Watch {
    /// Shows how they fare, and which of them what was saved stands for.
    pub(super) health: Health,
    pub(super) latency: Arc<Latency>,
    /// Since when they are waited for.
    pub(super) started: Instant,
    /// What hears that they have delivered what is served now, where that is waited for.
    pub(super) complete: Option<Complete>,
}

/// Who waits for watches that are to take the place of others.
pub(super) struct Complete {
    pub(super) told: oneshot::Sender<()>,
    /// What the others serve: what is answered now must not be refused after. None where that is not known by watches.
    pub(super) served: Option<Vec<WatchPlan>>,
}

impl Complete {
    /// Whether everything is there that is served now, and whatever else can be had.
    fn is_it(&self, watches: &[WatchHealth], readiness: &Readiness) -> bool {
        let Some(all) = &self.served else { return readiness.ready };
        let serves = |plan: &WatchPlan| {
            all.iter().any(|served| {
                (served.resource, served.gives) == (plan.resource, plan.gives)
                    && (served.scope == Scope::All || served.scope == plan.scope || plan.scope == Scope::All)
            })
        };
        all.is_empty()
            || (readiness.ready && watches.iter().all(|watch| watch.synced || !serves(&watch.plan)))
    }
}

/// The thread that watches. Dropping this ends it, and waits for a batch that is being applied.
#[derive(Debug)]
pub(super) struct Watching {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    starters: Starters,
}

impl Drop for Watching {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed.
            let _ = thread.join();
        }
        // What it has left behind waits for credentials that nobody needs any more.
        self.starters.end_programs();
    }
}

impl Cluster {
    /// Finds the way to the API server that the settings name; `None` where they name none.
    pub(super) fn find(settings: &Settings) -> Result<Option<Cluster>, ClusterError> {
        let Some(connection) = connection(settings) else { return Ok(None) };
        let starters = Starters::default();
        let (enters, leaves) = (starters.clone(), starters.clone());
        let runtime = Builder::new_current_thread()
            .enable_all()
            .on_thread_start(move || enters.enter())
            .on_thread_stop(move || leaves.leave())
            .build()?;
        let (client, server) = runtime.block_on(connection.client())?;
        let (plans, options) = (watches(settings), options(&settings.kubernetes));
        let patience = Patience {
            leave_out_after: settings.kubernetes.leave_out_after,
            saved: settings.state.ready_after,
        };
        Ok(Some(Cluster { runtime, client, server, plans, options, patience, starters }))
    }

    /// Where the API server is.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// What is watched there.
    pub(super) fn plans(&self) -> &[WatchPlan] {
        &self.plans
    }

    /// Watches on a thread of its own until the result is dropped.
    pub(super) fn watch(self, writer: Writer, watch: Watch) -> io::Result<(Watching, Watched)> {
        let Cluster { runtime, client, server, plans, options, patience, starters } = self;
        let Watch { health, latency, started, complete } = watch;
        let (stop, stopped) = oneshot::channel::<()>();
        tracing::info!("{}", OneLine(format!("the API server is {server}")));
        for line in bounded(
            plans.iter().map(|plan| format!("watching {}", plan.in_full())).collect(),
            "the settings name every namespace",
        ) {
            tracing::info!("{}", OneLine(line));
        }
        let beats = Arc::default();
        let watched = Watched {
            health: health.clone(),
            latency: Arc::clone(&latency),
            beats: Arc::clone(&beats),
            started,
            patience,
        };
        let thread = std::thread::Builder::new().name("kubernetes".to_owned()).spawn(move || {
            let changes = RefCell::new(Changes {
                writer,
                health: health.clone(),
                started,
                patience,
                complete,
                readiness: Readiness::default(),
                latency,
                beats,
                warnings: Notices::default(),
                notes: Notices::default(),
            });
            runtime.block_on(async {
                let watching = kubernetes::run(client, plans, options, health, |batch| {
                    changes.borrow_mut().take(batch);
                    ControlFlow::Continue(())
                });
                tokio::select! {
                    () = watching => {}
                    () = look(&changes) => {}
                    _ = stopped => {}
                }
            });
            // A program that gives credentials must not hold the end up.
            runtime.shutdown_background();
            let all = changes.borrow().latency.so_far();
            if !all.is_empty() {
                tracing::info!("{all}");
            }
        })?;
        Ok((Watching { stop: Some(stop), thread: Some(thread), starters }, watched))
    }
}

/// Looks after readiness and speed, for ever.
async fn look(changes: &RefCell<Changes>) {
    let mut told = (Instant::now(), changes.borrow().latency.so_far());
    loop {
        let pause = changes.borrow().pause(Instant::now());
        tokio::time::sleep(pause).await;
        let now = Instant::now();
        changes.borrow_mut().look(now);
        if now.duration_since(told.0) >= TELL {
            told = (now, changes.borrow().tell(&told.1, now));
        }
    }
}

/// What the thread holds.
struct Changes {
    writer: Writer,
    health: Health,
    started: Instant,
    patience: Patience,
    /// Who waits for the lists, where anybody does.
    complete: Option<Complete>,
    /// As it was last said.
    readiness: Readiness,
    latency: Arc<Latency>,
    beats: Arc<AtomicU64>,
    /// What watches have said of late.
    warnings: Notices,
    notes: Notices,
}

impl Changes {
    fn take(&mut self, batch: Batch) {
        let Batch { events, arrivals, reports } = batch;
        // Every watch meets the same outage: what many say is counted.
        let (warnings, notes): (Vec<_>, Vec<_>) =
            reports.iter().map(|report| (report.kind(), report)).partition(|(_, report)| report.is_warning());
        let now = Instant::now();
        let warnings = self.warnings.lines(warnings, now).into_iter().map(|line| (true, line));
        let notes = self.notes.lines(notes, now).into_iter().map(|line| (false, line));
        if let Some(visible) = self.writer.take(events, warnings.chain(notes)) {
            self.latency.visible(&arrivals, visible, SystemTime::now());
        }
    }

    /// How long nothing is to be looked at.
    fn pause(&self, now: Instant) -> Duration {
        let waiting = !self.readiness.ready || self.complete.is_some();
        let soon = waiting && now.duration_since(self.started) < self.patience.leave_out_after;
        if soon { LOOK_SOON } else { LOOK }
    }

    /// Says what has changed about readiness.
    fn look(&mut self, now: Instant) {
        self.beats.fetch_add(1, Ordering::Relaxed);
        let waited = now.duration_since(self.started);
        let watches = self.health.watches();
        let readiness = Readiness::of(&watches, waited, self.patience);
        for Unsynced { watch, why } in begun(&self.readiness.left_out, &readiness.left_out) {
            let line = format!(
                "{watch}: not waited for any longer, its names stay refused until it is listed ({why})"
            );
            tracing::warn!("{}", OneLine(line));
        }
        for Unsynced { watch, .. } in begun(&readiness.left_out, &self.readiness.left_out) {
            tracing::info!("{}", OneLine(format!("{watch}: listed at last")));
        }
        for Unsynced { watch, why } in begun(&self.readiness.saved, &readiness.saved) {
            let line = format!("{watch}: served as it was saved until it is listed ({why})");
            tracing::warn!("{}", OneLine(line));
        }
        for Unsynced { watch, .. } in begun(&readiness.saved, &self.readiness.saved) {
            tracing::info!("{}", OneLine(format!("{watch}: listed at last, current again")));
        }
        if readiness.ready && !self.readiness.ready {
            for line in scope(&self.writer.counts()) {
                tracing::info!("{}", OneLine(line));
            }
            if self.complete.is_none() {
                tracing::info!("ready after {}", rounded(waited));
            }
        }
        if self.complete.as_ref().is_some_and(|complete| complete.is_it(&watches, &readiness))
            && let Some(complete) = self.complete.take()
        {
            // Who waited may have given up.
            let _ = complete.told.send(());
        }
        self.readiness = readiness;
    }

    /// Says how fast what changed since `earlier` became visible, if anything did. Returns where the next line begins.
    fn tell(&self, earlier: &Latencies, now: Instant) -> Latencies {
        let all = self.latency.so_far();
        let last = all.since(earlier);
        if !last.is_empty() {
            let silence = longest_silence(&self.health.watches(), now).unwrap_or_default();
            tracing::debug!("{last}; every watch was heard within {}", rounded(silence));
        }
        all
    }
}

/// Those of `after` whose watches `before` does not have.
fn begun<'a>(before: &'a [Unsynced], after: &'a [Unsynced]) -> impl Iterator<Item = &'a Unsynced> {
    after.iter().filter(|one| before.iter().all(|other| other.watch != one.watch))
}

/// `35 ms`, `1.9 s`.
fn rounded(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_for_people() {
        for (millis, expected) in [(0, "0 ms"), (999, "999 ms"), (1_949, "1.9 s"), (60_000, "60.0 s")] {
            assert_eq!(rounded(Duration::from_millis(millis)), expected);
        }
    }

    #[test]
    fn what_has_begun_is_known_by_its_watch() {
        let unsynced = |watch: &str, why: &str| Unsynced { watch: watch.into(), why: why.into() };
        let before = [unsynced("a", "silent"), unsynced("b", "silent")];
        let after = [unsynced("b", "forbidden"), unsynced("c", "silent")];
        let names = |found: Vec<&Unsynced>| found.iter().map(|one| one.watch.to_string()).collect::<Vec<_>>();
        assert_eq!(names(begun(&before, &after).collect()), ["c"]);
        assert_eq!(names(begun(&after, &before).collect()), ["a"]);
    }
}
