//! The admin's HTTP, asked as probes, Prometheus and people ask it, and as nobody should.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod against;
mod api;
#[path = "../support/api_server.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod api_server;
#[path = "../support/client.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod client;
mod commands;
mod ending;
mod exposition;
mod flood;
mod hostile;
mod http;
mod log;
mod metrics;
mod page;
mod probes;
#[path = "../support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;
mod scene;
mod terminal;
