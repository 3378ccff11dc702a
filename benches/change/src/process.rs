//! rosterd as a child process: what it says of changes, what the kernel says of it.

use crate::api::Api;
use crate::figures::Times;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The thread that decodes, applies and publishes.
const WRITER: &str = "kubernetes";

/// A running server, stopped when dropped.
pub struct Rosterd {
    child: Child,
    pub address: SocketAddr,
    pub started: Instant,
    said: Arc<Mutex<Said>>,
    kubeconfig: PathBuf,
    settings: PathBuf,
}

/// What it has said of changes: how long each took.
#[derive(Default, Clone)]
pub struct Said {
    /// From the last octet of the event until it was decoded.
    pub decoding: Times,
    /// From then on until it was visible.
    pub applying: Times,
    /// Transfers of whole zones, and of what has changed.
    pub transfers: (usize, usize),
}

impl Rosterd {
    /// Starts it on an API server, and waits until it listens. `traced`: whether it says how long each change takes.
    pub fn start(program: &Path, api: &Api, traced: bool) -> io::Result<Rosterd> {
        Rosterd::start_with(program, api, traced, "")
    }

    /// The same with settings of its own.
    pub fn start_with(program: &Path, api: &Api, traced: bool, settings: &str) -> io::Result<Rosterd> {
        let name = format!("rosterd-change-{}-{:p}", std::process::id(), api);
        let kubeconfig = std::env::temp_dir().join(name.clone() + ".kubeconfig");
        fs::write(&kubeconfig, api.kubeconfig())?;
        let file = std::env::temp_dir().join(name + ".toml");
        fs::write(&file, settings)?;
        let started = Instant::now();
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--kubeconfig"])
            .arg(&kubeconfig)
            .arg("--config")
            .arg(&file)
            .envs([
                ("ROSTERD__LOG__FORMAT", "text"),
                ("ROSTERD__ADMIN__LISTEN", ""),
                ("ROSTERD__ADMIN__API", ""),
                ("ROSTERD__SERVER__LAMEDUCK", "0s"),
            ])
            .env("RUST_LOG", if traced { "info,rosterd::run::latency=trace" } else { "info" })
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = child.stderr.take().ok_or_else(|| io::Error::other("no standard error"))?;
        let mut lines = BufReader::new(stderr).lines();
        let mut log = String::new();
        for line in lines.by_ref() {
            let line = line?;
            let address =
                line.split_once("listening on ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
            let Some(address) = address else {
                log = log + &line + "\n";
                continue;
            };
            let said = Arc::new(Mutex::new(Said::default()));
            let hearing = Arc::clone(&said);
            std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| hear(&hearing, &line)));
            return Ok(Rosterd { child, address, started, said, kubeconfig, settings: file });
        }
        let status = child.wait()?;
        Err(io::Error::other(format!("{} ended with {status} and said:\n{log}", program.display())))
    }

    /// What it has said since this was last asked.
    pub fn said(&self) -> Said {
        std::mem::take(&mut *lock(&self.said))
    }

    /// Transfers of whole zones, and of what has changed, since [`Rosterd::said`] was last asked.
    pub fn transfers(&self) -> (usize, usize) {
        lock(&self.said).transfers
    }

    /// Its process id.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Where its settings are.
    pub fn settings(&self) -> &Path {
        &self.settings
    }

    /// Where it is told of its API server.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// What it has used of the processor: all of it, and the thread that publishes.
    pub fn cpu(&self) -> io::Result<(Duration, Duration)> {
        let (mut all, mut writer) = (Duration::ZERO, Duration::ZERO);
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let task = task?.path();
            let (name, time) = (fs::read_to_string(task.join("comm"))?, cpu_of(&task)?);
            all += time;
            writer += if name.trim() == WRITER { time } else { Duration::ZERO };
        }
        Ok((all, writer))
    }

    /// Resident memory in MiB.
    pub fn resident(&self) -> io::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        let kibibytes = line.trim().trim_end_matches(" kB").parse::<f64>().map_err(io::Error::other)?;
        Ok(kibibytes / 1024.0)
    }
}

impl Drop for Rosterd {
    fn drop(&mut self) {
        if let Ok(process) = i32::try_from(self.child.id()) {
            // It may have ended by itself.
            let _ = kill(Pid::from_raw(process), Signal::SIGKILL);
        }
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.kubeconfig);
        let _ = fs::remove_file(&self.settings);
    }
}

/// What the threads of the API server are called.
const API: &str = "api";

/// Starts a thread whose time is the API server's.
pub fn thread<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
    std::thread::Builder::new().name(API.to_owned()).spawn(run)
}

/// What the threads of the API server have used of the processor.
pub fn api_cpu() -> io::Result<Duration> {
    let mut all = Duration::ZERO;
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        // One that ends meanwhile has used little.
        if fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == API) {
            all += cpu_of(&task).unwrap_or_default();
        }
    }
    Ok(all)
}

/// proc(5), schedstat: "time spent on the cpu (in nanoseconds)" comes first.
fn cpu_of(task: &Path) -> io::Result<Duration> {
    let text = fs::read_to_string(task.join("schedstat"))?;
    let nanoseconds = text.split(' ').next().unwrap_or_default().parse().map_err(io::Error::other)?;
    Ok(Duration::from_nanos(nanoseconds))
}

/// `… a change is visible decoding=12.3µs applying=4.5µs`.
fn hear(said: &Mutex<Said>, line: &str) {
    let time = |key: &str| {
        let (_, rest) = line.split_once(key)?;
        duration(rest.split(' ').next()?)
    };
    if let (Some(decoding), Some(applying)) = (time(" decoding="), time(" applying=")) {
        let mut said = lock(said);
        said.decoding.push(decoding);
        said.applying.push(applying);
    }
    if line.contains("transferred zone ") {
        let (whole, steps) = &mut lock(said).transfers;
        *if line.contains(" from serial ") { steps } else { whole } += 1;
    }
}

/// As Rust's `Debug` writes a duration.
fn duration(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(unit);
    let seconds = match unit {
        "s" => 1.0,
        "ms" => 1e-3,
        "µs" => 1e-6,
        "ns" => 1e-9,
        _ => return None,
    };
    Some(Duration::from_secs_f64(number.parse::<f64>().ok()? * seconds))
}

fn lock(said: &Mutex<Said>) -> MutexGuard<'_, Said> {
    said.lock().unwrap_or_else(PoisonError::into_inner)
}
