//! Load on a DNS server, and what it costs the server: shared by the programs `load` and `compare`.
//!
//! [`questions`] says what is asked of a zone that it generates; [`udp`] and [`tcp`] ask it; [`process`] starts
//! servers on CPUs of their own and reads what they use; [`run`] makes figures of the two.

pub mod echo;
pub mod latency;
pub mod process;
pub mod questions;
pub mod run;
pub mod tcp;
pub mod udp;

use questions::Shape;
use run::{Load, Run, Transport};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Why a program cannot measure.
pub type Failure = Box<dyn std::error::Error>;

/// Asks `server`.
pub fn ask(server: SocketAddr, shape: &Shape, transport: Transport, load: &Load) -> std::io::Result<Run> {
    match transport {
        Transport::Udp => udp::run(server, shape, load),
        Transport::Pipelined => tcp::pipelined(server, shape, load),
        Transport::OneQuery => tcp::one_query(server, shape, load),
    }
}

/// Builds the release program of this checkout.
pub fn build() -> Result<PathBuf, Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--bin", "rosterd", "--manifest-path"])
        .arg(root.join("Cargo.toml"))
        .status()?;
    if !status.success() {
        return Err("rosterd does not build".into());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("release/rosterd"))
}

/// `program`, a rosterd, as it is measured: what it says can be read here, it takes no port but that of DNS, and it ends at
/// once.
pub fn rosterd(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.envs([
        ("ROSTERD__LOG__FORMAT", "text"),
        ("ROSTERD__ADMIN__LISTEN", ""),
        ("ROSTERD__ADMIN__API", ""),
        ("ROSTERD__SERVER__LAMEDUCK", "0s"),
    ]);
    command
}

/// The generated manifest, removed when dropped.
pub struct Manifest(PathBuf);

impl Manifest {
    /// Writes it into the folder for temporary files.
    pub fn write() -> std::io::Result<Manifest> {
        let path = std::env::temp_dir().join(format!("rosterd-load-{}.json", std::process::id()));
        std::fs::write(&path, questions::manifest())?;
        Ok(Manifest(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Manifest {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
