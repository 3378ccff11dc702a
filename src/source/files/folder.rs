//! Folders of files, and the folders whose changes concern a file.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The link through which Kubernetes swaps the content of mounted ConfigMaps: the names in the folder are links into
/// it, and it is renamed over when the new content stands.
const SWAPPED: &str = "..data";

/// The files of these extensions in a folder, sorted: no names with a dot in front, no folders.
pub(super) fn paths(folder: &Path, extensions: &[&str]) -> std::io::Result<BTreeSet<PathBuf>> {
    let mut paths = BTreeSet::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        // A link that leads nowhere is a file that is missing, and one that may not be looked at is there.
        let usable = match path.metadata() {
            Ok(metadata) => metadata.is_file(),
            Err(error) => error.kind() != ErrorKind::NotFound || path.is_symlink(),
        };
        if extension.is_some_and(|extension| extensions.contains(&extension)) && !hidden && usable {
            paths.insert(path);
        }
    }
    Ok(paths)
}

/// The folder that a file stands in.
pub(super) fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Folder and name by which a file is written: its own, and those of what it links to.
pub(super) fn places(path: &Path) -> Vec<(PathBuf, OsString)> {
    let real = path.canonicalize().ok().filter(|real| real != path);
    let all = std::iter::once(path.to_owned()).chain(real);
    all.filter_map(|path| Some((parent(&path), path.file_name()?.to_owned()))).collect()
}

/// Which content is mounted in a folder, if it is one of that kind.
pub(super) fn generation(folder: &Path) -> Option<PathBuf> {
    std::fs::read_link(folder.join(SWAPPED)).ok()
}
