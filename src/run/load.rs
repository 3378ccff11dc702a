//! The first versions of all manifests, into a first snapshot: what every command begins with.

use super::advertise;
use super::pipeline::Pipeline;
use super::summary::Summary;
use crate::config::{Manifest, Settings};
use crate::source::manifest::{self, Input, Manifests};
use crate::wire::Name;
use crate::zone::{Snapshot, ZoneConfigError};
use std::sync::Arc;

/// Why nothing can be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Manifests that cannot be read, all of them.
    #[error("{}", lines(.0))]
    Manifests(Vec<manifest::LoadError>),
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

/// Reads everything once, serves nothing.
pub fn load_once(settings: &Settings) -> Result<Loaded, LoadError> {
    let First { pipeline, summary, .. } = first(settings)?;
    Ok(Loaded { summary, snapshot: pipeline.current() })
}

/// First versions, and what follows them.
pub(super) struct First {
    pub(super) manifests: Manifests,
    pub(super) pipeline: Pipeline,
    pub(super) summary: Summary,
}

/// Reads the first versions. What they hold is published in the pipeline.
pub(super) fn first(settings: &Settings) -> Result<First, LoadError> {
    let environment = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
    let (pod, warnings) = advertise::pod_addresses(environment);
    let advertise = advertise::choose(&advertise::Known {
        settings: &settings.server.advertise,
        pod: &pod,
        listen: &settings.server.listen,
        interfaces: &advertise::interfaces(),
    });
    // Before anything is read: what is wrong with settings is said at once.
    let mut pipeline = Pipeline::new(settings, advertise)?;
    let inputs: Vec<Input> = settings.manifests.iter().map(input).collect();
    let loaded = manifest::load(&inputs, &mut std::io::stdin().lock()).map_err(LoadError::Manifests)?;
    let manifest::Loaded { manifests, events, read, reports } = loaded;
    pipeline.take(events);
    pipeline.publish();
    let mut summary = Summary::of(&mut pipeline, &read, &reports);
    summary.notices.splice(..0, warnings);
    Ok(First { manifests, pipeline, summary })
}

fn input(manifest: &Manifest) -> Input {
    match manifest {
        Manifest::StandardInput => Input::StandardInput,
        Manifest::Path(path) => Input::Path(path.clone()),
    }
}
