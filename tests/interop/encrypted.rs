//! Encrypted transports as other programs speak them: kdig over TLS and HTTPS, curl, HTTP/2 of Node, and Go's TLS and HTTP/2
//! with quic-go. The kdig that Debian has is built without QUIC.

use crate::query::Query;
use crate::rosterd::Rosterd;
use base64::Engine as _;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

const NAME: &str = "my-app.default.svc.peers.cluster.local";

/// A query for the TXT records of [`NAME`], without id.
const QUERY: &[u8] =
    b"\0\0\x01\0\0\x01\0\0\0\0\0\0\x06my-app\x07default\x03svc\x05peers\x07cluster\x05local\0\0\x10\0\x01";

struct Served {
    rosterd: Rosterd,
    tls: SocketAddr,
    https: SocketAddr,
    quic: SocketAddr,
    folder: tempfile::TempDir,
}

fn start() -> Served {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(folder.path().join("tls.crt"), made.cert.pem()).expect("a written file");
    std::fs::write(folder.path().join("tls.key"), made.signing_key.serialize_pem()).expect("a written file");
    std::fs::write(folder.path().join("query"), QUERY).expect("a written file");
    let path = folder.path().display();
    let settings = format!(
        "[[transfer.secondaries]]\nclients = ['127.0.0.1']\n[server.tls]\ncertificate = '{path}/tls.crt'\nkey = '{path}/tls.key'\n[server]\n\
         listen_tls = ['127.0.0.1:0']\nlisten_https = ['127.0.0.1:0']\nlisten_quic = ['127.0.0.1:0']\n"
    );
    let manifest = include_str!("../../deploy/examples/loopback.yaml");
    let mut rosterd = Rosterd::start(manifest, &settings);
    let [tls, https, quic] = ["TLS", "HTTPS", "QUIC"].map(|name| {
        let line = rosterd.wait_for_log(&format!("(DNS over {name})"));
        let rest = line.split("listening on ").nth(1).and_then(|rest| rest.split(' ').next());
        rest.and_then(|text| text.parse().ok()).expect("an address")
    });
    Served { rosterd, tls, https, quic, folder }
}

/// What a program prints; it must succeed.
fn output(command: &mut Command) -> Vec<u8> {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn kdig(server: SocketAddr, transport: &[&str], record_type: &str) -> Vec<String> {
    let (address, port) = (format!("@{}", server.ip()), server.port().to_string());
    let mut command = Command::new("kdig");
    command.args([&*address, "-p", &port, "+retry=0", "+time=60", "+short"]).args(transport);
    let text = String::from_utf8(output(command.args(["-q", NAME, "-t", record_type]))).expect("text");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn kdig_hears_the_same_over_every_transport() {
    let served = start();
    let authority = format!("+tls-ca={}", served.folder.path().join("tls.crt").display());
    let trusts = [&*authority, "+tls-hostname=localhost"];
    for record_type in ["A", "TXT", "SRV"] {
        let plain = kdig(served.rosterd.ipv4(), &["+tcp"], record_type);
        assert_eq!(plain.len(), 3, "{plain:?}");
        for (server, transport) in [
            (served.tls, &["+tls"][..]),
            (served.tls, &["+tls", "+padding=64"]),
            (served.https, &["+https"]),
            (served.https, &["+https-get"]),
        ] {
            let found = kdig(server, &[transport, &trusts].concat(), record_type);
            assert_eq!(found, plain, "{transport:?} {record_type}");
        }
    }
}

/// RFC 9103: zones are transferred over TLS as over TCP. RFC 8484 has one answer for a query.
#[test]
fn kdig_transfers_zones_over_tls_and_not_over_https() {
    let served = start();
    let authority = format!("+tls-ca={}", served.folder.path().join("tls.crt").display());
    let trusts = [&*authority, "+tls-hostname=localhost"];
    let zone = |server: SocketAddr, transport: &[&str], record_type: &str| {
        let (address, port) = (format!("@{}", server.ip()), server.port().to_string());
        let mut command = Command::new("kdig");
        command.args([&*address, "-p", &port, "+retry=0", "+time=60"]).args(transport);
        command.args(["-q", "peers.cluster.local", "-t", record_type]);
        let found = command.stdin(Stdio::null()).output().expect("kdig");
        let text = String::from_utf8(found.stdout).expect("text");
        let said = String::from_utf8_lossy(&found.stderr).into_owned() + &text;
        let is_record = |line: &&str| !line.is_empty() && !line.starts_with(';');
        (text.lines().filter(is_record).map(str::to_owned).collect::<Vec<_>>(), said)
    };
    for record_type in ["AXFR", "IXFR=1"] {
        let (plain, text) = zone(served.rosterd.ipv4(), &["+tcp"], record_type);
        assert!(plain.len() > 10, "{record_type}: {text}");
        let (encrypted, text) = zone(served.tls, &[&["+tls"], &trusts[..]].concat(), record_type);
        assert_eq!(encrypted, plain, "{record_type}: {text}");
        let (refused, text) = zone(served.https, &[&["+https"], &trusts[..]].concat(), record_type);
        assert!(refused.is_empty() && text.contains("REFUSED"), "{record_type}: {text}");
    }
}

/// The answer to [`QUERY`] over TCP.
fn by_tcp(server: SocketAddr) -> Vec<u8> {
    ask_tcp(server, QUERY)
}

fn ask_tcp(server: SocketAddr, query: &[u8]) -> Vec<u8> {
    use std::io::Read;
    let mut stream = std::net::TcpStream::connect(server).expect("a connection");
    stream.set_read_timeout(Some(crate::rosterd::PATIENCE)).expect("a bound");
    let length = u16::try_from(query.len()).expect("a query").to_be_bytes();
    stream.write_all(&[&length, query].concat()).expect("a sent query");
    let mut length = [0; 2];
    stream.read_exact(&mut length).expect("an answer");
    let mut answer = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut answer).expect("a whole answer");
    answer
}

fn get_path() -> String {
    format!("/dns-query?dns={}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(QUERY))
}

#[test]
fn curl_gets_by_both_methods_the_octets_of_tcp() {
    let served = start();
    let answer = by_tcp(served.rosterd.ipv4());
    let port = served.https.port();
    let file = |name: &str| served.folder.path().join(name).display().to_string();
    let curl = |arguments: &[&str]| {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--fail", "--http2", "--max-time", "60"]);
        command.args(["--cacert", &file("tls.crt"), "--resolve", &format!("localhost:{port}:127.0.0.1")]);
        output(command.args(arguments))
    };
    let (get, query) = (get_path(), format!("@{}", file("query")));
    assert_eq!(curl(&[&format!("https://localhost:{port}{get}")]), answer);
    let to = format!("https://localhost:{port}/dns-query");
    let by_post = curl(&["--header", "content-type: application/dns-message", "--data-binary", &query, &to]);
    assert_eq!(by_post, answer);
    let head = String::from_utf8(curl(&[
        "--dump-header",
        "-",
        "--output",
        "/dev/null",
        &format!("https://localhost:{port}{get}"),
    ]))
    .expect("text");
    for line in ["HTTP/2 200", "content-type: application/dns-message", "cache-control: max-age=5"] {
        assert!(head.contains(line), "{head}");
    }
}

/// A client of Node's own HTTP/2: argument 1 is the authority, 2 the origin, 3 the path of a GET, 4 the file with the query.
const NODE: &str = r"
const [, authority, origin, path, query] = process.argv;
const fs = require('fs'), http2 = require('http2');
const session = http2.connect(origin, { ca: fs.readFileSync(authority) });
session.on('error', error => { console.error(error); process.exit(1); });
const ask = (head, body) => new Promise((resolve, reject) => {
    const stream = session.request(head), parts = [];
    stream.on('data', part => parts.push(part));
    stream.on('end', () => resolve(Buffer.concat(parts).toString('base64url')));
    stream.on('error', reject);
    stream.end(body);
});
(async () => {
    console.log(await ask({ ':path': path }));
    const head = { ':method': 'POST', ':path': '/dns-query', 'content-type': 'application/dns-message' };
    console.log(await ask(head, fs.readFileSync(query)));
    session.close();
})();
";

#[test]
fn node_gets_by_both_methods_the_octets_of_tcp() {
    let served = start();
    let encoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(by_tcp(served.rosterd.ipv4()));
    let file = |name: &str| served.folder.path().join(name).display().to_string();
    let origin = format!("https://localhost:{}", served.https.port());
    // The name has an address of its own in the host's file, which may be IPv6.
    let script = NODE.replace("{ ca:", "{ lookup: (_, options, done) => options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4), ca:");
    let mut command = Command::new("node");
    command.args(["--eval", &script, "--", &file("tls.crt"), &origin, &get_path(), &file("query")]);
    let text = String::from_utf8(output(&mut command)).expect("text");
    assert_eq!(text.lines().collect::<Vec<_>>(), [&encoded, &encoded]);
}

/// A message in hexadecimal.
fn hexadecimal(message: &[u8]) -> String {
    message.iter().fold(String::new(), |mut text, octet| {
        write!(text, "{octet:02x}").expect("text");
        text
    })
}

/// Many queries at a time on one connection, over QUIC by a resumed session too.
#[test]
fn go_and_quic_go_get_the_octets_of_tcp() {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/programs/encrypted-client");
    assert!(program.exists(), "{} is missing: tests/cluster/programs/build makes it", program.display());
    let served = start();
    let rows = [
        (NAME, 16),
        (NAME, 33),
        ("127-0-0-2.default.pod.cluster.local", 1),
        ("127-0-0-2.default.pod.cluster.local", 28),
        ("none.default.svc.peers.cluster.local", 1),
        ("peers.cluster.local", 6),
        ("example.com", 1),
    ];
    // RFC 8484 4.1 and RFC 9250 4.2.1 have 0 as the id.
    let plain = |(name, record_type): &(&str, u16)| Query { id: 0, ..Query::new(name, *record_type) };
    let queries: Vec<Vec<u8>> =
        rows.iter().flat_map(|row| [plain(row).octets(), plain(row).edns(1232).octets()]).collect();
    let expected: Vec<String> =
        queries.iter().map(|query| hexadecimal(&ask_tcp(served.rosterd.ipv4(), query))).collect();
    for (transport, address) in [("tls", served.tls), ("https", served.https), ("quic", served.quic)] {
        // 42 queries, below the 64 streams of QUIC that may stand open.
        let asked: String =
            queries.iter().map(|query| hexadecimal(query) + "\n").collect::<String>().repeat(3);
        let mut client = Command::new(&program)
            .arg(served.folder.path().join("tls.crt"))
            .args([transport, &address.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the client");
        client.stdin.take().expect("a pipe").write_all(asked.as_bytes()).expect("sent queries");
        let output = client.wait_with_output().expect("its output");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{transport}: {said}");
        let sessions = if transport == "quic" { 2 } else { 1 };
        let answers = String::from_utf8(output.stdout).expect("text");
        let answers: Vec<&str> = answers.lines().collect();
        let wanted: Vec<&String> = expected.iter().cycle().take(asked.lines().count() * sessions).collect();
        assert_eq!(answers, wanted, "{transport}");
        if transport == "quic" {
            assert_eq!(said, "resumed: false\nresumed: true\n");
        }
    }
}
