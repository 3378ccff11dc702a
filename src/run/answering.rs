//! The settings of answers, put together: what is answered to whom, and who takes note.

use super::policy::{SecretError, limiter, policy};
use super::query_lines;
use super::transfers;
use crate::config::Settings;
use crate::server::{Answering, QueryLog, QueryLogCounts};
use std::sync::Arc;

/// Those of settings; what has not changed since the `last` ones goes on: counts of networks, secrets of this process
/// alone, the thread that writes lines.
pub(super) fn answering(
    settings: &Settings,
    last: Option<(&Settings, &Answering)>,
    counts: &Arc<QueryLogCounts>,
) -> Result<Answering, SecretError> {
    let server = &settings.server;
    let last_server = last.map(|(settings, answering)| (&settings.server, answering));
    let mut policy = policy(server, &settings.transfer)?;
    let same_cookies = |(last, _): &(&crate::config::ServerSettings, _)| {
        last.cookies == server.cookies && server.cookies.secret_file.is_none()
    };
    if let Some((_, last)) = last_server.filter(same_cookies) {
        policy.cookies.clone_from(&last.policy.cookies);
    }
    let limiter = match last_server.filter(|(last, _)| last.rate_limit == server.rate_limit) {
        Some((_, last)) => last.limiter.clone(),
        None => limiter(&server.rate_limit).map(Arc::new),
    };
    let log = settings.log.queries;
    let queries = match last.filter(|(last, _)| last.log.queries == log) {
        Some((_, last)) => last.queries.clone(),
        None => log.one_in.and_then(|one_in| {
            let (queries, lines) = QueryLog::new(one_in, log.per_second, Arc::clone(counts));
            query_lines::write(lines).map(|()| Arc::new(queries))
        }),
    };
    let (journal, notified) =
        (transfers::journal(&settings.transfer), transfers::notified(&settings.transfer, &policy.keys));
    Ok(Answering { policy, limiter, queries, journal, notified })
}
