//! The same zones in rosterd, NSD, Knot and BIND (Debian packages `nsd`, `knot`, `bind9`), asked the same questions.
//!
//! Where another server answers otherwise, an RFC sentence in `explained.rs` says why we do not; a difference that none
//! explains fails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "what it prints is its result")]

#[path = "../support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;

mod corpus;
mod exchange;
mod explained;
mod message;
mod servers;
mod written;

use exchange::{Client, WINDOW};
use explained::Case;
use message::{Question, Way};
use rosterd::{PATIENCE, Rosterd};
use servers::Peer;
use std::collections::{BTreeMap, BTreeSet};

const MANIFEST: &str = "apiVersion: v1\nkind: List\nitems: []\n";

/// Most differences that are shown.
const SHOWN_MAX: usize = 20;

/// What came of questions.
#[derive(Debug, Default)]
struct Tally {
    agreed: usize,
    differing: usize,
    /// By server and reason.
    explained: BTreeMap<(&'static str, &'static str), usize>,
    unexplained: Vec<String>,
}

/// The servers that are compared.
struct Servers {
    ours: Client,
    peers: Vec<(Peer, Client)>,
    /// The apexes of all zones, absolute.
    zones: BTreeSet<String>,
    _rosterd: Rosterd,
}

impl Servers {
    /// Starts them on master files: names of files and texts. `skipped` says which peer cannot load which.
    fn start(files: &[(&str, &str)], skipped: impl Fn(&str, &str) -> bool) -> Servers {
        let rosterd = Rosterd::start_with_zones(MANIFEST, files);
        let files_of = |name: &str| -> Vec<(&str, &str)> {
            files.iter().filter(|(file, _)| !skipped(name, file)).copied().collect()
        };
        let peers =
            [Peer::nsd(&files_of("nsd")), Peer::knot(&files_of("knotd")), Peer::bind(&files_of("named"))];
        let peers = peers.map(|peer| {
            let client = Client::new(peer.address);
            (peer, client)
        });
        let zones =
            files.iter().map(|(file, _)| format!("{}.", file.strip_suffix(".zone").unwrap())).collect();
        Servers { ours: Client::new(rosterd.ipv4()), peers: peers.into(), zones, _rosterd: rosterd }
    }

    /// Asks all of them the same questions, all of one way, and compares what comes. `skipped` says which peer has no
    /// such zone.
    fn compare(
        &mut self,
        questions: &[Question],
        text: &str,
        skipped: impl Fn(&str) -> bool,
        tally: &mut Tally,
    ) {
        for window in questions.chunks(WINDOW) {
            // All of them work at once.
            self.ours.send(window);
            for (_, client) in self.peers.iter_mut().filter(|(peer, _)| !skipped(peer.name)) {
                client.send(window);
            }
            let ours = self.ours.receive(PATIENCE).expect("our answers");
            let mut same = vec![true; window.len()];
            for index in 0..self.peers.len() {
                let (peer, client) = &mut self.peers[index];
                let peer = peer.name;
                if skipped(peer) {
                    continue;
                }
                let theirs = client.receive(PATIENCE).unwrap_or_else(|| panic!("{peer} does not answer"));
                for ((question, same), (ours, theirs)) in
                    window.iter().zip(&mut same).zip(ours.iter().zip(&theirs))
                {
                    assert!(!ours.repeats, "no record twice (RFC 2181 5): {question:?} {ours:?}");
                    let whole = |client: &mut Client| {
                        client.ask(Question { way: Way::Tcp, ..question.clone() }).length
                    };
                    let whole = if ours.truncated == theirs.truncated {
                        None
                    } else {
                        let own = whole(&mut self.ours);
                        Some((own, whole(&mut self.peers[index].1)))
                    };
                    let case = Case { peer, question, ours, theirs, whole, zones: &self.zones };
                    let reasons = explained::why(&case);
                    *same &= reasons.as_ref().is_some_and(BTreeSet::is_empty);
                    match reasons {
                        Some(reasons) => reasons
                            .into_iter()
                            .for_each(|why| *tally.explained.entry((peer, why)).or_default() += 1),
                        None => tally.unexplained.push(format!(
                            "{peer} {question:?} in\n{text}\n  ours {ours:#?}\n  its  {theirs:#?}"
                        )),
                    }
                }
            }
            tally.agreed += same.iter().filter(|same| **same).count();
            tally.differing += same.iter().filter(|same| !**same).count();
        }
    }
}

impl Tally {
    /// Prints what came of it; fails where anything is not explained.
    fn conclude(self, what: &str) {
        let asked = self.agreed + self.differing;
        println!("{what}, {asked} questions: {} agreed, {} differing", self.agreed, self.differing);
        for ((peer, why), count) in &self.explained {
            println!("explained: {count} of {peer}: {why}");
        }
        println!("{} unexplained", self.unexplained.len());
        let shown: Vec<String> = self.unexplained.iter().take(SHOWN_MAX).cloned().collect();
        assert!(self.unexplained.is_empty(), "{}", shown.join("\n"));
        assert!(self.agreed > self.differing);
    }
}

#[test]
fn small_zones_are_answered_as_by_nsd_knot_and_bind() {
    let zones: Vec<(String, String)> = (0..corpus::ZONES).map(corpus::zone).collect();
    let files: Vec<(String, &str)> =
        zones.iter().map(|(origin, text)| (format!("{origin}.zone"), text.as_str())).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(file, text)| (file.as_str(), *text)).collect();
    let mut servers = Servers::start(&files, |_, _| false);
    let mut tally = Tally::default();
    for (index, (origin, text)) in zones.iter().enumerate() {
        servers.compare(&corpus::questions(index, origin), text, |_| false, &mut tally);
    }
    tally.conclude(&format!("{} small zones", corpus::ZONES));
}

#[test]
fn written_zones_are_answered_as_by_nsd_knot_and_bind() {
    let zones = written::zones();
    let files: Vec<(String, &str)> =
        zones.iter().map(|zone| (format!("{}.zone", zone.origin), zone.text.as_str())).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(file, text)| (file.as_str(), *text)).collect();
    let skips = |peer: &str, file: &str| {
        let zone = zones.iter().find(|zone| file == format!("{}.zone", zone.origin));
        zone.is_some_and(|zone| zone.not.as_deref() == Some(peer))
    };
    let mut servers = Servers::start(&files, skips);
    let mut tally = Tally::default();
    let types = written::types(&zones);
    for zone in &zones {
        let skipped = |peer: &str| zone.not.as_deref() == Some(peer);
        servers.compare(&zone.questions(&types), &zone.origin, skipped, &mut tally);
        for way in [Way::Plain, Way::Udp(512), Way::Udp(700), Way::Udp(4096), Way::Tcp] {
            servers.compare(&zone.questions_by(way), &zone.origin, skipped, &mut tally);
        }
    }
    tally.conclude(&format!("{} written zones", zones.len()));
}
