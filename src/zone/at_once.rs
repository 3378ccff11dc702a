//! What is asked for most, found without a node in between: RRsets of sets, addresses of pods, and that nothing is there.
//!
//! It is the grammar of [`peer_tree`] and [`pod_tree`] that decides, here as everywhere; what it says is not put into the
//! general terms of [`Found`] and taken apart again. Whatever is not at hand is left to [`ZoneRef::find`].

use super::ZonePlace;
use super::node::Found;
use super::rr_list::{Copied, RrList};
use super::rrset::RrWriter;
use super::set::{Ports, SetRecords};
use super::snapshot::{Snapshot, TreeAtOnce, Zone, ZoneRef};
use super::{peer_tree, pod_tree, rr};
use crate::wire::{QueryName, RecordType};
use std::net::{IpAddr, Ipv4Addr};

/// What a question of class IN meets, for a type that is no more than a look-up (not ANY, DS, NS or a transfer).
#[derive(Debug, Clone, Copy)]
pub enum AtOnce<'a> {
    /// No zone here has the name.
    NotOurs,
    /// All RRs of the answer, one at least.
    Whole(Whole<'a>),
    /// The one RR of the answer, of type A.
    Address {
        /// Its data.
        address: Ipv4Addr,
        /// Its TTL in seconds.
        ttl: u32,
    },
    /// There are no such RRs.
    Denied {
        /// Whether the name exists.
        exists: bool,
        /// The zone's SOA without its owner, as [`ZoneRef::negative_soa`] has it.
        soa: &'a [u8],
        /// Octets from the start of the name to the zone's apex in it.
        apex_offset: usize,
    },
    /// It takes [`ZoneRef::find`] to know.
    Unknown(ZoneRef<'a>),
}

/// A rendered list that is an RRset, with the list's own TTL.
#[derive(Debug, Clone, Copy)]
pub struct Whole<'a>(pub(super) &'a RrList);

impl Snapshot {
    /// Looks a name up. Says as well where the query is counted.
    #[inline(never)]
    pub fn find_at_once(&self, name: &QueryName, qtype: RecordType) -> (ZonePlace, AtOnce<'_>) {
        let mut found = self.longest_generated(name, 0);
        if !self.statics.is_empty() {
            let generated = found.map(|(zone, depth)| self.zone_ref(name, zone, depth));
            found = self.longest_of_files(name, 0, generated).map(|found| (found.zone, found.depth));
        }
        let Some((zone, depth)) = found else { return (ZonePlace::NONE, AtOnce::NotOurs) };
        let at_once = match zone.at_once() {
            Some(TreeAtOnce::Peers) if depth >= 3 => self.in_sets(name, zone, depth, qtype),
            Some(TreeAtOnce::Pods) if depth == 2 && qtype == RecordType::A => self.in_pods(name),
            _ => None,
        };
        (zone.place, at_once.unwrap_or_else(|| AtOnce::Unknown(self.zone_ref(name, zone, depth))))
    }

    /// At or below a set's name.
    #[inline]
    fn in_sets<'a>(
        &'a self,
        name: &QueryName,
        zone: &'a Zone,
        depth: usize,
        qtype: RecordType,
    ) -> Option<AtOnce<'a>> {
        let apex_offset = name.known_offset(depth);
        let denied = |exists| Some(AtOnce::Denied { exists, soa: &zone.apex.negative_soa, apex_offset });
        match peer_tree::set_at(self, name, depth) {
            Ok((set, known)) if depth == 3 && !known.stale => match list_of(set, qtype) {
                Ok(list) if list.records() > 0 => Some(AtOnce::Whole(Whole(list))),
                Ok(_) | Err(NoList::Nothing) => denied(true),
                Err(NoList::SeveralPorts) => None,
            },
            Err(Found::NxDomain { stale: false }) if !self.is_above_a_zone(name) => denied(false),
            _ => None,
        }
    }

    /// At a pod's name.
    #[inline]
    fn in_pods(&self, name: &QueryName) -> Option<AtOnce<'_>> {
        let address = pod_tree::held_ipv4(self, name).or_else(|| self.other_ipv4(name))?;
        Some(AtOnce::Address { address, ttl: self.constants.rendering.ttl(None, 1) })
    }

    /// The address of a pod's name that is held otherwise, or by nobody where that is not verified.
    #[inline(never)]
    fn other_ipv4(&self, name: &QueryName) -> Option<Ipv4Addr> {
        match pod_tree::address_at(self, name, RecordType::A) {
            Ok((IpAddr::V4(address), _, known)) if !known.stale => Some(address),
            _ => None,
        }
    }
}

/// Why a type is not one list at a set's name.
enum NoList {
    Nothing,
    SeveralPorts,
}

/// The list of a type at a set's name.
#[inline]
fn list_of(set: &SetRecords, qtype: RecordType) -> Result<&RrList, NoList> {
    let served = set.served();
    // Apart from the others, as it is asked for most.
    if qtype == RecordType::A && served.a {
        return Ok(set.addresses(qtype));
    }
    let (list, is_served) = match qtype {
        RecordType::AAAA => (set.addresses(qtype), served.aaaa),
        RecordType::TXT => (set.txt(), served.txt),
        RecordType::SRV => (set.only_srv(Ports::Every).ok_or(NoList::SeveralPorts)?, served.srv),
        _ => return Err(NoList::Nothing),
    };
    if is_served { Ok(list) } else { Err(NoList::Nothing) }
}

#[expect(clippy::len_without_is_empty, reason = "an RRset is never empty")]
impl Whole<'_> {
    /// Number of RRs, at least one.
    #[inline]
    pub fn len(self) -> usize {
        self.0.records()
    }

    /// Octets of all RRs.
    #[inline]
    pub fn wire_len(self) -> usize {
        self.0.octets()
    }

    /// Copies all RRs into `out`, which has room for them. Their owner is a pointer to the question's name.
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    pub fn copy(self, out: &mut [u8]) {
        self.0.copy_all(out);
    }

    /// The same of RRs with data of `rdata` octets each, from the one at `start` (below [`Whole::len`]) on and round to the
    /// one before it.
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    pub fn copy_round(self, out: &mut [u8], start: usize, rdata: usize) {
        self.0.copy_all_round(out, start, rr::HEAD + rdata);
    }

    /// For SRV RRs in stable order, copied to `first` octets from the start of a message, the addresses of the pods that
    /// they point at, with owners that point there. `None` where one points at something else, and where the addresses
    /// do not fit. Returns how many octets and RRs these are. The snapshot is the one that the RRset was found in.
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    pub fn copy_pod_targets(self, snapshot: &Snapshot, first: usize, out: &mut [u8]) -> Option<Copied> {
        let ttl = snapshot.constants.rendering.ttl(None, 1);
        // Nearly all are IPv4 alone, whose RRs are of one size: how much they take need not be told.
        if copy_ipv4_targets(self.0, ttl, first, out).is_some() {
            let records = self.0.records();
            return Some(Copied { records, octets: records.saturating_mul(A_LEN) });
        }
        self.copy_any_targets(ttl, first, out)
    }

    #[inline(never)]
    fn copy_any_targets(self, ttl: u32, first: usize, out: &mut [u8]) -> Option<Copied> {
        let mut writer = RrWriter::new(out, ttl);
        for (start, address) in self.0.pods()? {
            if !writer.address_of(pointer_to_target(first + start)?, address) {
                return None;
            }
        }
        Some(writer.copied)
    }
}

/// Octets of an A RR.
const A_LEN: usize = rr::HEAD + 4;

/// A pointer to the target of the SRV RR that begins so many octets from the start of a message.
#[inline]
fn pointer_to_target(start: usize) -> Option<u16> {
    /// Octets of SRV rdata before the target (RFC 2782).
    const TARGET_AT: usize = 6;
    let target = start.checked_add(rr::HEAD + TARGET_AT)?;
    Some(0xc000 | u16::try_from(target).ok().filter(|at| *at < 0x4000)?)
}

/// The addresses of targets that are all pods with IPv4 addresses; `None` for others, and where they do not fit. Apart
/// from the rest, because so few registers need no saving.
#[inline(never)]
fn copy_ipv4_targets(list: &RrList, ttl: u32, first: usize, out: &mut [u8]) -> Option<()> {
    let pods = list.ipv4_pods()?;
    let (rrs, _) = out.as_chunks_mut::<A_LEN>();
    // Whether all have room is seen at once.
    for (to, (start, address)) in rrs.get_mut(..list.records())?.iter_mut().zip(pods) {
        let owner = pointer_to_target(first + start)?;
        let (head, rdata) = to.split_first_chunk_mut::<{ rr::HEAD }>()?;
        *head = rr::head_of(owner, RecordType::A, ttl, 4);
        rdata.copy_from_slice(address);
    }
    Some(())
}
