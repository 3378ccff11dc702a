//! Manifests: what `kubectl get endpoints,endpointslices -o yaml|json` prints, or the like written by hand.
//!
//! [`parse()`] turns a text into endpoint objects, all of them or none. [`load()`] reads the first versions of files,
//! folders and standard input; [`Manifests::follow`] follows them. One watch per file, each over all namespaces: a new
//! version is a `Reset`, its objects and `Synced`, equal content is no event. A version that is broken, or empty after
//! a full one, and a named file that is gone keep what is served and make the watch unreachable until it is good again.

mod error;
mod file;
mod folder;
mod follow;
mod json;
mod load;
mod node;
mod notifications;
mod parse;
mod report;
mod tracked;
mod yaml;

pub use error::{Format, ParseCause, ParseError, Position};
pub use file::MANIFEST_MAX;
pub use follow::{Batch, Following, Manifests};
pub use load::{Input, Loaded, load};
pub use parse::{Parsed, parse};
pub use report::{LoadError, ReadReport, Report, Trouble};
