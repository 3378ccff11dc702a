//! What the kernel says of this process, under the names that every Prometheus client has.

use super::exposition::{Exposition, Kind};
use std::fs;

/// Octets of a page and clock ticks of a second, as all Linux systems on which this runs have them by default.
const TICKS_PER_SECOND: f64 = 100.0;

/// Octets of resident memory.
pub(super) fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    kibibytes(&status, "VmRSS:").map(|octets| octets * 1024)
}

/// What the host is called: in Kubernetes, the pod. Empty where nobody says.
pub(super) fn host() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

/// Writes what can be read; what cannot is left out.
pub(super) fn write(text: &mut Exposition) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(octets) = kibibytes(&status, "VmRSS:") {
        text.single("process_resident_memory_bytes", Kind::Gauge, "Resident memory.", octets * 1024);
    }
    if let Some(octets) = kibibytes(&status, "VmSize:") {
        text.single("process_virtual_memory_bytes", Kind::Gauge, "Virtual memory.", octets * 1024);
    }
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    if let Some(ticks) = cpu_ticks(&stat) {
        #[expect(clippy::cast_precision_loss, reason = "a float is what the text has")]
        let seconds = ticks as f64 / TICKS_PER_SECOND;
        text.single("process_cpu_seconds_total", Kind::Counter, "CPU time, user and system.", seconds);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        text.single("process_open_fds", Kind::Gauge, "Open descriptors.", open.count());
    }
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    if let Some(most) =
        limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next())
    {
        text.single("process_max_fds", Kind::Gauge, "The most descriptors that may be open.", most);
    }
}

/// The number of a line of `/proc/self/status`.
fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// User and system time of `/proc/self/stat`. The name before may hold anything, a closing parenthesis is behind it.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let [user, system] = [fields.next()?, fields.next()?].map(|ticks| ticks.parse::<u64>().ok());
    Some(user? + system?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_kernel_are_read() {
        assert_eq!(kibibytes("Name:\tx\nVmRSS:\t   12345 kB\n", "VmRSS:"), Some(12_345));
        assert_eq!(kibibytes("", "VmRSS:"), None);
        let stat = "1 (a) b) S 1 1 1 0 -1 4194560 1 2 3 4 250 50 0 0 20 0 1 0 5 6 7";
        assert_eq!(cpu_ticks(stat), Some(300));
        assert_eq!(cpu_ticks("1 (x"), None);
    }

    #[test]
    fn this_process_has_memory_and_descriptors() {
        let mut text = Exposition::default();
        write(&mut text);
        let text = text.finish();
        for name in ["resident_memory_bytes", "cpu_seconds_total", "open_fds", "max_fds"] {
            assert!(text.contains(&format!("\nprocess_{name} ")), "{name} in {text}");
        }
    }
}
