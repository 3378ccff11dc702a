//! The program as it runs in a Pod: the API server by the environment, a service account by files, a namespace of its own.

use crate::control_plane::ControlPlane;
use crate::rosterd::Rosterd;
use crate::scene::{Answers, set};
use crate::wait::wait_until_equal;
use crate::workload::Namespace;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Runs a program that sees a folder where Pods have their service account, and leaves everybody else without it.
const POD: &str = "mount -t tmpfs tmpfs /var/run/ && mkdir -p /var/run/secrets/kubernetes.io && \
                   ln -s \"$1\" /var/run/secrets/kubernetes.io/serviceaccount && shift && exec \"$@\"";

/// The program in a Pod with this service account.
fn rosterd_in_pod(plane: &ControlPlane, account: &Path) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", POD, "sh"])
        .arg(account)
        .arg(env!("CARGO_BIN_EXE_rosterd"))
        .env_remove("KUBECONFIG")
        .env_remove("POD_NAMESPACE")
        .env("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        .env("KUBERNETES_SERVICE_PORT", plane.port().to_string());
    command
}

#[test]
fn a_pod_knows_its_cluster_and_its_own_namespace() {
    let plane = ControlPlane::shared();
    let name = "own";
    let token = plane.token_with(name, &["one-namespace.yaml"]);
    let account = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(account.path().join("token"), token).expect("a written token");
    std::fs::write(account.path().join("namespace"), name).expect("a written namespace");
    std::fs::copy(plane.certificate(), account.path().join("ca.crt")).expect("a copied certificate");
    let namespace = Namespace { api: &plane.api, name };
    namespace.service("myapp", &json!({}));
    namespace.ready_pod("myapp", "a", &["10.0.0.1"]);
    namespace.wait_for_slice("myapp", "10.0.0.1", "myapp");

    let topology = "[[topologies]]\nname = \"myapp\"\nselector = \"app=myapp\"\nnamespaces = [\".\"]\n";
    let mut rosterd =
        Rosterd::start_by(rosterd_in_pod(plane, account.path()), &format!("{topology}[server]"));
    rosterd.wait_for_log("INFO watching endpointslices in namespace own, with the labels app=myapp");
    let txt = || Answers::of(&rosterd, &set(name)).txt;
    wait_until_equal("its own namespace", &BTreeSet::from(["myapp@10.0.0.1".to_owned()]), txt);
    namespace.ready_pod("myapp", "b", &["10.0.0.2"]);
    let both = BTreeSet::from(["myapp@10.0.0.1".to_owned(), "myapp@10.0.0.2".to_owned()]);
    wait_until_equal("a change", &both, txt);

    // What `kubectl exec` would run.
    let settings = account.path().join("rosterd.toml");
    std::fs::write(&settings, topology).expect("written settings");
    let check = rosterd_in_pod(plane, account.path()).arg("check").arg("--config").arg(&settings).output();
    let check = check.expect("the program");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    assert_eq!(
        String::from_utf8_lossy(&check.stdout),
        "settings and access to the cluster are right: 1 object, 1 set, 2 peers\n\n\
         NAMESPACE  SET    PEERS  TOPOLOGY\nown        myapp      2  myapp\n"
    );
}
