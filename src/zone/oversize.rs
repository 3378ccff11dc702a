//! Sets too large for one message: nobody can read them whole at their own name, so that somebody has to be told.

use super::rr_list::RrList;
use super::set::{Ports, SetRecords};
use crate::roster::SetKey;
use crate::wire::{NAME_MAX, RecordType};
use std::collections::BTreeSet;
use std::fmt;

/// Octets of RRs that every message has room for beside header, question and an OPT record (RFC 1035 4.2.2: the length
/// of a message over TCP has 16 bits).
pub(super) const ROOM: usize = 65_535 - 12 - (NAME_MAX + 4) - 11;

/// An RRset that does not fit into one message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Oversize {
    /// The set.
    pub set: SetKey,
    /// The type.
    pub rtype: RecordType,
}

impl fmt::Display for Oversize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the {} records of {}.{} exceed one message of 64 KiB and are cut: ask for its parts, _<i>._of<n>.{}.{}",
            self.rtype, self.set.name, self.set.namespace, self.set.name, self.set.namespace
        )
    }
}

/// Follows which RRsets are too large, and tells each once as it becomes so.
#[derive(Debug, Default)]
pub(super) struct OversizeWatch {
    known: BTreeSet<Oversize>,
    new: Vec<Oversize>,
}

impl OversizeWatch {
    /// Looks at a set that changed.
    pub(super) fn look(&mut self, set: &SetRecords) {
        let served = set.served();
        let srv = set.srv(Ports::Every).map(RrList::octets).sum();
        for (rtype, is_served, octets) in [
            (RecordType::A, served.a, set.addresses(RecordType::A).octets()),
            (RecordType::AAAA, served.aaaa, set.addresses(RecordType::AAAA).octets()),
            (RecordType::TXT, served.txt, set.txt().octets()),
            (RecordType::SRV, served.srv, srv),
        ] {
            let octets = if is_served { octets } else { 0 };
            if octets <= ROOM && self.known.is_empty() {
                continue;
            }
            let found = Oversize { set: set.key.clone(), rtype };
            if octets <= ROOM {
                self.known.remove(&found);
            } else if self.known.insert(found.clone()) {
                self.new.push(found);
            }
        }
    }

    /// How many are too large.
    pub(super) fn count(&self) -> usize {
        self.known.len()
    }

    pub(super) fn take(&mut self) -> Vec<Oversize> {
        std::mem::take(&mut self.new)
    }
}
