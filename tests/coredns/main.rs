//! The server behind real CoreDNS, which asks it by what `rosterd stanza` prints: what clients of CoreDNS see, also while
//! replicas end and come back.
//!
//! Behind the feature `coredns`, because it needs CoreDNS, a control plane, dig and Erlang: `.ci/run` builds and installs
//! them and turns the feature on. Where one is missing its tests fail.
//!
//! Of a stanza, the port is changed before CoreDNS reads it, and that it listens on 127.0.0.1 alone; where it stands beside
//! other plugins, their kubeconfig, `resolv.conf` and HTTP ports are those of the test.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot set itself up has failed"
)]
#![allow(clippy::print_stdout, reason = "how many queries were answered is part of the result")]

#[path = "../cluster/api.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod api;
#[path = "../interop/beam.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod beam;
#[path = "../support/client.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod client;
#[path = "../cluster/control_plane.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod control_plane;
mod coredns;
mod environments;
mod forward;
mod health;
mod load;
mod nodes;
#[path = "../cluster/process.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod process;
#[path = "../support/query.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod query;
mod replicas;
mod rolling;
#[path = "../support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;
mod service;
mod stanza;
#[path = "../cluster/wait.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod wait;
mod world;
