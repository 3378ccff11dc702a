//! The addresses of `ns.dns.<zone>`: never none.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// What is known about where this server can be reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Known<'a> {
    /// The setting `advertise`.
    pub(super) settings: &'a [IpAddr],
    /// `POD_IPS`, else `POD_IP`: what the downward API gives, separated by commas.
    pub(super) pod: Option<&'a str>,
    /// What is listened on.
    pub(super) listen: &'a [SocketAddr],
    /// The addresses of the host's interfaces, in their order.
    pub(super) interfaces: &'a [IpAddr],
}

/// The first of these that gives any: the settings, the pod's addresses, the listeners' where they are specific, the
/// host's first of each family that is not loopback, loopback.
pub(super) fn choose(known: &Known<'_>) -> Vec<IpAddr> {
    let pod = known.pod.unwrap_or_default();
    let candidates = [
        known.settings.to_vec(),
        pod.split(',').filter_map(|address| address.trim().parse().ok()).collect(),
        specific_listeners(known.listen),
        first_of_each_family(known.interfaces),
    ];
    let chosen = candidates.into_iter().find(|addresses| !addresses.is_empty());
    chosen.unwrap_or_else(|| vec![Ipv4Addr::LOCALHOST.into()])
}

fn specific_listeners(listen: &[SocketAddr]) -> Vec<IpAddr> {
    let specific = listen.iter().map(SocketAddr::ip).filter(|address| !address.is_unspecified());
    // One address: clients that reach it need not reach the others.
    specific.take(1).collect()
}

fn first_of_each_family(interfaces: &[IpAddr]) -> Vec<IpAddr> {
    let usable = |address: &&IpAddr| match address {
        IpAddr::V4(address) => !address.is_loopback() && !address.is_link_local(),
        IpAddr::V6(address) => !address.is_loopback() && !address.is_unicast_link_local(),
    };
    let first = |v4: bool| interfaces.iter().filter(usable).find(|address| address.is_ipv4() == v4).copied();
    [first(true), first(false)].into_iter().flatten().collect()
}

/// The addresses of the host's interfaces that are up, in the kernel's order; empty where it does not say.
pub(super) fn interfaces() -> Vec<IpAddr> {
    use nix::net::if_::InterfaceFlags;
    let Ok(all) = nix::ifaddrs::getifaddrs() else { return Vec::new() };
    all.filter(|interface| interface.flags.contains(InterfaceFlags::IFF_UP))
        .filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|address| address.ip().into());
            v4.or_else(|| address.as_sockaddr_in6().map(|address| address.ip().into()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn the_nearest_source_counts() {
        let settings = addresses(&["192.0.2.1", "2001:db8::1"]);
        let listen: Vec<SocketAddr> =
            ["0.0.0.0:53", "[2001:db8::3]:53", "192.0.2.3:53"].map(|text| text.parse().unwrap()).to_vec();
        let interfaces = addresses(&[
            "127.0.0.1",
            "::1",
            "169.254.1.1",
            "fe80::1",
            "2001:db8::4",
            "192.0.2.4",
            "192.0.2.5",
        ]);
        let all =
            Known { settings: &settings, pod: Some("192.0.2.2"), listen: &listen, interfaces: &interfaces };
        for (known, chosen) in [
            (all.clone(), addresses(&["192.0.2.1", "2001:db8::1"])),
            (Known { settings: &[], ..all.clone() }, addresses(&["192.0.2.2"])),
            (
                Known { settings: &[], pod: Some("192.0.2.2, fd00::2"), ..all.clone() },
                addresses(&["192.0.2.2", "fd00::2"]),
            ),
            (Known { settings: &[], pod: Some("nonsense"), ..all.clone() }, addresses(&["2001:db8::3"])),
            (Known { settings: &[], pod: None, ..all.clone() }, addresses(&["2001:db8::3"])),
            (
                Known { settings: &[], pod: None, listen: &listen[..1], interfaces: &interfaces },
                addresses(&["192.0.2.4", "2001:db8::4"]),
            ),
            (
                Known { pod: Some(""), interfaces: &interfaces[..4], ..Known::default() },
                addresses(&["127.0.0.1"]),
            ),
        ] {
            assert_eq!(choose(&known), chosen, "{known:?}");
        }
    }

    #[test]
    fn the_host_says_its_addresses() {
        assert!(interfaces().contains(&IpAddr::from(Ipv4Addr::LOCALHOST)));
    }
}
