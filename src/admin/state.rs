//! What all connections share.

use super::answer::refuse;
use super::metrics;
use super::pulse::Pulse;
use super::world::{Unavailable, World};
use super::zones::Ages;
use crate::roster::Roster;
use axum::body::{Body, Bytes};
use axum::http::{Response, StatusCode};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How long a text of metrics serves all who ask.
const FRESH: Duration = Duration::from_secs(1);

/// How often threads and zones are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long the answer to a question may take. A large change that is being applied takes up to a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// What all connections share.
pub(super) struct State {
    pub(super) world: Arc<dyn World>,
    pulse: Mutex<Pulse>,
    ages: Mutex<Ages>,
    /// Also held while it is made: those who ask meanwhile get the same.
    metrics: tokio::sync::Mutex<Option<(Instant, Bytes)>>,
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
            metrics: tokio::sync::Mutex::default(),
        })
    }

    /// Looks after threads and zones, for ever.
    pub(super) async fn keep_watch(&self) {
        loop {
            drop(self.pulse());
            drop(self.ages());
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
}

impl NoAnswer {
    pub(super) fn response(self) -> Response<Body> {
        refuse(StatusCode::SERVICE_UNAVAILABLE, &self.to_string())
    }
}

/// Nothing is left half-done under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
