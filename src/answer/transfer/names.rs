//! Names written into a message once, and pointed at afterwards (RFC 1035 4.1.4).
//!
//! Work: one probe for each label, whatever has been written before. Searching what was written costs the square of it
//! (RUSTSEC-2026-0119).

use crate::wire::Name;
use foldhash::quality::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// The first offset that no pointer can tell: fourteen bits.
const POINTERS_END: usize = 1 << 14;

/// Where the names of a message stand.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// The names that were written, one behind the other, not compressed.
    octets: Vec<u8>,
    /// Their suffixes.
    suffixes: HashTable<Suffix>,
    hasher: RandomState,
}

/// The end of a name.
#[derive(Debug, Clone, Copy)]
struct Suffix {
    /// Where it stands in the octets, and its length.
    start: usize,
    length: usize,
    /// Where it stands in the message.
    offset: u16,
}

impl Names {
    /// Forgets all names: for the next message.
    pub(super) fn clear(&mut self) {
        self.octets.clear();
        self.suffixes.clear();
    }

    /// Writes a name to the end of `message`.
    pub(super) fn write(&mut self, name: &Name, message: &mut Vec<u8>) {
        let wire = name.as_wire();
        let start = self.octets.len();
        self.octets.extend_from_slice(wire);
        let mut at = 0;
        // Each suffix but the root.
        while let Some(&length @ 1..) = wire.get(at) {
            let suffix = wire.get(at..).unwrap_or_default();
            let hash = self.hasher.hash_one(suffix);
            let known = self
                .suffixes
                .find(hash, |known| self.octets.get(known.start..known.start + known.length) == Some(suffix));
            if let Some(known) = known {
                message.extend_from_slice(&(0xc000 | known.offset).to_be_bytes());
                return;
            }
            if let Some(offset) =
                u16::try_from(message.len()).ok().filter(|at| usize::from(*at) < POINTERS_END)
            {
                let own = Suffix { start: start + at, length: suffix.len(), offset };
                let Names { octets, suffixes, hasher } = self;
                suffixes.insert_unique(hash, own, |other| {
                    hasher.hash_one(octets.get(other.start..other.start + other.length).unwrap_or_default())
                });
            }
            let end = at + 1 + usize::from(length);
            message.extend_from_slice(wire.get(at..end).unwrap_or_default());
            at = end;
        }
        message.push(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The name at an offset, pointers followed as long as they lead back.
    fn read(message: &[u8], offset: usize) -> Name {
        let (mut at, mut wire) = (offset, Vec::new());
        loop {
            let length = message[at];
            if length >= 0xc0 {
                let next = usize::from(u16::from_be_bytes([length, message[at + 1]]) & 0x3fff);
                assert!(next < at, "{next} {at}");
                at = next;
                continue;
            }
            let end = at + 1 + usize::from(length);
            wire.extend_from_slice(&message[at..end]);
            if length == 0 {
                return Name::split_from(&wire).unwrap().0;
            }
            at = end;
        }
    }

    #[test]
    fn what_names_share_is_written_once() {
        let mut names = Names::default();
        let mut message = vec![0; 12];
        let mut lengths = Vec::new();
        for name in ["a.b.c", "a.b.c", "x.b.c", "b.c", "c", ".", "d"] {
            let before = message.len();
            names.write(&name.parse().unwrap(), &mut message);
            lengths.push(message.len() - before);
        }
        assert_eq!(lengths, [7, 2, 4, 2, 2, 1, 3]);
        names.clear();
        let before = message.len();
        names.write(&"a.b.c".parse().unwrap(), &mut message);
        assert_eq!(message.len() - before, 7);
    }

    proptest! {
        #[test]
        fn names_are_read_back(
            list in prop::collection::vec(prop::collection::vec("[a-c]{1,3}", 0..6), 1..50),
            gap in prop_oneof![0_usize..20, 300_usize..700],
        ) {
            let mut names = Names::default();
            let mut message = vec![0; 12];
            for labels in list {
                let name: Name = if labels.is_empty() { Name::root() } else { labels.join(".").parse().unwrap() };
                let at = message.len();
                names.write(&name, &mut message);
                prop_assert_eq!(read(&message, at), name);
                message.resize(message.len() + gap, 0xff);
            }
        }
    }
}
