//! What is served: RRsets made from sets, the zones they stand in, and the snapshot that answers read.
//!
//! [`SnapshotWriter`] takes the roster's changes and publishes a [`Snapshot`]; a change costs what it changed, and a
//! publication shares everything else with the one before. [`ZoneReader`] reads master files, whose zones stand beside the
//! generated ones. A [`Snapshot`] says which zone a name falls into, what
//! stands there, and copies its RRs. It knows nothing of sockets, messages or time: times are passed in.

mod apex;
mod arpa;
mod at_once;
mod chunk;
mod chunks;
mod holders;
mod hosts;
mod look_up;
mod master;
mod master_file;
mod node;
mod ordered;
mod oversize;
mod peer_tree;
mod place;
mod pod_tree;
mod readiness;
mod refusals;
mod reverse_tree;
mod rr;
mod rr_list;
mod rrset;
mod same;
mod serial;
mod set;
mod sharded;
mod snapshot;
mod static_table;
mod static_zone;
mod target;
#[cfg(test)]
mod tests;
mod transfer;
mod walk;
mod writer;

pub use at_once::{AtOnce, Whole};
pub use hosts::HostAddresses;
pub use look_up::{LookUp, LookedUp, RecordText};
pub use master::{Cause, Fault, INCLUDE_DEPTH_MAX, Included, OCTETS_MAX, Position, RECORDS_MAX};
pub use master_file::record_text;
pub use node::{Found, Node, Redirection, Referral};
pub use oversize::Oversize;
pub use place::{CountedZones, ZonePlace};
pub use rr_list::Copied;
pub use rrset::{Additional, Rrset, Target, Targets};
pub use serial::next_serial;
pub use snapshot::{Snapshot, ZoneRef};
pub use static_zone::{StaticZone, ZoneReader};
pub use transfer::{
    Difference, Journal, JournalLimits, Kept, NotRestored, NotTransferable, Records, Step, TransferZone,
    catalog,
};
pub use writer::{Put, SnapshotWriter, ZoneConfig, ZoneConfigError};

/// How pod names are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodNames {
    /// Addresses that a watched object holds.
    Verified,
    /// Any address below any legal namespace label.
    Insecure,
    /// There is no pod zone.
    Disabled,
}
