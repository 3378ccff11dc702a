//! The connection to the collector, on a thread of its own.

use super::frames::{self, Control};
use super::message::{self, Identity, Messages};
use super::{DnstapCounts, Seen};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How long a collector may take for its part of the handshake, and for a write. One that takes longer is hung up on.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between attempts to connect: this long first, twice as long each time, and never longer than the second.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(15)];

/// Octets of frames that are written at once.
const WRITE: usize = 64 << 10;

/// Sends what is seen to the collector at `socket` until nobody sees any more. Without a thread to do it there is none,
/// and it is said.
pub(crate) fn write(
    seen: Receiver<Seen>,
    socket: PathBuf,
    messages: Messages,
    identity: Identity,
    counts: Arc<DnstapCounts>,
) -> Option<()> {
    let writer = Writer { seen, socket, messages, identity, counts };
    let started = std::thread::Builder::new().name("dnstap".to_owned()).spawn(move || writer.run());
    if let Err(error) = &started {
        tracing::warn!("no dnstap: the system gives no thread for it: {error}");
    }
    started.ok().map(drop)
}

struct Writer {
    seen: Receiver<Seen>,
    socket: PathBuf,
    messages: Messages,
    identity: Identity,
    counts: Arc<DnstapCounts>,
}

/// Nobody sees any more.
struct Ended;

impl Writer {
    fn run(self) {
        let [first, longest] = PAUSES;
        let mut pause = first;
        let mut said = false;
        loop {
            let error = match connect(&self.socket) {
                Ok(mut collector) => {
                    tracing::info!("dnstap goes to the collector at {}", self.socket.display());
                    (pause, said) = (first, false);
                    self.counts.connected.fetch_add(1, Ordering::Relaxed);
                    let sent = self.send(&mut collector);
                    self.counts.connected.fetch_sub(1, Ordering::Relaxed);
                    let Err(error) = sent else { return };
                    error
                }
                Err(error) => error,
            };
            // Once, not at each attempt.
            if !said {
                let socket = self.socket.display();
                tracing::warn!(
                    "no dnstap: the collector at {socket} cannot be written to: {error}; until it can be, \
                     nothing is kept for it"
                );
                said = true;
            }
            if let Err(Ended) = self.lose(pause) {
                return;
            }
            pause = longest.min(pause * 2);
        }
    }

    /// Sends until nobody sees any more.
    fn send(&self, collector: &mut Socket) -> io::Result<()> {
        let mut octets = Vec::new();
        while let Ok(first) = self.seen.recv() {
            octets.clear();
            let mut queries = 0;
            let mut next = Some(first);
            while let Some(seen) = next {
                self.take(&seen);
                for frame in message::frames(&seen, self.messages, &self.identity) {
                    frames::data(&frame, &mut octets);
                }
                queries += 1;
                next = (octets.len() < WRITE).then(|| self.seen.try_recv().ok()).flatten();
            }
            let written = collector.write_all(&octets);
            let count = if written.is_ok() { &self.counts.sent } else { &self.counts.lost };
            count.fetch_add(queries, Ordering::Relaxed);
            written?;
        }
        // What the collector says to that changes nothing; it may be gone.
        if collector.write_all(&frames::control(Control::Stop)).is_ok() {
            let _ = frames::expect(Control::Finish, collector);
        }
        Ok(())
    }

    /// Loses what is seen for `pause`: a collector that comes back is told what happens then.
    fn lose(&self, pause: Duration) -> Result<(), Ended> {
        let end = Instant::now() + pause;
        loop {
            match self.seen.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(seen) => {
                    self.take(&seen);
                    self.counts.lost.fetch_add(1, Ordering::Relaxed);
                }
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(Ended),
            }
            // While queries never cease, there is always one to receive.
            if Instant::now() >= end {
                return Ok(());
            }
        }
    }

    fn take(&self, seen: &Seen) {
        self.counts.waiting.fetch_sub(seen.octets(), Ordering::Relaxed);
    }
}

/// Connects, and does the handshake.
fn connect(path: &Path) -> io::Result<Socket> {
    let mut socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // unix(7): a blocking connect waits while the listener's queue is full, for as long as that takes.
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)?;
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.write_all(&frames::control(Control::Ready))?;
    frames::expect(Control::Accept, &mut socket)?;
    socket.write_all(&frames::control(Control::Start))?;
    Ok(socket)
}
