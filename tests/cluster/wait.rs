//! Waiting for what must come.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// How long anything may take that is waited for. Reached only when it does not come at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Between two looks, so that what is waited for has the processor.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks again and again until `look` returns something. Panics with `explain` when it does not come.
pub(crate) fn wait_for<T>(
    what: &str,
    explain: impl Fn() -> String,
    mut look: impl FnMut() -> Option<T>,
) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "waited in vain for {what}: {}", explain());
        std::thread::sleep(PAUSE);
    }
}

/// Looks again and again until `look` returns `expected`.
pub(crate) fn wait_until_equal<T: PartialEq + Debug>(what: &str, expected: &T, look: impl Fn() -> T) {
    let explain = || format!("it is\n{:#?}\nnot\n{expected:#?}", look());
    wait_for(what, explain, || (look() == *expected).then_some(()));
}
