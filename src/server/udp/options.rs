//! What can be set of UDP workers, with the defaults that were measured.

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use socket2::Socket;

/// Most datagrams per system call.
pub(super) const BATCH_MAX: usize = 32;

/// How UDP workers receive and send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UdpOptions {
    /// Datagrams per system call, at least 1; beyond 32 is 32.
    pub batch: usize,
    /// Octets asked for in each socket's receive buffer. The kernel lowers it to `net.core.rmem_max`.
    pub receive_buffer: usize,
    /// The same of its send buffer, and `net.core.wmem_max`.
    pub send_buffer: usize,
    /// Whether each worker of an address keeps to one of the CPUs that the process may use, in turn.
    pub pin: bool,
}

impl Default for UdpOptions {
    /// As measured (benches/README.md, "What a worker does for an answer"): a batch of 32 costs an answer two thirds of what
    /// one of 1 does, and one of 64 no less; 1 MiB holds 2,500 queries, some milliseconds of the answers of one worker,
    /// and holds memory only while they wait; a pinned worker waits for its CPU where another is free.
    fn default() -> UdpOptions {
        UdpOptions { batch: 32, receive_buffer: 1 << 20, send_buffer: 1 << 20, pin: false }
    }
}

impl UdpOptions {
    /// Gives `socket` its buffers. Best effort: smaller ones drop queries sooner in a burst, and clients ask again.
    pub(super) fn set_buffers(&self, socket: &Socket) {
        let _ = socket.set_recv_buffer_size(self.receive_buffer);
        let _ = socket.set_send_buffer_size(self.send_buffer);
    }

    /// Keeps this thread, the worker of this `number`, on its CPU. Says so where the kernel does not allow it.
    pub(super) fn place(&self, number: usize) {
        if !self.pin {
            return;
        }
        // Process 0 is the calling thread (sched_setaffinity(2)).
        let this = Pid::from_raw(0);
        let pinned = sched_getaffinity(this).and_then(|allowed| {
            let is_allowed = |cpu: &usize| allowed.is_set(*cpu).unwrap_or(false);
            let count = (0..CpuSet::count()).filter(is_allowed).count();
            let turn = number.checked_rem(count).unwrap_or(0);
            let mut set = CpuSet::new();
            if let Some(cpu) = (0..CpuSet::count()).filter(is_allowed).nth(turn) {
                set.set(cpu)?;
            }
            sched_setaffinity(this, &set)
        });
        if let Err(error) = pinned {
            tracing::warn!("cannot keep UDP worker {number} on a CPU of its own: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_placed_on_the_allowed_cpus_in_turn() {
        let cpus = || {
            let set = sched_getaffinity(Pid::from_raw(0)).unwrap();
            (0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap()).collect::<Vec<_>>()
        };
        let all = cpus();
        let placed = |pin, number| {
            let options = UdpOptions { pin, ..UdpOptions::default() };
            std::thread::spawn(move || {
                options.place(number);
                cpus()
            })
            .join()
            .unwrap()
        };
        for number in 0..=2 * all.len() {
            assert_eq!(placed(false, number), all);
            assert_eq!(placed(true, number), [all[number % all.len()]]);
        }
    }
}
