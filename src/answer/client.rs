//! Who asks, and by which rules it is answered.

use crate::wire::UDP_SIZE_MIN;
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

/// The settings of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The largest UDP answer in octets, whatever the client takes; also what the server says it takes.
    pub udp_max: u16,
    /// Whether answers carry RA.
    pub recursion_available: bool,
}

impl Policy {
    /// The largest answer in octets to a client that takes `udp_size` by its EDNS, if it speaks that.
    pub(super) fn limit(self, transport: Transport, udp_size: Option<u16>) -> u16 {
        match (transport, udp_size) {
            (Transport::Tcp, _) => u16::MAX,
            (Transport::Udp, Some(size)) => size.min(self.udp_max).max(UDP_SIZE_MIN),
            // RFC 1035 4.2.1: "Messages carried by UDP are restricted to 512 bytes".
            (Transport::Udp, None) => UDP_SIZE_MIN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn udp_answers_are_bounded_by_both_sides_and_never_below_512() {
        let policy = Policy { udp_max: 1232, recursion_available: false };
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
