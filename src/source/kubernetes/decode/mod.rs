//! From octets of the API server to the roster's objects.
//!
//! Bodies are taken apart as they arrive, object by object: at no time is more in memory than one object, whatever a
//! page holds. Of an object only what is used is read. One that does not parse is [`Decoded::Broken`], never a failure
//! of those beside it.

mod encoding;
mod lenient;
mod line;
mod list;
mod members;
mod object;
mod protobuf;
mod reason;
mod value;

#[cfg(test)]
mod tests;

pub use encoding::Encoding;
pub(super) use encoding::{ACCEPT, Events, ListBody};
pub(super) use line::{Status, WatchEvent};
pub(super) use list::{ListError, ListMetadata};
pub(super) use object::Decoded;
pub(super) use protobuf::refused;

/// The most octets of one object. etcd takes requests of at most 1.5 MiB (`--max-request-bytes`), in Protobuf: what is
/// larger than several times that in JSON is no object.
pub(super) const OBJECT_MAX: usize = 8 << 20;
