//! Settings: defaults, a TOML file, the environment and flags, merged and parsed into types that cannot be wrong.
//!
//! Knows nothing of sockets or of Kubernetes. Every wrong setting is an error naming key, value and where it came
//! from; all of them are reported at once.

mod settings;

pub use settings::{Manifest, Pods, ServerSettings, Settings, TcpSettings};
