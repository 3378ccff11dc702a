//! What is made of one set of settings: who the peers are, and what follows them. The one in use answers; one that is to
//! take its place is filled beside it.

use super::attempts::Attempts;
use super::board::Watched;
use super::clock::unix_time;
use super::latency::Latency;
use super::load::{Empty, First, LoadError, empty, first, readable_again};
use super::pipeline::Pipeline;
use super::published::Published;
use super::reload::records_in_words;
use super::restore::{Wanted, restore};
use super::saving::Saving;
use super::watching::{Cluster, Complete, Watch, Watching};
use super::writer::{Progress, Reader, Writer};
use super::zone_files::ZoneFiles;
use crate::config::{Effective, Source};
use crate::server::Answering;
use crate::source::Following;
use crate::source::kubernetes::{Health, WatchPlan};
use crate::source::manifest::{self, Manifests};
use crate::source::saved::{Directory, Fingerprint};
use std::io;
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;

/// What objects of manifests come from, in words.
const MANIFESTS: &str = "manifests";

/// What lasts over all generations.
#[derive(Debug, Clone)]
pub(super) struct Lasting {
    pub(super) latency: Arc<Latency>,
    pub(super) progress: Arc<Progress>,
    /// On what generations are made.
    pub(super) attempts: Attempts,
}

/// A generation that has all it needs to begin.
pub(super) struct Prepared {
    pub(super) pipeline: Pipeline,
    zone_files: ZoneFiles,
    saving: Saving,
    origin: Origin,
}

/// Where peers come from.
enum Origin {
    Manifests(Manifests),
    Cluster(Box<Cluster>, Watch),
}

/// A generation that follows its source.
pub(super) struct Generation {
    writer: Writer,
    /// Closed when changes are not taken in any more.
    pub(super) ended: oneshot::Receiver<()>,
    watched: Option<Watched>,
    _changes: (Changes, Option<Following>),
}

/// What follows the source until it is dropped.
#[expect(dead_code, reason = "held for what their drop ends")]
enum Changes {
    Manifests(Following),
    Cluster(Watching),
}

impl Prepared {
    /// One of manifests, whose first versions are in it. What `state` holds of serials is gone on from.
    pub(super) fn of_manifests(effective: &Effective, first: First, state: Option<&Directory>) -> Prepared {
        let First { manifests, mut pipeline, zone_files, advertised, .. } = first;
        let settings = fingerprint(effective, &advertised);
        let mut saving = Saving::nothing();
        if effective.settings.state.directory.is_some() {
            saving = Saving::of(&[], MANIFESTS.to_owned(), settings);
        }
        if let Some(state) = state {
            let wanted = Wanted {
                origin: MANIFESTS,
                settings,
                plans: &[],
                max_age: effective.settings.state.max_age,
                now: unix_time(),
            };
            restore(state, &wanted, &mut pipeline, &mut saving, None);
        }
        Prepared { pipeline, zone_files, saving, origin: Origin::Manifests(manifests) }
    }

    /// One of a cluster, that waits for its lists. Until these come, what `state` holds of objects stands for them.
    pub(super) fn of_cluster(
        effective: &Effective,
        empty: Empty,
        cluster: Cluster,
        lasting: &Lasting,
        begin: Begin<'_>,
    ) -> Prepared {
        let Empty { mut pipeline, zone_files, advertised, .. } = empty;
        let settings = fingerprint(effective, &advertised);
        let health = Health::new(cluster.plans());
        let mut saving = Saving::nothing();
        if effective.settings.state.directory.is_some() {
            saving = Saving::of(cluster.plans(), cluster.server().to_owned(), settings);
        }
        let Begin { started, state, complete } = begin;
        if let Some(state) = state {
            let wanted = Wanted {
                origin: cluster.server(),
                settings,
                plans: cluster.plans(),
                max_age: effective.settings.state.max_age,
                now: unix_time(),
            };
            restore(state, &wanted, &mut pipeline, &mut saving, Some(&health));
        }
        let watch = Watch { health, latency: Arc::clone(&lasting.latency), started, complete };
        Prepared { pipeline, zone_files, saving, origin: Origin::Cluster(Box::new(cluster), watch) }
    }

    /// Follows the source from now on. Without `published`, nothing of it is served before [`Generation::succeed`].
    pub(super) fn begin(self, published: Option<Published>, lasting: &Lasting) -> io::Result<Generation> {
        let Prepared { pipeline, zone_files, saving, origin } = self;
        let (writer, ended) = Writer::new(pipeline, published, saving, Arc::clone(&lasting.progress));
        let zones = zone_files.follow(&writer)?;
        let mut for_source = writer.another();
        let (changes, watched) = match origin {
            Origin::Manifests(manifests) => {
                let following = manifests.follow(move |batch| {
                    let manifest::Batch { events, reports } = batch;
                    for_source.take(events, reports.into_iter().map(|report| (report.is_warning(), report)));
                    ControlFlow::Continue(())
                })?;
                (Changes::Manifests(following), None)
            }
            Origin::Cluster(cluster, watch) => {
                let (watching, watched) = cluster.watch(for_source, watch)?;
                (Changes::Cluster(watching), Some(watched))
            }
        };
        Ok(Generation { writer, ended, watched, _changes: (changes, zones) })
    }
}

/// How a generation of a cluster begins.
pub(super) struct Begin<'a> {
    /// Since when its watches are waited for.
    pub(super) started: Instant,
    /// Where state was saved.
    pub(super) state: Option<&'a Directory>,
    /// Who waits for its lists.
    pub(super) complete: Option<Complete>,
}

impl Generation {
    /// What looks at it, and after a change at the next.
    pub(super) fn reader(&self) -> Reader {
        self.writer.reader()
    }

    /// What is watched; to be shown.
    pub(super) fn take_watched(&mut self) -> Option<Watched> {
        self.watched.take()
    }

    /// Answers by other settings from now on.
    pub(super) fn answer_by(&self, answering: Arc<Answering>) {
        self.writer.answer_by(answering);
    }

    /// Frees what was answered from before this one took its place.
    pub(super) fn free(&self) {
        self.writer.free();
    }

    /// Takes the place of another, which is over when it is dropped.
    pub(super) fn succeed(&self, other: &Generation, reader: &Reader, answering: Arc<Answering>) {
        self.writer.succeed(&other.writer, answering);
        reader.turn_to(&self.writer);
    }
}

/// Makes a generation that is to take the place of one that serves these plans. Returns it with what tells that it can;
/// that of manifests can at once.
pub(super) fn next(
    effective: &Effective,
    served: Option<Vec<WatchPlan>>,
    lasting: &Lasting,
) -> Result<(Generation, Option<oneshot::Receiver<()>>), LoadError> {
    let settings = &effective.settings;
    let started = Instant::now();
    let (prepared, complete) = match settings.source() {
        None => return Err(LoadError::NoSource),
        Some(Source::Manifests(manifests)) => {
            readable_again(manifests)?;
            let first = first(settings, manifests)?;
            (Prepared::of_manifests(effective, first, None), None)
        }
        Some(Source::Kubeconfig { .. } | Source::InCluster) => {
            let empty = empty(settings)?;
            let cluster = Cluster::find(settings)?.ok_or(LoadError::NoSource)?;
            let (told, complete) = oneshot::channel();
            let begin = Begin { started, state: None, complete: Some(Complete { told, served }) };
            (Prepared::of_cluster(effective, empty, cluster, lasting, begin), Some(complete))
        }
    };
    let generation = prepared.begin(None, lasting).map_err(|error| LoadError::Cluster(error.into()))?;
    Ok((generation, complete))
}

/// What zones are made with, beside objects.
fn fingerprint(effective: &Effective, advertised: &[IpAddr]) -> Fingerprint {
    let version = env!("CARGO_PKG_VERSION");
    Fingerprint::of(&format!("{version}\n{advertised:?}\n{}", records_in_words(effective)))
}
