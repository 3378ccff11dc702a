//! Octets on the wire: names, and the codecs of messages.
//!
//! A leaf: it knows nothing of zones, peers, sockets or settings. Every reader takes bytes that are hostile until
//! parsed and returns an error by cause; none panics, recurses or does work beyond the size of its input.

mod ede;
mod edns;
mod header;
mod name;
mod query_name;
mod question;
mod record;
mod record_type;

pub use ede::{Ede, ExtendedError};
pub use edns::{Edns, EdnsError, EdnsOption, EdnsOptions, MalformedEdns, OPT_LEN, Opt, UDP_SIZE_MIN};
pub use header::{Flags, HEADER_LEN, Header, Opcode, Rcode};
pub use name::{LABEL_MAX, Labels, NAME_MAX, Name, NameError};
pub use query_name::{QueryName, QueryNameError};
pub use question::{Question, QuestionError};
pub use record::Record;
pub use record_type::{Class, MnemonicError, RecordType};
