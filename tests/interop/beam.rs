//! Real Erlang and Elixir: compiled modules, nodes with names, and expressions evaluated in them.

use crate::rosterd::{PATIENCE, lines};
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

/// A running node, killed when dropped.
pub(crate) struct Beam {
    child: Child,
    input: ChildStdin,
    output: Receiver<String>,
    // Read by the node at its start, and kept as long as it runs.
    _folder: tempfile::TempDir,
}

/// The resolver of a node.
#[derive(Clone, Copy)]
pub(crate) struct Resolver {
    pub(crate) server: SocketAddr,
    /// Whether look-ups by `getbyname` are cached, as they are unless switched off.
    pub(crate) cache: bool,
}

/// The names and addresses of a distributed node.
pub(crate) struct Distribution<'a> {
    pub(crate) name: &'a str,
    pub(crate) listen: IpAddr,
    /// Where all nodes of the cluster listen: without epmd nobody tells.
    pub(crate) port: u16,
}

impl Beam {
    /// A node that evaluates what [`Beam::evaluate`] sends.
    pub(crate) fn erlang(resolver: Resolver) -> Beam {
        let mut erl = Command::new("erl");
        erl.args(["-noshell", "-s", "repl"]);
        Beam::start(erl, resolver)
    }

    /// The same within Elixir.
    pub(crate) fn elixir(resolver: Resolver) -> Beam {
        let mut elixir = Command::new("elixir");
        elixir.args(["-e", ":repl.start()"]);
        Beam::start(elixir, resolver)
    }

    /// A distributed node that joins the peers that `query` names.
    pub(crate) fn member(resolver: Resolver, distribution: &Distribution<'_>, query: &str) -> Beam {
        let mut erl = Command::new("erl");
        distribution.arguments(&mut erl);
        erl.args(["-noshell", "-eval", &format!("member:start({query:?}).")]);
        Beam::start(erl, resolver)
    }

    /// A shell on another node, as a person at a terminal gets it.
    pub(crate) fn remote_shell(resolver: Resolver, distribution: &Distribution<'_>, node: &str) -> Beam {
        let mut erl = Command::new("erl");
        distribution.arguments(&mut erl);
        erl.args(["-hidden", "-remsh", node]);
        // The shell of a node only goes elsewhere on a terminal, and `script` gives it one.
        let words: Vec<String> = std::iter::once(erl.get_program())
            .chain(erl.get_args())
            .map(|word| format!("'{}'", word.to_string_lossy()))
            .collect();
        let mut script = Command::new("script");
        script.args(["-qefc", &words.join(" "), "/dev/null"]).env("TERM", "vt100");
        Beam::start(script, resolver)
    }

    fn start(mut command: Command, resolver: Resolver) -> Beam {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let inetrc = folder.path().join("inetrc");
        std::fs::write(&inetrc, resolver.inetrc()).expect("a written inetrc");
        let mut child = command
            .env("ERL_INETRC", &inetrc)
            .env("ERL_LIBS", modules())
            .env("HOME", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let input = child.stdin.take().expect("a pipe");
        let output = lines(child.stdout.take().expect("a pipe"));
        Beam { child, input, output, _folder: folder }
    }

    /// The value of an Erlang expression, as `~w` prints it.
    pub(crate) fn evaluate(&mut self, expression: &str) -> String {
        self.send(&format!("{expression}."));
        let reply = self.wait_for("a reply", |line| line.starts_with("reply "));
        reply.strip_prefix("reply ").expect("the prefix waited for").to_owned()
    }

    /// Sends a line to the node's standard input.
    pub(crate) fn send(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("a node that reads");
    }

    /// The next line of the node's output that satisfies `wanted`.
    pub(crate) fn wait_for(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + PATIENCE;
        let mut seen = String::new();
        loop {
            match self.output.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) if wanted(&line) => return line,
                Ok(line) => seen = seen + &line + "\n",
                Err(RecvTimeoutError::Timeout) => panic!("no {what} in:\n{seen}"),
                Err(RecvTimeoutError::Disconnected) => panic!("the node ended before {what}:\n{seen}"),
            }
        }
    }
}

impl Drop for Beam {
    fn drop(&mut self) {
        // A node that has ended by itself is what a test complains about, not its clean-up.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Resolver {
    /// A resolver that asks the server and nobody else.
    fn inetrc(self) -> String {
        let IpAddr::V4(address) = self.server.ip() else { panic!("an IPv4 server") };
        let octets = address.to_string().replace('.', ",");
        let port = self.server.port();
        let cache = if self.cache { "" } else { "{cache_size,0}.\n" };
        format!(
            "{{resolv_conf,\"\"}}.\n{{hosts_file,\"\"}}.\n{{lookup,[dns]}}.\n{{nameserver,{{{octets}}},{port}}}.\n{cache}"
        )
    }
}

impl Distribution<'_> {
    /// No epmd: one port for all nodes, each at its own address.
    fn arguments(&self, erl: &mut Command) {
        let octets = self.listen.to_string().replace('.', ",");
        erl.args(["-name", self.name, "-setcookie", "interop", "-start_epmd", "false"]);
        erl.args(["-erl_epmd_port", &self.port.to_string()]);
        erl.args(["-kernel", "inet_dist_use_interface", &format!("{{{octets}}}")]);
    }
}

/// A folder for `ERL_LIBS` with the modules of the tests and the resolvers of `docs/examples`, compiled once.
fn modules() -> &'static Path {
    static LIBRARIES: OnceLock<PathBuf> = OnceLock::new();
    LIBRARIES.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let libraries = Path::new(env!("CARGO_TARGET_TMPDIR")).join("erl_libs");
        let ebin = libraries.join("rosterd_interop").join("ebin");
        std::fs::create_dir_all(&ebin).expect("a folder for compiled modules");
        let sources =
            ["repl", "strategies", "member"].map(|name| root.join(format!("tests/interop/erl/{name}.erl")));
        run(Command::new("erlc")
            .args(["-W", "-Werror", "-o"])
            .arg(&ebin)
            .args(sources)
            .arg(root.join("docs/examples/last_good_resolver.erl")));
        run(Command::new("elixirc")
            .args(["--warnings-as-errors", "-o"])
            .arg(&ebin)
            .arg(root.join("docs/examples/last_good_resolver.ex")));
        libraries
    })
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}
