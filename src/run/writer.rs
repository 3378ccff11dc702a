//! The one place where data changes: on the thread that hears of changes, whatever the source.

use super::notices::Notices;
use super::one_line::OneLine;
use super::pipeline::Pipeline;
use super::published::Published;
use crate::roster::{Counts, Event};
use std::fmt::Display;
use std::time::Instant;
use tokio::sync::oneshot;

/// Takes changes in, publishes them, and says what a person should hear.
#[derive(Debug)]
pub(super) struct Writer {
    pipeline: Pipeline,
    published: Published,
    notices: Notices,
    /// Dropped with the thread, however that ends.
    _alive: oneshot::Sender<()>,
}

impl Writer {
    /// A writer, and what tells of its end.
    pub(super) fn new(pipeline: Pipeline, published: Published) -> (Writer, oneshot::Receiver<()>) {
        let (alive, ended) = oneshot::channel();
        (Writer { pipeline, published, notices: Notices::default(), _alive: alive }, ended)
    }

    /// Publishes what happened together, and says what is reported of it: warnings are marked. Returns since when it is
    /// visible, if it changed what is served.
    pub(super) fn take<R: Display>(
        &mut self,
        events: Vec<Event>,
        reports: impl IntoIterator<Item = (bool, R)>,
    ) -> Option<Instant> {
        self.pipeline.take(events);
        let visible = self.pipeline.publish().map(|snapshot| {
            self.published.put(snapshot);
            Instant::now()
        });
        for (warning, report) in reports {
            if warning {
                tracing::warn!("{}", OneLine(report));
            } else {
                tracing::info!("{}", OneLine(report));
            }
        }
        let notices = self.pipeline.take_notices();
        let lines =
            self.notices.lines(notices.iter().map(|notice| (notice.kind().as_str(), notice)), Instant::now());
        for line in lines {
            tracing::warn!("{}", OneLine(line));
        }
        for oversize in self.pipeline.take_oversize() {
            tracing::warn!("{oversize}");
        }
        // Readers of the last snapshot need microseconds; the last but one has none any more.
        self.published.free();
        visible
    }

    /// How much there is.
    pub(super) fn counts(&self) -> Counts {
        self.pipeline.counts()
    }
}
