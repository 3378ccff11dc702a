//! Service accounts with the rights that the manifests in `deploy/` grant, and nothing else.

use crate::control_plane::ControlPlane;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The manifests, as shipped.
pub(crate) fn manifests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kubernetes")
}

/// The shared control plane, with the namespace and the service account as shipped. It has no rights but those that a
/// test grants it in namespaces of its own.
pub(crate) fn shipped_account() -> &'static ControlPlane {
    static APPLIED: OnceLock<()> = OnceLock::new();
    let plane = ControlPlane::shared();
    APPLIED.get_or_init(|| {
        for file in ["namespace.yaml", "serviceaccount.yaml"] {
            plane.kubectl(&["apply", "-f", &manifests().join(file).display().to_string()]);
        }
    });
    plane
}

impl ControlPlane {
    /// A token of the shipped service account, in a namespace of its own and bound as the files of `rights` (those for
    /// all namespaces) say: an overlay, as an operator would make one.
    pub(crate) fn token_with(&self, name: &str, rights: &[&str]) -> String {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let copy = |file: &str| {
            let target = folder.path().join(Path::new(file).file_name().expect("a file's name"));
            fs::copy(manifests().join(file), target).expect("a copied manifest");
        };
        copy("serviceaccount.yaml");
        for file in rights {
            copy(&format!("rights/{file}"));
        }
        let resources = [&["serviceaccount.yaml"], rights].concat();
        let overlay = json!({
            "namespace": name,
            // ClusterRoles and their bindings are outside of namespaces.
            "nameSuffix": format!("-{name}"),
            "resources": resources,
        });
        fs::write(folder.path().join("kustomization.yaml"), overlay.to_string()).expect("a written overlay");
        self.api.create("/api/v1/namespaces", &json!({"metadata": {"name": name}}));
        self.kubectl(&["apply", "-k", &folder.path().display().to_string()]);
        self.token_of(name, &format!("rosterd-{name}"))
    }

    /// A kubeconfig with such a token.
    pub(crate) fn kubeconfig_with(&self, name: &str, rights: &[&str]) -> PathBuf {
        self.kubeconfig(name, self.port(), &json!({"token": self.token_with(name, rights)}))
    }

    /// A token of a service account, as a Pod with that account gets one.
    pub(crate) fn token_of(&self, namespace: &str, account: &str) -> String {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
        let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
        let granted = self.api.create(&path, &request);
        granted["status"]["token"].as_str().expect("a token").to_owned()
    }
}
