//! A set: the objects that contribute to it, its peers, and what about it waits to be reconciled.

use super::Mode;
use super::members::Members;
use super::overrides::Overrides;
use super::ports::{epmd, name_of, select};
use super::slab::{Id, Slab};
use super::store::{Claim, Object, UidRecord};
use super::{Hostname, Include, Peer, PortName, SetKey, SetSettings, Topology};
use foldhash::HashMap;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;

/// A set.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) key: SetKey,
    /// The first topology that lists its namespace and has its name: the set exists without objects.
    pub(super) permanent: Option<u32>,
    /// By topology, in file order; never empty ones.
    contributions: Vec<(u32, Contribution)>,
    /// As it was published; `None` before.
    pub(super) published: Option<Published>,
    /// Whoever could be listed, at whatever level.
    pub(super) members: Members,
    /// Who of the listed wants which hostname; none where nobody wants any.
    pub(super) claimants: Option<Box<HashMap<Arc<Hostname>, Vec<Identity>>>>,
    /// How many members' narrowest list is ready, serving, all.
    pub(super) counts: [u32; 3],
    /// What is to be reconciled; `None` where nothing is.
    pub(super) pending: Option<Box<Pending>>,
}

/// Objects that one topology puts into a set.
#[derive(Debug, Default)]
pub(super) struct Contribution {
    /// Sorted.
    objects: Vec<Id<Object>>,
    /// Those with settings of their own, sorted.
    labelled: Vec<Id<Object>>,
    /// Port names, and how many objects have each, sorted; an empty name for ports without one.
    ports: Vec<(PortName, usize)>,
}

/// What was published of a set.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) naming: Naming,
    pub(super) settings: Arc<SetSettings>,
    /// Who is listed: `include`, or what `when_empty` made of it.
    pub(super) level: Include,
}

/// What makes a set's peers what they are, apart from its objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Naming {
    /// The owner's place in file order.
    pub(super) owner: u32,
    pub(super) basename: Arc<str>,
    pub(super) mode: Mode,
    pub(super) include: Include,
}

/// Who a member is within its set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Identity {
    /// The pod of this uid.
    Uid(Id<UidRecord>),
    /// Whoever has this address and no uid.
    Address(IpAddr),
}

/// Somebody who could be listed.
#[derive(Debug, Default)]
pub(super) struct Member {
    /// The narrowest list that it is on; none where nobody is there any more.
    pub(super) level: Option<Include>,
    /// The hostname that it wants, if listed.
    pub(super) hostname: Option<Arc<Hostname>>,
    /// As it was published; `None` where it is not listed.
    pub(super) peer: Option<Peer>,
}

/// What is to be reconciled.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Who contributes, or their labels or ports.
    pub(super) settings: bool,
    pub(super) identities: Vec<Identity>,
    /// Whoever is at these addresses.
    pub(super) addresses: Vec<IpAddr>,
}

/// All sets.
#[derive(Debug, Default)]
pub(super) struct Sets {
    slab: Slab<Set>,
    by_key: HashTable<Id<Set>>,
    hasher: RandomState,
    /// Those with something pending, in the order it came.
    pending: Vec<Id<Set>>,
}

impl Set {
    fn new(key: SetKey) -> Set {
        Set {
            key,
            permanent: None,
            contributions: Vec::new(),
            published: None,
            members: Members::default(),
            claimants: None,
            counts: [0; 3],
            pending: None,
        }
    }

    /// How many peers it lists: all who are on the published list.
    pub(super) fn listed(&self) -> usize {
        let lists = self.published.as_ref().map_or(0, |published| published.level as usize + 1);
        self.counts.iter().take(lists).map(|count| *count as usize).sum()
    }

    /// The topology that owns the set: the first in file order that yields it. `None` if none does any more.
    pub(super) fn owner(&self) -> Option<u32> {
        let first = self.contributions.first().map(|(topology, _)| *topology);
        self.permanent.into_iter().chain(first).min()
    }

    /// What the owner puts in.
    pub(super) fn contribution(&self) -> Option<&Contribution> {
        let owner = self.owner()?;
        self.contributions.iter().find(|(topology, _)| *topology == owner).map(|(_, found)| found)
    }

    pub(super) fn add(&mut self, place: u32, topology: &Topology, id: Id<Object>, object: &Object) {
        let index = self.contributions.partition_point(|(other, _)| *other < place);
        if self.contributions.get(index).is_none_or(|(other, _)| *other != place) {
            // Mostly one.
            self.contributions.reserve_exact(1);
            self.contributions.insert(index, (place, Contribution::default()));
        }
        if let Some((_, contribution)) = self.contributions.get_mut(index) {
            contribution.add(topology, id, object);
        }
    }

    pub(super) fn remove(&mut self, place: u32, topology: &Topology, id: Id<Object>, object: &Object) {
        if let Some((_, contribution)) = self.contributions.iter_mut().find(|(other, _)| *other == place) {
            contribution.remove(topology, id, object);
        }
        self.contributions.retain(|(_, contribution)| !contribution.objects.is_empty());
    }

    /// What holds for the set's peers and records now. `None` where no topology yields it.
    pub(super) fn settings(
        &self,
        topologies: &[Topology],
        objects: &Slab<Object>,
    ) -> Option<(Naming, SetSettings)> {
        let owner = self.owner()?;
        let topology = topologies.get(owner as usize)?;
        let labels = self.contribution().map(|found| found.overrides(objects)).unwrap_or_default();
        let basename = labels.basename.or_else(|| topology.node_basename.clone());
        let naming = Naming {
            owner,
            basename: basename.map_or_else(|| Arc::clone(&self.key.name), Into::into),
            mode: labels.mode.unwrap_or(topology.mode),
            include: labels.include.unwrap_or(topology.include),
        };
        let settings = SetSettings {
            ttl: labels.ttl.or(topology.ttl),
            records: topology.records,
            port_names: self.port_names(topology),
        };
        Some((naming, settings))
    }

    fn port_names(&self, topology: &Topology) -> Arc<[PortName]> {
        let of_objects = self
            .contribution()
            .map(|found| found.ports.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
        let mut names = of_objects.unwrap_or_default();
        if names.is_empty() {
            // No object has a port: those that hold whatever objects say, else what stands for none.
            let mut ports = Vec::new();
            select(topology.ports.as_deref(), &[], &mut ports);
            if ports.is_empty() {
                ports.push(epmd());
            }
            names.extend(ports.into_iter().map(name_of));
            names.sort();
            names.dedup();
        }
        names.retain(|port| !port.name.is_empty());
        names.into()
    }
}

impl Contribution {
    pub(super) fn objects(&self) -> &[Id<Object>] {
        &self.objects
    }

    fn add(&mut self, topology: &Topology, id: Id<Object>, object: &Object) {
        insert_sorted(&mut self.objects, id);
        if object.head.overrides.is_some() {
            insert_sorted(&mut self.labelled, id);
        }
        for name in port_names_of(topology, object) {
            match self.ports.binary_search_by(|(known, _)| known.cmp(&name)) {
                Ok(index) => {
                    if let Some((_, count)) = self.ports.get_mut(index) {
                        *count += 1;
                    }
                }
                Err(index) => {
                    self.ports.reserve_exact(1);
                    self.ports.insert(index, (name, 1));
                }
            }
        }
    }

    fn remove(&mut self, topology: &Topology, id: Id<Object>, object: &Object) {
        remove_sorted(&mut self.objects, id);
        remove_sorted(&mut self.labelled, id);
        for name in port_names_of(topology, object) {
            if let Some((_, count)) = self.ports.iter_mut().find(|(known, _)| *known == name) {
                *count -= 1;
            }
        }
        self.ports.retain(|(_, count)| *count > 0);
    }

    /// The first valid value of each label, by service, object name, kind and watch.
    fn overrides(&self, objects: &Slab<Object>) -> Overrides {
        let mut labelled: Vec<&Object> = self.labelled.iter().filter_map(|id| objects.get(*id)).collect();
        labelled.sort_by(|a, b| a.order(b));
        let mut first = Overrides::default();
        for overrides in labelled.into_iter().filter_map(|object| object.head.overrides.as_deref()) {
            first.basename = first.basename.or_else(|| overrides.basename.clone());
            first.mode = first.mode.or(overrides.mode);
            first.include = first.include.or(overrides.include);
            first.ttl = first.ttl.or(overrides.ttl);
        }
        first
    }
}

/// The port names that an object brings into a topology's sets, unique. A group of endpoints without ports brings
/// the one that stands for none.
fn port_names_of(topology: &Topology, object: &Object) -> Vec<PortName> {
    let choices = topology.ports.as_deref();
    let mut ports = Vec::new();
    for group in &object.head.groups {
        let before = ports.len();
        select(choices, &group.ports, &mut ports);
        if ports.len() == before && group.has_endpoints {
            ports.push(epmd());
        }
    }
    let mut names: Vec<PortName> = ports.into_iter().map(name_of).collect();
    names.sort();
    names.dedup();
    names
}

fn insert_sorted<T>(ids: &mut Vec<Id<T>>, id: Id<T>) {
    if let Err(index) = ids.binary_search(&id) {
        ids.insert(index, id);
    }
}

fn remove_sorted<T>(ids: &mut Vec<Id<T>>, id: Id<T>) {
    if let Ok(index) = ids.binary_search(&id) {
        ids.remove(index);
    }
}

impl Pending {
    /// Keeps each once.
    pub(super) fn sort(&mut self) {
        self.identities.sort_unstable();
        self.identities.dedup();
        self.addresses.sort_unstable();
        self.addresses.dedup();
    }
}

impl Sets {
    pub(super) fn get(&self, id: Id<Set>) -> Option<&Set> {
        self.slab.get(id)
    }

    pub(super) fn get_mut(&mut self, id: Id<Set>) -> Option<&mut Set> {
        self.slab.get_mut(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Set> {
        self.slab.iter()
    }

    /// Some of them, by the number of a part from 0 on; `None` behind the last part.
    pub(super) fn part(&self, number: usize) -> Option<impl Iterator<Item = &Set>> {
        self.slab.chunk(number)
    }

    /// The topology that owns the set of this name. `None` if none yields it.
    pub(super) fn owner(&self, key: &SetKey) -> Option<u32> {
        self.get(self.find(key)?)?.owner()
    }

    pub(super) fn find(&self, key: &SetKey) -> Option<Id<Set>> {
        let is_it = |id: &Id<Set>| self.slab.get(*id).is_some_and(|set| set.key == *key);
        self.by_key.find(self.hasher.hash_one(Some(key)), is_it).copied()
    }

    /// The set of this name, made where there is none.
    pub(super) fn find_or_add(&mut self, namespace: &Arc<str>, name: &Arc<str>) -> Id<Set> {
        let key = SetKey { namespace: Arc::clone(namespace), name: Arc::clone(name) };
        if let Some(id) = self.find(&key) {
            return id;
        }
        let hash = self.hasher.hash_one(Some(&key));
        let id = self.slab.insert(Set::new(key));
        let Sets { slab, by_key, hasher, .. } = self;
        by_key.insert_unique(hash, id, |id| hasher.hash_one(slab.get(*id).map(|set| &set.key)));
        id
    }

    pub(super) fn remove(&mut self, id: Id<Set>) -> Option<Set> {
        let set = self.slab.remove(id)?;
        if let Ok(found) = self.by_key.find_entry(self.hasher.hash_one(Some(&set.key)), |other| *other == id)
        {
            found.remove();
        }
        Some(set)
    }

    /// Notes that a set is to be reconciled.
    pub(super) fn touch(&mut self, id: Id<Set>) -> Option<&mut Pending> {
        let set = self.slab.get_mut(id)?;
        if set.pending.is_none() {
            self.pending.push(id);
        }
        Some(set.pending.get_or_insert_default())
    }

    /// The sets to be reconciled, in the order in which that came up.
    pub(super) fn take_pending(&mut self) -> Vec<Id<Set>> {
        std::mem::take(&mut self.pending)
    }
}

impl Claim {
    /// The claims of an object of `namespace` on sets.
    pub(super) fn all(sets: &mut Sets, namespace: &Arc<str>, claims: &[(u32, Arc<str>)]) -> Box<[Claim]> {
        claims
            .iter()
            .map(|(topology, name)| Claim { topology: *topology, set: sets.find_or_add(namespace, name) })
            .collect()
    }
}
