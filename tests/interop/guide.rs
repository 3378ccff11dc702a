//! What `docs/beam.md` shows at a prompt is what comes.

use crate::rosterd::Rosterd;
use std::process::Command;

const GUIDE: &str = include_str!("../../docs/beam.md");

/// Commands of the guide's session and what each prints. The server is started by the test, at a port of its own.
fn session() -> Vec<(String, String)> {
    let session =
        GUIDE.split("```console\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a session");
    let commands = session.split("$ ").skip(1).filter_map(|command| command.split_once('\n'));
    commands
        .map(|(command, output)| (command.to_owned(), output.to_owned()))
        .filter(|(command, _)| !command.starts_with("rosterd serve "))
        .collect()
}

#[test]
fn the_session_of_the_guide_is_real() {
    let server = Rosterd::start(
        include_str!("../../deploy/examples/myapp.yaml"),
        "[[topologies]]\nmode = \"dns\"\n[server]",
    );
    let session = session();
    assert_eq!(session.len(), 2);
    for (command, expected) in session {
        let command = command.replace("5300", &server.ipv4().port().to_string());
        let output = Command::new("sh").args(["-c", &command]).output().expect("a shell");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        // Complete answers of addresses rotate, so lines and their elements may come in any order.
        assert_eq!(words(&String::from_utf8_lossy(&output.stdout)), words(&expected), "{command}");
    }
}

/// What stands between brackets, braces, commas and spaces, sorted.
fn words(text: &str) -> Vec<&str> {
    let mut words: Vec<&str> =
        text.split(['{', '}', '[', ']', '\n']).filter(|word| !word.trim().is_empty()).collect();
    words.retain(|word| word.trim() != ",");
    words.sort_unstable();
    words
}
