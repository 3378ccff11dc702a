//! What every command begins with: an empty pipeline, and the first versions of all manifests.

use super::advertise;
use super::cluster::{ClusterError, pods};
use super::list_once::list_once;
use super::pipeline::Pipeline;
use super::summary::Summary;
use super::zone_files::{Lines, ZoneFileError, ZoneFiles};
use crate::admin::SetJson;
use crate::config::{Manifest, Settings, Source};
use crate::roster::{Roster, SetKey, SetsPass, Wanted};
use crate::source::manifest::{self, Input, Manifests, ReadReport};
use crate::wire::Name;
use crate::zone::{Snapshot, ZoneConfigError};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Why nothing can be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Nothing says where peers come from.
    #[error("there is nothing to read peers from")]
    NoSource,
    /// What cannot be read twice.
    #[error("{0} can be read once only: settings of zones and topologies take a restart with it")]
    Once(
        /// `standard input`, or a pipe.
        String,
    ),
    /// Nobody can read it now.
    #[error("{0}")]
    NotBegun(
        /// Why.
        String,
    ),
    /// Manifests that cannot be read, all of them.
    #[error("{}", Lines(.0))]
    Manifests(Vec<manifest::LoadError>),
    /// Master files that cannot be read, all of them.
    #[error("{}", Lines(.0))]
    ZoneFiles(Vec<ZoneFileError>),
    /// Several of these.
    #[error("{}", Lines(.0))]
    Several(Vec<LoadError>),
    /// The cluster cannot be watched or listed.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Zones that cannot be made.
    #[error(transparent)]
    Zone(#[from] ZoneConfigError),
}

/// What would be served.
#[derive(Debug)]
pub struct Loaded {
    summary: Summary,
    pipeline: Pipeline,
    snapshot: Arc<Snapshot>,
    zone_files: Vec<String>,
}

impl Loaded {
    /// What there is, and what is odd about it.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// What the zone files hold, a line for each.
    pub fn zone_files(&self) -> &[String] {
        &self.zone_files
    }

    /// Who the peers are.
    pub(super) fn roster(&self) -> &Roster {
        self.pipeline.roster()
    }

    /// What would be answered from.
    pub(super) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Every set, as a running server tells of it, by namespace and name, with a digest of who is listed.
    pub(crate) fn sets(&self) -> Vec<SetJson> {
        let mut pass = SetsPass::new(Wanted::default(), None, usize::MAX).with_digests();
        loop {
            if let Some(page) = pass.go_on(self.roster()) {
                return page.sets.into_iter().map(SetJson::from).collect();
            }
        }
    }

    /// The node names that a set lists.
    pub(crate) fn node_names(&self, namespace: &str, set: &str) -> BTreeSet<String> {
        let key = SetKey { namespace: namespace.into(), name: set.into() };
        let page = self.roster().peers_page(&key, 0, usize::MAX);
        let peers = page.into_iter().flat_map(|page| page.peers);
        peers.filter_map(|one| Some(one.peer?.node_name()?.to_string())).collect()
    }

    /// The apexes of the zones that are made from peers.
    pub fn generated_zones(&self) -> impl Iterator<Item = &Name> {
        self.snapshot.generated_zones()
    }

    /// Each zone's apex and master file.
    pub fn zones(&self) -> impl Iterator<Item = (&Name, String)> {
        self.snapshot.master_files()
    }
}

/// Reads or lists everything once, serves nothing.
pub fn load_once(settings: &Settings) -> Result<Loaded, LoadError> {
    let (mut pipeline, summary, zone_files) = match settings.source() {
        None if settings.zone_files.is_empty() => return Err(LoadError::NoSource),
        None => {
            let Empty { mut pipeline, warnings, zone_files, .. } = empty(settings)?;
            let summary = Summary::of(&mut pipeline, BTreeMap::new(), warnings);
            (pipeline, summary, zone_files)
        }
        Some(Source::Manifests(manifests)) => {
            let First { pipeline, summary, zone_files, .. } = first(settings, manifests)?;
            (pipeline, summary, zone_files)
        }
        Some(_) => {
            let Empty { mut pipeline, warnings, zone_files, .. } = empty(settings)?;
            let notices = list_once(settings, &mut pipeline)?;
            let notices = warnings.into_iter().chain(notices).collect();
            let summary = Summary::of(&mut pipeline, BTreeMap::new(), notices);
            (pipeline, summary, zone_files)
        }
    };
    let snapshot = pipeline.before_first();
    Ok(Loaded { summary, pipeline, snapshot, zone_files: zone_files.loaded })
}

/// A pipeline without objects, and what was odd about the surroundings.
pub(super) struct Empty {
    /// With the zones of files.
    pub(super) pipeline: Pipeline,
    pub(super) warnings: Vec<String>,
    pub(super) zone_files: ZoneFiles,
    /// The addresses of the server itself.
    pub(super) advertised: Vec<IpAddr>,
}

/// Makes the zones, those of files with their first versions. Comes before peers are read: what is wrong with settings is
/// said at once.
pub(super) fn empty(settings: &Settings) -> Result<Empty, LoadError> {
    let environment = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
    let (pod, mut warnings) = advertise::pod_addresses(environment);
    let advertise = advertise::choose(&advertise::Known {
        settings: &settings.server.advertise,
        pod: &pod,
        listen: &settings.server.listen,
        interfaces: &advertise::interfaces(),
    });
    let mut pipeline = Pipeline::new(settings, pods(settings), advertise.clone())?;
    let loaded = ZoneFiles::load(&settings.zone_files, pipeline.zone_reader());
    let (mut zone_files, zones) = loaded.map_err(LoadError::ZoneFiles)?;
    warnings.append(&mut zone_files.notices);
    let mut refused = Vec::new();
    for zone in zones {
        warnings.extend(zone.warnings().iter().map(ToString::to_string));
        refused.extend(pipeline.put_zone(Arc::new(zone)).err().map(ZoneFileError::Fault));
    }
    if !refused.is_empty() {
        return Err(LoadError::ZoneFiles(refused));
    }
    Ok(Empty { pipeline, warnings, zone_files, advertised: advertise })
}

/// First versions, and what follows them.
pub(super) struct First {
    pub(super) manifests: Manifests,
    pub(super) pipeline: Pipeline,
    pub(super) summary: Summary,
    pub(super) zone_files: ZoneFiles,
    /// The addresses of the server itself.
    pub(super) advertised: Vec<IpAddr>,
}

/// Reads the first versions. What they hold is published in the pipeline.
pub(super) fn first(settings: &Settings, manifests: &[Manifest]) -> Result<First, LoadError> {
    let empty = empty(settings);
    if let Err(error @ LoadError::Zone(_)) = empty {
        return Err(error);
    }
    let inputs: Vec<Input> = manifests.iter().map(input).collect();
    let loaded = manifest::load(&inputs, &mut std::io::stdin().lock()).map_err(LoadError::Manifests);
    let (Empty { mut pipeline, warnings: mut notices, zone_files, advertised }, loaded) =
        match (empty, loaded) {
            (Ok(empty), Ok(loaded)) => (empty, loaded),
            (Err(one), Err(other)) => return Err(LoadError::Several(vec![one, other])),
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
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
    Ok(First { manifests, pipeline, summary, zone_files, advertised })
}

/// Whether manifests can be read again: not what comes from standard input or a pipe.
pub(super) fn readable_again(manifests: &[Manifest]) -> Result<(), LoadError> {
    let once = manifests.iter().find_map(|manifest| match manifest {
        Manifest::StandardInput => Some("standard input".to_owned()),
        Manifest::Path(path) => {
            let odd = |metadata: &std::fs::Metadata| !metadata.is_file() && !metadata.is_dir();
            std::fs::metadata(path).ok().filter(odd).map(|_| path.display().to_string())
        }
    });
    once.map_or(Ok(()), |what| Err(LoadError::Once(what)))
}

fn input(manifest: &Manifest) -> Input {
    match manifest {
        Manifest::StandardInput => Input::StandardInput,
        Manifest::Path(path) => Input::Path(path.clone()),
    }
}
