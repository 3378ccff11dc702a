//! rosterd beside other servers on the same zones: CPU per answer, answers per second, in interleaved rounds.
//!
//! Everything runs on this machine, one thread that answers per server and one CPU for whoever is asked; the generator
//! has another. The servers are asked in turns, and what counts is the ratio within a round.

mod answers;
mod chart;
mod demands;
mod measure;
mod peers;
mod report;

use load::process::{self, Server};
use load::questions;
use load::run::{Load, Transport};
use load::{Failure, Manifest, echo};
use measure::{Candidate, Subject};
use peers::Zone;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

const USAGE: &str = "\
usage: compare [--rounds <1-100>] [--seconds <0.2-60>] [--window <1-512>] [--only <text>] [--peers <name,...>]
               [--rosterd <program>] [--out <folder>] [--report <file>]
  --rounds   rounds, each with one run of every shape on every server (7)
  --seconds  length of one run (1)
  --window   questions under way at a time (64)
  --only     only tables with this in their name
  --peers    only these, of NSD, NSD recvmmsg, Knot, BIND, PowerDNS, CoreDNS, hickory-dns
  --rosterd  the program to measure; built from this checkout where not given
  --out      a folder for tables.txt, udp.svg and tcp.svg
  --report   a Markdown file whose block between <!-- tables --> and <!-- /tables --> takes the tables";

const ZONES: [&str; 2] = ["pod.cluster.local", "peers.cluster.local"];

struct Options {
    rounds: usize,
    load: Load,
    only: String,
    peers: Option<String>,
    rosterd: Option<PathBuf>,
    out: Option<PathBuf>,
    report: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = if arguments == ["echo"] { echo::serve().map_err(Into::into) } else { compare(&arguments) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("compare: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn compare(arguments: &[String]) -> Result<(), Failure> {
    let options = options(arguments)?;
    let rosterd = match &options.rosterd {
        Some(program) => program.clone(),
        None => load::build()?,
    };
    let manifest = Manifest::write()?;
    let folder = Folder::new()?;
    let zones = export(&rosterd, manifest.path(), &folder.0)?;

    let cpus = process::cpus();
    let [server, .., generator] = cpus[..] else {
        return Err("this takes two CPUs: one for whoever is asked, one for who asks".into());
    };
    process::pin(&[server])?;
    let echo = Server::start(Command::new(std::env::current_exe()?).arg("echo"))?;
    let mut candidates = vec![start_rosterd(&rosterd, manifest.path())?];
    for peer in peers::all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/programs")) {
        if options.peers.as_ref().is_some_and(|wanted| !wanted.split(',').any(|name| name == peer.name)) {
            continue;
        }
        if let Some(why) = peer.missing() {
            eprintln!("{why}");
            continue;
        }
        let server = peer.start(&folder.0, &zones)?;
        candidates.push(Candidate { name: peer.name, version: peer.version()?, server });
    }
    for candidate in &candidates {
        // Knot chooses CPUs for its threads itself.
        process::pin_all(candidate.server.pid(), &[server])?;
    }
    process::pin(&[generator])?;

    let mut subjects = subjects(&options.only);
    for subject in &mut subjects {
        subject.compare(&candidates)?;
    }
    for round in 0..options.rounds {
        eprintln!("round {} of {}", round + 1, options.rounds);
        for subject in &mut subjects {
            subject.round(&candidates, &echo, round, &options.load)?;
        }
    }
    write(&subjects, &candidates, &options)
}

fn subjects(only: &str) -> Vec<Subject> {
    let of = |transport| {
        let shapes = questions::shapes().into_iter().filter(|shape| shape.answer.is_some());
        shapes.map(move |shape| Subject::new(shape, transport))
    };
    let mut subjects: Vec<Subject> = of(Transport::Udp).collect();
    for transport in [Transport::Pipelined, Transport::OneQuery] {
        subjects.extend(of(transport).filter(|subject| subject.shape.label == "A x 5"));
    }
    subjects.retain(|subject| subject.label().contains(only));
    subjects
}

fn write(subjects: &[Subject], candidates: &[Candidate], options: &Options) -> Result<(), Failure> {
    let tables: Vec<_> = subjects.iter().map(|subject| report::table(subject, candidates)).collect();
    let how = format!(
        "medians of {} interleaved rounds of {} s; {} questions under way, the server on one CPU, the generator on another",
        options.rounds,
        options.load.duration.as_secs_f64(),
        options.load.window
    );
    let text = report::text(&tables, candidates, &how);
    print!("{text}");
    if let Some(folder) = &options.out {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("tables.txt"), &text)?;
        let below = text.lines().next().unwrap_or_default();
        for (file, title, udp) in [
            ("udp.svg", "Server CPU per answer, UDP", true),
            ("tcp.svg", "Server CPU per answer, TCP", false),
        ] {
            let of = subjects
                .iter()
                .zip(&tables)
                .filter(|(subject, _)| (subject.transport == Transport::Udp) == udp);
            let panels: Vec<_> = of.map(|(_, table)| table).collect();
            if !panels.is_empty() {
                std::fs::write(folder.join(file), chart::svg(title, &panels, below))?;
            }
        }
    }
    if let Some(file) = &options.report {
        let old = std::fs::read_to_string(file)?;
        std::fs::write(file, with_tables(&old, &text).ok_or("the report has no place for the tables")?)?;
    }
    Ok(())
}

/// The report with its block of tables replaced.
fn with_tables(report: &str, tables: &str) -> Option<String> {
    const BEGIN: &str = "<!-- tables -->\n";
    let (before, rest) = report.split_once(BEGIN)?;
    let (_, after) = rest.split_once("<!-- /tables -->")?;
    Some(format!("{before}{BEGIN}```text\n{tables}```\n<!-- /tables -->{after}"))
}

/// The zones, as the master files that the peers load.
fn export(rosterd: &Path, manifest: &Path, folder: &Path) -> Result<Vec<Zone>, Failure> {
    let mut zones = Vec::new();
    for origin in ZONES {
        let output =
            Command::new(rosterd).args(["zone", "--origin", origin, "--manifest"]).arg(manifest).output()?;
        if !output.status.success() {
            return Err(format!("rosterd zone: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let file = folder.join(format!("{origin}.zone"));
        std::fs::write(&file, output.stdout)?;
        zones.push((origin, file));
    }
    Ok(zones)
}

fn start_rosterd(rosterd: &Path, manifest: &Path) -> Result<Candidate, Failure> {
    let version = Command::new(rosterd).arg("--version").output()?.stdout;
    let server = Server::start(
        load::rosterd(rosterd)
            .args(["serve", "--listen", "127.0.0.1:0", "--manifest"])
            .arg(manifest)
            .env("ROSTERD__SERVER__WORKERS", "1"),
    )?;
    Ok(Candidate { name: "rosterd", version: String::from_utf8_lossy(&version).trim().to_string(), server })
}

/// A folder for settings and zones, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Folder> {
        let path = std::env::temp_dir().join(format!("rosterd-compare-{}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn options(arguments: &[String]) -> Result<Options, Failure> {
    let mut options = Options {
        rounds: 7,
        load: Load { duration: Duration::from_secs(1), window: 64, rate: None },
        only: String::new(),
        peers: None,
        rosterd: None,
        out: None,
        report: None,
    };
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        let value = rest.next().ok_or(USAGE)?;
        match flag.as_str() {
            "--rounds" => {
                options.rounds = value.parse().ok().filter(|n| (1..=100).contains(n)).ok_or(USAGE)?;
            }
            "--seconds" => {
                let seconds = value.parse().ok().filter(|s| (0.2..=60.0).contains(s)).ok_or(USAGE)?;
                options.load.duration = Duration::from_secs_f64(seconds);
            }
            "--window" => {
                options.load.window = value.parse().ok().filter(|n| (1..=512).contains(n)).ok_or(USAGE)?;
            }
            "--only" => options.only.clone_from(value),
            "--peers" => options.peers = Some(value.clone()),
            "--rosterd" => options.rosterd = Some(value.into()),
            "--out" => options.out = Some(value.into()),
            "--report" => options.report = Some(value.into()),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_keeps_what_stands_around_the_tables() {
        let report = "# A\n<!-- tables -->\nold\n<!-- /tables -->\nB\n";
        let new = with_tables(report, "new\n").unwrap();
        assert_eq!(new, "# A\n<!-- tables -->\n```text\nnew\n```\n<!-- /tables -->\nB\n");
        assert_eq!(with_tables(&new, "new\n").unwrap(), new);
        assert_eq!(with_tables("# A\n", ""), None);
    }
}
