//! From the records of a file to a zone: what only shows when all of them are known is checked here.

use super::additions::{conflict, generated_zone};
use super::{Above, Rendered, Tree, TreeNode};
use crate::wire::{Name, RecordType};
use crate::zone::master::fields;
use crate::zone::master::{
    Cause, Contents, FAULTS_MAX, Fault, Included, Place, Position, RECORDS_MAX, Record, read,
};
use crate::zone::oversize::ROOM;
use crate::zone::rr;
use crate::zone::snapshot::ZoneTree;
use foldhash::quality::RandomState;
use hashbrown::HashTable;
use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

/// Most names of a zone, those above its owners with them: each record can have more than a hundred of these.
const NAMES_MAX: usize = 2 * RECORDS_MAX;

/// Octets of an SOA's data behind its two names.
const SOA_TIMERS: usize = 20;

/// Where a file begins.
const BEGIN: Place = Place { file: 0, at: Position { line: 1, column: 1 } };

/// A zone as its master file says, or records for a zone that is made from peers.
#[derive(Debug, PartialEq, Eq)]
pub struct StaticZone {
    pub(in crate::zone) origin: Name,
    /// The file, as the caller names it.
    pub(in crate::zone) file: Arc<str>,
    pub(in crate::zone) tree: Tree,
    /// The SOA; none where the records are added to a generated zone.
    pub(in crate::zone) authority: Option<Authority>,
    /// What is odd but served.
    warnings: Vec<Fault>,
}

/// What the SOA of a static zone says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::zone) struct Authority {
    pub(in crate::zone) serial: u32,
    /// The SOA of negative answers, without its owner.
    pub(in crate::zone) negative_soa: Box<[u8]>,
}

/// Reads master files for one server: it knows which zones are made from peers.
#[derive(Debug, Clone)]
pub struct ZoneReader {
    generated: Vec<(Name, ZoneTree)>,
}

impl ZoneReader {
    pub(in crate::zone) fn new(generated: Vec<(Name, ZoneTree)>) -> ZoneReader {
        ZoneReader { generated }
    }

    /// Reads a zone from the text of a master file, or returns every error that it has, up to a bound.
    ///
    /// `name` is the origin that the file's name says. A file without SOA adds records to the zone made from peers whose
    /// apex that is. `include` reads a file that another one includes: given the name of that one and the path in it, it
    /// returns the file, or why it cannot be read.
    pub fn read(
        &self,
        file: &str,
        name: Option<&Name>,
        text: Vec<u8>,
        include: &mut dyn FnMut(&str, &str) -> Result<Included, String>,
    ) -> Result<StaticZone, Vec<Fault>> {
        let contents = read(file, name, text, include);
        let mut build =
            Build { files: contents.files.clone(), faults: contents.faults.clone(), warnings: Vec::new() };
        let home = build.home(&contents, name, &self.generated);
        let Some((origin, home)) = home else { return Err(build.faults) };
        // What a line that cannot be read would have held is not missed.
        let whole = contents.faults.is_empty();
        let mut owners = build.rrsets(contents.records, &origin, home);
        if !add_empty_non_terminals(&mut owners, &origin, NAMES_MAX) {
            build.fault(BEGIN, Cause::TooManyNames(NAMES_MAX));
        }
        build.check(&owners, &origin, whole && home == ZoneTree::Static);
        if !build.faults.is_empty() {
            build.faults.sort_by(|one, other| in_order(one).cmp(&in_order(other)));
            return Err(build.faults);
        }
        let authority = authority(&owners, &origin);
        let tree = build.tree(&owners, &origin);
        build.warnings.sort_by(|one, other| in_order(one).cmp(&in_order(other)));
        Ok(StaticZone { origin, file: file.into(), tree, authority, warnings: build.warnings })
    }
}

impl StaticZone {
    /// The apex.
    pub fn origin(&self) -> &Name {
        &self.origin
    }

    /// The file, as it was named.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The serial of the zone's own SOA; none where the records belong to a generated zone.
    pub fn serial(&self) -> Option<u32> {
        self.authority.as_ref().map(|authority| authority.serial)
    }

    /// What is odd but served, in the order of the text.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// A word where this version of a zone says something else than the one before under the same serial.
    pub fn same_serial(&self, before: &StaticZone) -> Option<Fault> {
        let serial = self.serial()?;
        let odd = self.origin == before.origin && before.serial() == Some(serial) && self.tree != before.tree;
        odd.then(|| Fault {
            file: Arc::clone(&self.file),
            at: Position { line: 1, column: 1 },
            cause: Cause::SameSerial { origin: self.origin.clone(), serial },
        })
    }
}

/// RRsets by owner, in canonical order, and by type.
type Owners = BTreeMap<Canonical, BTreeMap<RecordType, Set>>;

/// A name in the order of RFC 4034 6.1: labels from the right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Canonical {
    labels: Vec<Box<[u8]>>,
}

/// An RRset with the places of its records.
#[derive(Debug)]
struct Set {
    owner: Name,
    /// The lowest.
    ttl: u32,
    /// The first record with another one.
    other_ttl: Option<Place>,
    records: Vec<(Place, Box<[u8]>)>,
}

struct Build {
    files: Vec<Arc<str>>,
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
}

impl Build {
    /// The zone's apex, and whether it is a zone of its own or one that is made from peers.
    fn home(
        &mut self,
        contents: &Contents,
        name: Option<&Name>,
        generated: &[(Name, ZoneTree)],
    ) -> Option<(Name, ZoneTree)> {
        let first = contents.records.first().map_or(BEGIN, |record| record.place);
        let zones = || generated.iter().map(|(name, tree)| (name, *tree));
        let mut soas = contents.records.iter().filter(|record| record.rtype == RecordType::SOA);
        let Some(soa) = soas.next() else {
            if contents.records.is_empty() {
                if self.faults.is_empty() {
                    self.fault(first, Cause::Empty);
                }
                return None;
            }
            let home = name.and_then(|name| Some((name.clone(), generated_zone(zones(), name)?)));
            if home.is_none() && self.faults.is_empty() {
                let generated: Vec<String> = zones().map(|(name, _)| name.to_string()).collect();
                let origin = name.map_or_else(|| "the file's name".to_owned(), Name::to_string);
                self.fault(first, Cause::NoSoa { origin, generated: generated.join(", ") });
            }
            return home;
        };
        for second in soas {
            self.fault(second.place, Cause::SecondSoa(soa.place.at.line));
        }
        if generated_zone(zones(), &soa.owner).is_some() {
            self.fault(soa.place, Cause::GeneratedApex(soa.owner.clone()));
        }
        Some((soa.owner.clone(), ZoneTree::Static))
    }

    /// Gathers records to RRsets; those that cannot be in the zone are faults.
    fn rrsets(&mut self, records: Vec<Record>, origin: &Name, home: ZoneTree) -> Owners {
        let mut owners = Owners::new();
        let mut known = HashSet::new();
        for Record { place, owner, ttl, rtype, rdata } in records {
            if !owner.is_at_or_below(origin) {
                self.fault(place, Cause::OutOfZone { owner, origin: origin.clone() });
                continue;
            }
            if let Some(cause) = conflict(home, origin, &owner, rtype) {
                self.fault(place, cause);
                continue;
            }
            let set = owners.entry(Canonical::of(&owner)).or_default().entry(rtype);
            let set = set.or_insert_with(|| Set {
                owner: owner.clone(),
                ttl,
                other_ttl: None,
                records: Vec::new(),
            });
            if set.ttl != ttl {
                set.ttl = set.ttl.min(ttl);
                set.other_ttl.get_or_insert(place);
            }
            // RFC 2181 5: an RRset has no two RRs of the same data.
            if known.insert((owner, rtype, fields::folded(rtype, &rdata))) {
                set.records.push((place, rdata));
            }
        }
        owners
    }

    /// What types say of each other at one name, and what the apex must have.
    fn check(&mut self, owners: &Owners, origin: &Name, needs_ns: bool) {
        for (types, owner) in owners.values().filter_map(|types| Some((types, &types.values().next()?.owner)))
        {
            for rtype in [RecordType::CNAME, RecordType::DNAME] {
                // RFC 2181 10.1 for CNAME, RFC 6672 2.4 for DNAME.
                if let Some((second, _)) = types.get(&rtype).and_then(|set| set.records.get(1)) {
                    self.fault(*second, Cause::Singleton { owner: owner.clone(), rtype });
                }
            }
            if let Some(alias) = types.get(&RecordType::CNAME)
                && let Some(other) = types.keys().find(|rtype| **rtype != RecordType::CNAME)
            {
                let cause = Cause::AliasAndOther { owner: owner.clone(), other: *other };
                self.fault(alias.place(), cause);
            }
            if let (Some(dname), true) = (types.get(&RecordType::DNAME), types.contains_key(&RecordType::NS))
                && owner != origin
            {
                self.fault(dname.place(), Cause::CutAndRedirection(owner.clone()));
            }
        }
        let apex = owners.get(&Canonical::of(origin));
        if let (true, Some(apex)) = (needs_ns, apex)
            && let (Some(soa), false) = (apex.get(&RecordType::SOA), apex.contains_key(&RecordType::NS))
        {
            self.fault(soa.place(), Cause::NoNs(origin.clone()));
        }
    }

    /// The tree of checked RRsets.
    fn tree(&mut self, owners: &Owners, origin: &Name) -> Tree {
        let mut nodes: Vec<TreeNode> = Vec::with_capacity(owners.len());
        // The names from the apex to the last node, with their places.
        let mut path: Vec<(Canonical, u32)> = Vec::new();
        for (canonical, types) in owners {
            let Ok(place) = u32::try_from(nodes.len()) else { break };
            while path.last().is_some_and(|(last, _)| !canonical.is_below(last)) {
                path.pop();
            }
            let Some(name) = canonical.name() else { continue };
            let parent = path.last().and_then(|(_, parent)| nodes.get_mut(usize::try_from(*parent).ok()?));
            let mut above = None;
            if let Some(parent) = parent {
                let redirected = parent
                    .rrset(RecordType::DNAME)
                    .is_some()
                    .then(|| path.last().map(|(_, place)| Above::Redirection(*place)));
                above = parent.above.or(redirected.flatten());
                if canonical.is_wildcard() {
                    parent.wildcard = Some(place);
                }
            }
            if above.is_none() && types.contains_key(&RecordType::NS) && name != *origin {
                above = Some(Above::Cut(place));
            }
            nodes.push(TreeNode { name, rrsets: rendered(types), above, wildcard: None });
            path.push((canonical.clone(), place));
        }
        let hasher = RandomState::default();
        let mut places = HashTable::with_capacity(nodes.len());
        for (place, node) in nodes.iter().enumerate() {
            if let Ok(place) = u32::try_from(place) {
                places.insert_unique(hasher.hash_one(node.name.as_wire()), place, |place| {
                    let node = usize::try_from(*place).ok().and_then(|place| nodes.get(place));
                    hasher.hash_one(node.map_or(&[][..], |node| node.name.as_wire()))
                });
            }
        }
        let tree = Tree { nodes, places, hasher };
        self.remark(owners, &tree, origin);
        tree
    }

    /// What is odd in a zone that is right.
    fn remark(&mut self, owners: &Owners, tree: &Tree, origin: &Name) {
        for set in owners.values().flat_map(BTreeMap::iter) {
            let (&rtype, set) = set;
            let Some(node) = tree.get(set.owner.as_wire()) else { continue };
            if let Some(place) = set.other_ttl {
                self.warn(place, Cause::Ttls { owner: set.owner.clone(), rtype, ttl: set.ttl });
            }
            if node.rrset(rtype).is_some_and(|rrset| rrset.octets.len() > ROOM) {
                self.warn(set.place(), Cause::Oversize { owner: set.owner.clone(), rtype });
            }
            let above = match node.above {
                Some(Above::Cut(place)) => tree.node(place).map(|above| (above, RecordType::NS)),
                Some(Above::Redirection(place)) => tree.node(place).map(|above| (above, RecordType::DNAME)),
                None => None,
            };
            if let Some((above, by)) = above {
                // At a cut, NS and DS; addresses at and below it are glue.
                let at_cut = matches!(rtype, RecordType::NS | RecordType::DS) && above.name == set.owner;
                let glue = by == RecordType::NS && matches!(rtype, RecordType::A | RecordType::AAAA);
                if !at_cut && !glue {
                    let owner = set.owner.clone();
                    self.warn(set.place(), Cause::Occluded { owner, above: above.name.clone(), rtype: by });
                }
            }
            let wildcard = set.owner.labels().next() == Some(b"*");
            if wildcard && matches!(rtype, RecordType::NS | RecordType::DNAME) {
                self.warn(set.place(), Cause::OddWildcard { owner: set.owner.clone(), rtype });
            }
            self.remark_targets(set, rtype, tree, origin);
        }
    }

    /// Targets that cannot be reached.
    fn remark_targets(&mut self, set: &Set, rtype: RecordType, tree: &Tree, origin: &Name) {
        if !matches!(rtype, RecordType::NS | RecordType::MX | RecordType::SRV) {
            return;
        }
        let Some(at) = fields::target_at(rtype) else { return };
        for (place, rdata) in &set.records {
            let target = rdata.get(at..).and_then(Name::split_from).map(|(name, _)| name);
            let Some(target) = target.filter(|target| target.is_at_or_below(origin)) else { continue };
            let node = tree.get(target.as_wire());
            if node.is_some_and(|node| node.rrset(RecordType::CNAME).is_some()) {
                self.warn(*place, Cause::TargetIsAlias { target, rtype });
                continue;
            }
            let has_address = node.is_some_and(|node| {
                node.rrset(RecordType::A).is_some() || node.rrset(RecordType::AAAA).is_some()
            });
            let needs_address = set.owner == *origin || target.is_at_or_below(&set.owner);
            if rtype == RecordType::NS && needs_address && !has_address {
                self.warn(*place, Cause::NoGlue(target));
            }
        }
    }

    fn fault(&mut self, place: Place, cause: Cause) {
        push(&mut self.faults, &self.files, place, cause);
    }

    fn warn(&mut self, place: Place, cause: Cause) {
        push(&mut self.warnings, &self.files, place, cause);
    }
}

/// Faults as they stand in the text; that there are more comes last.
fn in_order(fault: &Fault) -> (bool, &str, Position) {
    (fault.cause == Cause::More, &fault.file, fault.at)
}

fn push(to: &mut Vec<Fault>, files: &[Arc<str>], Place { file, at }: Place, cause: Cause) {
    let file = files.get(file).cloned().unwrap_or_else(|| "".into());
    match to.len() {
        ..FAULTS_MAX => to.push(Fault { file, at, cause }),
        FAULTS_MAX => to.push(Fault { file, at, cause: Cause::More }),
        _ => {}
    }
}

/// RFC 4592 2.2.2: names without records exist if there are names below them. False where there are more than `most`.
fn add_empty_non_terminals(owners: &mut Owners, origin: &Name, most: usize) -> bool {
    let apex = Canonical::of(origin);
    let mut missing = Vec::new();
    let mut last: Option<&Canonical> = None;
    for canonical in owners.keys() {
        let shared = last.map_or(0, |last| {
            last.labels.iter().zip(&canonical.labels).take_while(|(one, other)| one == other).count()
        });
        for length in (shared + 1).max(apex.labels.len())..canonical.labels.len() {
            missing.push(Canonical { labels: canonical.labels.iter().take(length).cloned().collect() });
        }
        if owners.len() + missing.len() > most {
            return false;
        }
        last = Some(canonical);
    }
    missing.push(apex);
    for canonical in missing {
        owners.entry(canonical).or_default();
    }
    true
}

fn rendered(types: &BTreeMap<RecordType, Set>) -> Box<[Rendered]> {
    let render = |(&rtype, set): (&RecordType, &Set)| {
        let octets: Vec<u8> =
            set.records.iter().flat_map(|(_, rdata)| rr::render(rtype, set.ttl, rdata).into_vec()).collect();
        Rendered { rtype, ttl: set.ttl, records: set.records.len(), octets: octets.into() }
    };
    types.iter().map(render).collect()
}

fn authority(owners: &Owners, origin: &Name) -> Option<Authority> {
    let set = owners.get(&Canonical::of(origin))?.get(&RecordType::SOA)?;
    let (_, rdata) = set.records.first()?;
    let timers = rdata.get(rdata.len().checked_sub(SOA_TIMERS)?..)?;
    let serial = u32::from_be_bytes(*timers.first_chunk()?);
    let minimum = u32::from_be_bytes(*timers.last_chunk()?);
    // RFC 2308 3: "The TTL of this record is set from the minimum of the MINIMUM field of the SOA record and the TTL of
    // the SOA itself".
    let negative = rr::render(RecordType::SOA, set.ttl.min(minimum), rdata);
    Some(Authority { serial, negative_soa: negative.get(2..).unwrap_or(&[]).into() })
}

impl Set {
    /// Where its first record stands.
    fn place(&self) -> Place {
        self.records.first().map_or(BEGIN, |(place, _)| *place)
    }
}

impl Canonical {
    fn of(name: &Name) -> Canonical {
        let mut labels: Vec<Box<[u8]>> = name.labels().map(Box::from).collect();
        labels.reverse();
        Canonical { labels }
    }

    fn name(&self) -> Option<Name> {
        Name::below(self.labels.iter().rev().map(|label| &**label), &Name::root()).ok()
    }

    fn is_below(&self, other: &Canonical) -> bool {
        self.labels.len() > other.labels.len() && self.labels.starts_with(&other.labels)
    }

    fn is_wildcard(&self) -> bool {
        self.labels.last().is_some_and(|label| **label == *b"*")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_above_owners_are_counted() {
        for (most, fits) in [(6, true), (5, true), (4, false)] {
            let names: [Name; 2] = ["a.b.c.z", "d.c.z"].map(|name| name.parse().unwrap());
            let mut owners: Owners =
                names.iter().map(|name| (Canonical::of(name), BTreeMap::new())).collect();
            assert_eq!(add_empty_non_terminals(&mut owners, &"z".parse().unwrap(), most), fits, "{most}");
            assert_eq!(owners.len(), if fits { 5 } else { 2 });
        }
    }
}
