//! answer

use std::net::IpAddr;

/// How a query came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// How the query came.
    pub transport: Transport,
    /// Where from.
    pub address: IpAddr,
}

/// What to do with a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Send the first octets of the buffer, this many.
    Reply(usize),
    /// Send nothing.
    Drop,
}
