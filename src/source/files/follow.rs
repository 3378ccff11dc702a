//! The thread that looks at files.

use super::notifications::Notifications;
use super::version::SETTLE;
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often files are looked at without a notification.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// The shortest time between two looks, however much is notified.
const PAUSE: Duration = Duration::from_millis(10);

/// Who looks at files.
pub(crate) trait Follower {
    /// One look at everything.
    fn look(&mut self, now: Instant) -> ControlFlow<()>;

    /// Whether there is anything that has been seen and does not count yet.
    fn is_unsettled(&self) -> bool;

    /// What tells of changes.
    fn notifications(&self) -> &Notifications;
}

/// The thread that follows. Dropping this ends it, and waits for a look that is under way.
#[derive(Debug)]
pub struct Following {
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl Following {
    /// Looks on a thread of this name until the result is dropped or a look breaks.
    pub(crate) fn start(
        name: &str,
        mut follower: impl Follower + Send + 'static,
    ) -> std::io::Result<Following> {
        let (stop, stopped) = UnixStream::pair()?;
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            loop {
                if follower.look(Instant::now()).is_break() {
                    return;
                }
                std::thread::sleep(PAUSE);
                let time = if follower.is_unsettled() { SETTLE / 2 } else { LOOK };
                if follower.notifications().wait(stopped.as_fd(), time) {
                    return;
                }
            }
        })?;
        Ok(Following { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        drop(self.stop.take());
        let Some(thread) = self.thread.take() else { return };
        if thread.thread().id() != std::thread::current().id() {
            // A panic of the thread is one of the receiver, and has been printed.
            let _ = thread.join();
        }
    }
}
