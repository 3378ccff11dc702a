//! TSIG: messages signed with a key that both sides have (RFC 8945).
//!
//! [`Tsig`] is the record of a message, [`TsigKey`] verifies it and signs others. Time is passed in.

mod answers;
mod key;
mod record;
mod sign;

pub use answers::SignedAnswers;
pub use key::{TsigAlgorithm, TsigKey};
pub use record::Tsig;
pub use sign::{Mac, Signing, TsigFault, verify};
