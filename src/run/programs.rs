//! Programs that threads of this process have started and wait for: those that give credentials (`exec` in a kubeconfig).
//! One that nobody needs any more is ended, so that none that hangs is there twice.

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use rustix::thread::gettid;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most programs that are ended at a time: a shell, what it runs, and what that runs.
const PROGRAMS_MAX: usize = 256;

/// Threads that may start programs.
#[derive(Debug, Clone, Default)]
pub(super) struct Starters {
    threads: Arc<Mutex<BTreeSet<i32>>>,
}

impl Starters {
    /// This thread may start programs from now on.
    pub(super) fn enter(&self) {
        self.threads().insert(gettid().as_raw_nonzero().get());
    }

    /// This thread starts none any more.
    pub(super) fn leave(&self) {
        self.threads().remove(&gettid().as_raw_nonzero().get());
    }

    /// Ends the programs that these threads wait for, and what those have started. Where the system does not tell which
    /// these are (`CONFIG_PROC_CHILDREN`), none.
    pub(super) fn end_programs(&self) {
        // None of them leaves meanwhile, so that its number is no other thread's.
        let threads = self.threads();
        for thread in threads.iter() {
            end(Path::new(&format!("/proc/self/task/{thread}/children")));
        }
    }

    fn threads(&self) -> MutexGuard<'_, BTreeSet<i32>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the programs of a list that the kernel keeps, and all that they have started.
fn end(list: &Path) {
    let mut found: Vec<(Pid, rustix::fd::OwnedFd)> = Vec::new();
    let mut lists = vec![list.to_path_buf()];
    while let Some(list) = lists.pop() {
        for pid in numbers(&list) {
            let Ok(descriptor) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
            // Whoever is still on the list when a descriptor of theirs is held is no other process of the same number.
            if found.len() < PROGRAMS_MAX && numbers(&list).contains(&pid) {
                found.push((pid, descriptor));
                lists.extend(lists_of(pid));
            }
        }
    }
    for (_, descriptor) in &found {
        // It may have ended by itself.
        let _ = pidfd_send_signal(descriptor, Signal::KILL);
    }
}

/// Where the kernel tells whom each thread of a process has started.
fn lists_of(pid: Pid) -> Vec<PathBuf> {
    let tasks = fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())).into_iter().flatten().flatten();
    tasks.map(|task| task.path().join("children")).collect()
}

fn numbers(list: &Path) -> Vec<Pid> {
    let text = fs::read_to_string(list).unwrap_or_default();
    text.split_ascii_whitespace().filter_map(|number| Pid::from_raw(number.parse().ok()?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    #[test]
    fn programs_that_hang_are_ended_with_all_they_have_started() {
        let starters = Starters::default();
        let folder = tempfile::tempdir().unwrap();
        let started = folder.path().join("started");
        let (sender, ended) = channel();
        let (its, marker) = (starters.clone(), started.clone());
        let thread = std::thread::spawn(move || {
            its.enter();
            // Waits until everybody has closed the pipe: the shell, and the one behind it.
            let script = format!("sleep 1000 & echo > '{}'; sleep 1000; true", marker.display());
            let output = Command::new("sh").args(["-c", &script]).output().unwrap();
            its.leave();
            sender.send(output.status.success()).unwrap();
        });
        while !started.exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        // One of another thread goes on.
        let mut other = Command::new("sleep").arg("1000").spawn().unwrap();
        while {
            starters.end_programs();
            ended.recv_timeout(Duration::from_millis(20)).is_err() && !thread.is_finished()
        } {}
        thread.join().unwrap();
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
