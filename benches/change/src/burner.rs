//! A process that does nothing but use the processor, as much and in the same pieces as what it stands for: a little every
//! millisecond, and once a longer piece.

use std::io;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How often the little pieces come: as often as changes.
const TICK: Duration = Duration::from_millis(1);

/// What one thread uses.
#[derive(Clone, Copy, Default, Debug)]
pub struct Pieces {
    /// Every millisecond.
    pub each: Duration,
    /// Once.
    pub once: Duration,
}

/// A running one, stopped when dropped.
pub struct Burner(Child);

impl Burner {
    /// A thread for each of these; the long piece begins after `wait`.
    pub fn start(threads: [Pieces; 2], wait: Duration) -> io::Result<Burner> {
        let nanoseconds = |time: Duration| time.as_nanos().to_string();
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("burn").arg(nanoseconds(wait));
        for Pieces { each, once } in threads {
            command.args([nanoseconds(each), nanoseconds(once)]);
        }
        Ok(Burner(command.stdin(Stdio::null()).spawn()?))
    }
}

impl Drop for Burner {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the process does: the arguments behind `burn`.
pub fn burn(arguments: &[String]) -> io::Result<()> {
    let times: Result<Vec<u64>, _> = arguments.iter().map(|text| text.parse()).collect();
    let times: Vec<Duration> =
        times.map_err(io::Error::other)?.into_iter().map(Duration::from_nanos).collect();
    let [wait, each, once, other_each, other_once] = times[..] else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    std::thread::scope(|scope| {
        for pieces in [Pieces { each, once }, Pieces { each: other_each, once: other_once }] {
            scope.spawn(move || pieces.burn(wait));
        }
    });
    Ok(())
}

impl Pieces {
    fn burn(self, wait: Duration) {
        let start = Instant::now();
        let (mut due, mut once) = (start, Some(self.once));
        loop {
            due += TICK;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            spin(self.each);
            if start.elapsed() >= wait
                && let Some(once) = once.take()
            {
                spin(once);
            }
        }
    }
}

/// By the clock: what others take meanwhile is not used again.
fn spin(time: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < time {
        std::hint::spin_loop();
    }
}
