//! The server on a real Kubernetes control plane: etcd, the API server with RBAC, and the controllers that write endpoint
//! objects.
//!
//! Behind the feature `cluster`, because it needs these programs: `.ci/run` builds them and turns the feature on. Where
//! one is missing its tests fail.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot set itself up has failed"
)]

mod access;
mod api;
mod chart;
#[path = "../support/client.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod client;
mod commands;
mod control_plane;
mod encrypted;
mod in_pod;
mod lists;
mod manifests;
mod members;
mod newcomer;
mod outages;
mod overlays;
mod pods;
mod process;
mod prometheus;
#[path = "../support/query.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod query;
mod questions;
mod relay;
mod replicas;
mod rights;
#[path = "../support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;
mod scene;
mod services;
mod side_by_side;
mod wait;
mod whole_zones;
mod workload;
