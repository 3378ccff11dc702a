//! The records of one set, changed peer by peer.

use super::chunk::{Draft, Glue, Item};
use super::hosts::{HostAddresses, Hosts};
use super::rr_list::RrList;
use super::sharded::{Keyed, labels};
use super::target::Domains;
use crate::roster::{Peer, Port, PortName, RecordTypes, SetKey, SetSettings, SrvTarget, parse_dashed};
use crate::wire::RecordType;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// SRV priority: one value for all, because peers are equals.
const SRV_PRIORITY: u16 = 0;

/// SRV weight: above 0, which HAProxy takes for "no traffic".
const SRV_WEIGHT: u16 = 10;

/// TTL in seconds where no setting gives one.
pub(super) const DEFAULT_TTL: u32 = 5;

/// Above this many RRs the default TTL is 0: Erlang's resolver cache holds 100 records and returns parts of larger
/// RRsets, but caches nothing of TTL 0.
const CACHEABLE_RECORDS: usize = 90;

/// What the records of all sets are made with.
#[derive(Debug)]
pub(super) struct Rendering {
    pub(super) domains: Domains,
    /// The server's TTL where a setting gives one.
    pub(super) ttl: Option<u32>,
    /// Whether we serve pod names, so that their addresses can be added to SRV answers.
    pub(super) serves_pods: bool,
}

impl Rendering {
    /// The TTL of an RRset of `records` RRs, with `own` where a topology sets one.
    #[inline]
    pub(super) fn ttl(&self, own: Option<u32>, records: usize) -> u32 {
        let default = if records > CACHEABLE_RECORDS { 0 } else { DEFAULT_TTL };
        own.or(self.ttl).unwrap_or(default)
    }
}

/// The records at and below a set's name.
#[derive(Debug, Clone)]
pub(super) struct SetRecords {
    pub(super) key: SetKey,
    /// The key as a name has it.
    labels: Box<[u8]>,
    /// Types served at the set's name: those of the settings, where a look-up has them at hand.
    served: RecordTypes,
    pub(super) settings: Arc<SetSettings>,
    /// What the addresses do not tell of the names of peers.
    hosts: Option<Box<Hosts>>,
    a: RrList,
    /// None in most clusters.
    aaaa: Option<Box<RrList>>,
    txt: RrList,
    /// SRV of each port, sorted by number.
    ports: Vec<(Port, RrList)>,
    /// SRV of the numbers that several of `ports` share, which collapse at the bare name.
    merged: Vec<(u16, RrList)>,
}

/// Which SRV records of a set.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ports<'a> {
    /// All, at the set's own name.
    Every,
    /// Those of one named port.
    Named(&'a PortName),
}

impl Keyed for SetRecords {
    #[inline]
    fn labels(&self) -> &[u8] {
        &self.labels
    }
}

impl SetRecords {
    pub(super) fn new(key: SetKey, settings: Arc<SetSettings>) -> SetRecords {
        SetRecords {
            labels: labels(&key.namespace, &key.name).into(),
            served: settings.records,
            key,
            settings,
            hosts: None,
            a: RrList::new(RecordType::A, DEFAULT_TTL),
            aaaa: None,
            txt: RrList::new(RecordType::TXT, DEFAULT_TTL),
            ports: Vec::new(),
            merged: Vec::new(),
        }
    }

    /// Replaces one peer. Whether any record changed by it.
    pub(super) fn change(
        &mut self,
        rendering: &Rendering,
        old: Option<&Peer>,
        new: Option<&Peer>,
        drafts: &mut Drafts,
    ) -> bool {
        let Drafts { gone, come, chunk } = drafts;
        let mut gone = old.map_or_else(Vec::new, |peer| items(rendering, &self.key, peer, gone));
        let mut come = new.map_or_else(Vec::new, |peer| items(rendering, &self.key, peer, come));
        gone.retain(|item| match come.iter().position(|other| other == item) {
            Some(index) => {
                come.swap_remove(index);
                false
            }
            None => true,
        });
        let hosts_differ = match (old, new) {
            (Some(old), Some(new)) => {
                (old.primary(), old.hostname(), old.addresses())
                    != (new.primary(), new.hostname(), new.addresses())
            }
            _ => true,
        };
        if hosts_differ {
            self.change_hosts(old, new);
        }
        let differ = hosts_differ || !gone.is_empty() || !come.is_empty();
        for (list, item) in &gone {
            // Mostly one RR of each list goes and one comes.
            match come.iter().position(|(other, _)| other == list) {
                Some(index) => self.replace(list, item, &come.swap_remove(index).1, chunk),
                None => self.remove(list, item, chunk),
            }
        }
        for (list, item) in &come {
            self.insert(list, item, chunk);
        }
        self.settle(rendering);
        differ
    }

    fn change_hosts(&mut self, old: Option<&Peer>, new: Option<&Peer>) {
        if let Some(peer) = new.filter(|peer| !peer.is_plain()) {
            self.hosts.get_or_insert_default().insert(peer);
        }
        if let Some(peer) = old.filter(|peer| !peer.is_plain()) {
            self.hosts.get_or_insert_default().remove(peer);
        }
        self.hosts.take_if(|hosts| hosts.is_empty());
    }

    /// The addresses of the peer of this label (lower case or not, in any spelling of an address); `None` when no peer
    /// has it.
    pub(super) fn host(&self, label: &[u8]) -> Option<HostAddresses<'_>> {
        let hosts = self.hosts.as_deref();
        match parse_dashed(label) {
            None => hosts?.of_hostname(label),
            Some(address) => {
                hosts.and_then(|hosts| hosts.of_address(address)).or_else(|| self.plain_host(address))
            }
        }
    }

    /// Labels with their addresses: hostnames and those of addresses, in order.
    pub(super) fn each_host(&self) -> Vec<(HostLabel<'_>, HostAddresses<'_>)> {
        let hosts = self.hosts.as_deref();
        let hostnames = hosts.into_iter().flat_map(Hosts::hostnames);
        let plain =
            self.a.iter().chain(self.aaaa().iter()).filter_map(|rr| Some((rr.key, self.plain_host(rr.key)?)));
        let addresses: BTreeMap<_, _> = plain.chain(hosts.into_iter().flat_map(Hosts::addresses)).collect();
        let hostnames = hostnames.map(|(name, own)| (HostLabel::Hostname(name), own));
        hostnames
            .chain(addresses.into_iter().map(|(address, own)| (HostLabel::Address(address), own)))
            .collect()
    }

    /// The address, where it is all there is to say of a peer.
    fn plain_host(&self, address: IpAddr) -> Option<HostAddresses<'_>> {
        let causes = match address {
            IpAddr::V4(v4) => self.a.causes_of(address, &v4.octets()),
            IpAddr::V6(v6) => self.aaaa().causes_of(address, &v6.octets()),
        };
        let others = self.hosts.as_ref().map_or(0, |hosts| hosts.not_plain(address));
        (causes > others).then_some(HostAddresses::One(address))
    }

    /// Takes over settings. Whether any record changed by it.
    pub(super) fn set_settings(&mut self, rendering: &Rendering, settings: Arc<SetSettings>) -> bool {
        let differ = *settings != *self.settings;
        self.served = settings.records;
        self.settings = settings;
        self.settle(rendering);
        differ
    }

    /// Types served at the set's name.
    #[inline]
    pub(super) fn served(&self) -> RecordTypes {
        self.served
    }

    #[inline]
    pub(super) fn addresses(&self, rtype: RecordType) -> &RrList {
        if rtype == RecordType::AAAA { self.aaaa() } else { &self.a }
    }

    fn aaaa(&self) -> &RrList {
        static NONE: RrList = RrList::new(RecordType::AAAA, DEFAULT_TTL);
        self.aaaa.as_deref().unwrap_or(&NONE)
    }

    #[inline]
    pub(super) fn txt(&self) -> &RrList {
        &self.txt
    }

    /// The lists whose concatenation is the SRV RRset: by port number, no RR twice.
    pub(super) fn srv<'a>(&'a self, which: Ports<'a>) -> impl Iterator<Item = &'a RrList> + Clone {
        let mut last = None;
        self.ports.iter().filter_map(move |(port, list)| match which {
            Ports::Named(name) => {
                (port.protocol == name.protocol && port.name.eq_ignore_ascii_case(&name.name)).then_some(list)
            }
            Ports::Every => {
                let seen = last.replace(port.number) == Some(port.number);
                (!seen).then(|| self.merged_list(port.number).unwrap_or(list))
            }
        })
    }

    /// The one list of the SRV RRset, where there is one port.
    #[inline]
    pub(super) fn only_srv(&self, which: Ports<'_>) -> Option<&RrList> {
        let [(port, list)] = &*self.ports else { return None };
        let is_it = match which {
            Ports::Named(name) => {
                port.protocol == name.protocol && port.name.eq_ignore_ascii_case(&name.name)
            }
            Ports::Every => true,
        };
        is_it.then_some(list)
    }

    /// The named port of these two labels without their underscores.
    pub(super) fn port_name(&self, name: &[u8], protocol: &[u8]) -> Option<&PortName> {
        self.settings
            .port_names
            .iter()
            .find(|port| port.name.as_bytes() == name && port.protocol.as_str().as_bytes() == protocol)
    }

    /// Whether any named port has this protocol, so that `_<protocol>.<set>` is an empty non-terminal.
    pub(super) fn has_protocol(&self, protocol: &[u8]) -> bool {
        self.settings.port_names.iter().any(|port| port.protocol.as_str().as_bytes() == protocol)
    }

    fn merged_list(&self, number: u16) -> Option<&RrList> {
        self.merged.iter().find(|(own, _)| *own == number).map(|(_, list)| list)
    }

    fn replace(&mut self, list: &List<'_>, gone: &Item<'_>, come: &Item<'_>, draft: &mut Draft) {
        let List::Srv(port) = list else {
            self.plain(list).replace(gone, come, draft);
            return;
        };
        let Ok(index) = self.ports.binary_search_by(|(own, _)| own.cmp(port)) else {
            self.insert(list, come, draft);
            return;
        };
        if let Some((_, list)) = self.merged.iter_mut().find(|(number, _)| *number == port.number) {
            list.replace(gone, come, draft);
        }
        if let Some((_, list)) = self.ports.get_mut(index) {
            list.replace(gone, come, draft);
        }
    }

    fn insert(&mut self, list: &List<'_>, item: &Item<'_>, draft: &mut Draft) {
        let List::Srv(port) = list else {
            self.plain(list).insert(item, draft);
            return;
        };
        if let Some((_, list)) = self.merged.iter_mut().find(|(number, _)| *number == port.number) {
            list.insert(item, draft);
        }
        match self.ports.binary_search_by(|(own, _)| own.cmp(port)) {
            Ok(index) => {
                if let Some((_, list)) = self.ports.get_mut(index) {
                    list.insert(item, draft);
                }
            }
            Err(index) => {
                let mut list = RrList::new(RecordType::SRV, DEFAULT_TTL);
                list.insert(item, draft);
                // Mostly one.
                self.ports.reserve_exact(1);
                self.ports.insert(index, ((*port).clone(), list));
                self.merge(port.number, draft);
            }
        }
    }

    fn remove(&mut self, list: &List<'_>, item: &Item<'_>, draft: &mut Draft) {
        let List::Srv(port) = list else {
            self.plain(list).remove(item, draft);
            return;
        };
        if let Some((_, list)) = self.merged.iter_mut().find(|(number, _)| *number == port.number) {
            list.remove(item, draft);
        }
        let Ok(index) = self.ports.binary_search_by(|(own, _)| own.cmp(port)) else { return };
        let Some((_, list)) = self.ports.get_mut(index) else { return };
        list.remove(item, draft);
        if list.records() == 0 {
            self.ports.remove(index);
            if self.ports.iter().filter(|(own, _)| own.number == port.number).count() < 2 {
                self.merged.retain(|(number, _)| *number != port.number);
            }
        }
    }

    /// Makes the collapsed list of a number that has come to have two ports.
    fn merge(&mut self, number: u16, draft: &mut Draft) {
        let mut lists = self.ports.iter().filter(|(port, _)| port.number == number).map(|(_, list)| list);
        let (Some(first), Some(_)) = (lists.next(), lists.next()) else { return };
        if self.merged_list(number).is_some() {
            return;
        }
        let mut merged = first.clone();
        for list in self.ports.iter().filter(|(port, _)| port.number == number).skip(1).map(|(_, list)| list)
        {
            for item in list.causes() {
                merged.insert(&item, draft);
            }
        }
        self.merged.push((number, merged));
    }

    fn plain(&mut self, list: &List<'_>) -> &mut RrList {
        match list {
            List::A => &mut self.a,
            List::Aaaa => {
                let empty = || Box::new(RrList::new(RecordType::AAAA, DEFAULT_TTL));
                self.aaaa.get_or_insert_with(empty)
            }
            List::Txt | List::Srv(_) => &mut self.txt,
        }
    }

    /// Gives each list the TTL that its size asks for.
    fn settle(&mut self, rendering: &Rendering) {
        let own = self.settings.ttl;
        let srv =
            self.ports.iter_mut().map(|(_, list)| list).chain(self.merged.iter_mut().map(|(_, list)| list));
        let addresses = std::iter::once(&mut self.a).chain(self.aaaa.as_deref_mut());
        for list in addresses.chain([&mut self.txt]).chain(srv) {
            list.set_ttl(rendering.ttl(own, list.records()));
        }
    }
}

/// What a peer's label is made of.
#[derive(Debug, Clone, Copy)]
pub(super) enum HostLabel<'a> {
    Hostname(&'a [u8]),
    Address(IpAddr),
}

/// Which list an item belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List<'a> {
    A,
    Aaaa,
    Txt,
    Srv(&'a Port),
}

/// Where the records of a change are put together, time and again.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    gone: Vec<u8>,
    come: Vec<u8>,
    chunk: Draft,
}

/// Everything that a peer contributes to the RRsets of its set, in octets of `rdata`.
fn items<'a>(
    rendering: &Rendering,
    set: &SetKey,
    peer: &'a Peer,
    rdata: &'a mut Vec<u8>,
) -> Vec<(List<'a>, Item<'a>)> {
    let (primary, part) = (peer.primary(), part_of(peer.primary()));
    rdata.clear();
    for address in peer.addresses() {
        match address {
            IpAddr::V4(v4) => rdata.extend_from_slice(&v4.octets()),
            IpAddr::V6(v6) => rdata.extend_from_slice(&v6.octets()),
        }
    }
    let addresses = rdata.len();
    if let Some(name) = peer.node_name()
        && let Ok(length) = u8::try_from(name.len())
    {
        rdata.push(length);
        name.pieces().iter().for_each(|piece| rdata.extend_from_slice(piece.as_bytes()));
    }
    let text = rdata.len();
    // RFC 2782: a target "." means that the service is decidedly not available; ours always name a host.
    if let Some(target) = rendering.domains.srv_target(peer, set) {
        for port in &*peer.shape().ports {
            for field in [SRV_PRIORITY, SRV_WEIGHT, port.number] {
                rdata.extend_from_slice(&field.to_be_bytes());
            }
            // RFC 2782: name compression is not to be used for the target.
            rdata.extend_from_slice(target.as_wire());
        }
    }
    let glue = match peer.shape().target {
        SrvTarget::Pod if rendering.serves_pods => Glue::Pod,
        SrvTarget::Peer => Glue::Peer,
        _ => Glue::None,
    };
    let item = |key, rdata: &'a [u8], glue| Item { key, rdata: Cow::Borrowed(rdata), part, glue };
    let ports = &*peer.shape().ports;
    let mut items = Vec::with_capacity(peer.addresses().len() + 1 + ports.len());
    let (own, services) = rdata.split_at_checked(text).unwrap_or_default();
    let (mut own, name) = own.split_at_checked(addresses).unwrap_or_default();
    for &address in peer.addresses() {
        let (list, length) = if address.is_ipv4() { (List::A, 4) } else { (List::Aaaa, 16) };
        let (octets, rest) = own.split_at_checked(length).unwrap_or_default();
        own = rest;
        items.push((list, item(address, octets, Glue::None)));
    }
    if !name.is_empty() {
        items.push((List::Txt, item(primary, name, Glue::None)));
    }
    // All are as long: they have one target.
    let each = services.chunks_exact((services.len() / ports.len().max(1)).max(1));
    items.extend(ports.iter().zip(each).map(|(port, octets)| (List::Srv(port), item(primary, octets, glue))));
    items
}

/// One character-string (RFC 1035 3.3): clients read one string per RR as one node name.
pub(super) fn txt_rdata(text: &str) -> Option<Box<[u8]>> {
    let length = u8::try_from(text.len()).ok()?;
    Some(std::iter::once(length).chain(text.bytes()).collect())
}

/// The part of a set that a peer falls in, before it is cut to the number of parts.
///
/// FNV-1a of the octets of the address that names it, folded to eight bits: part of the interface, because clients ask
/// replicas of different versions for the parts of one whole.
pub(super) fn part_of(address: IpAddr) -> u8 {
    const OFFSET_BASIS: u32 = 0x811c_9dc5;
    const PRIME: u32 = 0x0100_0193;
    let hash = |octets: &[u8]| {
        octets.iter().fold(OFFSET_BASIS, |hash, octet| (hash ^ u32::from(*octet)).wrapping_mul(PRIME))
    };
    let hash = match address {
        IpAddr::V4(v4) => hash(&v4.octets()),
        IpAddr::V6(v6) => hash(&v6.octets()),
    };
    hash.to_be_bytes().into_iter().fold(0, |folded, octet| folded ^ octet)
}
