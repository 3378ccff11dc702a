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

/// Of all peers, one in so many is lost.
const LOST: usize = 3;

/// What happens, slice by slice.
struct Burst {
    label: String,
    changes: Vec<(usize, Change)>,
}

pub fn measure(options: &Options, api: &Api, rosterd: &Rosterd) -> io::Result<()> {
    let slices: Vec<Slice> = api.world(|world| world.slices.clone());
    let names = names(api);
    let bursts = [node(&slices), rolled(&slices), lost(&slices)];
    let mut runs: [Vec<[Duration; 2]>; 3] = Default::default();
    for _ in 0..options.rounds {
        for (burst, runs) in bursts.iter().zip(&mut runs) {
            let load = Load::start(rosterd.address, &names, Rate::Full);
            std::thread::sleep(Duration::from_millis(200));
            let mut asker = Asker::new(rosterd.address)?;
            let begin = Instant::now();
            let last = make(api, &burst.changes)?;
            let visible = asker.wait(&last.name, last.shows, Duration::ZERO)?;
            runs.push([last.at.duration_since(begin), visible.duration_since(last.at)]);
            load.stop()?;
            let concerned: BTreeSet<usize> = burst.changes.iter().map(|(at, _)| *at).collect();
            let before: Vec<(usize, Change)> =
                concerned.into_iter().map(|at| (at, Change::Set(slices[at].peers.clone()))).collect();
            let last = make(api, &before)?;
            asker.wait(&last.name, last.shows, Duration::ZERO)?;
        }
    }
    println!("\nbursts under full query load, ms; medians of {} rounds", options.rounds);
    println!("{:<20}{:>9}{:>16}{:>28}", "", "events", "all written in", "last written→last visible");
    for (burst, runs) in bursts.iter().zip(&runs) {
        let each = |at: usize| millis(median(runs.iter().map(|run| run[at]).collect()));
        println!("{:<20}{:>9}{:>16.1}{:>28.1}", burst.label, burst.changes.len(), each(0), each(1));
    }
    Ok(())
}

fn make(api: &Api, changes: &[(usize, Change)]) -> io::Result<Told> {
    let mut last = None;
    for (slice, change) in changes {
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
    Burst { label: format!("{} pods lost", changes.len()), changes }
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
    Burst { label: format!("{} rolled", changes.len()), changes }
}

/// A zone goes, and with it a third of all peers.
fn lost(slices: &[Slice]) -> Burst {
    let rest = |slice: &Slice| -> Vec<Ipv4Addr> {
        let kept = slice.peers.iter().enumerate().filter(|(index, _)| index % LOST != 0);
        kept.map(|(_, peer)| *peer).collect()
    };
    let changes: Vec<(usize, Change)> =
        slices.iter().enumerate().map(|(at, slice)| (at, Change::Set(rest(slice)))).collect();
    let lost: usize = slices.iter().map(|slice| slice.peers.len() - rest(slice).len()).sum();
    Burst { label: format!("{lost} lost"), changes }
}
