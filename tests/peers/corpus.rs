//! Small zones full of corners: wildcards, empty non-terminals, delegations, redirections and aliases, made from a
//! fixed seed.

use super::message::{A, ANY, CNAME, MX, NS, Question, Way};
use std::fmt::Write as _;

/// How many zones there are.
pub(crate) const ZONES: usize = 3000;

/// How many of them are asked everything; of the others, each is asked a part.
const WHOLE: usize = 60;

/// Parts that what is asked of a zone is cut into.
const PARTS: usize = 16;

const LABELS: [&str; 4] = ["a", "b", "c", "*"];

/// A generator of numbers (SplitMix64), so that every run asks the same.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(limit).unwrap()).unwrap()
    }

    fn name(&mut self) -> String {
        let labels = 1 + self.below(3);
        (0..labels).map(|_| LABELS[self.below(LABELS.len())]).collect::<Vec<_>>().join(".")
    }

    /// Mostly a name of the zone, else one of another zone or of none.
    fn target(&mut self) -> String {
        match self.below(12) {
            0 => "elsewhere.invalid.".to_owned(),
            1 | 2 => format!("{}.z{}.test.", self.name(), self.below(ZONES)),
            _ => self.name(),
        }
    }
}

/// Origin and text of a zone.
pub(crate) fn zone(index: usize) -> (String, String) {
    let origin = format!("z{index}.test");
    let mut numbers = Numbers(u64::try_from(index).unwrap() << 20);
    let mut owners: Vec<(String, &str, String)> = Vec::new();
    for _ in 0..3 + numbers.below(7) {
        let owner = numbers.name();
        let wild = owner.starts_with('*');
        // RFC 4592 4.2 and 4.4 leave NS and DNAME at wildcards open: there is nothing to compare.
        let record = match numbers.below(if wild { 6 } else { 9 }) {
            0 | 1 => ("A", format!("192.0.2.{}", numbers.below(250))),
            2 => ("TXT", format!("\"{}\"", numbers.below(9))),
            3 => match numbers.below(3) {
                0 => ("AAAA", format!("2001:db8::{}", 1 + numbers.below(9))),
                1 => ("SRV", format!("0 10 4369 {}", numbers.target())),
                _ => ("MX", format!("10 {}", numbers.target())),
            },
            4 | 5 => ("CNAME", numbers.target()),
            6 | 7 => ("NS", format!("ns.{owner}")),
            _ => ("DNAME", numbers.target()),
        };
        owners.push((owner, record.0, record.1));
    }
    // What may not stand together: the first record at a name decides.
    let mut kept: Vec<(String, &str, String)> = Vec::new();
    for (owner, rtype, data) in owners {
        let here: Vec<&str> =
            kept.iter().filter(|(other, ..)| *other == owner).map(|(_, rtype, _)| *rtype).collect();
        let lonely = ["CNAME", "DNAME", "NS"];
        // Names above or below a DNAME's: NSD loads no zone with any (RFC 6672 2.4: "Resource records MUST NOT exist at any
        // subdomain of the owner of a DNAME RR").
        let crosses = |one: &str, other: &str| one.ends_with(&format!(".{other}"));
        let redirected = kept.iter().any(|(other, known, _)| {
            *known == "DNAME" && crosses(&owner, other) || rtype == "DNAME" && crosses(other, &owner)
        });
        if !redirected
            && (here.is_empty()
                || !lonely.contains(&rtype) && !here.iter().any(|rtype| lonely.contains(rtype)))
        {
            kept.push((owner, rtype, data));
        }
    }
    let mut text = format!(
        "$ORIGIN {origin}.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 604800 60\n@ NS ns\nns A 192.0.2.53\n"
    );
    for (owner, rtype, data) in &kept {
        writeln!(text, "{owner} {rtype} {data}").unwrap();
        if *rtype == "NS" {
            writeln!(text, "ns.{owner} A 192.0.2.{}", numbers.below(250)).unwrap();
            if numbers.below(2) == 0 {
                writeln!(text, "{owner} DS 12345 8 2 {}", "00".repeat(32)).unwrap();
            }
        }
    }
    (origin, text)
}

/// What is asked of the zone.
pub(crate) fn questions(index: usize, origin: &str) -> Vec<Question> {
    const TYPES: [u16; 9] = [A, 28, 16, MX, 33, NS, 43, CNAME, ANY];
    let mut names = vec![format!("{origin}.")];
    let labels = ["a", "b", "*", "x"];
    for one in labels {
        names.push(format!("{one}.{origin}."));
        for two in labels {
            names.push(format!("{one}.{two}.{origin}."));
            names.push(format!("x.{one}.{two}.{origin}."));
            names.push(format!("c.{one}.{two}.{origin}."));
        }
    }
    let all = names.iter().flat_map(|name| TYPES.map(|qtype| (name.clone(), qtype)));
    all.enumerate()
        .filter(|(number, _)| index < WHOLE || (number + index).is_multiple_of(PARTS))
        .map(|(_, (name, qtype))| Question { name, qtype, way: Way::Udp(1232) })
        .collect()
}
