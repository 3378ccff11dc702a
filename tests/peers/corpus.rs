//! Small zones full of corners: wildcards, empty non-terminals, delegations, redirections and aliases, made from a
//! fixed seed.

use std::fmt::Write as _;

/// How many zones there are.
pub(crate) const ZONES: usize = 300;

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

    /// Mostly a name of the zone.
    fn target(&mut self) -> String {
        if self.below(6) == 0 { "elsewhere.invalid.".to_owned() } else { self.name() }
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
            3 => ("MX", format!("10 {}", numbers.target())),
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

/// Names that exist in some of the zones.
pub(crate) fn names(origin: &str) -> Vec<String> {
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
    names
}

pub(crate) fn types() -> [&'static str; 6] {
    ["A", "TXT", "MX", "NS", "DS", "CNAME"]
}
