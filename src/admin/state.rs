//! What all connections share.

use super::answer::refuse_json;
use super::metrics;
use super::pulse::Pulse;
use super::rates::{Counted, Rates};
use super::status::StatusJson;
use super::world::{Unavailable, World};
use super::zones::Ages;
use crate::roster::Roster;
use axum::body::{Body, Bytes};
use axum::http::{Response, StatusCode};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How long a text of metrics, or what there is at a glance, serves all who ask.
const FRESH: Duration = Duration::from_secs(1);

/// How often threads, zones and counts are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long the answer to a question may take. A large change that is being applied takes up to a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// What all connections share.
pub(super) struct State {
    pub(super) world: Arc<dyn World>,
    pulse: Mutex<Pulse>,
    ages: Mutex<Ages>,
    rates: Mutex<Rates>,
    /// When it began to be shown.
    pub(super) started: Instant,
    /// Also held while it is made: those who ask meanwhile get the same.
    metrics: tokio::sync::Mutex<Option<(Instant, Bytes)>>,
    /// Likewise.
    status: tokio::sync::Mutex<Option<(Instant, Arc<StatusJson>)>>,
}

/// Why a question has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoAnswer {
    /// It was not asked.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// Nobody answered in time.
    #[error("what is served is being changed: ask again")]
    Late,
}

impl State {
    pub(super) fn new(world: Arc<dyn World>) -> Arc<State> {
        Arc::new(State {
            world,
            pulse: Mutex::default(),
            ages: Mutex::default(),
            rates: Mutex::default(),
            started: Instant::now(),
            metrics: tokio::sync::Mutex::default(),
            status: tokio::sync::Mutex::default(),
        })
    }

    /// Looks after threads, zones and counts, for ever.
    pub(super) async fn keep_watch(&self) {
        loop {
            drop(self.pulse());
            drop(self.ages());
            self.see_counts();
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Which threads move, as of now.
    pub(super) fn pulse(&self) -> MutexGuard<'_, Pulse> {
        let mut pulse = lock(&self.pulse);
        pulse.feel(self.world.beats(), Instant::now());
        pulse
    }

    /// How old zones are, as of now.
    pub(super) fn ages(&self) -> MutexGuard<'_, Ages> {
        let mut ages = lock(&self.ages);
        let (publication, _) = self.world.publications();
        if ages.are_behind(publication) {
            ages.look(publication, &self.world.zones(), Instant::now());
        }
        ages
    }

    /// Takes in what was counted until now.
    fn see_counts(&self) {
        let Some(observer) = self.world.observer() else { return };
        let (publications, _) = self.world.publications();
        let tallied = observer.tallied();
        let counted = Counted::of(&tallied, &self.world.counted_zones(), publications);
        lock(&self.rates).see(Instant::now(), counted);
    }

    /// How often things happen, as of the last second.
    pub(super) fn rates(&self) -> MutexGuard<'_, Rates> {
        lock(&self.rates)
    }

    /// Looks at the roster, until a look has something to tell.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        mut look: impl FnMut(&Roster) -> Option<T> + Send + 'static,
    ) -> Result<T, NoAnswer> {
        let (sender, answer) = oneshot::channel();
        let mut sender = Some(sender);
        self.world.ask(Box::new(move |roster| {
            if sender.as_ref().is_none_or(oneshot::Sender::is_closed) {
                // Nobody waits any more.
                return ControlFlow::Break(());
            }
            let Some(told) = look(roster) else { return ControlFlow::Continue(()) };
            drop(sender.take().map(|sender| sender.send(told)));
            ControlFlow::Break(())
        }))?;
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(NoAnswer::Late),
        }
    }

    /// The text of all metrics, at most [`FRESH`] old.
    pub(super) async fn metrics(&self) -> Bytes {
        let mut kept = self.metrics.lock().await;
        match &*kept {
            Some((made, text)) if made.elapsed() < FRESH => text.clone(),
            _ => {
                let text = Bytes::from(metrics::text(self).await);
                *kept = Some((Instant::now(), text.clone()));
                text
            }
        }
    }

    /// Everything at a glance, at most [`FRESH`] old.
    pub(super) async fn status(&self) -> Arc<StatusJson> {
        let mut kept = self.status.lock().await;
        match &*kept {
            Some((made, status)) if made.elapsed() < FRESH => Arc::clone(status),
            _ => {
                let status = Arc::new(StatusJson::of(self).await);
                *kept = Some((Instant::now(), Arc::clone(&status)));
                status
            }
        }
    }
}

impl NoAnswer {
    pub(super) fn response(self) -> Response<Body> {
        refuse_json(
            StatusCode::SERVICE_UNAVAILABLE,
            &self.to_string(),
            "ask again in a moment; /ready says what is missing",
        )
    }
}

/// Nothing is left half-done under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
