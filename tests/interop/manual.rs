//! Completions in the shells that they are for, and pages in the programs that show them.

use std::path::Path;
use std::process::{Command, Output};

const COMMANDS: [&str; 9] =
    ["serve", "check", "zone", "status", "explain", "top", "stanza", "completions", "man"];

fn rosterd(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_rosterd")).args(arguments).output().expect("the program");
    assert!(output.status.success(), "{arguments:?}: {}", complaint(&output));
    String::from_utf8(output.stdout).expect("UTF-8 text")
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A folder with a file in it.
fn folder_with(name: &str, text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join(name), text).expect("a written file");
    folder
}

/// What a shell prints that evaluates some lines in a folder.
fn evaluated(shell: &str, arguments: &[&str], folder: &Path) -> Vec<String> {
    let output = Command::new(shell)
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder)
        .output()
        .unwrap_or_else(|error| panic!("{shell}: {error}"));
    assert!(output.status.success(), "{shell}: {}", complaint(&output));
    let mut words: Vec<String> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect();
    words.sort();
    words
}

fn has(words: &[String], wanted: &[&str]) {
    for word in wanted {
        assert!(words.iter().any(|known| known == word), "no {word} among {words:?}");
    }
}

#[test]
fn bash_completes_commands_flags_and_values() {
    let folder = folder_with("rosterd.bash", &rosterd(&["completions", "bash"]));
    let complete = |line: &[&str]| {
        let words: Vec<String> = line.iter().map(|word| format!("'{word}'")).collect();
        let last = line.len() - 1;
        let script = format!(
            "source rosterd.bash\nCOMP_WORDS=({}); COMP_CWORD={last}\n\
             _rosterd rosterd '{}' '{}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
            words.join(" "),
            line[last],
            line[last - 1],
        );
        evaluated("bash", &["--norc", "-c", &script], folder.path())
    };
    has(&complete(&["rosterd", ""]), &COMMANDS);
    assert_eq!(complete(&["rosterd", "st"]), ["stanza", "status"]);
    has(&complete(&["rosterd", "serve", "--"]), &["--manifest", "--kubeconfig", "--selector", "--config"]);
    has(
        &complete(&["rosterd", "stanza", "--for", ""]),
        &["coredns", "coredns-custom", "eks", "inetrc", "openshift"],
    );
    assert_eq!(complete(&["rosterd", "completions", "z"]), ["zsh"]);
}

#[test]
fn fish_completes_commands_and_values() {
    let folder = folder_with("rosterd.fish", &rosterd(&["completions", "fish"]));
    let complete = |line: &str| {
        let script = format!("source rosterd.fish; complete --do-complete '{line}'");
        evaluated("fish", &["--no-config", "-c", &script], folder.path())
    };
    has(&complete("rosterd "), &COMMANDS);
    has(&complete("rosterd stanza --for "), &["coredns", "nodelocal", "dnsconfig"]);
}

/// zsh completes at a terminal only; without one it can be asked whether it takes the function.
#[test]
fn zsh_takes_its_function() {
    let folder = folder_with("_rosterd", &rosterd(&["completions", "zsh"]));
    let script = "fpath=($PWD $fpath); autoload -U compinit && compinit -u -d ./dump && \
                  autoload +X _rosterd && print -r -- ${_comps[rosterd]}";
    assert_eq!(evaluated("zsh", &["-f", "-c", script], folder.path()), ["_rosterd"]);
}

#[test]
fn pages_are_read_without_a_warning() {
    let pages = COMMANDS.map(|command| vec!["man", command]);
    for arguments in pages.into_iter().chain([vec!["man"]]) {
        let folder = folder_with("page.1", &rosterd(&arguments));
        for reader in [
            &["groff", "-man", "-Tutf8", "-P-cbou", "-ww", "page.1"][..],
            &["man", "--warnings=w", "-l", "page.1"],
        ] {
            let mut command = Command::new(reader[0]);
            command
                .args(&reader[1..])
                .current_dir(folder.path())
                .env("MANWIDTH", "100")
                .env("LC_ALL", "C.UTF-8");
            let output = command.output().unwrap_or_else(|error| panic!("{reader:?}: {error}"));
            assert_eq!(
                (output.status.code(), complaint(&output).as_str()),
                (Some(0), ""),
                "{reader:?} {arguments:?}"
            );
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(text.contains("SYNOPSIS") && text.contains("rosterd"), "{text}");
        }
    }
}
