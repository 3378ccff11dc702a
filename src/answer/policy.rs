//! By which rules queries are answered: the settings of answers.

use super::access::AccessList;
use super::client::Transport;
use super::cookies::Cookies;
use super::transfer::TransferList;
use crate::wire::{TsigKey, UDP_SIZE_MIN};
use std::sync::Arc;

/// The settings of answers. The default is what holds where nothing is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The largest UDP answer in octets, whatever the client takes; also what the server says it takes.
    pub udp_max: u16,
    /// Whether answers carry RA.
    pub recursion_available: bool,
    /// How long an idle TCP connection is kept, in units of 100 ms: what a client is told that asks for it (RFC 7828).
    pub tcp_idle: u16,
    /// DNS cookies, where they are spoken.
    pub cookies: Option<Cookies>,
    /// What a client is told that asks for the name server's identifier (RFC 5001), and whose question is admitted; at
    /// most [`Policy::NSID_MAX`] octets; empty: nothing.
    pub nsid: Box<[u8]>,
    /// What `id.server` and `hostname.bind` say, at most 255 octets.
    pub identity: Option<Box<[u8]>>,
    /// What `version.server` and `version.bind` say, at most 255 octets.
    pub version: Option<Box<[u8]>>,
    /// Who may ask what.
    pub access: AccessList,
    /// The keys that messages may be signed with.
    pub keys: Vec<Arc<TsigKey>>,
    /// Who may fetch which zones.
    pub transfers: TransferList,
}

impl Policy {
    /// Octets of the longest NSID: header, question, OPT record and all other options then fit into the 512 octets that
    /// every client takes.
    pub const NSID_MAX: usize = 128;

    /// The largest answer in octets to a client that takes `udp_size` by its EDNS, if it speaks that.
    #[inline]
    pub(super) fn limit(&self, transport: Transport, udp_size: Option<u16>) -> u16 {
        match (transport, udp_size) {
            (Transport::Tcp, _) => u16::MAX,
            (Transport::Udp, Some(size)) => size.min(self.udp_max).max(UDP_SIZE_MIN),
            // RFC 1035 4.2.1: "Messages carried by UDP are restricted to 512 bytes".
            (Transport::Udp, None) => UDP_SIZE_MIN,
        }
    }
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            udp_max: 1232,
            recursion_available: false,
            tcp_idle: 150,
            cookies: None,
            nsid: Box::default(),
            identity: None,
            version: None,
            access: AccessList::default(),
            keys: Vec::new(),
            transfers: TransferList::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn udp_answers_are_bounded_by_both_sides_and_never_below_512() {
        let policy = Policy::default();
        for (transport, udp_size, limit) in [
            (Transport::Udp, None, 512),
            (Transport::Udp, Some(0), 512),
            (Transport::Udp, Some(511), 512),
            (Transport::Udp, Some(600), 600),
            (Transport::Udp, Some(4096), 1232),
            (Transport::Tcp, None, 65535),
            (Transport::Tcp, Some(512), 65535),
        ] {
            assert_eq!(policy.limit(transport, udp_size), limit, "{transport:?} {udp_size:?}");
        }
    }
}
