//! `fstrm_capture` and `dnstap-ldns`, which read dnstap with libraries of their own.

use crate::client::{Transport, ask};
use crate::rosterd::{PATIENCE, Rosterd};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const MANIFEST: &str = include_str!("../../deploy/examples/myapp.yaml");
const NAME: &str = "myapp.default.svc.peers.cluster.local.";

#[test]
fn what_is_captured_is_read_by_another_program() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [socket, captured] = ["tap", "captured"].map(|name| folder.path().join(name));
    let mut capture = Command::new("fstrm_capture")
        .args(["-t", "protobuf:dnstap.Dnstap", "-u"])
        .arg(&socket)
        .arg("-w")
        .arg(&captured)
        .stderr(Stdio::null())
        .spawn()
        .expect("fstrm_capture (Debian: fstrm-bin)");
    let settings = format!("[server]\ndnstap.socket = {socket:?}\ndnstap.identity = 'here'\n");
    let mut server = Rosterd::start_on(MANIFEST, &settings, &["127.0.0.1:0"]);
    let connected = "dnstap goes to the collector";
    if !server.seen().iter().any(|line| line.contains(connected)) {
        server.wait_for_log(connected);
    }
    for transport in [Transport::Udp, Transport::Tcp] {
        for record_type in ["A", "TXT", "SRV"] {
            ask(server.ipv4(), transport, NAME, record_type, Some(1232));
        }
    }
    let process = Pid::from_raw(capture.id().try_into().expect("a process"));
    let read = || {
        // SIGHUP: "flush the output file".
        kill(process, Signal::SIGHUP).expect("a sent signal");
        let read = Command::new("dnstap-ldns").args(["-y", "-r"]).arg(&captured).output();
        let read = read.expect("dnstap-ldns (Debian: dnstap-ldns)");
        String::from_utf8_lossy(&read.stdout).into_owned()
    };
    let deadline = Instant::now() + PATIENCE;
    let mut told = read();
    while told.matches("AUTH_RESPONSE").count() < 6 {
        assert!(Instant::now() < deadline, "not all was captured: {told}");
        std::thread::sleep(Duration::from_millis(50));
        told = read();
    }
    kill(process, Signal::SIGTERM).expect("a sent signal");
    capture.wait().expect("an end");
    for (text, times) in [
        ("type: AUTH_QUERY", 6),
        ("type: AUTH_RESPONSE", 6),
        ("identity: \"here\"", 12),
        ("socket_protocol: UDP", 6),
        ("socket_protocol: TCP", 6),
        ("query_address: \"127.0.0.1\"", 12),
        ("rcode: NOERROR", 12),
    ] {
        assert_eq!(told.matches(text).count(), times, "{text} in {told}");
    }
    assert!(fs::metadata(&captured).is_ok_and(|file| file.len() > 0));
}
