//! A Kubernetes control plane: etcd, the API server and the controllers that write endpoint objects, on free ports of
//! the loopback address, with RBAC. There is no kubelet: tests write the status of Pods themselves.

use crate::api::Api;
use crate::process::{Folder, Process};
use crate::rosterd::unused_port;
use crate::wait::wait_for;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The administrator's token: group system:masters, for which RBAC has a binding from the start.
const ADMINISTRATOR: &str = "administrator";

/// The one Node, which Pods say they run on: slices leave out Pods of Nodes that do not exist.
pub(crate) const NODE: &str = "node-1";

/// A running control plane.
pub(crate) struct ControlPlane {
    controllers: Process,
    api_server: Process,
    etcd: Process,
    /// The API as the administrator sees it.
    pub(crate) api: Api,
    ports: Ports,
    /// A feature that the API server does without.
    without: Option<&'static str>,
    // Goes last, when nobody writes into it any more.
    folder: Folder,
}

/// Where the programs listen; they keep their ports over restarts.
struct Ports {
    etcd: u16,
    etcd_peer: u16,
    api_server: u16,
    controllers: u16,
}

impl ControlPlane {
    /// The control plane that tests share which do not harm it. It ends with the process.
    pub(crate) fn shared() -> &'static ControlPlane {
        static SHARED: OnceLock<ControlPlane> = OnceLock::new();
        SHARED.get_or_init(ControlPlane::start)
    }

    /// A control plane of one's own, ready to use.
    pub(crate) fn start() -> ControlPlane {
        ControlPlane::start_without(None)
    }

    /// The same without a feature of the API server.
    pub(crate) fn start_without(feature: Option<&'static str>) -> ControlPlane {
        let folder = Folder::create();
        let path = folder.path();
        write_keys(path);
        let ports = Ports {
            etcd: unused_port(),
            etcd_peer: unused_port(),
            api_server: unused_port(),
            controllers: unused_port(),
        };
        let etcd = start_etcd(path, &ports);
        let api_server = start_api_server(path, &ports, feature);
        wait_for_certificate(path, &api_server);
        let administrator =
            write_kubeconfig(path, "administrator", ports.api_server, &json!({"token": ADMINISTRATOR}));
        let controllers = start_controllers(path, &ports);
        let api = Api::new(&administrator);
        let plane = ControlPlane { controllers, api_server, etcd, api, ports, without: feature, folder };
        plane.wait_until_ready();
        plane.api.create("/api/v1/nodes", &json!({"metadata": {"name": NODE}}));
        plane
    }

    fn wait_until_ready(&self) {
        let explain =
            || format!("etcd:\n{}\nAPI server:\n{}", self.etcd.last_words(), self.api_server.last_words());
        // RBAC's own roles are made after the API server listens; this is one of the last things to be ready.
        wait_for("the API server", explain, || self.api.try_text("/readyz").ok());
        let account = "/api/v1/namespaces/default/serviceaccounts/default";
        wait_for("the controllers", || self.controllers.last_words(), || self.api.try_get(account).ok());
    }

    /// Ends the API server by SIGKILL: to clients a clean cut.
    pub(crate) fn kill_api_server(&mut self) {
        self.api_server.kill();
    }

    /// Starts the killed API server again, at its port and on its data.
    pub(crate) fn start_api_server(&mut self) {
        self.api_server = start_api_server(self.folder.path(), &self.ports, self.without);
        self.wait_until_ready();
    }

    /// Starts the API server anew with another certificate, which clients find in the file of the former one.
    pub(crate) fn replace_certificate(&mut self) {
        self.controllers.kill();
        self.api_server.kill();
        let path = self.folder.path();
        fs::remove_dir_all(path.join("certificates")).expect("a removed certificate");
        self.api_server = start_api_server(path, &self.ports, self.without);
        wait_for_certificate(path, &self.api_server);
        self.api = Api::new(&self.administrator());
        self.controllers = start_controllers(self.folder.path(), &self.ports);
        self.wait_until_ready();
    }

    /// Keeps a copy of all data, for [`ControlPlane::restore`].
    pub(crate) fn back_up(&mut self) {
        self.etcd.kill();
        copy_folder(&self.folder.path().join("etcd"), &self.folder.path().join("backup"));
        self.etcd = start_etcd(self.folder.path(), &self.ports);
        self.wait_until_ready();
    }

    /// Goes back to the copy, with all its revisions: everything ends, and starts again on the old data.
    pub(crate) fn restore(&mut self) {
        self.controllers.kill();
        self.api_server.kill();
        self.etcd.kill();
        let path = self.folder.path();
        fs::remove_dir_all(path.join("etcd")).expect("removed data");
        fs::rename(path.join("backup"), path.join("etcd")).expect("restored data");
        self.etcd = start_etcd(path, &self.ports);
        self.api_server = start_api_server(path, &self.ports, self.without);
        self.controllers = start_controllers(path, &self.ports);
        self.wait_until_ready();
    }

    /// Ends etcd by SIGKILL and starts it again, at its port and on its data.
    pub(crate) fn restart_etcd(&mut self) {
        self.etcd.kill();
        self.etcd = start_etcd(self.folder.path(), &self.ports);
        self.wait_until_ready();
    }

    /// The API server's port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.ports.api_server
    }

    /// Writes a kubeconfig for a user (`{"token": …}` or `{"tokenFile": …}`) who reaches the API server by `port`.
    pub(crate) fn kubeconfig(&self, name: &str, port: u16, user: &Value) -> PathBuf {
        write_kubeconfig(self.folder.path(), name, port, user)
    }

    /// The certificate that clients of the API server trust.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificates/apiserver.crt")
    }

    /// The administrator's kubeconfig.
    pub(crate) fn administrator(&self) -> PathBuf {
        self.folder.path().join("administrator.kubeconfig")
    }

    /// Runs kubectl as the administrator, and returns what it prints. Panics when it fails.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        let output = Command::new(program("kubectl"))
            .args(arguments)
            .env("KUBECONFIG", self.administrator())
            .env("KUBECACHEDIR", self.folder.path().join("kubectl"))
            .output()
            .expect("kubectl");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {arguments:?}: {complaint}");
        String::from_utf8(output.stdout).expect("UTF-8 text")
    }
}

/// A program of `tests/cluster/programs/build`.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/programs").join(name);
    assert!(path.exists(), "{} is missing: tests/cluster/programs/build makes it", path.display());
    path
}

/// The key that signs tokens of service accounts, and the users with tokens of their own.
fn write_keys(folder: &Path) {
    let key = folder.join("accounts.key");
    let output = Command::new("openssl")
        .args(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out"])
        .arg(&key)
        .output()
        .expect("openssl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let users = format!("{ADMINISTRATOR},administrator,administrator,system:masters\n");
    fs::write(folder.join("tokens.csv"), users).expect("written users");
}

fn write_kubeconfig(folder: &Path, name: &str, port: u16, user: &Value) -> PathBuf {
    let path = folder.join(format!("{name}.kubeconfig"));
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {
            "server": format!("https://127.0.0.1:{port}"),
            // Self-signed, and so its own authority.
            "certificate-authority": folder.join("certificates/apiserver.crt"),
        }}],
        "users": [{"name": "test", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    });
    fs::write(&path, kubeconfig.to_string()).expect("a written kubeconfig");
    path
}

fn start_etcd(folder: &Path, ports: &Ports) -> Process {
    let clients = format!("http://127.0.0.1:{}", ports.etcd);
    let peers = format!("http://127.0.0.1:{}", ports.etcd_peer);
    let arguments = [
        "--data-dir=etcd".to_owned(),
        format!("--listen-client-urls={clients}"),
        format!("--advertise-client-urls={clients}"),
        format!("--listen-peer-urls={peers}"),
        format!("--initial-advertise-peer-urls={peers}"),
        format!("--initial-cluster=default={peers}"),
        "--unsafe-no-fsync".to_owned(),
    ];
    Process::start(folder, "etcd", Path::new("etcd"), &arguments)
}

fn start_api_server(folder: &Path, ports: &Ports, without: Option<&str>) -> Process {
    let mut arguments = vec![
        format!("--etcd-servers=http://127.0.0.1:{}", ports.etcd),
        format!("--secure-port={}", ports.api_server),
        "--bind-address=127.0.0.1".to_owned(),
        "--advertise-address=127.0.0.1".to_owned(),
        "--cert-dir=certificates".to_owned(),
        "--service-account-key-file=accounts.key".to_owned(),
        "--service-account-signing-key-file=accounts.key".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        "--token-auth-file=tokens.csv".to_owned(),
        "--authorization-mode=RBAC".to_owned(),
        "--service-cluster-ip-range=10.96.0.0/16,fd00:96::/112".to_owned(),
        // Pods of tests have no account, and nobody to run them with one.
        "--disable-admission-plugins=ServiceAccount".to_owned(),
        "--endpoint-reconciler-type=none".to_owned(),
    ];
    arguments.extend(without.map(|feature| format!("--feature-gates={feature}=false")));
    Process::start(folder, "kube-apiserver", &program("kube-apiserver"), &arguments)
}

/// The certificate that clients trust is whole when its key is there, which the API server writes after it.
fn wait_for_certificate(folder: &Path, api_server: &Process) {
    let key = folder.join("certificates/apiserver.key");
    wait_for("a certificate", || api_server.last_words(), || key.exists().then_some(()));
}

fn copy_folder(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-r").args([from, to]).status().expect("cp");
    assert!(copied.success(), "{} is not copied", from.display());
}

fn start_controllers(folder: &Path, ports: &Ports) -> Process {
    let arguments = [
        "--kubeconfig=administrator.kubeconfig".to_owned(),
        "--controllers=deployment,endpoint,endpointslice,endpointslicemirroring,garbagecollector,namespace,replicaset,\
         serviceaccount"
            .to_owned(),
        "--service-account-private-key-file=accounts.key".to_owned(),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={}", ports.controllers),
        "--cert-dir=certificates-of-controllers".to_owned(),
        "--leader-elect=false".to_owned(),
    ];
    Process::start(folder, "kube-controller-manager", &program("kube-controller-manager"), &arguments)
}
