//! What a zone has at a serial, made from the changes alone: with a watch of the whole cluster, serials are revisions.

use crate::world::{Slice, World};
use crate::zone::Contents;
use std::collections::BTreeSet;

/// The endpoints as they were at one revision.
pub struct Oracle {
    world: World,
    revision: u32,
}

/// The revision of a world that nothing has happened to.
pub const FIRST: u32 = 1_000_000;

impl Oracle {
    pub fn new(pods: usize) -> Oracle {
        Oracle { world: World::new(pods), revision: FIRST }
    }

    /// Goes on to a later revision: `changed` are the slices of which a peer was replaced, one for each from the first on.
    pub fn go_to(&mut self, serial: u32, changed: &[usize]) -> Result<(), String> {
        while self.revision < serial {
            let at = changed.get((self.revision - FIRST) as usize);
            let at = *at.ok_or_else(|| format!("serial {serial} has not been told by the API server"))?;
            self.revision += 1;
            let later = self.world.later();
            let peers = &mut self.world.slices[at].peers;
            let place = self.revision as usize % peers.len().max(1);
            peers[place] = later;
        }
        if self.revision == serial { Ok(()) } else { Err(format!("it went back to serial {serial}")) }
    }

    /// How what was served at this revision differs from what there was, if it does.
    pub fn difference(&self, served: &Contents) -> Option<String> {
        let is_own =
            |record: &&String| !record.contains(".dns.peers.") && !record.starts_with("dns-version.");
        let kinds = |kind: &'static str| {
            let of_kind = move |record: &&String| record.split(' ').nth(2) == Some(kind);
            let without_ttl = |record: &String| {
                let mut words = record.splitn(3, ' ');
                format!("{} {}", words.next().unwrap_or_default(), words.nth(1).unwrap_or_default())
            };
            served.records.iter().filter(is_own).filter(of_kind).map(without_ttl).collect::<BTreeSet<_>>()
        };
        let (mut addresses, mut texts) = (BTreeSet::new(), BTreeSet::new());
        for slice in &self.world.slices {
            let set = slice.set_name();
            for &peer in &slice.peers {
                addresses.insert(format!("{set}. a {peer}"));
                addresses.insert(format!("{}. a {peer}", Slice::peer_name(slice, peer)));
                texts.insert(format!("{set}. txt {}@{peer}", slice.service));
            }
        }
        let one = |wanted: &BTreeSet<String>, found: &BTreeSet<String>| {
            let missing = wanted.difference(found).next();
            let surplus = found.difference(wanted).next();
            (missing.is_some() || surplus.is_some()).then(|| format!("lacks {missing:?}, has {surplus:?}"))
        };
        let services = kinds("srv").len();
        // At the set's name and at that of its port.
        let wanted = self.world.peers() * 2;
        one(&addresses, &kinds("a"))
            .or_else(|| one(&texts, &kinds("txt")))
            .or_else(|| (services != wanted).then(|| format!("{services} SRV instead of {wanted}")))
    }
}
