//! The way that `deploy/README.md` shows, walked to the letter: its lines run in one shell against an API server that knows
//! nothing of rosterd. What is not there is stood in for: the image, and the kubelet, by a process for each Pod.

use crate::control_plane::{ControlPlane, NODE, program};
use crate::overlays::{copy, deploy, rights, slices_only};
use crate::process::{Folder, Process};
use crate::rosterd::unused_port;
use crate::wait::{wait_for, wait_until_equal};
use crate::workload::Namespace;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

const README: &str = include_str!("../../deploy/README.md");

/// What stands in for kubectl where a kubelet would be asked: logs are files, and the port is the first Pod's own.
const KUBECTL: &str = r#"#!/bin/sh
case "$*" in
*" logs "*) exec cat "$PODS"/*.log ;;
*" port-forward "*) exec sleep 5 ;;
*) exec "$KUBECTL" "$@" ;;
esac
"#;

/// A program in a Pod sees the folder of its account and that of its settings where they are mounted.
const POD: &str = "mount -t tmpfs tmpfs /var/run && mkdir -p /var/run/secrets/kubernetes.io && \
                   ln -s \"$1\" /var/run/secrets/kubernetes.io/serviceaccount && \
                   mount --bind \"$2\" /etc && shift 2 && exec \"$@\"";

/// The commands of the section, in order.
fn commands() -> Vec<&'static str> {
    let (_, section) = README.split_once("\n## In a cluster\n").expect("the section");
    let (section, _) = section.split_once("\n## ").expect("its end");
    let blocks = section.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(str::lines).map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// What a kubelet does for the Pods of a namespace, as far as rosterd needs it.
struct Kubelet<'a> {
    plane: &'a ControlPlane,
    folder: &'a Path,
    /// Where the Pods listen, in turn, for DNS and for HTTP: all are on one host here.
    ports: [(u16, u16); 2],
    pods: BTreeMap<String, Pod>,
}

struct Pod {
    ready: bool,
    http: u16,
    // Ends with it.
    _process: Process,
}

const PODS: &str = "/api/v1/namespaces/rosterd/pods";

impl Kubelet<'_> {
    /// Starts the Pods that are new, and says which are ready.
    fn look(&mut self) {
        let list = self.plane.api.try_get(PODS).unwrap_or_default();
        for pod in list["items"].as_array().into_iter().flatten() {
            let name = pod["metadata"]["name"].as_str().expect("a name");
            if !self.pods.contains_key(name) {
                let started = self.start(name, pod);
                self.pods.insert(name.to_owned(), started);
            }
        }
        for (name, pod) in &mut self.pods {
            if !pod.ready && probe(pod.http, "/ready") {
                pod.ready = true;
                let status = json!({"status": {"conditions": [
                    {"type": "Ready", "status": "True", "lastTransitionTime": jiff::Timestamp::now().to_string()},
                ]}});
                self.plane.api.patch(&format!("{PODS}/{name}/status"), &status);
            }
        }
    }

    fn start(&self, name: &str, pod: &Value) -> Pod {
        let api = &self.plane.api;
        let number = self.pods.len();
        let (dns, http) = *self.ports.get(number).expect("two replicas");
        let binding = json!({"metadata": {"name": name}, "target": {"kind": "Node", "name": NODE}});
        api.create(&format!("{PODS}/{name}/binding"), &binding);
        let address = format!("10.244.0.{}", number + 2);
        let status = json!({"status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}});
        api.patch(&format!("{PODS}/{name}/status"), &status);

        // Its volumes.
        let spec = &pod["spec"];
        let account = self.folder.join(name).join("account");
        let settings = self.folder.join(name).join("etc");
        fs::create_dir_all(&account).expect("a folder");
        fs::create_dir_all(settings.join("rosterd")).expect("a folder");
        let token = self.plane.token_of("rosterd", spec["serviceAccountName"].as_str().expect("an account"));
        fs::write(account.join("token"), token).expect("a written token");
        fs::write(account.join("namespace"), "rosterd").expect("a written namespace");
        fs::copy(self.plane.certificate(), account.join("ca.crt")).expect("a copied certificate");
        let map = spec["volumes"][0]["configMap"]["name"].as_str().expect("a ConfigMap");
        let map = api.get(&format!("/api/v1/namespaces/rosterd/configmaps/{map}"));
        for (file, text) in map["data"].as_object().expect("files") {
            let text = text.as_str().expect("a text");
            fs::write(settings.join("rosterd").join(file), text).expect("written settings");
        }

        // Its environment: what the Pod says, what Kubernetes adds, and where it listens on this host.
        let container = &spec["containers"][0];
        let variable = |variable: &Value| {
            let value = match variable["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
                Some("status.podIPs") => &address,
                Some("metadata.name") => name,
                Some(other) => panic!("no {other} here"),
                None => variable["value"].as_str().expect("a value"),
            };
            format!("{}={value}", variable["name"].as_str().expect("a name"))
        };
        let mut arguments: Vec<String> =
            container["env"].as_array().into_iter().flatten().map(variable).collect();
        arguments.extend([
            "KUBERNETES_SERVICE_HOST=127.0.0.1".to_owned(),
            format!("KUBERNETES_SERVICE_PORT={}", self.plane.port()),
            format!("ROSTERD__SERVER__LISTEN=127.0.0.1:{dns}"),
            format!("ROSTERD__ADMIN__LISTEN=127.0.0.1:{http}"),
            "ROSTERD__ADMIN__API=".to_owned(),
        ]);
        arguments.extend(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", POD, "sh"].map(str::to_owned),
        );
        arguments.extend([account, settings].map(|path| path.display().to_string()));
        arguments.push(env!("CARGO_BIN_EXE_rosterd").to_owned());
        let given = container["args"].as_array().expect("arguments").iter();
        arguments.extend(given.map(|argument| argument.as_str().expect("an argument").to_owned()));
        let process = Process::start(self.folder, name, Path::new("env"), &arguments);
        Pod { ready: false, http, _process: process }
    }
}

/// Whether a path says 200.
fn probe(port: u16, path: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut answer = String::new();
    let asked = write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
}

/// A shell in which `kubectl` is the administrator's.
fn shell(plane: &ControlPlane, checkout: &Path, pods: &Path) -> Command {
    let bin = checkout.join("bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&path)));
    let mut shell = Command::new("bash");
    shell
        .current_dir(checkout)
        .env("PATH", path.expect("a search path"))
        .env("KUBECTL", program("kubectl"))
        .env("KUBECONFIG", plane.administrator())
        .env("PODS", pods);
    shell
}

#[test]
fn from_nothing_to_an_answer() {
    let plane = ControlPlane::start();
    // The cluster: its own DNS has an address, and somebody runs an application.
    let dns = json!({"metadata": {"name": "kube-dns"}, "spec": {"clusterIP": "10.96.0.10", "ports": [{"port": 53}]}});
    plane.api.create("/api/v1/namespaces/kube-system/services", &dns);
    let namespace = Namespace { api: &plane.api, name: "default" };
    namespace.service("myapp", &json!({}));
    namespace.ready_pod("myapp", "a", &["10.0.0.1"]);
    namespace.ready_pod("myapp", "b", &["10.0.0.2"]);

    // The newcomer: a checkout, and kubectl.
    let checkout = tempfile::tempdir().expect("a temporary folder");
    copy(&deploy(), &checkout.path().join("deploy"));
    let kubectl = checkout.path().join("bin/kubectl");
    fs::create_dir(checkout.path().join("bin")).expect("a folder");
    fs::write(&kubectl, KUBECTL).expect("a written program");
    fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).expect("a program");

    let pods = Folder::create();
    let ports = [(unused_port(), unused_port()), (unused_port(), unused_port())];
    let mut kubelet = Kubelet { plane: &plane, folder: pods.path(), ports, pods: BTreeMap::new() };

    // No image is made here, and all before the question is one script.
    let commands: Vec<&str> = commands().into_iter().filter(|line| !line.starts_with("docker ")).collect();
    let question = commands.iter().position(|line| line.starts_with("dig ")).expect("a question");
    let (before, rest) = commands.split_at(question);
    assert!(before.len() > 8 && rest[1..] == ["kill %1"], "{commands:?}");
    let begin = Instant::now();
    let said = checkout.path().join("said");
    let output = fs::File::create(&said).expect("a file");
    let mut walked = shell(&plane, checkout.path(), pods.path())
        .args(["-euc", &before.join("\n")])
        .stdin(Stdio::null())
        .stdout(output.try_clone().expect("a file"))
        .stderr(output)
        .spawn()
        .expect("a shell");
    let explain = || format!("{}\n{}", fs::read_to_string(&said).unwrap_or_default(), logs(pods.path()));
    let status = wait_for("the way", explain, || {
        kubelet.look();
        walked.try_wait().expect("a shell")
    });
    assert!(status.success(), "{}", explain());

    // `kubectl port-forward` would lead to one of the Pods.
    let question = rest[0].replace("-p 5300", &format!("-p {}", ports[0].0));
    let ask = || {
        let output =
            shell(&plane, checkout.path(), pods.path()).args(["-c", &question]).output().expect("a shell");
        let mut lines: Vec<String> =
            String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    wait_until_equal(
        &question,
        &["\"myapp@10.0.0.1\"", "\"myapp@10.0.0.2\""].map(str::to_owned).to_vec(),
        ask,
    );
    eprintln!("from nothing to an answer, without the image: {:.0?}", begin.elapsed());

    // What README shows of the log is what there is, but for addresses and times.
    let log = logs(pods.path());
    for line in README
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("INFO watching ") || line.starts_with("INFO pod names"))
    {
        assert!(
            log.contains(line.trim_start_matches("INFO ").replace('"', "\\\"").as_str()),
            "no {line:?} in\n{log}"
        );
    }
    // What was installed is what was chosen, and has the rights that it needs and no other.
    let service = plane.api.get("/api/v1/namespaces/rosterd/services/rosterd");
    assert_eq!(service["spec"]["clusterIP"], "10.96.0.53");
    for namespace in ["default", "kube-system"] {
        assert_eq!(rights(&plane, "rosterd:rosterd", namespace), slices_only());
    }
    let image = plane.kubectl(&["-n", "rosterd", "get", "deployment", "-o", "jsonpath={..image}"]);
    assert_eq!(image, "registry.example/rosterd:0.1.0");
}

fn logs(folder: &Path) -> String {
    let files = fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path());
    files
        .filter(|file| file.extension().is_some_and(|extension| extension == "log"))
        .map(|file| fs::read_to_string(file).unwrap_or_default())
        .collect()
}
