//! The transcripts of README.md and docs/operations.md are what comes: their commands are run, or asked by a client of our
//! own, and compared.
//!
//! Those that need Erlang are not; `tests/interop/cluster.rs` has nodes and shells like them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/client.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod client;
#[path = "support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;

use client::{Transport, ask, presentation};
use hickory_proto::rr::{RData, Record};
use rosterd::{PATIENCE, Rosterd, lines};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Instant;

const README: &str = include_str!("../README.md");
const OPERATIONS: &str = include_str!("../docs/operations.md");

const DEPLOY: &str = include_str!("../deploy/README.md");

/// Where README tells servers to listen. Servers here listen on free ports.
const LISTEN: &str = "127.0.0.1:5300";

/// A command at a prompt and what it prints.
#[derive(Debug)]
struct Shown {
    command: String,
    output: Vec<String>,
}

/// What stands behind `$` in blocks of README, where the command begins with `program`.
fn shown(program: &str) -> Vec<Shown> {
    shown_in(README, program)
}

/// The same of another page.
fn shown_in(page: &str, program: &str) -> Vec<Shown> {
    let blocks = page.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
    let commands = blocks.flat_map(|block| block.split("$ ").skip(1));
    commands
        .filter_map(|text| text.strip_prefix(program)?.split_once('\n'))
        .map(|(command, output)| Shown {
            command: command.trim().to_owned(),
            output: output.lines().map(str::to_owned).collect(),
        })
        .collect()
}

fn rosterd(arguments: &str) -> Command {
    let mut rosterd = Command::new(env!("CARGO_BIN_EXE_rosterd"));
    rosterd.args(arguments.split_whitespace()).env_clear().current_dir(env!("CARGO_MANIFEST_DIR"));
    rosterd.stdin(Stdio::null());
    rosterd
}

#[test]
fn what_check_says_is_real() {
    let all = shown("rosterd check");
    assert_eq!(all.len(), 2, "{all:?}");
    for Shown { command, output } in all {
        let run = rosterd(&format!("check {command}")).output().unwrap();
        let printed = [run.stdout, run.stderr].concat();
        let printed: Vec<&str> = std::str::from_utf8(&printed).unwrap().lines().collect();
        assert_eq!(printed, output, "rosterd check {command}");
    }
}

#[test]
fn what_explain_says_is_real() {
    let all = shown("rosterd explain");
    let [Shown { command, output }] = all.as_slice() else { panic!("{all:?}") };
    let run = rosterd(&format!("explain {command}")).output().unwrap();
    let printed = String::from_utf8([run.stdout, run.stderr].concat()).unwrap();
    // The serial is the time.
    let serial =
        |line: &str| line.split_once(", serial ").map_or(line.to_owned(), |(before, _)| before.to_owned());
    assert_eq!(
        printed.lines().map(serial).collect::<Vec<_>>(),
        output.iter().map(|line| serial(line)).collect::<Vec<_>>()
    );
}

#[test]
fn what_a_running_server_is_shown_as_is_real() {
    let settings = "[admin]\nlisten = []\napi = ['127.0.0.1:0']\n[server]";
    let server = Rosterd::start(include_str!("../deploy/examples/myapp.yaml"), settings);
    let api = server.seen().iter().find_map(|line| line.split_once("and why, at http://")).unwrap().1;
    // It listens for names a moment before it knows of itself that it does.
    let until = Instant::now() + PATIENCE;
    while !rosterd(&format!("status --url http://{api}")).output().unwrap().status.success() {
        assert!(Instant::now() < until, "it is not ready");
    }
    for program in ["rosterd status", "rosterd explain", "rosterd top"] {
        let all = shown_in(OPERATIONS, program);
        let [Shown { command, output }] = all.as_slice() else { panic!("{program}: {all:?}") };
        let subcommand = program.trim_start_matches("rosterd ");
        let run = rosterd(&format!("{subcommand} {command} --url http://{api}")).output().unwrap();
        let printed = String::from_utf8([run.stdout, run.stderr].concat()).unwrap();
        let printed: Vec<String> = printed.lines().map(steady).collect();
        assert_eq!(printed, output.iter().map(|line| steady(line)).collect::<Vec<_>>(), "{program}");
    }
}

/// A line without what differs from run to run: times, memory, serials, the host.
fn steady(line: &str) -> String {
    let line = line.split_once(" on ").map_or(line, |(before, _)| before);
    let words = line.split_whitespace().filter(|word| !matches!(*word, "s" | "min"));
    let is_steady =
        |word: &str| word.len() < 2 || word.chars().any(|one| !one.is_ascii_digit() && one != '.');
    words
        .map(|word| if is_steady(word) && word != "0" && word != "1" { word } else { "…" })
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn stanzas_are_real() {
    let all = shown_in(DEPLOY, "rosterd stanza");
    assert_eq!(all.len(), 2, "{all:?}");
    for Shown { command, output } in all {
        let run = rosterd(&format!("stanza {command}")).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let printed: Vec<&str> = std::str::from_utf8(&run.stdout).unwrap().lines().collect();
        assert_eq!(printed, output, "rosterd stanza {command}");
    }
}

#[test]
fn what_settings_would_change_is_real() {
    let all = shown_in(include_str!("../docs/operations.md"), "rosterd check");
    let [Shown { command, output }] = all.as_slice() else { panic!("{all:?}") };
    let settings = "[admin]\nlisten = []\napi = ['127.0.0.1:0']\n[server]";
    let server = Rosterd::start(include_str!("../deploy/examples/myapp.yaml"), settings);
    let api =
        server.seen().iter().find_map(|line| line.split("what is served, and why, at ").nth(1)).unwrap();
    let shown = "http://127.0.0.1:9154";
    let run = rosterd(&format!("check {}", command.replace(shown, api))).output().unwrap();
    assert_eq!(run.status.code(), Some(3), "{}", String::from_utf8_lossy(&run.stderr));
    let printed = String::from_utf8(run.stdout).unwrap().replace(api, shown);
    assert_eq!(printed.lines().collect::<Vec<_>>(), *output);
}

#[test]
fn the_log_of_a_start_is_real() {
    let all = shown("cargo run -- serve");
    let [Shown { command, output }] = all.as_slice() else { panic!("{all:?}") };
    assert!(command.contains(LISTEN), "{command}");
    let mut server = rosterd(&format!("serve {}", command.replace(LISTEN, "127.0.0.1:0")));
    // As on a terminal, and on free ports.
    let server = server.envs([
        ("ROSTERD__LOG__FORMAT", "text"),
        ("ROSTERD__ADMIN__LISTEN", "127.0.0.1:0"),
        ("ROSTERD__ADMIN__API", "127.0.0.1:0"),
    ]);
    let mut server = server.stderr(Stdio::piped()).spawn().unwrap();
    let log = lines(server.stderr.take().unwrap());
    // Both families have a line of their own where all addresses are listened on.
    let output: Vec<&String> = output.iter().filter(|line| !line.contains("[::]")).collect();
    let logged: Vec<_> = output.iter().map(|_| log.recv_timeout(PATIENCE)).collect();
    server.kill().unwrap();
    server.wait().unwrap();
    let logged: Vec<String> = logged.into_iter().map(|line| timeless(&line.unwrap())).collect();
    let output: Vec<String> = output.iter().map(|line| timeless(line)).collect();
    assert_eq!(logged, output);
}

/// A line of the log without its time and the port that it names.
fn timeless(line: &str) -> String {
    let words = line.split_whitespace().skip(1);
    let words = words.map(|word| match word.rsplit_once(':') {
        Some(("127.0.0.1" | "http://127.0.0.1" | "http://0.0.0.0", _)) => "an address",
        _ => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn what_dig_prints_is_real() {
    let all = shown("dig");
    assert_eq!(all.len(), 2, "{all:?}");
    let server = Rosterd::start(include_str!("../deploy/examples/myapp.yaml"), "[server]");
    for Shown { command, output } in all {
        let output: Vec<Vec<&str>> = output.iter().map(|line| line.split_whitespace().collect()).collect();
        let printed = dig(server.ipv4(), &command);
        let printed: Vec<Vec<&str>> = printed.iter().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(printed, output, "dig {command}");
    }
}

/// The lines that dig prints, as far as README uses its options.
fn dig(server: SocketAddr, command: &str) -> Vec<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let (additional, name, record_type) = match words.as_slice() {
        ["@127.0.0.1", "-p", "5300", "+noall", "+answer", name, record_type] => (false, name, record_type),
        ["@127.0.0.1", "-p", "5300", "+noall", "+answer", "+additional", name, record_type] => {
            (true, name, record_type)
        }
        _ => panic!("dig {command}"),
    };
    // The UDP size that dig asks with.
    let answer = ask(server, Transport::Udp, &format!("{name}."), record_type, Some(1232));
    let additionals = answer.additionals.iter().filter(|_| additional);
    answer.answers.iter().chain(additionals).map(line).collect()
}

/// A record as a line of a master file.
fn line(record: &Record) -> String {
    let data = presentation(&record.data);
    let data = if matches!(record.data, RData::TXT(_)) { format!("\"{data}\"") } else { data };
    format!("{} {} IN {} {data}", record.name.to_ascii(), record.ttl, record.record_type())
}
