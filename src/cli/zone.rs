//! `rosterd zone`: what would be served, as master files.

use super::{Failure, print};
use crate::config::Settings;
use crate::run;
use std::fmt::Display;

/// Prints every zone, or the one with this origin.
pub(super) fn zone(settings: &Settings, origin: Option<&str>) -> Result<(), Failure> {
    let loaded = run::load_once(settings)?;
    print::warnings(&loaded.summary().notices);
    let Some(origin) = origin else {
        return print::results(|out| {
            for (index, (origin, text)) in loaded.zones().enumerate() {
                let gap = if index == 0 { "" } else { "\n" };
                write!(out, "{gap}{}", file(origin, &text))?;
            }
            Ok(())
        });
    };
    let wanted = origin.parse().ok();
    let Some((origin, text)) = loaded.zones().find(|(zone, _)| Some(*zone) == wanted.as_ref()) else {
        let served: Vec<String> = loaded.zones().map(|(zone, _)| zone.to_string()).collect();
        let served = served.join(", ");
        return Err(Failure::Failed(format!("no zone is called {origin:?}; there are {served}")));
    };
    print::results(|out| write!(out, "{}", file(origin, &text)))
}

/// A zone as a file: a comment for people, and the origin for programs that read it (RFC 1035 5.1).
fn file(origin: &dyn Display, text: &str) -> String {
    format!("; zone {origin}\n$ORIGIN {origin}\n{text}")
}
