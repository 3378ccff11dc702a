//! The systemd unit: what systemd says of it, and whether the program keeps to what it is allowed there.

use crate::client::{Transport, ask};
use crate::rosterd::{PATIENCE, Rosterd};
use nix::sys::signal::Signal;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const UNIT: &str = include_str!("../../deploy/systemd/rosterd.service");

/// Where the unit has the program.
const PROGRAM: &str = "/usr/bin/rosterd";

/// The exposure that systemd may find at most, in tenths: from 0 (none) to 100. Its word for up to 20 is "OK".
const EXPOSURE: &str = "16";

fn systemd_analyze(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("systemd-analyze")
        .arg("--no-pager")
        .args(arguments)
        .output()
        .expect("systemd-analyze (Debian: systemd)");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// The unit with a program that is there.
fn unit(folder: &Path) -> String {
    let path = folder.join("rosterd.service");
    assert!(UNIT.contains(PROGRAM));
    fs::write(&path, UNIT.replace(PROGRAM, env!("CARGO_BIN_EXE_rosterd"))).expect("a written unit");
    path.display().to_string()
}

#[test]
fn systemd_takes_the_unit_and_finds_it_hardened() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let unit = unit(folder.path());
    let (right, said) = systemd_analyze(&["verify", "--man=no", &unit]);
    assert!(right && !said.contains("rosterd.service"), "{said}");
    let threshold = format!("--threshold={EXPOSURE}");
    let (hardened, said) = systemd_analyze(&["security", "--offline=true", &threshold, &unit]);
    assert!(hardened, "{said}");
}

/// The calls of a set, by systemd's own table; sets in it included.
fn calls<'a>(sets: &BTreeMap<&'a str, Vec<&'a str>>, name: &str) -> BTreeSet<&'a str> {
    let (mut found, mut left) = (BTreeSet::new(), vec![name]);
    while let Some(set) = left.pop() {
        for entry in sets.get(set).unwrap_or_else(|| panic!("no set {set}")) {
            if entry.starts_with('@') {
                left.push(entry);
            } else {
                found.insert(*entry);
            }
        }
    }
    found
}

#[test]
fn the_program_makes_no_call_that_the_unit_forbids() {
    let (known, table) = systemd_analyze(&["syscall-filter"]);
    assert!(known, "{table}");
    let mut sets: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut set = "";
    for line in table.lines().map(str::trim_end).filter(|line| !line.trim_start().starts_with('#')) {
        match line.strip_prefix("    ") {
            Some(entry) => sets.entry(set).or_default().push(entry),
            None => set = line,
        }
    }
    let mut allowed = calls(&sets, "@system-service");
    for line in UNIT.lines().filter_map(|line| line.strip_prefix("SystemCallFilter=~")) {
        for set in line.split(' ') {
            let forbidden = calls(&sets, set);
            allowed.retain(|call| !forbidden.contains(call));
        }
    }

    let folder = tempfile::tempdir().expect("a temporary folder");
    let trace = folder.path().join("trace");
    let mut strace = Command::new("strace");
    // The tracer stays aside, so that the program is the one that is started and ended here.
    strace.args(["--daemonize", "--follow-forks", "--signal=none", "--output"]).arg(&trace);
    strace.args(["--", env!("CARGO_BIN_EXE_rosterd")]);
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/examples/myapp.yaml");
    let settings = format!("manifests = [{manifest:?}]\n[admin]\nlisten = ['127.0.0.1:0']\n[server]");
    let rosterd = Rosterd::start_by(strace, &settings);
    for transport in [Transport::Udp, Transport::Tcp] {
        let answer =
            ask(rosterd.ipv4(), transport, "myapp.default.svc.peers.cluster.local.", "TXT", Some(1232));
        assert_eq!(answer.answers.len(), 3, "{answer}");
    }
    let program = rosterd.process().to_string();
    assert!(rosterd.terminate(Signal::SIGTERM).0.success());
    // The tracer writes the end when it has seen it.
    let ended = |line: &str| line.split_whitespace().eq([&*program, "+++", "exited", "with", "0", "+++"]);
    let until = Instant::now() + PATIENCE;
    while !fs::read_to_string(&trace).expect("a trace").lines().any(ended) {
        assert!(Instant::now() < until, "no end in {}", trace.display());
        std::thread::sleep(Duration::from_millis(20));
    }

    let made: BTreeSet<String> = calls_of(&trace).into_iter().map(|(call, _)| call).collect();
    assert!(made.len() > 20 && made.contains("recvmmsg"), "{made:?}");
    let forbidden: Vec<&String> = made.iter().filter(|call| !allowed.contains(call.as_str())).collect();
    assert!(forbidden.is_empty(), "{forbidden:?}");
    // MemoryDenyWriteExecute.
    for (call, arguments) in calls_of(&trace) {
        assert!(!(arguments.contains("PROT_WRITE") && arguments.contains("PROT_EXEC")), "{call}({arguments}");
    }
}

/// The calls of a trace with their arguments.
fn calls_of(path: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(path).expect("a trace");
    let line = |line: &str| {
        let (_, rest) = line.split_once(' ')?;
        let (call, arguments) = rest.trim_start().split_once('(')?;
        let known = call.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        known.then(|| (call.to_owned(), arguments.to_owned()))
    };
    text.lines().filter_map(line).collect()
}
