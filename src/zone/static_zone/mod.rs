//! The records of a master file as a tree of names: what stands at a name, by the words of RFC 1034 4.3.2 and RFC 4592.
//!
//! Everything that depends on the file alone is decided when it is read: RRsets are rendered, delegations and
//! redirections are marked at every name below them, wildcards at the names that they belong to. A look-up is one probe
//! for a name that exists, and a binary search for its closest encloser otherwise: a name exists if any below it does,
//! so that existence only changes once between the apex and the name.

mod additions;
mod build;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

pub(super) use additions::is_reserved;
pub use build::{StaticZone, ZoneReader};

use crate::wire::{Name, QueryName, RecordType};
use foldhash::quality::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// The names of a zone below and at its apex, empty non-terminals with them.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    /// In canonical order (RFC 4034 6.1), the apex first.
    nodes: Vec<TreeNode>,
    /// Places of nodes, by their names.
    places: HashTable<u32>,
    hasher: RandomState,
}

/// A name that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TreeNode {
    pub(super) name: Name,
    /// By type; none for an empty non-terminal.
    rrsets: Box<[Rendered]>,
    /// What a question must meet before it gets here.
    above: Option<Above>,
    /// The place of the wildcard right below.
    wildcard: Option<u32>,
}

/// A node at or above another one where answers end or turn off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Above {
    /// NS below the apex: at this node or above it.
    Cut(u32),
    /// DNAME, above this node.
    Redirection(u32),
}

/// An RRset as answers copy it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rendered {
    pub(super) rtype: RecordType,
    pub(super) ttl: u32,
    pub(super) records: usize,
    /// RRs one behind the other, each with a pointer to the question's name as owner.
    pub(super) octets: Box<[u8]>,
}

/// What a question meets in a tree.
#[derive(Debug, Clone, Copy)]
pub(super) enum Met<'a> {
    /// Data, or none of the type: the name itself, or the wildcard that stands for it.
    Node(&'a TreeNode),
    /// The zone is delegated at this node, so many labels below the apex.
    Cut(&'a TreeNode, usize),
    /// Names below this node, so many labels below the apex, are redirected.
    Redirection(&'a TreeNode, usize),
    Nothing,
}

impl Tree {
    /// What a question for `name`, which has `depth` labels below the apex, meets.
    pub(super) fn find(&self, name: &QueryName, depth: usize, qtype: RecordType) -> Met<'_> {
        if let Some(node) = self.get(name.as_wire()) {
            return self.at(node, depth, depth, qtype);
        }
        let (encloser, below_apex) = self.closest_encloser(name, depth);
        let Some(encloser) = encloser else { return Met::Nothing };
        match self.at(encloser, below_apex, usize::MAX, qtype) {
            Met::Node(_) => {}
            met => return met,
        }
        // RFC 6672 3.2, 3.C: a DNAME at the closest encloser redirects what is below, before any wildcard does.
        if encloser.rrset(RecordType::DNAME).is_some() {
            return Met::Redirection(encloser, below_apex);
        }
        // RFC 4592 3.3.1: the source of synthesis is "*" right below the closest encloser, and no other wildcard.
        match encloser.wildcard.and_then(|place| self.node(place)) {
            Some(source) => Met::Node(source),
            None => Met::Nothing,
        }
    }

    /// The node of exactly this name, whatever lies above it.
    pub(super) fn get(&self, name: &[u8]) -> Option<&TreeNode> {
        let is_it = |place: &u32| self.node(*place).is_some_and(|node| node.name.as_wire() == name);
        let place = self.places.find(self.hasher.hash_one(name), is_it)?;
        self.node(*place)
    }

    /// All nodes, in canonical order.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &TreeNode> {
        self.nodes.iter()
    }

    /// What an existing node is to a question: the node, or what lies at or above it. `labels` is how deep it is below
    /// the apex, `asked` how deep the question is.
    fn at<'a>(&'a self, node: &'a TreeNode, labels: usize, asked: usize, qtype: RecordType) -> Met<'a> {
        let (above, met): (_, fn(&'a TreeNode, usize) -> Met<'a>) = match node.above {
            None => return Met::Node(node),
            Some(Above::Cut(above)) => (above, Met::Cut),
            Some(Above::Redirection(above)) => (above, Met::Redirection),
        };
        let Some(above) = self.node(above) else { return Met::Node(node) };
        let here = std::ptr::eq(above, node);
        // RFC 4035 3.1.4.1: at the cut itself, DS is the data of this side.
        if here && asked == labels && qtype == RecordType::DS {
            return Met::Node(node);
        }
        let apex = self.node(0).map_or(0, |apex| apex.name.labels().count());
        met(above, above.name.labels().count().saturating_sub(apex))
    }

    /// The deepest existing name above a name that does not exist, and how many labels it is below the apex.
    fn closest_encloser(&self, name: &QueryName, depth: usize) -> (Option<&TreeNode>, usize) {
        let at = |labels: usize| self.get(name.suffix(depth.saturating_sub(labels)));
        let (mut known, mut node) = (0, at(0));
        let mut missing = depth;
        while missing > known + 1 {
            let middle = known + (missing - known) / 2;
            match at(middle) {
                Some(found) => (known, node) = (middle, Some(found)),
                None => missing = middle,
            }
        }
        (node, known)
    }

    fn node(&self, place: u32) -> Option<&TreeNode> {
        self.nodes.get(usize::try_from(place).ok()?)
    }
}

impl TreeNode {
    /// The RRset of a type.
    pub(super) fn rrset(&self, rtype: RecordType) -> Option<&Rendered> {
        self.rrsets.iter().find(|rrset| rrset.rtype == rtype)
    }

    /// All RRsets, by type.
    pub(super) fn rrsets(&self) -> impl Iterator<Item = &Rendered> {
        self.rrsets.iter()
    }
}

impl Rendered {
    /// Octets before the RR at `index`, for types whose RRs are of one size.
    pub(super) fn octets_before(&self, index: usize) -> usize {
        self.octets.len().checked_div(self.records).unwrap_or(0) * index
    }
}

impl PartialEq for Tree {
    /// Whether both say the same; how they were hashed is no matter.
    fn eq(&self, other: &Tree) -> bool {
        self.nodes == other.nodes
    }
}

impl Eq for Tree {}
