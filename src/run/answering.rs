//! The settings of answers, put together: what is answered to whom, and who takes note.

use super::policy::{SecretError, limiter, policy};
use super::query_lines;
use super::transfers;
use crate::config::{DnstapMessage, DnstapSettings, Settings};
use crate::server::{
    Answering, Dnstap, DnstapCounts, Identity, Messages, QueryLog, QueryLogCounts, write_dnstap,
};
use std::sync::Arc;

/// Those of settings; what has not changed since the `last` ones goes on: counts of networks, secrets of this process
/// alone, the thread that writes lines.
pub(super) fn answering(
    settings: &Settings,
    last: Option<(&Settings, &Answering)>,
    counts: (&Arc<QueryLogCounts>, &Arc<DnstapCounts>),
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
            let (queries, lines) = QueryLog::new(one_in, log.per_second, Arc::clone(counts.0));
            query_lines::write(lines).map(|()| Arc::new(queries))
        }),
    };
    let dnstap = match last_server.filter(|(last, _)| last.dnstap == server.dnstap) {
        Some((_, last)) => last.dnstap.clone(),
        None => dnstap(&server.dnstap, counts.1),
    };
    let (journal, notified) =
        (transfers::journal(&settings.transfer), transfers::notified(&settings.transfer, &policy.keys));
    Ok(Answering { policy, limiter, queries, dnstap, journal, notified })
}

/// Notes for the collector, where there is one, and the thread that sends them.
fn dnstap(settings: &DnstapSettings, counts: &Arc<DnstapCounts>) -> Option<Arc<Dnstap>> {
    let socket = settings.socket.clone()?;
    let messages = Messages {
        queries: settings.messages.contains(&DnstapMessage::AuthQuery),
        responses: settings.messages.contains(&DnstapMessage::AuthResponse),
    };
    let version = settings.version.as_deref().unwrap_or(concat!("rosterd ", env!("CARGO_PKG_VERSION")));
    let identity = Identity {
        identity: settings.identity.as_deref().unwrap_or_default().to_owned(),
        version: version.to_owned(),
    };
    let (dnstap, seen) = Dnstap::new(settings.one_in, settings.per_second, messages, Arc::clone(counts));
    write_dnstap(seen, socket, messages, identity, Arc::clone(counts)).map(|()| Arc::new(dnstap))
}
