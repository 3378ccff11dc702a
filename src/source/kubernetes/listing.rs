//! Full lists: page by page, or as a stream of events that ends with a bookmark.
//!
//! The roster stages what it is told between `Reset` and `Synced`, so that a list that fails, or is put aside, needs no
//! undoing: the next one begins with `Reset`.

use super::decode::{Events, ListBody, ListError, ListMetadata, WatchEvent};
use super::failure::{Awaited, Failure};
use super::health::State;
use super::message::Word;
use super::reflector::Reflector;
use super::report::Report;
use super::request;
use super::revision::Revision;
use super::stream::{Stream, open};
use crate::roster::EventKind;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long a list may bring no octet.
const LIST_SILENCE: Duration = Duration::from_secs(30);

/// How long a list may take, all its pages together, or streamed. "Continue tokens expire after a short amount of time (by
/// default 5 minutes)": one that goes on for longer has no end.
const LIST_TIME: Duration = Duration::from_secs(600);

/// How long the list of one object may take that says the cluster's revision.
const CHECK_TIME: Duration = Duration::from_secs(60);

/// Streams in a row that bring no complete list before lists are read page by page: servers before Kubernetes 1.27 ignore
/// `sendInitialEvents`, and never say where the list ends; others fail whenever they are asked for a stream.
const UNFINISHED_MAX: u32 = 2;

impl Reflector {
    /// Reads the full list.
    pub(super) async fn list(&mut self) -> Result<(), Failure> {
        self.pulse.does(State::Listing);
        self.pulse.note(|watch| watch.lists += 1);
        let listed = timeout(LIST_TIME, self.whole_list()).await;
        let (revision, objects) = listed.unwrap_or(Err(Failure::Timeout(Awaited::EndOfList(LIST_TIME))))?;
        self.judge(&revision)?;
        self.complete(revision, objects).await;
        Ok(())
    }

    async fn whole_list(&mut self) -> Result<(Revision, usize), Failure> {
        let streamed = if self.streams { Some(self.streamed_list().await) } else { None };
        match streamed {
            Some(Err(failure)) if self.is_without_streams(&failure) => {
                self.streams = false;
                let watch = self.title();
                self.report(Report::Paged { watch, failure }).await;
                self.paged_list().await
            }
            Some(outcome) => outcome,
            None => self.paged_list().await,
        }
    }

    /// Asks for the cluster's revision, to see whether the history in which a broken watch would go on is still the one in
    /// which it began. A cluster restored from a backup accepts a watch from a revision that it has not reached, and keeps
    /// silent until it has.
    pub(super) async fn check(&mut self) -> Result<(), Failure> {
        if self.revision.as_ref().and_then(Revision::number).is_none() {
            return Ok(());
        }
        let checked = timeout(CHECK_TIME, self.check_revision()).await;
        checked.unwrap_or(Err(Failure::Timeout(Awaited::EndOfList(CHECK_TIME))))
    }

    async fn check_revision(&mut self) -> Result<(), Failure> {
        let request = request::list(&self.plan, 1, None)?;
        let mut stream = open(&self.client, request, Awaited::List(LIST_SILENCE)).await?;
        let mut body = ListBody::new(stream.encoding);
        while let Some(octets) = stream.next().await? {
            body.push(octets.as_ref(), &mut |_| ())?;
            if let Some(revision) = body.metadata().and_then(parse_revision) {
                return self.judge(&revision);
            }
        }
        self.judge(&revision_of(&body.finish()?)?)
    }

    /// Whether data of a revision may replace what is known. Lower than the highest known one, it may be that of an API
    /// server that lags behind: only a second one, not lower than the first, is taken for the cluster's.
    fn judge(&mut self, revision: &Revision) -> Result<(), Failure> {
        let Some((offered, known)) = revision.is_before(self.revision.as_ref()) else { return Ok(()) };
        if self.suspect.is_some_and(|first| offered >= first) {
            return Ok(());
        }
        self.suspect = Some(offered);
        Err(Failure::TimeTravel { known, offered })
    }

    async fn begin(&mut self) {
        self.oddities.list_begins();
        self.event(EventKind::Reset, None).await;
    }

    async fn complete(&mut self, revision: Revision, objects: usize) {
        self.oddities.list_ends();
        self.event(EventKind::Synced, revision.number()).await;
        self.hear(Instant::now(), Word::Heard).await;
        let watch = self.title();
        if self.revision.is_none() {
            self.report(Report::Synced { watch, objects }).await;
        } else if let Some((to, from)) = revision.is_before(self.revision.as_ref()) {
            self.report(Report::WentBack { watch, from, to }).await;
        }
        self.tell_notices().await;
        self.pulse.reached(&revision);
        self.revision = Some(revision);
        (self.suspect, self.errors, self.unfinished) = (None, 0, 0);
    }

    /// All pages. Returns the revision of all of them and the number of objects.
    ///
    /// A page is asked for as soon as the one before says how: the API server makes it while this one is read.
    async fn paged_list(&mut self) -> Result<(Revision, usize), Failure> {
        let mut page: Option<(Revision, Box<str>)> = None;
        let mut opening = self.open_page(None)?;
        let mut objects = 0;
        loop {
            let mut stream = opening.stream().await?;
            if page.is_none() {
                self.begin().await;
            }
            let encoding = stream.encoding;
            let mut body = ListBody::new(encoding);
            let mut following: Option<(Box<str>, Opening)> = None;
            loop {
                let octets = tokio::select! {
                    biased;
                    () = advance(&mut following) => continue,
                    octets = stream.next() => octets?,
                };
                let Some(octets) = octets else { break };
                let mut items = Vec::new();
                let (kind, notices) = (self.plan.resource, &mut self.oddities.notices);
                body.push(octets.as_ref(), &mut |item| items.push(encoding.decode(kind, item, notices)))?;
                // Known before the items where the server writes it first, so that what is put aside need not be read.
                if following.is_none()
                    && let Some(metadata) = body.metadata()
                {
                    if let Some(revision) = parse_revision(metadata) {
                        self.judge(&revision)?;
                    }
                    let asked = page.as_ref().map(|(_, token)| &**token);
                    if let Some(token) = next_page(metadata).filter(|token| Some(*token) != asked) {
                        following = Some((token.into(), self.open_page(Some(token))?));
                    }
                }
                objects += items.len();
                for item in items {
                    self.take(item, None).await?;
                }
            }
            let metadata = body.finish()?;
            let revision = revision_of(&metadata)?;
            if let Some((first, token)) = &page {
                // "the server will use the same resourceVersion for every page"
                if *first != revision {
                    return Err(malformed("its pages are of several revisions"));
                }
                if metadata.next.as_ref() == Some(token) {
                    return Err(malformed("a page is followed by itself"));
                }
            }
            let Some(token) = next_page(&metadata) else { return Ok((revision, objects)) };
            opening = match following {
                Some((asked, opening)) if *asked == *token => opening,
                _ => self.open_page(Some(token))?,
            };
            page = Some((revision, token.into()));
        }
    }

    fn open_page(&self, token: Option<&str>) -> Result<Opening, Failure> {
        let request = request::list(&self.plan, self.options.page_size.max(1), token)?;
        let client = self.client.clone();
        Ok(Opening::Asked(Box::pin(async move { open(&client, request, Awaited::List(LIST_SILENCE)).await })))
    }

    /// A list as a stream. What follows it on the same stream is left to the watch that begins where the list ends.
    async fn streamed_list(&mut self) -> Result<(Revision, usize), Failure> {
        let request = request::streaming_list(&self.plan, LIST_TIME)?;
        let opened = open(&self.client, request, Awaited::List(LIST_SILENCE)).await;
        if opened.as_ref().err().is_none_or(is_server_error) {
            self.unfinished += 1;
        }
        let mut stream = opened?;
        self.begin().await;
        let encoding = stream.encoding;
        let mut body = Events::new(encoding);
        let mut objects = 0;
        while let Some(octets) = stream.next().await? {
            let mut events = Vec::new();
            let (kind, notices) = (self.plan.resource, &mut self.oddities.notices);
            let pushed = body.push(octets.as_ref(), &mut |event| {
                events.push(encoding.watch_event(kind, event, notices));
            });
            for event in events {
                match event {
                    WatchEvent::Applied(object) => {
                        objects += 1;
                        self.take(object, None).await?;
                    }
                    WatchEvent::Deleted(key, revision) => {
                        self.oddities.gone(&key);
                        self.event(EventKind::Delete(key), revision).await;
                    }
                    WatchEvent::Bookmark { revision, ends_list: true } => {
                        let revision = Revision::parse(&revision);
                        return Ok((revision.ok_or_else(|| malformed(UNVERSIONED))?, objects));
                    }
                    WatchEvent::Bookmark { .. } => {}
                    WatchEvent::Unknown(_) => self.pulse.note(|watch| watch.unknown_events += 1),
                    WatchEvent::Error(status) => return Err(status.into()),
                    WatchEvent::Malformed(reason) => return Err(Failure::Malformed(reason)),
                }
            }
            pushed.map_err(|error| Failure::TooLarge(error.to_string()))?;
        }
        Err(ListError::Cut.into())
    }

    /// Whether a failure of a streamed list means that the server does not stream lists. Where the feature is off, it
    /// refuses `sendInitialEvents` as invalid (422). Where its etcd is too old (before 3.4.31 or 3.5.13), it says that it
    /// fails (500), which it may do in passing as well, and counts on clients that read pages then.
    fn is_without_streams(&mut self, failure: &Failure) -> bool {
        match failure {
            Failure::Refused(refusal)
                if matches!(refusal.status, 400 | 404 | 405 | 406 | 415 | 422 | 501) =>
            {
                return true;
            }
            // For now, and pages would be refused too.
            Failure::Refused(_) if !is_server_error(failure) => self.unfinished = 0,
            _ => {}
        }
        self.unfinished >= UNFINISHED_MAX
    }
}

/// A page that has been asked for, or the answer to that.
enum Opening {
    Asked(Pin<Box<dyn Future<Output = Result<Stream, Failure>> + Send>>),
    Answered(Result<Stream, Failure>),
}

impl Opening {
    async fn stream(self) -> Result<Stream, Failure> {
        match self {
            Opening::Asked(asked) => asked.await,
            Opening::Answered(answer) => answer,
        }
    }
}

/// Waits for the answer to what has been asked; for ever where it is there, or nothing has been.
async fn advance(following: &mut Option<(Box<str>, Opening)>) {
    let Some((_, opening)) = following else { return std::future::pending().await };
    let Opening::Asked(asked) = opening else { return std::future::pending().await };
    let answer = asked.await;
    *opening = Opening::Answered(answer);
}

fn next_page(metadata: &ListMetadata) -> Option<&str> {
    metadata.next.as_deref().filter(|token| !token.is_empty())
}

fn is_server_error(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused(refusal) if refusal.status == 500)
}

const UNVERSIONED: &str = "it has no resourceVersion";

fn parse_revision(metadata: &ListMetadata) -> Option<Revision> {
    Revision::parse(metadata.revision.as_deref()?)
}

fn revision_of(metadata: &ListMetadata) -> Result<Revision, Failure> {
    parse_revision(metadata).ok_or_else(|| malformed(UNVERSIONED))
}

fn malformed(what: &str) -> Failure {
    Failure::Malformed(what.to_owned())
}

impl From<ListError> for Failure {
    fn from(error: ListError) -> Failure {
        match error {
            ListError::Malformed(reason) => Failure::Malformed(reason),
            ListError::ObjectTooLarge => Failure::TooLarge(error.to_string()),
            ListError::Cut => Failure::Cut(error.to_string()),
        }
    }
}
