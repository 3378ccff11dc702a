//! The one place where data changes: on the threads that hear of changes, whatever the source, one at a time.

use super::notices::Notices;
use super::one_line::OneLine;
use super::pipeline::Pipeline;
use super::published::Published;
use super::saving::Saving;
use crate::roster::{Counts, Event, Roster};
use crate::server::Answering;
use crate::source::saved::Image;
use crate::wire::Name;
use crate::zone::{Fault, Put, Snapshot, StaticZone};
use arc_swap::ArcSwap;
use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{Notify, oneshot};

/// Takes changes in, publishes them, and says what a person should hear. Each thread that hears of changes has one.
#[derive(Debug)]
pub(super) struct Writer {
    state: Arc<Mutex<State>>,
    alive: Alive,
}

#[derive(Debug)]
struct State {
    pipeline: Pipeline,
    /// None before its time, while another writer's is served, and after it.
    published: Option<Published>,
    notices: Notices,
    progress: Arc<Progress>,
    saving: Saving,
}

/// What has been published so far, for readers on other threads.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// How many snapshots.
    pub(super) snapshots: AtomicU64,
    /// When the last one was: Unix time in milliseconds; 0 before.
    pub(super) last: AtomicU64,
    /// RRsets too large for one message.
    pub(super) oversize: AtomicU64,
    /// Told with each of them.
    pub(super) changed: Arc<Notify>,
}

/// Looks at what is served, on any thread, whichever writer that has. Its end, and its panics, are nobody else's.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    state: Arc<ArcSwap<Mutex<State>>>,
}

impl Reader {
    /// Looks at the roster. Whoever changes it waits meanwhile.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Roster) -> T) -> T {
        let state = self.state.load_full();
        look(locked(&state).pipeline.roster())
    }

    /// What is to be saved at `now`, Unix time in seconds; none where `needless` says so of what would be saved. Beside it
    /// what `beside` makes of the snapshot at that moment, meanwhile nothing changes. None of both where it is not what is
    /// served.
    pub(super) fn image<T>(
        &self,
        now: u64,
        needless: impl FnOnce(&Saving, &[(Name, u32)]) -> bool,
        beside: impl FnOnce(&Arc<Snapshot>) -> T,
    ) -> Option<(Option<Image>, T)> {
        let state = self.state.load_full();
        // Where a thread has ended in the middle of a change, or another writer's is served by now, what this one has is
        // not what is served.
        let mut state = state.lock().ok().filter(|state| state.published.is_some())?;
        let beside = beside(&state.pipeline.current());
        let serials = state.pipeline.serials();
        if needless(&state.saving, &serials) {
            return Some((None, beside));
        }
        let added_to = state.pipeline.added_to();
        Some((state.saving.image(serials, &added_to, now), beside))
    }

    /// Looks at another writer's from now on.
    pub(super) fn turn_to(&self, writer: &Writer) {
        self.state.store(Arc::clone(&writer.state));
    }
}

/// Where a thread has ended in the middle of a change, the program is about to end too.
fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What tells of the end of the first thread that has one, however that ends.
#[derive(Debug, Clone)]
struct Alive(Arc<Mutex<Option<oneshot::Sender<()>>>>);

impl Drop for Alive {
    fn drop(&mut self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// What changed about the zone of a file.
#[derive(Debug)]
pub(super) enum ZoneChange {
    /// This is its zone now.
    Put(Arc<StaticZone>),
    /// The file is gone.
    Remove(String),
}

impl Writer {
    /// A writer, and what tells of its end. Without `published`, nothing that it has is served before
    /// [`Writer::succeed`].
    pub(super) fn new(
        pipeline: Pipeline,
        published: Option<Published>,
        saving: Saving,
        progress: Arc<Progress>,
    ) -> (Writer, oneshot::Receiver<()>) {
        let (alive, ended) = oneshot::channel();
        let state = State { pipeline, published, notices: Notices::default(), progress, saving };
        if state.published.is_some() {
            state.progress();
        }
        let alive = Alive(Arc::new(Mutex::new(Some(alive))));
        (Writer { state: Arc::new(Mutex::new(state)), alive }, ended)
    }

    /// One for another thread. The end of either is the end of both.
    pub(super) fn another(&self) -> Writer {
        Writer { state: Arc::clone(&self.state), alive: self.alive.clone() }
    }

    /// One that only reads.
    pub(super) fn reader(&self) -> Reader {
        Reader { state: Arc::new(ArcSwap::new(Arc::clone(&self.state))) }
    }

    /// Takes the place of another: what this one has is served from now on, with these settings, and nothing of the other
    /// any more. Serials go on ahead of the other's.
    pub(super) fn succeed(&self, other: &Writer, answering: Arc<Answering>) {
        let (published, serials, counted) = {
            let mut other = other.state();
            let counted = Arc::clone(other.pipeline.current().counted_zones());
            (other.published.take(), other.pipeline.serials(), counted)
        };
        let Some(mut published) = published else { return };
        let mut state = self.state();
        state.pipeline.continue_from(&serials, false);
        state.pipeline.count_on(&counted);
        let snapshot = state.pipeline.publish().unwrap_or_else(|| state.pipeline.current());
        // Where nothing changes between two changes of settings, nobody else frees what the former had.
        published.free();
        published.put_both(snapshot, answering);
        state.published = Some(published);
        state.progress();
        state.progress.oversize.store(state.pipeline.oversize() as u64, Ordering::Relaxed);
    }

    /// Frees what was answered from before, as far as nobody reads it any more.
    pub(super) fn free(&self) {
        if let Some(published) = &mut self.state().published {
            published.free();
        }
    }

    /// Answers by other settings from now on.
    pub(super) fn answer_by(&self, answering: Arc<Answering>) {
        let mut state = self.state();
        if let Some(published) = &mut state.published {
            published.answer_by(answering);
            published.free();
        }
        state.progress.changed.notify_one();
    }

    /// Publishes what happened together, and says what is reported of it: warnings are marked. Returns since when it is
    /// visible, if it changed what is served.
    pub(super) fn take<R: Display>(
        &mut self,
        events: Vec<Event>,
        reports: impl IntoIterator<Item = (bool, R)>,
    ) -> Option<Instant> {
        let mut state = self.state();
        state.saving.take(&events);
        state.pipeline.take(events);
        let visible = state.publish();
        say(reports);
        let state = &mut *state;
        let notices = state.pipeline.take_notices();
        let notices = notices.iter().map(|notice| (notice.kind().as_str(), notice));
        for line in state.notices.lines(notices, Instant::now()) {
            tracing::warn!("{}", OneLine(line));
        }
        for oversize in state.pipeline.take_oversize() {
            tracing::warn!("{oversize}");
        }
        if let Some(published) = &mut state.published {
            state.progress.oversize.store(state.pipeline.oversize() as u64, Ordering::Relaxed);
            // Readers of the last snapshot need microseconds; the last but one has none any more.
            published.free();
        }
        state.pipeline.free();
        visible
    }

    /// Publishes what changed together about the zones of files. Returns for each change what became of it: nothing is
    /// to be told of a zone that was removed.
    pub(super) fn take_zones(&mut self, changes: &[ZoneChange]) -> Vec<Result<Option<Put>, Fault>> {
        let mut state = self.state();
        let mut outcomes = Vec::new();
        for change in changes {
            outcomes.push(match change {
                ZoneChange::Put(zone) => state.pipeline.put_zone(Arc::clone(zone)).map(Some),
                ZoneChange::Remove(file) => {
                    state.pipeline.remove_zone(file);
                    Ok(None)
                }
            });
        }
        state.publish();
        if let Some(published) = &mut state.published {
            published.free();
        }
        outcomes
    }

    /// How much there is.
    pub(super) fn counts(&self) -> Counts {
        self.state().pipeline.counts()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

impl State {
    fn publish(&mut self) -> Option<Instant> {
        let snapshot = self.pipeline.publish()?;
        self.published.as_mut()?.put(snapshot);
        let visible = Instant::now();
        self.progress();
        Some(visible)
    }

    fn progress(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.progress.last.store(u64::try_from(now.as_millis()).unwrap_or(0), Ordering::Relaxed);
        self.progress.snapshots.fetch_add(1, Ordering::Relaxed);
        self.progress.changed.notify_one();
    }
}

/// Says what a person should hear: warnings are marked.
pub(super) fn say<R: Display>(reports: impl IntoIterator<Item = (bool, R)>) {
    for (warning, report) in reports {
        if warning {
            tracing::warn!("{}", OneLine(report));
        } else {
            tracing::info!("{}", OneLine(report));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, load};
    use crate::source::saved::Fingerprint;
    use crate::zone::PodNames;

    fn pipeline() -> Pipeline {
        let settings = load(&Sources::default()).unwrap().settings;
        Pipeline::new(&settings, PodNames::Verified, vec!["192.0.2.53".parse().unwrap()]).unwrap()
    }

    fn answering() -> Answering {
        Answering::default()
    }

    #[test]
    fn what_is_not_served_is_not_saved() {
        let settings = load(&Sources::default()).unwrap().settings;
        let begin = |published| {
            let pipeline = Pipeline::new(&settings, PodNames::Verified, Vec::new()).unwrap();
            let saving = Saving::of(&[], "here".to_owned(), Fingerprint::default());
            Writer::new(pipeline, published, saving, Arc::default()).0
        };
        let first = begin(Some(Published::new(pipeline().current(), answering())));
        let reader = first.reader();
        let saved = || reader.image(1, |_, _| false, |_| ())?.0.map(|image| image.origin);
        assert_eq!(saved(), Some("here".to_owned()));
        let next = begin(None);
        assert!(next.reader().image(1, |_, _| false, |_| ()).is_none(), "not yet");
        next.succeed(&first, Arc::new(answering()));
        assert_eq!(saved(), None, "not any more");
        reader.turn_to(&next);
        assert_eq!(saved(), Some("here".to_owned()));
        // A thread that has ended in the middle of a change.
        let thread = std::thread::spawn(move || {
            let _state = next.state();
            panic!("as a bug in the thread that follows would");
        });
        assert!(thread.join().is_err());
        assert_eq!(saved(), None);
    }

    #[test]
    fn what_was_served_before_a_change_of_settings_is_freed() {
        let first = pipeline();
        let published = Published::new(first.current(), answering());
        let current = published.current();
        let (mut writer, _ended) = Writer::new(first, Some(published), Saving::nothing(), Arc::default());
        for _ in 0..3 {
            let before = Arc::downgrade(&current.load().snapshot);
            let (next, _ended) = Writer::new(pipeline(), None, Saving::nothing(), Arc::default());
            next.succeed(&writer, Arc::new(answering()));
            writer = next;
            writer.free();
            assert!(before.upgrade().is_none());
        }
    }
}
