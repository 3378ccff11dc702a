//! Octets on the wire: names, and the codecs of messages.
//!
//! A leaf: it knows nothing of zones, peers, sockets or settings. Every reader takes bytes that are hostile until
//! parsed and returns an error by cause; none panics, recurses or does work beyond the size of its input.

mod name;
mod query_name;
mod record_type;

pub use name::{LABEL_MAX, Labels, NAME_MAX, Name, NameError};
pub use query_name::{QueryName, QueryNameError};
pub use record_type::{Class, MnemonicError, RecordType};
