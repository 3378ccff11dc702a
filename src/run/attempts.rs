//! Threads on which changes of settings are made. Reading files and finding a cluster takes its time, and for ever where a
//! program that gives credentials hangs, or nobody writes into a pipe: whoever waits no longer leaves such a thread behind.

use super::programs::Starters;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The most threads that are left behind before nothing more is tried.
const LEFT_MAX: usize = 4;

/// All that were begun and have not ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts {
    /// Each is held by its thread.
    begun: Arc<Mutex<Vec<Weak<Starters>>>>,
}

/// One whose end is waited for. When this is dropped, the programs that it waits for are ended.
#[derive(Debug)]
pub(super) struct Attempt {
    starters: Weak<Starters>,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(starters) = self.starters.upgrade() {
            starters.end_programs();
        }
    }
}

/// Why an attempt is not begun.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotBegun {
    #[error(
        "{LEFT_MAX} attempts before this one still wait for a pipe, or for a program that gives credentials"
    )]
    TooMany,
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

impl Attempts {
    /// Begins one on a thread of its own.
    pub(super) fn begin(&self, make: impl FnOnce() + Send + 'static) -> Result<Attempt, NotBegun> {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.retain(|one| {
            // It may have started a program since it was left.
            one.upgrade().inspect(|left| left.end_programs()).is_some()
        });
        if begun.len() >= LEFT_MAX {
            return Err(NotBegun::TooMany);
        }
        let starters = Arc::new(Starters::default());
        let attempt = Attempt { starters: Arc::downgrade(&starters) };
        std::thread::Builder::new().name("settings change".to_owned()).spawn(move || {
            starters.enter();
            make();
            starters.leave();
        })?;
        begun.push(Weak::clone(&attempt.starters));
        Ok(attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn threads_that_are_left_behind_are_few() {
        let attempts = Attempts::default();
        let mut held = Vec::new();
        let begin = |held: &mut Vec<_>| {
            let (end, ended) = channel::<()>();
            let attempt = attempts.begin(move || {
                let _ = ended.recv();
            })?;
            held.push(end);
            drop(attempt);
            Ok::<(), NotBegun>(())
        };
        for _ in 0..LEFT_MAX {
            begin(&mut held).unwrap();
        }
        assert!(matches!(begin(&mut held), Err(NotBegun::TooMany)));
        // One that has ended makes room.
        held.pop();
        while begin(&mut held).is_err() {
            std::thread::yield_now();
        }
    }
}
