//! The folders of `src/` and their borders: data flows one way, and the pure part knows no sockets, clocks, files,
//! tasks or Kubernetes clients. Reads the sources as text, so that a wrong `use` fails before anybody reviews it.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot read the sources has failed")]

use std::fs;
use std::path::{Path, PathBuf};

/// A folder below `src/` and the folders that its code may name. What is not listed is forbidden.
///
/// Tests may also name what these may name: to fill a snapshot, a test of answers speaks the roster's words.
const DIRECTIONS: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("roster", &[]),
    ("config", &["roster", "wire"]),
    ("source", &["roster"]),
    ("zone", &["roster", "wire"]),
    ("answer", &["zone", "wire"]),
    ("server", &["answer", "zone", "wire"]),
    ("admin", &["config", "roster", "server", "source"]),
    ("run", &["admin", "answer", "config", "roster", "server", "source", "wire", "zone"]),
    ("cli", &["admin", "config", "run"]),
    ("main", &["cli"]),
];

/// Folders whose code is a function of its arguments.
const PURE: &[&str] = &["wire", "roster", "zone", "answer"];

/// Paths that reach for the world outside. A path is forbidden with everything below it.
const IMPURE: &[&str] = &[
    "k8s_openapi",
    "kube",
    "nix",
    "socket2",
    "std::env",
    "std::fs",
    "std::io",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::time::UNIX_EPOCH",
    "tokio",
    "tracing",
];

/// Crates that speak of Kubernetes, and the only modules that may name them.
const KUBERNETES: &[(&str, &[&str])] = &[("kube", &["source", "kubernetes"]), ("k8s_openapi", &["source"])];

/// Macros that do so and need no path.
const IMPURE_MACROS: &[&str] = &["thread_local"];

/// The longest file, in lines.
const LINES_MAX: usize = 600;

/// Files that are longer, each with the reason.
const LONG_FILES: &[(&str, &str)] = &[];

#[test]
fn folders_name_only_what_they_may() {
    let mut faults = Vec::new();
    for source in sources() {
        faults.extend(
            direction_faults(&source.module, &source.text).into_iter().map(|fault| fault.at(&source)),
        );
    }
    assert!(faults.is_empty(), "forbidden directions:\n{}", faults.join("\n"));
}

#[test]
fn pure_folders_reach_for_nothing_outside() {
    let mut faults = Vec::new();
    for source in sources() {
        faults.extend(purity_faults(&source.module, &source.text).into_iter().map(|fault| fault.at(&source)));
    }
    assert!(faults.is_empty(), "impure paths in pure folders:\n{}", faults.join("\n"));
}

#[test]
fn kubernetes_is_named_where_it_is_spoken_to() {
    let mut faults = Vec::new();
    for source in sources() {
        let found = kubernetes_faults(&source.module, &source.text);
        faults.extend(found.into_iter().map(|fault| fault.at(&source)));
    }
    assert!(faults.is_empty(), "Kubernetes outside of its source:\n{}", faults.join("\n"));
    let module = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
    for (path, text, count) in [
        ("run/serve", "use kube::Client;", 1),
        ("source/manifest/parse", "fn f(client: kube::Client) {}", 1),
        ("source/kubernetes/connect", "use kube::{Client, Config};", 0),
        ("source/convert/pod", "use k8s_openapi::api::core::v1::Pod;", 0),
        ("source", "use kube::Client;", 1),
        ("config/file", "use k8s_openapi::api::core::v1::Pod;", 1),
        ("run/serve", "use crate::source::kubernetes::Client;", 0),
    ] {
        assert_eq!(kubernetes_faults(&module(path), text).len(), count, "{path}: {text}");
    }
}

#[test]
fn files_stay_small() {
    for source in sources() {
        let lines = source.text.lines().count();
        let excused = LONG_FILES.iter().any(|(file, _)| Path::new(file) == source.file);
        assert!(
            lines <= LINES_MAX || excused,
            "{} has {lines} lines: split it by subject, or list it in LONG_FILES with a reason",
            source.file.display()
        );
        assert!(
            lines > LINES_MAX || !excused,
            "{} has {lines} lines: it needs no place in LONG_FILES any more",
            source.file.display()
        );
    }
}

#[test]
fn every_folder_is_known() {
    for source in sources() {
        let Some(folder) = source.module.first() else { continue };
        assert!(
            DIRECTIONS.iter().any(|(known, _)| known == folder),
            "{} belongs to a folder that DIRECTIONS does not list",
            source.file.display()
        );
    }
}

#[test]
fn a_wrong_direction_is_caught() {
    let answer = ["answer".to_owned(), "lookup".to_owned()];
    for (text, fault) in [
        ("use crate::server::udp;", "crate::server"),
        ("use crate::{wire::Name, roster::Peer};", "crate::roster"),
        ("use crate::{\n    wire::{Name, NameError},\n    source,\n};", "crate::source"),
        ("fn f() -> crate::run::Exit { todo() }", "crate::run"),
        ("use super::super::source::File;", "super::super"),
        ("pub(in crate::server) fn f() {}", "crate::server"),
        ("use rosterd::cli::main;", "rosterd::cli"),
    ] {
        let found = direction_faults(&answer, text);
        assert_eq!(found.len(), 1, "{text}");
        assert!(found.iter().all(|found| found.path.starts_with(fault)), "{text}: {found:?}");
    }
    for text in [
        "use crate::zone::Snapshot;",
        "use crate::{wire::Name, zone};",
        "use super::edns::Edns;",
        "// use crate::server::udp;",
        "/* nested /* use crate::server; */ use crate::run; */",
        "const TEXT: &str = \"crate::server::udp\";",
        "const TEXT: &str = r#\"crate::\"server\"\"#;",
        "fn f<'a>(text: &'a str) -> Option<char> { text.chars().find(|c| *c == '\"') }",
    ] {
        assert_eq!(direction_faults(&answer, text), [], "{text}");
    }
    let in_tests = "mod tests { use super::super::lookup; use crate::roster::Peer; use crate::server::udp; }";
    let found = direction_faults(&answer, in_tests);
    assert_eq!(found.iter().map(|found| found.path.as_str()).collect::<Vec<_>>(), ["crate::server::udp"]);
    assert_eq!(direction_faults(&["answer".to_owned()], "use super::server;").len(), 1);
    assert_eq!(direction_faults(&["main".to_owned()], "fn main() { rosterd::run::serve() }").len(), 1);
    assert_eq!(direction_faults(&["main".to_owned()], "fn main() { rosterd::cli::main() }"), []);
}

#[test]
fn an_impure_path_is_caught() {
    let zone = ["zone".to_owned()];
    for text in [
        "use std::net::UdpSocket;",
        "use std::{collections::HashMap, net::{IpAddr, TcpStream}};",
        "use std::time::{Duration, Instant};",
        "fn now() { std::time::SystemTime::now(); }",
        "use std::fs;",
        "use std::io::Read;",
        "thread_local! { static COUNT: Cell<u8> = Cell::default(); }",
        "fn f() { std::thread_local! { static COUNT: u8 = 0; } }",
        "fn f() { tracing::warn!(\"seen\"); }",
        "use tokio;",
        "use tokio::sync::mpsc as channel;",
        "use ::nix::sys::socket;",
        "use k8s_openapi::api::core::v1::Pod;",
        "fn f() { std::thread::spawn(|| ()); }",
    ] {
        assert_eq!(purity_faults(&zone, text).len(), 1, "{text}");
        assert_eq!(purity_faults(&["server".to_owned()], text), [], "{text}");
    }
    for text in
        ["use std::net::{IpAddr, SocketAddr};", "use std::time::Duration;", "let tokio = 1; f(tokio);"]
    {
        assert_eq!(purity_faults(&zone, text), [], "{text}");
    }
}

/// A file below `src/`.
struct Source {
    file: PathBuf,
    /// Its module path; `main.rs` is `main`, `lib.rs` is empty.
    module: Vec<String>,
    text: String,
}

/// A path that must not stand where it stands.
#[derive(Debug, PartialEq)]
struct Fault {
    line: usize,
    path: String,
}

impl Fault {
    fn at(&self, source: &Source) -> String {
        format!("{}:{}: {}", source.file.display(), self.line, self.path)
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a folder entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let file = path.strip_prefix(&root).expect("a path below src").to_owned();
                let text = fs::read_to_string(&path).expect("UTF-8 text");
                sources.push(Source { module: module_path(&file), file, text });
            }
        }
    }
    assert!(sources.len() > DIRECTIONS.len(), "src/ was not read: {} files", sources.len());
    sources
}

fn module_path(file: &Path) -> Vec<String> {
    let mut module: Vec<String> =
        file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|last| last == "mod" || last == "lib") {
        module.pop();
    }
    module
}

fn direction_faults(module: &[String], text: &str) -> Vec<Fault> {
    let Some(folder) = module.first() else { return Vec::new() };
    let allowed = may_name(folder);
    let forbidden = |path: &UsedPath| {
        let segments: Vec<&str> = path.segments.iter().map(String::as_str).collect();
        if let ["crate" | "rosterd", named, ..] = segments.as_slice() {
            let is_folder = DIRECTIONS.iter().any(|(name, _)| name == named);
            let tests = path.in_tests || module.iter().any(|name| name == "tests");
            let may =
                allowed.contains(named) || tests && allowed.iter().any(|name| may_name(name).contains(named));
            return is_folder && named != folder && !may;
        }
        // From the top of a folder's file, as many `super` as it is deep lead to the crate's root. Inline modules
        // (tests) have one more to go.
        let up = segments.iter().take_while(|segment| **segment == "super").count();
        up > 0 && up >= module.len() + path.inline_depth
    };
    faults(text, forbidden)
}

fn may_name(folder: &str) -> &'static [&'static str] {
    DIRECTIONS.iter().find(|(name, _)| *name == folder).map_or(&[], |(_, allowed)| allowed)
}

fn purity_faults(module: &[String], text: &str) -> Vec<Fault> {
    if !module.first().is_some_and(|folder| PURE.contains(&folder.as_str())) {
        return Vec::new();
    }
    let mut faults = faults(text, |path| {
        let path = path.segments.join("::");
        IMPURE.iter().any(|impure| path == *impure || path.starts_with(&format!("{impure}::")))
    });
    let macros = tokens(text).into_iter().filter(|(_, token)| IMPURE_MACROS.contains(&token.as_str()));
    faults.extend(macros.map(|(line, path)| Fault { line, path }));
    faults
}

fn kubernetes_faults(module: &[String], text: &str) -> Vec<Fault> {
    faults(text, |path| {
        let named =
            KUBERNETES.iter().find(|(name, _)| path.segments.first().is_some_and(|first| first == name));
        named.is_some_and(|(_, home)| module.get(..home.len()).is_none_or(|at| at != *home))
    })
}

fn faults(text: &str, forbidden: impl Fn(&UsedPath) -> bool) -> Vec<Fault> {
    paths(text)
        .into_iter()
        .filter(forbidden)
        .map(|path| Fault { line: path.line, path: path.segments.join("::") })
        .collect()
}

/// A path as it stands in a source, groups of `use` spelled out.
struct UsedPath {
    line: usize,
    segments: Vec<String>,
    /// How many inline modules it stands in.
    inline_depth: usize,
    /// Whether one of them is `tests`.
    in_tests: bool,
}

/// Every path of two or more segments, and single names that `use` brings in.
fn paths(text: &str) -> Vec<UsedPath> {
    let tokens = tokens(text);
    let token = |at: usize| tokens.get(at).map_or("", |(_, token)| token.as_str());
    let mut paths = Vec::new();
    // For each open brace: how many segments stood before it, where it belongs to a path; the module that it opens.
    let mut braces: Vec<(Option<usize>, Option<&str>)> = Vec::new();
    let mut prefix: Vec<String> = Vec::new();
    for (at, (line, text)) in tokens.iter().enumerate() {
        match text.as_str() {
            "{" => {
                let in_path =
                    at > 0 && token(at - 1) == "::" || braces.last().is_some_and(|(path, _)| path.is_some());
                let module = (at > 1 && token(at - 2) == "mod").then(|| token(at - 1));
                braces.push((in_path.then_some(prefix.len()), module));
            }
            "}" => {
                braces.pop();
                prefix.truncate(braces.last().and_then(|(path, _)| *path).unwrap_or(0));
            }
            "::" => {}
            name if is_name(name) => {
                let continued = token(at + 1) == "::" && (is_name(token(at + 2)) || token(at + 2) == "{");
                let in_group = braces.last().is_some_and(|(path, _)| path.is_some());
                let joined = at > 0 && token(at - 1) == "::";
                if token(at.wrapping_sub(1)) == "as" {
                    continue;
                }
                prefix.push(name.to_owned());
                if continued {
                    continue;
                }
                let used = matches!(token(at.wrapping_sub(1)), "use");
                if joined || in_group || used {
                    let modules: Vec<&str> = braces.iter().filter_map(|(_, module)| *module).collect();
                    paths.push(UsedPath {
                        line: *line,
                        segments: prefix.clone(),
                        inline_depth: modules.len(),
                        in_tests: modules.contains(&"tests"),
                    });
                }
                prefix.truncate(braces.last().and_then(|(path, _)| *path).unwrap_or(0));
            }
            _ => {}
        }
    }
    paths
}

fn is_name(token: &str) -> bool {
    token == "*" || token != "use" && token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Names, `::`, braces and other single characters with their lines; comments, strings and lifetimes left out.
fn tokens(text: &str) -> Vec<(usize, String)> {
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = raw_string(rest) {
            length
        } else if first == '"' {
            quoted(rest, '"')
        } else if first == '\'' {
            character_or_lifetime(rest)
        } else if rest.starts_with("::") {
            tokens.push((line, "::".to_owned()));
            2
        } else if first.is_alphanumeric() || first == '_' {
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            tokens.push((line, prefix_of(rest, length).to_owned()));
            length
        } else {
            if !first.is_whitespace() {
                tokens.push((line, first.to_string()));
            }
            first.len_utf8()
        };
        line += prefix_of(rest, length).matches('\n').count();
        rest = rest.get(length..).unwrap_or("");
    }
    tokens
}

fn prefix_of(text: &str, length: usize) -> &str {
    text.get(..length).unwrap_or(text)
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        if rest.is_empty() {
            break;
        }
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// The length of a raw string (`r"…"`, `br#"…"#`) at the start of the text.
fn raw_string(text: &str) -> Option<usize> {
    let prefix = if text.starts_with("br") { 2 } else { 1 };
    if !text.starts_with('r') && prefix == 1 {
        return None;
    }
    let rest = text.get(prefix..)?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    rest.get(hashes..)?.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let body = prefix + hashes + 1;
    Some(text.get(body..)?.find(&end).map_or(text.len(), |at| body + at + end.len()))
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == quote && !escaped {
            return at + c.len_utf8();
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

fn character_or_lifetime(text: &str) -> usize {
    let mut characters = text.chars().skip(1);
    let first = characters.next();
    if first == Some('\\') || characters.next() == Some('\'') { quoted(text, '\'') } else { 1 }
}
