//! Networks of clients: `10.0.0.0/8`, `fd00::/8`, `192.0.2.1`.

use super::Invalid;
use crate::config::Network;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Reads an address with the length of its prefix behind it, or one alone.
pub(in crate::config) fn network(text: &str) -> Result<Network, Invalid> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| Invalid::Network)?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let length = length.map_or(Some(width), decimal).filter(|length| *length <= width);
    let length = length.ok_or(Invalid::Network)?;
    let network = without_host_bits(address, u32::from(width - length));
    if network != address {
        return Err(Invalid::HostBits(format!("{network}/{length}")));
    }
    Ok(Network { address, length })
}

/// The network as it reads back.
pub(in crate::config) fn network_text(network: &Network) -> String {
    format!("{}/{}", network.address, network.length)
}

/// A number without sign or leading zeros.
fn decimal(text: &str) -> Option<u8> {
    let plain = text.bytes().all(|digit| digit.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

fn without_host_bits(address: IpAddr, host_bits: u32) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            Ipv4Addr::from_bits(v4.to_bits() & u32::MAX.checked_shl(host_bits).unwrap_or(0)).into()
        }
        IpAddr::V6(v6) => {
            Ipv6Addr::from_bits(v6.to_bits() & u128::MAX.checked_shl(host_bits).unwrap_or(0)).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn networks_have_a_prefix_or_are_one_address() {
        for (text, shown) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("192.0.2.1", "192.0.2.1/32"),
            ("FD00::/8", "fd00::/8"),
            ("::1", "::1/128"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(network(text).map(|network| network_text(&network)), Ok(shown.to_owned()), "{text}");
        }
        for bad in [
            "",
            "10",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "a/8",
            "10.0.0.0/256",
        ] {
            assert_eq!(network(bad), Err(Invalid::Network), "{bad}");
        }
        assert_eq!(network("10.1.0.0/8"), Err(Invalid::HostBits("10.0.0.0/8".to_owned())));
        assert_eq!(network("fd00::1/64"), Err(Invalid::HostBits("fd00::/64".to_owned())));
    }

    proptest! {
        #[test]
        fn texts_read_back(bits: u128, length in 0_u8..=128) {
            let address = without_host_bits(Ipv6Addr::from_bits(bits).into(), u32::from(128 - length));
            let written = Network { address, length };
            prop_assert_eq!(network(&network_text(&written)), Ok(written));
        }
    }
}
