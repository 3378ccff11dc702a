//! State on disk: what a server answers that is started while the API server is away, and what becomes of the file when
//! processes are killed, disks are full, and clocks jump.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "support/api_server.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod api_server;
#[path = "support/client.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod client;
#[path = "admin/http.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod http;
#[path = "support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;

use ::rosterd::roster::{Event, EventKind, Gives, ObjectKind, Scope, WatchId};
use ::rosterd::source::kubernetes::WatchPlan;
use ::rosterd::source::saved::{Directory, FILE, Fingerprint, Image, Mirror, Saved};
use api_server::ApiServer;
use client::{Transport, ask, data, explanations, serial};
use hickory_proto::op::ResponseCode;
use nix::sys::signal::Signal;
use rosterd::{PATIENCE, Rosterd, alone, lines, unused_port};
use serde_json::json;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const NAME: &str = "myapp.default.svc.peers.cluster.local.";
const NOBODY: &str = "nobody.default.svc.peers.cluster.local.";
const ZONE: &str = "peers.cluster.local.";
const SLICES: &str = "/apis/discovery.k8s.io/v1";

/// Stale Answer, Stale NXDOMAIN Answer (RFC 8914 4.4 and 4.20).
const STALE: [Option<u16>; 2] = [Some(3), Some(19)];

/// Slice number `number` of the Service `myapp`, with so many addresses.
fn put(api: &ApiServer, number: usize, addresses: usize) {
    let endpoints: Vec<_> = (1..=addresses)
        .map(|peer| json!({"addresses": [format!("10.{number}.{}.{}", peer / 250, peer % 250)], "conditions": {}}))
        .collect();
    let slice = json!({
        "metadata": {
            "name": format!("myapp-{number}"), "namespace": "default",
            "labels": {"kubernetes.io/service-name": "myapp"},
        },
        "addressType": "IPv4", "endpoints": endpoints, "ports": [],
    });
    api.put(slice, SLICES, "endpointslices");
}

/// A cluster, and the folder that servers keep their state in.
struct Scene {
    api: ApiServer,
    folder: tempfile::TempDir,
    probes: SocketAddr,
}

impl Scene {
    fn new() -> Scene {
        let api = ApiServer::start();
        for number in 1..=3 {
            put(&api, number, 1);
        }
        let probes = SocketAddr::from(([127, 0, 0, 1], unused_port()));
        Scene { api, folder: tempfile::tempdir().unwrap(), probes }
    }

    fn directory(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn file(&self) -> PathBuf {
        self.directory().join(FILE)
    }

    fn settings(&self, state: &str) -> String {
        let (directory, probes) = (self.directory(), self.probes);
        format!(
            "[admin]\nlisten = ['{probes}']\napi = []\n[state]\ndirectory = '{}'\ninterval = '20ms'\n{state}\n[server]",
            directory.display()
        )
    }

    fn start(&self, state: &str) -> Rosterd {
        Rosterd::start_in_cluster(&self.api.kubeconfig(), &self.settings(state))
    }

    fn saved(&self) -> Option<Saved> {
        Directory::new(self.directory()).read().unwrap()
    }

    fn ready(&self) -> http::Answer {
        http::get(self.probes, "/ready")
    }

    /// The value of a metric without labels.
    fn metric(&self, name: &str) -> f64 {
        let text = http::get(self.probes, "/metrics").body;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().unwrap()
    }
}

fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn peers(server: SocketAddr) -> usize {
    data(&ask(server, Transport::Tcp, NAME, "TXT", None).answers).len()
}

fn code(server: SocketAddr) -> ResponseCode {
    ask(server, Transport::Udp, NAME, "TXT", None).metadata.response_code
}

/// The codes that explain the answers to a name that exists and to one that does not.
fn codes(server: SocketAddr) -> [Option<u16>; 2] {
    [NAME, NOBODY].map(|name| {
        let answer = ask(server, Transport::Udp, name, "TXT", Some(1232));
        explanations(&answer).first().map(|(code, _)| *code)
    })
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn a_server_that_is_started_without_the_api_server_answers_as_the_last_one_did() {
    let scene = Scene::new();
    let mut server = scene.start("");
    wait_for("the first list", || peers(server.ipv4()) == 3);
    put(&scene.api, 4, 2);
    wait_for("the saved state", || scene.saved().is_some_and(|saved| saved.watches[0].objects == 4));
    wait_for("all peers", || peers(server.ipv4()) == 5);
    let last = serial(server.ipv4(), ZONE);
    assert_eq!(codes(server.ipv4()), [None; 2]);
    wait_for("the serial", || scene.saved().unwrap().serials.contains(&(ZONE.into(), last)));
    server.kill();
    assert!(scene.metric_is_gone());

    scene.api.die(true);
    let mut server = scene.start("ready_after = '2s'");
    // At once: nothing is waited for.
    assert_eq!((peers(server.ipv4()), codes(server.ipv4())), (5, STALE));
    assert_eq!(serial(server.ipv4(), ZONE), last, "the same content");
    assert!(
        server.seen().iter().any(|line| line.contains("4 objects as they were saved")),
        "{:?}",
        server.seen()
    );
    assert_eq!(scene.ready().status, 503);
    wait_for("readiness", || scene.ready().status == 200);
    let why = scene.ready().body;
    assert!(why.contains("served as it was saved"), "{why}");
    let line = server.wait_for_log("served as it was saved until it is listed");
    assert!(line.contains("WARN"), "{line}");

    // Its age is not that of the file, however often that is written.
    let before = scene.saved().unwrap().watches[0].current;
    server.kill();
    let mut server = scene.start("ready_after = '0s'\n");
    wait_for("readiness", || scene.ready().status == 200);
    let writes = || scene.metric("rosterd_state_writes_total");
    wait_for("one write", || writes() > 0.5);
    assert!(writes() < 1.5, "nothing has changed since");
    assert_eq!(scene.saved().unwrap().watches[0].current, before);

    // It is back, and what has changed meanwhile is served.
    scene.api.remove("default", "myapp-4", SLICES, "endpointslices");
    scene.api.die(false);
    wait_for("the list", || peers(server.ipv4()) == 3);
    wait_for("current answers", || codes(server.ipv4()) == [None; 2]);
    server.wait_for_log("current again");
    assert!((1..1 << 31).contains(&serial(server.ipv4(), ZONE).wrapping_sub(last)));
    wait_for("the saved state", || scene.saved().is_some_and(|saved| saved.watches[0].objects == 3));
    assert!(scene.saved().unwrap().watches[0].current >= before);
}

impl Scene {
    /// Whether nobody tells of metrics.
    fn metric_is_gone(&self) -> bool {
        http::raw_if_there(self.probes, b"GET /metrics HTTP/1.1\r\n\r\n").is_none()
    }
}

#[test]
fn other_settings_give_other_serials() {
    let scene = Scene::new();
    let mut server = scene.start("");
    wait_for("the first list", || peers(server.ipv4()) == 3);
    let last = serial(server.ipv4(), ZONE);
    wait_for("the saved state", || {
        scene.saved().is_some_and(|saved| saved.serials.contains(&(ZONE.into(), last)))
    });
    server.kill();
    scene.api.die(true);
    let server = scene.start("\n[[topologies]]\nname = 'myapp'\nnode_basename = 'other'");
    assert_eq!((peers(server.ipv4()), codes(server.ipv4())), (3, STALE));
    assert_eq!(serial(server.ipv4(), ZONE), last.wrapping_add(1));
}

/// A state of one empty watch, as settings without topologies have it, current at a time.
fn image(origin: &str, current: u64) -> Image {
    let plan = WatchPlan {
        resource: ObjectKind::EndpointSlice,
        scope: Scope::All,
        selector: None,
        gives: Gives::Peers,
    };
    let mut mirror = Mirror::new(&[plan]);
    let synced = Event { watch: WatchId(0), revision: Some(7), kind: EventKind::Synced };
    mirror.take(&[synced], current);
    let mut image = mirror.image(current).unwrap();
    origin.clone_into(&mut image.origin);
    image.settings = Fingerprint::of("others");
    image
}

#[test]
fn what_cannot_be_trusted_is_ignored_with_a_word() {
    const HOUR: u64 = 3_600;
    let scene = Scene::new();
    scene.api.die(true);
    let server: serde_json::Value = serde_json::from_str(&scene.api.kubeconfig()).unwrap();
    let server = server["clusters"][0]["cluster"]["server"].as_str().unwrap().to_owned();
    let write = |origin: &str, current: u64| {
        Directory::new(scene.directory()).write(&image(origin, current)).unwrap();
    };
    let damage = |change: fn(&mut Vec<u8>)| {
        write(&server, now());
        let mut octets = std::fs::read(scene.file()).unwrap();
        change(&mut octets);
        std::fs::write(scene.file(), octets).unwrap();
    };
    let cases: [(&str, &dyn Fn()); 9] = [
        ("nothing was saved", &|| {}),
        ("saved state", &|| damage(|octets| octets.truncate(60))),
        ("checksum", &|| damage(|octets| *octets.last_mut().unwrap() ^= 1)),
        ("is of version 9", &|| damage(|octets| octets[11] = 9)),
        ("is no saved state", &|| damage(Vec::clear)),
        ("what was saved is of https://elsewhere", &|| write("https://elsewhere", now())),
        ("what was saved is 25 h old; it is ignored", &|| write(&server, now() - 25 * HOUR)),
        ("nobody knows its age", &|| write(&server, now() + 25 * HOUR)),
        ("nobody knows its age", &|| write(&server, u64::MAX)),
    ];
    for (said, make) in cases {
        make();
        let server = scene.start("");
        let told = server.seen().iter().filter(|line| line.contains(said)).count();
        assert_eq!(told, 1, "{said}: {:?}", server.seen());
        assert_eq!((code(server.ipv4()), scene.ready().status), (ResponseCode::ServFail, 503), "{said}");
    }
    // A little old, and a little ahead of a clock that was set back: both are served.
    for current in [now() - 23 * HOUR, now() + 60] {
        write(&server, current);
        let server = scene.start("");
        assert_eq!(code(server.ipv4()), ResponseCode::NXDomain, "{:?}", server.seen());
    }
}

#[test]
fn with_manifests_serials_are_kept() {
    let scene = Scene::new();
    let peers = "apiVersion: v1\nkind: Endpoints\nmetadata: {name: myapp, namespace: default}\n";
    let server = Rosterd::start(peers, &scene.settings(""));
    let first = serial(server.ipv4(), ZONE);
    wait_for("the saved state", || {
        scene.saved().is_some_and(|saved| saved.serials.contains(&(ZONE.into(), first)))
    });
    drop(server);
    // As by a clock that was a day ahead.
    let mut image = Mirror::new(&[]).image(0).unwrap();
    let ahead = first.wrapping_add(86_400);
    (image.origin, image.serials) = ("manifests".to_owned(), vec![(ZONE.into(), ahead)]);
    Directory::new(scene.directory()).write(&image).unwrap();
    let server = Rosterd::start(peers, &scene.settings(""));
    assert_eq!(serial(server.ipv4(), ZONE), ahead.wrapping_add(1));
}

/// The serial that was saved of a zone.
fn saved_serial(scene: &Scene, zone: &str) -> Option<u32> {
    let saved = scene.saved()?;
    saved.serials.iter().find(|(apex, _)| **apex == *zone).map(|(_, serial)| *serial)
}

#[test]
fn serials_go_on_when_peers_come_from_elsewhere() {
    let peers = "apiVersion: v1\nkind: Endpoints\nmetadata: {name: myapp, namespace: default}\n";
    let scene = Scene::new();
    let server = Rosterd::start(peers, &scene.settings(""));
    // Unix time, far ahead of any revision of the cluster.
    let first = serial(server.ipv4(), ZONE);
    wait_for("the saved state", || saved_serial(&scene, ZONE) == Some(first));
    drop(server);
    let server = scene.start("");
    wait_for("the first list", || peers_of(&server) == 3);
    let second = serial(server.ipv4(), ZONE);
    assert!((1..1 << 31).contains(&second.wrapping_sub(first)), "{first} {second}");
    wait_for("the saved state", || saved_serial(&scene, ZONE) == Some(second));
    drop(server);
    // And back.
    let server = Rosterd::start(peers, &scene.settings(""));
    let third = serial(server.ipv4(), ZONE);
    assert!((1..1 << 31).contains(&third.wrapping_sub(second)), "{second} {third}");
}

fn peers_of(server: &Rosterd) -> usize {
    peers(server.ipv4())
}

#[test]
fn serials_of_zones_that_went_are_kept_over_a_restart() {
    const GONE: &str = "10.in-addr.arpa.";
    let scene = Scene::new();
    let start = |zones: &str| {
        let settings = format!("reverse_zones = [{zones}]\n{}", scene.settings(""));
        Rosterd::start("apiVersion: v1\nkind: Endpoints\nmetadata: {name: a, namespace: b}\n", &settings)
    };
    let mut image = Mirror::new(&[]).image(0).unwrap();
    let ahead = u32::try_from(now() & 0x7fff_ffff).unwrap() + 86_400;
    (image.origin, image.serials) = ("manifests".to_owned(), vec![(GONE.into(), ahead)]);
    Directory::new(scene.directory()).write(&image).unwrap();
    let server = start("");
    wait_for("the saved state", || saved_serial(&scene, ZONE).is_some());
    assert_eq!(saved_serial(&scene, GONE), Some(ahead));
    drop(server);
    let server = start("'10.0.0.0/8'");
    assert_eq!(serial(server.ipv4(), GONE), ahead + 1);
}

#[test]
fn records_that_a_file_adds_are_no_reason_for_an_equal_serial() {
    let scene = Scene::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("peers.cluster.local.zone");
    let write = |text: &str| std::fs::write(&file, format!("$ORIGIN {ZONE}\n{text}\n")).unwrap();
    let start = |with: bool| {
        let files = if with { format!("zone_files = ['{}']\n", file.display()) } else { String::new() };
        Rosterd::start_in_cluster(&scene.api.kubeconfig(), &format!("{files}{}", scene.settings("")))
    };
    let mut last = None;
    for (with, text) in [(false, ""), (true, "added 5 TXT a"), (true, "added 5 TXT b"), (false, "")] {
        write(text);
        let mut server = start(with);
        wait_for("the state", || peers(server.ipv4()) == 3);
        let now = serial(server.ipv4(), ZONE);
        if let Some(last) = last {
            assert!((1..1 << 31).contains(&u32::wrapping_sub(now, last)), "{text}: {last} {now}");
        }
        wait_for("the saved serial", || saved_serial(&scene, ZONE) == Some(serial(server.ipv4(), ZONE)));
        last = saved_serial(&scene, ZONE);
        server.kill();
        scene.api.die(true);
    }
}

#[test]
fn another_interval_counts_at_once() {
    let scene = Scene::new();
    let settings = |interval: &str| {
        let state = scene.settings("").replace("20ms", interval);
        format!("kubernetes.kubeconfig = '{}'\n{state}", scene.folder.path().join("kubeconfig").display())
    };
    std::fs::write(scene.folder.path().join("kubeconfig"), scene.api.kubeconfig()).unwrap();
    let program = Command::new(env!("CARGO_BIN_EXE_rosterd"));
    let mut server = Rosterd::start_by(program, &settings("1h"));
    wait_for("the first list", || peers(server.ipv4()) == 3);
    assert!(scene.saved().is_none());
    server.replace_settings(&settings("10ms"));
    server.wait_for_log("in force from now on");
    wait_for("the saved state", || scene.saved().is_some());
}

#[test]
fn the_end_is_the_last_write() {
    let scene = Scene::new();
    let settings = scene.settings("").replace("20ms", "1h");
    let server = Rosterd::start_in_cluster(&scene.api.kubeconfig(), &settings);
    wait_for("the first list", || peers(server.ipv4()) == 3);
    assert!(scene.saved().is_none());
    let last = serial(server.ipv4(), ZONE);
    let (status, log) = server.terminate(Signal::SIGTERM);
    assert!(status.success(), "{log:?}");
    assert_eq!((saved_serial(&scene, ZONE), scene.saved().unwrap().watches[0].objects), (Some(last), 3));
}

#[test]
fn a_file_has_a_most_that_it_may_grow_to() {
    let scene = Scene::new();
    // As with a full disk: what is written beyond fails (setrlimit(2), EFBIG).
    for number in 1..=4 {
        put(&scene.api, number, 1_000);
    }
    std::fs::write(scene.folder.path().join("kubeconfig"), scene.api.kubeconfig()).unwrap();
    let mut program = Command::new("prlimit");
    program.args(["--fsize=16384:16384", env!("CARGO_BIN_EXE_rosterd")]);
    let kubeconfig = scene.folder.path().join("kubeconfig");
    let settings = format!("kubernetes.kubeconfig = '{}'\n{}", kubeconfig.display(), scene.settings(""));
    let mut server = Rosterd::start_by(program, &settings);
    let line = server.wait_for_log("answers go on, and what was saved before is kept");
    assert!(line.contains("WARN") && line.contains("File too large"), "{line}");
    wait_for("all peers", || peers(server.ipv4()) > 1_000);
    assert!(scene.saved().is_none());
}

/// A server below a shell that prepares what is around it, and ends as the server.
fn prepared(script: &str) -> Command {
    let mut command = Command::new("unshare");
    let run = format!("set -e; {script}; exec \"$0\" \"$@\"");
    command.args(["--mount", "--map-root-user", "sh", "-c", &run, env!("CARGO_BIN_EXE_rosterd")]);
    command
}

#[test]
fn a_disk_that_is_full_or_read_only_costs_no_answer() {
    for (options, said) in [("size=16k", "No space left on device"), ("ro", "Read-only file system")] {
        let scene = Scene::new();
        std::fs::create_dir(scene.directory()).unwrap();
        let kubeconfig = scene.folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, scene.api.kubeconfig()).unwrap();
        // More than fits: an object of 1,000 addresses has 10,000 octets.
        for number in 1..=4 {
            put(&scene.api, number, 1_000);
        }
        let program = prepared(&format!("mount -t tmpfs -o {options} tmpfs {}", scene.directory().display()));
        let kubeconfig = format!("kubernetes.kubeconfig = '{}'\n", kubeconfig.display());
        let mut server = Rosterd::start_by(program, &format!("{kubeconfig}{}", scene.settings("")));
        let line = server.wait_for_log("answers go on, and what was saved before is kept");
        assert!(line.contains("WARN") && line.contains(said) && line.contains(FILE), "{line}");
        wait_for("more failures", || scene.metric("rosterd_state_write_failures_total") > 2.0);
        assert!(scene.metric("rosterd_state_writes_total") < 0.5);
        for peers in [1, 2] {
            put(&scene.api, 1, peers);
            wait_for("the change", || {
                let answer = ask(server.ipv4(), Transport::Udp, &format!("10-1-0-{peers}.{NAME}"), "A", None);
                data(&answer.answers) == [format!("10.1.0.{peers}")]
            });
        }
        let told = server.seen().iter().filter(|line| line.contains(said)).count();
        assert_eq!(told, 1, "{:?}", server.seen());
        if options == "ro" {
            continue;
        }
        // Once it fits, it is saved.
        for number in 2..=4 {
            put(&scene.api, number, 1);
        }
        server.wait_for_log("state: saved again");
        wait_for("the count", || scene.metric("rosterd_state_writes_total") > 0.5);
    }
}

#[test]
fn a_directory_that_is_not_ones_own_costs_no_answer() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new();
    std::fs::create_dir(scene.directory()).unwrap();
    std::fs::set_permissions(scene.directory(), std::fs::Permissions::from_mode(0o500)).unwrap();
    let kubeconfig = scene.folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, scene.api.kubeconfig()).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_rosterd"));
    if rustix::process::geteuid().is_root() {
        // Root may write anywhere: its right to do so is taken away.
        program = Command::new("setpriv");
        program.args(["--bounding-set", "-all", "--inh-caps", "-all", env!("CARGO_BIN_EXE_rosterd")]);
    }
    let kubeconfig = format!("kubernetes.kubeconfig = '{}'\n", kubeconfig.display());
    let mut server = Rosterd::start_by(program, &format!("{kubeconfig}{}", scene.settings("")));
    let line = server.wait_for_log("answers go on, and what was saved before is kept");
    assert!(line.contains("Permission denied") && line.contains("WARN"), "{line}");
    assert_eq!(peers(server.ipv4()), 3);
    std::fs::set_permissions(scene.directory(), std::fs::Permissions::from_mode(0o700)).unwrap();
    server.wait_for_log("state: saved again");
    assert!(scene.saved().is_some());
}

/// How often a server is killed: 20 times, or as the environment says.
fn kills() -> u64 {
    std::env::var("ROSTERD_KILLS").map_or(20, |count| count.parse().expect("a number of kills"))
}

#[test]
fn a_killed_server_leaves_a_whole_file() {
    let scene = Scene::new();
    let api = &scene.api;
    let kubeconfig = scene.folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, api.kubeconfig()).unwrap();
    let (mut random, mut number, mut sizes) = (0x2545_f491_4f6c_dd1d_u64, 0, Vec::new());
    let (mut saved, mut unfinished) = (0, 0);
    for kill in 0..kills() {
        let mut server = alone(&mut Command::new(env!("CARGO_BIN_EXE_rosterd")))
            .args(["serve", "--listen", "127.0.0.1:0", "--kubeconfig"])
            .arg(&kubeconfig)
            .env("ROSTERD__STATE__DIRECTORY", scene.directory())
            .env("ROSTERD__STATE__INTERVAL", "1ms")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = lines(server.stderr.take().unwrap());
        let mut told = Vec::new();
        api.forget();
        let listed =
            |line: &String| line.contains("endpointslices in all namespaces: ") && !line.contains("saved");
        // Every third is killed as it starts, or reads what was saved.
        if kill % 3 != 2 {
            while !told.iter().any(listed) {
                told.push(log.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("it ended: {told:?}")));
            }
            // What the last one left is good, every time.
            let used = told.iter().any(|line| line.contains("objects as they were saved"));
            assert_eq!(used, scene.file().exists(), "kill {kill}: {told:?}");
        }
        // A state that changes without a pause, some ten thousand octets: xorshift picks the moment.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let until = Instant::now() + Duration::from_micros(random % 100_000);
        while Instant::now() < until {
            number = number % 40 + 1;
            put(api, number, usize::try_from(random % 100).unwrap() + number);
            std::thread::sleep(Duration::from_millis(1));
        }
        server.kill().unwrap();
        server.wait().unwrap();
        unfinished += usize::from(scene.directory().join("rosterd.state.new").exists());
        // It reads, down to the last octet.
        if let Some(state) = scene.saved() {
            saved += 1;
            sizes.push(std::fs::metadata(scene.file()).unwrap().len());
            let events = state.watches.iter().map(|watch| state.events(watch, WatchId(0)).count());
            assert!(events.sum::<usize>() > 4, "kill {kill}");
        } else {
            assert!(sizes.is_empty(), "kill {kill}: the file is gone");
        }
    }
    println!(
        "{} kills: {saved} found a saved state, all whole, of {:?} to {:?} octets; {unfinished} fell into a write",
        kills(),
        sizes.iter().min(),
        sizes.iter().max()
    );
    assert!(saved > 0);
}

#[test]
fn paths_are_told_as_they_are() {
    let missing = Directory::new(Path::new("/proc/none/state").into()).write(&image("x", 1)).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "cannot make the directory /proc/none/state: No such file or directory (os error 2)"
    );
}
