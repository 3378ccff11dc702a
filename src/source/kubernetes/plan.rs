//! What is watched.

use crate::roster::{Gives, ObjectKind, Scope};

/// One watch: a list of one resource that is kept current.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchPlan {
    /// Of which kind its objects are.
    pub resource: ObjectKind,
    /// In which namespaces.
    pub scope: Scope,
    /// The label selector that the API server applies, in its own syntax; none where everything is wanted.
    pub selector: Option<Box<str>>,
    /// What the objects are for.
    pub gives: Gives,
}
