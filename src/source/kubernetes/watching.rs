//! A watch from a revision on.

use super::decode::{Decoded, Events, WatchEvent};
use super::failure::{Awaited, Failure};
use super::health::State;
use super::message::Word;
use super::reflector::Reflector;
use super::request;
use super::revision::Revision;
use super::stream::open;
use crate::roster::EventKind;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// The longest time that a watch is asked for. Resuming one is cheap, and its end is a sign of life: a silent dead peer is
/// found within this and [`GRACE`].
const WATCH_TIME: Duration = Duration::from_secs(50);

/// How much longer than asked for a watch may be silent.
const GRACE: Duration = Duration::from_secs(10);

/// After how long a watch that goes on counts as one that works.
const SETTLED: Duration = Duration::from_secs(5);

/// A watch that ends as it should, but sooner than this, is followed by a wait.
const SHORT: Duration = Duration::from_secs(1);

impl Reflector {
    /// Follows what happens after the revision that was reached. Returns without a failure when the API server ends the
    /// watch, as it should in time.
    pub(super) async fn watch(&mut self) -> Result<(), Failure> {
        let Some(from) = &self.revision else { return Err(Failure::Ended) };
        // Quiet watches are heard well before they count as stale. Full seconds, as the API has it.
        let longest = (self.options.stale_after / 6 * 5).min(WATCH_TIME);
        let time = Duration::from_secs(self.random.between(longest / 10 * 9, longest).as_secs());
        let request = request::watch(&self.plan, from, time)?;
        let mut stream = open(&self.client, request, Awaited::Events(time + GRACE)).await?;
        let begun = Instant::now();
        self.pulse.does(State::Watching);
        self.pulse.note(|watch| watch.watches += 1);
        self.hear(begun, Word::Established).await;

        let encoding = stream.encoding;
        let mut body = Events::new(encoding);
        let mut settled = false;
        loop {
            let octets = tokio::select! {
                biased;
                octets = stream.next() => octets?,
                () = sleep_until(begun + SETTLED), if !settled => {
                    settled = true;
                    self.settle().await;
                    continue;
                }
            };
            let Some(octets) = octets else { break };
            let at = Instant::now();
            let mut events = Vec::new();
            let (kind, notices) = (self.plan.resource, &mut self.oddities.notices);
            let pushed = body.push(octets.as_ref(), &mut |event| {
                events.push((encoding.watch_event(kind, event, notices), Instant::now()));
            });
            let mut outcome = Ok(());
            let mut is_current = false;
            for (event, decoded) in events {
                match self.follow(event, at, decoded).await {
                    Ok(news) => is_current |= news,
                    Err(failure) => {
                        outcome = Err(failure);
                        break;
                    }
                }
            }
            if is_current {
                // Octets alone are no sign of life: half an event may drip for ever.
                stream.renew();
                self.hear(at, Word::Heard).await;
            }
            self.tell_notices().await;
            outcome?;
            pushed.map_err(|error| Failure::TooLarge(error.to_string()))?;
        }
        self.hear(Instant::now(), Word::Heard).await;
        if begun.elapsed() < SHORT {
            return Err(Failure::Ended);
        }
        self.settle().await;
        Ok(())
    }

    /// Takes an event in. Returns whether it shows that the watch is current.
    async fn follow(&mut self, event: WatchEvent, at: Instant, decoded: Instant) -> Result<bool, Failure> {
        match event {
            WatchEvent::Applied(object) => {
                let revision = revision(&object);
                self.comes_after(revision.as_ref())?;
                self.take(object, Some((at, decoded))).await?;
                self.pulse.note(|watch| watch.events += 1);
                self.progress(revision);
            }
            WatchEvent::Deleted(key, revision) => {
                let reached = revision.map(Revision::Number);
                self.comes_after(reached.as_ref())?;
                self.oddities.gone(&key);
                let kind = EventKind::Delete(key);
                self.tell_at(at, Word::Change { kind, revision, triggered: None, decoded }).await;
                self.pulse.note(|watch| watch.events += 1);
                self.progress(reached);
            }
            WatchEvent::Bookmark { revision, .. } => {
                let revision = Revision::parse(&revision);
                self.comes_after(revision.as_ref())?;
                self.progress(revision);
            }
            WatchEvent::Unknown(_) => {
                self.pulse.note(|watch| watch.unknown_events += 1);
                return Ok(false);
            }
            WatchEvent::Error(status) => {
                self.errors += 1;
                return Err(status.into());
            }
            WatchEvent::Malformed(reason) => return Err(Failure::Malformed(reason)),
        }
        Ok(true)
    }

    /// Events come in the order of their revisions. One that does not would undo what is newer: the full list decides.
    fn comes_after(&self, revision: Option<&Revision>) -> Result<(), Failure> {
        match revision.and_then(|revision| revision.is_before(self.revision.as_ref())) {
            Some((offered, known)) => Err(Failure::TimeTravel { known, offered }),
            None => Ok(()),
        }
    }

    fn progress(&mut self, revision: Option<Revision>) {
        self.backoff.progress();
        self.errors = 0;
        if let Some(revision) = revision {
            self.pulse.reached(&revision);
            self.revision = Some(revision);
        }
    }
}

/// The revision of an object, from which a watch can be resumed.
fn revision(object: &Decoded) -> Option<Revision> {
    match object {
        Decoded::Good { revision, .. } | Decoded::Broken { revision, .. } => revision.map(Revision::Number),
        Decoded::Nameless { .. } => None,
    }
}
