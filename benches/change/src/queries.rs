//! What queries feel of changes and of a re-list: the same queries beside a process that burns the same processor time.

use crate::api::Api;
use crate::burner::{Burner, Pieces};
use crate::changes::Changes;
use crate::figures::{Times, median, millis};
use crate::load::{Load, Rate};
use crate::process::{Rosterd, api_cpu};
use crate::{Options, names};
use std::io;
use std::time::{Duration, Instant};

/// What was used of the processor: by rosterd's writer, and by the API server.
type Used = [Duration; 2];

pub fn measure(options: &Options, api: &Api, rosterd: &Rosterd) -> io::Result<()> {
    let names = names(api);
    let slices: Vec<usize> =
        api.world(|world| [world.of_size(5), world.of_size(30), world.of_size(250)].concat());
    let rate = Rate::PerSecond(options.queries);
    let changes = |relist: bool| -> io::Result<(Times, Used, usize)> {
        let before = used(rosterd)?;
        let load = Load::start(rosterd.address, &names, rate);
        let changes = Changes::start(api, rosterd.address, slices.clone(), options.rate)?;
        std::thread::sleep(options.seconds / 4);
        if relist {
            let (lists, until) = (api.lists(), Instant::now() + Duration::from_secs(60));
            let begin = Instant::now();
            api.expire();
            while api.lists() == lists && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
            std::thread::sleep((options.seconds * 3 / 4).saturating_sub(begin.elapsed()));
        } else {
            std::thread::sleep(options.seconds * 3 / 4);
        }
        // Threads that have ended are not counted any more.
        let after = used(rosterd)?;
        let seen = changes.stop()?;
        let answered = load.stop()?;
        let used = [after[0].saturating_sub(before[0]), after[1].saturating_sub(before[1])];
        Ok((answered.times, used, seen.changes))
    };
    let control = |threads: [Pieces; 2]| -> io::Result<Times> {
        let load = Load::start(rosterd.address, &names, rate);
        let burner = Burner::start(threads, options.seconds / 4)?;
        std::thread::sleep(options.seconds);
        drop(burner);
        Ok(load.stop()?.times)
    };
    // What changes alone cost; what a round costs more is the re-list's.
    let (_, used, count) = changes(false)?;
    let each = used.map(|used| used / u32::try_from(count.max(1)).unwrap_or(u32::MAX));
    let mut arms: [Vec<Times>; 3] = Default::default();
    let mut relists: [Vec<Duration>; 2] = Default::default();
    for _ in 0..options.rounds {
        let (times, used, count) = changes(true)?;
        arms[0].push(times);
        let changes = u32::try_from(count).unwrap_or(u32::MAX);
        let once: Vec<Duration> =
            used.iter().zip(each).map(|(used, each)| used.saturating_sub(each * changes)).collect();
        let scale = f64::from(options.rate) / 1e3;
        let pieces = |at: usize| Pieces { each: each[at].mul_f64(scale), once: once[at] };
        arms[1].push(control([pieces(0), pieces(1)])?);
        arms[2].push(control([Pieces::default(); 2])?);
        for (relists, once) in relists.iter_mut().zip(once) {
            relists.push(once);
        }
    }
    println!(
        "\n{} queries/s, ms from when a query was due to its answer; medians of {} rounds of {} s",
        options.queries,
        options.rounds,
        options.seconds.as_secs_f64()
    );
    println!(
        "a change costs the writer {:.1} us and the API server {:.1} us, a re-list {:.0} ms and {:.0} ms",
        each[0].as_secs_f64() * 1e6,
        each[1].as_secs_f64() * 1e6,
        millis(median(relists[0].clone())),
        millis(median(relists[1].clone()))
    );
    println!("{:<40}{:>9}{:>9}{:>9}", "", "p50", "p99", "p99.9");
    for (label, arm) in [
        ("changes and a re-list", &arms[0]),
        ("beside a process that burns as much", &arms[1]),
        ("nothing beside", &arms[2]),
    ] {
        let each = |count| millis(median(arm.iter().map(|times| times.per_mille(count)).collect()));
        println!("{label:<40}{:>9.3}{:>9.3}{:>9.3}", each(500), each(990), each(999));
    }
    let ratio = arms[0]
        .iter()
        .zip(&arms[1])
        .map(|(one, other)| one.per_mille(999).as_secs_f64() / other.per_mille(999).as_secs_f64().max(1e-9));
    let mut ratio: Vec<f64> = ratio.collect();
    ratio.sort_by(f64::total_cmp);
    println!("p99.9 of the first over the second, median of the rounds: {:.2}", ratio[ratio.len() / 2]);
    Ok(())
}

fn used(rosterd: &Rosterd) -> io::Result<Used> {
    Ok([rosterd.cpu()?.1, api_cpu()?])
}
