//! Secondaries with another secret, and with a clock that is wrong: they fetch nothing, hear nothing, and both sides say why.

use super::{ZONES, keys, manifest, primary, settings, wait_until_equal};
use crate::rosterd::{PATIENCE, Rosterd, unused_port};
use crate::servers::{Kind, Secondary};
use crate::zone::serial;
use std::fs;
use std::process::Command;
use std::time::Instant;

/// The library that moves a program's clock.
fn library() -> String {
    let folders = fs::read_dir("/usr/lib").expect("a folder").flatten();
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    found.find(|path| path.exists()).expect("libfaketime (Debian: faketime)").display().to_string()
}

/// Waits until the log of a secondary has one of these words.
fn wait_for_word(secondary: &Secondary, words: &[&str]) {
    let until = Instant::now() + PATIENCE;
    while !words.iter().any(|word| secondary.log().contains(word)) {
        assert!(Instant::now() < until, "{:?} does not say {words:?}:\n{}", secondary.kind, secondary.log());
        std::thread::yield_now();
    }
}

fn is_refused(rosterd: &mut Rosterd, secondary: &Secondary, ours: &str, theirs: &[&str]) {
    let line = rosterd.wait_for_log("turned away ");
    assert!(line.contains("WARN") && line.contains("of 127.0.0.1 ") && line.contains(ours), "{line}");
    wait_for_word(secondary, theirs);
    assert_eq!(serial(secondary.address, ZONES[0]), None, "{:?}", secondary.kind);
}

#[test]
fn another_secret_is_refused_and_both_say_so() {
    let key = keys::Key::new("hmac-sha256");
    let other = keys::Key { secret: keys::Key::new("hmac-sha256").secret, ..key.clone() };
    for (kind, words) in [
        (Kind::Nsd, &["bad signature", "BADSIG", "tsig", "NOTAUTH"][..]),
        (Kind::Knot, &["BADSIG", "NOTAUTH", "TSIG"]),
        (Kind::Bind, &["BADSIG", "NOTAUTH"]),
    ] {
        let port = unused_port();
        let mut rosterd = primary(&[3], &[port], Some(&key));
        let secondary = Secondary::start(kind, port, rosterd.ipv4(), &ZONES, Some(&other));
        is_refused(&mut rosterd, &secondary, "BADSIG", words);
        // What it is told of changes is not what it takes for ours.
        rosterd.replace_manifest(&manifest(&[5]));
        let word = "which is not counted: BADSIG";
        if !rosterd.seen().iter().any(|line| line.contains(word)) {
            rosterd.wait_for_log(word);
        }
        drop(secondary);
        // With the right one, nothing is left of this.
        let secondary = Secondary::start(kind, port, rosterd.ipv4(), &ZONES, Some(&key));
        wait_until_equal(rosterd.ipv4(), &secondary, Some(&key));
    }
}

#[test]
fn a_skewed_clock_is_refused_and_both_say_so() {
    let (key, library) = (keys::Key::new("hmac-sha256"), library());
    let moved = |by| [("LD_PRELOAD", &*library), ("FAKETIME", by), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
    for (kind, by, words) in
        [(Kind::Nsd, "+1h", &["BADTIME", "bad time", "Bad Time"][..]), (Kind::Knot, "-1h", &["BADTIME"])]
    {
        let port = unused_port();
        let mut rosterd = primary(&[3], &[port], Some(&key));
        let secondary = Secondary::start_with(kind, port, rosterd.ipv4(), &ZONES, Some(&key), &moved(by));
        is_refused(&mut rosterd, &secondary, "BADTIME: the clocks differ by ", words);
    }
    // The library does not go with the memory allocator of BIND: here it is the primary's clock.
    let port = unused_port();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("peers.yaml");
    fs::write(&file, manifest(&[3])).expect("a written manifest");
    let mut program = Command::new(env!("CARGO_BIN_EXE_rosterd"));
    program.envs(moved("+1h"));
    let settings = format!("manifests = ['{}']\n{}", file.display(), settings(&[port], Some(&key)));
    let mut rosterd = Rosterd::start_by_on(program, &settings, "127.0.0.1:0");
    let secondary = Secondary::start(Kind::Bind, port, rosterd.ipv4(), &ZONES, Some(&key));
    let words = ["clocks are unsynchronized", "BADTIME"];
    is_refused(&mut rosterd, &secondary, "BADTIME: the clocks differ by ", &words);
}

/// A secret that is replaced counts with the next reading of the settings.
#[test]
fn a_new_secret_counts_from_sighup_on() {
    let (old, new) = (keys::Key::new("hmac-sha256"), keys::Key::new("hmac-sha256"));
    let kept = tempfile::NamedTempFile::new().expect("a temporary file");
    fs::copy(old.file.path(), kept.path()).expect("a written key");
    let former = keys::Key { file: kept.into(), ..old.clone() };
    let mut rosterd = primary(&[3], &[unused_port()], Some(&old));
    let server = rosterd.ipv4();
    let fetched = |key| crate::zone::fetch(server, ZONES[0], Some(key)).is_ok();
    assert_eq!((fetched(&old), fetched(&new)), (true, false));
    fs::copy(new.file.path(), old.file.path()).expect("a written key");
    rosterd.signal(nix::sys::signal::Signal::SIGHUP);
    rosterd.wait_for_log("settings: read again");
    let until = Instant::now() + PATIENCE;
    while !fetched(&new) {
        assert!(Instant::now() < until, "the new secret does not count: {:?}", rosterd.seen());
    }
    assert!(!fetched(&former));
}
