//! Many changes at once, under full query load: how long after the last of them everything is visible.

use crate::api::{Api, Change, Told};
use crate::dns::Asker;
use crate::figures::{median, millis};
use crate::load::{Load, Rate};
use crate::process::Rosterd;
use crate::world::Slice;
use crate::{Options, names};
use std::collections::BTreeSet;
use std::io;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

/// "No more than 110 pods per node" (<https://kubernetes.io/docs/setup/best-practices/cluster-large/>).
const NODE: usize = 110;

/// Peers of the set that is rolled.
const ROLLED: usize = 250;

/// Peers that are lost at once, and every how manieth of a slice is.
const LOST: usize = 50_000;
const LOST_OF: usize = 3;

/// Changes a second that a cluster can make, where not as many as the connection takes: each is a write to etcd, which takes
/// some 44,000 of 256 octets a second from 1,000 clients (<https://etcd.io/docs/v3.6/op-guide/performance/>), and by its
/// defaults the controller that writes slices makes 20 a second.
const PACE: u32 = 10_000;

/// What happens, slice by slice.
struct Burst {
    label: String,
    changes: Vec<(usize, Change)>,
    /// Changes a second; none: as fast as they are taken.
    pace: Option<u32>,
}

pub fn measure(options: &Options, api: &Api, rosterd: &Rosterd) -> io::Result<()> {
    let slices: Vec<Slice> = api.world(|world| world.slices.clone());
    let names = names(api);
    let paced = lost(&slices);
    let paced = Burst { label: format!("{}, {PACE}/s", paced.label), pace: Some(PACE), ..paced };
    let bursts = [node(&slices), rolled(&slices), paced, lost(&slices)];
    let mut runs: [Vec<[Duration; 4]>; 4] = Default::default();
    for _ in 0..options.rounds {
        for (burst, runs) in bursts.iter().zip(&mut runs) {
            let load = Load::start(rosterd.address, &names, Rate::Full);
            std::thread::sleep(Duration::from_millis(200));
            let mut asker = Asker::new(rosterd.address)?;
            let [written, visible] = run(api, &slices, burst, &mut asker)?;
            load.stop()?;
            let [written_alone, visible_alone] = run(api, &slices, burst, &mut asker)?;
            runs.push([written, visible, written_alone, visible_alone]);
        }
    }
    println!("\nbursts, ms; medians of {} rounds", options.rounds);
    println!("{:<34}{:>44}{:>44}", "", "under full query load", "without queries");
    let columns = format!("{:>16}{:>28}", "all written in", "last written→last visible");
    println!("{:<25}{:>9}{columns}{columns}", "", "events");
    for (burst, runs) in bursts.iter().zip(&runs) {
        let each = |at: usize| millis(median(runs.iter().map(|run| run[at]).collect()));
        print!("{:<25}{:>9}", burst.label, burst.changes.len());
        println!("{:>16.1}{:>28.1}{:>16.1}{:>28.1}", each(0), each(1), each(2), each(3));
    }
    Ok(())
}

/// How long the writing took, and from its end until the last change was visible; then everything is as before.
fn run(api: &Api, slices: &[Slice], burst: &Burst, asker: &mut Asker) -> io::Result<[Duration; 2]> {
    let begin = Instant::now();
    let last = make(api, &burst.changes, burst.pace)?;
    let visible = asker.wait(&last.name, last.shows, Duration::ZERO)?;
    let concerned: BTreeSet<usize> = burst.changes.iter().map(|(at, _)| *at).collect();
    let before: Vec<(usize, Change)> =
        concerned.into_iter().map(|at| (at, Change::Set(slices[at].peers.clone()))).collect();
    let restored = make(api, &before, None)?;
    asker.wait(&restored.name, restored.shows, Duration::ZERO)?;
    Ok([last.at.duration_since(begin), visible.duration_since(last.at)])
}

fn make(api: &Api, changes: &[(usize, Change)], pace: Option<u32>) -> io::Result<Told> {
    let begin = Instant::now();
    let mut last = None;
    for (number, (slice, change)) in (0..).zip(changes) {
        if let Some(pace) = pace {
            let due = begin + Duration::from_secs(1) * number / pace;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        last = Some(api.change(*slice, change)?);
    }
    last.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// A node goes, and with it one peer of each of so many sets.
fn node(slices: &[Slice]) -> Burst {
    let stride = (slices.len() / NODE).max(1);
    let changes: Vec<(usize, Change)> = (0..slices.len())
        .step_by(stride)
        .take(NODE)
        .map(|at| (at, Change::Set(slices[at].peers.iter().skip(1).copied().collect())))
        .collect();
    Burst { label: format!("{} pods lost", changes.len()), changes, pace: None }
}

/// A set whose peers are replaced one after the other.
fn rolled(slices: &[Slice]) -> Burst {
    let first = slices.iter().position(|slice| slice.set_size == ROLLED).unwrap_or_default();
    let mut changes = Vec::new();
    for (at, slice) in slices.iter().enumerate().skip(first) {
        if slice.service != slices[first].service || slice.namespace != slices[first].namespace {
            break;
        }
        let mut peers = slice.peers.clone();
        for index in 0..peers.len() {
            // Addresses of another network.
            peers[index] = Ipv4Addr::from(u32::from(peers[index]) | 0x4000_0000);
            changes.push((at, Change::Set(peers.clone())));
        }
    }
    Burst { label: format!("{} rolled", changes.len()), changes, pace: None }
}

/// A zone goes, and with it a third of the peers of each slice, until there are enough.
fn lost(slices: &[Slice]) -> Burst {
    let rest = |slice: &Slice| -> Vec<Ipv4Addr> {
        let kept = slice.peers.iter().enumerate().filter(|(index, _)| index % LOST_OF != 0);
        kept.map(|(_, peer)| *peer).collect()
    };
    let mut lost = 0;
    let mut changes = Vec::new();
    for (at, slice) in slices.iter().enumerate() {
        if lost >= LOST {
            break;
        }
        let rest = rest(slice);
        lost += slice.peers.len() - rest.len();
        changes.push((at, Change::Set(rest)));
    }
    Burst { label: format!("{lost} lost"), changes, pace: None }
}
