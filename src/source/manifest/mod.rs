//! Manifests: what `kubectl get endpoints,endpointslices -o yaml|json` prints, or the like written by hand.
//!
//! [`parse`] turns a text into endpoint objects, all of them or none.

mod error;
mod json;
mod node;
mod parse;
mod yaml;

pub use error::{Format, ParseCause, ParseError, Position};
pub use parse::{Parsed, parse};
