//! Runs this program below callgrind and reads what it counted.

use crate::shapes::QUESTIONS;
use std::io::{Error, Result};
use std::path::Path;
use std::process::Command;

/// Instructions per answer of each shape, in their order.
pub fn run(pods: usize, only: &str, keep: Option<&Path>) -> Result<Vec<u64>> {
    let totals = totals(&[], pods, only, keep)?;
    let (loop_alone, shapes) =
        totals.split_first().ok_or_else(|| Error::other("callgrind counted nothing"))?;
    Ok(shapes.iter().map(|total| total.saturating_sub(*loop_alone) / QUESTIONS as u64).collect())
}

/// Instructions of each call of a counted function, in their order.
pub fn totals(more: &[&str], pods: usize, only: &str, keep: Option<&Path>) -> Result<Vec<u64>> {
    let scratch = std::env::temp_dir().join(format!("instructions-{}", std::process::id()));
    let folder = keep.unwrap_or(&scratch);
    std::fs::create_dir_all(folder)?;
    let counts = run_in(folder, more, pods, only);
    if keep.is_none() {
        std::fs::remove_dir_all(folder)?;
    }
    counts
}

fn run_in(folder: &Path, more: &[&str], pods: usize, only: &str) -> Result<Vec<u64>> {
    let out = folder.join(format!("callgrind-{pods}"));
    let done = Command::new("valgrind")
        // Two patterns: callgrind 3.19 heeds one alone of two options of the same pattern.
        .args(["--quiet", "--tool=callgrind"])
        .args(["--toggle-collect=*measured*", "--dump-after=*instructions::measured*"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe()?)
        .args(["--counted", &pods.to_string(), "--only", only])
        .args(more)
        .status()
        .map_err(|error| Error::other(format!("valgrind (Debian package valgrind): {error}")))?;
    if !done.success() {
        return Err(Error::other(format!("the program below callgrind failed: {done}")));
    }
    let mut totals = Vec::new();
    // One file each time that the counted function was left, numbered from 1.
    while let Ok(text) =
        std::fs::read_to_string(folder.join(format!("callgrind-{pods}.{}", totals.len() + 1)))
    {
        let total = text.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse::<u64>().ok());
        totals.push(total.ok_or_else(|| Error::other("a file of callgrind without totals"))?);
    }
    Ok(totals)
}
