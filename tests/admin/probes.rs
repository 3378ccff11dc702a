//! `/live` and `/ready`.

use crate::api_server::ApiServer;
use crate::http::{get, request};
use crate::rosterd::Rosterd;
use crate::scene::{Scene, wait_until};

#[test]
fn with_manifests_it_is_ready_once_it_answers() {
    let scene = Scene::new();
    for address in [scene.probes, scene.api] {
        for (path, body) in [("/live", "live\n"), ("/ready", "ready\n")] {
            let answer = get(address, path);
            assert_eq!((answer.status, answer.body.as_str()), (200, body));
            assert!(answer.head.contains("cache-control: no-store"), "{}", answer.head);
            let answer = request(address, "HEAD", path, "");
            assert_eq!((answer.status, answer.body.as_str()), (200, ""));
        }
    }
}

#[test]
fn a_cluster_that_was_not_listed_keeps_it_from_being_ready_but_alive() {
    let api = ApiServer::start();
    api.forbid("list /apis/discovery.k8s.io/v1/endpointslices", true);
    let scene = Scene::around(|settings| Rosterd::start_in_cluster(&api.kubeconfig(), settings), "[server]");
    wait_until("the reason", || {
        let answer = get(scene.probes, "/ready");
        assert!(answer.status == 503 && answer.body.starts_with("not ready\n"), "{answer:?}");
        answer.body.contains("endpointslices in all namespaces: not listed yet (")
    });
    assert_eq!(get(scene.probes, "/live").status, 200);
    let sets = get(scene.api, "/api/v1/sets").json();
    assert_eq!(sets["items"].as_array().unwrap().len(), 0);
    let mut watch = serde_json::Value::Null;
    wait_until("a failure", || {
        watch = get(scene.api, "/api/v1/watches").json()["items"][0].take();
        watch["failures"]["forbidden"].as_u64() > Some(0)
    });
    assert_eq!((&watch["resource"], &watch["synced"]), (&"endpointslices".into(), &false.into()), "{watch}");
    api.forbid("list /apis/discovery.k8s.io/v1/endpointslices", false);
    wait_until("ready", || get(scene.probes, "/ready").status == 200);
}

#[test]
fn it_listens_before_the_cluster_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("kubeconfig");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut server = std::process::Command::new(env!("CARGO_BIN_EXE_rosterd"))
        .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "text"])
        .args(["--admin-listen", "127.0.0.1:0", "--kubeconfig"])
        .arg(&pipe)
        .env("ROSTERD__ADMIN__API", "")
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let log = crate::rosterd::lines(server.stderr.take().unwrap());
    let line = log.iter().find(|line| line.contains("probes and metrics at ")).unwrap();
    let address = line.rsplit_once("http://").unwrap().1.parse().unwrap();
    let answers = ["/live", "/ready", "/metrics"].map(|path| get(address, path));
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(answers.each_ref().map(|answer| answer.status), [200, 503, 200]);
    assert_eq!(answers[1].body, "not ready\nthe server is starting\n");
    assert!(answers[2].body.contains("\nrosterd_ready 0\n"), "{}", answers[2].body);
}

#[test]
fn a_port_that_nobody_asked_for_is_done_without_and_another_is_not() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_rosterd"))
        .args(["serve", "--listen", "127.0.0.1:0", "--manifest", "deploy/examples/myapp.yaml"])
        .args(["--log-format", "text", "--admin-listen", &taken.local_addr().unwrap().to_string()])
        .env("ROSTERD__ADMIN__API", "")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("for HTTP: ") && said.contains("`[admin]` in the settings"), "{said}");
    // Port 9154 of this host may be anybody's, or nobody's.
    let held = std::net::TcpListener::bind("127.0.0.1:9154");
    let mut server = Rosterd::start(crate::scene::MANIFEST, "[admin]\nlisten = []\n[server]");
    if held.is_ok() {
        assert!(
            server
                .seen()
                .iter()
                .any(|line| line.contains("127.0.0.1:9154") && line.contains("going on without it"))
        );
    }
    server.kill();
}

/// A replica that hears of no changes may still be the best one; `admin.ready_when_stale` decides.
#[test]
fn a_cluster_that_is_heard_no_more_is_said_and_counts_where_it_is_to() {
    for (counts, status) in [(false, 200), (true, 503)] {
        let api = ApiServer::start();
        let start = |settings: &str| {
            let wanted = format!("[admin]\nready_when_stale = {}\n", !counts);
            Rosterd::start_in_cluster(&api.kubeconfig(), &settings.replace("[admin]\n", &wanted))
        };
        let scene = Scene::around(start, "[kubernetes]\nstale_after = '10s'\n[server]");
        wait_until("ready", || get(scene.probes, "/ready").status == 200);
        api.die(true);
        wait_until("a word about it", || {
            get(scene.probes, "/ready").body.contains("the API server is not heard")
        });
        assert_eq!(get(scene.probes, "/ready").status, status);
        api.die(false);
        wait_until("nothing to say", || get(scene.probes, "/ready").body == "ready\n");
    }
}
