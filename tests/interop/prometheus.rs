//! Metrics and alert rules as Prometheus' own tool reads them.

use crate::client::{Transport, ask};
use crate::rosterd::Rosterd;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

fn metrics(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    body.to_owned()
}

#[test]
fn promtool_finds_nothing_wrong_with_the_metrics() {
    let manifest = include_str!("../../deploy/examples/myapp.yaml");
    let server =
        Rosterd::start(manifest, "[admin]\nlisten = ['127.0.0.1:0']\napi = []\n[server]\nlameduck = '0s'");
    let line = server.seen().iter().find(|line| line.contains("probes and metrics at ")).expect("a line");
    let address =
        line.rsplit_once("http://").and_then(|(_, address)| address.parse().ok()).expect("an address");
    for transport in [Transport::Udp, Transport::Tcp] {
        ask(server.ipv4(), transport, "myapp.default.svc.peers.cluster.local.", "TXT", Some(1232));
    }
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool");
    promtool.stdin.take().expect("a pipe").write_all(metrics(address).as_bytes()).expect("a written text");
    let output = promtool.wait_with_output().expect("its end");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn promtool_finds_the_alerts_right_and_each_fires_when_it_should() {
    for arguments in [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]] {
        let output = Command::new("promtool")
            .args(arguments)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/monitoring"))
            .output()
            .expect("promtool");
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    }
}
