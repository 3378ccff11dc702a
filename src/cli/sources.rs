//! Gathers what settings are made from.

use super::arguments::SettingArguments;
use crate::config::{File, FileError, Sources};
use std::path::Path;

/// Where Kubernetes tells a pod its namespace.
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// The file, read in this way, the environment, the flags and the namespace that rosterd runs in.
pub(super) fn gather(
    arguments: &SettingArguments,
    read: fn(&Path) -> Result<File, FileError>,
) -> Result<Sources, FileError> {
    Ok(Sources {
        file: arguments.config.as_deref().map(read).transpose()?,
        environment: std::env::vars_os().collect(),
        flags: arguments.flags(),
        own_namespace: own_namespace(std::env::var("POD_NAMESPACE").ok(), Path::new(NAMESPACE_FILE)),
    })
}

/// Whether the environment has any settings.
pub(super) fn environment_has_some() -> bool {
    std::env::vars_os().any(|(name, _)| name.to_str().is_some_and(|name| name.starts_with("ROSTERD__")))
}

/// What the downward API was asked to set, else what every pod with a service account is told.
fn own_namespace(variable: Option<String>, file: &Path) -> Option<String> {
    let known = |text: &String| !text.is_empty();
    let from_file = || Some(std::fs::read_to_string(file).ok()?.trim().to_owned()).filter(known);
    variable.filter(known).or_else(from_file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_goes_before_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("namespace");
        let none = folder.path().join("none");
        std::fs::write(&file, "from-file\n").unwrap();
        let variable = |text: &str| Some(text.to_owned());
        for (set, path, expected) in [
            (variable("from-variable"), &file, Some("from-variable")),
            (variable(""), &file, Some("from-file")),
            (None, &file, Some("from-file")),
            (variable("from-variable"), &none, Some("from-variable")),
            (None, &none, None),
        ] {
            assert_eq!(own_namespace(set, path).as_deref(), expected);
        }
    }
}
