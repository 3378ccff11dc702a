//! A running CoreDNS.

use crate::control_plane::program;
use crate::process::{Folder, Process};
use crate::query::Query;
use crate::rosterd::unused_port;
use crate::wait::wait_for;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// A name that is answered once it is up.
const UP: &str = "up.coredns.test.";

/// An address in the reverse zone of the tests that somebody else names.
pub(crate) const OTHERS: (&str, &str) = ("7.77.244.10.in-addr.arpa.", "of-others.example.");

/// CoreDNS on a free port of 127.0.0.1. It ends with the test.
pub(crate) struct CoreDns {
    process: Process,
    _folder: Folder,
    port: u16,
}

impl CoreDns {
    /// Starts it on server blocks for port 53, as `rosterd stanza` prints them, with a first one that asks `others` about
    /// everything else; `into` are lines of that.
    pub(crate) fn start(into: &str, blocks: &str, others: &CoreDns) -> CoreDns {
        let into = indented(into);
        CoreDns::run(&format!(
            ".:53 {{\n    errors\n{into}    forward . {}\n}}\n\n{blocks}",
            others.address()
        ))
    }

    /// Another server, which knows one address, [`OTHERS`], and one name of its own.
    pub(crate) fn others() -> CoreDns {
        let [ptr, a] = [("PTR", OTHERS.0, OTHERS.1), ("A", OTHERS.1, "192.0.2.7")].map(|(record_type, name, data)| {
            format!("    template IN {record_type} {name} {{\n        answer \"{name} 0 IN {record_type} {data}\"\n    }}\n")
        });
        CoreDns::run(&format!(
            ".:53 {{\n{ptr}{a}    template IN ANY . {{\n        rcode NXDOMAIN\n    }}\n}}\n"
        ))
    }

    /// Starts it on a whole Corefile.
    pub(crate) fn run(corefile: &str) -> CoreDns {
        let (folder, port) = (Folder::create(), unused_port());
        let up = format!(
            "{UP}:53 {{\n    template IN A {UP} {{\n        answer \"{UP} 0 IN A 127.0.0.1\"\n    }}\n}}\n"
        );
        let text =
            format!("{corefile}\n{up}").replace(":53 {\n", &format!(":{port} {{\n    bind 127.0.0.1\n"));
        assert!(!text.contains(":53 "), "{text}");
        std::fs::write(folder.path().join("Corefile"), &text).expect("a written Corefile");
        let arguments = ["-conf".to_owned(), "Corefile".to_owned()];
        let process = Process::start(folder.path(), "coredns", &program("coredns"), &arguments);
        let coredns = CoreDns { process, _folder: folder, port };
        let explain = || format!("{}\n{text}", coredns.process.last_words());
        wait_for("CoreDNS", explain, || coredns.is_up().then_some(()));
        coredns
    }

    /// Where it is asked, over UDP and TCP.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Whether it answers. Until it does, datagrams go astray.
    fn is_up(&self) -> bool {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a UDP socket");
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
        let question = Query::new(UP, 1).octets();
        let mut answer = [0; 512];
        let answered = socket.connect(self.address()).and_then(|()| socket.send(&question));
        answered.and_then(|_| socket.recv(&mut answer)).is_ok_and(|length| length > question.len())
    }
}

/// Lines as they stand in a block.
pub(crate) fn indented(lines: &str) -> String {
    lines.lines().fold(String::new(), |text, line| text + "    " + line + "\n")
}
