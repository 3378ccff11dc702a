//! `rosterd zone --from`: a zone as other servers have it, and in what two of them differ.

use super::{Failure, print};
use crate::run::{self, FetchError};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

/// The port of servers that name none.
const PORT: u16 = 53;

/// Prints the zone of one server, or in what those of two differ: then it fails.
pub(super) fn fetch(origin: &str, from: &[String], key: Option<&Path>) -> Result<(), Failure> {
    let wrong = |why: String| Failure::Failed(why);
    let apex = origin.parse().map_err(|error| wrong(format!("--origin {origin:?}: {error}")))?;
    let servers = from.iter().map(|text| address(text)).collect::<Result<Vec<_>, _>>()?;
    let zone = |server: &SocketAddr| {
        run::fetch(*server, &apex, key).map_err(|error| match error {
            FetchError::System { .. } => Failure::Unreachable(error.to_string()),
            error => wrong(error.to_string()),
        })
    };
    match &servers[..] {
        [one] => {
            let zone = zone(one)?;
            print::results(|out| {
                writeln!(out, "; zone {apex} of {one}")?;
                writeln!(out, "$ORIGIN {apex}")?;
                writeln!(out, "{}", zone.soa)?;
                zone.records.iter().try_for_each(|record| writeln!(out, "{record}"))
            })
        }
        [one, other] => {
            let (here, there) = (zone(one)?, zone(other)?);
            print::results(|out| {
                writeln!(out, "--- {one} serial {}", here.serial)?;
                writeln!(out, "+++ {other} serial {}", there.serial)?;
                for record in here.records.difference(&there.records) {
                    writeln!(out, "-{record}")?;
                }
                for record in there.records.difference(&here.records) {
                    writeln!(out, "+{record}")?;
                }
                let same = here.records.intersection(&there.records).count();
                writeln!(out, "{same} records are the same")
            })?;
            if here.records == there.records { Ok(()) } else { Err(Failure::Different) }
        }
        _ => Err(wrong("--from: wants one server, or two that are compared".to_owned())),
    }
}

fn address(text: &str) -> Result<SocketAddr, Failure> {
    let address = text.parse::<SocketAddr>().ok();
    let address = address.or_else(|| Some(SocketAddr::new(text.parse::<IpAddr>().ok()?, PORT)));
    address.ok_or_else(|| {
        Failure::Failed(format!(
            "--from {text:?}: no address; such as 192.0.2.53, 127.0.0.1:5300 or [::1]:5300"
        ))
    })
}
