//! The pure folders of rosterd, which make answers, its UDP worker, and nothing else of it: built as the program is, but in
//! half a minute and not in five, because they need no Kubernetes client, runtime or TLS. The whole program has the same
//! counts.

// Their tests are the package's.
#![cfg(not(test))]
#![allow(unfulfilled_lint_expectations, reason = "the lints of the package are not those of this one")]

#[path = "../../../src/answer/mod.rs"]
pub mod answer;
#[path = "../../../src/roster/mod.rs"]
pub mod roster;
pub mod server;
#[path = "../../../src/wire/mod.rs"]
pub mod wire;
#[path = "../../../src/zone/mod.rs"]
pub mod zone;
