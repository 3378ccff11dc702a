//! Settings: defaults, a TOML file, the environment and flags, merged and parsed into types that cannot be wrong.
//!
//! [`load`] is pure: the file's text, the environment and the flags are values in [`Sources`]. Each layer is read
//! strictly by the types that `key` declares, the `config` crate merges the layers, and `assemble` builds
//! [`Settings`] from the result. Every wrong setting is an [`Error`] naming key, value and where it came from; all of
//! them are reported at once, also those that another layer overrides.
//!
//! Knows nothing of sockets or of Kubernetes.

mod assemble;
mod conflicts;
mod difference;
mod environment;
mod error;
mod file;
mod flags;
mod key;
mod layer;
mod origin;
mod places;
mod settings;
mod show;
mod suggest;
mod values;

pub use difference::Difference;
pub use environment::PREFIX;
pub use error::{Error, Errors, Problem};
pub use file::{File, FileError};
pub use origin::{Origin, Origins};
pub use settings::{
    Access, AccessRule, AdminSettings, CookieSettings, DnstapMessage, DnstapSettings, KubernetesSettings,
    LogFormat, LogLevel, LogSettings, Manifest, Network, Pods, QueryLogSettings, RateLimitSettings,
    Secondary, ServerSettings, Settings, Source, StateSettings, TcpSettings, TlsSettings, TransferKey,
    TransferSettings, Transport, UdpSettings,
};
pub use show::{Show, ShowLine};
pub use values::{DURATION_MAX, DURATION_MIN, Invalid};

use layer::{Layer, Merged};
use std::ffi::OsString;

/// Where settings come from besides the defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The settings file.
    pub file: Option<File>,
    /// The environment, names and values. Only names that begin with [`PREFIX`] are settings.
    pub environment: Vec<(OsString, OsString)>,
    /// The flags that were given, each with its values in order: `("--listen", ["127.0.0.1:5300"])`.
    pub flags: Vec<(&'static str, Vec<String>)>,
    /// The namespace that rosterd runs in, which `"."` in `namespaces` stands for.
    pub own_namespace: Option<String>,
}

impl Sources {
    /// Whether the program runs in a Kubernetes cluster. Kubernetes, "Accessing the API from within a Pod": clients find
    /// the API server by `KUBERNETES_SERVICE_HOST`, which every container has.
    fn in_cluster(&self) -> bool {
        self.environment.iter().any(|(name, value)| name == "KUBERNETES_SERVICE_HOST" && !value.is_empty())
    }
}

/// The settings in force, and where each came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The settings.
    pub settings: Settings,
    /// The origin of each.
    pub origins: Origins,
}

/// Reads and merges all layers: flags over environment over file over defaults.
pub fn load(sources: &Sources) -> Result<Effective, Errors> {
    let mut errors = Vec::new();
    let layers = [
        defaults(&mut errors),
        sources.file.as_ref().map_or_else(Layer::default, |text| file::read(text, &mut errors)),
        environment::read(&sources.environment, &mut errors),
        flags::read(&sources.flags, &mut errors),
    ];
    let merged = match Merged::of(layers) {
        Ok(merged) => merged,
        Err(error) => {
            let problem = Problem::Merge(error.to_string());
            errors.push(Error { origin: Origin::Default, key: String::new(), value: None, problem });
            return Err(Errors::new(errors));
        }
    };
    let mut origins = Origins::default();
    let settings = assemble::settings(&merged, sources, &mut origins, &mut errors);
    match settings {
        Some(settings) => {
            conflicts::find(&settings, &origins, &mut errors);
            if errors.is_empty() { Ok(Effective { settings, origins }) } else { Err(Errors::new(errors)) }
        }
        None => Err(Errors::new(errors)),
    }
}

/// The lowest layer. Defaults of topologies are not part of it: each topology has its own.
fn defaults(errors: &mut Vec<Error>) -> Layer {
    let mut layer = Layer::default();
    for key in key::ROOT {
        if let Some(text) = key.default {
            layer.read_text(key, key.path, text, &Origin::Default, errors);
        }
    }
    layer
}

/// Every flag that is a setting, for the command line to define.
pub fn flag_names() -> impl Iterator<Item = &'static str> {
    key::ROOT.iter().chain(key::TOPOLOGY).filter_map(|key| key.flag)
}

#[cfg(test)]
mod tests;
