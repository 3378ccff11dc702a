//! `rosterd serve`: runs the server.

use super::Failure;
use crate::config::Settings;
use crate::run;

/// Serves until the server is told to end.
pub(super) fn serve(settings: &Settings) -> Result<(), Failure> {
    if settings.manifests.is_empty() {
        return Err(Failure::NoSource);
    }
    run::serve(settings).map_err(|error| Failure::Failed(error.to_string()))
}
