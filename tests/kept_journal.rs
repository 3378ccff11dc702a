//! The journal of transfers over a restart: who holds an earlier serial is told what has changed since, and never anything
//! that leads elsewhere.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

#[path = "support/api_server.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod api_server;
#[path = "secondaries/keys.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod keys;
#[path = "support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;
#[path = "secondaries/zone.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod zone;

use api_server::ApiServer;
use nix::sys::signal::Signal;
use rosterd::{PATIENCE, Rosterd};
use serde_json::json;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Instant;
use zone::{Contents, Since, fetch, fetch_since, serial};

const ZONE: &str = "peers.cluster.local";

/// A cluster with one Service, and the folder that servers keep their state in.
struct Scene {
    api: ApiServer,
    folder: tempfile::TempDir,
    peers: usize,
}

impl Scene {
    fn new() -> Scene {
        let scene = Scene { api: ApiServer::start(), folder: tempfile::tempdir().unwrap(), peers: 3 };
        scene.put();
        scene
    }

    fn put(&self) {
        let endpoints: Vec<_> =
            (1..=self.peers).map(|peer| json!({"addresses": [format!("10.0.0.{peer}")]})).collect();
        let slice = json!({
            "metadata": {
                "name": "myapp-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "myapp"},
            },
            "addressType": "IPv4", "endpoints": endpoints, "ports": [],
        });
        self.api.put(slice, "/apis/discovery.k8s.io/v1", "endpointslices");
    }

    fn settings(&self, interval: &str) -> String {
        format!(
            "[state]\ndirectory = '{}'\ninterval = '{interval}'\n[[transfer.secondaries]]\nclients = ['127.0.0.1']\n\
             [server]\n",
            self.folder.path().join("state").display()
        )
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("state/rosterd.journal")
    }

    /// Starts a server and waits until it has listed.
    fn start(&self, settings: &str) -> Rosterd {
        let mut server = Rosterd::start_in_cluster(&self.api.kubeconfig(), settings);
        let until = Instant::now() + PATIENCE;
        while fetch(server.ipv4(), ZONE, None).map_or(0, |zone| addresses(&zone)) != self.peers {
            assert!(Instant::now() < until, "it does not list");
        }
        server.signal(Signal::SIGHUP);
        server.wait_for_log("settings: read again");
        server
    }

    /// One peer more, once the server has it.
    fn grow(&mut self, server: &Rosterd) -> Contents {
        self.peers += 1;
        self.put();
        let until = Instant::now() + PATIENCE;
        loop {
            let zone = fetch(server.ipv4(), ZONE, None).unwrap();
            if addresses(&zone) == self.peers {
                return zone;
            }
            assert!(Instant::now() < until, "it does not follow");
        }
    }

    /// Waits until what was given last is on the disk, with the state that belongs to it.
    fn wait_until_kept(&self, zone: &Contents) {
        let apex = b"\x05peers\x07cluster\x05local\0";
        let wanted = [&apex[..], &zone.serial.to_be_bytes()].concat();
        let until = Instant::now() + PATIENCE;
        loop {
            let octets = std::fs::read(self.file()).unwrap_or_default();
            if octets.windows(wanted.len()).any(|octets| octets == wanted) {
                return;
            }
            assert!(Instant::now() < until, "the journal is not written");
        }
    }
}

/// Peers of the set.
fn addresses(zone: &Contents) -> usize {
    zone.records
        .iter()
        .filter(|record| record.starts_with("myapp.default.") && record.contains(" a "))
        .count()
}

/// What a secondary that has `older` comes to have.
fn follow(server: &Rosterd, older: &Contents) -> (Since, Contents) {
    let until = Instant::now() + PATIENCE;
    loop {
        let (how, reached) = fetch_since(server.ipv4(), ZONE, older).unwrap();
        let now = fetch(server.ipv4(), ZONE, None).unwrap();
        if now.serial == reached.serial {
            assert_eq!(reached.records, now.records, "{how:?} from {} to {}", older.serial, now.serial);
            return (how, reached);
        }
        assert!(Instant::now() < until, "it changes all the time");
    }
}

#[test]
fn a_restart_between_two_transfers_goes_unnoticed() {
    let mut scene = Scene::new();
    let settings = scene.settings("10s");
    let server = scene.start(&settings);
    let first = fetch(server.ipv4(), ZONE, None).unwrap();
    let second = scene.grow(&server);
    assert_eq!(follow(&server, &first).0, Since::Steps);
    // The end is the last write.
    assert!(server.terminate(Signal::SIGTERM).0.success());
    let again = scene.start(&settings);
    assert!(again.seen().iter().any(|line| line.contains("zone peers.cluster.local. can be told from")));
    for older in [&first, &second] {
        let (how, _) = follow(&again, older);
        assert_eq!(how, if older.serial == second.serial { Since::Nothing } else { Since::Steps });
    }
    drop(again);
    // What changes while it is down is told too.
    scene.peers += 5;
    scene.put();
    let server = scene.start(&settings);
    for older in [&first, &second] {
        assert_eq!(follow(&server, older).0, Since::Steps, "{}", older.serial);
    }
}

#[test]
fn a_killed_server_tells_nothing_wrong() {
    let mut scene = Scene::new();
    let settings = scene.settings("1ms");
    let mut server = scene.start(&settings);
    let mut history: HashMap<u32, Contents> = HashMap::new();
    let mut steps = 0;
    for round in 0..12 {
        for _ in 0..3 {
            let zone = scene.grow(&server);
            history.insert(zone.serial, zone);
        }
        if round % 2 == 0 {
            // Otherwise in the middle of whatever it does.
            scene.wait_until_kept(&fetch(server.ipv4(), ZONE, None).unwrap());
        }
        server.kill();
        if round % 3 == 0 {
            scene.peers += 1;
            scene.put();
        }
        server = scene.start(&settings);
        for older in history.values() {
            let (how, reached) = follow(&server, older);
            steps += usize::from(how == Since::Steps);
            if let Some(before) = history.get(&reached.serial) {
                assert_eq!(before.records, reached.records, "{} meant two things", reached.serial);
            }
        }
    }
    assert!(steps > 12, "{steps} of {} were told what changed", history.len());
}

#[test]
fn what_cannot_be_trusted_is_ignored_with_a_word() {
    let mut scene = Scene::new();
    let settings = scene.settings("1ms");
    let server = scene.start(&settings);
    let first = fetch(server.ipv4(), ZONE, None).unwrap();
    let second = scene.grow(&server);
    scene.wait_until_kept(&second);
    assert!(server.terminate(Signal::SIGTERM).0.success());
    let whole = std::fs::read(scene.file()).unwrap();
    let changed = |at: usize, octet: u8| {
        let mut octets = whole.clone();
        octets[at] ^= octet;
        octets
    };
    for (octets, word) in [
        (changed(whole.len() - 1, 1), "does not have the checksum that it names: it is damaged"),
        (changed(11, 8), "is of version 9; this program reads version 1"),
        (changed(0, 1), "it begins otherwise"),
        (whole[..whole.len() / 2].to_vec(), "it is damaged"),
        (Vec::new(), "it begins otherwise"),
    ] {
        std::fs::write(scene.file(), octets).unwrap();
        let server = scene.start(&settings);
        let lines = server.seen().iter().filter(|line| line.contains("journal: "));
        let said: Vec<&String> = lines.filter(|line| line.contains("WARN")).collect();
        assert!(said.len() == 1 && said[0].contains(word), "{word}: {said:?}");
        // What is older than the restart, that is: the serial stays.
        assert_eq!(follow(&server, &first).0, Since::Whole, "{word}");
        assert!(server.terminate(Signal::SIGTERM).0.success());
    }
}

#[test]
fn other_settings_are_another_zone() {
    let mut scene = Scene::new();
    let settings = scene.settings("1ms");
    let server = scene.start(&settings);
    let first = fetch(server.ipv4(), ZONE, None).unwrap();
    let second = scene.grow(&server);
    scene.wait_until_kept(&second);
    assert!(server.terminate(Signal::SIGTERM).0.success());
    let server = scene.start(&format!("{settings}ttl = 77\n"));
    let lines = server.seen().iter();
    let word =
        "what was kept of zone peers.cluster.local. is of no use: it has other records than they lead to";
    assert!(lines.clone().any(|line| line.contains(word)), "{:?}", server.seen());
    for older in [&first, &second] {
        assert_eq!(follow(&server, older).0, Since::Whole);
    }
}

#[test]
fn with_manifests_equal_records_are_told_as_such() {
    let scene = Scene::new();
    let settings = scene.settings("1ms");
    let manifest = |peers: u32| {
        let addresses: Vec<String> =
            (1..=peers).map(|peer| format!("{{addresses: [10.0.0.{peer}]}}")).collect();
        format!(
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: a, namespace: default, labels: \
             {{kubernetes.io/service-name: myapp}}}}\naddressType: IPv4\nports: [{{name: epmd, port: 4369}}]\n\
             endpoints: [{}]\n",
            addresses.join(", ")
        )
    };
    let server = Rosterd::start_on(&manifest(3), &settings, &["127.0.0.1:0"]);
    let first = fetch(server.ipv4(), ZONE, None).unwrap();
    server.replace_manifest(&manifest(4));
    let until = Instant::now() + PATIENCE;
    while serial(server.ipv4(), ZONE) == Some(first.serial) {
        assert!(Instant::now() < until, "it does not follow");
    }
    let second = fetch(server.ipv4(), ZONE, None).unwrap();
    assert!(server.terminate(Signal::SIGTERM).0.success());
    let server = Rosterd::start_on(&manifest(4), &settings, &["127.0.0.1:0"]);
    let third = follow(&server, &first);
    assert!(third.0 == Since::Steps && third.1.serial != second.serial);
    assert_eq!(follow(&server, &second).0, Since::Steps);
    assert!(server.terminate(Signal::SIGTERM).0.success());
    let server = Rosterd::start_on(&manifest(5), &settings, &["127.0.0.1:0"]);
    for older in [&first, &second, &third.1] {
        assert_eq!(follow(&server, older).0, Since::Whole);
    }
}
