//! Master files (RFC 1035 5): text in, records with their places out, and everything that is wrong at once.
//!
//! No I/O: what `$INCLUDE` names is read by a function that the caller passes in. hickory-proto's parser knows no places
//! and stops at the first error, that of NLnet Labs' `domain` crate stops there too and keeps no place of a record; both
//! leave out of the checks what only a whole zone shows. So this one is our own: types are tables of fields, which read,
//! check and write their data alike.

mod data;
mod error;
pub(super) mod fields;
mod lexer;
pub(super) mod location;
mod reader;
pub(super) mod svcb;
pub(super) mod text;

pub use error::{Cause, Fault, Position};
pub(super) use reader::{Contents, FAULTS_MAX, Place, Record, read};
pub use reader::{INCLUDE_DEPTH_MAX, Included, OCTETS_MAX, RECORDS_MAX};
