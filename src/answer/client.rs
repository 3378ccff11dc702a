//! Who asks.

use std::net::IpAddr;

/// Where a query came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// What carries the answer.
    pub transport: Transport,
    /// The address it was sent from.
    pub address: IpAddr,
}

/// What carries a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One datagram.
    Udp,
    /// A stream of messages of up to 65535 octets.
    Tcp,
}
