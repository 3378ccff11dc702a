//! Files that are followed when they change, whatever they hold: what changed, and when a version counts.
//!
//! The kernel's notifications wake the one who looks; once a second it looks anyway. A version counts when it has stayed
//! the same for a moment and nobody is known to be writing it. What a version holds, and what becomes of one that cannot
//! be read, is for those who follow: manifests, and master files.

mod folder;
mod follow;
mod notifications;
mod set;
mod sighting;
mod version;

pub(crate) use follow::Follower;
pub use follow::Following;
pub(crate) use notifications::Notifications;
pub(crate) use set::{Files, Followed};
pub(crate) use sighting::{Identity, ReadFailure, Sighting, read_bounded, read_version};
pub(crate) use version::{SETTLE, Settled, Version};
