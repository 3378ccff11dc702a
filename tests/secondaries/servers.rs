//! Secondaries: configured, started and ended.

use crate::keys::Key;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Nsd,
    Knot,
    Bind,
    CoreDns,
}

impl Kind {
    /// Whether it asks by IXFR: CoreDNS fetches whole zones always.
    pub(crate) fn asks_for_steps(self) -> bool {
        self != Kind::CoreDns
    }

    /// Its settings, with files in a folder.
    pub(crate) fn settings(
        self,
        folder: &Path,
        port: u16,
        primary: SocketAddr,
        zones: &[&str],
        key: Option<&Key>,
    ) -> String {
        match self {
            Kind::Nsd => nsd(folder, port, primary, zones, key),
            Kind::Knot => knot(folder, port, primary, zones, key),
            Kind::Bind => bind(folder, port, primary, zones, key),
            Kind::CoreDns => {
                assert!(key.is_none(), "CoreDNS fetches without signatures");
                coredns(port, primary, zones)
            }
        }
    }
}

/// A running secondary, ended when dropped.
pub(crate) struct Secondary {
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
    child: Child,
    folder: tempfile::TempDir,
}

impl Drop for Secondary {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Secondary {
    /// One at this port of 127.0.0.1, of a primary.
    pub(crate) fn start(
        kind: Kind,
        port: u16,
        primary: SocketAddr,
        zones: &[&str],
        key: Option<&Key>,
    ) -> Secondary {
        Secondary::start_with(kind, port, primary, zones, key, &[])
    }

    /// The same with variables in its environment.
    pub(crate) fn start_with(
        kind: Kind,
        port: u16,
        primary: SocketAddr,
        zones: &[&str],
        key: Option<&Key>,
        environment: &[(&str, &str)],
    ) -> Secondary {
        Secondary::run(kind, port, environment, |folder| kind.settings(folder, port, primary, zones, key))
    }

    /// One that is started with these settings.
    pub(crate) fn run(
        kind: Kind,
        port: u16,
        environment: &[(&str, &str)],
        settings: impl FnOnce(&Path) -> String,
    ) -> Secondary {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("db")).expect("a folder");
        let (program, arguments): (PathBuf, &[&str]) = match kind {
            Kind::Nsd => ("nsd".into(), &["-d", "-c"]),
            Kind::Knot => ("knotd".into(), &["-c"]),
            Kind::Bind => ("named".into(), &["-g", "-n", "1", "-c"]),
            Kind::CoreDns => (coredns_program(), &["-conf"]),
        };
        let file = folder.path().join("settings");
        fs::write(&file, settings(folder.path())).expect("written settings");
        let log = fs::File::create(folder.path().join("log")).expect("a log");
        let child = Command::new(&program)
            .args(arguments)
            .arg(&file)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        Secondary { kind, address: SocketAddr::from(([127, 0, 0, 1], port)), child, folder }
    }

    /// One that learns of zones by the catalog of its primary.
    pub(crate) fn of_catalog(kind: Kind, port: u16, primary: SocketAddr, catalog: &str) -> Secondary {
        Secondary::run(kind, port, &[], |folder| match kind {
            Kind::Knot => {
                let text = knot(folder, port, primary, &[], None);
                format!(
                    "{text}  - domain: {catalog}\n    catalog-role: interpret\n    catalog-template: default\n"
                )
            }
            Kind::Bind => {
                let text = bind(folder, port, primary, &[catalog], None);
                let (ip, primary_port) = (primary.ip(), primary.port());
                text.replace(
                    "recursion no;",
                    &format!(
                        "recursion no; catalog-zones {{ zone \"{catalog}\" default-primaries {{ {ip} port \
                         {primary_port}; }}; }};"
                    ),
                )
            }
            Kind::Nsd | Kind::CoreDns => panic!("{kind:?} knows no catalogs here"),
        })
    }

    /// Its process id.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// What it said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// Where `tests/cluster/programs/build coredns` puts it.
pub(crate) fn coredns_program() -> PathBuf {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut places = folders.map(|folder| folder.join("target/programs/coredns"));
    places.find(|program| program.exists()).unwrap_or_default()
}

fn nsd(folder: &Path, port: u16, primary: SocketAddr, zones: &[&str], key: Option<&Key>) -> String {
    let folder = folder.display();
    let mut text = format!(
        "server:\n ip-address: 127.0.0.1\n port: {port}\n username: \"\"\n zonesdir: \"{folder}\"\n database: \"\"\n \
         pidfile: \"{folder}/pid\"\n xfrdfile: \"{folder}/xfrd\"\n xfrdir: \"{folder}\"\n \
         zonelistfile: \"{folder}/list\"\n server-count: 1\n rrl-ratelimit: 0\n xfrd-reload-timeout: 0\n\
         remote-control:\n control-enable: no\n"
    );
    if let Some(Key { name, algorithm, secret, .. }) = key {
        writeln!(text, "key:\n name: {name}\n algorithm: {algorithm}\n secret: \"{secret}\"").unwrap();
    }
    let key = key.map_or("NOKEY", |key| key.name);
    for zone in zones {
        writeln!(
            text,
            "zone:\n name: {zone}\n zonefile: {zone}.zone\n request-xfr: {}@{} {key}\n \
             allow-notify: 127.0.0.1 {key}\n provide-xfr: 127.0.0.1 NOKEY",
            primary.ip(),
            primary.port()
        )
        .unwrap();
    }
    text
}

fn knot(folder: &Path, port: u16, primary: SocketAddr, zones: &[&str], key: Option<&Key>) -> String {
    let folder = folder.display();
    let mut text = format!(
        "server:\n    listen: 127.0.0.1@{port}\n    rundir: {folder}\ndatabase:\n    storage: {folder}/db\n"
    );
    let (mut of_remote, mut of_notify) = (String::new(), String::new());
    if let Some(Key { name, algorithm, secret, .. }) = key {
        writeln!(text, "key:\n  - id: {name}\n    algorithm: {algorithm}\n    secret: {secret}").unwrap();
        of_remote = format!("    key: {name}\n");
        of_notify.clone_from(&of_remote);
    }
    let (ip, primary_port) = (primary.ip(), primary.port());
    write!(
        text,
        "remote:\n  - id: primary\n    address: {ip}@{primary_port}\n{of_remote}\
         acl:\n  - id: told\n    address: 127.0.0.1\n{of_notify}    action: notify\n  \
         - id: asked\n    address: 127.0.0.1\n    action: transfer\n\
         template:\n  - id: default\n    storage: {folder}\n    zonefile-sync: -1\n    master: primary\n    \
         acl: [told, asked]\nzone:\n"
    )
    .unwrap();
    for zone in zones {
        writeln!(text, "  - domain: {zone}").unwrap();
    }
    text
}

fn bind(folder: &Path, port: u16, primary: SocketAddr, zones: &[&str], key: Option<&Key>) -> String {
    let mut text = format!(
        "options {{ directory \"{}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n\
         recursion no; pid-file none; session-keyfile none; dnssec-validation no; notify no; empty-zones-enable no;\n\
         check-names primary ignore; check-names secondary ignore; check-names response ignore;\n\
         max-records-per-type 0; serial-query-rate 1000; allow-transfer {{ 127.0.0.1; }}; }};\ncontrols {{ }};\n",
        folder.display()
    );
    let mut signed = String::new();
    if let Some(Key { name, algorithm, secret, .. }) = key {
        writeln!(text, "key \"{name}\" {{ algorithm {algorithm}; secret \"{secret}\"; }};").unwrap();
        signed = format!(" key \"{name}\"");
    }
    for zone in zones {
        writeln!(
            text,
            "zone \"{zone}\" {{ type secondary; primaries {{ {} port {}{signed}; }}; file \"{zone}.zone\"; }};",
            primary.ip(),
            primary.port()
        )
        .unwrap();
    }
    text
}

fn coredns(port: u16, primary: SocketAddr, zones: &[&str]) -> String {
    let mut text = String::new();
    for zone in zones {
        writeln!(
            text,
            "{zone}:{port} {{\n bind 127.0.0.1\n secondary {{\n  transfer from {primary}\n }}\n transfer {{\n  to *\n }}\n \
             errors\n}}"
        )
        .unwrap();
    }
    text
}
