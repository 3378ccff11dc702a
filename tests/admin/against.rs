//! `rosterd check --against`: what settings would change about a running server.

use crate::rosterd::unused_port;
use crate::scene::{MANIFEST, Scene};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};

/// Exit code, standard output and standard error of a check of the same manifest with more arguments.
fn check(url: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    check_of(MANIFEST, url, arguments)
}

/// The same of another manifest.
fn check_of(manifest: &str, url: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("peers.yaml"), manifest).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_rosterd"))
        .args(["check", "--manifest", "peers.yaml", "--against", url])
        .args(arguments)
        .env_clear()
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn differences_have_lines_and_an_exit_code() {
    let scene = Scene::new();
    let url = format!("http://{}", scene.api);
    let (code, out, err) = check(&url, &[]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(out, format!("nothing would change at {url}: 2 sets\n"));

    let (code, out, err) = check(&url, &["--selector", "app=web", "--include", "serving", "--mode", "dns"]);
    assert_eq!((code, err.as_str()), (Some(3), ""));
    let expected = "\
web.default 1 → 2, names web@<ip> → web@<dns>, include ready → serving
db.other 0 → no such set
";
    assert_eq!(out, format!("{expected}2 sets would change at {url}, 0 would not\n"));

    let (code, out, _) = check(&url, &["--zone", "p.example", "--name", "web", "--selector", "app=nobody"]);
    assert_eq!(code, Some(3));
    assert!(
        out.starts_with("zone peers.cluster.local. is not served any more\nzone p.example. is new\n"),
        "{out}"
    );
    assert!(out.contains("\nweb.default 1 → no such set\n"), "{out}");
}

#[test]
fn as_many_others_are_a_difference() {
    let scene = Scene::new();
    let url = format!("http://{}", scene.api);
    let others = MANIFEST.replace("10.0.0.1", "10.0.9.1");
    let (code, out, err) = check_of(&others, &url, &[]);
    assert_eq!((code, err.as_str()), (Some(3), ""));
    assert_eq!(out, format!("web.default 1 → 1 (1 others)\n1 set would change at {url}, 1 would not\n"));
    let (code, out, _) = check_of(&others, &url, &["--output", "json"]);
    let difference: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &difference["sets"][0]["others"]), (Some(3), &1.into()));
    // Of more than a page.
    let many = |from: usize| {
        let peers: Vec<String> =
            (from..from + 1_500).map(|peer| format!("{{ip: 10.1.{}.{}}}", peer / 250, peer % 250)).collect();
        format!(
            "apiVersion: v1\nkind: Endpoints\nmetadata: {{name: many, namespace: default}}\n\
             subsets: [{{addresses: [{}], ports: [{{port: 80}}]}}]\n",
            peers.join(", ")
        )
    };
    let scene = Scene::of(&many(0), "[server]");
    let url = format!("http://{}", scene.api);
    let (code, out, _) = check_of(&many(200), &url, &[]);
    assert_eq!((code, out.starts_with("many.default 1500 → 1500 (200 others)\n")), (Some(3), true), "{out}");
}

#[test]
fn zones_are_compared_all_of_them() {
    // More than a look at the status has.
    let zones: Vec<String> =
        (0..300).map(|number| format!("'10.{}.{}.0/24'", number / 250, number % 250)).collect();
    let settings = |zones: &[String]| format!("reverse_zones = [{}]\n", zones.join(", "));
    let scene = Scene::of(MANIFEST, &format!("{}[server]", settings(&zones)));
    let url = format!("http://{}", scene.api);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.toml");
    for (zones, expected) in [(&zones[..], Some(0)), (&zones[..299], Some(3))] {
        std::fs::write(&file, settings(zones)).unwrap();
        let (code, out, err) = check(&url, &["--config", &file.display().to_string()]);
        assert_eq!(code, expected, "{out}{err}");
    }
}

#[test]
fn a_server_that_never_comes_to_an_end_is_left() {
    let answers = |next: &'static str, first: &'static str| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = [0; 4096];
                let length = stream.read(&mut head).unwrap();
                let head = String::from_utf8_lossy(&head[..length]).into_owned();
                let body = if head.contains("/status") {
                    r#"{"ready": true}"#.to_owned()
                } else if head.contains(next) && !next.is_empty() {
                    format!(r#"{{"items": [], "next": "{next}"}}"#)
                } else {
                    format!(r#"{{"items": [{first}], "next": "{next}"}}"#)
                };
                let head =
                    format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            }
        });
        format!("http://{address}")
    };
    let set = r#"{"namespace": "a", "set": "b"}"#;
    for (next, said) in [
        ("/api/v1/sets?limit=1000", "do not go on"),
        ("/api/v1/sets?x", "do not go on"),
        ("/elsewhere", "as the next page of"),
        ("http://127.0.0.1/", "as the next page of"),
    ] {
        let url = answers(next, set);
        let (code, out, err) = check(&url, &[]);
        assert!(code == Some(2) && err.contains(said), "{next}: {out}{err}");
        let mut command = Command::new(env!("CARGO_BIN_EXE_rosterd"));
        let output = command.args(["status", "--sets", "--url", &url]).env_clear().output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && err.contains(said), "{next}: {err}");
    }
}

#[test]
fn programs_get_json() {
    let scene = Scene::new();
    let url = format!("http://{}", scene.api);
    let (code, out, _) = check(&url, &["--basename", "node", "--output", "json"]);
    let difference: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &difference["same"]), (Some(3), &0.into()));
    let web = &difference["sets"][0];
    assert_eq!((&web["namespace"], &web["set"]), (&"default".into(), &"web".into()));
    assert_eq!((&web["from"]["node_basename"], &web["to"]["node_basename"]), (&"web".into(), &"node".into()));
    assert_eq!((&web["from"]["listed"], &web["to"]["listed"]), (&1.into(), &1.into()));
}

#[test]
fn what_cannot_be_compared_says_why() {
    let (code, out, err) = check(&format!("http://127.0.0.1:{}", unused_port()), &[]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("cannot reach a server"), "{err}");
    let scene = Scene::new();
    let url = format!("http://{}", scene.api);
    let (code, out, err) = check(&url, &["--manifest", "none.yaml"]);
    assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
    let (code, ..) = check(&url, &["--show"]);
    assert_eq!(code, Some(2));
}
