//! The same in clusters of several sizes: what grows with the cluster, and what does not.

use crate::changes::Changes;
use crate::figures::millis;
use crate::world::World;
use crate::{Options, start};
use std::io;
use std::time::{Duration, Instant};

pub fn measure(options: &Options) -> io::Result<()> {
    println!("\nclusters of several sizes; {} changes/s of sets of 250 without queries, ms", options.rate);
    println!(
        "{:>9}{:>9}{:>14}{:>14}{:>16}{:>10}{:>18}{:>18}",
        "peers",
        "slices",
        "start→ready",
        "list written",
        "last octet→ready",
        "MB",
        "decoded→visible",
        "octets→decoded"
    );
    println!("{:63}{:>9}{}", "", "", format!("{:>9}{:>9}", "p50", "p99").repeat(2));
    for &pods in &options.scaling {
        let (api, rosterd) = start(options, pods, true)?;
        let ready = Instant::now();
        let (begun, written) = api.listed().unwrap_or((ready, ready));
        let resident = rosterd.resident()?;
        rosterd.said();
        let slices = api.world(|world| world.of_size(250));
        let changes = Changes::start(&api, rosterd.address, slices, options.rate)?;
        std::thread::sleep(options.seconds);
        changes.stop()?;
        std::thread::sleep(Duration::from_millis(50));
        let said = rosterd.said();
        println!(
            "{:>9}{:>9}{:>14.1}{:>14.1}{:>16.1}{resident:>10.1}{}{}",
            api.world(World::peers),
            api.world(|world| world.slices.len()),
            millis(ready.duration_since(rosterd.started)),
            millis(written.duration_since(begun)),
            millis(ready.duration_since(written)),
            said.applying.columns(),
            said.decoding.columns(),
        );
    }
    Ok(())
}
