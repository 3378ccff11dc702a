//! Settings that change while the server runs: what holds then, what holds until then, and what is said of it.

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

use api_server::ApiServer;
use client::{Transport, ask, data, serial};
use hickory_proto::op::ResponseCode;
use nix::sys::signal::Signal;
use rosterd::{PATIENCE, Rosterd, unused_port};
use serde_json::json;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

const NAME: &str = "myapp.default.svc.peers.cluster.local.";
const ZONE: &str = "peers.cluster.local.";

/// A set of as many peers as asked for.
fn manifest(peers: usize) -> String {
    let addresses: Vec<String> = (1..=peers).map(|peer| format!("{{ip: 10.0.0.{peer}}}")).collect();
    format!(
        "apiVersion: v1\nkind: Endpoints\nmetadata: {{name: myapp, namespace: default}}\n\
         subsets: [{{addresses: [{}], ports: [{{name: http, port: 80}}]}}]\n",
        addresses.join(", ")
    )
}

/// Settings of a server on the manifest.
fn on_manifest(settings: &str) -> String {
    format!("manifests = [\"peers.yaml\"]\n{settings}")
}

fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

fn ttl(server: SocketAddr) -> u32 {
    ask(server, Transport::Tcp, NAME, "TXT", None).answers[0].ttl
}

fn nodes(server: SocketAddr) -> BTreeSet<String> {
    data(&ask(server, Transport::Tcp, NAME, "TXT", None).answers).into_iter().collect()
}

fn code(server: SocketAddr, name: &str) -> ResponseCode {
    ask(server, Transport::Udp, name, "A", None).metadata.response_code
}

/// The value of a metric without labels.
fn metric(admin: SocketAddr, name: &str) -> f64 {
    let text = http::get(admin, "/metrics").body;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().unwrap()
}

/// Whether other settings are in force than the file says. Metrics are up to a second old.
fn behind(admin: SocketAddr, behind: bool) {
    let expected = f64::from(u8::from(behind));
    wait_for("the metric", || (metric(admin, "rosterd_settings_behind") - expected).abs() < 0.5);
}

/// Where probes and metrics are, and the settings that say so.
fn admin() -> (SocketAddr, String) {
    let [probes, api] = [(); 2].map(|()| SocketAddr::from(([127, 0, 0, 1], unused_port())));
    (probes, format!("[admin]\nlisten = ['{probes}']\napi = ['{api}']\n"))
}

/// The settings in force, as they are shown.
fn shown(doors: &str) -> String {
    let api = doors.split("api = ['").nth(1).unwrap().split('\'').next().unwrap();
    http::get(api.parse().unwrap(), "/config").body
}

#[test]
fn settings_change_with_their_file_and_on_sighup() {
    let (http, doors) = admin();
    let settings = |server: &str| format!("{doors}[server]\n{server}");
    let mut server = Rosterd::start(&manifest(3), &settings("ttl = 7"));
    let first = serial(server.ipv4(), ZONE);
    assert_eq!(ttl(server.ipv4()), 7);

    server.replace_settings(&on_manifest(&settings("ttl = 8\nidentity = 'me'")));
    server.wait_for_log("settings: read again (the file has changed)");
    server.wait_for_log("settings: server.identity: not set -> \"me\"");
    server.wait_for_log("settings: server.ttl: 7 -> 8");
    server.wait_for_log("settings: 2 changed, in force from now on");
    assert_eq!(ttl(server.ipv4()), 8);
    let second = serial(server.ipv4(), ZONE);
    assert!((1..1 << 31).contains(&second.wrapping_sub(first)), "{first} {second}");
    assert!(shown(&doors).contains("ttl = 8"));
    wait_for("the count", || metric(http, "rosterd_reloads_total{outcome=\"changed\"}") > 0.5);

    server.signal(Signal::SIGHUP);
    server.wait_for_log("settings: read again (SIGHUP)");
    server.wait_for_log("settings: good, and nothing that can change has changed");
    assert_eq!(serial(server.ipv4(), ZONE), second, "nothing has changed");

    // The manifest is followed as before, by the new settings.
    server.replace_manifest(&manifest(2));
    wait_for("the new manifest", || nodes(server.ipv4()).len() == 2);
    assert_eq!(ttl(server.ipv4()), 8);
    assert!((1..1 << 31).contains(&serial(server.ipv4(), ZONE).wrapping_sub(second)));
}

#[test]
fn wrong_settings_change_nothing() {
    let (http, doors) = admin();
    let settings = |server: &str| format!("{doors}[server]\n{server}");
    let mut server = Rosterd::start(&manifest(3), &settings("ttl = 7"));
    for (wrong, said) in [
        ("ttl = 'x'\nnsid = 'abc'", "server.ttl = 'x': wants a whole number"),
        ("nsid = 'abc'\nttl = 7 7", "rosterd.toml:"),
        ("nsid = 'abc'\ncookies = { enabled = true, secret_file = 'absent' }", "cannot read server.cookies"),
        ("nsid = 'abc'\naccess = [{ action = 'maybe' }]", "server.access[0].action"),
    ] {
        let failed = metric(http, "rosterd_reloads_total{outcome=\"refused\"}");
        server.replace_settings(&on_manifest(&settings(wrong)));
        let line = server.wait_for_log(said);
        assert!(line.contains("WARN") && line.contains("the former ones stay in force"), "{line}");
        wait_for("the count", || metric(http, "rosterd_reloads_total{outcome=\"refused\"}") > failed);
        assert_eq!(ttl(server.ipv4()), 7);
        behind(http, true);
        assert!(shown(&doors).contains("# nsid is not set"));
    }
    // Right by themselves, but what they name is not.
    server.replace_settings(&on_manifest(&format!("zone_files = ['absent.zone']\n{}", settings("ttl = 9"))));
    let line = server.wait_for_log("absent.zone");
    assert!(line.contains("the former ones stay in force"), "{line}");
    assert_eq!(ttl(server.ipv4()), 7);
    assert_eq!(http::get(http, "/ready").status, 200);
    // Right again.
    server.replace_settings(&on_manifest(&settings("ttl = 6")));
    server.wait_for_log("in force from now on");
    assert_eq!(ttl(server.ipv4()), 6);
    behind(http, false);
}

#[test]
fn what_was_begun_with_stays_and_is_named() {
    let (http, doors) = admin();
    let mut server = Rosterd::start(&manifest(3), &format!("{doors}[server]\nttl = 7"));
    server.replace_settings(&on_manifest(&format!(
        "{doors}[log]\nformat = 'json'\n[server]\nttl = 8\nworkers = 3\nudp_max = 600\ntcp.idle_timeout = '9s'"
    )));
    for key in ["log.format", "server.tcp.idle_timeout", "server.udp_max", "server.workers"] {
        let line = server.wait_for_log(&format!("settings: {key}: "));
        assert!(line.contains("takes a restart"), "{line}");
    }
    server.wait_for_log("settings: 1 changed, in force from now on");
    assert_eq!(ttl(server.ipv4()), 8);
    behind(http, true);
    let shown = shown(&doors);
    assert!(shown.contains("udp_max = 1232") && shown.contains("ttl = 8"), "{shown}");
}

#[test]
fn how_answers_are_made_changes_without_a_new_zone() {
    let settings = |server: &str| on_manifest(&format!("{server}\n[server]"));
    let mut server = Rosterd::start(&manifest(3), "[server]");
    let first = serial(server.ipv4(), ZONE);
    server.replace_settings(&settings(
        "[server]\nttl = 9\n[[server.access]]\naction = 'deny'\nzones = ['pod.cluster.local']",
    ));
    // A table that stands twice is no TOML.
    server.wait_for_log("duplicate key");
    let denied = "[[server.access]]\naction = 'deny'\nzones = ['pod.cluster.local']\n[log]\n\
                  format = 'text'\nlevel = 'debug'\nqueries.one_in = 1";
    server.replace_settings(&settings(denied));
    server.wait_for_log("in force from now on");
    assert_eq!(code(server.ipv4(), "10-0-0-1.default.pod.cluster.local."), ResponseCode::Refused);
    let line = server.wait_for_log("10-0-0-1.default.pod.cluster.local.");
    for part in ["rosterd::queries", "client=127.0.0.1", "protocol=\"udp\"", "type=A", "rcode=5", "size="] {
        assert!(line.contains(part) || part == "rosterd::queries", "no {part} in {line}");
    }
    server.replace_settings(&settings(""));
    server.wait_for_log("in force from now on");
    assert_eq!(code(server.ipv4(), "10-0-0-1.default.pod.cluster.local."), ResponseCode::NoError);
    assert_eq!(serial(server.ipv4(), ZONE), first);
    let (_, log) = server.terminate(Signal::SIGINT);
    assert!(log.iter().all(|line| !line.contains("client=")), "{log:?}");
}

#[test]
fn queries_meet_the_former_or_the_new_settings_whole() {
    const PEERS: usize = 200;
    const CHANGES: usize = 6;
    let (http, doors) = admin();
    let settings = |basename: &str, ttl: usize| {
        format!(
            "topologies = [{{ name = 'myapp', node_basename = '{basename}' }}]\n{doors}[server]\nttl = {ttl}\n"
        )
    };
    let mut server = Rosterd::start(&manifest(PEERS), &settings("zero", 100));
    let (address, over) = (server.ipv4(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let (mut asked, mut last) = (0_u32, serial(address, ZONE));
                    while !over.load(Ordering::Relaxed) {
                        let answer = ask(address, Transport::Tcp, NAME, "TXT", None);
                        let nodes = data(&answer.answers);
                        let basenames: BTreeSet<&str> =
                            nodes.iter().filter_map(|node| Some(node.split_once('@')?.0)).collect();
                        let ttls: BTreeSet<u32> = answer.answers.iter().map(|record| record.ttl).collect();
                        assert_eq!(
                            (nodes.len(), basenames.len(), ttls.len()),
                            (PEERS, 1, 1),
                            "{basenames:?}"
                        );
                        let now = serial(address, ZONE);
                        assert!(now.wrapping_sub(last) < 1 << 31, "{last} {now}");
                        (asked, last) = (asked + 1, now);
                    }
                    asked
                })
            })
            .collect();
        // It listens for names a moment before it knows of itself that it does.
        let until = Instant::now() + PATIENCE;
        while http::get(http, "/ready").status != 200 {
            assert!(Instant::now() < until, "it is not ready");
        }
        let ready = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                assert_eq!(http::get(http, "/ready").status, 200);
            }
        });
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for change in 1..=CHANGES {
                let basename = if change % 2 == 0 { "zero" } else { "one" };
                server.replace_settings(&on_manifest(&settings(basename, 100 + change)));
                server.wait_for_log("in force from now on");
            }
        }));
        over.store(true, Ordering::Relaxed);
        for client in clients {
            assert!(client.join().unwrap() > 0);
        }
        ready.join().unwrap();
        outcome.unwrap();
    });
    assert_eq!(ttl(address), 100 + u32::try_from(CHANGES).unwrap());
}

const SLICES: &str = "/apis/discovery.k8s.io/v1";

/// A slice of the Service `myapp` in a namespace, with an address.
fn put(api: &ApiServer, namespace: &str, address: &str) {
    let slice = json!({
        "metadata": {"name": "myapp-1", "namespace": namespace, "labels": {"kubernetes.io/service-name": "myapp"}},
        "addressType": "IPv4", "endpoints": [{"addresses": [address], "conditions": {"ready": true}}], "ports": [],
    });
    api.put(slice, SLICES, "endpointslices");
}

#[test]
fn other_namespaces_are_served_once_they_are_listed_and_not_before() {
    let (http, doors) = admin();
    let settings = |namespaces: &str| {
        format!("topologies = [{{ namespaces = [{namespaces}] }}]\n{doors}[server]\nttl = 7\n")
    };
    let api = ApiServer::start();
    put(&api, "default", "10.0.0.1");
    put(&api, "other", "10.0.0.2");
    let mut server = Rosterd::start_in_cluster(&api.kubeconfig(), &settings("'default'"));
    let address = server.ipv4();
    let there = |namespace: &str| code(address, &format!("myapp.{namespace}.svc.{ZONE}"));
    wait_for("the first list", || there("default") == ResponseCode::NoError);
    let first = serial(address, ZONE);

    // While the API server is slow, the former settings answer.
    api.hold(true);
    server.replace_settings(&settings("'default', 'other'"));
    server.wait_for_log("watching endpointslices in namespace other");
    assert_eq!((there("default"), there("other")), (ResponseCode::NoError, ResponseCode::NXDomain));
    behind(http, true);
    assert_eq!(http::get(http, "/ready").status, 200);
    api.hold(false);
    server.wait_for_log("in force from now on");
    assert_eq!((there("default"), there("other")), (ResponseCode::NoError, ResponseCode::NoError));
    let second = serial(address, ZONE);
    assert!((1..1 << 31).contains(&second.wrapping_sub(first)), "{first} {second}");
    behind(http, false);
    assert_eq!(http::get(http, "/ready").status, 200);
    put(&api, "other", "10.0.0.3");
    wait_for("the change", || {
        data(&ask(address, Transport::Udp, &format!("myapp.other.svc.{ZONE}"), "A", None).answers)
            == ["10.0.0.3"]
    });

    // What is served and may not be listed any more keeps the former settings in force, until others come.
    api.forbid(&format!("list {SLICES}/endpointslices"), true);
    server.replace_settings(&settings("").replace("{ namespaces = [] }", "{ selector = '' }"));
    server.wait_for_log("watching endpointslices in all namespaces");
    server.wait_for_log("not for you");
    assert_eq!((there("default"), there("other")), (ResponseCode::NoError, ResponseCode::NoError));
    server.replace_settings(&settings("'other'"));
    server.wait_for_log("in force from now on");
    assert_eq!((there("default"), there("other")), (ResponseCode::NXDomain, ResponseCode::NoError));
    let synced = "rosterd_watch_synced{resource=\"endpointslices\",namespace=\"other\"}";
    assert!(metric(http, synced) > 0.5);
}

#[test]
fn a_zone_that_comes_back_goes_on_from_its_serial() {
    let settings = |zone: &str, reverse: &str, ttl: usize| {
        format!("zone = '{zone}'\nreverse_zones = [{reverse}]\n[server]\nttl = {ttl}\n")
    };
    let api = ApiServer::start();
    put(&api, "default", "10.0.0.1");
    let mut server = Rosterd::start_in_cluster(&api.kubeconfig(), &settings(ZONE, "'10.0.0.0/8'", 1));
    let address = server.ipv4();
    wait_for("the first list", || code(address, NAME) == ResponseCode::NoError);
    let reverse = "10.in-addr.arpa.";
    // Each change of settings is one of records, and of the serials of both zones: ahead of the cluster's revision soon.
    for ttl in 2..40 {
        server.replace_settings(&settings(ZONE, "'10.0.0.0/8'", ttl));
        server.wait_for_log("in force from now on");
    }
    let last = [serial(address, ZONE), serial(address, reverse)];
    for (zone, zones, ttl) in [("other.example.", "", 50), ("third.example.", "'11.0.0.0/8'", 51)] {
        server.replace_settings(&settings(zone, zones, ttl));
        server.wait_for_log("in force from now on");
        assert_eq!([code(address, NAME), code(address, reverse)], [ResponseCode::Refused; 2]);
    }
    server.replace_settings(&settings(ZONE, "'10.0.0.0/8'", 52));
    server.wait_for_log("in force from now on");
    for (zone, last) in [ZONE, reverse].into_iter().zip(last) {
        let now = serial(address, zone);
        assert!((1..1 << 31).contains(&now.wrapping_sub(last)), "{zone} {last} {now}");
    }
}

#[test]
fn what_was_counted_of_a_zone_stays_its_own() {
    let (http, doors) = admin();
    let settings = |zones: &str, ttl: usize| format!("{zones}\n{doors}[server]\nttl = {ttl}\n");
    let mut server = Rosterd::start(&manifest(3), &settings("zone = 'a.example.'", 1));
    let address = server.ipv4();
    let counted = |zone: &str| {
        let text = http::get(http, "/metrics").body;
        let lines = text.lines().filter(|line| line.starts_with("rosterd_dns_responses_total{"));
        let lines = lines.filter(|line| line.contains(&format!("zone=\"{zone}\"")));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum::<u64>()
    };
    for _ in 0..7 {
        assert_eq!(code(address, "a.example."), ResponseCode::NoError);
    }
    wait_for("seven", || counted("a.example.") == 7);
    // The zone with more labels comes first now; the former one goes.
    server.replace_settings(&on_manifest(&settings("zone = 'b.c.d.example.'", 2)));
    server.wait_for_log("in force from now on");
    for _ in 0..3 {
        assert_eq!(code(address, "b.c.d.example."), ResponseCode::NoError);
    }
    wait_for("three", || counted("b.c.d.example.") == 3);
    assert_eq!(counted("a.example."), 7);
    server.replace_settings(&on_manifest(&settings("zone = 'a.example.'", 3)));
    server.wait_for_log("in force from now on");
    assert_eq!(code(address, "a.example."), ResponseCode::NoError);
    wait_for("eight", || counted("a.example.") == 8);
    assert_eq!(counted("b.c.d.example."), 3);
}

/// The programs that the server has started, and that still run.
fn programs(server: u32) -> usize {
    let tasks = std::fs::read_dir(format!("/proc/{server}/task")).unwrap().flatten();
    let children =
        tasks.map(|task| std::fs::read_to_string(task.path().join("children")).unwrap_or_default());
    children.map(|children| children.split_whitespace().count()).sum()
}

#[test]
fn programs_that_give_no_credentials_do_not_pile_up() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(
        &kubeconfig,
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
         clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\n\
         contexts: [{name: c, context: {cluster: c, user: u}}]\n\
         users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, \
         args: [-c, 'sleep 100000; true'], interactiveMode: Never}}}]\n",
    )
    .unwrap();
    let mut server = Rosterd::start(&manifest(3), "[server]\nttl = 7");
    let process = server.process();
    for ttl in 1..=12 {
        let cluster = format!("kubernetes.kubeconfig = '{}'\n[server]\nttl = {ttl}", kubeconfig.display());
        server.replace_settings(&cluster);
        server.wait_for_log("settings: read again");
        wait_for("the program of the last settings, and no other", || programs(process) == 1);
    }
    // Settings that need none come into force, and nothing is left.
    server.replace_settings(&on_manifest("[server]\nttl = 9"));
    server.wait_for_log("in force from now on");
    assert_eq!(ttl(server.ipv4()), 9);
    wait_for("the last program's end", || programs(process) == 0);
}

/// What is put at the place of settings, and what is said of it.
type Harm<'a> = (&'a str, Box<dyn Fn() + 'a>);

#[test]
fn whatever_lies_at_the_place_of_settings_the_server_goes_on() {
    let (http, doors) = admin();
    let settings = |ttl: usize| format!("{doors}[server]\nttl = {ttl}\n");
    let mut server = Rosterd::start(&manifest(3), &settings(7));
    let file = server.settings_file();
    let gone = || drop(std::fs::remove_file(&file));
    let harms: [Harm<'_>; 6] = [
        ("No such file", Box::new(gone)),
        ("Is a directory", Box::new(|| std::fs::create_dir(&file).unwrap())),
        (
            "symbolic links",
            Box::new(|| {
                std::fs::remove_dir(&file).unwrap();
                std::os::unix::fs::symlink("rosterd.toml", &file).unwrap();
            }),
        ),
        (
            "it is not a file",
            Box::new(|| {
                gone();
                nix::unistd::mkfifo(&file, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
            }),
        ),
        (
            "UTF-8",
            Box::new(|| {
                gone();
                std::fs::write(&file, [0xff, 0xfe, 0]).unwrap();
            }),
        ),
        (
            "more than 1048576 octets",
            Box::new(|| {
                gone();
                std::fs::File::create(&file).unwrap().set_len(1 << 40).unwrap();
            }),
        ),
    ];
    for (said, harm) in harms {
        harm();
        server.signal(Signal::SIGHUP);
        let line = server.wait_for_log(said);
        assert!(line.contains("WARN") && line.contains("stay in force"), "{said}: {line}");
        assert_eq!(ttl(server.ipv4()), 7);
    }
    behind(http, true);
    gone();
    // Nor is anybody waited for who writes a secret.
    let pipe = file.with_file_name("secret");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    let cookies = format!("cookies = {{ enabled = true, secret_file = '{}' }}", pipe.display());
    server.replace_settings(&on_manifest(&format!("{}{cookies}\n", settings(8))));
    let line = server.wait_for_log("cannot read server.cookies.secret_file");
    assert!(line.contains("it is not a file") && line.contains("stay in force"), "{line}");
    server.replace_settings(&on_manifest(&settings(8)));
    server.wait_for_log("in force from now on");
    assert_eq!(ttl(server.ipv4()), 8);
}

#[test]
fn a_hundred_reloads_at_once_are_as_good_as_the_last() {
    let (http, doors) = admin();
    let settings = |ttl: usize| format!("{doors}[server]\nttl = {ttl}\n");
    let server = Rosterd::start(&manifest(3), &settings(7));
    for round in 0..5 {
        server.replace_settings(&on_manifest(&settings(10 + round)));
        for _ in 0..100 {
            server.signal(Signal::SIGHUP);
        }
    }
    wait_for("the last settings", || ttl(server.ipv4()) == 14);
    behind(http, false);
    // Nothing is lost of what comes behind them, and the end comes while they are asked for.
    server.replace_settings(&on_manifest(&settings(20)));
    wait_for("the settings behind", || ttl(server.ipv4()) == 20);
    for _ in 0..100 {
        server.signal(Signal::SIGHUP);
    }
    let (status, log) = server.terminate(Signal::SIGTERM);
    assert!(status.success(), "{log:?}");
    assert!(log.iter().all(|line| !line.contains("panicked")), "{log:?}");
}
