//! Master files as a whole: what is said of them, and what a file that is written reads back as.

use super::super::snapshot::ZoneTree;
use super::super::tests::world;
use super::{StaticZone, ZoneReader};
use crate::wire::Name;
use crate::zone::{Fault, Included};
use std::collections::BTreeMap;
use std::sync::Arc;

const CASES: &str = include_str!("../../../tests/data/static/errors.txt");

fn reader() -> ZoneReader {
    ZoneReader::new(vec![
        ("peers.test".parse().unwrap(), ZoneTree::Peers),
        ("pod.test".parse().unwrap(), ZoneTree::Pods),
        ("10.in-addr.arpa".parse().unwrap(), ZoneTree::Pods),
    ])
}

/// Reads `text` as `f.zone`; parts that begin with `+` are files to include.
fn read(text: &str) -> Result<StaticZone, Vec<Fault>> {
    let mut parts = text.split("\n+");
    let main = parts.next().unwrap();
    let included: BTreeMap<&str, &str> = parts.map(|part| part.split_once('\n').unwrap()).collect();
    let mut include = |_: &str, path: &str| {
        let text = included.get(path).ok_or_else(|| "no such file".to_owned())?;
        Ok(Included { name: path.to_owned(), text: text.as_bytes().to_vec() })
    };
    let origin: Name = "example.test".parse().unwrap();
    reader().read("f.zone", Some(&origin), main.as_bytes().to_vec(), &mut include)
}

#[test]
fn every_fault_is_said_with_its_place() {
    let mut cases = 0;
    for case in CASES.split("\n# ").skip(1) {
        let (title, rest) = case.split_once('\n').unwrap();
        let is_said = |line: &&str| line.starts_with("! ") || line.starts_with("~ ");
        let text: Vec<&str> = rest.lines().filter(|line| !is_said(line)).collect();
        let expected: Vec<&str> = rest.lines().filter(is_said).collect();
        let said: Vec<String> = match read(&text.join("\n")) {
            Ok(zone) => zone.warnings().iter().map(|fault| format!("~ {fault}")).collect(),
            Err(faults) => faults.iter().map(|fault| format!("! {fault}")).collect(),
        };
        assert_eq!(said, expected, "{title}");
        cases += 1;
    }
    assert!(cases > 10, "{cases} cases");
}

#[test]
fn faults_are_bounded() {
    let many = "a 300 A x\n".repeat(1000);
    let faults = read(&many).unwrap_err();
    assert!(faults.len() <= 53, "{}", faults.len());
    assert!(faults.iter().any(|fault| fault.to_string().contains("more is wrong")));
    let outside =
        (0..1000).fold(String::new(), |text, number| text + &format!("a{number}. 300 A 10.0.0.1\n"));
    let faults = read(&format!("@ 1 SOA . . 1 2 3 4 5\n@ 1 NS .\n{outside}")).unwrap_err();
    assert!(faults.len() <= 52, "{}", faults.len());
}

#[test]
fn includes_are_not_nested_without_end() {
    let text =
        (0..20).fold(String::new(), |text, depth| text + &format!("\n+{depth}\n$INCLUDE {}", depth + 1));
    let faults = read(&format!("$INCLUDE 0{text}")).unwrap_err();
    assert_eq!(faults[0].to_string(), "9:1:10: includes are nested deeper than 10 levels");
}

#[test]
fn a_zone_that_is_written_reads_back_the_same() {
    let file = CASES.split("\n# ").find_map(|case| case.strip_prefix("Forms of everything.\n")).unwrap();
    let zone = Arc::new(read(file).unwrap());
    let mut writer = world::writer(world::config());
    writer.put_zone(Arc::clone(&zone)).unwrap();
    let snapshot = writer.publish(Some(1)).unwrap();
    let (_, text) = snapshot.master_files().find(|(origin, _)| *origin == zone.origin()).unwrap();
    let again = read(&text).unwrap_or_else(|faults| panic!("{faults:?}\n{text}"));
    assert_eq!(again.tree, zone.tree, "{text}");
    assert!(text.contains("LOC\t52 22 23.000 N 4 53 32.000 E -2.00m 1.00m 10000.00m 10.00m"), "{text}");
    assert!(
        text.starts_with("example.test.\t300\tIN\tSOA\tns.other. h.other. 1 7200 180 2419200 5\n"),
        "{text}"
    );
}

#[test]
fn the_origin_is_that_of_the_soa_or_of_the_file() {
    let read = |name: Option<&str>, text: &str| {
        let name = name.map(|name| name.parse().unwrap());
        reader().read("f", name.as_ref(), text.as_bytes().to_vec(), &mut |_, _| Err(String::new()))
    };
    let zone = "@ 1 SOA . . 1 2 3 4 5\n@ 1 NS .\n";
    let origin = |zone: Result<StaticZone, Vec<Fault>>| zone.unwrap().origin().to_string();
    assert_eq!(origin(read(Some("a.test"), zone)), "a.test.");
    assert_eq!(origin(read(Some("a.test"), &format!("$ORIGIN b.test.\n{zone}"))), "b.test.");
    assert_eq!(origin(read(None, &format!("$ORIGIN b.test.\n{zone}"))), "b.test.");
    assert_eq!(origin(read(Some("peers.test"), "a 1 A 10.0.0.1")), "peers.test.");
    let said = |zone: Result<StaticZone, Vec<Fault>>| zone.unwrap_err()[0].cause.to_string();
    assert!(said(read(None, zone)).starts_with("a relative name, and no origin"));
    assert!(said(read(None, "a.peers.test. 1 A 10.0.0.1")).contains("the file's name is none"));
    assert!(said(read(Some("peers.test"), "svc 1 A 10.0.0.1")).starts_with("svc.peers.test. is a name"));
    assert!(said(read(Some("peers.test"), "@ 1 NS a.")).starts_with("NS at peers.test.: names made"));
}

#[test]
fn a_serial_that_stays_while_records_change_is_mentioned() {
    let zone = |records: &str| read(&format!("@ 1 SOA . . 7 2 3 4 5\n@ 1 NS .\n{records}")).unwrap();
    let first = zone("a 1 A 10.0.0.1");
    let said = |next: &StaticZone| next.same_serial(&first).map(|fault| fault.to_string());
    assert_eq!(said(&zone("a 1 A 10.0.0.1 ; the same")), None);
    assert_eq!(
        said(&zone("a 1 A 10.0.0.2")).as_deref(),
        Some(
            "f.zone:1:1: the zone example.test. has changed and its serial 7 has not: secondaries will not take it over"
        )
    );
    assert_eq!(first.serial(), Some(7));
}

#[test]
fn what_no_message_holds_is_mentioned() {
    let records = |owner: &str, count: usize| -> String {
        (0..count).fold(String::new(), |text, number| text + &format!("{owner} 1 TXT \"{number:0250}\"\n"))
    };
    let text = format!(
        "$TTL 1\n@ SOA ns.other. h.other. 1 2 3 4 5\n@ NS ns.other.\n{}{}",
        records("fits", 240),
        records("large", 260)
    );
    let zone = read(&text).unwrap();
    let said: Vec<String> = zone.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "f.zone:244:1: the TXT records of large.example.test. exceed one message of 64 KiB: answers hold the first of \
          them, and say so by TC"
        ]
    );
}

#[test]
fn a_zone_has_so_many_files() {
    let head = "$TTL 1\n@ SOA ns.other. h.other. 1 2 3 4 5\n@ NS ns.other.\n";
    let said = |text: &str| read(text).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>();
    let includes = "$INCLUDE empty\n".repeat(10_001);
    assert_eq!(
        said(&format!("{head}{includes}\n+empty\n")),
        ["f.zone:10004:10: more than 10000 files are included: the zone is too large"]
    );
}
