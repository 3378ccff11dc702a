//! The server under test, as a user runs it: the program, a settings file and a manifest in a folder of their own.

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long anything may take that is waited for. Reached only when it does not come at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running server, stopped when dropped.
pub(crate) struct Rosterd {
    child: Child,
    log: Receiver<String>,
    folder: tempfile::TempDir,
    addresses: Vec<SocketAddr>,
    /// Where its settings tell it to listen.
    listen: Vec<String>,
    /// Lines of the log up to the last one that was waited for.
    seen: Vec<String>,
}

impl Rosterd {
    /// Starts a server on a manifest, on free ports of both loopback addresses.
    ///
    /// `settings` is the settings file without manifests and listeners; its `[server]` table must come last, with a line
    /// `[server]` even where it is otherwise empty.
    pub(crate) fn start(manifest: &str, settings: &str) -> Rosterd {
        Rosterd::start_on(manifest, settings, &["127.0.0.1:0", "[::1]:0"])
    }

    /// The same on other addresses.
    pub(crate) fn start_on(manifest: &str, settings: &str, listen: &[&str]) -> Rosterd {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("peers.yaml"), manifest).expect("a written manifest");
        let settings = format!("manifests = [\"peers.yaml\"]\n{settings}");
        Rosterd::run(folder, &[], &settings, listen)
    }

    /// Starts a server on a manifest and on the master files that stand in the folder `zones`: names and texts.
    pub(crate) fn start_with_zones(manifest: &str, zones: &[(&str, &str)]) -> Rosterd {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("peers.yaml"), manifest).expect("a written manifest");
        fs::create_dir(folder.path().join("zones")).expect("a folder");
        for (name, text) in zones {
            fs::write(folder.path().join("zones").join(name), text).expect("a written zone");
        }
        let settings = "manifests = [\"peers.yaml\"]\nzone_files = [\"zones\"]\n[server]";
        Rosterd::run(folder, &[], settings, &["127.0.0.1:0"])
    }

    /// Replaces a master file whole, by a rename.
    pub(crate) fn replace_zone(&self, name: &str, text: &str) {
        let written = self.folder.path().join("zones/written");
        fs::write(&written, text).expect("a written zone");
        fs::rename(written, self.folder.path().join("zones").join(name)).expect("a replaced zone");
    }

    /// Removes a master file.
    pub(crate) fn remove_zone(&self, name: &str) {
        fs::remove_file(self.folder.path().join("zones").join(name)).expect("a removed zone");
    }

    /// Starts a server that watches the Kubernetes API with a kubeconfig, on a free port of 127.0.0.1.
    ///
    /// `settings` is as for [`Rosterd::start`].
    pub(crate) fn watch(kubeconfig: &Path, settings: &str) -> Rosterd {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let arguments = [OsStr::new("--kubeconfig"), kubeconfig.as_os_str()];
        Rosterd::run(folder, &arguments, settings, &["127.0.0.1:0"])
    }

    /// Starts a server by a command that runs its program with the arguments it is given, on a free port of 127.0.0.1.
    ///
    /// `settings` is as for [`Rosterd::start`].
    pub(crate) fn start_by(program: Command, settings: &str) -> Rosterd {
        Rosterd::start_by_on(program, settings, "127.0.0.1:0")
    }

    /// The same on another address.
    pub(crate) fn start_by_on(program: Command, settings: &str, listen: &str) -> Rosterd {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Rosterd::spawn(program, folder, &[], settings, &[listen])
    }

    /// The same with the text of a kubeconfig.
    pub(crate) fn start_in_cluster(kubeconfig: &str, settings: &str) -> Rosterd {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("kubeconfig");
        fs::write(&file, kubeconfig).expect("a written kubeconfig");
        Rosterd::run(folder, &[OsStr::new("--kubeconfig"), file.as_os_str()], settings, &["127.0.0.1:0"])
    }

    fn run(folder: tempfile::TempDir, arguments: &[&OsStr], settings: &str, listen: &[&str]) -> Rosterd {
        Rosterd::spawn(Command::new(env!("CARGO_BIN_EXE_rosterd")), folder, arguments, settings, listen)
    }

    fn spawn(
        mut program: Command,
        folder: tempfile::TempDir,
        arguments: &[&OsStr],
        settings: &str,
        listen: &[&str],
    ) -> Rosterd {
        assert!(settings.contains("[server]"), "settings without a [server] table: {settings}");
        let file = folder.path().join("rosterd.toml");
        fs::write(&file, with_surroundings(settings, listen)).expect("written settings");
        let mut child = program
            .arg("serve")
            .arg("--config")
            .arg(&file)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server's program");
        let log = lines(child.stderr.take().expect("a pipe"));
        let listen: Vec<String> = listen.iter().map(ToString::to_string).collect();
        let mut rosterd = Rosterd { child, log, folder, addresses: Vec::new(), listen, seen: Vec::new() };
        while rosterd.addresses.len() < rosterd.listen.len() {
            let line = rosterd.wait_for_log("listening on ");
            let address = line.split("listening on ").nth(1).and_then(|rest| rest.split(' ').next());
            let address = address.and_then(|text| text.parse().ok());
            rosterd.addresses.push(address.unwrap_or_else(|| panic!("no address in {line:?}")));
        }
        rosterd
    }

    /// The next line of the log that contains `text`. Panics with the log when the server ends before, or is silent.
    pub(crate) fn wait_for_log(&mut self, text: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.log.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line.clone()),
                Err(RecvTimeoutError::Timeout) => {
                    panic!("the log has no {text:?}:\n{}", self.seen.join("\n"))
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let (status, seen) = (self.child.wait(), self.seen.join("\n"));
                    panic!("the server ended ({status:?}) before {text:?}:\n{seen}")
                }
            }
            if let Some(line) = self.seen.last().filter(|line| line.contains(text)) {
                return line.clone();
            }
        }
    }

    /// The log up to the last line that was waited for.
    pub(crate) fn seen(&self) -> &[String] {
        &self.seen
    }

    /// Its IPv4 address and port, the same for UDP and TCP.
    pub(crate) fn ipv4(&self) -> SocketAddr {
        *self.addresses.iter().find(|address| address.is_ipv4()).expect("an IPv4 listener")
    }

    /// Its IPv6 address and port, the same for UDP and TCP.
    pub(crate) fn ipv6(&self) -> SocketAddr {
        *self.addresses.iter().find(|address| address.is_ipv6()).expect("an IPv6 listener")
    }

    /// Replaces the manifest, as editors do: whole, by a rename.
    pub(crate) fn replace_manifest(&self, manifest: &str) {
        let written = self.folder.path().join("peers.yaml.new");
        fs::write(&written, manifest).expect("a written manifest");
        fs::rename(written, self.folder.path().join("peers.yaml")).expect("a replaced manifest");
    }

    /// Replaces its settings, whole, by a rename. They are as for [`Rosterd::start`], but say where manifests are.
    pub(crate) fn replace_settings(&self, settings: &str) {
        assert!(settings.contains("[server]"), "settings without a [server] table: {settings}");
        let listen: Vec<&str> = self.listen.iter().map(String::as_str).collect();
        let written = self.folder.path().join("rosterd.toml.new");
        fs::write(&written, with_surroundings(settings, &listen)).expect("written settings");
        fs::rename(written, self.folder.path().join("rosterd.toml")).expect("replaced settings");
    }

    /// Where its settings are.
    pub(crate) fn settings_file(&self) -> std::path::PathBuf {
        self.folder.path().join("rosterd.toml")
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let process = Pid::from_raw(self.child.id().try_into().expect("a process"));
        nix::sys::signal::kill(process, signal).expect("a sent signal");
    }

    /// Its process id.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens, in the order of its settings.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Asks the server to end, waits until it has, and returns how, with the rest of the log.
    pub(crate) fn terminate(mut self, signal: Signal) -> (ExitStatus, Vec<String>) {
        self.signal(signal);
        // The log ends with the server.
        let log = self.log.iter().collect();
        (self.child.wait().expect("an exit status"), log)
    }

    /// Kills the server at once: from here on, nobody answers at its addresses.
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself, which is for `wait_for_log` to complain about.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts the killed server again at its addresses, on another manifest. They should have an [`unused_port`].
    pub(crate) fn restart(mut self, manifest: &str, settings: &str) -> Rosterd {
        self.kill();
        let listen: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        let listen: Vec<&str> = listen.iter().map(String::as_str).collect();
        Rosterd::start_on(manifest, settings, &listen)
    }
}

impl Drop for Rosterd {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Settings with listeners, and with what would otherwise depend on where tests run: the form of log lines, ports for HTTP,
/// and the time that an end takes. What the settings say of these stays.
fn with_surroundings(settings: &str, listen: &[&str]) -> String {
    let mut all = format!("{settings}\nlisten = {listen:?}\n");
    for (said, line) in [
        ("lameduck", "lameduck = '0s'\n"),
        ("[log]", "[log]\nformat = 'text'\n"),
        ("[admin]", "[admin]\nlisten = []\napi = []\n"),
    ] {
        if !settings.contains(said) {
            all.push_str(line);
        }
    }
    all
}

/// The same for a command that is given its own settings.
pub(crate) fn alone(command: &mut Command) -> &mut Command {
    command.envs([
        ("ROSTERD__LOG__FORMAT", "text"),
        ("ROSTERD__ADMIN__LISTEN", ""),
        ("ROSTERD__ADMIN__API", ""),
        ("ROSTERD__SERVER__LAMEDUCK", "0s"),
    ])
}

/// A port of 127.0.0.1 without a listener, below those that the system gives to clients (from 32,768), so that no client
/// of another test takes it while it is not in use.
pub(crate) fn unused_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id().wrapping_mul(37).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = 20_000 + u16::try_from(number % 10_000).expect("four digits");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The lines of a program's output, read as they come so that it never blocks on a full pipe.
pub(crate) fn lines(output: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
