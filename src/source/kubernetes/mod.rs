//! The Kubernetes API: endpoint objects listed, then watched, through every fault that an API server can show.
//!
//! One watch per resource and namespace, or one for all namespaces. Each yields the same events as a manifest; what a
//! person is told are [`Report`]s. Lists are read from the cluster's quorum and staged by the roster until they are
//! complete; a watch that breaks is resumed where it stood; one that cannot be is listed again.

mod backoff;
#[doc(hidden)]
pub mod bodies;
mod connect;
mod decode;
mod failure;
mod health;
mod listing;
mod message;
mod oddities;
mod plan;
mod readiness;
mod reflector;
mod report;
mod request;
mod resource;
mod revision;
mod run;
mod staleness;
mod stream;
mod transport;
mod troubles;
mod watching;

pub use connect::{ConnectError, Connection};
pub use failure::{Awaited, Failure, FailureKind, Refusal};
pub use health::{Health, State, WatchHealth};
pub use kube::Client;
pub use plan::{Wanted, WatchPlan, knows_all_pods, plans};
pub use readiness::{Patience, Readiness, Unsynced, longest_silence};
pub use report::{Report, Verb};
pub use run::{Arrival, Batch, Options, run};
