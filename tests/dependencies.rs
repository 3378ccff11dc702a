//! What the program is made of may be given away under its own licences: every crate in it has a licence that asks for
//! no more than a notice.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot read the dependencies has failed")]

use serde_json::Value;
use std::process::Command;

/// Licences that ask for no more than a notice, by their SPDX identifiers.
const NOTICE_ONLY: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

#[test]
fn every_dependency_may_be_given_away() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--offline", "--locked"])
        // Crates for other platforms are not downloaded to build this one.
        .args(["--filter-platform", &format!("{}-unknown-linux-gnu", std::env::consts::ARCH)])
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .output()
        .expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata.get("packages").and_then(Value::as_array).expect("packages");
    assert!(packages.len() > 10, "{} packages", packages.len());
    for package in packages {
        let text = |key| package.get(key).and_then(Value::as_str).unwrap_or("");
        assert!(may_be_given_away(text("license")), "{} is under {:?}", text("name"), text("license"));
    }
}

#[test]
fn licence_expressions_are_understood() {
    for expression in [
        "MIT",
        "MIT OR Apache-2.0",
        "MIT/Apache-2.0",
        "GPL-3.0-only OR MIT",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception OR Apache-2.0",
    ] {
        assert!(may_be_given_away(expression), "{expression}");
    }
    for expression in
        ["", "GPL-3.0-only", "MIT AND GPL-3.0-only", "MIT AND (GPL-2.0-only OR AGPL-3.0-only)", "(MIT"]
    {
        assert!(!may_be_given_away(expression), "{expression}");
    }
}

/// Evaluates an SPDX expression: `AND` binds closer than `OR`, an older `/` means `OR`, `WITH` only adds permissions.
fn may_be_given_away(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    // For each open parenthesis: whether some alternative before holds, and whether the current one does.
    let mut levels = vec![(false, true)];
    let mut terms = 0;
    let mut words = spaced.split_whitespace();
    while let Some(word) = words.next() {
        let Some((any, all)) = levels.last_mut() else { return false };
        match word {
            "OR" => (*any, *all) = (*any || *all, true),
            "AND" => {}
            "WITH" => drop(words.next()),
            "(" => levels.push((false, true)),
            ")" => {
                let holds = *any || *all;
                levels.pop();
                let Some((_, all)) = levels.last_mut() else { return false };
                *all &= holds;
            }
            licence => {
                terms += 1;
                *all &= NOTICE_ONLY.contains(&licence);
            }
        }
    }
    matches!(levels.as_slice(), [(any, all)] if terms > 0 && (*any || *all))
}
