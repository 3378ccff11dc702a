//! The running server: first data, then sockets, then changes, until it is asked to end.

use super::load::{First, LoadError, first};
use super::log;
use super::notices::Notices;
use super::one_line::OneLine;
use super::pipeline::{Pipeline, pods};
use super::policy::{self, SecretError};
use super::published::Published;
use super::signals::{End, Signals};
use super::summary::scope;
use crate::config::{ServerSettings, Settings};
use crate::server::{CurrentSnapshot, Server, ServerConfig, StartError, TcpLimits};
use crate::source::manifest::Batch;
use crate::zone::PodNames;
use std::io;
use std::ops::ControlFlow;
use std::time::Instant;
use tokio::sync::oneshot;

/// Why serving did not begin, or ended without being asked to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// There is nothing to serve.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The secrets of cookies cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// It cannot be served.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The system refuses threads or descriptors.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
    /// It began, and cannot go on.
    #[error(
        "manifests are not followed any more, because of a defect in this program; it ends so that it can be restarted"
    )]
    SourceEnded,
}

/// Serves until SIGTERM or SIGINT, then answers what has arrived and returns.
pub fn serve(settings: &Settings) -> Result<(), ServeError> {
    log::start();
    let signals = Signals::listen()?;
    let policy = policy::policy(&settings.server)?;
    let First { manifests, pipeline, summary } = first(settings)?;
    for notice in &summary.notices {
        tracing::warn!("{}", OneLine(notice));
    }
    for line in scope(&pipeline.counts()) {
        tracing::info!("{}", OneLine(line));
    }
    if pods(settings) == PodNames::Insecure {
        tracing::info!(
            "pod names are answered for any address, without knowing the pods (pods = \"insecure\")"
        );
    }
    let published = Published::new(pipeline.current());
    let limiter = policy::limiter(&settings.server.rate_limit);
    let responder = CurrentSnapshot { snapshot: published.current(), policy, limiter };
    let server = Server::start(&server_config(&settings.server), responder)?;
    let (alive, source) = oneshot::channel();
    let mut writer = Writer { pipeline, published, notices: Notices::default(), _alive: alive };
    let following = manifests.follow(move |batch| {
        writer.take(batch);
        ControlFlow::Continue(())
    })?;
    for address in server.local_addresses() {
        tracing::info!("listening on {address} (UDP and TCP)");
    }
    let end = signals.wait(source);
    if let End::Signal(signal) = end {
        tracing::info!("{signal}: ending");
    }
    server.shutdown();
    drop(following);
    match end {
        End::Signal(_) => Ok(()),
        End::Source => Err(ServeError::SourceEnded),
    }
}

fn server_config(settings: &ServerSettings) -> ServerConfig {
    let cpus = || std::thread::available_parallelism().map_or(1, usize::from);
    ServerConfig {
        listen: settings.listen.clone(),
        workers: settings.workers.unwrap_or_else(cpus),
        udp_max: settings.udp_max,
        tcp: TcpLimits {
            max_connections: settings.tcp.max_connections,
            max_connections_per_address: settings.tcp.max_connections_per_address,
            idle_timeout: settings.tcp.idle_timeout,
            read_timeout: settings.tcp.read_timeout,
            write_timeout: settings.tcp.write_timeout,
        },
    }
}

/// The one place where data changes: on the thread that follows the source.
#[derive(Debug)]
struct Writer {
    pipeline: Pipeline,
    published: Published,
    notices: Notices,
    /// Dropped with the thread, however that ends.
    _alive: oneshot::Sender<()>,
}

impl Writer {
    fn take(&mut self, batch: Batch) {
        // Readers of the last snapshot but one have long gone; those of the last one need microseconds.
        self.published.free();
        self.pipeline.take(batch.events);
        if let Some(snapshot) = self.pipeline.publish() {
            self.published.put(snapshot);
        }
        for report in batch.reports {
            if report.is_warning() {
                tracing::warn!("{}", OneLine(&report));
            } else {
                tracing::info!("{}", OneLine(&report));
            }
        }
        let notices = self.pipeline.take_notices();
        let lines = self.notices.lines(notices.iter().map(|notice| (notice.kind(), notice)), Instant::now());
        for line in lines {
            tracing::warn!("{}", OneLine(line));
        }
        for oversize in self.pipeline.take_oversize() {
            tracing::warn!("{oversize}");
        }
    }
}
