//! The log: its form, and how much is said.

use crate::http::{get, request};
use crate::rosterd::{PATIENCE, lines};
use crate::scene::Scene;
use std::process::{Command, Stdio};

#[test]
fn away_from_a_terminal_lines_are_json() {
    let mut server = Command::new(env!("CARGO_BIN_EXE_rosterd"))
        .args(["serve", "--listen", "127.0.0.1:0", "--manifest", "deploy/examples/myapp.yaml"])
        .envs([("ROSTERD__ADMIN__LISTEN", ""), ("ROSTERD__ADMIN__API", "")])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = lines(server.stderr.take().unwrap());
    let said: Vec<String> = [(); 2].map(|()| log.recv_timeout(PATIENCE).unwrap()).into();
    server.kill().unwrap();
    server.wait().unwrap();
    for line in said {
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["level"], "INFO", "{line}");
        assert!(line["message"].is_string() && line["timestamp"].is_string(), "{line}");
    }
}

#[test]
fn the_level_is_changed_while_it_runs() {
    let scene = Scene::new();
    let level = || get(scene.api, "/api/v1/log-level").body;
    assert!(level().trim_end().ends_with("info"), "{}", level());
    let answer = request(scene.api, "PUT", "/api/v1/log-level", "debug\n");
    assert!(answer.status == 200 && answer.body.trim_end().ends_with("debug"), "{answer:?}");
    for (method, body, status) in [
        ("PUT", "loud", 400),
        ("PUT", "", 400),
        ("PUT", &*"x".repeat(100_000), 400),
        ("POST", "info", 413),
        ("DELETE", "", 405),
    ] {
        assert_eq!(request(scene.api, method, "/api/v1/log-level", body).status, status, "{method}");
    }
    assert!(level().trim_end().ends_with("debug"), "{}", level());
    assert_eq!(request(scene.probes, "PUT", "/api/v1/log-level", "off").status, 404);
}
