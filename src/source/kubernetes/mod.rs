//! The Kubernetes API: endpoint objects listed, then watched, through every fault that an API server can show.
//!
//! One watch per resource and namespace, or one for all namespaces. Each yields the same events as a manifest; what a
//! person is told are `Report`s. Lists are read from the cluster's quorum and staged by the roster until they are
//! complete; a watch that breaks is resumed where it stood; one that cannot be is listed again.

#![expect(dead_code, unused_imports, reason = "the parts come one after the other")]

mod connect;
mod decode;
mod plan;
mod readiness;
mod standin;

pub use connect::{ConnectError, Connection};
pub use plan::{Wanted, WatchPlan, knows_all_pods, plans};
pub use readiness::{Readiness, Unsynced, longest_silence};
pub use standin::{Arrival, Batch, Health, Options, Report, State, WatchHealth, run};
