//! Who is who in a set: entries of several objects that are one peer.
//!
//! An entry is its uid. One without is its first address, and belongs to the smallest uid of the set that holds that
//! address, if any. Uids that share an address stay apart: pods in a node's own network do.

use super::set::{Contribution, Identity, Set};
use super::slab::Id;
use super::store::{Claim, Entry, Object, Store, UidRecord};
use super::{Family, Hostname, Include};
use foldhash::HashMap;
use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;

/// A set as its owner sees it: only objects that the owner's topology puts in.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) store: &'a Store,
    pub(super) claim: Claim,
    pub(super) family: Family,
    /// Who entries without uid are at addresses that came up: thousands may share one.
    pub(super) resolved: &'a Resolved,
}

/// Who entries without uid are, by address, in one set while it is reconciled.
pub(super) type Resolved = RefCell<HashMap<IpAddr, Identity>>;

/// Somebody who could be listed: has an entry, and an address of the wanted family.
#[derive(Debug)]
pub(super) struct Candidate<'a> {
    /// The narrowest list that it is on: any entry's.
    pub(super) level: Include,
    /// Its entries in order, never empty.
    pub(super) entries: Vec<&'a Entry>,
    /// The first hostname of its entries.
    pub(super) hostname: Option<&'a Arc<Hostname>>,
}

impl<'a> View<'a> {
    /// The candidate of an identity, if there is any.
    pub(super) fn candidate(self, identity: Identity) -> Option<Candidate<'a>> {
        let mut entries = match identity {
            Identity::Uid(uid) => self.of_uid(uid),
            Identity::Address(address) if self.at(address) == identity => self.nameless(address).collect(),
            Identity::Address(_) => return None,
        };
        entries.sort_by(|a, b| self.store.order(a, b));
        let level = entries.iter().map(|entry| entry.level).min()?;
        let mut addresses = entries.iter().flat_map(|entry| entry.addresses.as_slice());
        if !addresses.any(|address| self.lists(*address)) {
            return None;
        }
        let hostname = entries.iter().find_map(|entry| entry.hostname.as_ref());
        Some(Candidate { level, entries, hostname })
    }

    /// Everybody that the set's objects name, in no order, some more than once.
    pub(super) fn everybody(self, set: &Set) -> Vec<Identity> {
        let objects = set.contribution().map(Contribution::objects).unwrap_or_default();
        let objects = objects.iter().filter_map(|id| self.store.objects.get(*id));
        let entries = objects.flat_map(|object| &object.entries).filter_map(|id| self.store.entries.get(*id));
        entries.filter_map(|entry| self.identity(entry)).collect()
    }

    /// Everybody at an address, who may be somebody else than before.
    pub(super) fn everybody_at(self, address: IpAddr, into: &mut Vec<Identity>) {
        into.extend(self.uids_at(address).map(Identity::Uid));
        into.push(Identity::Address(address));
    }

    /// Whether the set lists addresses of this family.
    pub(super) fn lists(self, address: IpAddr) -> bool {
        match self.family {
            Family::Any => true,
            Family::Ipv4 => address.is_ipv4(),
            Family::Ipv6 => address.is_ipv6(),
        }
    }

    /// Who an entry is; nobody without uid and address.
    pub(super) fn identity(self, entry: &Entry) -> Option<Identity> {
        match entry.uid {
            Some(uid) => Some(Identity::Uid(uid)),
            None => entry.addresses.as_slice().first().map(|address| self.at(*address)),
        }
    }

    /// Who an entry without uid at this address is.
    fn at(self, address: IpAddr) -> Identity {
        *self.resolved.borrow_mut().entry(address).or_insert_with(|| {
            let smallest = self.uids_at(address).min_by_key(|uid| self.store.uid(*uid));
            smallest.map_or(Identity::Address(address), Identity::Uid)
        })
    }

    fn uids_at(self, address: IpAddr) -> impl Iterator<Item = Id<UidRecord>> + 'a {
        self.entries_at(address).filter_map(|entry| entry.uid)
    }

    fn nameless(self, address: IpAddr) -> impl Iterator<Item = &'a Entry> {
        self.store.nameless_at(address).filter(move |entry| self.owns(entry))
    }

    fn of_uid(self, uid: Id<UidRecord>) -> Vec<&'a Entry> {
        let entries = self.store.entries_of_uid(uid).iter().filter_map(|id| self.store.entries.get(*id));
        let mut entries: Vec<&Entry> = entries.filter(|entry| self.owns(entry)).collect();
        let mut addresses: Vec<IpAddr> =
            entries.iter().flat_map(|entry| entry.addresses.as_slice()).copied().collect();
        addresses.sort_unstable();
        addresses.dedup();
        for address in addresses {
            // Mostly nobody is without uid, and whose they would be need not be known.
            let mut nameless = self.nameless(address).peekable();
            if nameless.peek().is_some() && self.at(address) == Identity::Uid(uid) {
                entries.extend(nameless);
            }
        }
        entries
    }

    fn entries_at(self, address: IpAddr) -> impl Iterator<Item = &'a Entry> {
        self.store.entries_at(address).filter(move |entry| self.owns(entry))
    }

    fn owns(self, entry: &Entry) -> bool {
        self.object(entry).is_some_and(|object| object.claims.contains(&self.claim))
    }

    pub(super) fn object(self, entry: &Entry) -> Option<&'a Object> {
        self.store.objects.get(entry.object)
    }
}
