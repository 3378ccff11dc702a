//! SIGTERM and SIGINT, the ways in which a server is asked to end, the one in which it must, and SIGHUP, by which it is
//! asked to read its settings again.

use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// The signal by which a server is asked to end in good order.
pub(super) const SIGTERM: &str = "SIGTERM";

/// Signals that are noted from now on.
#[derive(Debug)]
pub(super) struct Signals {
    runtime: Runtime,
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    _too_large: Signal,
}

impl Signals {
    /// Takes the place of what the system does by default, which for the first process of a container is nothing.
    pub(super) fn listen() -> io::Result<Signals> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let inside = runtime.enter();
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        let hangup = signal(SignalKind::hangup())?;
        // By default, who writes more into a file than a limit allows is killed; else the write fails (setrlimit(2): "but
        // a process can catch this signal instead, in which case the relevant system call fails with the error EFBIG").
        let too_large = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?;
        drop(inside);
        Ok(Signals { runtime, terminate, interrupt, hangup, _too_large: too_large })
    }

    /// Waits for either, or for what `other` brings: none where its sender is dropped. Says which signal came first.
    pub(super) fn or<T>(&mut self, other: &mut oneshot::Receiver<T>) -> Result<Option<T>, &'static str> {
        self.runtime.block_on(async {
            tokio::select! {
                _ = self.terminate.recv() => Err(SIGTERM),
                _ = self.interrupt.recv() => Err("SIGINT"),
                brought = other => Ok(brought.ok()),
            }
        })
    }

    /// Waits for any signal, or for what `other` brings.
    pub(super) fn any_or<T>(&mut self, other: impl Future<Output = T>) -> Asked<T> {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                _ = self.terminate.recv() => Asked::End(SIGTERM),
                _ = self.interrupt.recv() => Asked::End("SIGINT"),
                _ = self.hangup.recv() => Asked::Reload,
                brought = other => Asked::Other(brought),
            }
        })
    }

    /// Waits for so long; less where another signal comes, or no more changes do.
    pub(super) fn pause(&mut self, time: Duration, source: &mut oneshot::Receiver<()>) {
        self.runtime.block_on(async {
            tokio::select! {
                () = tokio::time::sleep(time) => {}
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
                _ = source => {}
            }
        });
    }
}

/// What came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked<T> {
    /// The server is asked to end, by this signal.
    End(&'static str),
    /// It is asked to read its settings again.
    Reload,
    /// What else was waited for.
    Other(T),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_ends_is_noticed() {
        let (alive, mut source) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let _alive = alive;
            panic!("as a bug in the thread that follows would");
        });
        assert!(matches!(Signals::listen().unwrap().any_or(&mut source), Asked::Other(Err(_))));
        assert!(thread.join().is_err());
        // Nor is a pause any longer than that.
        let (alive, mut source) = oneshot::channel();
        drop(alive);
        Signals::listen().unwrap().pause(Duration::from_secs(86_400), &mut source);
    }
}
