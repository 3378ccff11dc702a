//! The server as other programs see it: dig, kdig and drill, Erlang's resolver and distribution, Elixir; what
//! systemd and promtool say of what is shipped for them; and what strace sees of its workers.
//!
//! Behind the feature `interop`, because it needs these programs: `.ci/run` installs them and turns the feature on. Where
//! one is missing its tests fail.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot set itself up has failed"
)]

#[path = "../support/api_server.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod api_server;
mod beam;
#[path = "../support/client.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod client;
mod clock;
mod cluster;
mod dig;
mod dnstap;
mod drill;
mod encrypted;
mod erlang;
mod guide;
#[path = "../admin/http.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "shared with tests that use the rest")]
mod http;
mod kdig;
mod last_good;
mod libcluster;
mod manual;
mod options;
mod program;
mod prometheus;
#[path = "../support/query.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod query;
#[path = "../support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;
mod schema;
mod system_calls;
mod systemd;
mod transcript;
