//! What is behind a name: which sets and objects, and who is in these sets or not, and why. Read only.

use super::index::Parts;
use super::join::{Resolved, View};
use super::store::{Claim, Entry, Object};
use super::view::Place;
use super::{Candidacy, EntryView, PeersPage, Roster, SetKey, SetView, parse_dashed};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What a name is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// No peers: an apex, a name of a file, nothing.
    Nobody,
    /// A set, and one peer of it where the name is that of one: its hostname, or its address with dashes.
    Set {
        /// The set.
        key: SetKey,
        /// The peer's label.
        peer: Option<Box<str>>,
    },
    /// Whoever holds an address, under pod names of one namespace where it is given.
    Address {
        /// The address.
        address: IpAddr,
        /// The namespace of the pod name.
        namespace: Option<Box<str>>,
    },
}

/// Who is behind a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Explained {
    /// The sets, each with those of its peers whom the name is about.
    pub sets: Vec<PeersPage>,
    /// Who holds the address and is in no set.
    pub others: Vec<EntryView>,
    /// Whether there are more than were wanted.
    pub more: bool,
}

/// Looks who is behind a name, a part of a set at a time.
#[derive(Debug)]
pub struct ExplainPass {
    subject: Subject,
    limit: usize,
    from: usize,
    found: Vec<Candidacy>,
}

/// Entries of a set that are looked at together.
const PART: usize = 500;

impl ExplainPass {
    /// For at most so many peers.
    pub fn new(subject: Subject, limit: usize) -> ExplainPass {
        ExplainPass { subject, limit, from: 0, found: Vec::new() }
    }

    /// Goes on with the next part. Returns what there is when all have been looked at.
    pub fn go_on(&mut self, roster: &Roster) -> Option<Explained> {
        match &self.subject {
            Subject::Nobody => Some(Explained::default()),
            Subject::Address { address, namespace } => {
                Some(roster.at_address(*address, namespace.as_deref(), self.limit))
            }
            Subject::Set { key, peer } => {
                let Some(page) = roster.peers_page(key, self.from, PART) else {
                    return Some(Explained::default());
                };
                let PeersPage { set, peers, next } = page;
                let wanted = peers.into_iter().filter(|one| peer.as_ref().is_none_or(|peer| one.is(peer)));
                self.found.extend(wanted);
                let more = self.found.len() > self.limit;
                if let Some(next) = next.filter(|_| !more) {
                    self.from = next;
                    return None;
                }
                let mut peers = std::mem::take(&mut self.found);
                peers.truncate(self.limit);
                let set = PeersPage { set, peers, next: None };
                Some(Explained { sets: vec![set], others: Vec::new(), more })
            }
        }
    }
}

impl Candidacy {
    /// Whether this is the label of its own name below its set.
    fn is(&self, label: &str) -> bool {
        let address = parse_dashed(label.as_bytes());
        self.entries.iter().any(|entry| {
            entry.hostname.as_ref().is_some_and(|hostname| hostname.as_str() == label)
                || address.is_some_and(|address| entry.addresses.contains(&address))
        })
    }
}

impl Roster {
    /// Whoever holds an address, by sets; at most `limit` entries are looked at.
    fn at_address(&self, address: IpAddr, namespace: Option<&str>, limit: usize) -> Explained {
        let parts = self.parts();
        let is_wanted = |entry: &&Entry| {
            namespace.is_none_or(|wanted| parts.store.namespace(entry).is_some_and(|own| **own == *wanted))
        };
        let mut entries = parts.store.entries_at(address).filter(is_wanted);
        let mut found = BTreeMap::<SetKey, PeersPage>::new();
        let mut others = Vec::new();
        for entry in entries.by_ref().take(limit) {
            let mut sets = parts.sets_of(entry).peekable();
            if sets.peek().is_none() {
                others.push(EntryView::of(parts.store, entry));
            }
            for (set, candidacy) in sets {
                let page = found.entry(set.key.clone());
                let page = page.or_insert_with(|| PeersPage { set, peers: Vec::new(), next: None });
                if !page.peers.contains(&candidacy) {
                    page.peers.push(candidacy);
                }
            }
        }
        others.sort_by(|one, other| (&one.object, &one.watch).cmp(&(&other.object, &other.watch)));
        Explained { sets: found.into_values().collect(), others, more: entries.next().is_some() }
    }
}

impl<'a> Parts<'a> {
    /// The sets that an entry contributes to, and whoever it is in them.
    fn sets_of(self, entry: &'a Entry) -> impl Iterator<Item = (SetView, Candidacy)> + 'a {
        let claims = self.store.objects.get(entry.object).map_or(&[][..], |object: &Object| &object.claims);
        claims.iter().filter_map(move |claim: &Claim| {
            let set = self.sets.get(claim.set).filter(|set| set.owner() == Some(claim.topology))?;
            let topology = self.options.topologies.get(claim.topology as usize)?;
            let resolved = Resolved::default();
            let view =
                View { store: self.store, claim: *claim, family: topology.family, resolved: &resolved };
            let place = Place { view, set, topology, published: set.published.as_ref() };
            Some((SetView::of(self, set)?, place.candidacy_where(entry, |_| true)?))
        })
    }
}
