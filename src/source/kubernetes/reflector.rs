//! One watch: a list, then events, then whatever it takes to go on.
//!
//! ```text
//!            ┌──── what was lost cannot be made up for ─────┐
//!            ▼                                              │
//!          List ──complete──▶ Watch ──ends as it should──▶ Watch
//!                               │ breaks                    ▲
//!                               └───────────▶ Check ────────┘ the history is still the same
//! ```
//! Each failure waits before the next step. Nothing of a list is visible before it is complete, and what is visible stays
//! while anything fails.

use super::WatchPlan;
use super::backoff::{Backoff, LONGEST, Random};
use super::decode::Decoded;
use super::failure::{Failure, FailureKind};
use super::health::{Pulse, State};
use super::message::{Message, Word};
use super::oddities::{Line, Oddities};
use super::report::{Report, Verb};
use super::resource::title;
use super::revision::Revision;
use super::run::Options;
use super::troubles::Troubles;
use crate::roster::{EventKind, ObjectName};
use kube::Client;
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep};

/// How long a watch may have been out of touch and still go on where it stood. API servers compact their history every
/// 5 minutes: what is older is likely to be refused, and a restored cluster may have passed the revision again.
const RESUMED_WITHIN: Duration = Duration::from_secs(300);

/// After how many errors told in the place of events, without an event between, a watch lists again: the first may be a
/// passing one, the second is likely about the revision.
const ERRORS_MAX: u32 = 2;

/// One watch.
pub(super) struct Reflector {
    place: u32,
    pub(super) plan: WatchPlan,
    title: Box<str>,
    pub(super) client: Client,
    pub(super) options: Options,
    output: Sender<Message>,
    pub(super) pulse: Pulse,
    pub(super) random: Random,
    pub(super) backoff: Backoff,
    troubles: Troubles,
    pub(super) oddities: Oddities,
    /// Up to where the watch is complete: none before the first list.
    pub(super) revision: Option<Revision>,
    /// The lower revision that the API server offered last, not confirmed by a second list.
    pub(super) suspect: Option<u64>,
    /// Whether lists are asked for as streams.
    pub(super) streams: bool,
    /// Streams of lists in a row that ended, or fell silent, before the list was complete.
    pub(super) unfinished: u32,
    /// Errors told in the place of events, since the last event.
    pub(super) errors: u32,
    /// When the watch was last known to be current.
    heard: Option<Instant>,
}

/// What is done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    List,
    Check,
    Watch,
}

impl Reflector {
    pub(super) fn new(
        place: u32,
        plan: WatchPlan,
        client: Client,
        options: Options,
        output: Sender<Message>,
        pulse: Pulse,
    ) -> Reflector {
        Reflector {
            place,
            title: title(&plan),
            plan,
            client,
            streams: options.streaming_lists,
            options,
            output,
            pulse,
            random: Random::new(),
            backoff: Backoff::default(),
            troubles: Troubles::default(),
            oddities: Oddities::default(),
            revision: None,
            suspect: None,
            unfinished: 0,
            errors: 0,
            heard: None,
        }
    }

    /// Goes on until it is dropped.
    pub(super) async fn run(mut self) {
        let mut step = Step::List;
        loop {
            let outcome = match step {
                Step::List => self.list().await,
                Step::Check => self.check().await,
                Step::Watch => self.watch().await,
            };
            step = match outcome {
                Ok(()) => Step::Watch,
                Err(failure) => {
                    let verb = if step == Step::Watch { Verb::Watch } else { Verb::List };
                    self.pause(verb, &failure).await;
                    self.after(step, &failure)
                }
            };
        }
    }

    fn after(&self, step: Step, failure: &Failure) -> Step {
        let out_of_touch = self.heard.is_none_or(|heard| heard.elapsed() > RESUMED_WITHIN);
        if step == Step::List || !failure.is_resumable() || out_of_touch || self.errors >= ERRORS_MAX {
            Step::List
        } else if failure.kind() == FailureKind::Ended {
            Step::Watch
        } else {
            Step::Check
        }
    }

    /// Counts a failure, tells of it where it is news, and waits.
    async fn pause(&mut self, verb: Verb, failure: &Failure) {
        let now = Instant::now();
        let ordinary = failure.is_ordinary() && self.backoff.is_fresh() && self.troubles.since().is_none();
        if ordinary {
            self.pulse.failed(failure, None);
        } else {
            let due = self.troubles.failed(failure, now);
            let since = self.troubles.since().unwrap_or(now);
            self.pulse.failed(failure, Some(since.into_std()));
            if due {
                let title = self.title.clone();
                self.report(Report::of_failure(title, &self.plan, verb, failure, now - since)).await;
            }
        }
        if ordinary && failure.kind() == FailureKind::Gone {
            self.backoff.skip();
            return;
        }
        let wait = self.backoff.next(&mut self.random);
        sleep(failure.retry_after().map_or(wait, |asked| wait.max(asked)).min(LONGEST)).await;
    }

    /// What there is works, and has for long enough.
    pub(super) async fn settle(&mut self) {
        self.backoff.reset();
        if let Some(since) = self.troubles.ended() {
            self.pulse.note(|watch| watch.state = State::Watching);
            let watch = self.title.clone();
            self.report(Report::Recovered { watch, after: since.elapsed() }).await;
        }
    }

    /// The watch is known to be current.
    pub(super) async fn hear(&mut self, at: Instant, word: Word) {
        self.heard = Some(at);
        self.tell_at(at, word).await;
    }

    /// Takes an object in, of a list or, with the times at which it was received and decoded, of an event.
    ///
    /// One whose name cannot be read fails what it stands in: it may be any of those that are served, and without it
    /// the list would be a part of itself.
    pub(super) async fn take(
        &mut self,
        object: Decoded,
        times: Option<(Instant, Instant)>,
    ) -> Result<(), Failure> {
        match object {
            Decoded::Good { object, revision, triggered } => {
                let line = self.oddities.mended(&object.key, Instant::now());
                self.name(line, || Report::Mended { object: ObjectName(object.key.clone()) }).await;
                let kind = EventKind::Apply(object);
                match times {
                    Some((at, decoded)) => {
                        self.tell_at(at, Word::Change { kind, revision, triggered, decoded }).await;
                    }
                    None => self.event(kind, revision).await,
                }
            }
            Decoded::Broken { object, revision, reason } => {
                self.pulse.note(|watch| watch.broken_objects += 1);
                let line = self.oddities.broken(&object.key, revision, Instant::now());
                self.name(line, || Report::Broken { object: ObjectName(object.key.clone()), reason }).await;
                self.event(EventKind::Broken(object), revision).await;
            }
            Decoded::Nameless { reason } => {
                self.pulse.note(|watch| watch.nameless_objects += 1);
                return Err(Failure::Malformed(format!("an object whose name cannot be read ({reason})")));
            }
        }
        Ok(())
    }

    async fn name(&self, line: Line, report: impl FnOnce() -> Report) {
        match line {
            Line::None => {}
            Line::Named => self.report(report()).await,
            Line::More => self.report(Report::MoreBroken { watch: self.title() }).await,
        }
    }

    /// Tells what decoding left out of objects.
    pub(super) async fn tell_notices(&mut self) {
        let notices = self.oddities.take_notices();
        if !notices.is_empty() {
            let watch = self.title.clone();
            self.report(Report::LeftOut { watch, notices }).await;
        }
    }

    pub(super) fn title(&self) -> Box<str> {
        self.title.clone()
    }

    pub(super) async fn event(&self, kind: EventKind, revision: Option<u64>) {
        self.tell_at(Instant::now(), Word::Event(kind, revision)).await;
    }

    pub(super) async fn report(&self, report: Report) {
        self.tell_at(Instant::now(), Word::Report(report)).await;
    }

    pub(super) async fn tell_at(&self, at: Instant, word: Word) {
        if self.output.send(Message { place: self.place, at, word }).await.is_err() {
            // Nobody listens any more: whoever did is about to drop this.
            std::future::pending::<()>().await;
        }
    }
}
