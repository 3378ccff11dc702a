//! The other servers: configured, started and ended.

use super::exchange::{Client, WINDOW};
use super::message::{Question, SOA, Way};
use super::rosterd::{PATIENCE, unused_port};
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to load all zones.
const LOADING: Duration = Duration::from_secs(120);

/// A running server, ended when dropped.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    child: Child,
    folder: tempfile::TempDir,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Peer {
    pub(crate) fn nsd(files: &[(&str, &str)]) -> Peer {
        Peer::start("nsd", files, &["-d", "-c"], |folder, port, zones| {
            let folder = folder.display();
            let mut text = format!(
                "server:\n ip-address: 127.0.0.1\n port: {port}\n username: \"\"\n zonesdir: \"{folder}\"\n database: \"\"\n \
                 pidfile: \"{folder}/pid\"\n xfrdfile: \"{folder}/xfrd\"\n xfrdir: \"{folder}\"\n \
                 zonelistfile: \"{folder}/list\"\n minimal-responses: no\n server-count: 1\n rrl-ratelimit: 0\n\
                 remote-control:\n control-enable: no\n"
            );
            for (origin, file) in zones {
                writeln!(text, "zone:\n name: {origin}\n zonefile: {file}").unwrap();
            }
            text
        })
    }

    pub(crate) fn knot(files: &[(&str, &str)]) -> Peer {
        Peer::start("knotd", files, &["-c"], |folder, port, zones| {
            let folder = folder.display();
            let mut text = format!(
                "server:\n    listen: 127.0.0.1@{port}\n    rundir: {folder}\ndatabase:\n    storage: {folder}/db\n\
                 template:\n  - id: default\n    storage: {folder}\n    zonefile-sync: -1\n    journal-content: none\nzone:\n"
            );
            for (origin, file) in zones {
                writeln!(text, "  - domain: {origin}\n    file: {file}").unwrap();
            }
            text
        })
    }

    pub(crate) fn bind(files: &[(&str, &str)]) -> Peer {
        Peer::start("named", files, &["-g", "-n", "1", "-c"], |folder, port, zones| {
            let mut text = format!(
                "options {{ directory \"{}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n\
                 recursion no; minimal-responses no-auth; pid-file none; session-keyfile none; dnssec-validation no;\n\
                 notify no; empty-zones-enable no; check-integrity no;\n\
                 check-names primary ignore; check-names secondary ignore; check-names response ignore; }};\ncontrols {{ }};\n",
                folder.display()
            );
            for (origin, file) in zones {
                writeln!(text, "zone \"{origin}\" {{ type primary; file \"{file}\"; }};").unwrap();
            }
            text
        })
    }

    fn start(
        name: &'static str,
        files: &[(&str, &str)],
        arguments: &[&str],
        settings: impl Fn(&Path, u16, &[(&str, &str)]) -> String,
    ) -> Peer {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (file, text) in files {
            fs::write(folder.path().join(file), text).expect("a written zone");
        }
        fs::create_dir(folder.path().join("db")).expect("a folder");
        let zones: Vec<(&str, &str)> =
            files.iter().map(|(file, _)| (file.strip_suffix(".zone").unwrap(), *file)).collect();
        let port = unused_port();
        let file = folder.path().join("settings");
        fs::write(&file, settings(folder.path(), port, &zones)).expect("written settings");
        let log = fs::File::create(folder.path().join("log")).expect("a log");
        let child = Command::new(name)
            .args(arguments)
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}; it is in the packages nsd, knot and bind9"));
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let peer = Peer { name, address, child, folder };
        // A zone that is not loaded yet is refused, or the port is not open yet.
        let questions: Vec<Question> = zones
            .iter()
            .map(|(origin, _)| Question { name: format!("{origin}."), qtype: SOA, way: Way::Udp(1232) })
            .collect();
        let until = Instant::now() + LOADING;
        let mut client = Client::new(address);
        for window in questions.chunks(WINDOW) {
            loop {
                client.send(window);
                let answers = client.receive(PATIENCE).unwrap_or_default();
                if !answers.is_empty() && answers.iter().all(|answer| answer.has(SOA)) {
                    break;
                }
                let log = || fs::read_to_string(peer.folder.path().join("log")).unwrap_or_default();
                assert!(Instant::now() < until, "{name} does not serve {window:?}: {answers:?}\n{}", log());
                std::thread::yield_now();
            }
        }
        peer
    }
}
