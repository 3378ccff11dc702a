//! Reconciling a set: what of its settings and peers is no longer what was published.

use super::join::{Candidate, Resolved, View};
use super::naming::Names;
use super::notice::{Notice, Notices};
use super::reading::Shared;
use super::set::{Identity, Member, Naming, Pending, Published, Set};
use super::slab::Id;
use super::store::{Claim, Store};
use super::{Change, Hostname, Include, Options, SetSettings, Topology, WhenEmpty};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What reconciling reads, and where it puts what changed.
#[derive(Debug)]
pub(super) struct Reconciler<'a> {
    pub(super) options: &'a Options,
    pub(super) store: &'a Store,
    /// Empty: of one set.
    pub(super) resolved: &'a Resolved,
    pub(super) shared: &'a mut Shared,
    pub(super) log: &'a mut Vec<Change>,
    pub(super) notices: &'a mut Notices,
}

/// Identities that are reconciled: who they are now, or that nobody is there any more.
type Candidates<'a> = BTreeMap<Identity, Option<Candidate<'a>>>;

impl<'a> Reconciler<'a> {
    /// Reconciles what is pending for a set. Returns whether the set exists.
    pub(super) fn reconcile(&mut self, id: Id<Set>, set: &mut Set) -> bool {
        let Some(mut pending) = set.pending.take() else { return true };
        let published = set.published.take();
        let Some((naming, settings)) = self.settings(set, published.as_ref(), pending.settings) else {
            if published.is_some() {
                self.end(set);
            }
            return false;
        };
        let Some(topology) = self.options.topologies.get(naming.owner as usize) else { return false };
        if published.as_ref().is_none_or(|published| published.settings != settings) {
            self.log.push(Change::Set(set.key.clone(), Arc::clone(&settings)));
        }
        let published_level =
            published.filter(|published| published.naming == naming).map(|published| published.level);
        let claim = Claim { topology: naming.owner, set: id };
        let view = View { store: self.store, claim, family: topology.family, resolved: self.resolved };

        let mut candidates = match published_level {
            Some(_) => touched(view, &mut pending),
            None => everybody(view, set),
        };
        set.recount(&candidates);
        let level = set.level(naming.include, topology.when_empty);
        if published_level.is_some_and(|published| published != level) {
            candidates = everybody(view, set);
        }
        self.claim_hostnames(view, set, level, &mut candidates);
        self.list_peers(view, set, &naming, topology, level, &candidates);
        set.published = Some(Published { naming, settings, level });
        true
    }

    fn settings(
        &mut self,
        set: &Set,
        published: Option<&Published>,
        may_differ: bool,
    ) -> Option<(Naming, Arc<SetSettings>)> {
        match published {
            Some(published) if !may_differ => {
                Some((published.naming.clone(), Arc::clone(&published.settings)))
            }
            _ => {
                let (naming, settings) = set.settings(&self.options.topologies, &self.store.objects)?;
                Some((naming, self.shared.settings.intern(settings)))
            }
        }
    }

    /// A set that no topology yields any more.
    fn end(&mut self, set: &mut Set) {
        for peer in set.members.drain().into_iter().filter_map(|(_, member)| member.peer) {
            self.log.push(Change::Peer { set: set.key.clone(), old: Some(Arc::new(peer)), new: None });
        }
        self.log.push(Change::SetGone(set.key.clone()));
    }

    /// Notes which hostnames the listed want, and calls in those whose hostname came to clash or no longer does.
    fn claim_hostnames(
        &mut self,
        view: View<'a>,
        set: &mut Set,
        level: Include,
        candidates: &mut Candidates<'a>,
    ) {
        let mut clashed_before = BTreeMap::new();
        for (identity, candidate) in &*candidates {
            let wanted = listed(candidate.as_ref(), level).and_then(|candidate| candidate.hostname);
            let Some(had) = set.members.get(*identity).map(|member| member.hostname.clone()) else {
                continue;
            };
            if had.as_ref() == wanted {
                continue;
            }
            let wanted = wanted.cloned();
            for hostname in had.iter().chain(&wanted) {
                clashed_before.entry(Arc::clone(hostname)).or_insert_with(|| set.clashes(hostname));
            }
            set.reclaim(*identity, had.as_ref(), wanted);
        }
        for (hostname, before) in clashed_before {
            let clashes = set.clashes(&hostname);
            if clashes == before {
                continue;
            }
            if clashes {
                let hostname = hostname.as_str().into();
                self.notices.push(Notice::HostnameClash { set: set.key.clone(), hostname });
            }
            for identity in set.claimants(&hostname) {
                candidates.entry(*identity).or_insert_with(|| view.candidate(*identity));
            }
        }
    }

    /// Publishes which of the candidates are listed otherwise than before.
    fn list_peers(
        &mut self,
        view: View<'a>,
        set: &mut Set,
        naming: &Naming,
        topology: &Topology,
        level: Include,
        candidates: &Candidates<'a>,
    ) {
        let key = set.key.clone();
        let names = Names { options: self.options, topology, naming, set: &key };
        // Where one goes and another comes, records change once: pods are mostly replaced.
        let (mut went, mut came) = (Vec::new(), Vec::new());
        for (identity, candidate) in candidates {
            let listed = listed(candidate.as_ref(), level);
            let hostname = listed.and_then(|found| found.hostname).filter(|hostname| !set.clashes(hostname));
            let Some(member) = set.members.get_mut(*identity) else { continue };
            let new = listed.and_then(|found| names.peer(view, found, hostname, self.shared));
            if new.as_ref().map(|(peer, _)| peer) != member.peer.as_ref() {
                if let Some((peer, Some(length))) = &new {
                    let (address, length) = (peer.primary(), *length);
                    self.notices.push(Notice::NodeNameTooLong { set: key.clone(), address, length });
                }
                let new = new.map(|(peer, _)| peer);
                let old = std::mem::replace(&mut member.peer, new.clone()).map(Arc::new);
                let new = new.map(Arc::new);
                match (old, new) {
                    (Some(old), None) => went.push(old),
                    (None, Some(new)) => came.push(new),
                    (old, new) => self.log.push(Change::Peer { set: key.clone(), old, new }),
                }
            }
            if candidate.is_none() {
                set.members.remove(*identity);
            }
        }
        let (mut went, mut came) = (went.into_iter(), came.into_iter());
        loop {
            let (old, new) = (went.next(), came.next());
            if old.is_none() && new.is_none() {
                break;
            }
            // A pod that has the address of the one before it is the same peer.
            if old != new {
                self.log.push(Change::Peer { set: key.clone(), old, new });
            }
        }
    }
}

/// Whoever was touched, as they are now.
fn touched<'a>(view: View<'a>, pending: &mut Pending) -> Candidates<'a> {
    pending.sort();
    for address in &pending.addresses {
        view.everybody_at(*address, &mut pending.identities);
    }
    pending.sort();
    pending.identities.iter().map(|identity| (*identity, view.candidate(*identity))).collect()
}

/// Everybody, and whoever was there before.
fn everybody<'a>(view: View<'a>, set: &Set) -> Candidates<'a> {
    let mut identities = view.everybody(set);
    identities.extend(set.members.iter().map(|(identity, _)| identity));
    identities.sort_unstable();
    identities.dedup();
    identities.into_iter().map(|identity| (identity, view.candidate(identity))).collect()
}

fn listed<'j, 'a>(candidate: Option<&'j Candidate<'a>>, level: Include) -> Option<&'j Candidate<'a>> {
    candidate.filter(|candidate| candidate.level <= level)
}

impl Set {
    /// Brings levels and their counts to what the candidates are now. Those who are gone stay members, at no level.
    fn recount(&mut self, candidates: &Candidates<'_>) {
        if self.members.is_empty() {
            self.members.reserve(candidates.len());
        }
        for (identity, candidate) in candidates {
            let level = candidate.as_ref().map(|candidate| candidate.level);
            let before = match self.members.get_mut(*identity) {
                Some(member) => std::mem::replace(&mut member.level, level),
                None if level.is_none() => continue,
                None => {
                    self.members.insert(*identity, Member { level, ..Member::default() });
                    None
                }
            };
            for (level, grows) in [(before, false), (level, true)] {
                let count = level.and_then(|level| self.counts.get_mut(level as usize));
                let Some(count) = count else { continue };
                *count = if grows { *count + 1 } else { *count - 1 };
            }
        }
    }

    /// Who is listed: `include`, or what `when_empty` says where that leaves nobody.
    fn level(&self, include: Include, when_empty: WhenEmpty) -> Include {
        let anybody = self.counts.iter().take(include as usize + 1).any(|count| *count > 0);
        match when_empty {
            _ if anybody => include,
            WhenEmpty::Nothing => include,
            WhenEmpty::Serving => include.max(Include::Serving),
            WhenEmpty::All => Include::All,
        }
    }

    /// Whether several listed peers want a hostname.
    fn clashes(&self, hostname: &Hostname) -> bool {
        self.claimants(hostname).len() > 1
    }

    /// The listed who want a hostname.
    fn claimants(&self, hostname: &Hostname) -> &[Identity] {
        let claimants = self.claimants.as_ref().and_then(|claimants| claimants.get(hostname));
        claimants.map_or(&[], Vec::as_slice)
    }

    fn reclaim(&mut self, identity: Identity, had: Option<&Arc<Hostname>>, wanted: Option<Arc<Hostname>>) {
        if let Some(had) = had
            && let Some(all) = &mut self.claimants
            && let Some(claimants) = all.get_mut(had)
        {
            claimants.retain(|claimant| *claimant != identity);
            if claimants.is_empty() {
                all.remove(had);
            }
            self.claimants.take_if(|all| all.is_empty());
        }
        if let Some(wanted) = &wanted {
            let claimants = self.claimants.get_or_insert_default();
            claimants.entry(Arc::clone(wanted)).or_default().push(identity);
        }
        if let Some(member) = self.members.get_mut(identity) {
            member.hostname = wanted;
        }
    }
}
