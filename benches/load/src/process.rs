//! Servers as child processes: started on a CPU of their own, timed by the kernel, ended when dropped.

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// A running server, ended when dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// Where it speaks HTTP, where it says so before it listens: probes and metrics, then what is served.
    pub http: Vec<SocketAddr>,
    /// Where it speaks TLS, HTTPS and QUIC, if whoever starts it says so.
    pub encrypted: Vec<SocketAddr>,
}

/// CPU time of a process, in seconds.
#[derive(Clone, Copy)]
pub struct CpuTime {
    pub user: f64,
    pub system: f64,
}

/// The CPUs this process may use, as it was started.
pub fn cpus() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(Pid::this()) else { return Vec::new() };
    (0..CpuSet::count()).filter(|&cpu| set.is_set(cpu).unwrap_or(false)).collect()
}

/// Keeps this thread, and what it starts from now on, on these CPUs.
pub fn pin(cpus: &[usize]) -> io::Result<()> {
    pin_thread(Pid::this(), cpus)
}

/// Keeps all threads of a process and of its children on these CPUs, whatever they have chosen themselves.
pub fn pin_all(pid: u32, cpus: &[usize]) -> io::Result<()> {
    for process in family(pid)? {
        for task in std::fs::read_dir(format!("/proc/{process}/task"))? {
            let task = task?.file_name().to_str().and_then(|name| name.parse().ok()).map(Pid::from_raw);
            pin_thread(task.ok_or_else(|| io::Error::other("a thread without a number"))?, cpus)?;
        }
    }
    Ok(())
}

fn pin_thread(thread: Pid, cpus: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    for &cpu in cpus {
        set.set(cpu)?;
    }
    Ok(sched_setaffinity(thread, &set)?)
}

impl Server {
    /// Starts `command` and waits until it says `listening on <address>`.
    pub fn start(command: &mut Command) -> io::Result<Server> {
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let mut said = String::new();
        let stderr = child.stderr.take().ok_or_else(|| io::Error::other("no standard error"))?;
        let mut lines = BufReader::new(stderr).lines();
        let mut http = Vec::new();
        for line in lines.by_ref() {
            let line = line?;
            let address =
                line.split_once("listening on ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
            if let Some(address) = address {
                // What it says later is not read by anybody; it must not block on it.
                std::thread::spawn(move || lines.for_each(drop));
                return Ok(Server { child, address, http, encrypted: Vec::new() });
            }
            http.extend(
                line.split_once("http://").and_then(|(_, address)| address.parse::<SocketAddr>().ok()),
            );
            said.push_str(&line);
            said.push('\n');
        }
        let status = child.wait()?;
        Err(io::Error::other(format!("{command:?} ended with {status} and said:\n{said}")))
    }

    /// A server that was started otherwise.
    pub fn adopt(child: Child, address: SocketAddr) -> Server {
        Server { child, address, http: Vec::new(), encrypted: Vec::new() }
    }

    /// The same, which is known to speak TLS, HTTPS and QUIC at these addresses.
    pub fn with_encrypted(mut self, addresses: Vec<SocketAddr>) -> Server {
        self.encrypted = addresses;
        self
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has used so far.
    pub fn cpu_time(&self) -> io::Result<CpuTime> {
        cpu_time(self.pid())
    }

    /// Its resident memory in KiB (proc(5), `VmRSS`).
    pub fn resident(&self) -> io::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok());
        kib.ok_or_else(|| io::Error::other("the server has ended"))
    }
}

/// What all threads of a process and of its children have used, from `/proc`. Ticks of 10 ms: what is measured should
/// last a second or more.
pub fn cpu_time(pid: u32) -> io::Result<CpuTime> {
    let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK)?.unwrap_or(100) as f64;
    let mut ticks = [0.0; 2];
    for process in family(pid)? {
        // Of the process, not of its threads: that would leave out those that have ended.
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{process}/stat")) else { continue };
        // proc(5): utime and stime are fields 14 and 15.
        for (sum, field) in ticks.iter_mut().zip(fields(&stat).skip(11)) {
            *sum += field.parse::<f64>().map_err(io::Error::other)?;
        }
    }
    Ok(CpuTime { user: ticks[0] / per_second, system: ticks[1] / per_second })
}

/// The process and its children: NSD answers in one.
pub fn family(pid: u32) -> io::Result<Vec<u32>> {
    let mut family = vec![pid];
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(process) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // A child has a larger number than its parent, unless numbers have begun anew; /proc lists them in order.
        if fields(&stat)
            .nth(1)
            .and_then(|parent| parent.parse().ok())
            .is_some_and(|parent| family.contains(&parent))
        {
            family.push(process);
        }
    }
    Ok(family)
}

/// The fields of a `stat` from the third on; the second is the name, which may hold spaces.
fn fields(stat: &str) -> impl Iterator<Item = &str> {
    stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split_ascii_whitespace()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
