//! DNS over TLS, HTTPS and QUIC, by clients in this process: what they are answered, what bounds them, and that the answers
//! are those of TCP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod authority;
mod bad_clients;
mod clients;
#[path = "../support/echo.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod echo;
mod limits;
mod program;
#[path = "../support/query.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod query;
#[path = "../support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd_process;
mod server;
