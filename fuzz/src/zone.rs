//! Any text as a master file: refused with reasons, or a zone that answers for each of its names and reads back the same from
//! what is printed of it.
//!
//! Form feeds divide an input into files; those behind the first are included by their numbers, `$INCLUDE 1`. A first line
//! of `;peers` or `;reverse` makes it records for one of the zones that are made from peers.

use crate::message::Message;
use crate::world::{self, NOW, ask};
use rosterd::answer::{Client, Policy, Scratch, Transport};
use rosterd::roster::{Event, EventKind, Gives, Roster, Scope, WatchId};
use rosterd::wire::Name;
use rosterd::zone::{Included, PodNames, Snapshot, SnapshotWriter, StaticZone};
use std::sync::Arc;

/// Most names of a zone that are asked for.
const NAMES_MAX: usize = 64;

/// Most faults that are told, and that there are more.
const FAULTS_MAX: usize = 51;

/// A, NS, CNAME, SOA, MX, TXT, AAAA, SRV, DNAME, DS, SVCB, HTTPS, ANY, and one that nobody knows.
const TYPES: [u16; 14] = [1, 2, 5, 6, 15, 16, 28, 33, 39, 43, 64, 65, 255, 65_280];

/// Reads an input and asks for what it holds.
pub fn check(input: &[u8]) {
    let files: Vec<&[u8]> = input.split(|octet| *octet == 0x0c).collect();
    let text = files.first().copied().unwrap_or_default();
    let home = match text {
        text if text.starts_with(b";peers\n") => "peers.cluster.local",
        text if text.starts_with(b";reverse\n") => "10.in-addr.arpa",
        _ => "example.test",
    };
    let Some(zone) = read(home, text, &files) else { return };
    let origin = zone.origin().clone();
    let is_own = zone.serial().is_some();
    let Some((served, printed)) = serve(zone) else { return };
    let names: Vec<Name> = printed.lines().filter_map(owner).take(NAMES_MAX).collect();
    let queries: Vec<Vec<u8>> =
        names.iter().flat_map(|name| [name.clone(), below(name)]).flat_map(queries).collect();
    for query in &queries {
        let message = Message::read(&answer(query, Transport::Udp, &served));
        // NOERROR, NXDOMAIN, YXDOMAIN: what is known is answered.
        assert!([0, 3, 6].contains(&message.rcode()), "{}: {}", query.escape_ascii(), message.rcode());
    }
    if !is_own {
        return;
    }
    let name = origin.to_string();
    let again = read(&name, printed.as_bytes(), &[]).unwrap_or_else(|| panic!("not read back:\n{printed}"));
    let (again, printed_again) = serve(again).expect("a zone");
    assert_eq!(printed, printed_again);
    for query in &queries {
        for transport in [Transport::Udp, Transport::Tcp] {
            assert_eq!(
                answer(query, transport, &served),
                answer(query, transport, &again),
                "{} of\n{printed}",
                query.escape_ascii()
            );
        }
    }
}

fn read(home: &str, text: &[u8], files: &[&[u8]]) -> Option<StaticZone> {
    let reader = SnapshotWriter::new(world::zones(PodNames::Verified)).expect("zones").zone_reader();
    let mut include = |_: &str, path: &str| {
        let file =
            path.parse::<usize>().ok().filter(|number| *number > 0).and_then(|number| files.get(number));
        let text = file.ok_or("no such file")?.to_vec();
        Ok(Included { name: path.to_owned(), text })
    };
    match reader.read("input", home.parse().ok().as_ref(), text.to_vec(), &mut include) {
        Ok(zone) => {
            zone.warnings().iter().for_each(|warning| drop(warning.to_string()));
            Some(zone)
        }
        Err(faults) => {
            assert!((1..=FAULTS_MAX).contains(&faults.len()), "{} faults", faults.len());
            // What is told to people has to be made, too.
            for fault in faults {
                assert!(!fault.to_string().is_empty());
            }
            None
        }
    }
}

/// A snapshot with the zone, and the zone as it is printed.
fn serve(zone: StaticZone) -> Option<(Arc<Snapshot>, String)> {
    let mut roster = Roster::new(world::options());
    let mut tell = |kind| roster.handle(Event { watch: WatchId(0), revision: None, kind });
    tell(EventKind::Started(Scope::All, Gives::Peers));
    tell(EventKind::Synced);
    let mut writer = SnapshotWriter::new(world::zones(PodNames::Verified)).expect("zones");
    let origin = zone.origin().clone();
    writer.put_zone(Arc::new(zone)).expect("the only zone");
    let snapshot = world::publish(&mut writer, &roster.take_changes(), NOW.into());
    let text = snapshot.master_files().find(|(apex, _)| **apex == origin).map(|(_, text)| text)?;
    Some((snapshot, text))
}

fn owner(line: &str) -> Option<Name> {
    line.split('\t').next()?.parse().ok()
}

/// A name that hardly exists; the name itself where there is none below it.
fn below(name: &Name) -> Name {
    Name::below([&b"x"[..]], name).unwrap_or_else(|_| name.clone())
}

fn queries(name: Name) -> impl Iterator<Item = Vec<u8>> {
    TYPES.into_iter().map(move |qtype| {
        let head = [0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        [&head[..], name.as_wire(), &qtype.to_be_bytes(), &[0, 1]].concat()
    })
}

fn answer(query: &[u8], transport: Transport, snapshot: &Snapshot) -> Vec<u8> {
    let client = Client { address: [192, 0, 2, 1].into(), transport };
    let mut out = vec![0; 65_535];
    let policy = Policy::default();
    let answer = ask(query, &client, 0, snapshot, &policy, None, &mut Scratch::new(), &mut out);
    answer.expect("an answer").to_vec()
}
