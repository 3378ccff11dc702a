//! What a person may ask of the roster: which sets there are, who is in them or not, and why. Read only.
//!
//! Whoever changes the roster never waits for long: what asks for all sets looks at a few hundred of them at a time
//! ([`TotalsPass`], [`SetsPass`]), and pages of peers cost what is on them.

use super::broken::Broken;
use super::digest::digest;
use super::index::Parts;
use super::join::{Resolved, View};
use super::set::{Contribution, Published, Set};
use super::store::{Claim, Entry, Object, Store};
use super::{
    Family, Hostname, Include, Mode, NoticeKind, ObjectKey, Peer, Placement, Roster, SetKey, Topology,
};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// How much there is, for metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// By topology, in file order.
    pub topologies: Vec<TopologyTotals>,
    /// All objects of all watches.
    pub objects: usize,
    /// Objects that do not parse as they are now.
    pub broken: usize,
    /// Notices by kind, since the roster began.
    pub notices: BTreeMap<NoticeKind, u64>,
    /// The highest revision that was applied.
    pub revision: Option<u64>,
}

/// How much one topology yields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopologyTotals {
    /// Its name.
    pub name: Option<Box<str>>,
    /// Sets that it owns.
    pub sets: usize,
    /// Those of them that list nobody.
    pub empty_sets: usize,
    /// Objects that contribute to them.
    pub objects: usize,
    /// Peers that they list.
    pub listed: usize,
    /// Peers that they could list, and do not.
    pub left_out: usize,
}

/// Counts what there is, a part at a time. What changes between two parts may be counted as it was or as it is.
#[derive(Debug, Default)]
pub struct TotalsPass {
    part: usize,
    topologies: Vec<TopologyTotals>,
}

/// Finds one page of sets, a part of all sets at a time. What comes or goes between two parts may be on it or not.
#[derive(Debug)]
pub struct SetsPass {
    part: usize,
    wanted: Wanted,
    after: Option<SetKey>,
    limit: usize,
    digests: bool,
    /// The smallest so far of those that are wanted.
    first: BTreeMap<SetKey, SetView>,
    more: bool,
}

/// Which sets are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Those of this namespace.
    pub namespace: Option<Box<str>>,
    /// Those whose `<namespace>/<name>` holds this text.
    pub text: Option<Box<str>>,
    /// Those that deserve a look: refused ones, and those that list not all who could be listed, or nobody.
    pub troubled: bool,
}

impl Wanted {
    fn is(&self, parts: Parts<'_>, set: &Set) -> bool {
        let SetKey { namespace, name } = &set.key;
        self.namespace.as_ref().is_none_or(|wanted| **wanted == **namespace)
            && self.text.as_ref().is_none_or(|text| holds(namespace, name, text))
            && (!self.troubled || is_troubled(parts, set))
    }
}

/// Whether `<namespace>/<name>` holds a text.
fn holds(namespace: &str, name: &str, text: &str) -> bool {
    match text.split_once('/') {
        None => namespace.contains(text) || name.contains(text),
        Some((before, behind)) => namespace.ends_with(before) && name.starts_with(behind),
    }
}

fn is_troubled(parts: Parts<'_>, set: &Set) -> bool {
    let listed = set.listed();
    listed == 0 || listed < peers(set).iter().sum() || parts.refusals.is_refused(&set.key)
}

/// Some of all sets, by namespace and name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetsPage {
    /// At most as many as were asked for.
    pub sets: Vec<SetView>,
    /// Whether there are more behind these.
    pub more: bool,
}

/// A set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetView {
    /// Its name.
    pub key: SetKey,
    /// The place, in file order, of the topology that owns it.
    pub topology: usize,
    /// That topology's name.
    pub topology_name: Option<Box<str>>,
    /// What stands before the `@` of its node names.
    pub basename: Arc<str>,
    /// What stands behind it.
    pub mode: Mode,
    /// Who is to be listed.
    pub include: Include,
    /// Who is, which differs where `include` leaves nobody and `when_empty` says otherwise.
    pub level: Include,
    /// Objects that contribute.
    pub objects: usize,
    /// Peers that are ready, that serve though not ready, and others.
    pub peers: [usize; 3],
    /// Peers that are listed.
    pub listed: usize,
    /// Whether questions about it are refused, because of an object that never parsed.
    pub refused: bool,
    /// Who is listed, where that was asked for: the SHA-256, in hexadecimal, of the node names, each once, in the order of
    /// their octets, with a line feed behind each.
    pub digest: Option<String>,
}

/// Some of those who are, or could be, in a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeersPage {
    /// The set.
    pub set: SetView,
    /// In an order that lasts as long as nothing changes.
    pub peers: Vec<Candidacy>,
    /// Where the next page begins, if there is one.
    pub next: Option<usize>,
}

/// Somebody who is, or could be, in a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidacy {
    /// What became of it.
    pub verdict: Verdict,
    /// Whether it is ready, or serves, or neither: the best of its entries.
    pub state: Include,
    /// As it is listed.
    pub peer: Option<Peer>,
    /// Where it comes from, in the order in which they count.
    pub entries: Vec<EntryView>,
}

/// What an object says of a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryView {
    /// The object.
    pub object: ObjectKey,
    /// What people call the watch that brought it.
    pub watch: Arc<str>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Its hostname, if that can be a label.
    pub hostname: Option<Arc<Hostname>>,
    /// Whether this entry is ready, or serves, or neither.
    pub state: Include,
    /// Where it runs.
    pub placement: Option<Arc<Placement>>,
    /// When the object was made: Unix time in seconds.
    pub created: Option<u32>,
}

/// Why somebody is in a set or not. Its text names the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// `include` lists it.
    Listed(Include),
    /// Nobody is as `include` wants, and `when_empty` lists these instead.
    ListedInstead(Include),
    /// It is not as `include`, or what stands in for it, wants.
    LeftOut {
        /// How it is.
        state: Include,
        /// Who is listed.
        level: Include,
    },
    /// It has no address of the family that is listed.
    OtherFamily(Family),
    /// It has no address at all.
    NoAddress,
}

/// Objects that do not parse, some of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenView {
    /// What people call the watch.
    pub watch: Box<str>,
    /// The object.
    pub object: ObjectKey,
    /// Whether its last good version is still served.
    pub kept: bool,
}

impl Verdict {
    /// Whether it is in.
    pub fn is_in(self) -> bool {
        matches!(self, Verdict::Listed(_) | Verdict::ListedInstead(_))
    }

    /// A word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Listed(_) => "listed",
            Verdict::ListedInstead(_) => "listed_instead",
            Verdict::LeftOut { state: Include::Serving, .. } => "draining",
            Verdict::LeftOut { .. } => "not_ready",
            Verdict::OtherFamily(_) => "other_family",
            Verdict::NoAddress => "no_address",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Verdict::Listed(include) => write!(f, "in: include = \"{}\" lists it", include.as_str()),
            Verdict::ListedInstead(level) => {
                write!(f, "in: nobody is as include wants, and when_empty = \"{}\" lists it", level.as_str())
            }
            Verdict::LeftOut { state, level } => {
                let state =
                    if state == Include::Serving { "it serves but is not ready" } else { "it is not ready" };
                write!(f, "out: {state}, and \"{}\" is what is listed", level.as_str())
            }
            Verdict::OtherFamily(family) => {
                write!(f, "out: it has no address that family = \"{}\" lists", family.as_str())
            }
            Verdict::NoAddress => f.write_str("out: it has no address"),
        }
    }
}

impl Roster {
    /// The topologies, in file order.
    pub fn topologies(&self) -> &[Topology] {
        &self.parts().options.topologies
    }

    /// Those who are, or could be, in a set: of about `limit` entries of its objects, from the one at `from` on. `None`
    /// where there is no such set.
    pub fn peers_page(&self, key: &SetKey, from: usize, limit: usize) -> Option<PeersPage> {
        let parts = self.parts();
        let id = parts.sets.find(key)?;
        let set = parts.sets.get(id)?;
        let owner = set.owner()?;
        let topology = parts.options.topologies.get(owner as usize)?;
        let resolved = Resolved::default();
        let claim = Claim { topology: owner, set: id };
        let view = View { store: parts.store, claim, family: topology.family, resolved: &resolved };
        let place = Place { view, set, topology, published: set.published.as_ref() };
        let mut page = PeersPage { set: SetView::of(parts, set)?, peers: Vec::new(), next: None };
        let (mut at, end) = (0, from.saturating_add(limit.max(1)));
        let objects = set.contribution().map(Contribution::objects).unwrap_or_default();
        for object in objects.iter().filter_map(|id| parts.store.objects.get(*id)) {
            if at + object.entries.len() <= from {
                at += object.entries.len();
                continue;
            }
            for entry in object.entries.iter().filter_map(|id| parts.store.entries.get(*id)) {
                if at >= end {
                    page.next = Some(at);
                    return Some(page);
                }
                if at >= from {
                    page.peers.extend(place.candidacy(entry));
                }
                at += 1;
            }
        }
        Some(page)
    }

    /// At most `limit` objects that do not parse.
    pub fn broken_objects(&self, limit: usize) -> Vec<BrokenView> {
        let watches = self.parts().watches;
        let all = watches.iter_named().flat_map(|(name, watch)| {
            let broken = watch.broken.iter();
            broken.map(move |(object, state)| BrokenView {
                watch: name.clone(),
                object: object.clone(),
                kept: *state == Broken::Kept,
            })
        });
        all.take(limit).collect()
    }
}

impl TotalsPass {
    /// Goes on with the next part. Returns the totals when all have been counted.
    pub fn go_on(&mut self, roster: &Roster) -> Option<Totals> {
        let Parts { options, store, sets, watches, notices, .. } = roster.parts();
        let Some(part) = sets.part(self.part) else {
            let mut topologies = std::mem::take(&mut self.topologies);
            topologies.resize_with(options.topologies.len(), TopologyTotals::default);
            for (totals, topology) in topologies.iter_mut().zip(&options.topologies) {
                totals.name.clone_from(&topology.name);
            }
            return Some(Totals {
                topologies,
                objects: store.objects.len(),
                broken: watches.iter().map(|watch| watch.broken.len()).sum(),
                notices: notices.counts.clone(),
                revision: roster.revision(),
            });
        };
        self.part += 1;
        self.topologies.resize_with(options.topologies.len(), TopologyTotals::default);
        for set in part {
            let owner = set.owner().and_then(|owner| self.topologies.get_mut(owner as usize));
            let Some(totals) = owner else { continue };
            let listed = set.listed();
            totals.sets += 1;
            totals.empty_sets += usize::from(listed == 0);
            totals.objects += set.contribution().map_or(0, |found| found.objects().len());
            totals.listed += listed;
            totals.left_out += peers(set).iter().sum::<usize>().saturating_sub(listed);
        }
        None
    }
}

impl SetsPass {
    /// For at most `limit` of the wanted sets, behind a name in the order of namespaces and names.
    pub fn new(wanted: Wanted, after: Option<SetKey>, limit: usize) -> SetsPass {
        SetsPass { part: 0, wanted, after, limit, digests: false, first: BTreeMap::new(), more: false }
    }

    /// With the digests of sets.
    #[must_use]
    pub fn with_digests(self) -> SetsPass {
        SetsPass { digests: true, ..self }
    }

    /// Goes on with the next part. Returns the page when all have been looked at.
    pub fn go_on(&mut self, roster: &Roster) -> Option<SetsPage> {
        let parts = roster.parts();
        let Some(part) = parts.sets.part(self.part) else {
            let sets = std::mem::take(&mut self.first).into_values().collect();
            return Some(SetsPage { sets, more: self.more });
        };
        self.part += 1;
        for set in part {
            let is_behind = self.after.as_ref().is_none_or(|after| set.key > *after);
            if !is_behind || !self.wanted.is(parts, set) {
                continue;
            }
            let last = self.first.last_key_value();
            if self.first.len() >= self.limit && last.is_none_or(|(last, _)| set.key > *last) {
                self.more |= set.owner().is_some();
                continue;
            }
            if let Some(mut view) = SetView::of(parts, set) {
                view.digest = self.digests.then(|| digest(set));
                self.first.insert(set.key.clone(), view);
            }
            if self.first.len() > self.limit {
                self.first.pop_last();
                self.more = true;
            }
        }
        None
    }
}

/// How many peers are ready, serve though not ready, and others.
fn peers(set: &Set) -> [usize; 3] {
    set.counts.map(|count| count as usize)
}

impl SetView {
    pub(super) fn of(parts: Parts<'_>, set: &Set) -> Option<SetView> {
        let Published { naming, level, .. } = set.published.as_ref()?;
        Some(SetView {
            key: set.key.clone(),
            topology: naming.owner as usize,
            topology_name: parts.options.topologies.get(naming.owner as usize)?.name.clone(),
            basename: naming.basename.clone(),
            mode: naming.mode,
            include: naming.include,
            level: *level,
            objects: set.contribution().map_or(0, |found| found.objects().len()),
            peers: peers(set),
            listed: set.listed(),
            refused: parts.refusals.is_refused(&set.key),
            digest: None,
        })
    }
}

/// Where entries of a set are looked at.
pub(super) struct Place<'a> {
    pub(super) view: View<'a>,
    pub(super) set: &'a Set,
    pub(super) topology: &'a Topology,
    pub(super) published: Option<&'a Published>,
}

impl Place<'_> {
    /// Whoever an entry is, where it is the first of theirs.
    fn candidacy(&self, entry: &Entry) -> Option<Candidacy> {
        let is_first = |first: &Entry| (first.object, first.position) == (entry.object, entry.position);
        self.candidacy_where(entry, is_first)
    }

    /// Whoever an entry is, where the first of theirs is one that is wanted.
    pub(super) fn candidacy_where(
        &self,
        entry: &Entry,
        is_wanted: impl FnOnce(&Entry) -> bool,
    ) -> Option<Candidacy> {
        let nobody = |verdict| {
            let entries = vec![self.entry(entry)];
            Some(Candidacy { verdict, state: entry.level, peer: None, entries })
        };
        let Some(identity) = self.view.identity(entry) else { return nobody(Verdict::NoAddress) };
        let Some(candidate) = self.view.candidate(identity) else {
            let none = entry.addresses.is_empty();
            return nobody(if none {
                Verdict::NoAddress
            } else {
                Verdict::OtherFamily(self.topology.family)
            });
        };
        if !is_wanted(candidate.entries.first()?) {
            return None;
        }
        let peer = self.set.members.get(identity).and_then(|member| member.peer.clone());
        let state = candidate.level;
        let verdict = match self.published {
            Some(Published { naming, .. }) if state <= naming.include => Verdict::Listed(naming.include),
            Some(Published { level, .. }) if state <= *level => Verdict::ListedInstead(*level),
            Some(Published { level, .. }) => Verdict::LeftOut { state, level: *level },
            None => return None,
        };
        let entries = candidate.entries.iter().map(|entry| self.entry(entry)).collect();
        Some(Candidacy { verdict, state, peer, entries })
    }

    fn entry(&self, entry: &Entry) -> EntryView {
        EntryView::of(self.view.store, entry)
    }
}

impl EntryView {
    pub(super) fn of(store: &Store, entry: &Entry) -> EntryView {
        let object = store.objects.get(entry.object);
        let nowhere =
            || ObjectKey { namespace: "".into(), name: "".into(), kind: super::ObjectKind::EndpointSlice };
        EntryView {
            object: object.map_or_else(nowhere, Object::key),
            watch: object.map_or_else(|| "".into(), |object| Arc::clone(&object.origin)),
            addresses: entry.addresses.as_slice().to_vec(),
            hostname: entry.hostname.clone(),
            state: entry.level,
            placement: store.places.get(entry.place).cloned(),
            created: object.map(|object| object.created).filter(|created| *created > 0),
        }
    }
}
