//! The layer of environment variables: `ROSTERD__SERVER__TTL` is `server.ttl`.

use super::error::{Error, Problem};
use super::key::{self, Key, ONE_TOPOLOGY};
use super::layer::Layer;
use super::origin::Origin;
use super::suggest::nearest;
use std::ffi::OsString;

/// What names of settings begin with. The second underscore tells them from the variables that Kubernetes makes for a
/// Service of this name (`ROSTERD_PORT`, `ROSTERD_SERVICE_HOST`).
pub const PREFIX: &str = "ROSTERD__";

/// Reads the variables that are settings; all others are none of ours.
pub(super) fn read(environment: &[(OsString, OsString)], errors: &mut Vec<Error>) -> Layer {
    let mut layer = Layer::default();
    let names: Vec<(String, String, &'static Key)> = names().collect();
    for (variable, value) in environment {
        let variable = variable.to_string_lossy();
        let origin = Origin::Environment(variable.clone().into_owned());
        if !variable.starts_with(PREFIX) {
            // One underscore too few.
            if let Some((name, ..)) = names.iter().find(|(name, ..)| single(name) == single(&variable)) {
                errors.push(Error {
                    origin,
                    key: String::new(),
                    value: None,
                    problem: Problem::NoSuchKey(Some(name.clone())),
                });
            }
            continue;
        }
        let known = names.iter().find(|(name, ..)| *name == variable);
        match (known, value.to_str()) {
            (Some((_, path, key)), Some(text)) => layer.read_text(key, path, text, &origin, errors),
            (Some((_, path, _)), None) => errors.push(Error {
                origin,
                key: path.clone(),
                value: Some(format!("{:?}", value.to_string_lossy())),
                problem: Problem::NotUtf8,
            }),
            (None, _) => {
                let written = variable.strip_prefix(PREFIX).unwrap_or_default();
                let candidates = names.iter().filter_map(|(name, ..)| name.strip_prefix(PREFIX));
                let meant = nearest(written, candidates).map(|name| format!("{PREFIX}{name}"));
                errors.push(Error {
                    origin,
                    key: written.split("__").map(str::to_lowercase).collect::<Vec<_>>().join("."),
                    value: Some(format!("{:?}", value.to_string_lossy())),
                    problem: Problem::NoSuchKey(meant),
                });
            }
        }
    }
    layer
}

/// A variable whose double underscores are single ones.
fn single(variable: &str) -> String {
    variable.replace("__", "_")
}

/// Every variable that is a setting, with the path of its setting.
fn names() -> impl Iterator<Item = (String, String, &'static Key)> {
    let root = key::ROOT.iter().map(|key| (key.path.to_owned(), key));
    let topology = key::TOPOLOGY.iter().map(|key| (format!("{ONE_TOPOLOGY}.{}", key.path), key));
    root.chain(topology).map(|(path, key)| {
        let name = format!("{PREFIX}{}", path.replace('.', "__").to_uppercase());
        (name, path, key)
    })
}
