//! The server as other programs see it: dig, kdig and drill, Erlang's resolver and distribution, Elixir.
//!
//! Behind the feature `interop`, because it needs these programs: `.ci/run` installs them and turns the feature on. Where
//! one is missing its tests fail.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot set itself up has failed"
)]

mod beam;
#[path = "../support/client.rs"]
mod client;
mod cluster;
mod dig;
mod drill;
mod erlang;
mod kdig;
mod last_good;
mod libcluster;
#[path = "../support/rosterd.rs"]
mod rosterd;
mod schema;
mod transcript;
