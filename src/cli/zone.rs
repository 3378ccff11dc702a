//! `rosterd zone`: what would be served, as master files.

use super::{Failure, print};
use crate::config::Settings;
use crate::run;

/// Prints every zone.
pub(super) fn zone(settings: &Settings) -> Result<(), Failure> {
    if settings.manifests.is_empty() {
        return Err(Failure::NoSource);
    }
    let loaded = run::load_once(settings).map_err(|error| Failure::Failed(error.to_string()))?;
    let notices = &loaded.summary().notices;
    print::warnings(notices);
    print::results(|out| {
        for (index, (origin, text)) in loaded.zones().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            // A comment for people, and the origin for programs that read the file (RFC 1035 5.1).
            write!(out, "{gap}; zone {origin}\n$ORIGIN {origin}\n{text}")?;
        }
        Ok(())
    })
}
