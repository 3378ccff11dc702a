//! The running server, until it is asked to end. With manifests: first data, then sockets, then changes. With a cluster:
//! sockets first, since names that wait for a list say so.

use super::answering::answering;
use super::attempts::Attempts;
use super::board::{Board, Served};
use super::certificates::{self, CertificateError, Encrypted};
use super::cluster::{ClusterError, pods, watches};
use super::generation::{Begin, Generation, Lasting, Prepared};
use super::journal::KeptJournal;
use super::latency::Latency;
use super::load::{LoadError, empty, first};
use super::log::{self, Verbosity};
use super::one_line::OneLine;
use super::panics;
use super::policy::SecretError;
use super::published::Published;
use super::questions::Questions;
use super::reload::Again;
use super::serving::Serving;
use super::signals::Signals;
use super::summary::{bounded, scope};
use super::watching::Cluster;
use super::writer::Reader;
use crate::admin::{self, Admin, Doors, Listeners, World};
use crate::config::{AdminSettings, Effective, Settings, Source};
use crate::server::{
    Current, CurrentSnapshot, Notifier, Server, ServerConfig, StartError, TcpLimits, TransferLimits,
    UdpOptions,
};
use crate::source::Following;
use crate::source::saved::Directory;
use crate::zone::PodNames;
use arc_swap::ArcSwap;
use std::io;
use std::net::SocketAddr;
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
    /// There is no certificate for encrypted transports.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
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
/// that, without being ready, so that it is asked no more. On SIGHUP, and where their file changes, settings are read again.
pub fn serve(effective: Effective, again: Again) -> Result<(), ServeError> {
    let started = Instant::now();
    let settings = &effective.settings;
    let verbosity = log::start(&settings.log);
    panics::count(settings.log.format);
    let signals = Signals::listen()?;
    let board = Board::new(&effective, verbosity.clone());
    let lasting = Lasting {
        latency: Arc::new(Latency::new()),
        progress: Arc::default(),
        attempts: Attempts::default(),
    };
    let directory = settings.state.directory.clone().map(Directory::new);
    let running = Running { effective, signals, board, lasting, verbosity, directory };
    match running.effective.settings.source() {
        None => Err(LoadError::NoSource.into()),
        Some(Source::Manifests(_)) => running.manifests(again),
        Some(Source::Kubeconfig { .. } | Source::InCluster) => running.cluster(started, again),
    }
}

/// A program that serves, or is about to.
pub(super) struct Running {
    /// The settings in force.
    pub(super) effective: Effective,
    pub(super) signals: Signals,
    pub(super) board: Arc<Board>,
    pub(super) lasting: Lasting,
    pub(super) verbosity: Verbosity,
    /// Where state is kept, until somebody does that.
    pub(super) directory: Option<Directory>,
}

impl Running {
    fn manifests(self, again: Again) -> Result<(), ServeError> {
        let Some(Source::Manifests(manifests)) = self.effective.settings.source() else {
            return Err(LoadError::NoSource.into());
        };
        let first = first(&self.effective.settings, manifests)?;
        warn(&first.summary.notices);
        tell(bounded(first.zone_files.loaded.clone(), "`rosterd zone` prints every zone"));
        tell(scope(&first.pipeline.counts()));
        let prepared = Prepared::of_manifests(&self.effective, first, self.directory.as_ref());
        let _admin = self.admin()?;
        let started = self.start(prepared)?;
        Serving::begin(self, started, again)?.go_on("manifests or zone files are not followed any more")
    }

    fn cluster(mut self, started: Instant, again: Again) -> Result<(), ServeError> {
        let mut empty = empty(&self.effective.settings)?;
        tell(bounded(empty.zone_files.loaded.clone(), "`rosterd zone` prints every zone"));
        empty.pipeline.before_first();
        warn(&empty.warnings);
        // Before the cluster is found, which may take for ever: probes hear of it.
        let _admin = self.admin()?;
        let found = match self.signals.or(&mut find(self.effective.settings.clone())?) {
            Ok(found) => found.ok_or(ServeError::SourceEnded("the Kubernetes API was not found"))?,
            Err(signal) => {
                tracing::info!("{signal}: ending");
                return Ok(());
            }
        };
        let cluster = found.map_err(LoadError::Cluster)?.ok_or(LoadError::NoSource)?;
        let begin = Begin { started, state: self.directory.as_ref(), complete: None };
        let prepared = Prepared::of_cluster(&self.effective, empty, cluster, &self.lasting, begin);
        let started = self.start(prepared)?;
        let defect = "the Kubernetes API is not watched, or zone files are not followed, any more";
        Serving::begin(self, started, again)?.go_on(defect)
    }

    /// Begins to show what the board has.
    fn admin(&self) -> Result<Admin, ServeError> {
        let listeners = |set: &Option<Vec<SocketAddr>>, otherwise: &[SocketAddr]| Listeners {
            addresses: set.clone().unwrap_or_else(|| otherwise.to_vec()),
            optional: set.is_none(),
        };
        let AdminSettings { listen, api, .. } = &self.effective.settings.admin;
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

    /// Opens the sockets, answers from what there is, and follows the source.
    fn start(&self, prepared: Prepared) -> Result<Started, ServeError> {
        let settings = &self.effective.settings;
        if pods(settings) == PodNames::Insecure {
            tracing::info!(
                "pod names are answered for any address, without knowing the pods (pods = \"insecure\")"
            );
        }
        let encrypted = Encrypted::first(settings)?;
        let answering = answering(settings, None, (&self.board.queries, &self.board.dnstap))?;
        let published = Published::new(prepared.pipeline.current(), answering);
        let current = published.current();
        let journal = Arc::default();
        let responder = || CurrentSnapshot {
            current: Arc::clone(&current),
            journal: Arc::clone(&journal),
            transfers: Arc::clone(&self.board.transfers),
        };
        let kept = KeptJournal::new(Arc::clone(&journal), Arc::clone(&current));
        if let Some(directory) = &self.directory {
            kept.restore(directory);
        }
        let mut server = Server::start(&server_config(settings), responder())?;
        for address in server.local_addresses() {
            tracing::info!("listening on {address} (UDP and TCP)");
        }
        let encrypted = encrypted.map(|one| one.serve(settings, &mut server, responder()));
        let certificates = encrypted.transpose()?;
        let mut generation = prepared.begin(Some(published), &self.lasting)?;
        self.board.watches(generation.take_watched());
        let reader = generation.reader();
        let questions = Questions::answer(reader.clone())?;
        let (observer, progress) = (server.observer(), Arc::clone(&self.lasting.progress));
        let changed = Arc::clone(&progress.changed);
        self.board.serves(Served { observer, current: Arc::clone(&current), progress, questions });
        let notifier =
            Notifier::start(Arc::clone(&current), Arc::clone(&journal), changed, server.local_addresses())?;
        Ok(Started { server, generation, reader, current, journal: kept, notifier, certificates })
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

/// A server that answers, and what it answers from.
pub(super) struct Started {
    pub(super) server: Server,
    pub(super) generation: Generation,
    /// What looks at the generation in use.
    pub(super) reader: Reader,
    pub(super) current: Arc<ArcSwap<Current>>,
    /// What secondaries have been given, to be kept.
    pub(super) journal: KeptJournal,
    /// Tells secondaries of changes as long as it is there.
    pub(super) notifier: Notifier,
    /// Looks at the files of certificates as long as it is there.
    pub(super) certificates: Option<Following>,
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

/// Descriptors of all watches.
pub(super) fn descriptors_of_watches(settings: &Settings) -> usize {
    watches(settings).len().saturating_mul(DESCRIPTORS_OF_A_WATCH)
}

/// Limits of transfers over one kind of connections.
pub(super) fn transfer_limits(settings: &Settings) -> TransferLimits {
    TransferLimits { at_once: settings.transfer.at_once, time: settings.transfer.time }
}

fn server_config(settings: &Settings) -> ServerConfig {
    let cpus = || std::thread::available_parallelism().map_or(1, usize::from);
    let descriptors_kept =
        descriptors_of_watches(settings).saturating_add(certificates::descriptors(settings));
    let transfers = transfer_limits(settings);
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
            transfers,
        },
    }
}
