//! `rosterd check --against`: what settings would change about a running server.

use crate::rosterd::unused_port;
use crate::scene::{MANIFEST, Scene};
use std::process::{Command, Stdio};

/// Exit code, standard output and standard error of a check of the same manifest with more arguments.
fn check(url: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("peers.yaml"), MANIFEST).unwrap();
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
