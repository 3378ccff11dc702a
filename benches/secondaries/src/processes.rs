//! What the kernel says of a server and all that it has started.

use std::fs;
use std::time::Duration;

/// The process and those below it.
pub fn all(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let process: u32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            // proc(5): the name may have anything in it, behind it come state and parent.
            Some((process, stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?))
        })
        .collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(process, _)| *process));
        next += 1;
    }
    found
}

/// Their proportional share of memory, in MiB: what they have in common counts once.
pub fn memory(root: u32) -> f64 {
    let kibibytes = |process: u32| {
        let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.trim().trim_end_matches(" kB").parse::<f64>().ok()
    };
    all(root).into_iter().filter_map(kibibytes).sum::<f64>() / 1024.0
}

/// What their threads have used of the processor.
pub fn cpu(root: u32) -> Duration {
    let tasks =
        all(root).into_iter().filter_map(|process| fs::read_dir(format!("/proc/{process}/task")).ok());
    let times = tasks.flatten().flatten().filter_map(|task| {
        // proc(5), schedstat: "time spent on the cpu (in nanoseconds)" comes first.
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    });
    times.sum()
}
