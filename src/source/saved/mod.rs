//! What was known when the program last ran: the last complete state of a source, kept in a file and replayed at a start.
//!
//! A [`Mirror`] follows the events of a source and holds its objects, encoded; an [`Image`] of it is taken in no time and
//! written at leisure. A file is whole or is not there: it is written beside its place, flushed and renamed. [`Saved`] is
//! what was read back, down to the last octet: it yields the events of each watch as if they had just been told.
//!
//! Other files can lie beside it, of a [`Form`] of their own.
//!
//! Knows nothing of who saves when, or of what a serial means.

mod failure;
mod file;
mod form;
mod image;
mod mirror;
mod object;
mod objects;
mod octets;
mod read;
#[cfg(test)]
mod tests;

pub use failure::{ReadError, WriteError};
pub use file::{Directory, FILE};
pub use form::Form;
pub use image::{Fingerprint, Image};
pub use mirror::Mirror;
pub use read::{Saved, SavedWatch};
