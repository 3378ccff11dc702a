//! The lists and watches of the Kubernetes source, against an API server that is a function below kube's own client: every
//! fault is scripted to the octet, and time is paused, so that minutes of waiting take no time.
//!
//! A test says what the API server answers to each request as it comes, and looks at what a real roster makes of the batches.
//! `World` holds after each batch that a list is visible whole or not at all.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod failures;
mod fake;
mod history;
mod lists;
mod model;
mod objects;
mod rights;
mod staleness;
mod streaming;
mod transport;
mod watches;
mod world;
