//! What every command begins with: an empty pipeline, and the first versions of all manifests.

use super::advertise;
use super::cluster::{ClusterError, pods};
use super::list_once::list_once;
use super::pipeline::Pipeline;
use super::summary::Summary;
use crate::config::{Manifest, Settings, Source};
use crate::source::manifest::{self, Input, Manifests, ReadReport};
use crate::wire::Name;
use crate::zone::{Snapshot, ZoneConfigError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why nothing can be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Nothing says where peers come from.
    #[error("there is nothing to read peers from")]
    NoSource,
    /// Manifests that cannot be read, all of them.
    #[error("{}", lines(.0))]
    Manifests(Vec<manifest::LoadError>),
    /// The cluster cannot be watched or listed.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Zones that cannot be made.
    #[error(transparent)]
    Zone(#[from] ZoneConfigError),
}

fn lines(errors: &[manifest::LoadError]) -> String {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// What would be served.
#[derive(Debug)]
pub struct Loaded {
    summary: Summary,
    snapshot: Arc<Snapshot>,
}

impl Loaded {
    /// What there is, and what is odd about it.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Each zone's apex and master file.
    pub fn zones(&self) -> impl Iterator<Item = (&Name, String)> {
        self.snapshot.master_files()
    }
}

/// Reads or lists everything once, serves nothing.
pub fn load_once(settings: &Settings) -> Result<Loaded, LoadError> {
    let (pipeline, summary) = match settings.source() {
        None => return Err(LoadError::NoSource),
        Some(Source::Manifests(manifests)) => {
            let First { pipeline, summary, .. } = first(settings, manifests)?;
            (pipeline, summary)
        }
        Some(_) => {
            let Empty { mut pipeline, warnings } = empty(settings)?;
            let notices = list_once(settings, &mut pipeline)?;
            let notices = warnings.into_iter().chain(notices).collect();
            let summary = Summary::of(&mut pipeline, BTreeMap::new(), notices);
            (pipeline, summary)
        }
    };
    Ok(Loaded { summary, snapshot: pipeline.current() })
}

/// A pipeline without objects, and what was odd about the surroundings.
pub(super) struct Empty {
    pub(super) pipeline: Pipeline,
    pub(super) warnings: Vec<String>,
}

/// Makes the zones. Comes before anything is read: what is wrong with settings is said at once.
pub(super) fn empty(settings: &Settings) -> Result<Empty, ZoneConfigError> {
    let environment = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
    let (pod, warnings) = advertise::pod_addresses(environment);
    let advertise = advertise::choose(&advertise::Known {
        settings: &settings.server.advertise,
        pod: &pod,
        listen: &settings.server.listen,
        interfaces: &advertise::interfaces(),
    });
    let pipeline = Pipeline::new(settings, pods(settings), advertise)?;
    Ok(Empty { pipeline, warnings })
}

/// First versions, and what follows them.
pub(super) struct First {
    pub(super) manifests: Manifests,
    pub(super) pipeline: Pipeline,
    pub(super) summary: Summary,
}

/// Reads the first versions. What they hold is published in the pipeline.
pub(super) fn first(settings: &Settings, manifests: &[Manifest]) -> Result<First, LoadError> {
    let Empty { mut pipeline, warnings: mut notices } = empty(settings)?;
    let inputs: Vec<Input> = manifests.iter().map(input).collect();
    let loaded = manifest::load(&inputs, &mut std::io::stdin().lock()).map_err(LoadError::Manifests)?;
    let manifest::Loaded { manifests, events, read, reports } = loaded;
    pipeline.take(events);
    pipeline.publish();
    let mut skipped = BTreeMap::<String, usize>::new();
    for ReadReport { origin, skipped: of_file, notices: found, .. } in read {
        notices.extend(found.iter().map(|notice| format!("{origin}: {notice}")));
        for (kind, count) in of_file {
            *skipped.entry(kind).or_default() += count;
        }
    }
    notices.extend(reports.iter().map(ToString::to_string));
    let summary = Summary::of(&mut pipeline, skipped, notices);
    Ok(First { manifests, pipeline, summary })
}

fn input(manifest: &Manifest) -> Input {
    match manifest {
        Manifest::StandardInput => Input::StandardInput,
        Manifest::Path(path) => Input::Path(path.clone()),
    }
}
