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
    fn advertised_addresses_can_be_asked() {
        assert_eq!(advertised("192.0.2.1"), Ok("192.0.2.1".parse().unwrap()));
        for bad in ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255"] {
            assert_eq!(advertised(bad), Err(Invalid::Unreachable), "{bad}");
        }
        assert_eq!(advertised("192.0.2.1:53"), Err(Invalid::Address));
    }
}
