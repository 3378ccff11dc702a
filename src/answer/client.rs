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
    /// The same within TLS: DNS over TLS (RFC 7858).
    Tls,
    /// One HTTP exchange: DNS over HTTPS (RFC 8484).
    Https,
    /// One stream of a QUIC connection: DNS over QUIC (RFC 9250).
    Quic,
}

impl Transport {
    /// Its word in settings, metrics and log lines.
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Https => "https",
            Transport::Quic => "quic",
        }
    }

    /// Whether a message is one datagram, which bounds it, and whose sender may be forged.
    #[inline]
    pub fn is_datagram(self) -> bool {
        self == Transport::Udp
    }

    /// Whether a connection carries messages one behind the other, each with its length before it (RFC 1035 4.2.2).
    #[inline]
    pub fn is_stream_of_messages(self) -> bool {
        matches!(self, Transport::Tcp | Transport::Tls)
    }

    /// Whether nobody on the way sees what is carried.
    #[inline]
    pub fn is_encrypted(self) -> bool {
        !matches!(self, Transport::Udp | Transport::Tcp)
    }
}
