//! The look-up programs, which differ in their command lines and in what they ask by themselves.

use crate::client::Transport;
use crate::transcript::Transcript;
use std::net::SocketAddr;
use std::process::Command;

/// A look-up program.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// Its arguments for a server, a transport, a name and a type.
    pub(crate) arguments: fn(SocketAddr, Transport, &str, &str) -> Vec<String>,
    /// The UDP size that it says it takes, if it speaks EDNS unasked.
    pub(crate) udp_size: Option<u16>,
}

impl Program {
    pub(crate) fn command(
        &self,
        server: SocketAddr,
        transport: Transport,
        name: &str,
        record_type: &str,
    ) -> Command {
        let mut command = Command::new(self.name);
        command.args((self.arguments)(server, transport, name, record_type));
        command
    }

    /// Asks, and reads what it prints.
    pub(crate) fn look_up(
        &self,
        server: SocketAddr,
        transport: Transport,
        name: &str,
        record_type: &str,
    ) -> Transcript {
        Transcript::of(&mut self.command(server, transport, name, record_type))
    }
}
