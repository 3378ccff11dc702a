//! Master files of a running server: served, followed when they change, kept when they break.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "support/client.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod client;
#[path = "support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;

use client::{Transport, ask, data};
use hickory_proto::op::ResponseCode;
use rosterd::{PATIENCE, Rosterd};
use std::process::Command;
use std::time::Instant;

const MANIFEST: &str = "apiVersion: v1\nkind: Endpoints\nmetadata: {name: myapp, namespace: default}\n\
                        subsets: [{addresses: [{ip: 10.0.0.1}], ports: [{name: http, port: 80}]}]\n";

fn zone(serial: u32, records: &str) -> String {
    format!("$TTL 60\n@ SOA ns hostmaster {serial} 1h 10m 1w 30\n@ NS ns\nns A 192.0.2.53\n{records}\n")
}

/// Response code and data of the answer over both transports.
fn answer(server: &Rosterd, name: &str, qtype: &str) -> (ResponseCode, Vec<String>) {
    let [udp, tcp] = [Transport::Udp, Transport::Tcp]
        .map(|transport| ask(server.ipv4(), transport, name, qtype, Some(1232)));
    assert_eq!(data(&udp.answers), data(&tcp.answers));
    (udp.metadata.response_code, data(&udp.answers))
}

/// Waits until a name has this data.
fn wait_for(server: &Rosterd, name: &str, qtype: &str, expected: &[&str]) {
    let until = Instant::now() + PATIENCE;
    loop {
        let found = data(&ask(server.ipv4(), Transport::Udp, name, qtype, None).answers);
        if found == expected {
            break;
        }
        assert!(Instant::now() < until, "{name} {qtype} is {found:?}");
        std::thread::yield_now();
    }
}

#[test]
fn zones_are_served_beside_peers_and_followed_when_they_change() {
    let db = "db CNAME myapp.default.svc.peers.cluster.local.";
    let mut server = Rosterd::start_with_zones(
        MANIFEST,
        &[
            ("example.test.zone", &zone(1, &format!("www A 192.0.2.1\n{db}\n$INCLUDE more.inc sub"))),
            ("more.inc", "a 60 A 192.0.2.2\n"),
            ("peers.cluster.local.zone", "hint 60 TXT \"by hand\"\n"),
            ("README", "no zone"),
        ],
    );
    assert_eq!(answer(&server, "www.example.test.", "A").1, ["192.0.2.1"]);
    assert_eq!(answer(&server, "a.sub.example.test.", "A").1, ["192.0.2.2"]);
    assert_eq!(answer(&server, "hint.peers.cluster.local.", "TXT").1, ["by hand"]);
    assert_eq!(answer(&server, "nowhere.example.test.", "A").0, ResponseCode::NXDomain);
    let aliased = ask(server.ipv4(), Transport::Udp, "db.example.test.", "A", None);
    assert_eq!(aliased.answers.len(), 2);
    assert_eq!(data(&aliased.answers[1..]), ["10.0.0.1"]);

    // A new version, one under the same serial, and one of what it includes.
    server.replace_zone("example.test.zone", &zone(2, "www A 192.0.2.3\n$INCLUDE more.inc sub"));
    wait_for(&server, "www.example.test.", "A", &["192.0.2.3"]);
    server.wait_for_log("zone example.test. with serial 2");
    server.replace_zone("more.inc", "a 60 A 192.0.2.4\n");
    wait_for(&server, "a.sub.example.test.", "A", &["192.0.2.4"]);
    server.wait_for_log("its serial 2 has not");

    // A broken one keeps what is served and says why, also where the fault is in what it includes.
    server.replace_zone("example.test.zone", &zone(3, "www A 192.0.2"));
    let line = server.wait_for_log("not an IPv4 address");
    assert!(
        line.contains("zones/example.test.zone:5:7: not an IPv4 address; the zone stays as it was"),
        "{line}"
    );
    assert_eq!(answer(&server, "www.example.test.", "A").1, ["192.0.2.3"]);
    server.replace_zone("example.test.zone", &zone(3, "www A 192.0.2.5\n$INCLUDE more.inc sub"));
    wait_for(&server, "www.example.test.", "A", &["192.0.2.5"]);
    server.replace_zone("more.inc", "a 60 A x\n");
    server.wait_for_log("zones/more.inc:1:8: not an IPv4 address; the zone stays as it was");

    // A second file for a zone waits until the first is gone.
    server.replace_zone("other.zone", &format!("$ORIGIN example.test.\n{}", zone(9, "www A 192.0.2.9")));
    server.wait_for_log("one file makes a zone; not served until it is good");
    server.remove_zone("example.test.zone");
    server.wait_for_log("gone from its folder, and its zone with it");
    wait_for(&server, "www.example.test.", "A", &["192.0.2.9"]);
    server.remove_zone("other.zone");
    server.wait_for_log("gone from its folder, and its zone with it");
    assert_eq!(answer(&server, "www.example.test.", "A").0, ResponseCode::Refused);
    assert_eq!(answer(&server, "hint.peers.cluster.local.", "TXT").1, ["by hand"]);
    assert_eq!(answer(&server, "myapp.default.svc.peers.cluster.local.", "A").1, ["10.0.0.1"]);
}

#[test]
fn a_file_that_another_one_includes_is_no_zone_of_its_own() {
    let part = "a 60 A 192.0.2.2\n";
    let mut server = Rosterd::start_with_zones(
        MANIFEST,
        &[("example.test.zone", &zone(1, "$INCLUDE part.zone")), ("part.zone", part)],
    );
    assert_eq!(answer(&server, "a.example.test.", "A").1, ["192.0.2.2"]);
    // Where nothing includes it any more, it is what it is by itself.
    server.replace_zone("example.test.zone", &zone(2, ""));
    server.wait_for_log("part.zone:1:1: no SOA");
    assert_eq!(answer(&server, "a.example.test.", "A").0, ResponseCode::NXDomain);
    server.replace_zone("part.zone", &format!("$ORIGIN part.test.\n{}", zone(1, part)));
    wait_for(&server, "a.part.test.", "A", &["192.0.2.2"]);
    // A zone becomes a part: what it is alone is gone.
    server.replace_zone("other.zone", "$ORIGIN part.test.\n$INCLUDE part.zone\nb 60 A 192.0.2.3\n");
    server.wait_for_log("part.zone: a part of the zone of the file that includes it from now on");
    wait_for(&server, "b.part.test.", "A", &["192.0.2.3"]);
    wait_for(&server, "a.part.test.", "A", &["192.0.2.2"]);
    // Both at once, and a change of the part.
    server.replace_zone("part.zone", &format!("$ORIGIN part.test.\n{}", zone(2, "a 60 A 192.0.2.4")));
    wait_for(&server, "a.part.test.", "A", &["192.0.2.4"]);
    assert_eq!(answer(&server, "b.part.test.", "A").1, ["192.0.2.3"]);
}

#[test]
fn a_broken_first_version_is_told_whole_by_every_command() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("peers.yaml"), MANIFEST).unwrap();
    std::fs::write(folder.path().join("a.test.zone"), zone(1, "www A x\nmail MX y")).unwrap();
    std::fs::write(folder.path().join("b.zone"), "svc.peers.cluster.local. 1 A 192.0.2.1").unwrap();
    for command in ["serve", "check", "zone"] {
        let output = Command::new(env!("CARGO_BIN_EXE_rosterd"))
            .current_dir(folder.path())
            .args([
                command,
                "--manifest",
                "peers.yaml",
                "--zone-file",
                "a.test.zone",
                "--zone-file",
                "b.zone",
            ])
            .env_clear()
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{command}");
        let said = String::from_utf8(output.stderr).unwrap();
        for part in [
            "error: a.test.zone:5:7: not an IPv4 address\n",
            "error: a.test.zone:6:9: not a number from 0 to 65535\n",
            "error: b.zone:1:1: no SOA: a zone begins with one",
        ] {
            assert!(said.contains(part), "{command}: no {part:?} in\n{said}");
        }
    }
}

#[test]
fn the_example_is_right() {
    let output = Command::new(env!("CARGO_BIN_EXE_rosterd"))
        .args(["check", "--zone-file", concat!(env!("CARGO_MANIFEST_DIR"), "/zones")])
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert!(String::from_utf8(output.stdout).unwrap().contains("zone example.internal. with serial"));
}

#[test]
fn zones_are_printed_as_they_are_served() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.test.zone"), zone(1, "www A 192.0.2.1")).unwrap();
    let run = |arguments: &[&str]| {
        let command = Command::new(env!("CARGO_BIN_EXE_rosterd"))
            .current_dir(folder.path())
            .args(arguments)
            .args(["--zone-file", "."])
            .env_clear()
            .output()
            .unwrap();
        assert!(command.status.success(), "{command:?}");
        String::from_utf8(command.stdout).unwrap()
    };
    assert_eq!(
        run(&["zone", "--origin", "a.test"]),
        "; zone a.test.\n$ORIGIN a.test.\n\
         a.test.\t60\tIN\tSOA\tns.a.test. hostmaster.a.test. 1 3600 600 604800 30\n\
         a.test.\t60\tIN\tNS\tns.a.test.\n\
         ns.a.test.\t60\tIN\tA\t192.0.2.53\n\
         www.a.test.\t60\tIN\tA\t192.0.2.1\n"
    );
    let checked = run(&["check"]);
    assert!(checked.starts_with("settings and zone files are right;"), "{checked}");
    assert!(checked.contains("a.test.zone: zone a.test. with serial 1\n"), "{checked}");
}
