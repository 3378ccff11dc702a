//! Addresses to listen at and to advertise.

use super::Invalid;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// An address with a port.
pub(in crate::config) fn listener(text: &str) -> Result<SocketAddr, Invalid> {
    text.parse().map_err(|_| Invalid::Listener)
}

/// An address that clients can send queries to.
pub(in crate::config) fn advertised(text: &str) -> Result<IpAddr, Invalid> {
    let address: IpAddr = text.parse().map_err(|_| Invalid::Address)?;
    let nowhere =
        address.is_unspecified() || address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST);
    if nowhere { Err(Invalid::Unreachable) } else { Ok(address) }
}

/// The port that name servers listen on (RFC 1035 4.2).
const PORT: u16 = 53;

/// An address that is told of changes, with a port or at the usual one.
pub(in crate::config) fn notified(text: &str) -> Result<SocketAddr, Invalid> {
    match text.parse::<SocketAddr>() {
        Ok(address) if address.port() == 0 => Err(Invalid::Listener),
        Ok(address) => advertised(&address.ip().to_string()).map(|_| address),
        Err(_) => advertised(text).map(|address| SocketAddr::new(address, PORT)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_have_a_port() {
        assert_eq!(listener("127.0.0.1:0"), Ok("127.0.0.1:0".parse().unwrap()));
        assert_eq!(listener("[::]:53").map(|address| address.to_string()), Ok("[::]:53".to_owned()));
        for bad in ["127.0.0.1", "::1", ":53", "localhost:53", "127.0.0.1:65536", "127.0.0.01:53", ""] {
            assert_eq!(listener(bad), Err(Invalid::Listener), "{bad}");
        }
    }

    #[test]
    fn who_is_told_has_a_port_or_the_usual_one() {
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1:53"),
            ("192.0.2.1:5353", "192.0.2.1:5353"),
            ("fd00::1", "[fd00::1]:53"),
            ("[fd00::1]:5353", "[fd00::1]:5353"),
        ] {
            assert_eq!(notified(text), Ok(address.parse().unwrap()), "{text}");
        }
        for (bad, invalid) in [
            ("a.example", Invalid::Address),
            ("0.0.0.0", Invalid::Unreachable),
            ("[::]:53", Invalid::Unreachable),
            ("192.0.2.1:0", Invalid::Listener),
        ] {
            assert_eq!(notified(bad), Err(invalid), "{bad}");
        }
    }

    #[test]
    fn advertised_addresses_can_be_asked() {
        assert_eq!(advertised("192.0.2.1"), Ok("192.0.2.1".parse().unwrap()));
        for bad in ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255"] {
            assert_eq!(advertised(bad), Err(Invalid::Unreachable), "{bad}");
        }
        assert_eq!(advertised("192.0.2.1:53"), Err(Invalid::Address));
    }
}
