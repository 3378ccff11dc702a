//! What clients see while a manifest is broken, and what serials say of its versions.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "support/client.rs"]
mod client;
#[path = "support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;

use client::{Transport, ask, data, explanations, serial};
use hickory_proto::op::ResponseCode;
use rosterd::{PATIENCE, Rosterd};
use std::time::Instant;

const NAME: &str = "myapp.default.svc.peers.cluster.local.";
const NOBODY: &str = "nobody.default.svc.peers.cluster.local.";

/// What the server knows by itself.
const OWN: [(&str, &str); 3] = [
    ("peers.cluster.local.", "SOA"),
    ("ns.dns.peers.cluster.local.", "A"),
    ("dns-version.peers.cluster.local.", "TXT"),
];

/// Stale Answer, Stale NXDOMAIN Answer (RFC 8914 4.4 and 4.20).
const STALE: [Option<u16>; 2] = [Some(3), Some(19)];

const BROKEN: &str = "kind: [";

/// A set of as many peers as asked for; the comment makes texts differ that say the same.
fn manifest(peers: usize, comment: &str) -> String {
    let addresses: Vec<String> = (1..=peers).map(|peer| format!("{{ip: 10.0.0.{peer}}}")).collect();
    format!(
        "# {comment}\napiVersion: v1\nkind: Endpoints\nmetadata: {{name: myapp, namespace: default}}\n\
         subsets: [{{addresses: [{}], ports: [{{name: http, port: 80}}]}}]\n",
        addresses.join(", ")
    )
}

/// The codes that explain the answers to a name that exists and to one that does not.
fn codes(server: &Rosterd) -> [Option<u16>; 2] {
    let found = ask(server.ipv4(), Transport::Udp, NAME, "TXT", Some(1232));
    let denied = ask(server.ipv4(), Transport::Udp, NOBODY, "TXT", Some(1232));
    assert_eq!(found.metadata.response_code, ResponseCode::NoError);
    assert_eq!(denied.metadata.response_code, ResponseCode::NXDomain);
    [&found, &denied].map(|answer| match explanations(answer).as_slice() {
        [] => None,
        [(code, _)] => Some(*code),
        several => panic!("{several:?}"),
    })
}

fn wait_for(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::yield_now();
    }
}

fn peers(server: &Rosterd) -> usize {
    data(&ask(server.ipv4(), Transport::Tcp, NAME, "TXT", None).answers).len()
}

fn serials(server: &Rosterd) -> [u32; 3] {
    ["peers.cluster.local.", "pod.cluster.local.", "10.in-addr.arpa."].map(|zone| serial(server.ipv4(), zone))
}

#[test]
fn answers_are_stale_while_the_manifest_is_broken() {
    let mut server = Rosterd::start(&manifest(3, ""), "[server]");
    assert_eq!(codes(&server), [None; 2]);
    // Mended by what was there before, and by something new.
    for (peers_after, comment) in [(3, ""), (2, "less")] {
        server.replace_manifest(BROKEN);
        wait_for("a stale answer", || codes(&server) == STALE);
        server.wait_for_log("the last good version stays");
        assert_eq!(peers(&server), 3, "the last good version is served");
        for (name, record_type) in OWN {
            let answer = ask(server.ipv4(), Transport::Udp, name, record_type, Some(1232));
            assert_eq!(answer.metadata.response_code, ResponseCode::NoError, "{name}");
            assert_eq!(explanations(&answer), [], "{name} is none of the manifest's");
        }
        server.replace_manifest(&manifest(peers_after, comment));
        wait_for("an answer that is not stale", || codes(&server) == [None; 2]);
        assert_eq!(peers(&server), peers_after);
    }
}

#[test]
fn a_client_without_edns_is_told_nothing() {
    let server = Rosterd::start(&manifest(3, ""), "[server]");
    server.replace_manifest(BROKEN);
    wait_for("a stale answer", || codes(&server) == STALE);
    let answer = ask(server.ipv4(), Transport::Udp, NAME, "TXT", None);
    assert!(answer.edns.is_none() && answer.answers.len() == 3, "{answer}");
}

#[test]
fn serials_move_with_what_is_served_and_with_nothing_else() {
    let mut server = Rosterd::start(&manifest(3, ""), "reverse_zones = [\"10.0.0.0/8\"]\n[server]");
    let first = serials(&server);

    // A broken version, and one that says the same: what follows in the log and at clients shows that both were read.
    server.replace_manifest(BROKEN);
    server.wait_for_log("the last good version stays");
    assert_eq!(serials(&server), first, "a broken version");
    server.replace_manifest(&manifest(3, "the same in other words"));
    wait_for("an answer that is not stale", || codes(&server) == [None; 2]);
    assert_eq!(serials(&server), first, "an equal version");

    let mut before = first;
    for count in [4, 2, 5] {
        server.replace_manifest(&manifest(count, ""));
        wait_for("the new version", || peers(&server) == count);
        let after = serials(&server);
        for (before, after) in before.into_iter().zip(after) {
            // RFC 1982 3.2: ahead is 1 to 2^31 - 1 ahead, counting modulo 2^32.
            assert!((1..1 << 31).contains(&after.wrapping_sub(before)), "{before} to {after}");
        }
        before = after;
    }

    // Another port is nothing to pod names and reverse names.
    server.replace_manifest(&manifest(5, "").replace("port: 80", "port: 81"));
    wait_for("the new port", || {
        let answer = ask(server.ipv4(), Transport::Tcp, NAME, "SRV", None);
        data(&answer.answers).iter().all(|record| record.starts_with("0 10 81 "))
    });
    let [peer_zone, pods, reverse] = serials(&server);
    assert_ne!(peer_zone, before[0]);
    assert_eq!([pods, reverse], before[1..]);
}
