//! Peers in all sizes, and the servers that have them.

use crate::rosterd::{PATIENCE, Rosterd};
use crate::wait::wait_for;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

/// The zone that the tests' addresses are in.
pub(crate) const REVERSE: &str = "244.10.in-addr.arpa";

/// Settings of the servers, `[server]` last.
pub(crate) const SETTINGS: &str =
    "pods = \"insecure\"\nreverse_zones = [\"244.10.in-addr.arpa\"]\n[server]\nnsid = \"replica\"";

/// The same as arguments of commands that read settings.
pub(crate) const FLAGS: [&str; 4] = ["--pods", "insecure", "--reverse-zone", REVERSE];

/// Sizes of sets: one datagram, several of them, and many.
pub(crate) const SIZES: [usize; 3] = [3, 120, 900];

/// The name of the set of a size.
pub(crate) fn set(size: usize) -> String {
    format!("s{size}.default.svc.peers.cluster.local.")
}

/// A slice of one set: 10.244.<set>.<peer> and up.
pub(crate) fn manifest() -> String {
    let mut manifest = String::new();
    for (place, size) in SIZES.into_iter().enumerate() {
        manifest += &slice(&format!("s{size}"), (0..size).map(|peer| address(place, peer)));
    }
    manifest
}

/// The address of a peer in the set of a place.
pub(crate) fn address(place: usize, peer: usize) -> String {
    format!("10.244.{}.{}", place * 8 + peer / 250, peer % 250 + 1)
}

/// A slice of a Service with peers at addresses.
pub(crate) fn slice(service: &str, addresses: impl Iterator<Item = String>) -> String {
    let mut slice = format!(
        "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\nmetadata: {{name: {service}-a, \
         namespace: default, labels: {{kubernetes.io/service-name: {service}}}}}\n\
         ports: [{{name: epmd, protocol: TCP, port: 4369}}]\nendpoints:\n"
    );
    for address in addresses {
        writeln!(slice, "- {{addresses: [{address}], conditions: {{ready: true}}}}").expect("text");
    }
    slice
}

/// A server of all sets.
pub(crate) fn server() -> Rosterd {
    Rosterd::start_on(&manifest(), SETTINGS, &["127.0.0.1:0"])
}

/// One of several servers with the same peers, and where it says whether it is ready.
pub(crate) struct Replica {
    pub(crate) server: Rosterd,
    pub(crate) probes: SocketAddr,
}

impl Replica {
    /// Starts one at a port of 127.0.0.1, and waits until it is ready. `lameduck` is its time between SIGTERM and its end.
    pub(crate) fn start(port: u16, lameduck: &str) -> Replica {
        let settings = format!(
            "pods = \"insecure\"\n[admin]\nlisten = ['127.0.0.1:0']\napi = []\n[server]\nlameduck = '{lameduck}'"
        );
        let server = Rosterd::start_on(&manifest(), &settings, &[&format!("127.0.0.1:{port}")]);
        let line = server.seen().iter().find_map(|line| line.split("probes and metrics at http://").nth(1));
        let probes = line.and_then(|address| address.trim().parse().ok()).expect("an address of probes");
        wait_for("a ready replica", || format!("{:?}", server.seen()), || is_ready(probes).then_some(()));
        Replica { server, probes }
    }
}

/// Whether `/ready` is 200. Who is gone is not ready.
pub(crate) fn is_ready(probes: SocketAddr) -> bool {
    get(probes, "/ready").is_some_and(|answer| answer.starts_with("HTTP/1.1 200 "))
}

/// What a path of HTTP says, with its head; `None` where nobody answers.
pub(crate) fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}
