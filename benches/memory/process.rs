//! What the kernel says of this process.

use std::fs;
use std::time::Duration;

/// Memory in MiB.
pub(crate) struct Memory {
    pub(crate) resident: f64,
    /// What of it is not mapped from files.
    pub(crate) anonymous: f64,
    /// The most that was resident.
    pub(crate) peak: f64,
}

impl Memory {
    pub(crate) fn now() -> Memory {
        let status = fs::read_to_string("/proc/self/status").expect("Linux");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a field");
            let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse().expect("a number");
            kib / 1024.0
        };
        Memory { resident: field("VmRSS:"), anonymous: field("RssAnon:"), peak: field("VmHWM:") }
    }
}

/// Lets the most so far be what it is now.
pub(crate) fn forget_peak() {
    // "To reset the peak resident set size ("high water mark") to the process's current value: echo 5" (proc(5)).
    fs::write("/proc/self/clear_refs", "5").expect("this process");
}

/// A moment in the processor time of this thread: what others do on the machine does not count. The kernel counts at its
/// ticks, so that sums over many short spans are right, and single ones are not.
pub(crate) struct Begin(Duration);

impl Begin {
    pub(crate) fn now() -> Begin {
        Begin(processor_time())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        processor_time().saturating_sub(self.0)
    }
}

fn processor_time() -> Duration {
    let times = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let running = times.split(' ').next().expect("the first of three numbers");
    Duration::from_nanos(running.parse().expect("a number"))
}
