//! The program as a person or a script meets it: help, exit codes, the text of errors, plain and coloured output.

#![allow(clippy::unwrap_used, reason = "a test that cannot run the program has failed")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program in an empty environment, in a folder of its own.
fn rosterd(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rosterd"));
    command.args(arguments).env_clear().current_dir(folder).stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    rosterd(folder, arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn help_teaches() {
    let folder = folder();
    for (arguments, teaches) in [
        (
            &["--help"][..],
            &["Examples:", "Exit codes:", "ROSTERD__SERVER__TTL", "serve", "check", "zone"][..],
        ),
        (
            &["serve", "--help"],
            &[
                "--manifest",
                "--kubeconfig",
                "--context",
                "--listen",
                "[default: ip]",
                "SIGTERM",
                "ROSTERD__SERVER__TTL=30",
            ],
        ),
        (
            &["check", "--help"],
            &["--show", "which rights are missing", "rosterd check --config rosterd.toml --show"],
        ),
        (
            &["zone", "--help"],
            &[
                "kubectl get endpointslices -A -o yaml | rosterd zone --manifest -",
                "rosterd zone --context kind-kind",
                "--origin peers.cluster.local > peers.zone",
                "Answered but not listed",
            ],
        ),
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!((code(&output), stderr(&output).as_str()), (0, ""), "{arguments:?}");
        for words in teaches {
            assert!(stdout(&output).contains(words), "{arguments:?} does not say {words}");
        }
    }
    let output = run(folder.path(), &["--version"]);
    assert_eq!((code(&output), stdout(&output)), (0, format!("rosterd {}\n", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn what_is_no_command_line_exits_with_2() {
    let folder = folder();
    for (arguments, says) in [
        (&[][..], "Usage: rosterd <COMMAND>"),
        (&["serv"], "unrecognized subcommand 'serv'"),
        (&["serve", "--lissten", "x"], "unexpected argument '--lissten'"),
        (&["serve", "--zone", "a", "--zone", "b"], "cannot be used multiple times"),
        (&["serve", "--zone"], "a value is required for '--zone <NAME>'"),
        (&["serve", "manifest.yaml"], "unexpected argument 'manifest.yaml'"),
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!((code(&output), stdout(&output).as_str()), (2, ""), "{arguments:?}");
        assert!(stderr(&output).contains(says), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn without_peers_to_serve_both_ways_are_told() {
    let folder = folder();
    for (command, listen) in [("serve", " --listen 127.0.0.1:5300"), ("zone", ""), ("check", "")] {
        let output = run(folder.path(), &[command]);
        assert_eq!(code(&output), 2);
        assert_eq!(
            stderr(&output),
            format!(
                "error: there is nothing to read peers from; there are two ways:\n  \
                 a cluster  the one that rosterd runs in, as a pod; or from outside, such as\n               \
                 rosterd {command} --context kind-kind{listen}\n               \
                 rosterd {command} --kubeconfig admin.conf{listen}\n  \
                 manifests  --manifest with a file, a folder or -, such as\n               \
                 kubectl get endpoints,endpointslices -A -o yaml > endpoints.yaml\n               \
                 rosterd {command} --manifest endpoints.yaml{listen}\n"
            )
        );
    }
    // Of a Deployment a pipeline has the settings alone.
    std::fs::write(folder.path().join("settings.toml"), "zone = \"peers.example\"\n").unwrap();
    let output = run(folder.path(), &["check", "--config", "settings.toml"]);
    let checked = "settings are right; there are neither manifests nor a cluster to check\n";
    assert_eq!((code(&output), stdout(&output).as_str()), (0, checked));
    let output = rosterd(folder.path(), &["check"]).env("ROSTERD__SERVER__TTL", "7").output().unwrap();
    assert_eq!((code(&output), stdout(&output).as_str()), (0, checked));
    // The comparison has nothing to compare, and says so before it asks anybody.
    let output =
        run(folder.path(), &["check", "--against", "http://127.0.0.1:1", "--config", "settings.toml"]);
    assert_eq!((code(&output), stdout(&output).as_str()), (2, ""));
    assert!(stderr(&output).starts_with("error: there is nothing to read peers from"));
}

#[test]
fn every_wrong_setting_has_its_line() {
    let folder = folder();
    std::fs::write(folder.path().join("rosterd.toml"), "zone = 7\n[server]\nlissten = []\nttl = 7.9\n")
        .unwrap();
    let arguments = ["serve", "--config", "rosterd.toml", "--mode", "what", "--ttl", "-1", "--listen", "::1"];
    let output = rosterd(folder.path(), &arguments).env("ROSTERD__SERVER__WORKERS", "two").output().unwrap();
    assert_eq!((code(&output), stdout(&output).as_str()), (1, ""));
    assert_eq!(
        stderr(&output),
        "error: rosterd.toml:1:8: zone = 7: wants a string, not a whole number\n\
         error: rosterd.toml:3:1: server.lissten = []: no such setting; did you mean \"listen\"?\n\
         error: rosterd.toml:4:7: server.ttl = 7.9: wants a whole number from 0 to 2147483647, not a number with a \
         fraction\n\
         error: ROSTERD__SERVER__WORKERS: server.workers = \"two\": wants a whole number from 1 to 1024, not this \
         text\n\
         error: --listen: server.listen = \"::1\": not an address with a port, such as \"127.0.0.1:5300\", \
         \"[::1]:5300\" or \"0.0.0.0:53\"\n\
         error: --mode: topology.mode = \"what\": must be \"ip\", \"dns\", \"hostname\" or \"peer\"\n\
         error: --ttl: server.ttl = -1: must be from 0 to 2147483647\n"
    );
}

#[test]
fn zones_that_deny_what_they_do_not_know_are_warned_of() {
    let folder = folder();
    let output = run(folder.path(), &["check", "--pods", "verified", "--reverse-zone", "10.0.0.0/8"]);
    assert_eq!(code(&output), 0);
    assert_eq!(
        stderr(&output),
        "warning: pods = \"verified\" (--pods): pods that no object names do not exist in pod.cluster.local; forward \
         that zone here only where objects name all pods\n\
         warning: reverse_zones (--reverse-zone): addresses that no object holds do not exist in 10.in-addr.arpa; \
         forward that zone here only where objects hold all of its addresses\n"
    );
    let output = run(folder.path(), &["check", "--pods", "disabled"]);
    assert_eq!((code(&output), stderr(&output).as_str()), (0, ""));
}

#[test]
fn settings_files_that_cannot_be_read_are_named() {
    let folder = folder();
    std::fs::write(folder.path().join("latin1.toml"), b"# a\nzone = '\xfc'\n").unwrap();
    for (file, says) in [
        ("none.toml", "none.toml: No such file or directory (os error 2)"),
        (".", ".: Is a directory (os error 21)"),
        ("latin1.toml", "latin1.toml: line 2 is not UTF-8"),
        ("/dev/zero", "/dev/zero: it has more than 1048576 octets"),
    ] {
        let output = run(folder.path(), &["check", "--config", file]);
        let expected = format!("error: cannot read settings from {says}\n");
        assert_eq!((code(&output), stderr(&output)), (1, expected));
    }
}

#[test]
fn show_prints_a_settings_file_with_origins() {
    let folder = folder();
    let path = folder.path().join("etc");
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("rosterd.toml"), "\nmanifests = ['a.yaml']\n").unwrap();
    let arguments =
        ["check", "--show", "--config", "etc/rosterd.toml", "--listen", "127.0.0.1:5300", "--namespace", "."];
    let output = rosterd(folder.path(), &arguments)
        .envs([
            ("ROSTERD__SERVER__TTL", "30"),
            ("POD_NAMESPACE", "prod"),
            ("ROSTERD_PORT", "tcp://10.0.0.1:53"),
        ])
        .output()
        .unwrap();
    assert_eq!((code(&output), stderr(&output).as_str()), (0, ""));
    let shown = stdout(&output);
    for line in [
        "manifests = [\"etc/a.yaml\"]          # etc/rosterd.toml:2",
        "listen = [\"127.0.0.1:5300\"]         # --listen",
        "ttl = 30                            # ROSTERD__SERVER__TTL",
        "namespaces = [\"prod\"]               # --namespace",
        "negative_ttl = 5                    # default",
    ] {
        assert!(shown.lines().any(|shown| squeezed(shown) == squeezed(line)), "{line} is not in\n{shown}");
    }
    let comments: Vec<usize> = shown.lines().filter_map(|line| line.find("  # ")).collect();
    assert!(comments.windows(2).all(|pair| pair[0] == pair[1]), "comments are not aligned:\n{shown}");

    // What was shown is a file that means the same.
    std::fs::write(folder.path().join("shown.toml"), &shown).unwrap();
    let output = run(folder.path(), &["check", "--show", "--config", "shown.toml"]);
    let settings = |text: &str| {
        let lines = text.lines().map(|line| line.split('#').next().unwrap().trim_end().to_owned());
        lines.collect::<Vec<String>>()
    };
    assert_eq!(settings(&stdout(&output)), settings(&shown), "{}", stderr(&output));
}

fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn its_own_namespace_is_what_the_pod_is_told() {
    let folder = folder();
    let arguments = ["check", "--namespace", "."];
    let output = rosterd(folder.path(), &arguments).env("POD_NAMESPACE", "No_Name").output().unwrap();
    assert_eq!(code(&output), 1);
    assert_eq!(
        stderr(&output),
        "error: --namespace: topologies[0].namespaces = \".\": \".\" is the namespace rosterd runs in, said to be \
         \"No_Name\": not a lower-case RFC 1123 label: 1 to 63 of the characters a-z, 0-9 and -, with no - first or \
         last\n"
    );
}

#[test]
fn pipes_are_plain_unless_colour_is_asked_for() {
    let folder = folder();
    let colour = |variables: &[(&str, &str)], arguments: &[&str]| {
        let output = rosterd(folder.path(), arguments).envs(variables.iter().copied()).output().unwrap();
        [output.stdout, output.stderr].concat().contains(&0x1b)
    };
    for arguments in [&["serve"][..], &["check", "--mode", "x"], &["check", "--show"], &["--help"], &["serv"]]
    {
        assert!(!colour(&[], arguments), "{arguments:?} in a pipe");
        assert!(!colour(&[("NO_COLOR", "1"), ("TERM", "xterm")], arguments), "{arguments:?} with NO_COLOR");
        assert!(colour(&[("CLICOLOR_FORCE", "1")], arguments), "{arguments:?} with CLICOLOR_FORCE");
    }
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let folder = folder();
    for arguments in [&["check", "--show"][..], &["check", "--ttl", "7"], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output =
            rosterd(folder.path(), arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!((code(&output), stderr(&output).as_str()), (0, ""), "{arguments:?}");
    }
}

#[test]
fn results_that_cannot_be_written_are_a_failure() {
    let folder = folder();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output =
        rosterd(folder.path(), &["check", "--show"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(code(&output), 1);
    assert_eq!(
        stderr(&output),
        "error: cannot write to standard output: No space left on device (os error 28)\n"
    );
}
