//! What the kernel says of this process.

use std::fs;

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
