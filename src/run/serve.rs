//! The running server, until it is asked to end. With manifests: first data, then sockets, then changes. With a cluster:
//! sockets first, since names that wait for a list say so.

use super::board::{Board, Served};
use super::cluster::{ClusterError, pods, watches};
use super::load::{Empty, First, LoadError, empty, first};
use super::log;
use super::one_line::OneLine;
use super::panics;
use super::pipeline::Pipeline;
use super::policy::{self, SecretError};
use super::published::Published;
use super::questions::Questions;
use super::signals::{End, SIGTERM, Signals};
use super::summary::{bounded, scope};
use super::watching::Cluster;
use super::writer::Writer;
use crate::admin::{self, Admin, Doors, Listeners, World};
use crate::config::{AdminSettings, Effective, Manifest, Settings, Source};
use crate::server::{CurrentSnapshot, Server, ServerConfig, StartError, TcpLimits, UdpOptions};
use crate::source::manifest;
use crate::zone::PodNames;
use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
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
    /// What is shown over HTTP cannot be.
    #[error(transparent)]
    Admin(#[from] admin::StartError),
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

/// Serves until SIGTERM or SIGINT, then answers what has arrived and returns. After SIGTERM it goes on for a while before
/// that, without being ready, so that it is asked no more.
pub fn serve(effective: &Effective) -> Result<(), ServeError> {
    let started = Instant::now();
    let settings = &effective.settings;
    let verbosity = log::start(&settings.log);
    panics::count(settings.log.format);
    let signals = Signals::listen()?;
    let source = settings.source();
    let cluster = matches!(source, Some(Source::Kubeconfig { .. } | Source::InCluster));
    let ready_when_stale = settings.admin.ready_when_stale;
    let board = Board::new(effective.show().to_string(), verbosity, ready_when_stale, cluster);
    let running = Running { settings, signals, board };
    match source {
        None => Err(LoadError::NoSource.into()),
        Some(Source::Manifests(manifests)) => running.manifests(manifests),
        Some(Source::Kubeconfig { .. } | Source::InCluster) => running.cluster(started),
    }
}

/// A program that serves, or is about to.
struct Running<'a> {
    settings: &'a Settings,
    signals: Signals,
    board: Arc<Board>,
}

impl Running<'_> {
    fn manifests(self, manifests: &[Manifest]) -> Result<(), ServeError> {
        let First { manifests, pipeline, summary, zone_files } = first(self.settings, manifests)?;
        warn(&summary.notices);
        tell(bounded(zone_files.loaded.clone(), "`rosterd zone` prints every zone"));
        tell(scope(&pipeline.counts()));
        let _admin = self.admin()?;
        let Started { server, mut writer, ended } = self.start(pipeline)?;
        let zones = zone_files.follow(&writer)?;
        let following = manifests.follow(move |batch| {
            let manifest::Batch { events, reports } = batch;
            writer.take(events, reports.into_iter().map(|report| (report.is_warning(), report)));
            ControlFlow::Continue(())
        })?;
        self.wait(server, (following, zones), ended, "manifests or zone files are not followed any more")
    }

    fn cluster(mut self, started: Instant) -> Result<(), ServeError> {
        let Empty { mut pipeline, warnings, zone_files } = empty(self.settings)?;
        tell(bounded(zone_files.loaded.clone(), "`rosterd zone` prints every zone"));
        pipeline.before_first();
        warn(&warnings);
        // Before the cluster is found, which may take for ever: probes hear of it.
        let _admin = self.admin()?;
        let found = match self.signals.or(&mut find(self.settings.clone())?) {
            Ok(found) => found.ok_or(ServeError::SourceEnded("the Kubernetes API was not found"))?,
            Err(signal) => {
                tracing::info!("{signal}: ending");
                return Ok(());
            }
        };
        let cluster = found.map_err(LoadError::Cluster)?.ok_or(LoadError::NoSource)?;
        let Started { server, writer, ended } = self.start(pipeline)?;
        let zones = zone_files.follow(&writer)?;
        let watching = cluster.watch(writer, started, &self.board)?;
        let defect = "the Kubernetes API is not watched, or zone files are not followed, any more";
        self.wait(server, (watching, zones), ended, defect)
    }

    /// Begins to show what the board has.
    fn admin(&self) -> Result<Admin, ServeError> {
        let listeners = |set: &Option<Vec<SocketAddr>>, otherwise: &[SocketAddr]| Listeners {
            addresses: set.clone().unwrap_or_else(|| otherwise.to_vec()),
            optional: set.is_none(),
        };
        let AdminSettings { listen, api, .. } = &self.settings.admin;
        let doors = Doors {
            probes: listeners(listen, &AdminSettings::LISTEN),
            api: listeners(api, &AdminSettings::API),
        };
        let admin = Admin::start(&doors, Arc::clone(&self.board) as Arc<dyn World>)?;
        for address in admin.probes() {
            tracing::info!("probes and metrics at http://{address}");
        }
        for address in admin.api() {
            tracing::info!("what is served, and why, at http://{address}");
        }
        Ok(admin)
    }

    /// Opens the sockets and answers from what the pipeline holds.
    fn start(&self, pipeline: Pipeline) -> Result<Started, ServeError> {
        let settings = self.settings;
        if pods(settings) == PodNames::Insecure {
            tracing::info!(
                "pod names are answered for any address, without knowing the pods (pods = \"insecure\")"
            );
        }
        let published = Published::new(pipeline.current());
        let snapshot = published.current();
        let policy = policy::policy(&settings.server)?;
        let limiter = policy::limiter(&settings.server.rate_limit);
        let responder = CurrentSnapshot { snapshot: Arc::clone(&snapshot), policy, limiter };
        let server = Server::start(&server_config(settings), responder)?;
        for address in server.local_addresses() {
            tracing::info!("listening on {address} (UDP and TCP)");
        }
        let (writer, ended) = Writer::new(pipeline, published);
        let questions = Questions::answer(writer.reader())?;
        let (observer, progress) = (server.observer(), writer.progress());
        self.board.serves(Served { observer, snapshot, progress, questions });
        Ok(Started { server, writer, ended })
    }

    /// Waits for the end; `changes` is what follows the source, until it is dropped.
    fn wait<T>(
        mut self,
        server: Server,
        changes: T,
        mut ended: oneshot::Receiver<()>,
        defect: &'static str,
    ) -> Result<(), ServeError> {
        let end = self.signals.wait(&mut ended);
        self.board.ends();
        if let End::Signal(signal) = end {
            let lameduck = self.settings.server.lameduck;
            // Who presses Ctrl-C waits for the end.
            if signal == SIGTERM && !lameduck.is_zero() {
                tracing::info!("{signal}: not ready any more, answering for another {lameduck:?}");
                self.signals.pause(lameduck, &mut ended);
            }
            tracing::info!("{signal}: ending");
        }
        server.shutdown();
        drop(changes);
        match end {
            End::Signal(_) => Ok(()),
            End::Source => Err(ServeError::SourceEnded(defect)),
        }
    }
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

/// Descriptors of one watch: its connection, and the one that takes its place while the former is not yet closed.
const DESCRIPTORS_OF_A_WATCH: usize = 2;

fn server_config(settings: &Settings) -> ServerConfig {
    let cpus = || std::thread::available_parallelism().map_or(1, usize::from);
    let descriptors_kept = watches(settings).len().saturating_mul(DESCRIPTORS_OF_A_WATCH);
    let settings = &settings.server;
    ServerConfig {
        descriptors_kept,
        listen: settings.listen.clone(),
        workers: settings.workers.unwrap_or_else(cpus),
        udp_max: settings.udp_max,
        udp: UdpOptions {
            batch: settings.udp.batch,
            receive_buffer: settings.udp.receive_buffer,
            send_buffer: settings.udp.send_buffer,
            pin: settings.udp.pin,
        },
        tcp: TcpLimits {
            max_connections: settings.tcp.max_connections,
            max_connections_per_address: settings.tcp.max_connections_per_address,
            idle_timeout: settings.tcp.idle_timeout,
            read_timeout: settings.tcp.read_timeout,
            write_timeout: settings.tcp.write_timeout,
        },
    }
}
