//! What stands at a name that a person asks for: records as text, or why there are none.

use super::arpa::{self, Covered, Tree};
use super::node::{Found, Node};
use super::snapshot::{Snapshot, ZoneRef};
use super::{PodNames, master_file, rr};
use crate::roster::{SetKey, Subject, parse_dashed};
use crate::wire::{Name, NameError, QueryName, RecordType};
use std::fmt;
use std::net::IpAddr;

/// What stands at a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookUp {
    /// The name that was looked up: what was asked for, completed where it was short.
    pub name: Name,
    /// The zone that it falls into, and that zone's serial.
    pub zone: Option<(Name, u32)>,
    /// What came of it.
    pub outcome: LookedUp,
    /// Whether that may be old.
    pub stale: bool,
    /// Records, at most as many as were wanted.
    pub records: Vec<RecordText>,
    /// How many more there are.
    pub more: usize,
    /// What the name is about.
    pub subject: Subject,
}

/// What comes of a look-up. Its text says what an answer has, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookedUp {
    /// Records.
    Records,
    /// The name exists without records of the types asked for.
    NoData,
    /// Nothing exists at or below the name.
    NxDomain,
    /// Others answer for it.
    Referral,
    /// It lies below a DNAME.
    Redirection,
    /// Not everything has been listed.
    NotReady,
    /// An object does not parse and never did.
    Broken,
    /// It falls into no zone.
    Refused,
    /// It is the name of an address, whose reverse zone is not served.
    NoReverseZone,
}

/// A record as master files have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordText {
    /// Its type.
    pub rtype: RecordType,
    /// Its TTL in seconds.
    pub ttl: u32,
    /// Its data.
    pub data: String,
}

/// The types that are looked for where none is named, as `rosterd zone` and people read them.
const TYPES: [RecordType; 17] = [
    RecordType::SOA,
    RecordType::NS,
    RecordType::CNAME,
    RecordType::DNAME,
    RecordType::TXT,
    RecordType::A,
    RecordType::AAAA,
    RecordType::SRV,
    RecordType::PTR,
    RecordType::MX,
    RecordType::NAPTR,
    RecordType::SVCB,
    RecordType::HTTPS,
    RecordType::CAA,
    RecordType::TLSA,
    RecordType::SSHFP,
    RecordType::URI,
];

impl LookedUp {
    /// The response code of an answer.
    pub fn rcode(self) -> &'static str {
        match self {
            LookedUp::Records | LookedUp::NoData | LookedUp::Referral | LookedUp::Redirection => "NOERROR",
            LookedUp::NxDomain => "NXDOMAIN",
            LookedUp::NotReady | LookedUp::Broken => "SERVFAIL",
            LookedUp::Refused | LookedUp::NoReverseZone => "REFUSED",
        }
    }
}

impl fmt::Display for LookedUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LookedUp::Records => "the name has records",
            LookedUp::NoData => "the name exists, and has no records of this kind",
            LookedUp::NxDomain => "nothing exists at this name or below it",
            LookedUp::Referral => "other servers answer for this name",
            LookedUp::Redirection => "the name lies below a DNAME, and is looked for elsewhere",
            LookedUp::NotReady => "a watch that could know of this name has not delivered its full list yet",
            LookedUp::Broken => "an object that could belong to this name does not parse, and never did",
            LookedUp::Refused => "the name lies in no zone of this server",
            LookedUp::NoReverseZone => {
                "no reverse zone with this address is served (reverse_zones), so nobody gets its name here"
            }
        })
    }
}

impl Snapshot {
    /// Looks up what a person asks for: a whole name; a short one, such as `<set>.<namespace>`; `<namespace>/<set>`; an
    /// address, or a node name. Records of one type, or of all that are known; at most `limit` of them.
    pub fn look_up(&self, asked: &str, rtype: Option<RecordType>, limit: usize) -> Result<LookUp, NameError> {
        let name = self.complete(asked)?;
        let query = query_name(&name);
        let wanted = rtype.filter(|rtype| *rtype != RecordType::ANY);
        let one = wanted.as_slice();
        let subject = self.subject(&name);
        let is_of_an_address = matches!(subject, Subject::Address { namespace: None, .. });
        let mut looked_up = LookUp {
            name,
            zone: None,
            outcome: if is_of_an_address { LookedUp::NoReverseZone } else { LookedUp::Refused },
            stale: false,
            records: Vec::new(),
            more: 0,
            subject,
        };
        let Some(zone) = self.zone_of(&query, wanted.unwrap_or(RecordType::A)) else {
            return Ok(looked_up);
        };
        looked_up.zone = Some((zone.zone.origin.clone(), zone.serial()));
        looked_up.fill(zone, &query, if one.is_empty() { &TYPES } else { one }, limit);
        Ok(looked_up)
    }

    /// The whole name that somebody means.
    fn complete(&self, asked: &str) -> Result<Name, NameError> {
        let asked = asked.trim();
        let domains = &self.constants.rendering.domains;
        if let Some((namespace, set)) = asked.split_once('/') {
            return Name::below([set, namespace, "svc"].map(str::as_bytes), &domains.zone);
        }
        // Of a node name, where the node is.
        let asked = asked.rsplit_once('@').map_or(asked, |(_, host)| host);
        if let Ok(address) = asked.parse::<IpAddr>() {
            return arpa::name_of(address).parse();
        }
        let whole: Name = asked.parse()?;
        if asked.ends_with('.') || self.zone_of(&query_name(&whole), RecordType::A).is_some() {
            return Ok(whole);
        }
        let below = |suffix: &[&str], origin: &Name| {
            let labels = whole.labels().chain(suffix.iter().map(|label| label.as_bytes()));
            Name::below(labels.collect::<Vec<_>>(), origin)
        };
        let set = match whole.labels().count() {
            // What nobody put into a namespace of its own.
            1 => below(&["default", "svc"], &domains.zone),
            _ => below(&["svc"], &domains.zone),
        };
        let others =
            [below(&[], &domains.zone), below(&[], &domains.cluster), below(&["pod"], &domains.cluster)];
        let exists = |name: &Name| {
            let query = query_name(name);
            let found = self.zone_of(&query, RecordType::A).map(|zone| zone.find(&query, RecordType::A));
            found.is_some_and(|found| !matches!(found, Found::NxDomain { .. }))
        };
        if let Some(known) = set.iter().chain(others.iter().flatten()).find(|name| exists(name)) {
            return Ok(known.clone());
        }
        // Nothing of these exists: a set that does not, or somebody who is left out of one that does.
        let is_meant = |name: &Name| match labels_below(name, &domains.zone).as_deref() {
            Some([_, _, _]) => true,
            Some([_, rest @ ..]) => {
                Name::below(rest.iter().copied(), &domains.zone).is_ok_and(|set| exists(&set))
            }
            _ => false,
        };
        Ok(set.ok().filter(is_meant).unwrap_or(whole))
    }

    /// Whose name it is.
    fn subject(&self, name: &Name) -> Subject {
        let domains = &self.constants.rendering.domains;
        let text = |label: &[u8]| -> Box<str> { String::from_utf8_lossy(label).into() };
        if let Some(labels) = labels_below(name, &domains.zone) {
            let set = |name: &[u8], namespace: &[u8]| SetKey {
                namespace: (*text(namespace)).into(),
                name: (*text(name)).into(),
            };
            match labels.as_slice() {
                [name, namespace, b"svc"] => return Subject::Set { key: set(name, namespace), peer: None },
                // A port, or a part.
                [_, [b'_', ..], name, namespace, b"svc"] => {
                    return Subject::Set { key: set(name, namespace), peer: None };
                }
                [peer, name, namespace, b"svc"] => {
                    return Subject::Set { key: set(name, namespace), peer: Some(text(peer)) };
                }
                _ => {}
            }
        }
        if let Some([pod, namespace, b"pod"]) = labels_below(name, &domains.cluster).as_deref()
            && let Some(address) = parse_dashed(pod)
            && self.constants.pods != PodNames::Disabled
        {
            return Subject::Address { address, namespace: Some(text(namespace)) };
        }
        let covered = Tree::of(name).and_then(|tree| tree.covered(&query_name(name)));
        match covered.and_then(Covered::address) {
            Some(address) => Subject::Address { address, namespace: None },
            None => Subject::Nobody,
        }
    }
}

impl LookUp {
    fn fill(&mut self, zone: ZoneRef<'_>, query: &QueryName, types: &[RecordType], limit: usize) {
        let first = types.first().copied().unwrap_or(RecordType::A);
        let node = match zone.find(query, first) {
            Found::Node(node) => node,
            Found::Referral(_) => return self.outcome = LookedUp::Referral,
            Found::Redirection(_) => return self.outcome = LookedUp::Redirection,
            Found::NxDomain { stale } => {
                self.stale = stale;
                return self.outcome = LookedUp::NxDomain;
            }
            Found::NotReady => return self.outcome = LookedUp::NotReady,
            Found::Broken => return self.outcome = LookedUp::Broken,
        };
        self.stale = node.is_stale();
        let mut left = limit;
        for rtype in types {
            self.add(&node, *rtype, &mut left);
        }
        let alias = self.records.is_empty() && self.more == 0 && types != TYPES;
        if alias && node.alias().is_some() {
            // What an answer of any type begins with.
            self.add(&node, RecordType::CNAME, &mut left);
        }
        let has_some = !self.records.is_empty() || self.more > 0;
        self.outcome = if has_some { LookedUp::Records } else { LookedUp::NoData };
    }

    fn add(&mut self, node: &Node<'_>, rtype: RecordType, left: &mut usize) {
        let Some(rrset) = node.rrset(rtype) else { return };
        let shown = (*left).min(rrset.len());
        if shown > 0 {
            let octets = rrset.to_vec();
            let text = |(ttl, rdata)| RecordText { rtype, ttl, data: master_file::rdata(rtype, rdata) };
            self.records.extend(rr::each(&octets).take(shown).map(text));
        }
        *left -= shown;
        self.more += rrset.len() - shown;
    }
}

/// Labels of a name below another, leftmost first.
fn labels_below<'a>(name: &'a Name, origin: &Name) -> Option<Vec<&'a [u8]>> {
    let depth = name.labels().count().checked_sub(origin.labels().count())?;
    name.is_at_or_below(origin).then(|| name.labels().take(depth).collect())
}

fn query_name(name: &Name) -> QueryName {
    let mut query = QueryName::new();
    // A name reads back as it was written.
    let _ = query.read(name.as_wire(), 0);
    query
}
