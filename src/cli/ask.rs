//! Asks a running server over HTTP.

use super::Failure;
use crate::admin::RefusalJson;
use crate::run::OneLine;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use std::io;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

/// Where a server's API is if nobody says otherwise: `admin.api`.
pub(super) const URL: &str = "http://127.0.0.1:9154";

/// How long an answer may take: a little longer than the server takes to say that it cannot give one.
const PATIENCE: Duration = Duration::from_secs(15);

/// Octets of the largest answer: a page of a thousand peers has less than one million.
const OCTETS_MAX: usize = 64 << 20;

/// The port of URLs that name none.
const PORT: u16 = 80;

/// Why a server does not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error("--url: {url:?} is no address of a server: {why}; such as {URL}")]
    Url { url: String, why: &'static str },
    #[error(
        "cannot reach a server at {url}: {error}. Is one running, with `admin.api` open there? That of a pod is reached by \
         `kubectl -n rosterd port-forward deployment/rosterd 9154`, another one by --url"
    )]
    Connect { url: String, error: io::Error },
    #[error("the server at {url} did not answer within {} s", PATIENCE.as_secs())]
    Late { url: String },
    #[error("what is at {url} does not speak as a server of rosterd does: {why}")]
    Foreign { url: String, why: String },
    #[error(
        "the server at {url} has no {path}: is it the address of `admin.api`, and is the server as new as this program?"
    )]
    NotFound { url: String, path: String },
    #[error("the server at {url} says: {}", OneLine(.says))]
    Refused { url: String, says: String },
    #[error("cannot ask: {0}")]
    System(#[from] io::Error),
}

impl From<AskError> for Failure {
    fn from(error: AskError) -> Failure {
        match error {
            // The question was wrong, not the way to the server.
            AskError::Refused { .. } => Failure::Failed(error.to_string()),
            error => Failure::Unreachable(error.to_string()),
        }
    }
}

/// A server that is asked.
pub(super) struct Server {
    url: String,
    host: String,
    port: u16,
    /// As the URL has it: host and port.
    authority: String,
    runtime: Runtime,
}

impl Server {
    /// The one at a URL. Nothing is asked yet.
    pub(super) fn at(url: &str) -> Result<Server, AskError> {
        let wrong = |why| AskError::Url { url: url.to_owned(), why };
        let uri: Uri = url.parse().map_err(|_| wrong("it cannot be read"))?;
        if uri.scheme_str() != Some("http") {
            return Err(wrong("it must begin with http://"));
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(wrong("nothing may stand behind the port"));
        }
        let authority = uri.authority().ok_or(wrong("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("a server asks for no password"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        Ok(Server {
            url: format!("http://{authority}"),
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(PORT),
            authority: authority.to_string(),
            runtime: Builder::new_current_thread().enable_all().build()?,
        })
    }

    /// What is at a path, as it came.
    pub(super) fn octets(&self, path: &str) -> Result<Bytes, AskError> {
        let late = || AskError::Late { url: self.url.clone() };
        let (status, body) = self
            .runtime
            .block_on(async { tokio::time::timeout(PATIENCE, self.get(path)).await.map_err(|_| late())? })?;
        if status == StatusCode::OK {
            return Ok(body);
        }
        if status == StatusCode::NOT_FOUND {
            return Err(AskError::NotFound { url: self.url.clone(), path: path.to_owned() });
        }
        let says = match serde_json::from_slice(&body) {
            Ok(RefusalJson { error, remedy }) if !error.is_empty() => format!("{error}; {remedy}"),
            _ => String::from_utf8_lossy(&body).trim().to_owned(),
        };
        let says = if says.is_empty() { status.to_string() } else { says };
        Err(AskError::Refused { url: self.url.clone(), says })
    }

    /// What is at a path, read.
    pub(super) fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, AskError> {
        self.parse(&self.octets(path)?)
    }

    /// Reads what came.
    pub(super) fn parse<T: DeserializeOwned>(&self, octets: &[u8]) -> Result<T, AskError> {
        serde_json::from_slice(octets).map_err(|error| self.foreign(error.to_string()))
    }

    async fn get(&self, path: &str) -> Result<(StatusCode, Bytes), AskError> {
        let refused = |error| AskError::Connect { url: self.url.clone(), error };
        let stream = TcpStream::connect((&*self.host, self.port)).await.map_err(refused)?;
        let spoken = |error: &dyn std::error::Error| self.foreign(error.to_string());
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| spoken(&error))?;
        let connection = tokio::spawn(connection);
        let request = Request::get(path).header(header::HOST, &self.authority).body(Empty::<Bytes>::new());
        let request = request.map_err(|error| spoken(&error))?;
        let answer = sender.send_request(request).await.map_err(|error| spoken(&error))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), OCTETS_MAX).collect().await;
        let body = body.map_err(|error| self.foreign(error.to_string()))?.to_bytes();
        connection.abort();
        Ok((status, body))
    }

    pub(super) fn foreign(&self, why: String) -> AskError {
        AskError::Foreign { url: self.url.clone(), why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_or_said_to_be_wrong() {
        for (url, host, port) in [
            ("http://127.0.0.1:9154", "127.0.0.1", 9154),
            ("http://localhost:9154/", "localhost", 9154),
            ("http://[::1]:9154", "::1", 9154),
            ("http://rosterd", "rosterd", 80),
        ] {
            let server = Server::at(url).unwrap();
            assert_eq!((&*server.host, server.port), (host, port), "{url}");
            assert_eq!(server.url, url.trim_end_matches('/'));
        }
        for (url, part) in [
            ("127.0.0.1:9154", "is no address of a server"),
            ("https://127.0.0.1", "must begin with http://"),
            ("http://127.0.0.1:9154/api/v1", "nothing may stand behind the port"),
            ("http://me:secret@host", "asks for no password"),
            ("", "is no address of a server"),
        ] {
            let error = Server::at(url).err().unwrap().to_string();
            assert!(error.contains(part), "{url}: {error}");
        }
    }
}
