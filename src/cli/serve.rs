//! `rosterd serve`: runs the server.

use super::arguments::SettingArguments;
use super::{Failure, load, load_by};
use crate::config::File;
use crate::run::{self, Again, Before, ServeError};

/// Serves until the server is told to end. Settings are read again, with the same flags, when it is asked to.
pub(super) fn serve(arguments: &SettingArguments) -> Result<(), Failure> {
    let before = arguments.config.as_deref().map(Before::reading);
    let effective = load(arguments)?;
    let arguments = arguments.clone();
    let load = move || {
        load_by(&arguments, File::read_again).map_err(|failure| match failure {
            Failure::Settings(errors) => errors.to_string().lines().map(str::to_owned).collect(),
            Failure::Failed(error) | Failure::Unreachable(error) => vec![error],
            Failure::NoSource => vec!["there is nothing to read peers from".to_owned()],
            Failure::NotReady | Failure::Different => Vec::new(),
        })
    };
    run::serve(effective, Again { before, load: Box::new(load) }).map_err(|error| match error {
        ServeError::Load(error) => error.into(),
        error => Failure::Failed(error.to_string()),
    })
}
