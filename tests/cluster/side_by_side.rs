//! The transcripts of `deploy/README.md`: kubectl and dig say the same, also while a label changes.

use crate::control_plane::{ControlPlane, program};
use crate::rosterd::{PATIENCE, Rosterd, lines};
use crate::scene::{SLICES, topology};
use crate::wait::wait_for;
use crate::workload::Namespace;
use serde_json::json;
use std::process::{Command, Stdio};
use std::time::Instant;

const README: &str = include_str!("../../deploy/README.md");

/// Where README tells the server to listen. Here it listens on a free port.
const PORT: &str = "5300";

/// The block of README that begins with a command: its commands, each with the lines it prints.
fn shown(first: &str) -> Vec<(String, Vec<String>)> {
    let blocks = README.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
    let block =
        blocks.into_iter().find(|block| block.starts_with(&format!("$ {first}\n"))).expect("the block");
    let commands = block.split("$ ").skip(1).filter_map(|command| command.split_once('\n'));
    commands.map(|(command, output)| (command.to_owned(), masked(output.lines()))).collect()
}

/// Lines whose columns stand apart by one space, without ages.
fn masked<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let line = |line: &str| {
        let words = line.split_whitespace().map(|word| if is_age(word) { "AGE" } else { word });
        words.collect::<Vec<_>>().join(" ")
    };
    lines.into_iter().map(line).collect()
}

/// `12s`, `1m2s`.
fn is_age(word: &str) -> bool {
    word.ends_with('s') && word.chars().all(|c| c.is_ascii_digit() || "ms".contains(c)) && word != "s"
}

#[test]
fn kubectl_and_dns_say_the_same() {
    let plane = ControlPlane::shared();
    let kubeconfig = plane.kubeconfig_with("side-by-side-reader", &["endpointslices.yaml"]);
    let namespace = Namespace { api: &plane.api, name: "default" };
    namespace.service("myapp", &json!({}));
    namespace.ready_pod("myapp", "a", &["10.0.0.1"]);
    namespace.ready_pod("myapp", "b", &["10.0.0.2"]);
    let rosterd = Rosterd::watch(&kubeconfig, &topology("default", SLICES));
    let port = rosterd.ipv4().port().to_string();
    let run = |command: &str| {
        let command = command.replace(PORT, &port);
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]).env("KUBECONFIG", plane.administrator());
        let folder = program("kubectl").parent().map(ToOwned::to_owned).expect("a folder");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(folder).chain(std::env::split_paths(&path)));
        shell.env("PATH", path.expect("a search path"));
        shell
    };

    let watched = "kubectl get endpoints -l app=myapp --watch --output-watch-events";
    let [(_, events)] = &shown(watched)[..] else { panic!("one command that watches") };
    // The first of its lines is what is there before anything changes.
    let both = "10.0.0.1:4369,10.0.0.2:4369";
    let there = || plane.kubectl(&["get", "endpoints", "myapp"]).contains(both).then_some(());
    wait_for("the endpoints", || both.to_owned(), there);
    let mut watch = run(&format!("exec {watched}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell");
    let seen = lines(watch.stdout.take().expect("a pipe"));

    let steps = shown("kubectl get endpoints -l app=myapp");
    assert_eq!(steps.iter().filter(|(command, _)| command.starts_with("kubectl label")).count(), 2);
    for (command, expected) in &steps {
        // The controllers need a moment after the label; what they write is seen by both.
        let look = || {
            let output = run(command).output().expect("a shell");
            masked(String::from_utf8_lossy(&output.stdout).lines())
        };
        let explain = || format!("{command} prints {:#?}, not {expected:#?}", look());
        if command.starts_with("kubectl label") {
            assert_eq!(look(), *expected, "{command}");
        } else {
            wait_for("a transcript", explain, || (look() == *expected).then_some(()));
        }
    }

    let until = Instant::now() + PATIENCE;
    for event in events {
        let line = seen.recv_timeout(until.saturating_duration_since(Instant::now()));
        assert_eq!(masked([line.expect("an event").as_str()]), [event.as_str()]);
    }
    watch.kill().expect("a running kubectl");
    watch.wait().expect("an ended kubectl");
}
