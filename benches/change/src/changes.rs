//! Changes at a rate, and how long a client waits for some of them.

use crate::api::{Api, Change, Told};
use crate::dns::Asker;
use crate::figures::Times;
use crate::process::thread;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// So many changes for one that a client asks for.
const ASKED_FOR: usize = 10;

/// One peer after the other is replaced, so many in a second, until this is stopped.
pub struct Changes {
    stop: Arc<AtomicBool>,
    driver: JoinHandle<io::Result<usize>>,
    asker: JoinHandle<io::Result<Seen>>,
}

/// What a client has seen.
#[derive(Default)]
pub struct Seen {
    /// From the moment before the event was written until the first answer that showed it.
    pub visible: Times,
    /// From a question to its answer: what of that time is the client's own.
    pub asking: Times,
    /// How many changes there were.
    pub changes: usize,
}

impl Changes {
    pub fn start(api: &Api, server: SocketAddr, slices: Vec<usize>, per_second: u32) -> io::Result<Changes> {
        let stop = Arc::new(AtomicBool::new(false));
        let (told, hear) = channel();
        let (api, stopped) = (api.clone(), Arc::clone(&stop));
        let driver = thread(move || drive(&api, &slices, per_second, &stopped, &told))?;
        let asker = Asker::new(server)?;
        let asker = std::thread::spawn(move || ask(asker, &hear));
        Ok(Changes { stop, driver, asker })
    }

    pub fn stop(self) -> io::Result<Seen> {
        self.stop.store(true, Ordering::Relaxed);
        let panicked = || io::Error::other("a thread has panicked");
        let changes = self.driver.join().map_err(|_| panicked())??;
        let seen = self.asker.join().map_err(|_| panicked())??;
        Ok(Seen { changes, ..seen })
    }
}

fn drive(
    api: &Api,
    slices: &[usize],
    per_second: u32,
    stop: &AtomicBool,
    told: &Sender<Told>,
) -> io::Result<usize> {
    let pause = Duration::from_secs(1) / per_second;
    let mut due = Instant::now();
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        due += pause;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        // A stride, so that one set is left alone for a while.
        let slice = slices[count * 7 % slices.len()];
        let change = api.change(slice, &Change::Replace)?;
        if count % ASKED_FOR == 0 {
            // Whoever asks may be behind; it has gone only when this is about to be.
            let _ = told.send(change);
        }
        count += 1;
    }
    Ok(count)
}

fn ask(mut asker: Asker, hear: &Receiver<Told>) -> io::Result<Seen> {
    let mut seen = Seen::default();
    while let Ok(mut told) = hear.recv() {
        // What waited here would count as waiting for the server.
        while let Ok(later) = hear.try_recv() {
            told = later;
        }
        let visible = asker.wait(&told.name, told.shows, Duration::ZERO)?;
        seen.visible.push(visible.duration_since(told.at));
        let asked = Instant::now();
        asker.ask(&told.name)?;
        seen.asking.push(asked.elapsed());
    }
    Ok(seen)
}
