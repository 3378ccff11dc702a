//! The documentation holds: links lead to files and headings that exist, settings are right, and the shell lines that name
//! nodes give the names that the server gives.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot read the documentation has failed")]

use rosterd::config::{File, Sources, load};
use rosterd::roster::dashed;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders whose Markdown files are read, with everything below.
const FOLDERS: &[&str] = &["benches", "deploy", "docs", "fuzz", "tests", "zones"];

#[test]
fn relative_links_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = pages(root);
    assert!(!pages.is_empty());
    let mut faults = Vec::new();
    for page in &pages {
        let text = fs::read_to_string(page).expect("UTF-8 text");
        for link in links(&text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { page.with_file_name("").join(file) };
            let leads = target.exists()
                && (anchor.is_empty()
                    || anchors(&fs::read_to_string(&target).expect("UTF-8 text"))
                        .any(|known| known == anchor));
            if !leads {
                faults.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(faults.is_empty(), "links that lead nowhere:\n{}", faults.join("\n"));
}

#[test]
fn settings_in_the_documentation_are_settings() {
    let mut blocks = 0;
    for page in pages(Path::new(env!("CARGO_MANIFEST_DIR"))) {
        let text = fs::read_to_string(&page).expect("UTF-8 text");
        for block in fenced(&text, "toml") {
            let file = File { path: page.clone(), text: block };
            let settings = load(&Sources { file: Some(file), ..Sources::default() });
            assert!(settings.is_ok(), "{}: {settings:?}", page.display());
            blocks += 1;
        }
    }
    assert!(blocks > 1, "{blocks} blocks of settings");
}

/// `docs/beam.md` tells releases to name themselves by a few lines of shell.
#[test]
fn the_shell_lines_name_nodes_as_the_server_does() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/beam.md");
    let text = fs::read_to_string(page).expect("UTF-8 text");
    let lines: Vec<String> =
        fenced(&text, "sh").into_iter().filter(|block| block.contains("RELEASE_NODE=")).collect();
    let [by_address, by_name] = lines.as_slice() else { panic!("two ways to name a node: {lines:?}") };
    for address in ["10.0.0.1", "fd00::1", "::1", "fd00::", "::", "2001:db8:3333:4444:5555:6666:7777:8888"] {
        assert_eq!(release_node(by_address, address), format!("my_app@{address}"));
        let label = dashed(address.parse::<IpAddr>().expect("an address"));
        assert_eq!(release_node(by_name, address), format!("my_app@{label}.default.pod.cluster.local"));
    }
}

/// What `RELEASE_NODE` is after lines of `env.sh.eex`.
fn release_node(lines: &str, address: &str) -> String {
    let lines = lines.replace("<%= @release.name %>", "my_app");
    let output = Command::new("sh")
        .args(["-euc", &format!("{lines}\nprintf %s \"$RELEASE_NODE\"")])
        .env("POD_IP", address)
        .env("POD_NAMESPACE", "default")
        .output()
        .expect("a shell");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8 text")
}

#[test]
fn links_and_anchors_are_found() {
    let text = "# A title\nSee [one](a.md), [two](b.md#part) and `[no](c.md)`.\n```\n[no](d.md)\n# no heading\n```\n\
                ## `{cache_size,0}` and more\n";
    assert_eq!(links(text).collect::<Vec<_>>(), ["a.md", "b.md#part"]);
    assert_eq!(anchors(text).collect::<Vec<_>>(), ["a-title", "cache_size0-and-more"]);
}

/// The Markdown files at the root and in the folders.
fn pages(root: &Path) -> Vec<PathBuf> {
    let mut left = entries(root);
    left.retain(|entry| entry.is_file());
    left.extend(FOLDERS.iter().map(|folder| root.join(folder)));
    let mut pages = Vec::new();
    while let Some(entry) = left.pop() {
        if entry.is_dir() && !entry.ends_with("target") {
            left.extend(entries(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "md") {
            pages.push(entry);
        }
    }
    pages
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.expect("a folder entry").path()).collect()
}

/// The contents of fenced code in a language.
fn fenced(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<(bool, String)> = None;
    for line in text.lines() {
        match (line.trim_start().strip_prefix("```"), &mut block) {
            (Some(info), None) => block = Some((info == language, String::new())),
            (Some(_), Some(_)) => {
                blocks.extend(block.take().filter(|(wanted, _)| *wanted).map(|(_, text)| text));
            }
            (None, Some((_, text))) => text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    blocks
}

/// Lines outside of fenced code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fence && !fenced
    })
}

fn links(text: &str) -> impl Iterator<Item = &str> {
    prose(text).flat_map(|line| {
        // Code spans are every second piece between backticks.
        line.split('`')
            .step_by(2)
            .flat_map(|piece| piece.split("](").skip(1))
            .filter_map(|rest| rest.split(')').next())
    })
}

/// The anchors that a forge makes of headings: lower case, spaces to hyphens, punctuation left out.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    prose(text).filter(|line| line.starts_with('#')).map(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        title
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect()
    })
}
