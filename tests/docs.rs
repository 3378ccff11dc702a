//! Links in the documentation lead somewhere: relative ones to files that exist, anchors to headings.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot read the documentation has failed")]

use std::fs;
use std::path::{Path, PathBuf};

/// Folders whose Markdown files are read, with everything below.
const FOLDERS: &[&str] = &["benches", "deploy", "docs", "tests", "zones"];

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
