//! The addresses of `ns.dns.<zone>`: never none.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// What is known about where this server can be reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Known<'a> {
    /// The setting `advertise`.
    pub(super) settings: &'a [IpAddr],
    /// The pod's own, by [`pod_addresses`].
    pub(super) pod: &'a [IpAddr],
    /// What is listened on.
    pub(super) listen: &'a [SocketAddr],
    /// The addresses of the host's interfaces, in their order.
    pub(super) interfaces: &'a [IpAddr],
}

/// The first of these that gives any: the settings, the pod's addresses, the listeners' where they are specific, the
/// host's first of each family that is not loopback, loopback.
pub(super) fn choose(known: &Known<'_>) -> Vec<IpAddr> {
    let candidates = [
        known.settings.to_vec(),
        known.pod.to_vec(),
        specific_listeners(known.listen),
        first_of_each_family(known.interfaces),
    ];
    let chosen = candidates.into_iter().find(|addresses| !addresses.is_empty());
    chosen.unwrap_or_else(|| vec![Ipv4Addr::LOCALHOST.into()])
}

/// What the downward API was asked to set, by one name or the other: `status.podIPs` has the addresses of both families,
/// separated by commas, `status.podIP` one.
const POD_VARIABLES: [&str; 2] = ["POD_IPS", "POD_IP"];

/// The addresses in the first of the environment's variables that has any, and a line for each value that is none.
pub(super) fn pod_addresses(environment: impl Fn(&str) -> Option<String>) -> (Vec<IpAddr>, Vec<String>) {
    let mut warnings = Vec::new();
    for variable in POD_VARIABLES {
        let text = environment(variable).unwrap_or_default();
        let mut addresses = Vec::new();
        for value in text.split(',').map(str::trim).filter(|value| !value.is_empty()) {
            match value.parse() {
                Ok(address) => addresses.push(address),
                Err(_) => warnings.push(format!("{variable}: {value:?} is not an IP address; ignored")),
            }
        }
        if !addresses.is_empty() {
            return (addresses, warnings);
        }
    }
    (Vec::new(), warnings)
}

/// Those of both families; loopback only where there is no other, since other hosts cannot ask there.
fn specific_listeners(listen: &[SocketAddr]) -> Vec<IpAddr> {
    let specific: BTreeSet<IpAddr> =
        listen.iter().map(SocketAddr::ip).filter(|address| !address.is_unspecified()).collect();
    let (loopback, others): (Vec<IpAddr>, Vec<IpAddr>) = specific.into_iter().partition(IpAddr::is_loopback);
    if others.is_empty() { loopback } else { others }
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
        let listen =
            ["0.0.0.0:53", "[2001:db8::3]:53", "192.0.2.3:53", "192.0.2.3:5300", "127.0.0.1:53", "[::1]:53"];
        let listen = listen.map(|text| text.parse::<SocketAddr>().unwrap());
        let interfaces = addresses(&[
            "127.0.0.1",
            "::1",
            "169.254.1.1",
            "fe80::1",
            "2001:db8::4",
            "192.0.2.4",
            "192.0.2.5",
        ]);
        let pod = addresses(&["192.0.2.2", "fd00::2"]);
        let all = Known { settings: &settings, pod: &pod, listen: &listen, interfaces: &interfaces };
        let no_pod = Known { settings: &[], pod: &[], ..all.clone() };
        for (known, chosen) in [
            (all.clone(), addresses(&["192.0.2.1", "2001:db8::1"])),
            (Known { settings: &[], ..all.clone() }, addresses(&["192.0.2.2", "fd00::2"])),
            (no_pod.clone(), addresses(&["192.0.2.3", "2001:db8::3"])),
            (Known { listen: &listen[4..], ..no_pod.clone() }, addresses(&["127.0.0.1", "::1"])),
            (Known { listen: &listen[..1], ..no_pod }, addresses(&["192.0.2.4", "2001:db8::4"])),
            (Known { interfaces: &interfaces[..4], ..Known::default() }, addresses(&["127.0.0.1"])),
        ] {
            assert_eq!(choose(&known), chosen, "{known:?}");
        }
    }

    #[test]
    fn the_pod_says_its_addresses_by_one_name_or_the_other() {
        let wrong =
            |variable: &str, value: &str| format!("{variable}: {value:?} is not an IP address; ignored");
        for (ips, ip, expected, warnings) in [
            (None, None, &[][..], vec![]),
            (Some("10.0.0.1, fd00::1"), Some("10.0.0.1"), &["10.0.0.1", "fd00::1"], vec![]),
            (None, Some("10.0.0.1"), &["10.0.0.1"], vec![]),
            (Some(""), Some("10.0.0.1"), &["10.0.0.1"], vec![]),
            (Some(" , "), Some("10.0.0.1"), &["10.0.0.1"], vec![]),
            (Some("$(IPS)"), Some("10.0.0.1"), &["10.0.0.1"], vec![wrong("POD_IPS", "$(IPS)")]),
            (Some("10.0.0.1,x"), Some("y"), &["10.0.0.1"], vec![wrong("POD_IPS", "x")]),
            (None, Some("x"), &[], vec![wrong("POD_IP", "x")]),
        ] {
            let environment = |name: &str| if name == "POD_IPS" { ips } else { ip }.map(str::to_owned);
            assert_eq!(pod_addresses(environment), (addresses(expected), warnings), "{ips:?} {ip:?}");
        }
    }

    #[test]
    fn the_host_says_its_addresses() {
        assert!(interfaces().contains(&IpAddr::from(Ipv4Addr::LOCALHOST)));
    }
}
