//! A name that a person asks about, looked up in what is served.

use super::load::{LoadError, Loaded, load_once};
use crate::admin::{Explanation, LookUpError, RecordJson};
use crate::config::Settings;
use crate::roster::{ExplainPass, Subject};
use crate::zone::{LookUp, Snapshot};

/// Why a name is not explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// There is nothing to look at.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The question is wrong.
    #[error(transparent)]
    Asked(#[from] LookUpError),
}

/// Explains a name from what manifests or a cluster hold now. Returns what is odd about these too.
pub fn explain_once(
    settings: &Settings,
    asked: &str,
    record_type: Option<&str>,
) -> Result<(Explanation, Loaded), ExplainError> {
    let loaded = load_once(settings)?;
    let (records, peers) = Explanation::MOST;
    let (explanation, subject) = explanation(loaded.snapshot(), asked, record_type, records)?;
    let mut pass = ExplainPass::new(subject, peers);
    loop {
        if let Some(explained) = pass.go_on(loaded.roster()) {
            return Ok((explanation.with(explained), loaded));
        }
    }
}

/// What stands at a name, and whose name it is.
pub(super) fn explanation(
    snapshot: &Snapshot,
    asked: &str,
    record_type: Option<&str>,
    limit: usize,
) -> Result<(Explanation, Subject), LookUpError> {
    let record_type = record_type.map(str::parse).transpose();
    let record_type = record_type.map_err(|error| LookUpError::Type(format!("{error}")))?;
    let looked_up = snapshot.look_up(asked, record_type, limit);
    let looked_up =
        looked_up.map_err(|error| LookUpError::Name { name: asked.to_owned(), why: error.to_string() })?;
    let LookUp { name, zone, outcome, stale, records, more, subject } = looked_up;
    let (zone, serial) = zone.unzip();
    let records = records.into_iter().map(|record| RecordJson {
        record_type: record.rtype.to_string().into(),
        ttl: record.ttl,
        data: record.data,
    });
    let explanation = Explanation {
        name: name.to_string(),
        zone: zone.map(|zone| zone.to_string()),
        serial,
        rcode: outcome.rcode().into(),
        why: outcome.to_string(),
        stale,
        records: records.collect(),
        more_records: more,
        ..Explanation::default()
    };
    Ok((explanation, subject))
}
