//! The layer of flags.

use super::error::{Error, Problem};
use super::key::{self, Key, Kind, ONE_TOPOLOGY};
use super::layer::{Layer, Scalar};
use super::origin::Origin;

/// Reads the flags that were given. A list has one element for each time its flag was given, with no separator in it.
pub(super) fn read(flags: &[(&'static str, Vec<String>)], errors: &mut Vec<Error>) -> Layer {
    let mut layer = Layer::default();
    for (flag, values) in flags {
        let origin = Origin::Flag((*flag).to_owned());
        let Some((path, key)) = setting(flag) else {
            errors.push(Error { origin, key: String::new(), value: None, problem: Problem::NoSuchKey(None) });
            continue;
        };
        if let Kind::List { .. } | Kind::Paths = key.kind {
            let elements = values.iter().map(|value| (value.clone(), origin.clone())).collect();
            layer.insert(key, &path, Scalar::List(elements), &origin, errors);
        } else {
            for value in values {
                layer.read_text(key, &path, value, &origin, errors);
            }
        }
    }
    layer
}

fn setting(flag: &str) -> Option<(String, &'static Key)> {
    let has = |key: &&Key| key.flag == Some(flag);
    let root = key::ROOT.iter().find(has).map(|key| (key.path.to_owned(), key));
    root.or_else(|| key::TOPOLOGY.iter().find(has).map(|key| (format!("{ONE_TOPOLOGY}.{}", key.path), key)))
}
