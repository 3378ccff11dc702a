//! Instructions that rosterd spends on an answer, shape by shape, against a limit for each.
//!
//! Time wavers by a third within minutes and instructions by less than one in a hundred, so that a limit can be
//! held on any machine. The program runs itself below callgrind, which counts inside of [`measured`] alone and writes
//! what it counted whenever that is left. The cost of the loop is measured by a loop around nothing, and taken off.

mod callgrind;
mod changes;
mod loops;
mod shapes;
mod world;

use changes::{Cluster, SHAPES};
use pure::answer::{Client, Context, Outcome, Scratch, Transport, answer};
use shapes::{CLIENT, NOW, QUESTIONS, Shape, policy, shapes};
use std::hint::black_box;
use std::process::ExitCode;
use world::World;

const USAGE: &str = "\
usage: instructions [--curve | --changes | --loops] [--only <text>] [--keep <folder>]
  --curve    instructions of four shapes at 1,000 to 1,000,000 pods, in place of the limits
  --changes  instructions of changes, event by event, in place of those of answers
  --loops    instructions of the whole UDP worker per answer
  --only     only shapes with this in their name
  --keep     where callgrind's files are left, for callgrind_annotate";

/// Pods of the curve.
const CURVE: [usize; 4] = [1000, 10_000, 150_000, 1_000_000];

/// Pods of the clusters that changes are counted in.
const CHANGED: [usize; 2] = [10_000, 150_000];

#[derive(Default)]
struct Options {
    curve: bool,
    changes: bool,
    loops: bool,
    only: String,
    keep: Option<std::path::PathBuf>,
    /// In the program below callgrind: how many pods there are, 0 for the world of the limits.
    counted: Option<usize>,
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!("{USAGE}");
        return ExitCode::FAILURE;
    };
    if let Some(pods) = options.counted {
        match (options.changes, options.loops) {
            (true, _) => count_changes(pods),
            (_, true) => loops::count(&options.only),
            _ => count(pods, &options),
        }
        return ExitCode::SUCCESS;
    }
    let outcome = match (options.curve, options.changes) {
        (true, _) => curve(&options),
        (_, true) => changes(&options),
        _ if options.loops => loops::limits(&options.only, options.keep.as_deref()),
        _ => limits(&options),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("instructions: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Option<Options> {
    let mut options = Options::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--curve" => options.curve = true,
            "--changes" => options.changes = true,
            "--loops" => options.loops = true,
            "--only" => options.only = arguments.next()?,
            "--keep" => options.keep = Some(arguments.next()?.into()),
            "--counted" => options.counted = Some(arguments.next()?.parse().ok()?),
            _ => return None,
        }
    }
    Some(options)
}

/// Prints all shapes with their goals and limits. Whether all keep the limits.
fn limits(options: &Options) -> std::io::Result<bool> {
    let counts = callgrind::run(0, &options.only, options.keep.as_deref())?;
    println!("{:<28}{:>12}{:>8}{:>8}", "", "instructions", "goal", "limit");
    let mut kept = true;
    for (shape, count) in chosen(World::GATE, options).iter().zip(counts) {
        let above = count > shape.limit;
        kept &= !above;
        let goal = shape.goal.map_or_else(String::new, |goal| goal.to_string());
        let word = if above { "  ABOVE" } else { "" };
        println!("{:<28}{count:>12}{goal:>8}{:>8}{word}", shape.label, shape.limit);
    }
    Ok(kept)
}

/// Prints how a few shapes grow with the number of pods.
fn curve(options: &Options) -> std::io::Result<bool> {
    let labels = shapes(World::GATE, true);
    print!("{:>10}", "pods");
    labels.iter().for_each(|shape| print!("{:>26}", shape.label));
    println!();
    for pods in CURVE {
        let counts = callgrind::run(pods, "", options.keep.as_deref())?;
        print!("{:>10}", World::with_pods(pods).peers());
        counts.iter().for_each(|count| print!("{count:>26}"));
        println!();
    }
    Ok(true)
}

/// Prints what changes cost in clusters of two sizes. Whether all keep the limits.
fn changes(options: &Options) -> std::io::Result<bool> {
    let mut counts = Vec::new();
    for pods in CHANGED {
        counts.push(callgrind::totals(&["--changes"], pods, "", options.keep.as_deref())?);
    }
    println!("{:<36}{:>14}{:>14}{:>10}", "instructions per event, pods:", CHANGED[0], CHANGED[1], "limit");
    let mut kept = true;
    for (at, shape) in SHAPES.iter().enumerate() {
        let of = |pods: usize| counts[pods].get(at).map_or(0, |total| total / shape.changes as u64);
        let above = of(0).max(of(1)) > shape.limit;
        kept &= !above;
        let word = if above { "  ABOVE" } else { "" };
        println!("{:<36}{:>14}{:>14}{:>10}{word}", shape.label, of(0), of(1), shape.limit);
    }
    Ok(kept)
}

/// The program below callgrind: calls [`measured`] once for each shape of a change.
fn count_changes(pods: usize) {
    let mut cluster = Cluster::new(pods);
    for shape in SHAPES {
        let batches = cluster.events(shape);
        measured_changes(&mut cluster, batches);
    }
}

/// What callgrind counts: it is told to by this name.
#[inline(never)]
fn measured_changes(cluster: &mut Cluster, batches: Vec<Vec<pure::roster::Event>>) {
    for events in batches {
        cluster.take(black_box(events));
    }
}

fn chosen(world: World, options: &Options) -> Vec<Shape> {
    let all = shapes(world, options.counted.is_some_and(|pods| pods > 0)).into_iter();
    all.filter(|shape| shape.label.contains(&options.only)).collect()
}

/// The program below callgrind: calls [`measured`] once around nothing, and once for each shape.
fn count(pods: usize, options: &Options) {
    let world = if pods == 0 { World::GATE } else { World::with_pods(pods) };
    let shapes = chosen(world, options);
    let alone = world.snapshot(false);
    let beside_file = shapes.iter().any(|shape| shape.beside_file).then(|| world.snapshot(true));
    let policy = policy();
    let client = Client { transport: Transport::Udp, address: CLIENT };
    let mut scratch = Scratch::new();
    let mut out = vec![0; 1232];
    let nothing = vec![Vec::new(); QUESTIONS];
    measured(&nothing, |query, rotation| {
        black_box((query, rotation));
    });
    for shape in &shapes {
        let snapshot = beside_file.as_ref().filter(|_| shape.beside_file).unwrap_or(&alone);
        let context = Context { snapshot, policy: &policy, limiter: None, now: NOW };
        for query in &shape.queries {
            let outcome = answer(query, &client, 3, &context, &mut scratch, &mut out);
            assert!(matches!(outcome, Outcome::Reply(length) if length > 12), "{}: {outcome:?}", shape.label);
            let found = (out[2] & 2, out[3] & 15, u16::from_be_bytes([out[6], out[7]]));
            assert_eq!(found, (0, shape.rcode, shape.answers), "{}", shape.label);
        }
        measured(&shape.queries, |query, rotation| {
            let outcome = answer(query, &client, rotation, &context, &mut scratch, &mut out);
            black_box(outcome);
        });
    }
}

/// What callgrind counts: it is told to by this name.
#[inline(never)]
fn measured(queries: &[Vec<u8>], mut each: impl FnMut(&[u8], u32)) {
    for (query, rotation) in queries.iter().zip(0..) {
        each(black_box(query), rotation);
    }
}
