//! Real secondaries: NSD, Knot, BIND and CoreDNS fetch the zones of a server whose peers change, and are told of each change.
//! What they serve at a serial is what this server served at that serial, record by record.
//!
//! They are in the Debian packages nsd, knot and bind9; `tests/cluster/programs/build coredns` builds CoreDNS.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

#[path = "../support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;

mod keys;
mod over_tls;
mod refused;
#[allow(dead_code, reason = "shared with a benchmark that uses the rest")]
mod servers;
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod zone;

use rosterd::{PATIENCE, Rosterd, unused_port};
use servers::{Kind, Secondary};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};
use zone::{Contents, fetch, serial};

/// The zones that are given away.
const ZONES: [&str; 4] = ["peers.cluster.local", "pod.cluster.local", "10.in-addr.arpa", "files.example"];

/// Slices of `counts.len()` services, each of so many pods.
fn manifest(counts: &[u32]) -> String {
    let mut text = String::new();
    for (service, count) in counts.iter().enumerate() {
        write!(
            text,
            "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{ name: s{service}, namespace: default, \
             labels: {{ kubernetes.io/service-name: s{service} }} }}\naddressType: IPv4\n\
             ports: [{{ name: epmd, port: 4369 }}]\nendpoints:\n"
        )
        .unwrap();
        for pod in 0..*count {
            writeln!(text, "- addresses: [10.{service}.{}.{}]", pod / 250, 1 + pod % 250).unwrap();
        }
    }
    text
}

/// A primary that tells these ports of changes, and lets its own host fetch everything.
fn primary(counts: &[u32], ports: &[u16], key: Option<&keys::Key>) -> Rosterd {
    Rosterd::start_on(&manifest(counts), &settings(ports, key), &["127.0.0.1:0"])
}

/// Its settings.
fn settings(ports: &[u16], key: Option<&keys::Key>) -> String {
    let notify: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let (keys, key) = match key {
        Some(key) => (key.settings(), format!("key = \"{}\"\n", key.name)),
        None => (String::new(), String::new()),
    };
    format!(
        "reverse_zones = [\"10.in-addr.arpa\"]\nzone_files = [\"{}\"]\n\
         [transfer]\nnotify_interval = \"200ms\"\ncatalog = \"catalog.rosterd\"\n{keys}\
         [[transfer.secondaries]]\nclients = [\"127.0.0.1\"]\n{key}notify = {notify:?}\n[server]\n",
        zone::static_zone()
    )
}

/// Waits until a secondary serves each zone with the serial that the primary has, and compares them.
fn wait_until_equal(primary: SocketAddr, secondary: &Secondary, key: Option<&keys::Key>) {
    let until = Instant::now() + PATIENCE;
    for zone in ZONES {
        loop {
            let wanted = serial(primary, zone);
            if wanted.is_some() && serial(secondary.address, zone) == wanted {
                let (ours, theirs) = (fetch(primary, zone, key), fetch(secondary.address, zone, None));
                if let (Ok(ours), Ok(theirs)) = (&ours, &theirs)
                    && ours.serial == theirs.serial
                {
                    assert_eq!(ours.records, theirs.records, "{zone} of {:?}", secondary.kind);
                    break;
                }
            }
            assert!(
                Instant::now() < until,
                "{:?} does not follow {zone}: {:?} instead of {wanted:?}\n{}",
                secondary.kind,
                serial(secondary.address, zone),
                secondary.log()
            );
        }
    }
}

fn follows(kind: Kind, key: Option<&keys::Key>) {
    let port = unused_port();
    let mut counts = vec![3, 40, 0, 300];
    let mut rosterd = primary(&counts, &[port], key);
    let secondary = Secondary::start(kind, port, rosterd.ipv4(), &ZONES, key);
    wait_until_equal(rosterd.ipv4(), &secondary, key);
    for (service, count) in [(0, 5), (3, 299), (2, 7), (1, 0), (3, 700), (0, 4), (1, 41), (2, 0)] {
        counts[service] = count;
        let before = serial(rosterd.ipv4(), ZONES[0]);
        rosterd.replace_manifest(&manifest(&counts));
        let until = Instant::now() + PATIENCE;
        while serial(rosterd.ipv4(), ZONES[0]) == before {
            assert!(Instant::now() < until, "the primary does not follow its manifest");
        }
        wait_until_equal(rosterd.ipv4(), &secondary, key);
    }
    drop(secondary);
    // Ends the log.
    let seen = rosterd.seen().len();
    rosterd.signal(nix::sys::signal::Signal::SIGTERM);
    rosterd.wait_for_log("SIGTERM");
    let log = &rosterd.seen()[seen..];
    let of_peers = |line: &&String| line.contains("transferred zone peers.cluster.local.");
    let steps = log.iter().filter(of_peers).filter(|line| line.contains("from serial")).count();
    if kind.asks_for_steps() {
        assert!(steps >= 4, "{kind:?} was given what changed {steps} times:\n{}", log.join("\n"));
    }
}

#[test]
fn nsd_follows() {
    follows(Kind::Nsd, None);
}

#[test]
fn nsd_follows_with_a_key() {
    follows(Kind::Nsd, Some(&keys::Key::new("hmac-sha256")));
}

#[test]
fn knot_follows() {
    follows(Kind::Knot, None);
}

#[test]
fn knot_follows_with_a_key() {
    follows(Kind::Knot, Some(&keys::Key::new("hmac-sha512")));
}

#[test]
fn bind_follows() {
    follows(Kind::Bind, None);
}

#[test]
fn bind_follows_with_a_key() {
    follows(Kind::Bind, Some(&keys::Key::new("hmac-sha384")));
}

#[test]
fn coredns_follows() {
    follows(Kind::CoreDns, None);
}

/// What every serial had that was seen at the primary while secondaries ran behind it.
#[test]
fn no_secondary_ever_serves_what_was_not_served_at_its_serial() {
    let kinds = [Kind::Nsd, Kind::Knot, Kind::Bind, Kind::CoreDns];
    let ports = kinds.map(|_| unused_port());
    let mut counts = vec![3, 40, 0, 300];
    let rosterd = primary(&counts, &ports, None);
    let secondaries: Vec<Secondary> = kinds
        .iter()
        .zip(ports)
        .map(|(kind, port)| Secondary::start(*kind, port, rosterd.ipv4(), &ZONES, None))
        .collect();
    for secondary in &secondaries {
        wait_until_equal(rosterd.ipv4(), secondary, None);
    }
    let mut served: HashMap<u32, Contents> = HashMap::new();
    let mut compared = [0; 4];
    for round in 0..25_u32 {
        let service = round as usize % counts.len();
        counts[service] = (counts[service] * 7 + round * 13 + 1) % 331;
        rosterd.replace_manifest(&manifest(&counts));
        // Some changes are seen by secondaries, others are passed over.
        for _ in 0..6 {
            if let Ok(ours) = fetch(rosterd.ipv4(), ZONES[0], None) {
                let serial = ours.serial;
                if let Some(before) = served.insert(serial, ours) {
                    assert_eq!(before.records, served[&serial].records, "{serial} meant two things");
                }
            }
            for (secondary, compared) in secondaries.iter().zip(&mut compared) {
                let Ok(theirs) = fetch(secondary.address, ZONES[0], None) else { continue };
                if let Some(ours) = served.get(&theirs.serial) {
                    assert_eq!(ours.records, theirs.records, "{:?} at {}", secondary.kind, theirs.serial);
                    *compared += 1;
                }
            }
        }
    }
    for secondary in &secondaries {
        wait_until_equal(rosterd.ipv4(), secondary, None);
    }
    assert!(served.len() > 5 && compared.iter().all(|count| *count > 10), "{} {compared:?}", served.len());
}

#[test]
fn a_catalog_tells_knot_and_bind_of_all_zones() {
    for kind in [Kind::Knot, Kind::Bind] {
        let port = unused_port();
        let rosterd = primary(&[3], &[port], None);
        let secondary = Secondary::of_catalog(kind, port, rosterd.ipv4(), "catalog.rosterd");
        wait_until_equal(rosterd.ipv4(), &secondary, None);
        // A zone that comes, and goes.
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("later.example.zone");
        std::fs::write(&file, "@ 5 SOA ns h 7 3600 600 86400 60\n@ 5 NS ns\nns 5 A 127.0.0.1\n")
            .expect("a zone");
        let without = format!("manifests = [\"peers.yaml\"]\n{}", settings(&[port], None));
        let also = format!("zone_files = [\"{}\", ", file.display());
        let with = without.replace("zone_files = [", &also);
        for (settings, expected) in [(&with, Some(7)), (&without, None)] {
            rosterd.replace_settings(settings);
            let until = Instant::now() + PATIENCE;
            while serial(secondary.address, "later.example") != expected {
                assert!(Instant::now() < until, "{kind:?} does not hear of it: {}", secondary.log());
                std::thread::sleep(Duration::from_millis(20));
            }
            wait_until_equal(rosterd.ipv4(), &secondary, None);
        }
    }
}

/// What `rosterd zone --from` prints, and its exit code.
fn zone_command(from: &[SocketAddr], zone: &str, key: Option<&keys::Key>) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rosterd"));
    command.args(["zone", "--origin", zone]);
    for server in from {
        command.args(["--from", &server.to_string()]);
    }
    if let Some(key) = key {
        command.arg("--key").arg(key.file.path());
    }
    let output = command.output().expect("the program");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).expect("UTF-8"))
}

#[test]
fn the_command_fetches_and_compares() {
    let key = keys::Key::new("hmac-sha256");
    let port = unused_port();
    let rosterd = primary(&[3], &[port], Some(&key));
    let secondary = Secondary::start(Kind::Nsd, port, rosterd.ipv4(), &ZONES, Some(&key));
    wait_until_equal(rosterd.ipv4(), &secondary, Some(&key));
    let (code, text) = zone_command(&[rosterd.ipv4()], "files.example", Some(&key));
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("\tIN\tSOA\tns.files.example. hostmaster.files.example. 7 3600 600 86400 60\n"),
        "{text}"
    );
    assert!(text.contains("\n*.files.example.\t60\tIN\tTXT\t\"any\" \"one\"\n"), "{text}");
    assert!(text.contains("\nmail.files.example.\t60\tIN\tMX\t10 www.files.example.\n"), "{text}");
    let (code, text) = zone_command(&[rosterd.ipv4()], "files.example", None);
    assert!(code == Some(1) && text.contains("REFUSED"), "{code:?} {text}");

    // NSD gives to everybody here.
    let open = primary(&[3], &[unused_port()], None);
    let (code, text) = zone_command(&[secondary.address, open.ipv4()], "pod.cluster.local", None);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("\n7 records are the same\n"), "{text}");
    open.replace_manifest(&manifest(&[2, 1]));
    let until = Instant::now() + PATIENCE;
    let text = loop {
        let (code, text) = zone_command(&[secondary.address, open.ipv4()], "pod.cluster.local", None);
        if code == Some(3) {
            break text;
        }
        assert!(Instant::now() < until, "{code:?} {text}");
    };
    assert!(text.contains("\n-10-0-0-3.default.pod.cluster.local.\t5\tIN\tA\t10.0.0.3\n"), "{text}");
    assert!(text.contains("\n+10-1-0-1.default.pod.cluster.local.\t5\tIN\tTXT\t\"s1@10.1.0.1\"\n"), "{text}");
    drop(open);
    let nobody = SocketAddr::from(([127, 0, 0, 1], unused_port()));
    let (code, text) = zone_command(&[nobody], "pod.cluster.local", None);
    assert!(code == Some(2) && text.contains("cannot fetch from"), "{code:?} {text}");
}

#[test]
fn a_wrong_key_fetches_nothing_and_is_said() {
    let key = keys::Key::new("hmac-sha256");
    let rosterd = primary(&[3], &[unused_port()], Some(&key));
    let other = keys::Key { secret: keys::Key::new("hmac-sha256").secret, ..key.clone() };
    let error = fetch(rosterd.ipv4(), ZONES[0], Some(&other)).unwrap_err();
    assert!(error.contains("NotAuth"), "{error}");
    let error = fetch(rosterd.ipv4(), ZONES[0], None).unwrap_err();
    assert!(error.contains("Refused"), "{error}");
    assert_eq!(fetch(rosterd.ipv4(), ZONES[0], Some(&key)).unwrap().records.len(), 3 + 3 * 5);
}
