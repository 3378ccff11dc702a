//! How long a change of the cluster takes until rosterd answers with it, and what queries feel of it.
//!
//! The program is the real one. The API server it watches is part of this: it lists and streams as a real one does, at
//! rates that a real one does not reach on one machine. `benches/README.md` says how to run and to read it.

mod api;
mod burner;
mod bursts;
mod changes;
mod dns;
mod encoding;
mod figures;
mod latency;
mod load;
#[allow(dead_code, reason = "shared with a benchmark that uses the rest")]
mod process;
mod queries;
mod scaling;
mod world;

use crate::api::Api;
use crate::dns::{Answer, Asker};
use crate::encoding::Encoding;
use crate::process::Rosterd;
use crate::world::World;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

const USAGE: &str = "\
usage: change [--only <part>] [--pods <1000-1000000>] [--scaling <pods,...>] [--rounds <1-100>] [--seconds <0.2-60>]
              [--rate <changes/s>] [--queries <queries/s>] [--encoding <protobuf|json>]
              [--rosterd <program>]
  --only     latency, queries, bursts or scaling; all of them where not given
  --pods     how many there are, but for scaling (150000)
  --scaling  how many there are, one after the other (1000,10000,150000,1000000)
  --rounds   interleaved rounds (7)
  --seconds  length of one run (4)
  --rate     changes in a second (1000)
  --queries  queries in a second where their times count (20000)
  --encoding what the API server speaks (protobuf)
  --rosterd  the program to measure; built from this checkout where not given";

type Failure = Box<dyn std::error::Error>;

/// What was asked for.
pub struct Options {
    only: Option<String>,
    pods: usize,
    scaling: Vec<usize>,
    rounds: usize,
    seconds: Duration,
    rate: u32,
    queries: u32,
    encoding: Encoding,
    rosterd: PathBuf,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match &arguments[..] {
        [first, rest @ ..] if first == "burn" => burner::burn(rest).map_err(Into::into),
        _ => measure(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("change: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &[String]) -> Result<(), Failure> {
    let options = options(arguments)?;
    let wanted = |part: &str| options.only.as_deref().is_none_or(|only| only == part);
    if ["latency", "queries", "bursts"].into_iter().any(wanted) {
        let (api, rosterd) = start(&options, options.pods, true)?;
        println!(
            "{} peers in {} slices; rosterd has {:.0} MB",
            api.world(World::peers),
            api.world(|world| world.slices.len()),
            rosterd.resident()?
        );
        if wanted("latency") {
            latency::measure(&options, &api, &rosterd)?;
        }
        if wanted("bursts") {
            bursts::measure(&options, &api, &rosterd)?;
        }
        drop(rosterd);
        if wanted("queries") {
            // Lines for every change would be work that nobody else does.
            let rosterd = serve(&options, &api, false)?;
            queries::measure(&options, &api, &rosterd)?;
        }
    }
    if wanted("scaling") {
        scaling::measure(&options)?;
    }
    Ok(())
}

/// An API server, and a server that has all of its peers.
fn start(options: &Options, pods: usize, traced: bool) -> io::Result<(Api, Rosterd)> {
    let api = Api::start(World::new(pods), options.encoding)?;
    let rosterd = serve(options, &api, traced)?;
    Ok((api, rosterd))
}

fn serve(options: &Options, api: &Api, traced: bool) -> io::Result<Rosterd> {
    let rosterd = Rosterd::start(&options.rosterd, api, traced)?;
    let name = api.world(|world| {
        let last = world.slices.last()?;
        Some(last.peer_name(*last.peers.last()?))
    });
    let name = name.ok_or_else(|| io::Error::other("no peers"))?;
    Asker::new(rosterd.address)?.wait(&name, Answer::There, Duration::from_millis(2))?;
    while !api.is_watched() {
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(rosterd)
}

/// Names of sets of five, and names that do not exist, as search lists make them: one for three.
fn names(api: &Api) -> Vec<String> {
    api.world(|world| {
        let sets = world.of_size(5).into_iter().map(|at| world.slices[at].set_name());
        let sets = sets.enumerate().map(|(number, name)| match number % 4 {
            0 => format!("{name}.default.svc.peers.cluster.local"),
            _ => name,
        });
        sets.collect()
    })
}

fn options(arguments: &[String]) -> Result<Options, Failure> {
    let mut options = Options {
        only: None,
        pods: 150_000,
        scaling: vec![1_000, 10_000, 150_000, 1_000_000],
        rounds: 7,
        seconds: Duration::from_secs(4),
        rate: 1_000,
        queries: 20_000,
        encoding: Encoding::Protobuf,
        rosterd: PathBuf::new(),
    };
    let pods = |text: &str| text.parse().ok().filter(|pods| (1_000..=1_000_000).contains(pods));
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        let value = rest.next().ok_or(USAGE)?;
        match flag.as_str() {
            "--only" if ["latency", "queries", "bursts", "scaling"].contains(&value.as_str()) => {
                options.only = Some(value.clone());
            }
            "--pods" => options.pods = pods(value).ok_or(USAGE)?,
            "--scaling" => {
                options.scaling = value.split(',').map(pods).collect::<Option<_>>().ok_or(USAGE)?
            }
            "--rounds" => {
                options.rounds = value.parse().ok().filter(|n| (1..=100).contains(n)).ok_or(USAGE)?;
            }
            "--seconds" => {
                let seconds = value.parse().ok().filter(|s| (0.2..=60.0).contains(s)).ok_or(USAGE)?;
                options.seconds = Duration::from_secs_f64(seconds);
            }
            "--rate" => {
                options.rate = value.parse().ok().filter(|n| (1..=20_000).contains(n)).ok_or(USAGE)?
            }
            "--queries" => {
                options.queries = value.parse().ok().filter(|n| (1..=1_000_000).contains(n)).ok_or(USAGE)?;
            }
            "--encoding" => {
                options.encoding = match value.as_str() {
                    "protobuf" => Encoding::Protobuf,
                    "json" => Encoding::Json,
                    _ => return Err(USAGE.into()),
                };
            }
            "--rosterd" => options.rosterd = value.into(),
            _ => return Err(USAGE.into()),
        }
    }
    if options.rosterd.as_os_str().is_empty() {
        options.rosterd = build()?;
    }
    Ok(options)
}

/// Builds the release program of this checkout.
fn build() -> Result<PathBuf, Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--bin", "rosterd", "--manifest-path"])
        .arg(root.join("Cargo.toml"))
        .status()?;
    if !status.success() {
        return Err("rosterd does not build".into());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("release/rosterd"))
}
