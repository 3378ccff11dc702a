//! Answers per second and server CPU per answer of rosterd, beside a bare UDP echo in the same rounds.
//!
//! A machine's speed moves by a third within minutes, so no figure stands alone: each round measures the echo and
//! every shape of question once, and what counts is the ratio to the echo of the same round.

mod echo;
mod generator;
mod manifest;
mod process;

use generator::Run;
use process::Server;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

const USAGE: &str = "\
usage: load [--rounds <1-100>] [--seconds <0.2-60>] [--only <text>] [--rosterd <program>]
  --rounds   rounds, each with one run of every shape (5)
  --seconds  length of one run (1)
  --only     only shapes with this in their name, and the echo
  --rosterd  the program to measure; built from this checkout where not given";

type Failure = Box<dyn std::error::Error>;

struct Options {
    rounds: usize,
    seconds: Duration,
    only: String,
    rosterd: Option<PathBuf>,
}

/// One run, as figures.
struct Figures {
    per_second: f64,
    /// Microseconds of server CPU per answer.
    user: f64,
    system: f64,
    /// CPU per answer as a multiple of the echo's in the same round.
    ratio: f64,
    /// Mean octets of an answer.
    octets: f64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = if arguments == ["echo"] { echo::serve().map_err(Into::into) } else { measure(&arguments) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("load: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &[String]) -> Result<(), Failure> {
    let options = options(arguments)?;
    let rosterd = match options.rosterd {
        Some(program) => program,
        None => build()?,
    };
    let manifest = Manifest::write()?;
    let cpus = process::cpus();
    // The server's CPU first: children keep it. Then the generator's.
    if let [_, server, ..] = cpus[..] {
        process::pin(server)?;
    }
    let echo = Server::start(Command::new(std::env::current_exe()?).arg("echo"))?;
    let rosterd = Server::start(
        Command::new(rosterd)
            .args(["serve", "--listen", "127.0.0.1:0", "--manifest"])
            .arg(&manifest.0)
            .envs([
                ("ROSTERD__SERVER__WORKERS", "1"),
                ("ROSTERD__LOG__FORMAT", "text"),
                ("ROSTERD__ADMIN__LISTEN", ""),
                ("ROSTERD__ADMIN__API", ""),
            ]),
    )?;
    if let [generator, _, ..] = cpus[..] {
        process::pin(generator)?;
    } else {
        println!("one CPU only: generator and server share it, answers per second mean little");
    }
    let mut shapes = manifest::shapes();
    shapes.retain(|shape| shape.answer.is_none() || shape.label.contains(&options.only));
    let mut figures: Vec<Vec<Figures>> = shapes.iter().map(|_| Vec::new()).collect();
    for _ in 0..options.rounds {
        let mut floor = None;
        for (shape, figures) in shapes.iter().zip(&mut figures) {
            let server = if shape.answer.is_some() { &rosterd } else { &echo };
            let before = server.cpu_time()?;
            let run = generator::run(server.address, shape, options.seconds)?;
            let after = server.cpu_time()?;
            check(shape.label, &run)?;
            let answers = run.answers as f64;
            let user = (after.user - before.user) * 1e6 / answers;
            let system = (after.system - before.system) * 1e6 / answers;
            let floor = *floor.get_or_insert(user + system);
            figures.push(Figures {
                per_second: answers / run.elapsed.as_secs_f64(),
                user,
                system,
                ratio: (user + system) / floor,
                octets: run.octets as f64 / answers,
            });
        }
    }
    print(&shapes, &figures, &options.seconds);
    Ok(())
}

/// A run with wrong answers measures something else.
fn check(label: &str, run: &Run) -> Result<(), Failure> {
    if run.answers == 0 {
        return Err(format!("{label}: no answers").into());
    }
    if run.wrong > 0 {
        return Err(format!("{label}: {} of {} answers are not as expected", run.wrong, run.answers).into());
    }
    if run.lost * 100 > run.answers {
        return Err(format!("{label}: {} questions without answer, {} answers", run.lost, run.answers).into());
    }
    Ok(())
}

fn print(shapes: &[manifest::Shape], figures: &[Vec<Figures>], seconds: &Duration) {
    let rounds = figures.first().map_or(0, Vec::len);
    println!("medians of {rounds} interleaved rounds of {} s each", seconds.as_secs_f64());
    println!(
        "{:<18}{:>11}{:>14}{:>8}{:>8}{:>10}{:>8}",
        "", "answers/s", "CPU us/answer", "user", "system", "x echo", "octets"
    );
    for (shape, figures) in shapes.iter().zip(figures) {
        let median = |of: fn(&Figures) -> f64| {
            let mut values: Vec<f64> = figures.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        println!(
            "{:<18}{:>11.0}{:>14.2}{:>8.2}{:>8.2}{:>10.2}{:>8.0}",
            shape.label,
            median(|figures| figures.per_second),
            median(|figures| figures.user + figures.system),
            median(|figures| figures.user),
            median(|figures| figures.system),
            median(|figures| figures.ratio),
            median(|figures| figures.octets),
        );
    }
}

fn options(arguments: &[String]) -> Result<Options, Failure> {
    let mut options =
        Options { rounds: 5, seconds: Duration::from_secs(1), only: String::new(), rosterd: None };
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        let value = rest.next().ok_or(USAGE)?;
        match flag.as_str() {
            "--rounds" => {
                options.rounds = value.parse().ok().filter(|n| (1..=100).contains(n)).ok_or(USAGE)?
            }
            "--seconds" => {
                let seconds = value.parse().ok().filter(|s| (0.2..=60.0).contains(s)).ok_or(USAGE)?;
                options.seconds = Duration::from_secs_f64(seconds);
            }
            "--only" => options.only.clone_from(value),
            "--rosterd" => options.rosterd = Some(value.into()),
            _ => return Err(USAGE.into()),
        }
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

/// The generated manifest, removed when dropped.
struct Manifest(PathBuf);

impl Manifest {
    fn write() -> Result<Manifest, Failure> {
        let path = std::env::temp_dir().join(format!("rosterd-load-{}.json", std::process::id()));
        std::fs::write(&path, manifest::text())?;
        Ok(Manifest(path))
    }
}

impl Drop for Manifest {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
