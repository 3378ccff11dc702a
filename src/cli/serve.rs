//! `rosterd serve`: runs the server.

use super::Failure;
use crate::config::Settings;
use crate::run::{self, ServeError};

/// Serves until the server is told to end.
pub(super) fn serve(settings: &Settings) -> Result<(), Failure> {
    run::serve(settings).map_err(|error| match error {
        ServeError::Load(error) => error.into(),
        error => Failure::Failed(error.to_string()),
    })
}
