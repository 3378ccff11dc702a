//! A server whose clock is moved while it runs and while it does not, by libfaketime: back and forth, by an hour and by a
//! year. Time that passes (CLOCK_MONOTONIC) goes on as ever, as on a machine whose clock is set.

use crate::api_server::ApiServer;
use crate::client::{Transport, ask, data, exchange, explanations, serial};
use crate::http::get;
use crate::query::Query;
use crate::rosterd::{PATIENCE, Rosterd};
use hickory_proto::op::Message;
use serde_json::json;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

const NAME: &str = "myapp.default.svc.peers.cluster.local.";
const ZONE: &str = "peers.cluster.local.";

const HOUR: i64 = 3600;
const YEAR: i64 = 365 * 24 * HOUR;

/// Where the clock stands in turn, beside the real one.
const OFFSETS: [i64; 6] = [-HOUR, HOUR, -YEAR, YEAR, -HOUR, 0];

/// A BADCOOKIE answer (RFC 7873 8), and a right one.
const BADCOOKIE: u16 = 23;
const NOERROR: u16 = 0;

/// The library that moves a program's clock.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").expect("a folder").flatten();
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    found.find(|path| path.exists()).expect("libfaketime (Debian: faketime)")
}

/// A folder for a clock, a manifest and state.
struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Scene {
        let scene = Scene { folder: tempfile::tempdir().expect("a temporary folder") };
        scene.set_clock(0);
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn set_clock(&self, seconds: i64) {
        replace(&self.path("clock"), &format!("{seconds:+}\n"));
    }

    /// The server's program with a clock that the file sets.
    fn program(&self) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_rosterd"));
        program.env("LD_PRELOAD", library()).env("FAKETIME_TIMESTAMP_FILE", self.path("clock"));
        program.envs([("FAKETIME_NO_CACHE", "1"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")]);
        program
    }

    fn settings(&self, more: &str) -> String {
        format!(
            "{more}\n[admin]\nlisten = ['127.0.0.1:0']\napi = []\n[state]\ndirectory = '{}'\ninterval = '20ms'\n\
             [server.cookies]\nenabled = true\nrequire = true\n[server]",
            self.path("state").display()
        )
    }
}

/// Whole, by a rename.
fn replace(path: &Path, text: &str) {
    let written = path.with_extension("new");
    fs::write(&written, text).expect("a written file");
    fs::rename(written, path).expect("a replaced file");
}

fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn probes(server: &Rosterd) -> SocketAddr {
    let line = server.seen().iter().find_map(|line| line.split("probes and metrics at http://").nth(1));
    line.and_then(|address| address.trim().parse().ok()).expect("an address of probes")
}

fn metric(probes: SocketAddr, name: &str) -> i64 {
    let text = get(probes, "/metrics").body;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value: f64 = line.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().expect("a number");
    format!("{value:.0}").parse().expect("a whole number")
}

/// What holds at any time.
fn is_well(probes: SocketAddr) {
    for path in ["/live", "/ready"] {
        let answer = get(probes, path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
    assert_eq!(metric(probes, "rosterd_panics_total"), 0);
}

/// Over TCP, where nobody needs a cookie.
fn peers(server: SocketAddr) -> usize {
    data(&ask(server, Transport::Tcp, NAME, "TXT", None).answers).len()
}

fn now() -> i64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().expect("a clock after 1970");
    i64::try_from(since.as_secs()).expect("a time")
}

/// Asks over UDP with a cookie: the code of the answer, and the cookie that it has.
fn with_cookie(server: SocketAddr, cookie: &[u8]) -> (u16, Vec<u8>) {
    let octets = exchange(server, Transport::Udp, &Query::new(NAME, 16).option(10, cookie).octets());
    let answer = Message::from_vec(&octets).expect("an answer");
    let options = &answer.edns.as_ref().expect("EDNS").options().options;
    let cookie = options.iter().find(|(code, _)| u16::from(*code) == 10).map(|(_, option)| option);
    let cookie = Vec::<u8>::try_from(cookie.expect("a cookie")).expect("its octets");
    (answer.metadata.response_code.into(), cookie)
}

#[test]
fn serials_never_go_back_and_cookies_are_renewed() {
    let scene = Scene::new();
    let manifest = |peers: usize| {
        let addresses: Vec<String> = (1..=peers).map(|peer| format!("{{ip: 10.0.0.{peer}}}")).collect();
        let text = format!(
            "apiVersion: v1\nkind: Endpoints\nmetadata: {{name: myapp, namespace: default}}\n\
             subsets: [{{addresses: [{}], ports: [{{name: http, port: 80}}]}}]\n",
            addresses.join(", ")
        );
        replace(&scene.path("peers.yaml"), &text);
    };
    manifest(1);
    let settings = scene.settings(&format!("manifests = ['{}']", scene.path("peers.yaml").display()));
    let server = Rosterd::start_by(scene.program(), &settings);
    let (address, probes) = (server.ipv4(), probes(&server));
    wait_for("a start", || get(probes, "/ready").status == 200);

    let (code, first) = with_cookie(address, b"01234567");
    assert_eq!((code, first.len()), (BADCOOKIE, 24), "a cookie is wanted, and given");
    assert_eq!(with_cookie(address, &first).0, NOERROR);

    let mut last = serial(address, ZONE);
    for (count, offset) in OFFSETS.into_iter().enumerate() {
        scene.set_clock(offset);
        let count = count + 2;
        manifest(count);
        wait_for("the change", || peers(address) == count);
        let serial = serial(address, ZONE);
        assert!(serial > last, "{serial} after {last}, with the clock at {offset}");
        // With manifests it is the time, where that is ahead.
        if offset == YEAR {
            assert!(i64::from(serial) >= now() + YEAR - HOUR, "{serial}: the clock was not moved");
        }
        last = serial;
        is_well(probes);
    }

    // RFC 9018 4.3: "The DNS server SHOULD allow cookies within a 1-hour period in the past and a 5-minute period into the
    // future". What is older or newer gets another, which is good at once.
    for (offset, code) in [
        (0, NOERROR),
        (HOUR / 2, NOERROR),
        (-240, NOERROR),
        (HOUR + 60, BADCOOKIE),
        (-HOUR, BADCOOKIE),
        (YEAR, BADCOOKIE),
        (-YEAR, BADCOOKIE),
        (0, NOERROR),
    ] {
        scene.set_clock(offset);
        let (answered, renewed) = with_cookie(address, &first);
        assert_eq!(answered, code, "with the clock at {offset}");
        assert_eq!(with_cookie(address, &renewed).0, NOERROR, "with the clock at {offset}");
    }

    // What it has come to is kept: with the clock far behind that, a new start goes on from there.
    wait_for("a written state", || {
        scene.path("state").read_dir().is_ok_and(|mut files| files.next().is_some())
    });
    let (status, log) = server.terminate(nix::sys::signal::Signal::SIGTERM);
    assert!(status.success(), "{log:?}");
    scene.set_clock(-YEAR);
    let server = Rosterd::start_by(scene.program(), &settings);
    wait_for("a start", || peers(server.ipv4()) == OFFSETS.len() + 1);
    let begun = serial(server.ipv4(), ZONE);
    assert!(begun >= last, "{begun} after {last}");
    manifest(1);
    wait_for("the change", || peers(server.ipv4()) == 1);
    assert!(serial(server.ipv4(), ZONE) > begun);
}

#[test]
fn nothing_grows_stale_is_listed_again_or_is_kept_for_ever() {
    let scene = Scene::new();
    let api = ApiServer::start();
    let put = |peers: usize| {
        let addresses: Vec<String> = (1..=peers).map(|peer| format!("10.0.0.{peer}")).collect();
        let endpoints: Vec<_> = addresses.iter().map(|address| json!({"addresses": [address]})).collect();
        let slice = json!({
            "metadata": {
                "name": "myapp-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "myapp"},
            },
            "addressType": "IPv4", "endpoints": endpoints, "ports": [],
        });
        api.put(slice, "/apis/discovery.k8s.io/v1", "endpointslices");
    };
    put(1);
    let kubeconfig = scene.path("kubeconfig");
    fs::write(&kubeconfig, api.kubeconfig()).expect("a written kubeconfig");
    let mut program = scene.program();
    program.env("ROSTERD__KUBERNETES__KUBECONFIG", kubeconfig);
    let mut server = Rosterd::start_by(program, &scene.settings(""));
    let (address, probes) = (server.ipv4(), probes(&server));
    server.wait_for_log("ready after");
    let mut last = serial(address, ZONE);
    let requests = || api.requests().len();
    wait_for("the watch", || api.requests().iter().any(|request| request.contains("watch")));
    let asked = requests();
    for (count, offset) in OFFSETS.into_iter().enumerate() {
        scene.set_clock(offset);
        let count = count + 2;
        let written = metric(probes, "rosterd_state_writes_total");
        put(count);
        wait_for("the change", || peers(address) == count);
        let serial = serial(address, ZONE);
        assert!(serial > last, "{serial} after {last}, with the clock at {offset}");
        last = serial;
        // Neither stale nor listed again: both go by time that passes.
        let answer = ask(address, Transport::Tcp, NAME, "TXT", Some(1232));
        assert_eq!(explanations(&answer), [], "with the clock at {offset}");
        is_well(probes);
        // State goes on being written, at the time that it is by the clock.
        wait_for("a written state", || {
            let saved = || metric(probes, "rosterd_state_timestamp_seconds");
            metric(probes, "rosterd_state_writes_total") > written
                && (saved() - now() - offset).abs() < HOUR / 2
        });
        let age = get(probes, "/metrics").body;
        let ages = age.lines().filter(|line| line.starts_with("rosterd_zone_age_seconds{"));
        assert!(ages.clone().count() > 0);
        for line in ages {
            let age: f64 = line.rsplit(' ').next().and_then(|age| age.parse().ok()).expect("a number");
            assert!(age >= 0.0, "{line}");
        }
    }
    assert_eq!(requests(), asked, "{:?}", api.requests());
}
