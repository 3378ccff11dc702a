//! What each target of the fuzzer does with its input, and what must hold of the outcome. A target fails by panicking.
//!
//! Knows nothing of the fuzzer: `targets/` has one line for each module here.

#![forbid(unsafe_code)]

pub mod answer;
pub mod bodies;
pub mod events;
pub mod https;
pub mod manifest;
mod message;
pub mod protobuf;
pub mod settings;
pub mod stream;
pub mod transfer;
pub mod tsig;
mod world;
pub mod zone;
