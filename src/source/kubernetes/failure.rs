//! What can go wrong between this server and the API server, by cause.

use super::decode::Status;
use std::fmt;
use std::time::Duration;

/// Why a list or a watch did not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nobody listens, no route, no such host.
    #[error("no connection to the API server ({0})")]
    Connection(String),
    /// The certificate is not trusted, or the peer speaks no TLS.
    #[error("no TLS connection to the API server ({0}); its CA must be the one that is configured")]
    Tls(String),
    /// The token file, or the program that the kubeconfig names for credentials.
    #[error("no credentials ({0})")]
    Credentials(String),
    /// The API server is silent, or says nothing to the point.
    #[error("the API server brings no {0}")]
    Timeout(Awaited),
    /// The connection ended in the middle of a body.
    #[error("the connection broke ({0})")]
    Cut(String),
    /// The watch ended as soon as it began.
    #[error("the API server ends the watch as soon as it begins")]
    Ended,
    /// The API server answered with an error.
    #[error("{0}")]
    Refused(Refusal),
    /// A revision is lower than one that is known.
    #[error("the API server offers revision {offered}, older than {known}, which is known")]
    TimeTravel {
        /// The highest known.
        known: u64,
        /// The one offered.
        offered: u64,
    },
    /// The API server's answer is not what the protocol says.
    #[error("the API server's answer cannot be read ({0})")]
    Malformed(String),
    /// An object is larger than any can be.
    #[error("the API server's answer cannot be read ({0})")]
    TooLarge(String),
}

/// What did not come in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// A connection, or the head of an answer.
    Answer(Duration),
    /// The next octets of a list.
    List(Duration),
    /// The end of a list, however many octets come.
    EndOfList(Duration),
    /// Events, or the end of the watch.
    Events(Duration),
}

/// An error that the API server tells, as an HTTP status or in a watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status code.
    pub status: u16,
    /// The server's words, cut to a length for people.
    pub message: Box<str>,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// The kinds of failures, for counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FailureKind {
    /// [`Failure::Connection`].
    Connection,
    /// [`Failure::Tls`].
    Tls,
    /// [`Failure::Credentials`].
    Credentials,
    /// [`Failure::Timeout`].
    Timeout,
    /// [`Failure::Cut`].
    Cut,
    /// [`Failure::Ended`].
    Ended,
    /// Status 401.
    Unauthorized,
    /// Status 403.
    Forbidden,
    /// Status 404.
    NotFound,
    /// Status 410.
    Gone,
    /// Status 429.
    TooManyRequests,
    /// Status 500 and above.
    Server,
    /// Any other status.
    Status,
    /// [`Failure::TimeTravel`].
    TimeTravel,
    /// [`Failure::Malformed`].
    Malformed,
    /// [`Failure::TooLarge`].
    TooLarge,
}

impl Failure {
    /// Which kind it is.
    pub fn kind(&self) -> FailureKind {
        match self {
            Failure::Connection(_) => FailureKind::Connection,
            Failure::Tls(_) => FailureKind::Tls,
            Failure::Credentials(_) => FailureKind::Credentials,
            Failure::Timeout(_) => FailureKind::Timeout,
            Failure::Cut(_) => FailureKind::Cut,
            Failure::Ended => FailureKind::Ended,
            Failure::Refused(refusal) => refusal.kind(),
            Failure::TimeTravel { .. } => FailureKind::TimeTravel,
            Failure::Malformed(_) => FailureKind::Malformed,
            Failure::TooLarge(_) => FailureKind::TooLarge,
        }
    }

    /// Whether it happens to every watch now and then, so that one alone is no news: histories are compacted, and
    /// connections end with the API server that held them.
    pub(super) fn is_ordinary(&self) -> bool {
        matches!(self.kind(), FailureKind::Gone | FailureKind::Cut | FailureKind::Ended)
    }

    /// Whether a watch that met it can go on from the revision it had reached.
    pub(super) fn is_resumable(&self) -> bool {
        match self.kind() {
            FailureKind::Connection
            | FailureKind::Tls
            | FailureKind::Credentials
            | FailureKind::Timeout
            | FailureKind::Cut
            | FailureKind::Ended
            | FailureKind::Unauthorized
            | FailureKind::Forbidden
            | FailureKind::TooManyRequests
            | FailureKind::Server => true,
            // The revision is refused, or something was lost.
            FailureKind::NotFound
            | FailureKind::Gone
            | FailureKind::Status
            | FailureKind::TimeTravel
            | FailureKind::Malformed
            | FailureKind::TooLarge => false,
        }
    }

    /// How long the server asks to be left alone.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Failure::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }
}

impl FailureKind {
    /// A word for it, as in a metric's label.
    pub fn as_str(self) -> &'static str {
        match self {
            FailureKind::Connection => "connection",
            FailureKind::Tls => "tls",
            FailureKind::Credentials => "credentials",
            FailureKind::Timeout => "timeout",
            FailureKind::Cut => "cut",
            FailureKind::Ended => "ended",
            FailureKind::Unauthorized => "unauthorized",
            FailureKind::Forbidden => "forbidden",
            FailureKind::NotFound => "not_found",
            FailureKind::Gone => "gone",
            FailureKind::TooManyRequests => "too_many_requests",
            FailureKind::Server => "server",
            FailureKind::Status => "status",
            FailureKind::TimeTravel => "time_travel",
            FailureKind::Malformed => "malformed",
            FailureKind::TooLarge => "too_large",
        }
    }
}

/// The most characters of the API server's words that are repeated.
const MESSAGE_MAX: usize = 300;

impl Refusal {
    pub(super) fn new(status: u16, message: &str, retry_after: Option<Duration>) -> Refusal {
        let cut = message.char_indices().nth(MESSAGE_MAX).and_then(|(end, _)| message.get(..end));
        let message = cut.map_or_else(|| message.into(), |cut| format!("{cut}…").into());
        Refusal { status, message, retry_after }
    }

    fn kind(&self) -> FailureKind {
        match self.status {
            401 => FailureKind::Unauthorized,
            403 => FailureKind::Forbidden,
            404 => FailureKind::NotFound,
            410 => FailureKind::Gone,
            429 => FailureKind::TooManyRequests,
            500.. => FailureKind::Server,
            _ => FailureKind::Status,
        }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Failure {
        // "Code: Suggested HTTP return code for this status, 0 if not set."
        let code = if status.code == 0 { 500 } else { status.code };
        let words = if status.message.is_empty() { &status.reason } else { &status.message };
        Failure::Refused(Refusal::new(code, words, None))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal { status, message, .. } = self;
        let what = match self.kind() {
            FailureKind::Unauthorized => "does not accept the credentials",
            FailureKind::Forbidden => "does not allow it",
            FailureKind::NotFound => "does not serve the resource",
            FailureKind::Gone => "has forgotten the revision",
            FailureKind::TooManyRequests => "has too many requests",
            FailureKind::Server => "fails",
            _ => "refuses the request",
        };
        write!(formatter, "the API server {what} ({status}")?;
        if !message.is_empty() {
            write!(formatter, ": {message}")?;
        }
        formatter.write_str(")")
    }
}

impl fmt::Display for Awaited {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, time) = match self {
            Awaited::Answer(time) => ("answer", time),
            Awaited::List(time) => ("more of the list", time),
            Awaited::EndOfList(time) => ("end of the list", time),
            Awaited::Events(time) => ("events and no end of the watch", time),
        };
        write!(formatter, "{what} for {} s", time.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_a_kind_and_say_what_they_mean() {
        for (status, kind, resumable, text) in [
            (400, FailureKind::Status, false, "the API server refuses the request (400: why)"),
            (
                401,
                FailureKind::Unauthorized,
                true,
                "the API server does not accept the credentials (401: why)",
            ),
            (403, FailureKind::Forbidden, true, "the API server does not allow it (403: why)"),
            (404, FailureKind::NotFound, false, "the API server does not serve the resource (404: why)"),
            (410, FailureKind::Gone, false, "the API server has forgotten the revision (410: why)"),
            (429, FailureKind::TooManyRequests, true, "the API server has too many requests (429: why)"),
            (500, FailureKind::Server, true, "the API server fails (500: why)"),
            (504, FailureKind::Server, true, "the API server fails (504: why)"),
        ] {
            let failure = Failure::Refused(Refusal::new(status, "why", None));
            assert_eq!(failure.kind(), kind);
            assert_eq!(failure.is_resumable(), resumable, "{status}");
            assert_eq!(failure.is_ordinary(), status == 410);
            assert_eq!(failure.to_string(), text);
        }
        assert_eq!(Refusal::new(503, "", None).to_string(), "the API server fails (503)");
    }

    #[test]
    fn a_status_in_a_watch_is_the_same_failure() {
        for (code, message, reason, expected) in [
            (410, "too old", "Expired", Refusal::new(410, "too old", None)),
            (0, "", "InternalError", Refusal::new(500, "InternalError", None)),
        ] {
            let status = Status { code, message: message.into(), reason: reason.into() };
            assert_eq!(Failure::from(status), Failure::Refused(expected));
        }
    }

    #[test]
    fn long_messages_are_cut_at_a_character() {
        let refusal = Refusal::new(500, &"ä".repeat(10_000), None);
        assert_eq!(refusal.message.chars().count(), MESSAGE_MAX + 1);
        assert!(refusal.message.ends_with('…'));
    }
}
