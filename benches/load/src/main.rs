//! Answers per second, server CPU per answer, latency and loss of rosterd, beside a bare UDP echo in the same rounds; or
//! of any server that runs already.
//!
//! A machine's speed moves by a third within minutes, so no figure stands alone: each round measures the echo and
//! every shape of question once, and what counts is the ratio to the echo of the same round.

mod attack;
#[cfg(feature = "encrypted")]
mod attack_encrypted;
mod bad_clients;
#[cfg(feature = "encrypted")]
mod credentials;

use attack::Door;
use load::process::{self, Server};
use load::questions::{self, Shape};
use load::run::{Figures, Load, Transport, median};
use load::{Failure, Manifest, echo};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

const USAGE: &str = "\
usage: load [bad-clients|admin-flood|encrypted-flood] [--rounds <1-100>] [--seconds <0.2-600>] [--only <text>] [--transport <udp|pipelined|one-query>]
            [--window <1-512>] [--rate <questions/s>]
            [--rosterd <program>] [--workers <1-64>] | [--against <ip:port> --pid <process>]
  --rounds     rounds, each with one run of every shape (5)
  --seconds    length of one run (1)
  --only       only shapes with this in their name, and the echo; only bad clients with this in their word
  --transport  how to ask (udp); pipelined and one-query are TCP
  --window     questions under way at a time (64); 8 connections where one-query
  --rate       asks at this rate instead of as fast as answers come
  --rosterd    the program to measure; built from this checkout where not given
  --workers    its UDP workers (1), each of which gets a CPU where there are as many
  --against    asks a server that runs already and serves `load zone`, for its process's CPU time
  bad-clients: what one client notices of others that misbehave over TCP, instead of what answers cost
    (slow-readers, slow-writers, ten-times, half-closed, resets, opens)
  admin-flood: the same of others that misbehave over HTTP, where probes, metrics and pages are
    (http-metrics, http-pages, http-slow-readers, http-slow-writers, http-ten-times, http-opens)
  encrypted-flood: the same over TLS, HTTPS and QUIC; built with --features encrypted
    (tls-hellos, tls-slow, tls-silent, tls-opens, tls-handshakes, https-streams, quic-leave, quic-handshakes, quic-streams)
  `load zone` prints the manifest that is asked for; `load echo` runs the echo";

struct Options {
    rounds: usize,
    only: String,
    transport: Transport,
    load: Load,
    rosterd: Option<PathBuf>,
    workers: usize,
    against: Option<SocketAddr>,
    pid: Option<u32>,
}

/// What is measured: an address and the process behind it.
#[derive(Clone, Copy)]
struct Measured {
    address: SocketAddr,
    pid: u32,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["echo"] => echo::serve().map_err(Into::into),
        ["zone"] => {
            println!("{}", questions::manifest());
            Ok(())
        }
        ["attack", kind, server, connections] => attack(kind, server, connections),
        ["bad-clients", ..] => measure_bad_clients(&arguments[1..], Door::Dns),
        ["admin-flood", ..] => measure_bad_clients(&arguments[1..], Door::Http),
        #[cfg(feature = "encrypted")]
        ["encrypted-flood", ..] => measure_bad_clients(&arguments[1..], Door::Encrypted),
        _ => measure(&arguments),
    };
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
    if let (Some(address), Some(pid)) = (options.against, options.pid) {
        return rounds(&options, None, Measured { address, pid });
    }
    let rosterd = match &options.rosterd {
        Some(program) => program.clone(),
        None => load::build()?,
    };
    let manifest = Manifest::write()?;
    let cpus = process::cpus();
    // The last CPU is the generator's; the server has as many before it as it has workers. Children keep what this
    // thread has.
    let (generator, others) = cpus.split_last().ok_or("no CPU")?;
    let first = others.len().saturating_sub(options.workers);
    if !others.is_empty() {
        process::pin(&others[first..])?;
    }
    let echo = Server::start(Command::new(std::env::current_exe()?).arg("echo"))?;
    let rosterd = Server::start(
        load::rosterd(&rosterd)
            .args(["serve", "--listen", "127.0.0.1:0", "--manifest"])
            .arg(manifest.path())
            .env("ROSTERD__SERVER__WORKERS", options.workers.to_string()),
    )?;
    process::pin(&[*generator])?;
    if others.len() < options.workers {
        println!("too few CPUs: generator and workers share them, answers per second mean little");
    }
    let measured = |server: &Server| Measured { address: server.address, pid: server.pid() };
    rounds(&options, Some(measured(&echo)), measured(&rosterd))
}

/// What bad clients do to a good one.
fn measure_bad_clients(arguments: &[String], door: Door) -> Result<(), Failure> {
    let options = options(arguments)?;
    let rosterd = match &options.rosterd {
        Some(program) => program.clone(),
        None => load::build()?,
    };
    let manifest = Manifest::write()?;
    let cpus = process::cpus();
    if let [_, server, ..] = cpus[..] {
        process::pin(&[server])?;
    }
    #[cfg(feature = "encrypted")]
    let credentials = credentials::Credentials::write()?;
    let start = || -> Result<Server, Failure> {
        let mut command = load::rosterd(&rosterd);
        #[cfg(feature = "encrypted")]
        let addresses = if door == Door::Encrypted { credentials.listen(&mut command)? } else { Vec::new() };
        let started = Server::start(
            command
                .args(["serve", "--listen", "127.0.0.1:0", "--manifest"])
                .arg(manifest.path())
                .env("ROSTERD__SERVER__WORKERS", "1")
                .env("ROSTERD__SERVER__TCP__MAX_CONNECTIONS", bad_clients::MAX_CONNECTIONS.to_string())
                .env("ROSTERD__SERVER__TCP__READ_TIMEOUT", bad_clients::TIMEOUT)
                .env("ROSTERD__SERVER__TCP__WRITE_TIMEOUT", bad_clients::TIMEOUT)
                .env("ROSTERD__ADMIN__LISTEN", "127.0.0.1:0")
                .env("ROSTERD__ADMIN__API", "127.0.0.1:0"),
        )?;
        #[cfg(feature = "encrypted")]
        let started = started.with_encrypted(addresses);
        Ok(started)
    };
    let (attacked, elsewhere) = (start()?, start()?);
    if let [client, _, ..] = cpus[..] {
        process::pin(&[client])?;
    }
    let Options { rounds, load: Load { duration, .. }, only, .. } = options;
    Ok(bad_clients::measure(&attacked, &elsewhere, &large_set()?, (door, &only), rounds, duration)?)
}

/// Misbehaves until ended.
fn attack(kind: &str, server: &str, connections: &str) -> Result<(), Failure> {
    let (_, _, kind, _, target) = *attack::KINDS.iter().find(|(word, ..)| *word == kind).ok_or(USAGE)?;
    let query = large_set()?.questions.into_iter().next().ok_or("no question")?;
    #[cfg(feature = "encrypted")]
    if let attack::Kind::Encrypted(kind) = kind {
        let authority = attack::authority()?;
        let (server, connections) = (server.parse()?, connections.parse()?);
        return Ok(attack_encrypted::run((kind, target), server, connections, &query, &authority)?);
    }
    Ok(attack::run(kind, server.parse()?, connections.parse()?, &target.question(&query)?)?)
}

/// What good and bad clients ask: more than a datagram's worth of answers pile up soon.
fn large_set() -> Result<Shape, Failure> {
    questions::shapes().into_iter().find(|shape| shape.label == "A x 30").ok_or_else(|| "no large set".into())
}

fn rounds(options: &Options, echo: Option<Measured>, server: Measured) -> Result<(), Failure> {
    let mut shapes = questions::shapes();
    shapes.retain(|shape| match shape.answer {
        // The echo is a floor of datagrams.
        None => echo.is_some() && options.transport == Transport::Udp,
        Some(_) => shape.label.contains(&options.only),
    });
    let mut figures: Vec<Vec<Figures>> = shapes.iter().map(|_| Vec::new()).collect();
    for _ in 0..options.rounds {
        for (shape, figures) in shapes.iter().zip(&mut figures) {
            let measured = if shape.answer.is_some() { server } else { echo.unwrap_or(server) };
            let before = process::cpu_time(measured.pid)?;
            let run = load::ask(measured.address, shape, options.transport, &options.load)?;
            let after = process::cpu_time(measured.pid)?;
            run.check().map_err(|error| format!("{}: {error}", shape.label))?;
            figures.push(run.figures(before, after));
        }
    }
    print(&shapes, &figures, options);
    Ok(())
}

fn print(shapes: &[Shape], figures: &[Vec<Figures>], options: &Options) {
    println!(
        "medians of {} interleaved rounds of {} s each",
        options.rounds,
        options.load.duration.as_secs_f64()
    );
    println!(
        "{:<18}{:>10}{:>14}{:>7}{:>8}{:>8}{:>8}{:>8}{:>8}{:>9}{:>8}",
        "",
        "answers/s",
        "CPU us/answer",
        "user",
        "system",
        "x echo",
        "p50 us",
        "p99",
        "p99.9",
        "lost",
        "octets"
    );
    let floor = shapes.iter().zip(figures).find(|(shape, _)| shape.answer.is_none()).map(|(_, floor)| floor);
    for (shape, figures) in shapes.iter().zip(figures) {
        let median = |of: fn(&Figures) -> f64| median(figures.iter().map(of));
        let ratio = floor.map_or_else(
            || "-".to_string(),
            |floor| {
                let ratios = figures.iter().zip(floor).map(|(figures, floor)| figures.cpu() / floor.cpu());
                format!("{:.2}", load::run::median(ratios))
            },
        );
        println!(
            "{:<18}{:>10.0}{:>14.2}{:>7.2}{:>8.2}{ratio:>8}{:>8.0}{:>8.0}{:>8.0}{:>8.3}%{:>8.0}",
            shape.label,
            median(|figures| figures.per_second),
            median(Figures::cpu),
            median(|figures| figures.user),
            median(|figures| figures.system),
            median(|figures| figures.latency.quantile(0.5).as_secs_f64() * 1e6),
            median(|figures| figures.latency.quantile(0.99).as_secs_f64() * 1e6),
            median(|figures| figures.latency.quantile(0.999).as_secs_f64() * 1e6),
            median(|figures| figures.lost * 100.0),
            median(|figures| figures.octets),
        );
    }
}

fn options(arguments: &[String]) -> Result<Options, Failure> {
    let mut options = Options {
        rounds: 5,
        only: String::new(),
        transport: Transport::Udp,
        load: Load { duration: Duration::from_secs(1), window: 64, rate: None },
        rosterd: None,
        workers: 1,
        against: None,
        pid: None,
    };
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        let value = rest.next().ok_or(USAGE)?;
        match flag.as_str() {
            "--rounds" => options.rounds = whole(value, 1..=100)?,
            "--seconds" => {
                let seconds = value.parse().ok().filter(|s| (0.2..=600.0).contains(s)).ok_or(USAGE)?;
                options.load.duration = Duration::from_secs_f64(seconds);
            }
            "--only" => options.only.clone_from(value),
            "--transport" => {
                options.transport = match value.as_str() {
                    "udp" => Transport::Udp,
                    "pipelined" => Transport::Pipelined,
                    "one-query" => Transport::OneQuery,
                    _ => return Err(USAGE.into()),
                };
            }
            "--window" => options.load.window = whole(value, 1..=512)?,
            "--rate" => {
                let rate = value.parse().ok().filter(|rate| *rate > 0.0).ok_or(USAGE)?;
                options.load.rate = Some(rate);
            }
            "--rosterd" => options.rosterd = Some(value.into()),
            "--workers" => options.workers = whole(value, 1..=64)?,
            "--against" => options.against = Some(value.parse().map_err(|_| USAGE)?),
            "--pid" => options.pid = Some(value.parse().map_err(|_| USAGE)?),
            _ => return Err(USAGE.into()),
        }
    }
    if options.against.is_some() != options.pid.is_some() {
        return Err(USAGE.into());
    }
    Ok(options)
}

fn whole(value: &str, range: std::ops::RangeInclusive<usize>) -> Result<usize, Failure> {
    value.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| USAGE.into())
}
