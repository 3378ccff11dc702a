//! The zones in `zones/`, written for what their heads say, and what is asked of them: names that stand there and names
//! above, below and beside them, each with every type of any of the zones.

use super::message::{ANY, Question, Way};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A zone, and what is asked of it.
#[derive(Debug)]
pub(crate) struct Zone {
    pub(crate) origin: String,
    pub(crate) text: String,
    /// A peer that loads no such zone.
    pub(crate) not: Option<String>,
    /// Owners and the names that the file wants to be asked.
    names: BTreeSet<String>,
    types: BTreeSet<u16>,
    /// Whether names around these are asked, and types that the zone does not have.
    more: bool,
}

/// All zones, by origin.
pub(crate) fn zones() -> Vec<Zone> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/zones");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut zones: Vec<Zone> = entries
        .map(|path| {
            let origin = path.file_stem().unwrap().to_str().unwrap().to_owned();
            Zone::of(origin, fs::read_to_string(&path).unwrap())
        })
        .collect();
    zones.sort_by(|one, other| one.origin.cmp(&other.origin));
    zones
}

impl Zone {
    fn of(origin: String, text: String) -> Zone {
        let absolute =
            |name: &str| if name == "@" { format!("{origin}.") } else { format!("{name}.{origin}.") };
        let (mut names, mut types, mut not, mut more) = (BTreeSet::new(), BTreeSet::new(), None, true);
        for line in text.lines() {
            if line == "; ask no more" {
                more = false;
            } else if let Some(more) = line.strip_prefix("; ask ") {
                names.extend(more.split_whitespace().map(absolute));
            } else if let Some(peer) = line.strip_prefix("; not ") {
                not = Some(peer.to_owned());
            } else if let (false, [owner, rtype, ..]) =
                (line.starts_with([';', '$']), line.split_whitespace().collect::<Vec<_>>().as_slice())
            {
                names.insert(absolute(owner));
                types.insert(rtype.parse::<::rosterd::wire::RecordType>().unwrap().0);
            }
        }
        Zone { origin, text, not, names, types, more }
    }

    /// Every name with every type of all zones, with EDNS over UDP.
    pub(crate) fn questions(&self, types: &BTreeSet<u16>) -> Vec<Question> {
        if !self.more {
            return self.questions_by(Way::Udp(1232));
        }
        let mut names = self.names.clone();
        for name in &self.names {
            names.extend([format!("x.{name}"), format!("x.y.{name}"), format!("*.{name}")]);
            names.extend(
                name.split_once('.').map(|(_, above)| above.to_owned()).filter(|name| self.holds(name)),
            );
        }
        names.retain(|name| name.len() < 254);
        let of = |name: &String| {
            let name = name.clone();
            types.iter().map(move |qtype| Question { name: name.clone(), qtype: *qtype, way: Way::Udp(1232) })
        };
        names.iter().flat_map(of).collect()
    }

    /// What the file holds, with the zone's own types, in every other way.
    pub(crate) fn questions_by(&self, way: Way) -> Vec<Question> {
        let types = || self.types.iter().copied().chain([ANY]);
        let of = |name: &String| {
            let name = name.clone();
            types().map(move |qtype| Question { name: name.clone(), qtype, way })
        };
        self.names.iter().flat_map(of).collect()
    }

    fn holds(&self, name: &str) -> bool {
        name.ends_with(&format!("{}.", self.origin))
    }
}

/// The types of these zones, some that they do not have, and ANY.
pub(crate) fn types(zones: &[Zone]) -> BTreeSet<u16> {
    zones.iter().flat_map(|zone| zone.types.iter().copied()).chain([ANY, 65_534]).collect()
}
