//! From octets of the API server to the roster's objects.
//!
//! Bodies are taken apart as they arrive, object by object: at no time is more in memory than one object, whatever a
//! page holds. Of an object only what is used is read. One that does not parse is [`Decoded::Broken`], never a failure
//! of those beside it.

mod lenient;
mod line;
mod list;
mod members;
mod object;
mod reason;
mod value;

#[cfg(test)]
mod tests;

pub(super) use line::{Lines, Status, WatchEvent, watch_event};
pub(super) use list::{ListBody, ListError, ListMetadata};
pub(super) use object::{Decoded, decode};

/// The most octets of one object. etcd takes requests of at most 1.5 MiB (`--max-request-bytes`), in Protobuf: what is
/// larger than several times that in JSON is no object.
pub(super) const OBJECT_MAX: usize = 8 << 20;
