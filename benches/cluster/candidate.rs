//! The servers that are compared, and what the kernel says of them.

use crate::control_plane::program;
use crate::load::Set;
use crate::process::Folder;
use crate::rosterd::{Rosterd as Server, unused_port};
use hickory_proto::op::{Message, Query};
use hickory_proto::rr::{Name, RecordType};
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running server.
pub(crate) trait Candidate {
    fn name(&self) -> &'static str;

    fn process(&self) -> u32;

    fn server(&self) -> SocketAddr;

    /// The name that has the addresses of a set.
    fn owner(&self, set: &Set) -> String;

    /// Whether it answers with all addresses of a set.
    fn shows(&self, set: &Set) -> bool {
        addresses(self.server(), &self.owner(set)).is_some_and(|found| found == set.size)
    }

    /// Resident memory in MiB.
    fn resident(&self) -> f64 {
        status(self.process(), "VmRSS:")
    }

    /// What of it is not mapped from files, in MiB.
    fn anonymous(&self) -> f64 {
        status(self.process(), "RssAnon:")
    }

    /// The largest resident memory so far in MiB.
    fn peak(&self) -> f64 {
        status(self.process(), "VmHWM:")
    }

    /// Lets the largest so far be what it is now.
    fn forget_peak(&self) {
        // "To reset the peak resident set size ("high water mark") to the process's current value: echo 5" (proc(5)).
        fs::write(format!("/proc/{}/clear_refs", self.process()), "5").expect("a process of ours");
    }
}

/// Every Service is a set, the default.
pub(crate) struct Rosterd(Server);

impl Rosterd {
    pub(crate) fn start(kubeconfig: &Path) -> Rosterd {
        // A program that is built already, an older one for example.
        let Some(program) = std::env::var_os("ROSTERD") else {
            return Rosterd(Server::watch(kubeconfig, "[server]"));
        };
        let settings = format!("kubernetes.kubeconfig = '{}'\n[server]", kubeconfig.display());
        Rosterd(Server::start_by(Command::new(program), &settings))
    }
}

impl Candidate for Rosterd {
    fn name(&self) -> &'static str {
        "rosterd"
    }

    fn process(&self) -> u32 {
        self.0.process()
    }

    fn server(&self) -> SocketAddr {
        self.0.ipv4()
    }

    fn owner(&self, set: &Set) -> String {
        format!("{}.{}.svc.peers.cluster.local.", set.service, set.namespace)
    }
}

/// The plugin `kubernetes` alone, without a cache. Names of pods are off, which is its default.
pub(crate) struct CoreDns {
    child: Child,
    port: u16,
    _folder: Folder,
}

impl CoreDns {
    pub(crate) fn start(kubeconfig: &Path) -> CoreDns {
        let folder = Folder::create();
        let port = unused_port();
        let corefile = folder.path().join("Corefile");
        let kubeconfig = kubeconfig.display();
        let text = format!(
            ".:{port} {{\n bind 127.0.0.1\n kubernetes cluster.local {{\n  kubeconfig {kubeconfig} test\n  ttl 5\n }}\n}}\n"
        );
        fs::write(&corefile, text).expect("a written Corefile");
        let child = Command::new(program("coredns"))
            .arg("-conf")
            .arg(&corefile)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("CoreDNS");
        CoreDns { child, port, _folder: folder }
    }
}

impl Drop for CoreDns {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Candidate for CoreDns {
    fn name(&self) -> &'static str {
        "CoreDNS"
    }

    fn process(&self) -> u32 {
        self.child.id()
    }

    fn server(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    fn owner(&self, set: &Set) -> String {
        format!("{}.{}.svc.cluster.local.", set.service, set.namespace)
    }
}

/// Waits until a server is idle: less than 50 ms of processor time in three seconds.
pub(crate) fn settle(candidate: &dyn Candidate) {
    let mut before = ticks(candidate.process());
    loop {
        std::thread::sleep(Duration::from_secs(3));
        let now = ticks(candidate.process());
        // The kernel counts in hundredths of a second.
        if now - before < 5 {
            return;
        }
        before = now;
    }
}

/// How many addresses a TCP answer has; `None` while there is no answer.
fn addresses(server: SocketAddr, name: &str) -> Option<usize> {
    let mut question = Message::query();
    question.add_query(Query::query(Name::from_ascii(name).ok()?, RecordType::A));
    let question = question.to_vec().ok()?;
    let mut stream = TcpStream::connect(server).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut framed = u16::try_from(question.len()).ok()?.to_be_bytes().to_vec();
    framed.extend(question);
    stream.write_all(&framed).ok()?;
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer).ok()?;
    let answer = Message::from_vec(&answer).ok()?;
    Some(answer.answers.len())
}

/// A line of `/proc/<process>/status` in MiB.
fn status(process: u32, key: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("a running process");
    let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("a line of the status");
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kibibytes / 1024.0
}

/// Processor time in hundredths of a second.
fn ticks(process: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("a running process");
    // Behind the program's name, which may hold anything, come the state and 10 numbers before user and system time.
    let (_, rest) = stat.rsplit_once(')').expect("a program's name");
    rest.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<u64>().ok()).sum()
}
