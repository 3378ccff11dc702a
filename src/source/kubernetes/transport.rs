//! Failures below HTTP: what an error of the client means.

use super::failure::Failure;
use kube::client::AuthError;
use std::error::Error;
use std::io;

/// A request got no answer.
pub(super) fn unanswered(error: &kube::Error) -> Failure {
    let (mut words, mut tls, mut broken) = (String::new(), false, false);
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(error) = cause.downcast_ref::<AuthError>() {
            return Failure::Credentials(credentials(error));
        }
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            // rustls's connector says this of every error of its own.
            tls |= error.kind() == io::ErrorKind::InvalidData;
            broken |= matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof
            );
        }
        words = cause.to_string();
        next = below(cause);
    }
    match (tls, broken) {
        (true, _) => Failure::Tls(words),
        (false, true) => Failure::Cut(words),
        (false, false) => Failure::Connection(words),
    }
}

/// A body ended before its end.
pub(super) fn cut(error: &kube::Error) -> Failure {
    let mut cause: &(dyn Error + 'static) = error;
    while let Some(below) = below(cause) {
        cause = below;
    }
    Failure::Cut(cause.to_string())
}

/// What an error is made of. `source` of an [`io::Error`] passes over what it wraps.
fn below<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// The most octets that are repeated of what an exec plugin wrote to its standard error.
const COMPLAINT_MAX: usize = 500;

/// The words of an error of credentials. An exec plugin's environment, its arguments (kube's own words have both) and what
/// it printed as its result may be secrets and are not among them, but what it wrote to its standard error is.
pub(super) fn credentials(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecStart(error) => {
            format!("the exec plugin cannot be started: {error}; is it installed, and in PATH?")
        }
        AuthError::AuthExecRun { out, .. } => {
            let complaint = out.stderr.get(..COMPLAINT_MAX).unwrap_or(&out.stderr);
            let complaint = String::from_utf8_lossy(complaint);
            let complaint = complaint.trim();
            let between = if complaint.is_empty() { "" } else { ": " };
            format!("the exec plugin failed with {}{between}{complaint}", out.status)
        }
        AuthError::AuthExecParse(_) => "the exec plugin's output is no ExecCredential".to_owned(),
        AuthError::InvalidBearerToken(_) => {
            "the token holds what no token can, such as a line end".to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{ExitStatus, Output};

    fn service(error: impl Into<Box<dyn Error + Send + Sync>>) -> kube::Error {
        kube::Error::Service(error.into())
    }

    #[test]
    fn errors_of_the_client_become_causes() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let words = refused.to_string();
        assert_eq!(unanswered(&service(refused)), Failure::Connection(words));
        let certificate = io::Error::new(io::ErrorKind::InvalidData, "UnknownIssuer");
        assert_eq!(
            unanswered(&service(io::Error::other(certificate))),
            Failure::Tls("UnknownIssuer".to_owned())
        );
        let reset = io::Error::new(io::ErrorKind::ConnectionReset, "gone");
        assert_eq!(unanswered(&service(io::Error::other(reset))), Failure::Cut("gone".to_owned()));
        assert_eq!(
            cut(&service(io::Error::other(io::Error::other("in a chunk")))),
            Failure::Cut("in a chunk".to_owned())
        );
    }

    #[test]
    fn what_an_exec_plugin_was_given_and_printed_is_not_repeated() {
        let failed = |stderr: &[u8]| {
            let status = ExitStatus::from_raw(256);
            let output = Output { status, stdout: b"token: secret".to_vec(), stderr: stderr.to_vec() };
            let cmd = "PASSWORD=\"secret\" \"login\" \"--secret\"".to_owned();
            let error = AuthError::AuthExecRun { cmd, out: Box::new(output) };
            unanswered(&service(kube::Error::Auth(error))).to_string()
        };
        assert_eq!(
            failed(b" expired login\n"),
            "no credentials (the exec plugin failed with exit status: 1: expired login)"
        );
        assert!(failed(&b"x".repeat(100_000)).len() < 1_000);
    }
}
