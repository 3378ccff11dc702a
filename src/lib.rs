//! rosterd: peer discovery by plain DNS.
//!
//! Data flows one way, and the folders are the stations it passes:
//!
//! ```text
//!  Kubernetes API ─┐
//!                  ├─ source ──events──▶ roster ──changes──▶ zone ──snapshot──▶ answer ◀─bytes─▶ server
//!  manifest files ─┘  (I/O)             (pure)              (pure)              (pure)            (I/O)
//! ```
//!
//! [`wire`], [`roster`], [`zone`] and [`answer`] are pure: time, client address and rotation are values that
//! callers pass in. `tests/architecture.rs` holds the modules to these directions.

pub mod admin;
pub mod answer;
pub mod cli;
pub mod config;
pub mod roster;
pub mod run;
pub mod server;
pub mod source;
pub mod wire;
pub mod zone;
