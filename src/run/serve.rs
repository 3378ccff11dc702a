//! The running server, until it is asked to end. With manifests: first data, then sockets, then changes. With a cluster:
//! sockets first, since names that wait for a list say so.

use super::cluster::{ClusterError, pods};
use super::load::{Empty, First, LoadError, empty, first};
use super::log;
use super::one_line::OneLine;
use super::pipeline::Pipeline;
use super::policy::{self, SecretError};
use super::published::Published;
use super::signals::{End, Signals};
use super::summary::{bounded, scope};
use super::watching::Cluster;
use super::writer::Writer;
use crate::config::{Manifest, ServerSettings, Settings, Source};
use crate::server::{CurrentSnapshot, Server, ServerConfig, StartError, TcpLimits};
use crate::source::manifest;
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
    #[error("{0}, because of a defect in this program; it ends so that it can be restarted")]
    SourceEnded(
        /// What does not happen any more.
        &'static str,
    ),
}

/// Serves until SIGTERM or SIGINT, then answers what has arrived and returns.
pub fn serve(settings: &Settings) -> Result<(), ServeError> {
    let started = Instant::now();
    let verbosity = log::start(&settings.log);
    let signals = Signals::listen()?;
    match settings.source() {
        None => Err(LoadError::NoSource.into()),
        Some(Source::Manifests(manifests)) => serve_manifests(settings, manifests, signals),
        Some(Source::Kubeconfig { .. } | Source::InCluster) => serve_cluster(settings, started, signals),
    }
}

fn serve_manifests(settings: &Settings, manifests: &[Manifest], signals: Signals) -> Result<(), ServeError> {
    let First { manifests, pipeline, summary, zone_files } = first(settings, manifests)?;
    warn(&summary.notices);
    tell(bounded(zone_files.loaded.clone(), "`rosterd zone` prints every zone"));
    tell(scope(&pipeline.counts()));
    let Started { server, mut writer, ended } = Started::new(settings, pipeline)?;
    let zones = zone_files.follow(&writer)?;
    let following = manifests.follow(move |batch| {
        let manifest::Batch { events, reports } = batch;
        writer.take(events, reports.into_iter().map(|report| (report.is_warning(), report)));
        ControlFlow::Continue(())
    })?;
    wait(server, (following, zones), signals, ended, "manifests or zone files are not followed any more")
}

fn serve_cluster(settings: &Settings, started: Instant, mut signals: Signals) -> Result<(), ServeError> {
    let Empty { mut pipeline, warnings, zone_files } = empty(settings)?;
    tell(bounded(zone_files.loaded.clone(), "`rosterd zone` prints every zone"));
    pipeline.before_first();
    warn(&warnings);
    let found = match signals.or(find(settings.clone())?) {
        Ok(found) => found.ok_or(ServeError::SourceEnded("the Kubernetes API was not found"))?,
        Err(signal) => {
            tracing::info!("{signal}: ending");
            return Ok(());
        }
    };
    let cluster = found.map_err(LoadError::Cluster)?.ok_or(LoadError::NoSource)?;
    let Started { server, writer, ended } = Started::new(settings, pipeline)?;
    let zones = zone_files.follow(&writer)?;
    let watching = cluster.watch(writer, started)?;
    let defect = "the Kubernetes API is not watched, or zone files are not followed, any more";
    wait(server, (watching, zones), signals, ended, defect)
}

/// Looks for the cluster beside: a program that gives credentials, or a file that is a pipe, may keep it waiting for ever.
fn find(settings: Settings) -> io::Result<oneshot::Receiver<Result<Option<Cluster>, ClusterError>>> {
    let (sender, found) = oneshot::channel();
    std::thread::Builder::new().name("connect".to_owned()).spawn(move || {
        // Nobody waits any more where the program ends.
        let _ = sender.send(Cluster::find(&settings));
    })?;
    Ok(found)
}

/// A server that answers, and the one that changes what it answers.
struct Started {
    server: Server,
    writer: Writer,
    /// Closed when the writer is gone.
    ended: oneshot::Receiver<()>,
}

impl Started {
    /// Opens the sockets and answers from what the pipeline holds.
    fn new(settings: &Settings, pipeline: Pipeline) -> Result<Started, ServeError> {
        if pods(settings) == PodNames::Insecure {
            tracing::info!(
                "pod names are answered for any address, without knowing the pods (pods = \"insecure\")"
            );
        }
        let published = Published::new(pipeline.current());
        let policy = policy::policy(&settings.server)?;
        let limiter = policy::limiter(&settings.server.rate_limit);
        let responder = CurrentSnapshot { snapshot: published.current(), policy, limiter };
        let server = Server::start(&server_config(&settings.server), responder)?;
        for address in server.local_addresses() {
            tracing::info!("listening on {address} (UDP and TCP)");
        }
        let (writer, ended) = Writer::new(pipeline, published);
        Ok(Started { server, writer, ended })
    }
}

/// Waits for the end; `changes` is what follows the source, until it is dropped.
fn wait<T>(
    server: Server,
    changes: T,
    signals: Signals,
    ended: oneshot::Receiver<()>,
    defect: &'static str,
) -> Result<(), ServeError> {
    let end = signals.wait(ended);
    if let End::Signal(signal) = end {
        tracing::info!("{signal}: ending");
    }
    server.shutdown();
    drop(changes);
    match end {
        End::Signal(_) => Ok(()),
        End::Source => Err(ServeError::SourceEnded(defect)),
    }
}

fn tell(lines: Vec<String>) {
    for line in lines {
        tracing::info!("{}", OneLine(line));
    }
}

fn warn(notices: &[String]) {
    for notice in notices {
        tracing::warn!("{}", OneLine(notice));
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
