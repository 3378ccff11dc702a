//! Changes at a rate under full query load, set size by set size.

use crate::api::Api;
use crate::changes::Changes;
use crate::figures::{Times, median};
use crate::load::{Load, Rate};
use crate::process::Rosterd;
use crate::{Options, names};
use std::io;
use std::time::Duration;

/// What one run gave.
struct Run {
    decoding: Times,
    applying: Times,
    visible: Times,
    asking: Times,
    answers: f64,
}

pub fn measure(options: &Options, api: &Api, rosterd: &Rosterd) -> io::Result<()> {
    let sizes: Vec<(usize, Vec<usize>)> = [5, 250, 5_000]
        .into_iter()
        .map(|size| (size, api.world(|world| world.of_size(size))))
        .filter(|(_, slices)| !slices.is_empty())
        .collect();
    let names = names(api);
    let mut runs: Vec<Vec<Run>> = sizes.iter().map(|_| Vec::new()).collect();
    for _ in 0..options.rounds {
        for ((_, slices), runs) in sizes.iter().zip(&mut runs) {
            let load = Load::start(rosterd.address, &names, Rate::Full);
            rosterd.said();
            let changes = Changes::start(api, rosterd.address, slices.clone(), options.rate)?;
            std::thread::sleep(options.seconds);
            let seen = changes.stop()?;
            let answered = load.stop()?;
            // Its last lines are on their way.
            std::thread::sleep(Duration::from_millis(50));
            let said = rosterd.said();
            runs.push(Run {
                decoding: said.decoding,
                applying: said.applying,
                visible: seen.visible,
                asking: seen.asking,
                answers: answered.answers as f64 / answered.elapsed.as_secs_f64(),
            });
        }
    }
    println!(
        "\n{} changes/s under full query load, ms; medians of {} rounds of {} s",
        options.rate,
        options.rounds,
        options.seconds.as_secs_f64()
    );
    println!(
        "{:<14}{:>9}{:>18}{:>18}{:>18}{:>18}{:>12}",
        "",
        "changes",
        "decoded→visible",
        "octets→decoded",
        "written→answered",
        "a question alone",
        "queries/s"
    );
    println!("{:<14}{:>9}{}{:>12}", "", "", format!("{:>9}{:>9}", "p50", "p99").repeat(4), "");
    for ((size, _), runs) in sizes.iter().zip(&runs) {
        let changes: usize = runs.iter().map(|run| run.applying.len()).sum();
        let columns = |of: fn(&Run) -> &Times| {
            let each = |count| median(runs.iter().map(|run| of(run).per_mille(count)).collect());
            [each(500), each(990)].into_iter().collect::<Vec<_>>()
        };
        let mut answers: Vec<f64> = runs.iter().map(|run| run.answers).collect();
        answers.sort_by(f64::total_cmp);
        print!("{:<14}{changes:>9}", format!("sets of {size}"));
        for times in [
            columns(|run| &run.applying),
            columns(|run| &run.decoding),
            columns(|run| &run.visible),
            columns(|run| &run.asking),
        ] {
            for time in times {
                print!("{:>9.3}", crate::figures::millis(time));
            }
        }
        println!("{:>12.0}", answers[answers.len() / 2]);
    }
    Ok(())
}
