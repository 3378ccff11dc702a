//! Log lines on standard error.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Sends log lines to standard error from now on, unless the program that this is part of has its own way. `RUST_LOG`
/// says how many; colour is for terminals.
pub(super) fn start() {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    let colour =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .with_target(false)
        // A line that nobody can read any more is lost; reporting that on the same stream would end the thread.
        .log_internal_errors(false)
        .try_init();
}
