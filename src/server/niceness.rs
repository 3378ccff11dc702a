//! Who goes first where processors are scarce.

/// How much less a UDP worker asks of the scheduler than the thread that publishes, which wakes for microseconds and
/// then waits again: at full load on two processors, changes are visible two to three times sooner in 99 of 100 cases.
/// Asking for less needs no privilege, and workers that are alone have all of the processor still.
const WORKER: i32 = 5;

/// The same of a thread that serves encrypted connections: handshakes cost far more than answers, and a
/// flood of them must not take the processors from those that answer.
const ENCRYPTED: i32 = 10;

/// Lets those that publish and those that answer over UDP and TCP go before this one.
pub(super) fn yield_to_answers() {
    let _ = rustix::process::nice(ENCRYPTED);
}

/// Lets the thread publishing go before this one, which answers.
pub(super) fn yield_to_publishing() {
    // On Linux, niceness is a thread's own. One that cannot be nicer is as nice as it can be.
    let _ = rustix::process::nice(WORKER);
}
