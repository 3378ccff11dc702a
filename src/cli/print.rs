//! What people see: results on standard output, the rest on standard error; colour only on a terminal.

use super::Failure;
use crate::run::OneLine;
use anstyle::{AnsiColor, Style};
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

/// What is wrong.
pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// What deserves a look.
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// What is as it should be.
pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Heads of tables, names of commands.
pub(super) const HEAD: Style = Style::new().bold();
/// What explains.
pub(super) const ASIDE: Style = Style::new().dimmed();

/// Writes results. A reader that has seen enough and went away is no failure.
pub(super) fn results(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(anstream::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Failed(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Says why a command of this name failed. Where standard error is gone, nobody is there to tell.
pub(super) fn failure(failure: &Failure, command: &str) {
    let mut err = anstream::stderr().lock();
    let _ = match failure {
        Failure::Settings(errors) => {
            errors.iter().try_for_each(|error| line(&mut err, ERROR, "error", error))
        }
        Failure::Failed(text) | Failure::Unreachable(text) => {
            text.lines().try_for_each(|text| line(&mut err, ERROR, "error", &text))
        }
        Failure::NoSource => no_source(&mut err, command),
        // It has been said in full.
        Failure::NotReady | Failure::Different => Ok(()),
    };
}

/// One line for people: `warning: ...`.
pub(super) fn line(out: &mut dyn Write, style: Style, word: &str, text: &dyn Display) -> io::Result<()> {
    writeln!(out, "{style}{word}:{style:#} {}", OneLine(text))
}

/// The two ways to peers, as arguments of the command that found none.
fn no_source(out: &mut dyn Write, command: &str) -> io::Result<()> {
    line(out, ERROR, "error", &"there is nothing to read peers from; there are two ways:")?;
    let (of, listen) = match command {
        "serve" => ("", " --listen 127.0.0.1:5300"),
        "explain" => (" myapp.default", ""),
        _ => ("", ""),
    };
    let such_as = |arguments: &str| format!("  rosterd {command}{of} {arguments}{listen}");
    let ways = [
        ("a cluster", "the one that rosterd runs in, as a pod; or from outside, such as".to_owned()),
        ("", such_as("--context kind-kind")),
        ("", such_as("--kubeconfig admin.conf")),
        ("manifests", "--manifest with a file, a folder or -, such as".to_owned()),
        ("", "  kubectl get endpoints,endpointslices -A -o yaml > endpoints.yaml".to_owned()),
        ("", such_as("--manifest endpoints.yaml")),
    ];
    ways.iter().try_for_each(|(way, text)| writeln!(out, "  {HEAD}{way:<9}{HEAD:#}  {text}"))
}

/// Says what should be known of a result that has no place for it.
pub(super) fn notes(notes: &[String]) {
    let mut err = anstream::stderr().lock();
    let _ = notes.iter().try_for_each(|note| writeln!(err, "{}", OneLine(note)));
}

/// Says what deserves a look, one line for each.
pub(super) fn warnings(notices: &[String]) {
    let mut err = anstream::stderr().lock();
    let _ = notices.iter().try_for_each(|notice| line(&mut err, WARNING, "warning", notice));
}
