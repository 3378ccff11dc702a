//! Differences and the journal against the whole contents of zones.

mod kept;

use super::super::tests::world::{add_peer, config, epmd, key, peer, port, settings, writer};
use super::super::{Snapshot, SnapshotWriter, ZoneConfig};
use super::*;
use crate::roster::{Change, Peer, Protocol, SrvTarget, Standing, Standings};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

const LIMITS: JournalLimits = JournalLimits { octets: 1 << 20, steps: 100 };

const ZONES: [&str; 4] = ["peers.cluster.local", "pod.cluster.local", "10.in-addr.arpa", "d.f.ip6.arpa"];

type Contents = BTreeSet<(String, Vec<u8>)>;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn contents(zone: &TransferZone<'_>) -> Contents {
    let mut contents = Contents::new();
    let _: ControlFlow<()> = zone.each_record(&mut |owner, record| {
        assert!(contents.insert((owner.to_string(), record.to_vec())), "{owner} twice");
        ControlFlow::Continue(())
    });
    contents
}

fn apply(contents: &mut Contents, difference: &Difference) {
    let _: ControlFlow<()> = difference.removed.each(&mut |owner, record| {
        assert!(contents.remove(&(owner.to_string(), record.to_vec())), "{owner} was not there");
        ControlFlow::Continue(())
    });
    let _: ControlFlow<()> = difference.added.each(&mut |owner, record| {
        assert!(contents.insert((owner.to_string(), record.to_vec())), "{owner} was there");
        ControlFlow::Continue(())
    });
}

/// One of a few peers, of one family or two, with or without a hostname.
fn peer_of(number: u8, hostname: bool) -> Arc<Peer> {
    let addresses = [format!("10.0.{}.{number}", number % 3), format!("fd00::{number}")];
    let addresses: Vec<&str> =
        addresses.iter().map(String::as_str).take(1 + usize::from(number.is_multiple_of(4))).collect();
    let host = format!("host-{number}");
    let (hostname, target) =
        if hostname { (Some(host.as_str()), SrvTarget::Peer) } else { (None, SrvTarget::Pod) };
    peer(&addresses, hostname, target, &[epmd(), port(9100, Protocol::Tcp, "metrics")])
}

#[derive(Debug, Clone)]
enum Happening {
    Came(u8, u8, bool),
    Went(u8, u8, bool),
    SetGone(u8),
    Published,
}

fn happening() -> impl Strategy<Value = Happening> {
    let set = 0_u8..3;
    prop_oneof![
        4 => (set.clone(), 0_u8..12, any::<bool>()).prop_map(|(set, peer, host)| Happening::Came(set, peer, host)),
        3 => (set.clone(), 0_u8..12, any::<bool>()).prop_map(|(set, peer, host)| Happening::Went(set, peer, host)),
        1 => set.prop_map(Happening::SetGone),
        2 => Just(Happening::Published),
    ]
}

/// Where versions begin: far from the end of serials, and shortly before it (RFC 1982 3.1: 2^32 - 1 is followed by 0).
fn first() -> impl Strategy<Value = u64> {
    prop_oneof![Just(1), (0_u64..8).prop_map(|before| u64::from(u32::MAX) - before)]
}

/// Snapshots of one writer, in order, of versions from one on.
fn snapshots(happenings: &[Happening], first: u64) -> Vec<Arc<Snapshot>> {
    let mut writer = writer(config());
    let mut sets = [None, None, None].map(|_: Option<()>| BTreeSet::<(u8, bool)>::new());
    let mut all = Vec::new();
    let mut version = first;
    let publish = |writer: &mut SnapshotWriter, all: &mut Vec<_>, version: &mut u64| {
        *version += 1;
        all.extend(writer.publish(Some(*version)));
    };
    let label = |set: u8| format!("set-{set}");
    let go = |writer: &mut SnapshotWriter, set: u8, (number, hostname): (u8, bool)| {
        let peer = peer_of(number, hostname);
        writer.apply(&Change::Peer { set: key(&label(set)), old: Some(peer), new: None });
    };
    for happening in happenings {
        match *happening {
            Happening::Came(set, number, hostname) => {
                if sets[usize::from(set)].is_empty() {
                    writer.apply(&Change::Set(key(&label(set)), settings(&[("epmd", Protocol::Tcp)])));
                }
                if sets[usize::from(set)].insert((number, hostname)) {
                    add_peer(&mut writer, &label(set), &peer_of(number, hostname));
                }
            }
            Happening::Went(set, number, hostname) => {
                if sets[usize::from(set)].remove(&(number, hostname)) {
                    go(&mut writer, set, (number, hostname));
                }
            }
            Happening::SetGone(set) => {
                for peer in std::mem::take(&mut sets[usize::from(set)]) {
                    go(&mut writer, set, peer);
                }
                writer.apply(&Change::SetGone(key(&label(set))));
            }
            Happening::Published => publish(&mut writer, &mut all, &mut version),
        }
    }
    publish(&mut writer, &mut all, &mut version);
    all
}

proptest! {
    #[test]
    fn a_difference_leads_from_one_to_the_other(
        happenings in prop::collection::vec(happening(), 1..60),
        first in first(),
        pairs in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 8),
    ) {
        let snapshots = snapshots(&happenings, first);
        for (older, newer) in pairs {
            let (older, newer) = (older.get(&snapshots), newer.get(&snapshots));
            for zone in ZONES {
                let (older, newer) =
                    (older.transferable(&name(zone)).unwrap(), newer.transferable(&name(zone)).unwrap());
                let difference = newer.difference_from(&older);
                let mut reached = contents(&older);
                apply(&mut reached, &difference);
                prop_assert_eq!(reached, contents(&newer), "{}", zone);
                let read = Records::from_octets(difference.added.as_octets().to_vec());
                prop_assert_eq!(read, Some(difference.added));
            }
        }
    }

    #[test]
    fn the_journal_leads_from_whatever_was_given_to_the_last(
        happenings in prop::collection::vec(happening(), 1..60),
        first in first(),
        given in prop::collection::vec(any::<bool>(), 60),
        steps in 0_usize..6,
    ) {
        let snapshots = snapshots(&happenings, first);
        let limits = JournalLimits { steps, ..LIMITS };
        for zone in ZONES {
            let mut journal = Journal::default();
            let mut serials: Vec<(u32, Contents)> = Vec::new();
            for (snapshot, given) in snapshots.iter().zip(&given) {
                let zone = snapshot.transferable(&name(zone)).unwrap();
                if !given {
                    continue;
                }
                journal.give(snapshot, &zone, limits);
                if serials.last().is_none_or(|(serial, _)| *serial != zone.serial()) {
                    serials.push((zone.serial(), contents(&zone)));
                }
                // As far back as there is room, and no further.
                for (back, (serial, contents)) in serials.iter().rev().enumerate() {
                    let found = journal.since(&zone, *serial);
                    prop_assert_eq!(found.is_some(), back <= steps, "{} steps back", back);
                    let Some(found) = found else { continue };
                    prop_assert_eq!(found.len(), back);
                    let mut reached = contents.clone();
                    for step in &found {
                        apply(&mut reached, &step.difference);
                    }
                    prop_assert_eq!(&reached, &serials.last().unwrap().1);
                    for pair in found.windows(2) {
                        prop_assert_eq!((pair[0].to, &pair[0].soa_after), (pair[1].from, &pair[1].soa_before));
                    }
                }
                let ahead = zone.serial().wrapping_add(5);
                prop_assert_eq!(journal.since(&zone, ahead), Some(Vec::new()), "it has more than there is");
            }
        }
    }
}

fn two() -> (Arc<Snapshot>, Arc<Snapshot>) {
    let all = snapshots(
        &[
            Happening::Came(0, 1, false),
            Happening::Published,
            Happening::Came(0, 2, false),
            Happening::Published,
        ],
        1,
    );
    (Arc::clone(&all[0]), Arc::clone(all.last().unwrap()))
}

#[test]
fn an_older_one_is_no_step() {
    let (older, newer) = two();
    let peers = name(ZONES[0]);
    let zone = |snapshot: &'static Arc<Snapshot>| snapshot.transferable(&peers).unwrap();
    let (older, newer) = (&*Box::leak(Box::new(older)), &*Box::leak(Box::new(newer)));
    let mut journal = Journal::default();
    journal.give(newer, &zone(newer), LIMITS);
    journal.give(older, &zone(older), LIMITS);
    assert_eq!(journal.since(&zone(newer), zone(newer).serial()), Some(Vec::new()));
    assert_eq!((journal.since(&zone(newer), zone(older).serial()), journal.octets()), (None, 0));
}

#[test]
fn what_is_too_large_empties_the_journal() {
    let (older, newer) = two();
    let peers = name(ZONES[0]);
    let (from, to) = (older.transferable(&peers).unwrap(), newer.transferable(&peers).unwrap());
    let mut journal = Journal::default();
    let little = JournalLimits { octets: 10, ..LIMITS };
    journal.give(&older, &from, little);
    journal.give(&newer, &to, little);
    assert_eq!((journal.since(&to, from.serial()), journal.octets()), (None, 0));
    journal.give(&newer, &to, LIMITS);
    assert_eq!(journal.since(&to, to.serial()), Some(Vec::new()));
}

#[test]
fn what_nobody_fetches_keeps_no_snapshot() {
    let (older, newer) = two();
    let from = older.transferable(&name(ZONES[0])).unwrap();
    let serial = from.serial();
    let mut journal = Journal::default();
    for zone in ZONES {
        journal.give(&older, &older.transferable(&name(zone)).unwrap(), LIMITS);
    }
    journal.keep_up(&newer, LIMITS);
    let watch = Arc::downgrade(&older);
    drop(older);
    assert!(watch.upgrade().is_none());
    let zone = newer.transferable(&name(ZONES[0])).unwrap();
    assert_eq!(journal.since(&zone, serial).map(|steps| steps.len()), Some(1));
    // Zones that are no more are forgotten.
    let other = ZoneConfig { zone: name("other.zone"), reverse_zones: Vec::new(), ..config() };
    let other = writer(other).publish(Some(9)).unwrap();
    journal.keep_up(&other, LIMITS);
    let (pods, peers) = (name(ZONES[1]), name(ZONES[0]));
    assert_eq!(journal.since(&newer.transferable(&peers).unwrap(), serial), None);
    let pods = newer.transferable(&pods).unwrap();
    assert!(journal.since(&pods, pods.serial()).is_some(), "the pod zone is still there");
}

/// Snapshots with the zone of a file that is written again and again, with such serials and addresses.
fn of_file(versions: &[(u32, u8)]) -> Vec<Arc<Snapshot>> {
    let mut writer = writer(config());
    let mut snapshots = Vec::new();
    for (serial, address) in versions {
        let text = format!("@ 5 SOA ns h {serial} 1 2 3 4\n@ 5 NS ns\nns 5 A 192.0.2.{address}\n");
        let none = &mut |_: &str, _: &str| Err(String::new());
        let zone =
            writer.zone_reader().read("file", Some(&name("file.test")), text.into_bytes(), none).unwrap();
        writer.put_zone(Arc::new(zone)).unwrap();
        snapshots.push(writer.publish(None).unwrap());
    }
    snapshots
}

/// Every holder of what was given reaches what is, or gets it whole: with serials that are set back, that stay while
/// records change, and that go on.
#[test]
fn files_may_do_with_their_serials_what_they_like() {
    let apex = name("file.test");
    let ahead = of_file(&[(5, 1), (6, 2), (7, 3), (5, 4), (6, 5)]);
    let same = of_file(&[(5, 1), (5, 2), (6, 3), (7, 4)]);
    for (snapshots, told) in [(&ahead, &[(5, 6, 1), (5, 7, 2), (6, 7, 1)][..]), (&same, &[(6, 7, 1)])] {
        let mut journal = Journal::default();
        let mut found = Vec::new();
        let mut held: Vec<(u32, Contents)> = Vec::new();
        for snapshot in snapshots {
            let zone = snapshot.transferable(&apex).unwrap();
            journal.give(snapshot, &zone, LIMITS);
            held.push((zone.serial(), contents(&zone)));
            for (serial, contents) in &held {
                let Some(steps) = journal.since(&zone, *serial) else { continue };
                if steps.is_empty() {
                    continue;
                }
                let mut reached = contents.clone();
                for step in &steps {
                    apply(&mut reached, &step.difference);
                }
                assert_eq!(reached, self::contents(&zone), "from {serial} to {}", zone.serial());
                found.push((*serial, zone.serial(), steps.len()));
            }
        }
        assert_eq!(found, told);
    }
}

#[test]
fn what_can_be_given_no_more_keeps_no_snapshot() {
    let broken =
        |writer: &mut SnapshotWriter| writer.apply(&Change::Refused { set: key("broken"), refused: true });
    let mut all = of_file(&[(7, 1), (5, 2)]);
    let (set_back, before) = (all.pop().unwrap(), all.pop().unwrap());
    let mut writer = writer(config());
    add_peer(&mut writer, "app", &peer_of(1, false));
    let whole = writer.publish(Some(1)).unwrap();
    broken(&mut writer);
    let unparsed = writer.publish(Some(2)).unwrap();
    drop(writer);
    for (given, now, apex) in [(before, set_back, "file.test"), (whole, unparsed, ZONES[0])] {
        let mut journal = Journal::default();
        journal.give(&given, &given.transferable(&name(apex)).unwrap(), LIMITS);
        journal.keep_up(&now, LIMITS);
        let watch = Arc::downgrade(&given);
        drop(given);
        assert!(watch.upgrade().is_none(), "{apex}");
    }
}

#[test]
fn what_is_not_known_wholly_is_not_told() {
    let fault = |snapshot: &Snapshot, zone: &str| snapshot.transferable(&name(zone)).err();
    let mut unknown = SnapshotWriter::new(config()).unwrap();
    let snapshot = unknown.before_first();
    assert_eq!(fault(&snapshot, ZONES[0]), Some(NotTransferable::NotReady));
    assert_eq!(fault(&snapshot, "svc.peers.cluster.local"), Some(NotTransferable::NoZone));
    unknown.apply(&Change::All { known: Standings::COMPLETE, everywhere: Standing::COMPLETE });
    assert_eq!(fault(&unknown.publish(Some(1)).unwrap(), ZONES[0]), None);
    unknown.apply(&Change::Refused { set: key("broken"), refused: true });
    let snapshot = unknown.publish(Some(2)).unwrap();
    assert_eq!(fault(&snapshot, ZONES[0]), Some(NotTransferable::Broken));
    let mut made_up = writer(ZoneConfig { pods: PodNames::Insecure, ..config() });
    let snapshot = made_up.publish(Some(1)).unwrap();
    assert_eq!(fault(&snapshot, ZONES[1]), Some(NotTransferable::Synthesised));
    assert_eq!(fault(&snapshot, ZONES[0]), None);
}

#[test]
fn records_are_read_or_refused() {
    for (octets, fine) in [
        (&b""[..], true),
        (b"\x01a\0\0\x01\0\x01\0\0\0\x05\0\x04\x0a\0\0\x01", true),
        (b"\x01a\0\0\x01\0\x01\0\0\0\x05\0\x04\x0a\0\0", false),
        (b"\x01a\0\0\x01\0\x01\0\0\0\x05\0", false),
        (b"\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\0", false),
    ] {
        assert_eq!(Records::from_octets(octets.to_vec()).is_some(), fine, "{}", octets.escape_ascii());
    }
}
