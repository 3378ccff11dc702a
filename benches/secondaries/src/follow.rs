//! Secondaries of a zone that changes all the time: what they serve at each serial, how far they are behind, what it costs.

use crate::api::{Api, Change};
use crate::encoding::Encoding;
use crate::figures::Times;
use crate::oracle::{FIRST, Oracle};
use crate::process::{Rosterd, thread};
use crate::servers::{Kind, Secondary};
use crate::world::World;
use crate::zone::{fetch, serial};
use crate::{Failure, Options, processes, unused_port};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const ZONE: &str = "peers.cluster.local";

/// Between two looks at the serial of a secondary.
const LOOK: Duration = Duration::from_millis(20);

/// Between two whole comparisons of a secondary.
const COMPARE: Duration = Duration::from_secs(2);

/// What has been changed: a slice for each revision from the first on, and when.
type Log = Arc<Mutex<Vec<(usize, Instant)>>>;

/// What was seen of one secondary.
struct Seen {
    kind: Kind,
    /// How old what it served was, at each look.
    behind: Times,
    compared: usize,
    serials: usize,
    /// What was wrong first.
    wrong: Option<String>,
}

pub fn measure(options: &Options) -> Result<(), Failure> {
    println!(
        "{ZONE} of {} peers, {} s each; behind: how long what is served at a moment has been out of date, ms",
        World::new(options.pods).peers(),
        options.length.as_secs()
    );
    println!(
        "{:>9} {:>8} {:>9} {:>9} {:>8} {:>9} {:>6}",
        "changes/s", "", "behind", "", "serials", "compared", "wrong"
    );
    println!("{:>9} {:>8} {:>9} {:>9}", "", "", "p50", "p99");
    let mut wrong = 0;
    // CoreDNS fetches whole zones always; what others fetch is counted without it.
    let (whole, steps): (Vec<Kind>, Vec<Kind>) =
        options.peers.iter().partition(|kind| !kind.asks_for_steps());
    for rate in &options.rates {
        for kinds in [&steps, &whole].into_iter().filter(|kinds| !kinds.is_empty()) {
            wrong += one(options, *rate, kinds)?;
        }
    }
    if wrong > 0 { Err(format!("{wrong} secondaries served what was not there").into()) } else { Ok(()) }
}

fn one(options: &Options, rate: u32, kinds: &[Kind]) -> Result<usize, Failure> {
    let ports = kinds.iter().map(|_| unused_port()).collect::<Result<Vec<u16>, _>>()?;
    let notify: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let settings = format!("[[transfer.secondaries]]\nclients = [\"127.0.0.1\"]\nnotify = {notify:?}\n");
    let api = Api::start(World::new(options.pods), Encoding::Protobuf)?;
    let rosterd = Rosterd::start_with(&options.rosterd, &api, false, &settings)?;
    while !api.is_watched() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let secondaries: Vec<Secondary> = kinds
        .iter()
        .zip(&ports)
        .map(|(kind, port)| Secondary::start(*kind, *port, rosterd.address, &[ZONE], None))
        .collect();
    let until = Instant::now() + crate::rosterd::PATIENCE;
    while secondaries.iter().any(|secondary| serial(secondary.address, ZONE).is_none()) {
        if Instant::now() > until {
            return Err("a secondary does not fetch the zone".into());
        }
        std::thread::sleep(LOOK);
    }
    let (log, stop) = (Log::default(), Arc::new(AtomicBool::new(false)));
    let driver = drive(&api, rate, &log, &stop)?;
    let looking: Vec<_> = secondaries
        .iter()
        .map(|secondary| {
            let (kind, address) = (secondary.kind, secondary.address);
            let (log, stop, pods) = (Arc::clone(&log), Arc::clone(&stop), options.pods);
            std::thread::spawn(move || look(kind, address, pods, &log, &stop))
        })
        .collect();
    let (began, before) = (Instant::now(), rosterd.transfers());
    let mut memory = vec![rosterd.resident()?];
    for _ in 0..2 {
        std::thread::sleep(options.length / 2);
        memory.push(rosterd.resident()?);
    }
    let (took, cpu) = (began.elapsed(), processes::cpu(rosterd.process()));
    stop.store(true, Ordering::Relaxed);
    let panicked = || "a thread has panicked";
    let changes = driver.join().map_err(|_| panicked())??;
    let mut wrong = 0;
    for looking in looking {
        let seen = looking.join().map_err(|_| panicked())?;
        wrong += usize::from(seen.wrong.is_some());
        println!(
            "{:>9.0} {:>8} {} {:>8} {:>9} {:>6}",
            f64::from(u32::try_from(changes)?) / took.as_secs_f64(),
            format!("{:?}", seen.kind),
            seen.behind.columns(),
            seen.serials,
            seen.compared,
            usize::from(seen.wrong.is_some())
        );
        if let Some(wrong) = seen.wrong {
            println!("          {wrong}");
        }
    }
    let after = rosterd.transfers();
    let resident = memory.iter().fold(String::new(), |mut text, memory| {
        let _ = write!(text, " {memory:.1}");
        text
    });
    println!(
        "          rosterd: {} whole, {} incremental transfers; MB at start, middle, end:{resident}; {:.2} s of CPU",
        after.0 - before.0,
        after.1 - before.1,
        cpu.as_secs_f64()
    );
    Ok(wrong)
}

/// Replaces one peer after the other.
fn drive(
    api: &Api,
    rate: u32,
    log: &Log,
    stop: &Arc<AtomicBool>,
) -> std::io::Result<std::thread::JoinHandle<std::io::Result<usize>>> {
    let (api, log, stop) = (api.clone(), Arc::clone(log), Arc::clone(stop));
    thread(move || {
        let slices = api.world(|world| world.slices.len());
        let (mut due, mut count) = (Instant::now(), 0);
        while !stop.load(Ordering::Relaxed) {
            due += Duration::from_secs(1) / rate;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let slice = count * 7 % slices;
            // Noted first: nobody can serve what is not in the log.
            log.lock().unwrap_or_else(PoisonError::into_inner).push((slice, Instant::now()));
            api.change(slice, &Change::Replace)?;
            count += 1;
        }
        Ok(count)
    })
}

fn look(kind: Kind, address: std::net::SocketAddr, pods: usize, log: &Log, stop: &AtomicBool) -> Seen {
    let mut seen = Seen { kind, behind: Times::default(), compared: 0, serials: 0, wrong: None };
    let mut oracle = Oracle::new(pods);
    let (mut last, mut compared) = (0, Instant::now());
    let mut changed: Vec<usize> = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(LOOK);
        if let Some(serial) = serial(address, ZONE) {
            seen.serials += usize::from(serial != last);
            last = serial;
            let log = log.lock().unwrap_or_else(PoisonError::into_inner);
            // The first change that it does not have; without one it is current.
            let behind = log.get(serial.wrapping_sub(FIRST) as usize).map(|(_, at)| at.elapsed());
            seen.behind.push(behind.unwrap_or_default());
        }
        if compared.elapsed() < COMPARE || seen.wrong.is_some() {
            continue;
        }
        compared = Instant::now();
        // One that is about to change may break off.
        let Ok(served) = fetch(address, ZONE, None) else { continue };
        {
            let log = log.lock().unwrap_or_else(PoisonError::into_inner);
            changed.extend(log.iter().skip(changed.len()).map(|(slice, _)| *slice));
        }
        let fault = oracle.go_to(served.serial, &changed).err().or_else(|| oracle.difference(&served));
        seen.compared += 1;
        seen.wrong = fault.map(|fault| format!("{kind:?} at serial {}: {fault}", served.serial));
    }
    seen
}
