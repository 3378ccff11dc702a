//! The thread that looks at the roster for others. Whoever asks may have a low priority and be kept from running for
//! long: whoever changes the roster must not have to wait for that.

use super::writer::Reader;
use crate::admin::{Question, Unavailable};
use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

/// Questions that may wait.
const QUEUE: usize = 8;

/// How often it comes round where nobody asks.
const BEAT: Duration = Duration::from_millis(500);

/// How much longer than a look the pause behind it is: questions take a fifth of the roster's time at most.
const PAUSE: u32 = 4;

/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// Where questions are put.
#[derive(Debug)]
pub(super) struct Questions {
    queue: SyncSender<Question>,
    beats: Arc<AtomicU64>,
}

impl Questions {
    /// Answers questions on a thread of its own until the result is dropped.
    pub(super) fn answer(reader: Reader) -> io::Result<Questions> {
        let (queue, questions) = sync_channel(QUEUE);
        let beats = Arc::<AtomicU64>::default();
        let round = Arc::clone(&beats);
        std::thread::Builder::new()
            .name("questions".to_owned())
            .spawn(move || answer(&reader, &questions, &round))?;
        Ok(Questions { queue, beats })
    }

    /// Puts a question.
    pub(super) fn put(&self, question: Question) -> Result<(), Unavailable> {
        self.queue.try_send(question).map_err(|error| match error {
            TrySendError::Full(_) => Unavailable::Busy,
            TrySendError::Disconnected(_) => Unavailable::NotYet,
        })
    }

    /// How often the roster could be looked at. Where whoever changes it is stuck, that stands still.
    pub(super) fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }
}

fn answer(reader: &Reader, questions: &Receiver<Question>, beats: &AtomicU64) {
    loop {
        match questions.recv_timeout(BEAT) {
            Ok(mut question) => {
                while look(reader, &mut question).is_continue() {
                    beats.fetch_add(1, Ordering::Relaxed);
                }
            }
            Err(RecvTimeoutError::Timeout) => reader.look(|_| ()),
            Err(RecvTimeoutError::Disconnected) => return,
        }
        beats.fetch_add(1, Ordering::Relaxed);
    }
}

/// Asks once, and pauses.
fn look(reader: &Reader, question: &mut Question) -> ControlFlow<()> {
    let (answered, took) = reader.look(|roster| {
        let began = Instant::now();
        // A defect in a look is no reason not to answer the next. It has been counted.
        let answered = catch_unwind(AssertUnwindSafe(|| question(roster)));
        (answered, began.elapsed())
    });
    std::thread::sleep(took.saturating_mul(PAUSE).min(PAUSE_MAX));
    answered.unwrap_or(ControlFlow::Break(()))
}
