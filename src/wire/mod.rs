//! Octets on the wire: names, and the codecs of messages.
//!
//! A leaf: it knows nothing of zones, peers, sockets or settings. Every reader takes bytes that are hostile until
//! parsed and returns an error by cause; none panics, recurses or does work beyond the size of its input.

// Numbers from the network are added here: where a sum might not fit, the code says what becomes of it.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod cookie;
mod ede;
mod edns;
mod header;
mod name;
mod opt;
mod pseudo;
mod query_name;
mod question;
mod record;
mod record_type;
mod tail;
mod tsig;

pub use cookie::{
    CLIENT_COOKIE_LEN, COOKIE_LEN, Cookie, CookieSecret, CookieSecretError, SERVER_COOKIE_LEN, ServerCookie,
};
pub use ede::{Ede, ExtendedError};
pub use edns::{Edns, EdnsOptions, UDP_SIZE_MIN};
pub use header::{Flags, HEADER_LEN, Header, Opcode, Rcode};
pub use name::{LABEL_MAX, Labels, NAME_MAX, Name, NameError};
pub use opt::{OPT_LEN, Opt, ZoneVersion};
pub use pseudo::{PseudoRecordError, PseudoRecords};
pub use query_name::{QueryName, QueryNameError};
pub use question::{Question, QuestionError};
pub use record::Record;
pub use record_type::{Class, MnemonicError, RecordType};
pub use tail::{Ending, Tail};
pub use tsig::{Mac, SignedAnswers, Signing, Tsig, TsigAlgorithm, TsigFault, TsigKey, verify};
