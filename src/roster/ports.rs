//! The ports that SRV records carry.

use super::{Port, PortChoice, PortName, Protocol};

/// Longest port name, in octets: its label has a `_` before it, and labels end at 63 (RFC 1035 2.3.4).
const PORT_NAME_MAX: usize = 62;

/// Whether `_<name>` can be a label. `name` is lower case.
pub(super) fn is_port_name(name: &str) -> bool {
    let inner = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-';
    !name.is_empty() && name.len() <= PORT_NAME_MAX && name.bytes().all(inner)
}

/// A group's ports as the roster keeps them: lower-case names, no port 0, sorted, unique.
pub(super) fn normal(ports: &[Port]) -> Vec<Port> {
    let mut normal: Vec<Port> = ports
        .iter()
        .filter(|port| port.number != 0)
        .map(|port| Port { name: port.name.to_ascii_lowercase().into(), ..port.clone() })
        .collect();
    normal.sort();
    normal.dedup();
    normal
}

/// Adds to `into` what a topology's `ports` leave of a group's. Names that cannot be labels become empty.
pub(super) fn select(choices: Option<&[PortChoice]>, group: &[Port], into: &mut Vec<Port>) {
    let usable = |name: &str| if is_port_name(name) { name.into() } else { "".into() };
    let of_group = |port: &Port| Port { name: usable(&port.name), ..*port };
    let Some(choices) = choices else {
        into.extend(group.iter().map(of_group));
        return;
    };
    for choice in choices {
        match choice {
            PortChoice::Named(name) => {
                into.extend(group.iter().filter(|port| port.name.eq_ignore_ascii_case(name)).map(of_group));
            }
            PortChoice::Fixed { number: 0, .. } => {}
            PortChoice::Fixed { name, protocol, number } => {
                let name = usable(&name.to_ascii_lowercase());
                into.push(Port { number: *number, protocol: *protocol, name });
            }
        }
    }
}

/// What stands for no port at all: the Erlang port mapper (IANA: `epmd` 4369/tcp).
pub(super) fn epmd() -> Port {
    Port { number: 4369, protocol: Protocol::Tcp, name: "epmd".into() }
}

/// The name that a port gives.
pub(super) fn name_of(port: Port) -> PortName {
    PortName { name: port.name, protocol: port.protocol }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(name: &str, number: u16) -> Port {
        Port { number, protocol: Protocol::Tcp, name: name.into() }
    }

    fn selected(choices: Option<&[PortChoice]>, group: &[Port]) -> Vec<Port> {
        let mut ports = Vec::new();
        select(choices, &normal(group), &mut ports);
        ports
    }

    #[test]
    fn the_ports_of_the_object_hold_unless_chosen() {
        let group = [port("HTTP", 80), port("epmd", 4369), port("zero", 0)];
        assert_eq!(selected(None, &group), [port("http", 80), port("epmd", 4369)]);
        let fixed =
            |name: &str, number| PortChoice::Fixed { name: name.into(), protocol: Protocol::Tcp, number };
        let named = |name: &str| PortChoice::Named(name.into());
        for (choices, expected) in [
            (vec![named("http")], vec![port("http", 80)]),
            (vec![named("Epmd"), named("none")], vec![port("epmd", 4369)]),
            (vec![named("none")], vec![]),
            (vec![fixed("Dist", 9100)], vec![port("dist", 9100)]),
            (vec![fixed("", 1), named("http")], vec![port("", 1), port("http", 80)]),
            (vec![fixed("none", 0)], vec![]),
        ] {
            assert_eq!(selected(Some(&choices), &group), expected, "{choices:?}");
        }
    }

    #[test]
    fn names_that_are_no_labels_stay_as_ports_without_name() {
        let (longest, longer) = ("p".repeat(62), "p".repeat(63));
        for (name, kept) in
            [("a-1", "a-1"), (&longest, &longest), (&longer, ""), ("a.b", ""), ("a_b", ""), ("", "")]
        {
            assert_eq!(selected(None, &[port(name, 1)]), [port(kept, 1)], "{name}");
        }
    }
}
