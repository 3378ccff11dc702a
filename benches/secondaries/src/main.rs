//! How secondaries follow rosterd while it changes, and what a whole zone costs to fetch beside NSD and Knot.
//!
//! The programs are the real ones. The API server that rosterd watches is that of the benchmark of changes.
//! `benches/README.md` says how to run and to read it.

#[path = "../../change/src/api.rs"]
#[allow(dead_code, reason = "shared with a benchmark that uses the rest")]
mod api;
#[path = "../../change/src/dns.rs"]
#[allow(dead_code, reason = "shared with a benchmark that uses the rest")]
mod dns;
#[path = "../../change/src/encoding.rs"]
#[allow(dead_code, reason = "shared with a benchmark that uses the rest")]
mod encoding;
#[path = "../../change/src/figures.rs"]
#[allow(dead_code, reason = "shared with a benchmark that uses the rest")]
mod figures;
mod follow;
#[path = "../../../tests/secondaries/keys.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod keys;
mod oracle;
#[path = "../../change/src/process.rs"]
#[allow(dead_code, reason = "shared with a benchmark that uses the rest")]
mod process;
mod processes;
#[path = "../../../tests/secondaries/servers.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod servers;
mod whole;
#[path = "../../change/src/world.rs"]
#[allow(dead_code, reason = "shared with a benchmark that uses the rest")]
mod world;
#[path = "../../../tests/secondaries/zone.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod zone;

/// What the modules that are shared with tests take from there.
mod rosterd {
    use std::time::Duration;

    /// How long anything may take that is waited for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
}

use crate::servers::Kind;
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "\
usage: secondaries --rosterd <program> [--only <follow|whole>] [--pods <1000-20000>] [--rates <changes/s,...>]
                   [--seconds <2-3600>] [--peers <NSD,Knot,BIND,CoreDNS>] [--records <peers>] [--rounds <1-100>]
  --rosterd  the program to measure
  --only     one of the two parts; both where not given
  --pods     peers of the zone that is followed (3000)
  --rates    changes in a second, one run for each (20,200,1000)
  --seconds  length of a run (120)
  --peers    who follows; all that are there where not given
  --records  peers of the zone that is fetched wholly: two records each (150000)
  --rounds   interleaved rounds of that (7)";

type Failure = Box<dyn std::error::Error>;

/// What was asked for.
struct Options {
    rosterd: PathBuf,
    only: Option<String>,
    pods: usize,
    rates: Vec<u32>,
    length: Duration,
    peers: Vec<Kind>,
    records: usize,
    rounds: usize,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("secondaries: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Failure> {
    let options = options(arguments)?;
    let wanted = |part: &str| options.only.as_deref().is_none_or(|only| only == part);
    if wanted("follow") {
        follow::measure(&options)?;
    }
    if wanted("whole") {
        whole::measure(&options)?;
    }
    Ok(())
}

fn options(arguments: &[String]) -> Result<Options, Failure> {
    let mut options = Options {
        rosterd: PathBuf::new(),
        only: None,
        pods: 3_000,
        rates: vec![20, 200, 1_000],
        length: Duration::from_secs(120),
        peers: vec![Kind::Nsd, Kind::Knot, Kind::Bind],
        records: 150_000,
        rounds: 7,
    };
    if servers::coredns_program().exists() {
        options.peers.push(Kind::CoreDns);
    }
    let number = |text: &String, from: usize, to: usize| {
        text.parse().ok().filter(|number| (from..=to).contains(number)).ok_or(USAGE)
    };
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        let value = rest.next().ok_or(USAGE)?;
        match flag.as_str() {
            "--rosterd" => options.rosterd = value.into(),
            "--only" if ["follow", "whole"].contains(&value.as_str()) => options.only = Some(value.clone()),
            "--pods" => options.pods = number(value, 1_000, 20_000)?,
            "--rates" => {
                let rate = |text: &str| text.parse().ok().filter(|rate| (1..=5_000).contains(rate));
                options.rates = value.split(',').map(rate).collect::<Option<_>>().ok_or(USAGE)?;
            }
            "--seconds" => options.length = Duration::from_secs(number(value, 2, 3_600)? as u64),
            "--peers" => {
                let kind = |text: &str| match text {
                    "NSD" => Some(Kind::Nsd),
                    "Knot" => Some(Kind::Knot),
                    "BIND" => Some(Kind::Bind),
                    "CoreDNS" => Some(Kind::CoreDns),
                    _ => None,
                };
                options.peers = value.split(',').map(kind).collect::<Option<_>>().ok_or(USAGE)?;
            }
            "--records" => options.records = number(value, 1_000, 1_000_000)?,
            "--rounds" => options.rounds = number(value, 1, 100)?,
            _ => return Err(USAGE.into()),
        }
    }
    if options.rosterd.as_os_str().is_empty() {
        return Err(USAGE.into());
    }
    Ok(options)
}

/// A port of 127.0.0.1 without a listener, below those that the system gives to clients.
fn unused_port() -> Result<u16, Failure> {
    let first = 21_000 + std::process::id() % 8_000;
    let free = |port: &u16| {
        TcpListener::bind(("127.0.0.1", *port)).is_ok() && UdpSocket::bind(("127.0.0.1", *port)).is_ok()
    };
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let mut ports =
        std::iter::repeat_with(|| first + NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
            .take(1_000)
            .filter_map(|port| u16::try_from(port).ok());
    ports.find(free).ok_or_else(|| "no port is free".into())
}
