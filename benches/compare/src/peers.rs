//! The other servers, each with one thread that answers, on the zones that rosterd has exported.
//!
//! The settings are those that make each of them cheapest and its answers those of rosterd: nothing is logged or limited,
//! and no RRs are added that a client did not ask for.

use load::Failure;
use load::process::Server;
use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to serve all zones.
const PATIENCE: Duration = Duration::from_secs(60);

/// A zone's name and its master file.
pub type Zone = (&'static str, PathBuf);

/// A server, before it is started.
pub struct Peer {
    pub name: &'static str,
    /// Its program; and where it comes from, for those who lack it.
    program: PathBuf,
    source: &'static str,
    /// What prints the version.
    version: &'static str,
    arguments: &'static [&'static str],
    settings: fn(&Path, u16, &[Zone]) -> Result<String, Failure>,
}

/// All of them. `programs` is the folder of those that are not in the system's path.
pub fn all(programs: &Path) -> Vec<Peer> {
    vec![
        Peer {
            name: "NSD",
            program: "nsd".into(),
            source: "the package nsd",
            version: "-v",
            arguments: &["-d", "-c"],
            settings: nsd,
        },
        Peer {
            name: "NSD recvmmsg",
            program: programs.join("nsd"),
            source: "NSD's source with --enable-recvmmsg, its program copied to target/programs/nsd",
            version: "-v",
            arguments: &["-d", "-c"],
            settings: nsd,
        },
        Peer {
            name: "Knot",
            program: "knotd".into(),
            source: "the package knot",
            version: "-V",
            arguments: &["-c"],
            settings: knot,
        },
        Peer {
            name: "BIND",
            program: "named".into(),
            source: "the package bind9",
            version: "-v",
            arguments: &["-g", "-n", "1", "-c"],
            settings: bind,
        },
        Peer {
            name: "PowerDNS",
            program: "pdns_server".into(),
            source: "the packages pdns-server and pdns-backend-bind",
            version: "--version",
            arguments: &[],
            settings: powerdns,
        },
        Peer {
            name: "CoreDNS",
            program: programs.join("coredns"),
            source: "tests/cluster/programs/build coredns",
            version: "-version",
            arguments: &["-quiet", "-conf"],
            settings: coredns,
        },
        Peer {
            name: "hickory-dns",
            program: programs.join("hickory-dns"),
            source: "cargo install hickory-dns, its program copied to target/programs/",
            version: "--version",
            arguments: &["-q", "--workers", "1", "-c"],
            settings: hickory,
        },
    ]
}

impl Peer {
    /// What is missing, for those who would have it measured.
    pub fn missing(&self) -> Option<String> {
        let version = Command::new(&self.program).arg(self.version).stdin(Stdio::null()).output();
        version.err().map(|error| format!("{} is left out ({error}); it is {}", self.name, self.source))
    }

    /// The first line with a number in what the program says of itself.
    pub fn version(&self) -> Result<String, Failure> {
        let output = Command::new(&self.program).arg(self.version).stdin(Stdio::null()).output()?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let line = text.lines().find(|line| line.contains(|c: char| c.is_ascii_digit()));
        // PowerDNS stamps its lines with the time.
        let line = line.unwrap_or("unknown").trim();
        Ok(line
            .split_once("PowerDNS")
            .map_or_else(|| line.to_string(), |(_, rest)| format!("PowerDNS{rest}")))
    }

    /// Starts it in a folder of its own below `folder`, and waits until it serves all zones.
    pub fn start(&self, folder: &Path, zones: &[Zone]) -> Result<Server, Failure> {
        let folder = folder.join(self.name.replace(' ', "-"));
        fs::create_dir_all(folder.join("db"))?;
        let port = unused_port()?;
        let file = folder.join("pdns.conf");
        fs::write(&file, (self.settings)(&folder, port, zones)?)?;
        let log = fs::File::create(folder.join("log"))?;
        let mut command = Command::new(&self.program);
        command.args(self.arguments);
        if self.arguments.is_empty() {
            command.arg(format!("--config-dir={}", folder.display()));
        } else {
            command.arg(&file);
        }
        // What one worker is for Go's runtime.
        command.env("GOMAXPROCS", "1");
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        let server = Server::adopt(child, SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let until = Instant::now() + PATIENCE;
        for (origin, _) in zones {
            // A zone that is not loaded yet is refused, or the port is not open yet.
            while !serves(server.address, origin) {
                if Instant::now() > until {
                    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
                    return Err(format!("{} does not serve {origin}:\n{log}", self.name).into());
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        Ok(server)
    }
}

fn unused_port() -> std::io::Result<u16> {
    Ok(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn serves(server: SocketAddr, origin: &str) -> bool {
    const SOA: u16 = 6;
    let question = load::questions::question(0, origin, SOA);
    // RFC 1035 4.1.1: ANCOUNT is the fourth number of the header.
    crate::answers::ask(server, &question).is_ok_and(|answer| answer.get(6..8) == Some(&[0, 1]))
}

fn nsd(folder: &Path, port: u16, zones: &[Zone]) -> Result<String, Failure> {
    let folder = folder.display();
    let mut text = format!(
        "server:\n ip-address: 127.0.0.1\n port: {port}\n username: \"\"\n zonesdir: \"{folder}\"\n database: \"\"\n \
         pidfile: \"{folder}/pid\"\n xfrdfile: \"{folder}/xfrd\"\n xfrdir: \"{folder}\"\n \
         zonelistfile: \"{folder}/list\"\n server-count: 1\n minimal-responses: yes\n rrl-ratelimit: 0\n \
         tcp-count: 1000\n\
         remote-control:\n control-enable: no\n"
    );
    for (origin, file) in zones {
        writeln!(text, "zone:\n name: {origin}\n zonefile: {}", file.display())?;
    }
    Ok(text)
}

fn knot(folder: &Path, port: u16, zones: &[Zone]) -> Result<String, Failure> {
    let folder = folder.display();
    let mut text = format!(
        "server:\n    listen: 127.0.0.1@{port}\n    rundir: {folder}\n    udp-workers: 1\n    tcp-workers: 1\n    \
         background-workers: 1\n    tcp-max-clients: 1000\n\
         database:\n    storage: {folder}/db\n\
         template:\n  - id: default\n    zonefile-sync: -1\n    journal-content: none\nzone:\n"
    );
    for (origin, file) in zones {
        writeln!(text, "  - domain: {origin}\n    file: {}", file.display())?;
    }
    Ok(text)
}

fn bind(folder: &Path, port: u16, zones: &[Zone]) -> Result<String, Failure> {
    // Without the limit of 100 records per type that 9.18.28 brought.
    let mut text = format!(
        "options {{ directory \"{}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n\
         recursion no; minimal-responses yes; rrset-order {{ order none; }}; max-records-per-type 0;\n\
         tcp-clients 1000; pid-file none; session-keyfile none; dnssec-validation no; notify no;\n\
         empty-zones-enable no; check-integrity no; check-names primary ignore; }};\ncontrols {{ }};\n",
        folder.display()
    );
    for (origin, file) in zones {
        writeln!(text, "zone \"{origin}\" {{ type primary; file \"{}\"; }};", file.display())?;
    }
    Ok(text)
}

fn powerdns(folder: &Path, port: u16, zones: &[Zone]) -> Result<String, Failure> {
    let mut named = String::new();
    for (origin, file) in zones {
        writeln!(named, "zone \"{origin}\" {{ type master; file \"{}\"; }};", file.display())?;
    }
    fs::write(folder.join("named.conf"), named)?;
    let folder = folder.display();
    // Its caches are on, as they are by default: names that are asked again come from the packet cache.
    Ok(format!(
        "launch=bind\nbind-config={folder}/named.conf\nlocal-address=127.0.0.1\nlocal-port={port}\n\
         socket-dir={folder}\ndaemon=no\nguardian=no\ndisable-syslog=yes\nloglevel=3\nsecurity-poll-suffix=\n\
         receiver-threads=1\ndistributor-threads=1\nsigning-threads=1\nretrieval-threads=1\n\
         max-tcp-connections=1000\nmax-tcp-transactions-per-conn=0\n"
    ))
}

fn coredns(_: &Path, port: u16, zones: &[Zone]) -> Result<String, Failure> {
    let mut text = String::new();
    for (origin, file) in zones {
        writeln!(text, "{origin}:{port} {{\n bind 127.0.0.1\n file {}\n cache\n}}", file.display())?;
    }
    Ok(text)
}

fn hickory(_: &Path, port: u16, zones: &[Zone]) -> Result<String, Failure> {
    // It becomes somebody else otherwise, who need not exist.
    let [user, group] = ["-un", "-gn"].map(|what| Command::new("id").arg(what).output());
    let mut text = format!(
        "listen_addrs_ipv4 = [\"127.0.0.1\"]\nlisten_port = {port}\nuser = \"{}\"\ngroup = \"{}\"\n",
        String::from_utf8(user?.stdout)?.trim(),
        String::from_utf8(group?.stdout)?.trim()
    );
    for (origin, file) in zones {
        writeln!(
            text,
            "[[zones]]\nzone = \"{origin}\"\nzone_type = \"Primary\"\n[zones.stores]\ntype = \"file\"\nzone_path = \"{}\"",
            file.display()
        )?;
    }
    Ok(text)
}
