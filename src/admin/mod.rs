//! HTTP for those who run the server: whether it lives and is ready, metrics, what is served and why.
//!
//! Two doors. [`Doors::probes`] has `/live`, `/ready` and `/metrics`, and tells nothing of single peers; [`Doors::api`] has
//! these too, and a page for people at `/`, `/config` and `/api/v1/…`, which name every peer and set the log's level: of
//! this host alone, unless it is opened.
//!
//! Promises: nothing that happens here touches answers to DNS queries. One thread of low priority serves all of it; connections,
//! octets and time of each are bounded; a panic ends a connection at most. Memory is bounded: lists come in pages, and
//! all readers of metrics share one text. What is shown comes from a [`World`], which the program implements; of
//! DNS messages it knows nothing.

mod answer;
mod api;
mod connection;
mod door;
mod explanation;
mod exposition;
pub(crate) mod figures;
mod guard;
mod json;
mod metrics;
mod page;
mod probes;
mod process;
mod pulse;
mod rates;
mod routes;
mod state;
mod status;
pub(crate) mod url;
mod world;
mod zones;

pub use door::BindError;
pub use explanation::Explanation;
pub use world::{
    Durations, LookUpError, Phase, Question, Ready, SavedState, Unavailable, Upkeep, World, ZoneState,
};

pub(crate) use answer::RefusalJson;
pub(crate) use explanation::{RecordJson, SetPeersJson};
pub(crate) use json::{EntryJson, PeerJson, PeersJson, SetJson, WatchJson, ZoneJson};
pub(crate) use rates::RateJson;
pub(crate) use status::{CountsJson, StatusJson};

use door::{Door, bind};
use state::State;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// Where it is listened, and for what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doors {
    /// Probes and metrics.
    pub probes: Listeners,
    /// Also the API.
    pub api: Listeners,
}

/// Addresses of one door.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listeners {
    /// Where.
    pub addresses: Vec<SocketAddr>,
    /// Whether an address that cannot be had is done without, with a warning: nobody asked for it.
    pub optional: bool,
}

/// Why it did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The system gave no thread or descriptor.
    #[error("cannot start the thread of the admin's HTTP: {0}")]
    Thread(#[from] io::Error),
}

/// The running HTTP side. Dropping it ends it at once.
#[derive(Debug)]
pub struct Admin {
    probes: Vec<SocketAddr>,
    api: Vec<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// How much less than others the thread gets where all want to run: a tenth of what one that answers queries does.
const NICENESS: i32 = 10;

impl Admin {
    /// Listens, and shows what `world` says.
    pub fn start(doors: &Doors, world: Arc<dyn World>) -> Result<Admin, StartError> {
        let (probes, api) = (bind(&doors.probes)?, bind(&doors.api)?);
        let addresses = |door: &[std::net::TcpListener]| -> io::Result<Vec<SocketAddr>> {
            door.iter().map(std::net::TcpListener::local_addr).collect()
        };
        let (stop, stopped) = oneshot::channel();
        let mut admin =
            Admin { probes: addresses(&probes)?, api: addresses(&api)?, stop: Some(stop), thread: None };
        if probes.is_empty() && api.is_empty() {
            return Ok(admin);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let thread = std::thread::Builder::new().name("admin".to_owned()).spawn(move || {
            // Of this thread alone, on Linux. Without it nothing but fairness is lost.
            let _ = rustix::process::setpriority_process(None, NICENESS);
            let state = State::new(world);
            runtime.block_on(async move {
                tokio::select! {
                    () = door::serve(probes, Door::Probes, Arc::clone(&state)) => {}
                    () = door::serve(api, Door::Api, Arc::clone(&state)) => {}
                    () = state.keep_watch() => {}
                    _ = stopped => {}
                }
            });
        })?;
        admin.thread = Some(thread);
        Ok(admin)
    }

    /// Where probes and metrics are, with the ports that were taken.
    pub fn probes(&self) -> &[SocketAddr] {
        &self.probes
    }

    /// Where the API is.
    pub fn api(&self) -> &[SocketAddr] {
        &self.api
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic has been printed.
            let _ = thread.join();
        }
    }
}
