//! `rosterd serve`: runs the server.

use super::Failure;
use crate::config::Effective;
use crate::run::{self, ServeError};

/// Serves until the server is told to end.
pub(super) fn serve(settings: &Effective) -> Result<(), Failure> {
    run::serve(settings).map_err(|error| match error {
        ServeError::Load(error) => error.into(),
        error => Failure::Failed(error.to_string()),
    })
}
