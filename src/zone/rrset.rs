//! An RRset as answers copy it: whole RRs in a stable order, each with a pointer to the question's name as owner.

use super::at_once::Whole;
use super::chunk::{Glue, Rr};
use super::holders::{Holder, Holders};
use super::hosts::HostAddresses;
use super::master::{fields, svcb};
use super::rr;
use super::rr_list::{Copied, Part, RrList};
use super::set::{Ports, SetRecords};
use super::snapshot::Snapshot;
use super::static_zone::Rendered;
use crate::roster::DashedLabel;
use crate::wire::{Name, RecordType};
use std::net::IpAddr;

/// An RRset of a snapshot. Never empty.
#[derive(Debug, Clone, Copy)]
pub struct Rrset<'a> {
    kind: Kind<'a>,
    /// In seconds; of no meaning where the RR is rendered whole.
    ttl: u32,
    /// Of the whole; that of a part of a set is found by looking at every RR of the set, once.
    size: Copied,
}

/// The addresses that belong into the additional section for one RR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Additional<'a> {
    /// TTL in seconds.
    pub ttl: u32,
    /// Addresses, IPv4 first.
    pub addresses: HostAddresses<'a>,
}

/// How the names are found that the RRs of a set point at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Targets {
    rtype: RecordType,
    at: usize,
}

/// What an RR points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The name that begins so many octets into its data.
    At(usize),
    /// The owner of the RR.
    Owner,
}

impl Targets {
    /// The type that names pointed at may have too, where they are services that may be found under other names.
    pub fn service(self) -> Option<RecordType> {
        matches!(self.rtype, RecordType::SVCB | RecordType::HTTPS).then_some(self.rtype)
    }

    /// What the RR of these data points at.
    pub fn of(self, rdata: &[u8]) -> Target {
        if svcb::target_is_owner(self.rtype, rdata) { Target::Owner } else { Target::At(self.at) }
    }
}

/// Where an RRset's octets come from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind<'a> {
    /// One RR, rendered.
    One(&'a [u8]),
    /// RRs of a file, rendered.
    Rendered(&'a Rendered),
    /// The NS of an apex, rendered.
    Nameserver(&'a Snapshot, &'a [u8]),
    /// A rendered list.
    List(&'a RrList, RecordType),
    /// Some RRs of a rendered list.
    ListPart(&'a RrList, Part, RecordType),
    /// The SRV RRs of a set.
    Srv { snapshot: &'a Snapshot, set: &'a SetRecords, ports: Ports<'a>, part: Option<Part> },
    /// A or AAAA from addresses of one family.
    Addresses(&'a [IpAddr]),
    /// A or AAAA from one address.
    Address(IpAddr),
    /// TXT of a pod name.
    NodeNames(Holder<'a>),
    /// PTR to the pod names of an address.
    Pointers { address: IpAddr, holders: Holders<'a>, cluster: &'a Name },
}

#[expect(clippy::len_without_is_empty, reason = "an RRset is never empty")]
impl<'a> Rrset<'a> {
    /// The RRset of a rendered list.
    #[inline]
    pub(super) fn of_list(
        list: &'a RrList,
        rtype: RecordType,
        ttl: impl FnOnce(usize) -> u32,
    ) -> Option<Rrset<'a>> {
        let size = Copied { records: list.records(), octets: list.octets() };
        (size.records > 0).then(|| Rrset { kind: Kind::List(list, rtype), ttl: ttl(size.records), size })
    }

    /// The RRset of one address.
    #[inline]
    pub(super) fn of_address(address: IpAddr, ttl: impl FnOnce(usize) -> u32) -> Rrset<'a> {
        let size = Copied { records: 1, octets: rr::HEAD + address_octets(address) };
        Rrset { kind: Kind::Address(address), ttl: ttl(1), size }
    }

    /// An RRset with the TTL that its size asks for; `None` where it would be empty.
    pub(super) fn new(kind: Kind<'a>, ttl: impl FnOnce(usize) -> u32) -> Option<Rrset<'a>> {
        let size = kind.size();
        (size.records > 0).then(|| Rrset { kind, ttl: ttl(size.records), size })
    }

    /// An RRset of a file, with the TTL that stands there.
    pub(super) fn rendered(rrset: &'a Rendered) -> Rrset<'a> {
        let kind = Kind::Rendered(rrset);
        Rrset { kind, ttl: rrset.ttl, size: kind.size() }
    }

    /// Number of RRs, at least one.
    #[inline]
    pub fn len(&self) -> usize {
        self.size.records
    }

    /// Octets of all RRs as [`Rrset::copy`] writes them.
    #[inline]
    pub fn wire_len(&self) -> usize {
        self.size.octets
    }

    /// Whether complete answers may begin at any RR: only addresses, where clients try the first.
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    pub fn rotates(&self) -> bool {
        match self.kind {
            Kind::List(_, rtype) | Kind::ListPart(_, _, rtype) => rtype != RecordType::TXT,
            Kind::Addresses(_) => true,
            Kind::Rendered(rrset) => matches!(rrset.rtype, RecordType::A | RecordType::AAAA),
            _ => false,
        }
    }

    /// Whether what does not fit can be asked in parts: sets can.
    pub fn has_parts(&self) -> bool {
        matches!(self.kind, Kind::List(..) | Kind::ListPart(..) | Kind::Srv { .. })
    }

    /// Copies whole RRs into `out`, from the one at `start` on and round to the one before it, as many as fit.
    ///
    /// With `start` 0 and too little room these are the first of the stable order: always the same subset.
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    pub fn copy(&self, out: &mut [u8], start: usize) -> Copied {
        let start = if start < self.len() { start } else { start.checked_rem(self.len()).unwrap_or(0) };
        match self.kind {
            Kind::List(list, _) => list.copy_round(out, start, self.ttl),
            Kind::Address(address) => {
                let mut writer = RrWriter::new(out, self.ttl);
                writer.address(address);
                writer.copied
            }
            Kind::Srv { set, ports, part: None, .. } => match set.only_srv(ports) {
                Some(list) => list.copy_round(out, 0, self.ttl),
                None => self.copy_round(out, start),
            },
            _ => self.copy_round(out, start),
        }
    }

    #[inline(never)]
    fn copy_round(&self, out: &mut [u8], start: usize) -> Copied {
        let first = self.copy_from(out, start, usize::MAX);
        if start == 0 || first.records < self.len() - start {
            return first;
        }
        let Some(rest) = out.get_mut(first.octets..) else { return first };
        let second = self.copy_from(rest, 0, start);
        Copied { records: first.records + second.records, octets: first.octets + second.octets }
    }

    /// For each RR in stable order the addresses of the name it points at; `None` where they are not ours to give, or
    /// were given for an earlier RR.
    pub fn additionals(&self) -> impl Iterator<Item = Option<Additional<'a>>> + use<'a> {
        let nameserver = match self.kind {
            Kind::Nameserver(snapshot, _) => {
                Some(snapshot.constants.nameserver_is_ours.then(|| Additional {
                    ttl: glue_ttl(snapshot, None, &snapshot.constants.advertised),
                    addresses: HostAddresses::Several(&snapshot.constants.advertised),
                }))
            }
            _ => None,
        };
        let srv = match self.kind {
            Kind::Srv { snapshot, set, ports, part } => Some((snapshot, set, ports, part)),
            _ => None,
        };
        let targets = srv.into_iter().flat_map(|(snapshot, set, ports, part)| {
            set.srv(ports).enumerate().flat_map(move |(nth, list)| {
                let wanted = part.unwrap_or(Part::WHOLE);
                list.part(wanted).map(move |rr| {
                    let earlier = set.srv(ports).take(nth);
                    target_addresses(snapshot, set, &rr).filter(|_| !already_given(earlier, &rr))
                })
            })
        });
        nameserver.into_iter().chain(targets)
    }

    /// The list that it is, if it is one: of a set's addresses or names, or the SRV RRset of one port.
    pub fn as_whole(&self) -> Option<Whole<'a>> {
        let list = match self.kind {
            Kind::List(list, _) => list,
            Kind::Srv { set, ports, part: None, .. } => set.only_srv(ports)?,
            _ => return None,
        };
        (list.ttl() == self.ttl).then_some(Whole(list))
    }

    /// Where in its RRs' data the names stand whose addresses are to be looked up for the additional section; `None`
    /// where there are none, and where [`Rrset::additionals`] knows them.
    #[inline]
    pub fn looked_up_targets(&self) -> Option<Targets> {
        let at = match self.kind {
            Kind::Rendered(rrset) => fields::target_at(rrset.rtype)?,
            Kind::Nameserver(snapshot, _) if !snapshot.constants.nameserver_is_ours => 0,
            _ => return None,
        };
        let rtype = if let Kind::Rendered(rrset) = self.kind { rrset.rtype } else { RecordType::NS };
        Some(Targets { rtype, at })
    }

    /// The RRs one by one, for export.
    pub(super) fn to_vec(self) -> Vec<u8> {
        let mut octets = vec![0; self.wire_len()];
        let copied = self.copy(&mut octets, 0);
        octets.truncate(copied.octets);
        octets
    }

    /// Copies RRs from `start` on, at most `most`.
    fn copy_from(&self, out: &mut [u8], start: usize, most: usize) -> Copied {
        let ttl = self.ttl;
        match self.kind {
            Kind::One(rr) | Kind::Nameserver(_, rr) => copy_each([rr].into_iter(), out, most),
            // Only RRs of one size have another start than the first.
            Kind::Rendered(rrset) => match (out.get_mut(..rrset.octets.len()), start, most) {
                (Some(room), 0, usize::MAX) => {
                    room.copy_from_slice(&rrset.octets);
                    Copied { records: rrset.records, octets: rrset.octets.len() }
                }
                _ => copy_each(
                    rr::whole(rrset.octets.get(rrset.octets_before(start)..).unwrap_or(&[])),
                    out,
                    most,
                ),
            },
            Kind::ListPart(list, part, _) => {
                let rrs = list.part(part).skip(start).map(|rr| rr.octets);
                with_ttl(ttl, out, |out| copy_each(rrs, out, most))
            }
            Kind::Srv { set, ports, part: None, .. } => {
                let mut copied = Copied::default();
                for list in set.srv(ports) {
                    let Some(room) = out.get_mut(copied.octets..) else { break };
                    let more = list.copy(room, 0, ttl);
                    copied = Copied {
                        records: copied.records + more.records,
                        octets: copied.octets + more.octets,
                    };
                    if more.records < list.records() {
                        break;
                    }
                }
                copied
            }
            Kind::Srv { set, ports, part: Some(part), .. } => {
                let rrs = set.srv(ports).flat_map(|list| list.part(part)).map(|rr| rr.octets);
                with_ttl(ttl, out, |out| copy_each(rrs, out, most))
            }
            Kind::Addresses(addresses) => {
                let mut writer = RrWriter::new(out, ttl);
                addresses.iter().skip(start).take(most).all(|address| writer.address(*address));
                writer.copied
            }
            // Copied before it comes to this.
            Kind::List(..) | Kind::Address(_) => Copied::default(),
            Kind::NodeNames(holder) => {
                let mut writer = RrWriter::new(out, ttl);
                holder.node_names().all(|name| {
                    // Node names have at most 255 octets: one character-string each.
                    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
                    let [basename, at, host, tail] = name.pieces().map(str::as_bytes);
                    writer.rr(RecordType::TXT, &[&[length], basename, at, host, tail])
                });
                writer.copied
            }
            Kind::Pointers { address, holders, cluster } => {
                let mut writer = RrWriter::new(out, ttl);
                let label = DashedLabel::new(address);
                holders.held().all(|holder| {
                    writer.rr(RecordType::PTR, &PodName::new(&label, holder, cluster).pieces())
                });
                writer.copied
            }
        }
    }
}

impl<'a> Kind<'a> {
    /// The addresses of the type's family; `None` where there is none.
    pub(super) fn addresses(sorted: HostAddresses<'a>, rtype: RecordType) -> Option<Kind<'a>> {
        let sorted = match sorted {
            HostAddresses::One(address) => {
                let own = if address.is_ipv4() { RecordType::A } else { RecordType::AAAA };
                return (rtype == own).then_some(Kind::Address(address));
            }
            HostAddresses::Several(addresses) => addresses,
        };
        let (v4, v6) = sorted.split_at_checked(sorted.partition_point(IpAddr::is_ipv4))?;
        let addresses = match rtype {
            RecordType::A => v4,
            RecordType::AAAA => v6,
            _ => return None,
        };
        (!addresses.is_empty()).then_some(Kind::Addresses(addresses))
    }

    fn size(&self) -> Copied {
        let sum = |rrs: &mut dyn Iterator<Item = usize>| {
            rrs.fold(Copied::default(), |sum, octets| Copied {
                records: sum.records + 1,
                octets: sum.octets + octets,
            })
        };
        match *self {
            Kind::One(rr) | Kind::Nameserver(_, rr) => Copied { records: 1, octets: rr.len() },
            Kind::Rendered(rrset) => Copied { records: rrset.records, octets: rrset.octets.len() },
            Kind::List(list, _) => Copied { records: list.records(), octets: list.octets() },
            Kind::ListPart(list, part, _) => sum(&mut list.part(part).map(|rr| rr.octets.len())),
            Kind::Srv { set, ports, part: None, .. } => {
                set.srv(ports).fold(Copied::default(), |sum, list| Copied {
                    records: sum.records + list.records(),
                    octets: sum.octets + list.octets(),
                })
            }
            Kind::Srv { set, ports, part: Some(part), .. } => {
                sum(&mut set.srv(ports).flat_map(|list| list.part(part)).map(|rr| rr.octets.len()))
            }
            Kind::Addresses(addresses) => {
                sum(&mut addresses.iter().map(|address| rr::HEAD + address_octets(*address)))
            }
            Kind::Address(address) => Copied { records: 1, octets: rr::HEAD + address_octets(address) },
            Kind::NodeNames(holder) => sum(&mut holder.node_names().map(|name| rr::HEAD + 1 + name.len())),
            Kind::Pointers { address, holders, cluster } => {
                let label = DashedLabel::new(address);
                sum(&mut holders
                    .held()
                    .map(|holder| rr::HEAD + PodName::new(&label, holder, cluster).wire_len()))
            }
        }
    }
}

/// Writes RRs while they fit.
pub(super) struct RrWriter<'o> {
    out: &'o mut [u8],
    ttl: u32,
    pub(super) copied: Copied,
}

impl<'o> RrWriter<'o> {
    pub(super) fn new(out: &'o mut [u8], ttl: u32) -> RrWriter<'o> {
        RrWriter { out, ttl, copied: Copied::default() }
    }

    fn address(&mut self, address: IpAddr) -> bool {
        self.address_of(rr::QUESTION, address)
    }

    /// Whether the RR of an address fitted. Its owner is a pointer, as it stands in a message.
    #[inline]
    pub(super) fn address_of(&mut self, owner: u16, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => self.whole::<{ rr::HEAD + 4 }>(owner, RecordType::A, &v4.octets()),
            IpAddr::V6(v6) => self.whole::<{ rr::HEAD + 16 }>(owner, RecordType::AAAA, &v6.octets()),
        }
    }

    /// Whether the RR of so many octets fitted: of a size that is known beforehand, so that it is written at once.
    #[inline]
    fn whole<const LENGTH: usize>(&mut self, owner: u16, rtype: RecordType, rdata: &[u8]) -> bool {
        let out = self.out.get_mut(self.copied.octets..).unwrap_or_default();
        let Some(rr) = out.first_chunk_mut::<LENGTH>() else { return false };
        let Some((head, to)) = rr.split_first_chunk_mut::<{ rr::HEAD }>() else { return false };
        *head = rr::head_of(owner, rtype, self.ttl, u16::try_from(rdata.len()).unwrap_or(0));
        to.copy_from_slice(rdata);
        self.copied = Copied { records: self.copied.records + 1, octets: self.copied.octets + LENGTH };
        true
    }

    /// Whether the RR, with its rdata in pieces, fitted.
    fn rr(&mut self, rtype: RecordType, rdata: &[&[u8]]) -> bool {
        let size: usize = rdata.iter().map(|piece| piece.len()).sum();
        let end = self.copied.octets + rr::HEAD + size;
        let (Some(rr), Ok(length)) = (self.out.get_mut(self.copied.octets..end), u16::try_from(size)) else {
            return false;
        };
        let Some((head, mut rest)) = rr.split_first_chunk_mut::<{ rr::HEAD }>() else { return false };
        *head = rr::head(rtype, self.ttl, length);
        for piece in rdata {
            let Some((to, behind)) = rest.split_at_mut_checked(piece.len()) else { return false };
            to.copy_from_slice(piece);
            rest = behind;
        }
        self.copied = Copied { records: self.copied.records + 1, octets: end };
        true
    }
}

/// `<ip-dashes>.<ns>.pod.<cluster domain>` as pieces of wire form. Labels of addresses and namespaces, and the name as
/// a whole, are within their limits.
struct PodName<'a> {
    lengths: [u8; 2],
    label: &'a DashedLabel,
    namespace: &'a str,
    cluster: &'a Name,
}

impl<'a> PodName<'a> {
    fn new(label: &'a DashedLabel, holder: Holder<'a>, cluster: &'a Name) -> PodName<'a> {
        let lengths =
            [label.as_str(), holder.namespace].map(|text| u8::try_from(text.len()).unwrap_or(u8::MAX));
        PodName { lengths, label, namespace: holder.namespace, cluster }
    }

    fn pieces(&self) -> [&[u8]; 6] {
        let [label, namespace] = &self.lengths;
        [
            std::slice::from_ref(label),
            self.label.as_str().as_bytes(),
            std::slice::from_ref(namespace),
            self.namespace.as_bytes(),
            b"\x03pod",
            self.cluster.as_wire(),
        ]
    }

    fn wire_len(&self) -> usize {
        self.pieces().iter().map(|piece| piece.len()).sum()
    }
}

fn copy_each<'b>(rrs: impl Iterator<Item = &'b [u8]>, out: &mut [u8], most: usize) -> Copied {
    let mut copied = Copied::default();
    for rr in rrs.take(most) {
        let Some(room) = out.get_mut(copied.octets..copied.octets + rr.len()) else { break };
        room.copy_from_slice(rr);
        copied.records += 1;
        copied.octets += rr.len();
    }
    copied
}

/// Parts are RRsets of their own size, so that their TTL can differ from the whole's.
fn with_ttl(ttl: u32, out: &mut [u8], copy: impl FnOnce(&mut [u8]) -> Copied) -> Copied {
    let copied = copy(out);
    if let Some(rrs) = out.get_mut(..copied.octets) {
        rr::set_ttls(rrs, ttl);
    }
    copied
}

fn address_octets(address: IpAddr) -> usize {
    if address.is_ipv4() { 4 } else { 16 }
}

/// Octets of SRV rdata before the target: priority, weight, port (RFC 2782).
const SRV_HEAD: usize = 6;

fn target_addresses<'a>(snapshot: &'a Snapshot, set: &'a SetRecords, rr: &Rr<'a>) -> Option<Additional<'a>> {
    match rr.glue {
        Glue::None => None,
        Glue::Pod => {
            let addresses = HostAddresses::One(rr.key);
            Some(Additional { ttl: glue_ttl(snapshot, None, addresses.as_slice()), addresses })
        }
        Glue::Peer => {
            let target = rr.rdata().get(SRV_HEAD..)?;
            let (&length, rest) = target.split_first()?;
            let addresses = set.host(rest.get(..usize::from(length))?)?;
            Some(Additional { ttl: glue_ttl(snapshot, set.settings.ttl, addresses.as_slice()), addresses })
        }
    }
}

/// The TTL of a target's addresses: that of its larger RRset, where it has both families.
fn glue_ttl(snapshot: &Snapshot, own: Option<u32>, addresses: &[IpAddr]) -> u32 {
    let v4 = addresses.partition_point(IpAddr::is_ipv4);
    snapshot.constants.rendering.ttl(own, v4.max(addresses.len() - v4))
}

/// Whether a list before this one has the same target with its own port number.
fn already_given<'a>(mut earlier: impl Iterator<Item = &'a RrList>, rr: &Rr<'_>) -> bool {
    let target = rr.rdata().get(SRV_HEAD..).unwrap_or(&[]);
    earlier.any(|list| list.has_target(rr.key, target, SRV_HEAD))
}
