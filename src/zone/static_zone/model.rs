//! The tree against RFC 1034 4.3.2, RFC 4592 3.3.1 and RFC 6672 3.2 taken word by word: down from the apex, label by
//! label, with all records looked at for each.

use super::super::snapshot::ZoneTree;
use super::{Met, StaticZone, ZoneReader};
use crate::wire::{Name, QueryName, RecordType};
use proptest::prelude::*;
use std::fmt::Write as _;

/// Labels from the apex down.
type Path = Vec<&'static str>;

#[derive(Debug, PartialEq)]
enum Outcome {
    Node(Path),
    Cut(Path),
    Redirection(Path),
    Nothing,
}

/// Owners below `z.` with their types.
fn reference(records: &[(Path, RecordType)], asked: &Path, qtype: RecordType) -> Outcome {
    let exists = |name: &[&str]| name.is_empty() || records.iter().any(|(owner, _)| owner.starts_with(name));
    let has = |name: &[&str], rtype| records.iter().any(|(owner, own)| owner == name && *own == rtype);
    for depth in 0..=asked.len() {
        let name = &asked[..depth];
        if !exists(name) {
            // 3c: "a match is impossible": the name above is the closest encloser.
            let encloser = &name[..depth - 1];
            let source = [encloser, &["*"]].concat();
            return if exists(&source) { Outcome::Node(source) } else { Outcome::Nothing };
        }
        // 3b: "a match would take us out of the authoritative data".
        if depth > 0 && has(name, RecordType::NS) {
            let of_parent = depth == asked.len() && qtype == RecordType::DS;
            return if of_parent { Outcome::Node(name.to_vec()) } else { Outcome::Cut(name.to_vec()) };
        }
        if depth < asked.len() && has(name, RecordType::DNAME) {
            return Outcome::Redirection(name.to_vec());
        }
    }
    // 3a: "the whole of QNAME is matched".
    Outcome::Node(asked.clone())
}

fn name_of(path: &Path) -> Name {
    Name::below(path.iter().rev().map(|label| label.as_bytes()), &"z".parse().unwrap()).unwrap()
}

fn zone(records: &[(Path, RecordType)]) -> StaticZone {
    let mut text = "z. 1 SOA . . 1 2 3 4 5\nz. 1 NS .\n".to_owned();
    for (path, rtype) in records {
        let data = match *rtype {
            RecordType::A => "10.0.0.1",
            RecordType::DS => "1 8 2 00",
            _ => "target.",
        };
        writeln!(text, "{} 1 {rtype} {data}", name_of(path)).unwrap();
    }
    let reader = ZoneReader::new(vec![("peers".parse().unwrap(), ZoneTree::Peers)]);
    reader.read("z", None, text.into_bytes(), &mut |_, _| Err(String::new())).unwrap()
}

fn path() -> impl Strategy<Value = Path> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "*"]), 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_tree_does_what_the_rfcs_say(
        records in prop::collection::vec((path(), prop::sample::select(vec![
            RecordType::A, RecordType::A, RecordType::NS, RecordType::DNAME, RecordType::DS])), 0..8),
        asked in prop::collection::vec(path(), 20),
    ) {
        // One DNAME at a name at most, and none beside NS.
        let mut records = records;
        records.sort_by(|one, other| (&one.0, one.1.0).cmp(&(&other.0, other.1.0)));
        records.dedup();
        let with_ns: Vec<Path> = records
            .iter().filter(|(_, rtype)| *rtype == RecordType::NS).map(|(owner, _)| owner.clone()).collect();
        records.retain(|(owner, rtype)| *rtype != RecordType::DNAME || !with_ns.contains(owner));
        records.retain(|(owner, rtype)| !owner.is_empty() || *rtype != RecordType::NS);
        let zone = zone(&records);
        let path_of = |name: &Name| -> Vec<String> {
            let mut labels: Vec<_> = name.labels().map(|label| String::from_utf8(label.to_vec()).unwrap()).collect();
            labels.reverse();
            labels[1..].to_vec()
        };
        for asked in asked {
            for qtype in [RecordType::A, RecordType::DS] {
                let mut query = QueryName::new();
                query.read(name_of(&asked).as_wire(), 0).unwrap();
                let expected = match reference(&records, &asked, qtype) {
                    Outcome::Node(path) => ("node", path, 0),
                    Outcome::Cut(path) => { let labels = path.len(); ("cut", path, labels) }
                    Outcome::Redirection(path) => { let labels = path.len(); ("redirection", path, labels) }
                    Outcome::Nothing => ("nothing", Vec::new(), 0),
                };
                let met = match zone.tree.find(&query, asked.len(), qtype) {
                    Met::Node(node) => ("node", path_of(&node.name), 0),
                    Met::Cut(node, labels) => ("cut", path_of(&node.name), labels),
                    Met::Redirection(node, labels) => ("redirection", path_of(&node.name), labels),
                    Met::Nothing => ("nothing", Vec::new(), 0),
                };
                let expected = (expected.0, expected.1.iter().map(ToString::to_string).collect(), expected.2);
                prop_assert_eq!(met, expected, "{:?} {} in {:?}", asked, qtype, records);
            }
        }
    }
}
