//! The running server, until it is asked to end. With manifests: first data, then sockets, then changes. With a cluster:
//! sockets first, since names that wait for a list say so.

use super::answering::answering;
use super::board::{Board, Served};
use super::cluster::{ClusterError, pods, watches};
use super::generation::{Begin, Generation, Lasting, Prepared};
use super::latency::Latency;
use super::load::{LoadError, empty, first};
use super::log::{self, Verbosity};
use super::one_line::OneLine;
use super::panics;
use super::policy::SecretError;
use super::published::Published;
use super::questions::Questions;
use super::reload::{Again, Change, Making, Step, refused};
use super::saving::Keeper;
use super::signals::{Asked, SIGTERM, Signals};
use super::summary::{bounded, scope};
use super::watching::Cluster;
use super::writer::Reader;
use crate::admin::{self, Admin, Doors, Listeners, World};
use crate::config::{AdminSettings, Effective, Settings, Source, StateSettings};
use crate::server::{
    Current, CurrentSnapshot, Notifier, Server, ServerConfig, StartError, TcpLimits, TransferLimits,
    UdpOptions,
};
use crate::source::saved::Directory;
use crate::zone::PodNames;
use arc_swap::ArcSwap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};

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
/// that, without being ready, so that it is asked no more. On SIGHUP, and where their file changes, settings are read again.
pub fn serve(effective: Effective, again: Again) -> Result<(), ServeError> {
    let started = Instant::now();
    let settings = &effective.settings;
    let verbosity = log::start(&settings.log);
    panics::count(settings.log.format);
    let signals = Signals::listen()?;
    let board = Board::new(&effective, verbosity.clone());
    let lasting = Lasting { latency: Arc::new(Latency::new()), progress: Arc::default() };
    let directory = settings.state.directory.clone().map(Directory::new);
    let running = Running { effective, signals, board, lasting, verbosity, directory };
    match running.effective.settings.source() {
        None => Err(LoadError::NoSource.into()),
        Some(Source::Manifests(_)) => running.manifests(again),
        Some(Source::Kubeconfig { .. } | Source::InCluster) => running.cluster(started, again),
    }
}

/// A program that serves, or is about to.
struct Running {
    /// The settings in force.
    effective: Effective,
    signals: Signals,
    board: Arc<Board>,
    lasting: Lasting,
    verbosity: Verbosity,
    /// Where state is kept, until somebody does that.
    directory: Option<Directory>,
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
        self.wait(started, again, "manifests or zone files are not followed any more")
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
        self.wait(started, again, defect)
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
        let answering = answering(settings, None, (&self.board.queries, &self.board.dnstap))?;
        let published = Published::new(prepared.pipeline.current(), answering);
        let current = published.current();
        let server = Server::start(
            &server_config(settings),
            CurrentSnapshot { current: Arc::clone(&current), journal: Arc::default() },
        )?;
        for address in server.local_addresses() {
            tracing::info!("listening on {address} (UDP and TCP)");
        }
        let mut generation = prepared.begin(Some(published), &self.lasting)?;
        self.board.watches(generation.take_watched());
        let reader = generation.reader();
        let questions = Questions::answer(reader.clone())?;
        let (observer, progress) = (server.observer(), Arc::clone(&self.lasting.progress));
        let changed = Arc::clone(&progress.changed);
        let notifier = Notifier::start(Arc::clone(&current), changed, server.local_addresses())?;
        self.board.serves(Served { observer, current: Arc::clone(&current), progress, questions });
        Ok(Started { server, generation, reader, current, notifier })
    }

    /// Waits for the end, and makes what settings say otherwise meanwhile.
    fn wait(mut self, started: Started, again: Again, defect: &'static str) -> Result<(), ServeError> {
        let Started { server, mut generation, reader, current, notifier: _notifier } = started;
        let Again { before, load } = again;
        let state = Arc::new(ArcSwap::from_pointee(self.effective.settings.state.clone()));
        let keeper = self.directory.take().map(|directory| {
            Keeper::start(directory, reader.clone(), Arc::clone(&state), Arc::clone(&self.board.writes))
        });
        let keeper = keeper.transpose()?;
        // As many as wait are one.
        let (told, mut file) = mpsc::channel(1);
        let _following = before.map(|before| before.follow(told.clone())).transpose()?;
        let mut making: Option<Making> = None;
        let end = loop {
            let step = async {
                match &mut making {
                    Some(making) => making.step().await,
                    None => std::future::pending().await,
                }
            };
            let happened = self.signals.any_or(async {
                tokio::select! {
                    biased;
                    _ = &mut generation.ended => Happened::Ended,
                    _ = file.recv() => Happened::FileChanged,
                    step = step => Happened::Step(step),
                }
            });
            let cause = match happened {
                Asked::End(signal) => break Some(signal),
                Asked::Other(Happened::Ended) => break None,
                Asked::Other(Happened::Step(step)) => {
                    let next = match (step, making.take()) {
                        (Step::Complete(_), Some(mut made))
                            if made.misses(self.board.served_plans().as_deref()) =>
                        {
                            made.again(self.board.served_plans(), &self.lasting);
                            Some(made)
                        }
                        (Step::Complete(next), Some(made)) => {
                            next.succeed(&generation, &reader, Arc::clone(&made.answering));
                            // The former threads end here, and what they had is freed.
                            generation = *next;
                            generation.free();
                            self.takes_over(&mut generation, made.change, &state);
                            None
                        }
                        (Step::Failed(why), making) => {
                            refused(&self.board.reloads, why.as_slice());
                            making
                        }
                        (Step::Again, Some(mut again)) => {
                            again.again(self.board.served_plans(), &self.lasting);
                            Some(again)
                        }
                        (_, None) => None,
                    };
                    making = next;
                    continue;
                }
                Asked::Reload => "SIGHUP",
                Asked::Other(Happened::FileChanged) => "the file has changed",
            };
            tracing::info!("settings: read again ({cause})");
            // Whatever was being made for settings that are none any more ends here.
            making = None;
            let answers = Arc::clone(&current.load().answering);
            let read = load().map(|read| Change::new(&self.effective, &read));
            let change = read.and_then(|change| {
                let last = Some((&self.effective.settings, &*answers));
                let answering =
                    answering(&change.effective.settings, last, (&self.board.queries, &self.board.dnstap));
                Ok((change, Arc::new(answering.map_err(|error| vec![error.to_string()])?)))
            });
            match change {
                Err(why) => refused(&self.board.reloads, &why),
                Ok((change, answering)) if change.concerns_zones() => {
                    change.tell_kept();
                    self.board.reloads.behind.store(true, Ordering::Relaxed);
                    let served = self.board.served_plans();
                    making = Some(Making::begin(change, answering, served, &self.lasting));
                }
                Ok((change, answering)) => {
                    change.tell_kept();
                    generation.answer_by(answering);
                    self.in_force(change, &state);
                }
            }
        };
        self.board.ends();
        drop(making);
        if let Some(signal) = end {
            let lameduck = self.effective.settings.server.lameduck;
            // Who presses Ctrl-C waits for the end.
            if signal == SIGTERM && !lameduck.is_zero() {
                tracing::info!("{signal}: not ready any more, answering for another {lameduck:?}");
                self.signals.pause(lameduck, &mut generation.ended);
            }
            tracing::info!("{signal}: ending");
        }
        server.shutdown();
        drop((keeper, generation));
        end.map_or(Err(ServeError::SourceEnded(defect)), |_| Ok(()))
    }

    /// A generation has come to be the one that is served, with other settings.
    fn takes_over(&mut self, generation: &mut Generation, change: Change, state: &ArcSwap<StateSettings>) {
        let watched = generation.take_watched();
        // Never shown to wait for a cluster that it does not know, which would be not ready.
        if watched.is_some() {
            self.board.watches(watched);
            self.in_force(change, state);
        } else {
            self.in_force(change, state);
            self.board.watches(None);
        }
    }

    /// A change has been made.
    fn in_force(&mut self, change: Change, state: &ArcSwap<StateSettings>) {
        let (level, new) = (self.effective.settings.log.level, &change.effective.settings);
        if new.log.level != level {
            self.verbosity.set_unless_told(new.log.level);
        }
        state.store(Arc::new(new.state.clone()));
        self.board.shows(&change.effective);
        change.done(&self.board.reloads);
        self.effective = change.effective;
    }
}

/// What has come, beside signals.
enum Happened {
    /// Nobody follows the source any more: what is served would grow old without a word.
    Ended,
    FileChanged,
    Step(Step),
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
struct Started {
    server: Server,
    generation: Generation,
    /// What looks at the generation in use.
    reader: Reader,
    current: Arc<ArcSwap<Current>>,
    /// Tells secondaries of changes as long as it is there.
    notifier: Notifier,
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
    let transfers = TransferLimits { at_once: settings.transfer.at_once, time: settings.transfer.time };
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
