//! The command line: arguments in, results on standard output, errors and notes on standard error, an exit code.
//!
//! It gathers what settings are made from (file, environment, flags, the namespace it runs in), and hands the
//! settings to [`crate::run`]. Colour is for terminals; pipes, files and `NO_COLOR` get plain text.

mod against;
mod arguments;
mod ask;
mod check;
mod explain;
mod fetch;
mod manual;
mod pages;
mod print;
mod serve;
mod sources;
mod stanza;
mod status;
mod table;
mod terminal;
mod top;
mod zone;

use crate::config;
use crate::run::LoadError;
use arguments::{Arguments, Command, SettingArguments};
use clap::Parser;
use explain::Asked;
use std::path::Path;
use std::process::ExitCode;

/// Something failed while running, or the input (settings, manifests) is wrong.
const FAILED: u8 = 1;

/// The command line was not understood, says too little to begin, or names a server that does not answer.
const USAGE: u8 = 2;

/// What would be served, or is served elsewhere, is not what a running server serves.
const DIFFERENT: u8 = 3;

/// Runs the program.
///
/// Exit codes: 0 all is well, 1 something failed, the input is wrong or a server is not ready, 2 the command line was not
/// understood or names nothing to read, or a server does not answer, 3 settings would change what a server serves, or two servers differ.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version go to standard output and are no failure; a closed pipe is none either.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match run(&arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            print::failure(&failure, arguments.command.word());
            ExitCode::from(failure.code())
        }
    }
}

fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Serve(settings) => serve::serve(settings),
        Command::Check { show: true, settings, .. } => check::show(&load(settings)?),
        Command::Check { against: Some(url), output, settings, .. } => {
            against::against(&load(settings)?.settings, url, *output)
        }
        Command::Check { settings, .. } => {
            check::check(&load(settings)?, settings.are_given() || sources::environment_has_some())
        }
        Command::Zone { origin: Some(origin), from, key, .. } if !from.is_empty() => {
            fetch::fetch(origin, from, key.as_deref())
        }
        Command::Zone { origin, settings, .. } => zone::zone(&load(settings)?.settings, origin.as_deref()),
        Command::Status { url, output, sets } => status::status(url, *output, *sets),
        Command::Explain { asked, record_type, url, output, settings } => {
            let asked = Asked { name: asked, record_type: record_type.as_deref(), output: *output };
            match url {
                None if settings.are_given() => explain::offline(&load(settings)?.settings, asked),
                url => explain::online(url.as_deref().unwrap_or(ask::URL), asked),
            }
        }
        Command::Top { url, interval, count } => top::top(url, *interval, *count),
        Command::Completions { shell } => manual::completions(*shell),
        Command::Man { command } => manual::page(command.as_deref()),
        Command::Stanza { what, stanza, settings } => {
            stanza::stanza(&load(settings)?.settings, *what, stanza)
        }
    }
}

fn load(arguments: &SettingArguments) -> Result<config::Effective, Failure> {
    load_by(arguments, config::File::read)
}

/// Loads settings whose file is read in this way.
fn load_by(
    arguments: &SettingArguments,
    read: fn(&Path) -> Result<config::File, config::FileError>,
) -> Result<config::Effective, Failure> {
    let sources = sources::gather(arguments, read).map_err(|error| Failure::Failed(error.to_string()))?;
    config::load(&sources).map_err(Failure::Settings)
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
enum Failure {
    /// Wrong settings, one line for each.
    Settings(config::Errors),
    /// Anything else that failed: cause, and remedy where there is one. One line for each of several.
    Failed(String),
    /// No source of peers.
    NoSource,
    /// The server that was asked does not answer.
    Unreachable(String),
    /// The server that was asked is not ready, which has been shown.
    NotReady,
    /// Settings would change what a running server serves, or two servers differ, which has been shown.
    Different,
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Failure {
        match error {
            LoadError::NoSource => Failure::NoSource,
            error => Failure::Failed(error.to_string()),
        }
    }
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Failure::Settings(_) | Failure::Failed(_) | Failure::NotReady => FAILED,
            Failure::NoSource | Failure::Unreachable(_) => USAGE,
            Failure::Different => DIFFERENT,
        }
    }
}
