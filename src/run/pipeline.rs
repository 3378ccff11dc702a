//! From events to snapshots: the roster and the zone, one behind the other.

use super::clock::unix_time;
use crate::config::{Settings, Source};
use crate::roster::{Counts, Event, Notice, Options, Roster, SetCounts};
use crate::wire::Name;
use crate::zone::{
    CountedZones, Fault, Oversize, PodNames, Put, Snapshot, SnapshotWriter, StaticZone, ZoneConfig,
    ZoneConfigError, ZoneReader, catalog, next_serial,
};
use std::net::IpAddr;
use std::sync::Arc;

/// Takes events in and makes snapshots of them.
#[derive(Debug)]
pub(super) struct Pipeline {
    roster: Roster,
    zone: SnapshotWriter,
    /// Whether serials are taken from the time: manifests have no revisions.
    by_time: bool,
    /// The last serials of zones that are not served any more, those that went last first: one that comes back goes on
    /// from its own.
    former: Vec<(Name, u32)>,
    /// The zone that lists the others, where there is one.
    catalog: Option<Catalog>,
}

/// The zone that lists the others.
#[derive(Debug)]
struct Catalog {
    apex: Name,
    listed: Vec<Name>,
    /// Its last serial; none before its first list.
    serial: Option<u32>,
}

/// How many zones that are not served any more are remembered. Settings name a handful of zones, and tens over the years.
const FORMER_MAX: usize = 1_000;

/// What the catalog is called where files are.
const CATALOG: &str = "transfer.catalog";

impl Pipeline {
    /// A pipeline without objects, whose zones advertise the addresses given.
    pub(super) fn new(
        settings: &Settings,
        pods: PodNames,
        advertise: Vec<IpAddr>,
    ) -> Result<Pipeline, ZoneConfigError> {
        let options = Options {
            cluster_domain: text(&settings.cluster_domain),
            zone: text(&settings.zone),
            label_settings: settings.label_settings,
            topologies: settings.topologies.clone(),
        };
        let zone = SnapshotWriter::new(ZoneConfig {
            zone: settings.zone.clone(),
            cluster_domain: settings.cluster_domain.clone(),
            pods,
            reverse_zones: settings.reverse_zones.clone(),
            advertise,
            nameserver: settings.server.nameserver.clone(),
            hostmaster: settings.server.hostmaster.clone(),
            ttl: settings.server.ttl,
            negative_ttl: settings.server.negative_ttl,
        })?;
        let by_time = !matches!(settings.source(), Some(Source::Kubeconfig { .. } | Source::InCluster));
        let catalog = settings.transfer.catalog.clone();
        let catalog = catalog.map(|apex| Catalog { apex, listed: Vec::new(), serial: None });
        let roster = Roster::new(options);
        let mut pipeline = Pipeline { roster, zone, by_time, former: Vec::new(), catalog };
        pipeline.list_zones();
        Ok(pipeline)
    }

    /// Takes events in. Nothing of them is visible before [`Pipeline::publish`].
    pub(super) fn take(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.roster.handle(event);
        }
    }

    /// Makes a snapshot of what was taken in; `None` where that changed nothing.
    pub(super) fn publish(&mut self) -> Option<Arc<Snapshot>> {
        let Pipeline { roster, zone, .. } = self;
        roster.each_change(&mut |change| zone.apply(&change));
        let version = if self.by_time { Some(unix_time()) } else { self.roster.revision() };
        self.zone.publish(version)
    }

    /// Frees what events have left behind: after the publication, which does not wait for it.
    pub(super) fn free(&mut self) {
        self.roster.free();
    }

    /// What reads master files.
    pub(super) fn zone_reader(&self) -> ZoneReader {
        self.zone.zone_reader()
    }

    /// Puts the zone of a file in its place. It is visible with the next publication.
    pub(super) fn put_zone(&mut self, zone: Arc<StaticZone>) -> Result<Put, Fault> {
        let put = self.zone.put_zone(zone);
        self.list_zones();
        put
    }

    /// Takes the zone of a file away, and returns its apex. It is gone with the next publication.
    pub(super) fn remove_zone(&mut self, file: &str) -> Option<Name> {
        let removed = self.zone.remove_zone(file);
        self.list_zones();
        removed
    }

    /// Brings the catalog up to date.
    fn list_zones(&mut self) {
        let Some(Catalog { apex, listed, serial: last }) = &mut self.catalog else { return };
        let mut zones = self.zone.apexes();
        zones.retain(|zone| zone != apex);
        if zones == *listed {
            return;
        }
        *listed = zones;
        let serial = next_serial(*last, unix_time());
        *last = Some(serial);
        let text = catalog(apex, listed, serial);
        let none = &mut |_: &str, _: &str| Err(String::new());
        match self.zone.zone_reader().read(CATALOG, Some(apex), text, none) {
            Ok(zone) => {
                if let Err(fault) = self.zone.put_zone(Arc::new(zone)) {
                    tracing::warn!("there is no catalog of zones: {fault}");
                }
            }
            Err(faults) => {
                let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
                tracing::warn!("there is no catalog of zones: {}", faults.join("; "));
            }
        }
    }

    /// What can be answered before anything is known of peers.
    pub(super) fn before_first(&mut self) -> Arc<Snapshot> {
        self.zone.before_first()
    }

    /// Goes on from the serials that zones had before, by their apexes: see [`SnapshotWriter::continue_from`]. Those of
    /// zones that are none any more are kept for their return.
    pub(super) fn continue_from(&mut self, last: &[(Name, u32)], same_records: bool) {
        self.zone.continue_from(last, same_records);
        let snapshot = self.zone.current();
        if let Some(catalog) = &mut self.catalog
            && let Some((_, serial)) = last.iter().find(|(apex, _)| *apex == catalog.apex)
        {
            catalog.serial = Some(*serial);
            catalog.listed.clear();
        }
        let catalog = self.catalog.as_ref().map(|catalog| &catalog.apex);
        let is_served =
            |apex: &Name| Some(apex) == catalog || snapshot.generated_zones().any(|served| served == apex);
        self.former = last.iter().filter(|(apex, _)| !is_served(apex)).take(FORMER_MAX).cloned().collect();
        self.list_zones();
    }

    /// The apexes and serials of the zones that are made from peers, as they were last published; behind them the catalog's,
    /// and those of zones that once were.
    pub(super) fn serials(&self) -> Vec<(Name, u32)> {
        let snapshot = self.zone.current();
        let generated = snapshot.generated_zones().count();
        let served = snapshot.serials().take(generated).map(|(apex, serial)| (apex.clone(), serial));
        let catalog = self.catalog.as_ref().and_then(|catalog| Some((catalog.apex.clone(), catalog.serial?)));
        served.chain(catalog).chain(self.former.iter().cloned()).collect()
    }

    /// Counts queries on where another pipeline's were counted, zone by zone.
    pub(super) fn count_on(&mut self, counted: &CountedZones) {
        self.zone.count_on(counted);
    }

    /// The zones made from peers that files add records to, in words.
    pub(super) fn added_to(&self) -> String {
        self.zone.added_to().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    /// The last snapshot.
    pub(super) fn current(&self) -> Arc<Snapshot> {
        self.zone.current()
    }

    /// What has come up about objects and peers since this was last asked.
    pub(super) fn take_notices(&mut self) -> Vec<Notice> {
        self.roster.take_notices()
    }

    /// The sets that have become too large for one message since this was last asked.
    pub(super) fn take_oversize(&mut self) -> Vec<Oversize> {
        self.zone.take_oversize()
    }

    /// Who the peers are.
    pub(super) fn roster(&self) -> &Roster {
        &self.roster
    }

    /// How many RRsets are too large for one message.
    pub(super) fn oversize(&self) -> usize {
        self.zone.oversize()
    }

    /// How much there is.
    pub(super) fn counts(&self) -> Counts {
        self.roster.counts()
    }

    /// Every set, by namespace and name.
    pub(super) fn sets(&self) -> Vec<SetCounts> {
        self.roster.sets()
    }
}

/// A name as the roster has it, without the final dot.
fn text(name: &Name) -> Box<str> {
    let text = name.to_string();
    text.strip_suffix('.').unwrap_or(&text).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{File, Sources, load};
    use crate::roster::{EventKind, Gives, Scope, WatchId};
    use crate::source::manifest::parse;

    /// A pipeline with default settings, but for one flag.
    fn pipeline(flag: (&'static str, &str)) -> Pipeline {
        let sources = Sources { flags: vec![(flag.0, vec![flag.1.to_owned()])], ..Sources::default() };
        let settings = load(&sources).unwrap().settings;
        Pipeline::new(&settings, PodNames::Verified, vec!["192.0.2.53".parse().unwrap()]).unwrap()
    }

    fn event(kind: EventKind) -> Event {
        Event { watch: WatchId(0), revision: None, kind }
    }

    fn list(pipeline: &mut Pipeline, manifest: &str) {
        pipeline.take([event(EventKind::Reset)]);
        for object in parse("test", manifest.as_bytes()).unwrap().objects {
            pipeline.take([event(EventKind::Apply(Box::new(object)))]);
        }
        pipeline.take([event(EventKind::Synced)]);
    }

    const MANIFEST: &str = r#"{"apiVersion": "v1", "kind": "Endpoints",
        "metadata": {"name": "myapp", "namespace": "default"},
        "subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 4369, "name": "epmd"}]}]}"#;

    fn served(snapshot: &Snapshot) -> String {
        snapshot.master_files().map(|(_, text)| text).collect()
    }

    #[test]
    fn settings_and_events_become_records() {
        let mut pipeline = pipeline(("--basename", "node"));
        pipeline.take([event(EventKind::Started(Scope::All, Gives::Peers))]);
        list(&mut pipeline, MANIFEST);
        let snapshot = pipeline.publish().unwrap();
        let text = served(&snapshot);
        for part in ["\"node@10.0.0.1\"", "192.0.2.53", "10-0-0-1.default.pod.cluster.local"] {
            assert!(text.contains(part), "no {part} in\n{text}");
        }
        assert!(Arc::ptr_eq(&snapshot, &pipeline.current()));
        assert_eq!((pipeline.counts().objects, pipeline.sets().len()), (1, 1));
        assert_eq!(pipeline.sets()[0].peers, 1);
    }

    #[test]
    fn serials_are_revisions_with_a_cluster_and_the_time_with_manifests() {
        let serials = |snapshot: &Snapshot| snapshot.serials().map(|(_, serial)| serial).collect::<Vec<_>>();
        let begin = |source| {
            let mut pipeline = pipeline(source);
            pipeline.take([event(EventKind::Started(Scope::All, Gives::Peers))]);
            let waiting = pipeline.publish().unwrap();
            assert!(serials(&waiting).windows(2).all(|pair| pair[0] == pair[1]));
            (pipeline, serials(&waiting)[0])
        };
        let (_, time) = begin(("--manifest", "-"));
        assert!(time > 1_700_000_000, "{time}");
        // High ones too, which do not lie ahead of anything that the zones could have before.
        for revision in [7, 1 << 31, (1 << 32) - 2] {
            let (mut pipeline, waiting) = begin(("--context", "kind"));
            assert!(waiting < 10, "{waiting}");
            pipeline.take([Event { revision: Some(revision), ..event(EventKind::Synced) }]);
            let synced = serials(&pipeline.publish().unwrap());
            assert!(synced.iter().all(|serial| u64::from(*serial) == revision), "{synced:?}");
        }
    }

    #[test]
    fn what_changes_nothing_is_not_published() {
        let mut pipeline = pipeline(("--basename", "node"));
        pipeline.take([event(EventKind::Started(Scope::All, Gives::Peers))]);
        list(&mut pipeline, MANIFEST);
        assert!(pipeline.publish().is_some());
        list(&mut pipeline, MANIFEST);
        assert!(pipeline.publish().is_none());
        list(&mut pipeline, "");
        let snapshot = pipeline.publish().unwrap();
        assert!(!served(&snapshot).contains("node@10.0.0.1"));
    }

    #[test]
    fn every_list_of_zones_has_a_serial_of_its_own() {
        let text = "[transfer]\ncatalog = \"catalog.test\"\n".to_owned();
        let file = Some(File { path: "rosterd.toml".into(), text });
        let settings = load(&Sources { file, ..Sources::default() }).unwrap().settings;
        let begin =
            || Pipeline::new(&settings, PodNames::Verified, vec!["192.0.2.53".parse().unwrap()]).unwrap();
        let listed = |pipeline: &Pipeline| {
            let serials = pipeline.serials();
            let ours = serials.iter().filter(|(apex, _)| apex.to_string() == "catalog.test.");
            ours.map(|(_, serial)| *serial).collect::<Vec<_>>()
        };
        let mut pipeline = begin();
        let mut seen = listed(&pipeline);
        for name in ["a.test", "b.test", "c.test"] {
            let text = format!(
                "$ORIGIN {name}.\n@ 5 SOA ns.{name}. h.{name}. 1 2 3 4 5\n@ 5 NS ns.{name}.\nns 5 A 192.0.2.1\n"
            );
            let none = &mut |_: &str, _: &str| Err(String::new());
            let zone = pipeline.zone_reader().read(name, None, text.into_bytes(), none).unwrap();
            pipeline.put_zone(Arc::new(zone)).unwrap();
            seen.extend(listed(&pipeline));
        }
        pipeline.remove_zone("b.test");
        seen.extend(listed(&pipeline));
        // Other settings, and a clock that was set back by an hour.
        let last = seen[4] + 3600;
        let mut after = begin();
        after.continue_from(&[("catalog.test".parse().unwrap(), last)], false);
        seen.extend(listed(&after));
        assert_eq!(seen.len(), 6, "{seen:?}");
        assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "{seen:?}");
        assert_eq!(seen[5], last + 1);
    }
}
