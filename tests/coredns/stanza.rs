//! What `rosterd stanza` prints.

use crate::rosterd::alone;
use std::net::SocketAddr;
use std::process::Command;

/// A stanza for servers, with more arguments.
pub(crate) fn stanza(what: &str, servers: &[SocketAddr], more: &[&str]) -> String {
    let mut rosterd = Command::new(env!("CARGO_BIN_EXE_rosterd"));
    rosterd.args(["stanza", "--for", what]).args(more).env_remove("KUBERNETES_SERVICE_HOST");
    for server in servers {
        rosterd.args(["--at", &server.to_string()]);
    }
    let output = alone(&mut rosterd).output().expect("the program");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "stanza --for {what} {more:?}: {complaint}");
    String::from_utf8(output.stdout).expect("UTF-8 text")
}

/// The two parts of a stanza for an edited Corefile: what goes into its first block, and what below that.
pub(crate) fn parts(text: &str) -> (String, String) {
    let Some((into, below)) = text.split_once("# 2. Below that block:\n") else {
        return (String::new(), text.to_owned());
    };
    let (_, into) = into.split_once("# 1. Into the block").expect("a first part");
    let (_, into) = into.split_once('\n').expect("a line of its own");
    (into.to_owned(), below.to_owned())
}
