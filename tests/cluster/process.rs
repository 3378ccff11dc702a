//! A program of the control plane, under a guard that outlives nothing: it is killed when it is dropped, and when the
//! tests end in any other way, a panic or a signal included.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Waits for the end of its input, which comes when it is closed here and when this process is no more. Until it is
/// waited for, an ended program keeps its process id: it is its own that is killed and nobody else's.
const GUARD: &str = r#""$@" & child=$!; read -r _; kill -KILL "$child"; wait "$child""#;

/// The same for a folder. Programs may still write into it while it goes.
const CLEANER: &str =
    r#"read -r _; for _ in 1 2 3 4 5 6 7 8 9; do rm -rf "$1" && break; sleep 0.2; done 2>/dev/null"#;

/// A running program.
#[derive(Debug)]
pub(crate) struct Process {
    guard: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program of the control plane; what it prints goes to `<name>.log` in `folder`, behind what is there.
    pub(crate) fn start(folder: &Path, name: &str, program: &Path, arguments: &[String]) -> Process {
        let log = folder.join(format!("{name}.log"));
        let output: File = OpenOptions::new().create(true).append(true).open(&log).expect("a log file");
        let guard = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .arg(program)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(output.try_clone().expect("a log file"))
            .stderr(output)
            .spawn()
            .expect("a shell");
        Process { guard, log }
    }

    /// Ends the program by SIGKILL, and waits until it has ended.
    pub(crate) fn kill(&mut self) {
        drop(self.guard.stdin.take());
        self.guard.wait().expect("an ended guard");
    }

    /// The end of what the program has printed.
    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A temporary folder that goes as processes do.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    cleaner: Child,
}

impl Folder {
    pub(crate) fn create() -> Folder {
        let path = tempfile::tempdir().expect("a temporary folder").keep();
        let cleaner = Command::new("sh")
            .args(["-c", CLEANER, "cleaner"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        Folder { path, cleaner }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.cleaner.stdin.take());
        self.cleaner.wait().expect("an ended cleaner");
    }
}
