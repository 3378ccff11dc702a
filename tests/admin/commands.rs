//! `rosterd status`, `explain` and `top`, asked of a running server.

use crate::rosterd::{Rosterd, unused_port};
use crate::scene::{MANIFEST, Scene, wait_until};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

fn run(arguments: &[&str], url: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rosterd"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    if let Some(url) = url {
        command.args(["--url", url]);
    }
    command.output().unwrap()
}

fn texts(output: &Output) -> (i32, String, String) {
    let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// The rows of the table whose heads are these, cells split at two blanks and more.
fn rows(text: &str, heads: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| -> Vec<String> {
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
    };
    let wanted: Vec<String> = cells(heads);
    let mut lines = text.lines().skip_while(|line| cells(line) != wanted).skip(1);
    lines.by_ref().take_while(|line| !line.is_empty()).map(cells).collect()
}

#[test]
fn status_says_how_the_server_is() {
    let scene = Scene::new();
    let url = format!("http://{}", scene.api);
    let (code, out, err) = texts(&run(&["status"], Some(&url)));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.starts_with(&format!("ready: rosterd {}", env!("CARGO_PKG_VERSION"))), "{out}");
    assert!(out.contains("1 listed in 2 sets, from 3 objects; 2 left out; 1 set without peers\n"), "{out}");
    assert!(!out.contains('\u{1b}'), "no colour in a pipe");
    let heads = "NAMESPACE  SET  TOPOLOGY  LISTED  READY  DRAINING  NOT READY  STATE";
    let troubled = rows(&out, heads);
    assert_eq!(
        troubled,
        [
            ["default", "web", "#1", "1", "1", "1", "1", "not all"],
            ["other", "db", "#1", "0", "0", "0", "0", "empty"]
        ]
    );
    let zones = rows(&out, "ZONE  FROM  SERIAL  FOR");
    assert_eq!(zones.iter().map(|zone| zone[0].as_str()).collect::<Vec<_>>()[..1], ["peers.cluster.local."]);
    let (code, out, _) = texts(&run(&["status", "--output", "json"], Some(&url)));
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["ready"]), (0, &serde_json::json!(true)));
    // Colour where it is asked for.
    let mut command = Command::new(env!("CARGO_BIN_EXE_rosterd"));
    command.args(["status", "--url", &url]).env_clear().env("CLICOLOR_FORCE", "1");
    assert!(texts(&command.output().unwrap()).1.contains("\u{1b}["));
    command.env("NO_COLOR", "1").env_remove("CLICOLOR_FORCE");
    assert!(!texts(&command.output().unwrap()).1.contains('\u{1b}'));
}

#[test]
fn a_server_that_is_not_ready_is_1_and_one_that_is_not_there_2() {
    // A cluster that cannot be reached: it serves, and is not ready.
    let port = unused_port();
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
         clusters: [{{name: a, cluster: {{server: 'http://127.0.0.1:{port}'}}}}]\n\
         contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\nusers: [{{name: a, user: {{}}}}]\n"
    );
    let scene = Scene::around(|settings| Rosterd::start_in_cluster(&kubeconfig, settings), "[server]");
    let url = format!("http://{}", scene.api);
    wait_until("a failing watch", || texts(&run(&["status"], Some(&url))).1.contains("failing"));
    let (code, out, err) = texts(&run(&["status"], Some(&url)));
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    assert!(out.starts_with("not ready: ") && out.contains("not listed yet"), "{out}");
    drop(scene);
    for command in [&["status"][..], &["explain", "web.default"], &["top", "--count", "1"]] {
        let (code, out, err) = texts(&run(command, Some(&url)));
        assert_eq!((code, out.as_str()), (2, ""), "{command:?}");
        assert!(err.starts_with(&format!("error: cannot reach a server at {url}: ")), "{err}");
        assert!(err.contains("--url") && err.contains("port-forward"), "{err}");
    }
    let (code, _, err) = texts(&run(&["status"], Some("127.0.0.1:9154")));
    assert_eq!(code, 2);
    assert!(err.starts_with("error: --url: \"127.0.0.1:9154\" is no address of a server"), "{err}");
}

#[test]
fn the_door_of_probes_and_other_servers_are_told_from_the_api() {
    let scene = Scene::new();
    let (code, _, err) = texts(&run(&["status"], Some(&format!("http://{}", scene.probes))));
    assert_eq!(code, 2);
    assert!(err.contains("is it the address of `admin.api`"), "{err}");
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", other.local_addr().unwrap());
    for answer in ["SSH-2.0-x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"] {
        let (code, out, err) = std::thread::scope(|scope| {
            let asked = scope.spawn(|| texts(&run(&["status"], Some(&url))));
            let (mut stream, _) = other.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(answer.as_bytes());
            drop(stream);
            asked.join().unwrap()
        });
        assert_eq!((code, out.as_str()), (2, ""), "{answer:?}");
        assert!(err.contains("does not speak as a server of rosterd does"), "{err}");
    }
}

/// What a command prints of a server that gives this answer to every request.
fn told_by(answer: &[u8], arguments: &[&str]) -> (i32, String, String) {
    let hostile = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = hostile.local_addr().unwrap();
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while let Ok((mut stream, _)) = hostile.accept() {
                if over.load(std::sync::atomic::Ordering::Relaxed) {
                    return;
                }
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(answer);
            }
        });
        let told = texts(&run(arguments, Some(&format!("http://{address}"))));
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        drop(std::net::TcpStream::connect(address).unwrap());
        told
    })
}

#[test]
fn a_hostile_server_harms_no_terminal() {
    let most = usize::MAX;
    let text = "\\u001b[31mred\\u001b]0;title\\u0007\\r\\u202e\\u009b2J";
    let set = format!(
        r#"{{"namespace":"{text}","set":"{text}","topology":"{text}","listed":{most},"ready":{most},"draining":{most},"not_ready":{most}}}"#
    );
    let of_anything = format!(
        r#"{{"version":"{text}","host":"{text}","phase":"{text}","why":["{text}"],"uptime_seconds":1e300,"snapshot_age_seconds":-1e300,
        "memory_octets":{most},"oversize":{most},"peers":{{"sets":{most},"peers":{most},"peers_left_out":{most}}},
        "watches":[{{"resource":"{text}","namespace":"{text}","state":"{text}","failure":"{text}","failures":{{"{text}":{most},"b":{most}}},"silence_seconds":-1}}],
        "zones":[{{"zone":"{text}","from":"{text}","serial":1,"age_seconds":1e300}}],"zones_total":{most},
        "rates":{{"rcodes":[{{"name":"{text}","per_second":1e300,"total":{most}}}]}},
        "items":[{set}],"name":"{text}","rcode":"{text}","records":[{{"type":"{text}","ttl":1,"data":"{text}"}}],"more_records":{most},
        "sets":[{{"namespace":"{text}","set":"{text}","ready":{most},"draining":{most},"not_ready":{most},"peers":[]}}]}}"#
    );
    let answer = |body: &str| {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
    };
    let escapes = "\u{1b}[31mred\u{9b}2J\u{202e}";
    let refusal = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".to_owned() + escapes;
    let deep = answer(&"[".repeat(100_000));
    // Of an explanation, it is a text.
    let explanation = of_anything.replace(&format!(r#""why":["{text}"]"#), &format!(r#""why":"{text}""#));
    for arguments in [&["status"][..], &["status", "--sets"], &["explain", "x"], &["top", "--count", "1"]] {
        let of_anything = if arguments[0] == "explain" { &explanation } else { &of_anything };
        for body in [&answer(of_anything), &answer(escapes), &refusal, &deep] {
            let (code, out, err) = told_by(body.as_bytes(), arguments);
            assert!(code <= 2, "{arguments:?}: {code} {err}");
            for text in [&out, &err] {
                let bad = text.chars().find(|one| (one.is_control() && *one != '\n') || *one == '\u{202e}');
                assert_eq!(bad, None, "{arguments:?} {code}: {text:?}");
            }
        }
        let (code, out, _) = told_by(answer(of_anything).as_bytes(), arguments);
        // What `top` prints in a line are figures.
        assert!(code <= 1 && (arguments[0] == "top" || out.contains("red")), "{arguments:?}: {code} {out}");
    }
}

#[test]
fn who_holds_an_address_is_told_without_a_reverse_zone() {
    let scene = Scene::new();
    let url = format!("http://{}", scene.api);
    for (asked, known, set) in [
        ("10.9.9.9", "no watched object holds this address", None),
        ("10.0.0.2", "this is what is known of the address", Some("set default/web")),
        ("web@10.0.0.1", "this is what is known of the address", Some("set default/web")),
    ] {
        let (code, out, err) = texts(&run(&["explain", asked], Some(&url)));
        assert_eq!((code, err.as_str()), (0, ""), "{asked}");
        let line = format!("{known}; no reverse zone with this address is served (reverse_zones)");
        assert!(out.lines().nth(1).is_some_and(|second| second.starts_with(&line)), "{asked}: {out}");
        assert_eq!(
            out.lines().find_map(|line| set.filter(|set| line.starts_with(set))),
            set,
            "{asked}: {out}"
        );
    }
}

#[test]
fn explain_says_the_same_of_a_server_and_of_its_manifests() {
    let scene = Scene::of(MANIFEST, "reverse_zones = ['10.0.0.0/24']\n[server]");
    let url = format!("http://{}", scene.api);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("peers.yaml");
    std::fs::write(&file, MANIFEST).unwrap();
    let manifest = ["--manifest", file.to_str().unwrap(), "--reverse-zone", "10.0.0.0/24"];
    // Serials differ: they are the time.
    let without_serial = |text: &str| -> String {
        text.lines()
            .filter(|line| !line.starts_with("zone ") && !line.contains("\tSOA"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    for asked in [
        &["web.default"][..],
        &["10-0-0-2.web.default"],
        &["10.0.0.3"],
        &["web.default", "SRV"],
        &["none.default"],
        &["example.org."],
    ] {
        let online = texts(&run(&[&["explain"], asked].concat(), Some(&url)));
        let offline = texts(&run(&[&["explain"], asked, &manifest[..]].concat(), None));
        assert_eq!((online.0, online.2.as_str()), (0, ""), "{asked:?}");
        assert_eq!((offline.0, offline.2.as_str()), (0, ""), "{asked:?}");
        assert_eq!(without_serial(&online.1), without_serial(&offline.1), "{asked:?}");
    }
    let (_, out, _) = texts(&run(&["explain", "web.default", "TXT"], Some(&url)));
    assert_eq!(rows(&out, "TTL  TYPE  DATA"), [["5", "TXT", "\"web@10.0.0.1\""]]);
    let peers = rows(&out, "PEER  STATE  FROM  WHY");
    let brief: Vec<_> =
        peers.iter().map(|peer| (peer[0].as_str(), peer[1].as_str(), peer[3].as_str())).collect();
    for row in [
        ("web@10.0.0.1", "ready", "in: include = \"ready\" lists it"),
        ("10.0.0.2", "draining", "out: it serves but is not ready, and \"ready\" is what is listed"),
        ("10.0.0.3", "not ready", "out: it is not ready, and \"ready\" is what is listed"),
    ] {
        assert!(brief.contains(&row), "{row:?} is not in {brief:?}");
    }
    for (asked, says) in [(&["a..b"][..], "is no name"), (&["web.default", "FOO"], "is no record type")] {
        let (code, _, err) = texts(&run(&[&["explain"], asked].concat(), Some(&url)));
        assert_eq!(code, 1);
        assert!(err.contains(says), "{err}");
    }
    let both = run(&["explain", "web.default", "--url", &url, "--manifest", "x"], None);
    assert_eq!(texts(&both).0, 2, "one or the other");
}

#[test]
fn top_prints_a_line_for_each_look_where_there_is_no_terminal() {
    let scene = Scene::new();
    let (code, out, err) = texts(&run(&["top", "--count", "2"], Some(&format!("http://{}", scene.api))));
    assert_eq!((code, err.as_str()), (0, ""));
    let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines.len(), 3, "{out}");
    assert_eq!(
        lines[0],
        ["READY", "QUERIES/S", "CHANGES/S", "PEERS", "LEFT-OUT", "SETS", "WATCHES", "MEMORY-MIB"]
    );
    for line in &lines[1..] {
        assert_eq!((line[0], &line[3..7]), ("yes", &["1", "2", "2", "0/0"][..]), "{out}");
    }
}
