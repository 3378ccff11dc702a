//! Ports: an object's port by its name, or one fixed here.

use super::{Invalid, choice_text, choose, names};
use crate::roster::PortChoice;

/// Reads `http` or `http/tcp/8080`. The name of a fixed port may be empty: `/tcp/4369` has SRV at the bare name only.
pub(in crate::config) fn port(text: &str) -> Result<PortChoice, Invalid> {
    let name = |text: &str| names::label(text).map_err(|_| Invalid::Port);
    let mut parts = text.split('/');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(named), None, None, None) => Ok(PortChoice::Named(name(named)?)),
        (Some(named), Some(protocol), Some(number), None) => {
            let named = if named.is_empty() { "".into() } else { name(named)? };
            let protocol = choose(protocol).map_err(|_| Invalid::Port)?;
            let decimal = number.bytes().all(|digit| digit.is_ascii_digit()) && !number.starts_with('0');
            match number.parse() {
                Ok(number) if decimal => Ok(PortChoice::Fixed { name: named, protocol, number }),
                _ => Err(Invalid::Port),
            }
        }
        _ => Err(Invalid::Port),
    }
}

/// The text that reads as the port.
pub(in crate::config) fn port_text(port: &PortChoice) -> String {
    match port {
        PortChoice::Named(name) => name.to_string(),
        PortChoice::Fixed { name, protocol, number } => format!("{name}/{}/{number}", choice_text(*protocol)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::Protocol;

    #[test]
    fn ports_are_named_or_fixed() {
        for (text, expected) in [
            ("http", PortChoice::Named("http".into())),
            (
                "http/tcp/8080",
                PortChoice::Fixed { name: "http".into(), protocol: Protocol::Tcp, number: 8080 },
            ),
            ("/sctp/1", PortChoice::Fixed { name: "".into(), protocol: Protocol::Sctp, number: 1 }),
        ] {
            assert_eq!(port_text(&expected), text);
            assert_eq!(port(text), Ok(expected), "{text}");
        }
        for bad in [
            "",
            "HTTP",
            "_http",
            "http/tcp",
            "http/tcp/0",
            "http/tcp/00",
            "http/tcp/+80",
            "http/tcp/65536",
            "http/icmp/1",
            "http/TCP/1",
            "http/tcp/80/x",
            "8080/",
            "/",
            "http/tcp/",
        ] {
            assert_eq!(port(bad), Err(Invalid::Port), "{bad}");
        }
    }
}
