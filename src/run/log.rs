//! Log lines on standard error.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// What is said where `RUST_LOG` says nothing.
const DEFAULT: &str = "info";

/// What is said of a connection to the Kubernetes API where `RUST_LOG` does not name these. They speak of every request
/// and of what came back, up to whole pages of lists.
const QUIET: &str =
    "h2=warn,hyper=warn,hyper_util=warn,kube=warn,kube_client=warn,rustls=warn,tower=warn,tower_http=warn,";

/// The same of failed attempts: kube calls each an error, and reports tell them once.
const FAILURES: &str = "kube_client::client::builder=off,";

/// Sends log lines to standard error from now on, unless the program that this is part of has its own way. `RUST_LOG`
/// says how many; colour is for terminals.
pub(super) fn start() {
    let filter = filter(std::env::var(EnvFilter::DEFAULT_ENV).ok().as_deref());
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

/// What `RUST_LOG` asks for goes before what is quiet by default, target by target: `debug` is about this program, and
/// `debug,kube=debug` about kube as well.
fn filter(wanted: Option<&str>) -> EnvFilter {
    let wanted = wanted.map(str::trim).filter(|wanted| !wanted.is_empty()).unwrap_or(DEFAULT);
    let less = |directive: &str| matches!(directive.trim().to_ascii_lowercase().as_str(), "off" | "error");
    let quiet = if wanted.split(',').any(less) { "" } else { QUIET };
    EnvFilter::builder().parse_lossy(format!("{quiet}{FAILURES}{wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The directives in force, in the order of their text.
    fn directives(wanted: Option<&str>) -> Vec<String> {
        let text = filter(wanted).to_string();
        let mut all: Vec<String> = text.split(',').map(str::to_owned).collect();
        all.sort();
        all
    }

    #[test]
    fn what_rust_log_names_is_as_it_says_and_the_rest_is_quiet() {
        let quiet = directives(None);
        assert_eq!(directives(Some(" ")), quiet);
        for quietened in ["info", "kube=warn", "kube_client=warn", "hyper=warn", "tower=warn", "rustls=warn"]
        {
            assert!(quiet.iter().any(|one| one == quietened), "{quiet:?}");
        }
        let debug = directives(Some("debug"));
        assert!(debug.contains(&"debug".to_owned()) && !debug.contains(&"info".to_owned()), "{debug:?}");
        assert!(debug.contains(&"kube=warn".to_owned()), "{debug:?}");
        let kube = directives(Some("kube=trace"));
        assert!(
            kube.contains(&"kube=trace".to_owned()) && !kube.contains(&"kube=warn".to_owned()),
            "{kube:?}"
        );
        let failures = FAILURES.trim_end_matches(',');
        assert_eq!(directives(Some("off")), [failures, "off"]);
        assert_eq!(directives(Some("error,rosterd=info")), ["error", failures, "rosterd=info"]);
        assert!(!directives(Some("kube_client::client::builder=error")).contains(&failures.to_owned()));
    }
}
