//! Where endpoint objects come from: manifest files, followed when they change, the Kubernetes API, watched, and what was
//! known when the program last ran, replayed.
//!
//! A source yields [`crate::roster::Event`]s, per watch, and knows nothing of DNS. What an object is reduced to stands
//! in `convert`, how files are followed in `files`, the same for every source; what had to be left out of objects is said as [`Notice`]s.

mod convert;
pub(crate) mod files;
pub mod kubernetes;
pub mod manifest;
mod notice;
pub mod saved;

pub use files::Following;
pub use notice::{Notice, Oddity};
