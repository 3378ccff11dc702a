//! Zones as master files (RFC 1035 5): what `rosterd zone` prints and other servers can load.
//!
//! The parts of sets (`_<i>._of<n>`) and the names of an insecure pod zone are answered without standing anywhere, so
//! they are not in the files either.

use super::arpa;
use super::hosts::HostLabel;
use super::node::NodeKind;
use super::rr;
use super::set::Ports;
use super::snapshot::{Snapshot, Zone, ZoneTree};
use crate::roster::{SetKey, dashed};
use crate::wire::{Name, RecordType};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The types of generated records, in the order in which they are printed.
const TYPES: [RecordType; 7] = [
    RecordType::SOA,
    RecordType::NS,
    RecordType::A,
    RecordType::AAAA,
    RecordType::SRV,
    RecordType::TXT,
    RecordType::PTR,
];

impl Snapshot {
    /// The served zones with their master-file texts, those with fewer labels first.
    pub fn master_files(&self) -> impl Iterator<Item = (&Name, String)> {
        self.zones.iter().rev().map(|zone| (&zone.origin, self.master_file(zone)))
    }

    fn master_file(&self, zone: &Zone) -> String {
        let mut text = String::new();
        add(&mut text, &zone.origin, NodeKind::Apex(self, zone));
        match zone.tree {
            ZoneTree::Peers => self.add_peers(&mut text),
            ZoneTree::Pods => self.add_pods(&mut text),
            ZoneTree::Reverse(_, covered) => {
                for (address, holders) in self.addresses.iter().filter(|(address, _)| covered.holds(*address))
                {
                    if let Ok(owner) = arpa::name_of(address).parse() {
                        add(&mut text, &owner, NodeKind::Pointer(self, address, holders));
                    }
                }
            }
        }
        text
    }

    fn add_peers(&self, text: &mut String) {
        let zone = &self.constants.rendering.domains.zone;
        add_below(text, &[b"ns", b"dns"], zone, NodeKind::Nameserver(self));
        add_below(text, &[b"dns-version"], zone, NodeKind::DnsVersion(self));
        let sets = self.sets.iter().map(|set| &set.key);
        let mut keys: Vec<&SetKey> = sets.chain(self.refusals.sets()).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            let (namespace, name) = (key.namespace.as_bytes(), key.name.as_bytes());
            let Some(owner) = self.constants.rendering.domains.set(key) else { continue };
            if self.refusals.refuses(namespace, name) {
                push(text, format_args!("; {owner} is refused: an object that belongs to it never parsed\n"));
                continue;
            }
            let Some(set) = self.sets.get(namespace, name) else { continue };
            let before = text.len();
            add(text, &owner, NodeKind::Set(self, set, Ports::Every));
            if text.len() == before {
                push(text, format_args!("; {owner} exists without records\n"));
            }
            for port in &*set.settings.port_names {
                let (name, protocol) = (format!("_{}", port.name), format!("_{}", port.protocol.as_str()));
                let node = NodeKind::Set(self, set, Ports::Named(port));
                add_below(text, &[name.as_bytes(), protocol.as_bytes()], &owner, node);
            }
            for (label, addresses) in set.hosts.iter() {
                let node = NodeKind::Host(self, set, addresses);
                match label {
                    HostLabel::Hostname(hostname) => add_below(text, &[hostname], &owner, node),
                    HostLabel::Address(address) => {
                        add_below(text, &[dashed(address).as_bytes()], &owner, node);
                    }
                }
            }
        }
    }

    fn add_pods(&self, text: &mut String) {
        for (address, holders) in self.addresses.iter() {
            for holder in holders.iter().filter(|holder| holder.held) {
                if let Some(owner) = self.constants.rendering.domains.pod(address, &holder.namespace) {
                    add(text, &owner, NodeKind::Pod(self, address, Some(holder)));
                }
            }
        }
    }
}

fn add_below(text: &mut String, labels: &[&[u8]], origin: &Name, node: NodeKind<'_>) {
    if let Ok(owner) = Name::below(labels.iter().copied(), origin) {
        add(text, &owner, node);
    }
}

/// Adds every RR of a node.
fn add(text: &mut String, owner: &Name, node: NodeKind<'_>) {
    for rtype in TYPES {
        let Some(rrset) = node.rrset(rtype) else { continue };
        for (ttl, rdata) in records(&rrset.to_vec(), rtype) {
            push(text, format_args!("{owner}\t{ttl}\tIN\t{rtype}\t{rdata}\n"));
        }
    }
}

/// TTL and rdata text of each RR of a concatenation.
pub(super) fn records(octets: &[u8], rtype: RecordType) -> Vec<(u32, String)> {
    rr::each(octets)
        .map(|(ttl, rdata)| {
            let mut text = String::new();
            add_rdata(&mut text, rtype, rdata);
            (ttl, text)
        })
        .collect()
}

fn add_rdata(text: &mut String, rtype: RecordType, rdata: &[u8]) {
    let written = match rtype {
        RecordType::A => {
            <[u8; 4]>::try_from(rdata).ok().map(|octets| push(text, IpAddr::V4(Ipv4Addr::from(octets))))
        }
        RecordType::AAAA => {
            <[u8; 16]>::try_from(rdata).ok().map(|octets| push(text, IpAddr::V6(Ipv6Addr::from(octets))))
        }
        RecordType::TXT => rdata.split_first().map(|(_, string)| add_string(text, string)),
        RecordType::SRV => rdata.split_first_chunk::<6>().and_then(|([p, q, w, v, n, m], target)| {
            let [priority, weight, port] = [[*p, *q], [*w, *v], [*n, *m]].map(u16::from_be_bytes);
            push(text, format_args!("{priority} {weight} {port} "));
            add_name(text, target).map(|_| ())
        }),
        RecordType::SOA => add_soa(text, rdata),
        _ => add_name(text, rdata).map(|_| ()),
    };
    debug_assert!(written.is_some(), "rdata of {rtype} that we rendered ourselves");
}

fn add_soa(text: &mut String, rdata: &[u8]) -> Option<()> {
    let rest = add_name(text, rdata)?;
    text.push(' ');
    let rest = add_name(text, rest)?;
    for field in rest.chunks_exact(4) {
        push(text, format_args!(" {}", u32::from_be_bytes(field.try_into().ok()?)));
    }
    Some(())
}

/// Adds the name at the start of `octets` and returns what follows.
fn add_name<'a>(text: &mut String, octets: &'a [u8]) -> Option<&'a [u8]> {
    let (name, rest) = Name::split_from(octets)?;
    push(text, name);
    Some(rest)
}

/// RFC 1035 5.1: a character string in quotes, with `\"`, `\\` and `\DDD`.
fn add_string(text: &mut String, string: &[u8]) {
    text.push('"');
    for &octet in string {
        match octet {
            b'"' | b'\\' => push(text, format_args!("\\{}", char::from(octet))),
            0x20..=0x7e => text.push(char::from(octet)),
            _ => push(text, format_args!("\\{octet:03}")),
        }
    }
    text.push('"');
}

fn push(text: &mut String, value: impl std::fmt::Display) {
    // Writing to a string cannot fail.
    let _ = write!(text, "{value}");
}
