//! The one writer: changes of the roster in, snapshots out.

use super::apex::{Apex, Authority};
use super::arpa::Tree;
use super::holders::AddressTable;
use super::master::{Cause, Fault, Position};
use super::ordered::OrderedTable;
use super::oversize::{Oversize, OversizeWatch};
use super::readiness::Readiness;
use super::refusals::Refusals;
use super::rr::render;
use super::serial;
use super::set::{DEFAULT_TTL, Drafts, Rendering, SetRecords, txt_rdata};
use super::sharded::ShardedTable;
use super::snapshot::{Constants, Snapshot, Zone, ZoneTree};
use super::static_table::StaticTable;
use super::static_zone::{StaticZone, ZoneReader};
use super::target::Domains;
use super::{CountedZones, PodNames, ZonePlace};
use crate::roster::{Change, Peer, SetKey, SetSettings};
use crate::wire::{Ending, Name, NameError, QueryName, RecordType};
use foldhash::HashMap;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// The version of the Kubernetes DNS specification whose shape the peer zone has, at `dns-version.<zone>`.
const DNS_VERSION: &str = "1.1.0";

/// What the zones are made with.
#[derive(Debug, Clone)]
pub struct ZoneConfig {
    /// Apex of the peer zone.
    pub zone: Name,
    /// The cluster's own domain.
    pub cluster_domain: Name,
    /// How pod names are served.
    pub pods: PodNames,
    /// Apexes of reverse zones.
    pub reverse_zones: Vec<Name>,
    /// Addresses of `ns.dns.<zone>`.
    pub advertise: Vec<IpAddr>,
    /// MNAME and NS of all generated zones; `ns.dns.<zone>` where absent.
    pub nameserver: Option<Name>,
    /// RNAME; `hostmaster.<zone>` where absent.
    pub hostmaster: Option<Name>,
    /// The server's TTL in seconds, where a setting gives one.
    pub ttl: Option<u32>,
    /// TTL of negative answers in seconds.
    pub negative_ttl: u32,
}

/// What became of the zone of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// Whether its records are others than before.
    pub changed: bool,
    /// What is odd about the change.
    pub warning: Option<Fault>,
}

/// Why zones cannot be made with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZoneConfigError {
    /// A name below `zone` or `cluster_domain` would be too long.
    #[error("{0} is too long for the names below it: {1}")]
    TooLong(Name, NameError),
    /// A reverse zone outside both reverse trees.
    #[error("{0} is not a name of addresses below in-addr.arpa or ip6.arpa")]
    NotReverse(Name),
    /// Two zones with one apex.
    #[error("two zones have the apex {0}")]
    SameApex(Name),
}

/// Builds snapshots from changes.
#[derive(Debug)]
pub struct SnapshotWriter {
    building: Snapshot,
    /// Sets by namespace; refused ones count once more.
    of_sets: Counted,
    /// Held addresses by namespace.
    of_addresses: Counted,
    /// Where the records of a change are put together.
    drafts: Drafts,
    authority: Authority,
    published: Arc<Snapshot>,
    /// For each zone of `building`, whether its records changed since the last publication.
    dirty: Vec<bool>,
    /// Whether anything else changed since.
    changed: bool,
    /// Whether the source has told a version that serials are taken from.
    versioned: bool,
    /// Zones that go on from a serial of another writer, by their places: whether the next publication brings the records
    /// that had it.
    continued: BTreeMap<usize, bool>,
    oversize: OversizeWatch,
    /// The zones of files, by apex.
    files: BTreeMap<Name, Arc<StaticZone>>,
    /// Their apexes, by file.
    origins: BTreeMap<Arc<str>, Name>,
    /// Whether one of them changed since the last publication.
    files_changed: bool,
}

impl SnapshotWriter {
    /// A writer whose snapshot holds no sets and is not ready.
    pub fn new(config: ZoneConfig) -> Result<SnapshotWriter, ZoneConfigError> {
        let below = |labels: &[&[u8]], origin: &Name| {
            Name::below(labels.iter().copied(), origin)
                .map_err(|error| ZoneConfigError::TooLong(origin.clone(), error))
        };
        let nameserver =
            config.nameserver.clone().map_or_else(|| below(&[b"ns", b"dns"], &config.zone), Ok)?;
        let hostmaster =
            config.hostmaster.clone().map_or_else(|| below(&[b"hostmaster"], &config.zone), Ok)?;
        let ttl = config.ttl.unwrap_or(DEFAULT_TTL);
        let authority = Authority { nameserver, hostmaster, ttl, negative_ttl: config.negative_ttl };
        let mut zones = zones(&config, &authority, &below(&[b"pod"], &config.cluster_domain)?)?;
        let counted = Arc::new(places(&mut zones, CountedZones::default()));
        let mut advertised = config.advertise;
        advertised.sort_unstable();
        advertised.dedup();
        let constants = Constants {
            pods: config.pods,
            advertised,
            nameserver_is_ours: config.nameserver.is_none(),
            dns_version: render(RecordType::TXT, ttl, &txt_rdata(DNS_VERSION).unwrap_or_default()),
            rendering: Rendering {
                serves_pods: config.pods != PodNames::Disabled,
                ttl: config.ttl,
                domains: Domains { zone: config.zone, cluster: config.cluster_domain },
            },
        };
        let building = Snapshot {
            ending: Ending::of(zones.iter().map(|zone| zone.origin.as_wire())),
            constants: Arc::new(constants),
            zones,
            counted,
            statics: Arc::default(),
            sets: ShardedTable::new(),
            set_namespaces: OrderedTable::default(),
            addresses: AddressTable::default(),
            pod_namespaces: OrderedTable::default(),
            readiness: Readiness::default(),
            refusals: Refusals::new(),
        };
        Ok(SnapshotWriter {
            dirty: vec![true; building.zones.len()],
            published: Arc::new(building.clone()),
            building,
            of_sets: Counted::default(),
            of_addresses: Counted::default(),
            drafts: Drafts::default(),
            authority,
            changed: true,
            versioned: false,
            continued: BTreeMap::new(),
            oversize: OversizeWatch::default(),
            files: BTreeMap::new(),
            origins: BTreeMap::new(),
            files_changed: false,
        })
    }

    /// What reads master files for these zones.
    pub fn zone_reader(&self) -> ZoneReader {
        ZoneReader::new(self.building.zones.iter().map(|zone| (zone.origin.clone(), zone.tree)).collect())
    }

    /// Puts the zone of a file in place of what the file held before. It becomes visible with the next publication.
    ///
    /// It is refused where another file has the zone.
    pub fn put_zone(&mut self, zone: Arc<StaticZone>) -> Result<Put, Fault> {
        let before = self.files.get(&zone.origin);
        if let Some(other) = before.filter(|before| before.file != zone.file) {
            let cause = Cause::SameZone { origin: zone.origin.clone(), other: other.file.to_string() };
            let at = Position { line: 1, column: 1 };
            return Err(Fault { file: Arc::clone(&zone.file), at, cause });
        }
        let warning = before.and_then(|before| zone.same_serial(before));
        let same = before.is_some_and(|before| before.tree == zone.tree);
        if !same {
            // The file may have had another zone before.
            self.remove_zone(&zone.file);
            self.origins.insert(Arc::clone(&zone.file), zone.origin.clone());
            self.records_changed(&zone.origin, Some(&zone));
        }
        self.files.insert(zone.origin.clone(), zone);
        Ok(Put { changed: !same, warning })
    }

    /// The apexes of all zones that can be given to others, in order.
    pub fn apexes(&self) -> Vec<Name> {
        let made_up =
            |zone: &&Zone| zone.tree == ZoneTree::Pods && self.building.constants.pods != PodNames::Verified;
        let generated = self.building.zones.iter().filter(|zone| !made_up(zone)).map(|zone| &zone.origin);
        let of_files = self.files.values().filter(|file| file.authority.is_some()).map(|file| &file.origin);
        let mut apexes: Vec<Name> = generated.chain(of_files).cloned().collect();
        apexes.sort_unstable();
        apexes
    }

    /// What can be answered before anything is known of peers: the zones of files. Nothing is published by this, and no
    /// serial is given.
    pub fn before_first(&mut self) -> Arc<Snapshot> {
        if !self.versioned {
            self.building.statics = Arc::new(StaticTable::of(self.files.values().map(Arc::clone)));
            self.published = Arc::new(self.building.clone());
        }
        self.current()
    }

    /// Takes the zone of a file away, and returns its apex. It is gone with the next publication.
    pub fn remove_zone(&mut self, file: &str) -> Option<Name> {
        let origin = self.origins.remove(file)?;
        self.files.remove(&origin);
        self.records_changed(&origin, None);
        Some(origin)
    }

    /// Marks what the records of a file concern.
    fn records_changed(&mut self, origin: &Name, records: Option<&Arc<StaticZone>>) {
        let generated =
            self.building.zones.iter_mut().zip(&mut self.dirty).find(|(zone, _)| zone.origin == *origin);
        match generated {
            Some((zone, dirty)) => {
                zone.set_records(records.map(Arc::clone));
                *dirty = true;
            }
            None => self.files_changed = true,
        }
    }

    /// Takes one change in; it becomes visible with the next publication.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Set(key, settings) => self.set(key, settings),
            Change::SetGone(key) => self.set_gone(key),
            Change::Peer { set, old, new } => self.peer(set, old.as_ref(), new.as_ref()),
            Change::Address { namespace, address, held } => {
                if self.building.addresses.set_held(*address, namespace, *held) {
                    self.of_addresses.count(&mut self.building.pod_namespaces, namespace, *held);
                    self.mark(|tree| match tree {
                        ZoneTree::Static | ZoneTree::Peers => false,
                        ZoneTree::Pods => true,
                        ZoneTree::Reverse(_, covered) => covered.holds(*address),
                    });
                }
            }
            Change::Namespace { namespace, known } => {
                self.building.readiness.set(namespace, *known);
                self.changed = true;
            }
            Change::All { known, everywhere } => {
                self.building.readiness.all = *known;
                self.building.readiness.everywhere = *everywhere;
                self.changed = true;
            }
            Change::Refused { set, refused } => {
                if self.building.refusals.set_refused(set, *refused) {
                    self.of_sets.count(&mut self.building.set_namespaces, &set.namespace, *refused);
                    self.mark(|tree| tree == ZoneTree::Peers);
                }
            }
            Change::Unparsed { namespace, any } => {
                self.building.refusals.set_unparsed(namespace, *any);
                self.changed = true;
            }
        }
    }

    /// Publishes what was applied since the last publication; `None` where nothing was.
    ///
    /// Each zone whose records changed takes its serial from `version`: the highest revision applied, or with manifests
    /// Unix time in seconds. None where a source that has revisions has told none yet, nothing being complete; its first
    /// one is the serial of every zone, whatever that was before.
    pub fn publish(&mut self, version: Option<u64>) -> Option<Arc<Snapshot>> {
        if !self.changed && !self.files_changed && !self.dirty.contains(&true) {
            return None;
        }
        let first = version.filter(|_| !self.versioned).map(serial::first);
        if std::mem::take(&mut self.files_changed) {
            self.building.statics = Arc::new(StaticTable::of(self.files.values().map(Arc::clone)));
        }
        for (place, (zone, dirty)) in self.building.zones.iter_mut().zip(&mut self.dirty).enumerate() {
            let (dirty, last) = (std::mem::take(dirty), zone.apex.serial);
            let same = self.continued.get_mut(&place).map(std::mem::take);
            let serial = match (same, first) {
                (Some(true), _) => last,
                (None, Some(first)) => first,
                _ if dirty => serial::next(last, version),
                _ => continue,
            };
            zone.apex = Arc::new(Apex::new(&self.authority, serial));
        }
        self.changed = false;
        self.versioned |= version.is_some();
        self.published = Arc::new(self.building.clone());
        Some(self.current())
    }

    /// Goes on from serials that zones had before this writer, by their apexes.
    ///
    /// Where the next publication brings the `same_records`, the serial stays, so that it goes on meaning the same content.
    /// Otherwise that is ahead of the last one, whatever the source's version is (RFC 1982 3.2), and so is every later one.
    pub fn continue_from(&mut self, last: &[(Name, u32)], same_records: bool) {
        for (place, (zone, dirty)) in self.building.zones.iter_mut().zip(&mut self.dirty).enumerate() {
            let Some((_, serial)) = last.iter().find(|(apex, _)| *apex == zone.origin) else { continue };
            zone.apex = Arc::new(Apex::new(&self.authority, *serial));
            *dirty = true;
            // What files add may be other than it was.
            self.continued.insert(place, same_records && zone.records().is_none());
        }
    }

    /// Counts on where another writer has counted. It holds with the next publication, which there is by this.
    pub fn count_on(&mut self, counted: &CountedZones) {
        self.building.counted = Arc::new(places(&mut self.building.zones, counted.clone()));
        self.changed = true;
    }

    /// The apexes of the zones made from peers that files add records to.
    pub fn added_to(&self) -> impl Iterator<Item = &Name> {
        self.building.zones.iter().filter(|zone| zone.records().is_some()).map(|zone| &zone.origin)
    }

    /// What was published last.
    pub fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.published)
    }

    /// How many RRsets of sets are too large for one message.
    pub fn oversize(&self) -> usize {
        self.oversize.count()
    }

    /// The RRsets that have become too large for one message since last asked.
    pub fn take_oversize(&mut self) -> Vec<Oversize> {
        self.oversize.take()
    }

    fn set(&mut self, key: &SetKey, settings: &Arc<SetSettings>) {
        let constants = Arc::clone(&self.building.constants);
        let (mut new, mut differs) = (false, false);
        let oversize = &mut self.oversize;
        self.building.sets.update(&key.namespace, &key.name, |slot| {
            if let Some(set) = slot {
                differs = Arc::make_mut(set).set_settings(&constants.rendering, Arc::clone(settings));
                oversize.look(set);
            } else {
                *slot = Some(Arc::new(SetRecords::new(key.clone(), Arc::clone(settings))));
                new = true;
            }
        });
        if new {
            self.of_sets.count(&mut self.building.set_namespaces, &key.namespace, true);
        }
        if new || differs {
            self.mark(|tree| tree == ZoneTree::Peers);
        }
    }

    fn set_gone(&mut self, key: &SetKey) {
        let mut gone = false;
        self.building.sets.update(&key.namespace, &key.name, |slot| gone = slot.take().is_some());
        if gone {
            self.of_sets.count(&mut self.building.set_namespaces, &key.namespace, false);
            self.mark(|tree| tree == ZoneTree::Peers);
        }
    }

    fn peer(&mut self, key: &SetKey, old: Option<&Arc<Peer>>, new: Option<&Arc<Peer>>) {
        let constants = Arc::clone(&self.building.constants);
        let mut differs = false;
        let SnapshotWriter { building, oversize, drafts, .. } = self;
        if let Some(set) = building.sets.get_mut(&key.namespace, &key.name) {
            let (old, new) = (old.map(|peer| &**peer), new.map(|peer| &**peer));
            differs = Arc::make_mut(set).change(&constants.rendering, old, new, drafts);
            oversize.look(set);
        }
        if differs {
            self.mark(|tree| tree == ZoneTree::Peers);
        }
        // What comes before what goes: a name that both have never changed.
        let come = new.is_some_and(|peer| self.building.addresses.insert(peer));
        let gone = old.is_some_and(|peer| self.building.addresses.remove(peer));
        if come || gone {
            self.mark(|tree| tree == ZoneTree::Pods);
        }
    }

    /// Marks the zones whose records changed.
    fn mark(&mut self, concerned: impl Fn(ZoneTree) -> bool) {
        for (zone, dirty) in self.building.zones.iter().zip(&mut self.dirty) {
            *dirty |= concerned(zone.tree);
        }
    }
}

/// Gives each zone the place where it is counted: a former one, or one that nobody has had.
fn places(zones: &mut [Zone], mut counted: CountedZones) -> CountedZones {
    for zone in zones {
        zone.place = counted.place_of(&zone.origin);
    }
    counted
}

/// The served zones, those with more labels first.
fn zones(config: &ZoneConfig, authority: &Authority, pods: &Name) -> Result<Vec<Zone>, ZoneConfigError> {
    let apex = Arc::new(Apex::new(authority, 0));
    let mut zones = vec![zone_of(&config.zone, ZoneTree::Peers, &apex)];
    if config.pods != PodNames::Disabled {
        zones.push(zone_of(pods, ZoneTree::Pods, &apex));
    }
    for origin in &config.reverse_zones {
        let mut name = QueryName::new();
        let covered = Tree::of(origin).and_then(|tree| {
            name.read(origin.as_wire(), 0).ok()?;
            Some(ZoneTree::Reverse(tree, tree.covered(&name)?))
        });
        let tree = covered.ok_or_else(|| ZoneConfigError::NotReverse(origin.clone()))?;
        zones.push(zone_of(origin, tree, &apex));
    }
    zones.sort_by_key(|zone| std::cmp::Reverse(zone.origin.labels().count()));
    for (index, zone) in zones.iter().enumerate() {
        if zones.iter().skip(index + 1).any(|other| other.origin == zone.origin) {
            return Err(ZoneConfigError::SameApex(zone.origin.clone()));
        }
    }
    Ok(zones)
}

fn zone_of(origin: &Name, tree: ZoneTree, apex: &Arc<Apex>) -> Zone {
    Zone::new(origin.clone(), ZonePlace::OTHERS, tree, Arc::clone(apex))
}

/// How many of something each namespace has. Which have any is all that snapshots know: to copy more with each change
/// would cost as much as the change.
#[derive(Debug, Default)]
struct Counted(HashMap<Arc<str>, usize>);

impl Counted {
    /// Counts one more or one less.
    fn count(&mut self, any: &mut OrderedTable<Arc<[u8]>, ()>, namespace: &Arc<str>, more: bool) {
        let count = self.0.entry(Arc::clone(namespace)).or_default();
        let before = *count;
        *count = if more { before + 1 } else { before.saturating_sub(1) };
        let after = *count;
        if after == 0 {
            self.0.remove(namespace);
        }
        if (before > 0) != (after > 0) {
            any.update(&Arc::clone(namespace).into(), |value| *value = (after > 0).then_some(()));
        }
    }
}
