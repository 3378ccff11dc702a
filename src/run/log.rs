//! Log lines on standard error: their form, and how many of them.

use crate::config::{LogFormat, LogLevel, LogSettings};
use std::io::IsTerminal;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::Handle;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

/// What is said of a connection to the Kubernetes API where `RUST_LOG` does not name these. They speak of every request
/// and of what came back, up to whole pages of lists.
const QUIET: &str =
    "h2=warn,hyper=warn,hyper_util=warn,kube=warn,kube_client=warn,rustls=warn,tower=warn,tower_http=warn,";

/// The same of failed attempts: kube calls each an error, and reports tell them once.
const FAILURES: &str = "kube_client::client::builder=off,";

/// How many lines there are, for whoever wants more or fewer of them.
#[derive(Debug, Clone)]
pub(super) struct Verbosity {
    handle: Handle<EnvFilter, Registry>,
    /// Whether `RUST_LOG` says what is said.
    told: bool,
}

/// Sends log lines to standard error from now on, unless the program that this is part of has its own way. `RUST_LOG`
/// goes before the level that is set; colour is for terminals.
pub(super) fn start(settings: &LogSettings) -> Verbosity {
    let wanted = std::env::var(EnvFilter::DEFAULT_ENV).ok();
    let wanted = wanted.as_deref().map(str::trim).filter(|wanted| !wanted.is_empty());
    let told = wanted.is_some();
    let (filter, handle) = reload::Layer::new(filter(wanted.unwrap_or_else(|| settings.level.as_str())));
    let terminal = std::io::stderr().is_terminal();
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    // A line that nobody can read any more is lost; reporting that on the same stream would end the thread.
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false).log_internal_errors(false);
    let lines = match settings.format {
        LogFormat::Auto if terminal => lines.with_ansi(colour).boxed(),
        LogFormat::Text => lines.with_ansi(colour).boxed(),
        LogFormat::Auto | LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(false).boxed()
        }
    };
    let _ = Registry::default().with(filter).with(lines).try_init();
    Verbosity { handle, told }
}

impl Verbosity {
    /// What is said now, as `RUST_LOG` would say it.
    pub(super) fn get(&self) -> String {
        self.handle.with_current(ToString::to_string).unwrap_or_default()
    }

    /// Says so much from now on, where `RUST_LOG` does not say how much.
    pub(super) fn set_unless_told(&self, level: LogLevel) {
        if !self.told {
            self.set(level);
        }
    }

    /// Says so much from now on.
    pub(super) fn set(&self, level: LogLevel) {
        // Fails where the program has its own way of logging: then that decides.
        let _ = self.handle.reload(filter(level.as_str()));
    }
}

/// What is asked for goes before what is quiet by default, target by target: `debug` is about this program, and
/// `debug,kube=debug` about kube as well.
fn filter(wanted: &str) -> EnvFilter {
    let less = |directive: &str| matches!(directive.trim().to_ascii_lowercase().as_str(), "off" | "error");
    let quiet = if wanted.split(',').any(less) { "" } else { QUIET };
    EnvFilter::builder().parse_lossy(format!("{quiet}{FAILURES}{wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The directives in force, in the order of their text.
    fn directives(wanted: &str) -> Vec<String> {
        let text = filter(wanted).to_string();
        let mut all: Vec<String> = text.split(',').map(str::to_owned).collect();
        all.sort();
        all
    }

    #[test]
    fn what_is_named_is_as_it_says_and_the_rest_is_quiet() {
        let quiet = directives("info");
        for quietened in ["info", "kube=warn", "kube_client=warn", "hyper=warn", "tower=warn", "rustls=warn"]
        {
            assert!(quiet.iter().any(|one| one == quietened), "{quiet:?}");
        }
        let debug = directives("debug");
        assert!(debug.contains(&"debug".to_owned()) && !debug.contains(&"info".to_owned()), "{debug:?}");
        assert!(debug.contains(&"kube=warn".to_owned()), "{debug:?}");
        let kube = directives("kube=trace");
        assert!(
            kube.contains(&"kube=trace".to_owned()) && !kube.contains(&"kube=warn".to_owned()),
            "{kube:?}"
        );
        let failures = FAILURES.trim_end_matches(',');
        assert_eq!(directives("off"), [failures, "off"]);
        assert_eq!(directives("error,rosterd=info"), ["error", failures, "rosterd=info"]);
        assert!(!directives("kube_client::client::builder=error").contains(&failures.to_owned()));
    }

    #[test]
    fn the_level_can_be_changed() {
        let (filter, handle) = reload::Layer::new(filter("info"));
        let verbosity = Verbosity { handle, told: false };
        assert!(verbosity.get().ends_with("info"), "{}", verbosity.get());
        verbosity.set(LogLevel::Off);
        assert!(verbosity.get().ends_with("off") && !verbosity.get().contains("info"), "{}", verbosity.get());
        drop(filter);
        verbosity.set(LogLevel::Debug);
        assert_eq!(verbosity.get(), "");
    }
}
