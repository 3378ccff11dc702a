//! The same zones in rosterd, NSD, Knot and BIND (Debian packages `nsd`, `knot`, `bind9`), asked the same questions.
//!
//! Where another server answers otherwise, an RFC sentence in `explained.rs` says why we do not; a difference that none
//! explains fails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, clippy::print_stdout, reason = "a test, and what it prints is its result")]

#[path = "../support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;

mod corpus;
mod explained;
mod servers;

use corpus::{ZONES, names, types, zone};
use hickory_proto::op::{Edns, Message, Query};
use hickory_proto::rr::{Name, Record};
use rosterd::{PATIENCE, Rosterd};
use servers::Peer;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, UdpSocket};

const MANIFEST: &str = "apiVersion: v1\nkind: List\nitems: []\n";

/// What is compared of an answer. Additional records are compared where they are needed: glue inside of a delegation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) code: String,
    pub(crate) authoritative: bool,
    pub(crate) truncated: bool,
    pub(crate) answers: BTreeSet<String>,
    pub(crate) authorities: BTreeSet<String>,
    pub(crate) glue: BTreeSet<String>,
}

pub(crate) fn ask(server: SocketAddr, name: &str, qtype: &str) -> Option<Answer> {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), qtype.parse().unwrap()));
    let mut edns = Edns::new();
    edns.set_max_payload(1232);
    message.set_edns(edns);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.send(&message.to_vec().unwrap()).ok()?;
    let mut octets = vec![0; 65_535];
    let length = socket.recv(&mut octets).ok()?;
    let answer = Message::from_vec(&octets[..length]).expect("a decodable answer");
    let texts = |records: &[Record]| -> BTreeSet<String> {
        records.iter().map(|record| record.to_string().to_ascii_lowercase()).collect()
    };
    let cuts: Vec<String> = answer
        .authorities
        .iter()
        .filter(|record| record.record_type().to_string() == "NS")
        .map(|record| record.name.to_string().to_ascii_lowercase())
        .collect();
    let mut glue = texts(&answer.additionals);
    glue.retain(|record| {
        let owner = record.split(' ').next().unwrap_or_default();
        cuts.iter().any(|cut| owner == cut || owner.ends_with(&format!(".{cut}")))
    });
    Some(Answer {
        code: answer.metadata.response_code.to_string(),
        authoritative: answer.metadata.authoritative,
        truncated: answer.metadata.truncation,
        answers: texts(&answer.answers),
        authorities: texts(&answer.authorities),
        glue,
    })
}

#[test]
fn zones_are_answered_as_by_nsd_knot_and_bind() {
    let zones: Vec<(String, String)> = (0..ZONES).map(zone).collect();
    let files: Vec<(String, &str)> =
        zones.iter().map(|(origin, text)| (format!("{origin}.zone"), text.as_str())).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(file, text)| (file.as_str(), *text)).collect();
    let ours = Rosterd::start_with_zones(MANIFEST, &files);
    let peers: Vec<Peer> = [Peer::nsd, Peer::knot, Peer::bind].iter().map(|start| start(&files)).collect();
    let (mut agreed, mut differing, mut unexplained) = (0_usize, 0_usize, Vec::new());
    let mut explained = BTreeMap::<(&str, &str), usize>::new();
    for (origin, text) in &zones {
        for name in names(origin) {
            for qtype in types() {
                let own = ask(ours.ipv4(), &name, qtype).expect("our answer");
                let mut same = true;
                for peer in &peers {
                    let theirs = ask(peer.address, &name, qtype)
                        .unwrap_or_else(|| panic!("{} does not answer {name} {qtype}", peer.name));
                    if theirs == own {
                        continue;
                    }
                    same = false;
                    match explained::why(peer.name, &own, &theirs) {
                        Some(why) => *explained.entry((peer.name, why)).or_default() += 1,
                        None => unexplained.push(format!(
                            "{} {name} {qtype} in\n{text}\n  ours {own:?}\n  its  {theirs:?}",
                            peer.name
                        )),
                    }
                }
                if same { agreed += 1 } else { differing += 1 }
            }
        }
    }
    println!("{ZONES} zones, {} questions: {agreed} agreed, {differing} differing", agreed + differing);
    for ((peer, why), count) in &explained {
        println!("explained: {count} of {peer}: {why}");
    }
    println!("{} unexplained", unexplained.len());
    assert!(
        unexplained.is_empty(),
        "{}",
        unexplained.iter().take(20).cloned().collect::<Vec<_>>().join("\n")
    );
    assert!(agreed > differing, "{agreed} agreed, {differing} differing");
}
