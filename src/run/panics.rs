//! Panics of all threads, counted: each is a defect of this program.

use crate::config::LogFormat;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};

static PANICS: AtomicU64 = AtomicU64::new(0);

/// Counts panics from now on. As text they are printed as ever; among lines of JSON they are one too.
pub(super) fn count(format: LogFormat) {
    let as_text = match format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        if as_text {
            print(panic);
        } else {
            let thread = std::thread::current();
            let thread = thread.name().unwrap_or("without a name");
            tracing::error!("the thread {thread} panicked: {}", super::OneLine(panic));
        }
    }));
}

/// How many there were.
pub(super) fn so_far() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted() {
        count(LogFormat::Text);
        let before = so_far();
        let ended = std::thread::spawn(|| panic!("as a test")).join();
        assert!(ended.is_err() && so_far() > before);
    }
}
