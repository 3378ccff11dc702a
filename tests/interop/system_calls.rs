//! What a UDP worker asks of the kernel while it answers, as strace sees it: one call for a batch of queries and one for its
//! answers, or on a wildcard address one for each run of answers from one of its addresses. No `futex` is among them: a
//! worker waits for no lock.

use crate::rosterd::{PATIENCE, Rosterd};
use nix::sys::signal::Signal;
use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// As many as the receive buffer holds on any host.
const QUERIES: usize = 256;

/// Datagrams of a full batch: the default of `batch`.
const FULL: usize = 32;

/// A query for the addresses of the set in the manifest.
const QUERY: &[u8] =
    b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x05myapp\x07default\x03svc\x05peers\x07cluster\x05local\0\0\x01\0\x01";

/// A system call: its name, and what it returned if that is a number.
type Call = (String, Option<usize>);

#[test]
fn a_batch_takes_two_system_calls() {
    let calls = calls("127.0.0.1:0", |_| "127.0.0.1");
    let batches = batches(&calls);
    assert_eq!(batches.iter().map(|(queries, _)| queries).sum::<usize>(), QUERIES, "{calls:?}");
    assert!(batches.iter().any(|(queries, _)| *queries == FULL), "no batch is full: {calls:?}");
    for (queries, sends) in &batches {
        assert_eq!(sends.as_slice(), [*queries], "{calls:?}");
    }
}

#[test]
fn on_a_wildcard_address_it_takes_one_more_for_each_change_of_the_address_asked() {
    let asked = |query: usize| if (query / 10).is_multiple_of(2) { "127.0.0.1" } else { "127.0.0.2" };
    let calls = calls("0.0.0.0:0", asked);
    let mut query = 0;
    for (queries, sends) in batches(&calls) {
        let batch: Vec<&str> = (query..query + queries).map(asked).collect();
        let runs: Vec<usize> = batch.chunk_by(|one, other| one == other).map(<[_]>::len).collect();
        assert_eq!(sends, runs, "{calls:?}");
        query += queries;
    }
    assert_eq!(query, QUERIES, "{calls:?}");
}

/// Datagrams of each batch, and of each send that answers it. Panics where the worker does anything else.
fn batches(calls: &[Call]) -> Vec<(usize, Vec<usize>)> {
    let mut batches: Vec<(usize, Vec<usize>)> = Vec::new();
    let first = calls.iter().position(|(name, count)| name == "recvmmsg" && count.is_some());
    let last = calls.iter().rposition(|(name, _)| name == "sendmmsg");
    for (name, count) in &calls[first.expect("a batch")..=last.expect("an answer")] {
        match (name.as_str(), count, batches.last_mut()) {
            ("recvmmsg", Some(count), _) => batches.push((*count, Vec::new())),
            ("sendmmsg", Some(count), Some((_, sends))) => sends.push(*count),
            // It had waited in vain; and where the kernel's clock cannot be read without a call.
            ("recvmmsg", None, _) | ("clock_gettime", ..) => {}
            _ => panic!("{name} while it answers: {calls:?}"),
        }
    }
    batches
}

/// Asks a server of one worker that listens at `listen`, each query at the address that `asked` gives it, and returns
/// all system calls of the worker. The queries wait for it together: it is stopped while they are sent.
fn calls(listen: &str, asked: impl Fn(usize) -> &'static str) -> Vec<Call> {
    // The server watches the manifest's folder: a trace in it would never end.
    let [traces, manifests] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let (trace, manifest) = (traces.path().join("trace"), manifests.path().join("peers.yaml"));
    fs::write(&manifest, include_str!("../data/schema.yaml")).expect("a written manifest");
    let mut program = Command::new("strace");
    // With -D the server is our child, and strace a descendant of its own.
    program.args(["-D", "-f", "-e", "verbose=none", "-o"]).arg(&trace).arg(env!("CARGO_BIN_EXE_rosterd"));
    let settings = format!("manifests = ['{}']\n[server]\nworkers = 1", manifest.display());
    let rosterd = Rosterd::start_by_on(program, &settings, listen);
    let port = rosterd.ipv4().port();
    let client = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let worker = worker(rosterd.process());
    rosterd.signal(Signal::SIGSTOP);
    wait_until("the worker is stopped", || {
        of_thread(&text(&trace), &worker).any(|line| line.starts_with("--- stopped by SIGSTOP"))
    });
    for query in 0..QUERIES {
        client.send_to(QUERY, (asked(query), port)).expect("a sent query");
    }
    rosterd.signal(Signal::SIGCONT);
    for _ in 0..QUERIES {
        client.recv(&mut [0; 512]).expect("an answer");
    }
    rosterd.terminate(Signal::SIGTERM);
    wait_until("strace has written everything", || {
        of_thread(&text(&trace), &worker).any(|line| line.starts_with("+++ exited"))
    });
    of_thread(&text(&trace), &worker).filter_map(call).collect()
}

/// What a trace says of a thread. Behind a number of less than five digits strace puts more than one space.
fn of_thread<'a>(trace: &'a str, thread: &'a str) -> impl Iterator<Item = &'a str> {
    trace.lines().filter_map(move |line| {
        let (number, rest) = line.split_once(' ')?;
        (number == thread).then(|| rest.trim_start())
    })
}

/// The number of the worker's thread, once that has its name.
fn worker(process: u32) -> String {
    let find = || {
        let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("threads");
        let is_worker = |task: &fs::DirEntry| text(&task.path().join("comm")).trim() == "udp-0";
        tasks.flatten().find(is_worker)
    };
    wait_until("the server has a worker", || find().is_some());
    find().expect("a worker").file_name().into_string().expect("a number")
}

/// The call of a line behind the thread's number. One that other threads interrupt has two lines: the second counts.
fn call(line: &str) -> Option<Call> {
    if line.ends_with("<unfinished ...>") || line.starts_with("---") || line.starts_with("+++") {
        return None;
    }
    let name = match line.strip_prefix("<... ") {
        Some(rest) => rest.split(' ').next()?,
        None => line.split('(').next()?,
    };
    let (_, result) = line.rsplit_once(" = ")?;
    Some((name.to_string(), result.parse().ok()))
}

fn text(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_default()
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
