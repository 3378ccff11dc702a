//! The resources that are watched, as the API and people call them.

use super::WatchPlan;
use crate::roster::{ObjectKind, Scope};

/// A resource's place in the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resource {
    /// Empty for the core group.
    pub(super) group: &'static str,
    version: &'static str,
    /// As in paths and in RBAC rules.
    pub(super) plural: &'static str,
}

impl Resource {
    pub(super) fn of(kind: ObjectKind) -> Resource {
        match kind {
            ObjectKind::EndpointSlice => {
                Resource { group: "discovery.k8s.io", version: "v1", plural: "endpointslices" }
            }
            ObjectKind::Endpoints => Resource { group: "", version: "v1", plural: "endpoints" },
            ObjectKind::Pod => Resource { group: "", version: "v1", plural: "pods" },
        }
    }

    /// What stands before the namespace in a path.
    pub(super) fn root(self) -> String {
        match self {
            Resource { group: "", version, .. } => format!("/api/{version}"),
            Resource { group, version, .. } => format!("/apis/{group}/{version}"),
        }
    }

    /// `endpointslices.discovery.k8s.io`, as the API server's own messages have it.
    pub(super) fn qualified(self) -> String {
        match self {
            Resource { group: "", plural, .. } => plural.to_owned(),
            Resource { group, plural, .. } => format!("{plural}.{group}"),
        }
    }
}

/// What people call a watch: `endpointslices in namespace a`.
pub(super) fn title(plan: &WatchPlan) -> Box<str> {
    let plural = Resource::of(plan.resource).plural;
    match &plan.scope {
        Scope::All => format!("{plural} in all namespaces").into(),
        Scope::Namespace(namespace) => format!("{plural} in namespace {namespace}").into(),
    }
}
