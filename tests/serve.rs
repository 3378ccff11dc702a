//! `rosterd serve` from its start to its end, and what it does when it cannot begin.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "support/client.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod client;
#[path = "support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;

use client::{Transport, ask, data, exchange};
use nix::sys::signal::Signal;
use rosterd::{PATIENCE, Rosterd, alone};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::time::Instant;

const NAME: &str = "myapp.default.svc.peers.cluster.local.";

/// A set of as many peers as asked for.
fn manifest(peers: usize) -> String {
    let addresses = (1..=peers).map(|peer| format!("{{ip: 10.0.{}.{}}}", peer / 250, peer % 250 + 1));
    format!(
        "apiVersion: v1\nkind: Endpoints\nmetadata: {{name: myapp, namespace: default}}\n\
         subsets: [{{addresses: [{}], ports: [{{name: http, port: 80}}]}}]\n",
        addresses.collect::<Vec<_>>().join(", ")
    )
}

fn peers(server: SocketAddr) -> Vec<String> {
    data(&ask(server, Transport::Tcp, NAME, "TXT", None).answers)
}

/// Runs a server that is to end by itself; its exit code and what it said.
fn refused(arguments: &[&str]) -> (i32, String) {
    let child = alone(&mut Command::new(env!("CARGO_BIN_EXE_rosterd")))
        .arg("serve")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (child.status.code().unwrap(), String::from_utf8(child.stderr).unwrap())
}

#[test]
fn both_signals_end_it_well() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let server = Rosterd::start(&manifest(2), "[server]");
        let mut connection = TcpStream::connect(server.ipv4()).unwrap();
        let address = server.ipv4();
        assert_eq!(peers(address).len(), 2);
        let (status, log) = server.terminate(signal);
        assert_eq!(status.code(), Some(0), "{log:?}");
        assert!(log.iter().any(|line| line.ends_with(&format!("{signal}: ending"))), "{log:?}");
        assert_eq!(connection.read(&mut [0]).unwrap(), 0, "idle connections are closed");
        UdpSocket::bind(address).unwrap();
    }
}

#[test]
fn what_is_scoped_and_where_it_listens_is_said_at_start() {
    let server = Rosterd::start(&manifest(3), "[server]");
    let (_, log) = server.terminate(Signal::SIGTERM);
    assert!(!log.iter().any(|line| line.contains("listening on")), "each address once: {log:?}");

    let mut child = alone(&mut Command::new(env!("CARGO_BIN_EXE_rosterd")))
        .args(["serve", "--manifest", "-", "--listen", "127.0.0.1:0"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = rosterd::lines(child.stderr.take().unwrap());
    let mut input = child.stdin.take().unwrap();
    input.write_all(manifest(3).as_bytes()).unwrap();
    drop(input);
    let scoped = log.recv_timeout(PATIENCE).unwrap();
    assert!(
        scoped.ends_with("INFO namespace default, topology every Service: 1 object, 1 set, 3 peers"),
        "{scoped:?}"
    );
    let listening = log.recv_timeout(PATIENCE).unwrap();
    assert!(
        listening.contains("INFO listening on 127.0.0.1:") && listening.ends_with(" (UDP and TCP)"),
        "{listening:?}"
    );
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Whatever level is asked for: a flood of queries must not become a flood of lines.
#[test]
fn queries_leave_no_line_in_the_log() {
    const QUERIES: usize = 40;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("peers.yaml");
    std::fs::write(&path, manifest(2)).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_rosterd"));
    program.env("RUST_LOG", "trace");
    let server = Rosterd::start_by(program, &format!("manifests = [{path:?}]\n[server]"));
    let malformed = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\xc0\x0c\0\x01\0\x01";
    for _ in 0..QUERIES {
        for transport in [Transport::Udp, Transport::Tcp] {
            assert!(!ask(server.ipv4(), transport, NAME, "TXT", None).answers.is_empty());
            assert_eq!(exchange(server.ipv4(), transport, malformed)[3] & 0x0f, 1);
        }
    }
    let (status, log) = server.terminate(Signal::SIGTERM);
    assert!(status.success() && log.len() < QUERIES, "{log:#?}");
}

#[test]
fn changes_become_visible_and_broken_ones_do_not() {
    let mut server = Rosterd::start(&manifest(2), "[server]");
    for (text, count) in [(manifest(5), 5), (manifest(1), 1)] {
        server.replace_manifest(&text);
        let deadline = Instant::now() + PATIENCE;
        while peers(server.ipv4()).len() != count {
            assert!(Instant::now() < deadline, "{count} peers did not become visible");
            std::thread::yield_now();
        }
    }
    server.replace_manifest("kind: [");
    let kept = server.wait_for_log("the last good version stays");
    assert!(kept.contains("WARN"), "{kept}");
    assert_eq!(peers(server.ipv6()).len(), 1);
}

#[test]
fn a_wildcard_listener_answers_from_the_address_asked() {
    let server = Rosterd::start_on(&manifest(2), "[server]", &["0.0.0.0:0", "[::]:0"]);
    for (address, asked) in
        [(0, "127.0.0.1"), (0, "127.0.0.2"), (0, "127.9.9.9"), (1, "::1")].map(|(index, asked)| {
            let port = server.addresses()[index].port();
            (SocketAddr::new(asked.parse().unwrap(), port), asked)
        })
    {
        for transport in [Transport::Udp, Transport::Tcp] {
            // The client's sockets are connected: an answer from elsewhere would not reach it.
            let answer = ask(address, transport, NAME, "A", None);
            assert_eq!(answer.answers.len(), 2, "{asked} {transport:?}");
        }
    }
}

#[test]
fn a_second_server_on_one_port_is_told_who_has_it() {
    let server = Rosterd::start(&manifest(1), "[server]");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("peers.yaml");
    std::fs::write(&file, manifest(1)).unwrap();
    for address in server.addresses() {
        let (code, said) = refused(&["--manifest", file.to_str().unwrap(), "--listen", &address.to_string()]);
        assert_eq!(code, 1, "{said}");
        let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("error:")).collect();
        let expected =
            format!("error: cannot listen on {address}: the TCP port is in use by rosterd (process ");
        assert!(errors.len() == 1 && errors[0].starts_with(&expected), "{said}");
    }
    assert_eq!(peers(server.ipv4()).len(), 1);
}

#[test]
fn a_first_version_that_cannot_be_read_stops_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("peers.yaml");
    std::fs::write(&file, "kind: [").unwrap();
    let absent = folder.path().join("absent.yaml");
    let (code, said) = refused(&[
        "--manifest",
        file.to_str().unwrap(),
        "--manifest",
        absent.to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("peers.yaml") && said.contains("absent.yaml"), "{said}");
    assert!(!said.contains("listening"), "{said}");
}

#[test]
fn secrets_that_cannot_be_had_stop_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("peers.yaml"), manifest(1)).unwrap();
    let file = folder.path().join("rosterd.toml");
    let settings = "manifests = ['peers.yaml']\n[server]\nlisten = ['127.0.0.1:0']\n[server.cookies]\nenabled = true\n\
                    secret_file = 'secret'\n";
    std::fs::write(&file, settings).unwrap();
    let (code, said) = refused(&["--config", file.to_str().unwrap()]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("error: cannot read server.cookies.secret_file ") && said.contains("/secret: "),
        "{said}"
    );
    std::fs::write(folder.path().join("secret"), "not one\n").unwrap();
    let (code, said) = refused(&["--config", file.to_str().unwrap()]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("/secret, line 1: not a secret") && !said.contains("not one"), "{said}");
    // `check` says it too.
    let check = || {
        let output =
            Command::new(env!("CARGO_BIN_EXE_rosterd")).arg("check").arg("--config").arg(&file).output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = check();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("/secret, line 1: not a secret") && !said.contains("not one"), "{said}");
    std::fs::write(folder.path().join("secret"), "e5e973e5a6b2a43f48e7dc849e37bfcf\n").unwrap();
    let (code, said) = check();
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_network_that_asks_too_much_is_told_to_come_by_tcp() {
    let server = Rosterd::start(
        &manifest(2),
        "[server.rate_limit]\nanswers_per_second = 3\nslip = 1\n[server]\nworkers = 2",
    );
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = ask(server.ipv4(), Transport::Udp, NAME, "A", None);
        if answer.metadata.truncation {
            assert!(answer.answers.is_empty());
            break;
        }
        assert_eq!(answer.answers.len(), 2);
        assert!(Instant::now() < until, "no answer was held back");
    }
    for _ in 0..10 {
        let answer = ask(server.ipv4(), Transport::Tcp, NAME, "A", None);
        assert_eq!((answer.answers.len(), answer.metadata.truncation), (2, false));
    }
}

#[test]
fn a_log_that_nobody_reads_any_more_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("peers.yaml");
    std::fs::write(&path, manifest(1)).unwrap();
    let mut server = alone(&mut Command::new(env!("CARGO_BIN_EXE_rosterd")))
        .args(["serve", "--listen", "127.0.0.1:0", "--manifest"])
        .arg(&path)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = std::io::BufReader::new(server.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("listening on ") {
        line.clear();
        assert_ne!(std::io::BufRead::read_line(&mut log, &mut line).unwrap(), 0, "it ended");
    }
    let address = line.split("listening on ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    drop(log);
    for count in 2..4 {
        let new = folder.path().join("new");
        std::fs::write(&new, manifest(count)).unwrap();
        std::fs::rename(&new, &path).unwrap();
        let until = Instant::now() + PATIENCE;
        while peers(address).len() != count {
            assert!(Instant::now() < until, "the change to {count} peers is not served");
            std::thread::yield_now();
        }
    }
    server.kill().unwrap();
    server.wait().unwrap();
}
