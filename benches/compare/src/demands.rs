//! What rosterd should reach, per core: against each peer, how many times its CPU per answer, and against the bare echo.

use load::run::Transport;

/// The ratio of the peer's CPU per answer to rosterd's that this project holds itself to, where it has set one.
pub fn ratio(peer: &str, shape: &str, transport: Transport) -> Option<f64> {
    if transport != Transport::Udp {
        return matches!(peer, "NSD" | "NSD recvmmsg" | "Knot" | "BIND").then_some(1.0);
    }
    let a = shape == "A x 5" || shape == "A of a pod name";
    match peer {
        // Set for NSD as Debian packages it. The one with recvmmsg is compared all the same.
        "NSD" => match shape {
            _ if a => Some(1.35),
            "NXDOMAIN" => Some(1.15),
            "SRV x 5" => Some(1.4),
            "A x 30" => Some(1.65),
            _ => None,
        },
        "Knot" => a.then_some(1.25),
        "BIND" => a.then_some(2.0),
        "PowerDNS" => a.then_some(1.9),
        "CoreDNS" => a.then_some(8.0),
        "hickory-dns" => a.then_some(3.0),
        _ => None,
    }
}

/// What rosterd's CPU per answer should stay within above that of the bare echo, in microseconds, where this project has
/// set it.
pub fn above_echo(shape: &str, transport: Transport) -> Option<f64> {
    match (transport, shape) {
        (Transport::Udp, "A x 5" | "A of a pod name") => Some(0.3),
        (Transport::Udp, "A x 30") => Some(0.6),
        _ => None,
    }
}
