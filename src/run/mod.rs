//! Wires the parts: settings to a source, its events to the roster, the roster's changes to the zone, its snapshots to
//! the server. Knows nothing of the parts' insides.
//!
//! Start order: settings, the first versions of everything, sockets, changes. Nothing is answered before the first
//! data is whole.

mod advertise;
mod load;
mod log;
mod notices;
mod one_line;
mod pipeline;
mod policy;
mod published;
mod serve;
mod signals;
mod summary;

pub use load::{LoadError, Loaded, load_once};
pub use one_line::OneLine;
pub use policy::SecretError;
pub use serve::{ServeError, serve};
pub use summary::{SetSummary, Summary, counted, idle};
