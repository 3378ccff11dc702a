//! Binds the listening addresses, so that a second server on one port is noticed and every failure says what to do.

use super::holder;
use super::tcp::threads;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

/// Connections that may wait to be accepted. The kernel lowers it to `net.core.somaxconn` (4096).
const BACKLOG: i32 = 1024;

/// Octets of a TCP connection's buffers in the kernel, which takes twice that: queries are small, and an answer has at most
/// 64 KiB. Without a bound, a client that never reads makes the kernel keep up to `net.ipv4.tcp_wmem` (4 MiB) for it.
const TCP_RECEIVE_BUFFER: usize = 32 << 10;
const TCP_SEND_BUFFER: usize = 64 << 10;

/// How often a port taken for TCP may turn out to be in use for UDP before port 0 is given up.
const PORT_ATTEMPTS: u32 = 16;

/// One listening address: its TCP listeners, one per thread, and its UDP sockets, one per worker.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    pub(super) tcp: Vec<TcpListener>,
    pub(super) udp: Vec<Socket>,
}

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another socket has it.
    #[error("cannot listen on {address}: the {transport} port is in use{}", by(.holder.as_deref()))]
    InUse {
        /// The address.
        address: SocketAddr,
        /// `UDP` or `TCP`.
        transport: &'static str,
        /// The program that has it, as far as this process may see.
        holder: Option<String>,
    },
    /// The port is privileged.
    #[error(
        "cannot listen on {0}: permission denied. Ports below 1024 take root or CAP_NET_BIND_SERVICE; try \
         `--listen 127.0.0.1:5300`"
    )]
    PermissionDenied(SocketAddr),
    /// No interface has the address.
    #[error("cannot listen on {0}: no interface of this host has that address")]
    NotAvailable(SocketAddr),
    /// The kernel has no such address family.
    #[error("cannot listen on {0}: this host has no {family}", family = if .0.is_ipv6() { "IPv6" } else { "IPv4" })]
    NoFamily(SocketAddr),
    /// There is nothing to listen on.
    #[error("no address to listen on")]
    NoAddress,
    /// Anything else.
    #[error("cannot listen on {address} ({transport}): {source}")]
    Other {
        /// The address.
        address: SocketAddr,
        /// `UDP` or `TCP`.
        transport: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

fn by(holder: Option<&str>) -> String {
    holder.map(|holder| format!(" by {holder}")).unwrap_or_default()
}

/// Binds all of them, or none.
///
/// `[::]` is left out, with a warning, where the host has no IPv6 and another address was bound: the default is all
/// addresses of both families.
pub(super) fn bind_all(addresses: &[SocketAddr], workers: usize) -> Result<Vec<Listener>, BindError> {
    let mut listeners = Vec::with_capacity(addresses.len());
    let mut left_out = Vec::new();
    for &address in addresses {
        match bind(address, workers) {
            Ok(listener) => listeners.push(listener),
            Err(error) if may_be_left_out(&error) => left_out.push(error),
            Err(error) => return Err(error),
        }
    }
    for error in enough(listeners.len(), left_out)? {
        tracing::warn!("{error}; going on without it");
    }
    Ok(listeners)
}

/// Whether the failure is that of `[::]` on a host without IPv6.
fn may_be_left_out(error: &BindError) -> bool {
    let (BindError::NoFamily(address) | BindError::NotAvailable(address)) = error else { return false };
    address.is_ipv6() && super::udp::is_wildcard(*address)
}

/// The failures to go on with, where `bound` addresses are listened on: none without any.
fn enough(bound: usize, left_out: Vec<BindError>) -> Result<Vec<BindError>, BindError> {
    if bound > 0 {
        return Ok(left_out);
    }
    Err(left_out.into_iter().next().unwrap_or(BindError::NoAddress))
}

fn bind(address: SocketAddr, workers: usize) -> Result<Listener, BindError> {
    let mut attempts = if address.port() == 0 { PORT_ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        let first = tcp_socket(address, false).map_err(|error| explain(error, address, "TCP"))?;
        let bound = first.local_addr().map_err(|error| explain(error, address, "TCP"))?;
        let bound = bound.as_socket().unwrap_or(address);
        let in_use = |error: &io::Error| error.kind() == io::ErrorKind::AddrInUse && attempts > 0;
        let udp = match bind_udp(bound, workers) {
            Ok(udp) => udp,
            Err(error) if in_use(&error) => continue,
            Err(error) => return Err(explain(error, bound, "UDP")),
        };
        drop(first);
        match listen(bound, threads(workers)) {
            Ok(tcp) => return Ok(Listener { address: bound, tcp, udp }),
            Err(error) if in_use(&error) => {}
            Err(error) => return Err(explain(error, bound, "TCP")),
        }
    }
}

/// Listeners for TCP alone, one for each thread, and the address they got.
pub(super) fn bind_tcp(
    address: SocketAddr,
    threads: usize,
) -> Result<(SocketAddr, Vec<TcpListener>), BindError> {
    let bound = || {
        let first = tcp_socket(address, false)?;
        let bound = first.local_addr()?.as_socket().unwrap_or(address);
        drop(first);
        Ok((bound, listen(bound, threads)?))
    };
    bound().map_err(|error| explain(error, address, "TCP"))
}

/// Sockets for UDP alone, one for each thread, and the address they got.
pub(super) fn bind_quic(
    address: SocketAddr,
    threads: usize,
) -> Result<(SocketAddr, Vec<UdpSocket>), BindError> {
    let bound = || {
        let first = udp_socket(address)?;
        first.bind(&address.into())?;
        let bound = first.local_addr()?.as_socket().unwrap_or(address);
        drop(first);
        let sockets = (0..threads).map(|_| {
            let socket = udp_socket(bound)?;
            socket.set_reuse_port(true)?;
            socket.set_nonblocking(true)?;
            socket.bind(&bound.into())?;
            Ok(socket.into())
        });
        Ok((bound, sockets.collect::<io::Result<Vec<UdpSocket>>>()?))
    };
    bound().map_err(|error| explain(error, address, "UDP"))
}

/// One listener for each thread: the kernel spreads connections over them, and no thread wakes another.
fn listen(address: SocketAddr, threads: usize) -> io::Result<Vec<TcpListener>> {
    (0..threads)
        .map(|_| {
            let socket = tcp_socket(address, true)?;
            socket.listen(BACKLOG)?;
            Ok(socket.into())
        })
        .collect()
}

/// A bound socket. One without `SO_REUSEPORT` notices servers that have the port, whatever options theirs have: sockets
/// with it share a port silently, and queries would go to either server.
fn tcp_socket(address: SocketAddr, reuse_port: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // On Linux this allows connections of an earlier server in TIME_WAIT, never a second listener.
    socket.set_reuse_address(true)?;
    if reuse_port {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    // Before listening: connections inherit what is set, and the window's scale with them. Best effort, like those of UDP.
    let _ = socket.set_recv_buffer_size(TCP_RECEIVE_BUFFER);
    let _ = socket.set_send_buffer_size(TCP_SEND_BUFFER);
    // An answer is one write; waiting to fill a segment would only delay it.
    let _ = socket.set_tcp_nodelay(true);
    socket.bind(&address.into())?;
    Ok(socket)
}

fn bind_udp(address: SocketAddr, workers: usize) -> io::Result<Vec<Socket>> {
    // A socket without SO_REUSEPORT notices servers that listen on UDP alone, whatever options theirs have.
    let probe = udp_socket(address)?;
    probe.bind(&address.into())?;
    drop(probe);
    (0..workers.max(1))
        .map(|_| {
            let socket = udp_socket(address)?;
            socket.set_reuse_port(true)?;
            if address.ip().is_unspecified() {
                super::udp::ask_for_destination(&socket, address.is_ipv6())?;
            }
            socket.bind(&address.into())?;
            Ok(socket)
        })
        .collect()
}

fn udp_socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

fn explain(error: io::Error, address: SocketAddr, transport: &'static str) -> BindError {
    /// EAFNOSUPPORT, for which the standard library has no name.
    const NO_FAMILY: i32 = nix::libc::EAFNOSUPPORT;
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            BindError::InUse { address, transport, holder: holder::of_port(address.port(), transport) }
        }
        io::ErrorKind::PermissionDenied => BindError::PermissionDenied(address),
        io::ErrorKind::AddrNotAvailable => BindError::NotAvailable(address),
        _ if error.raw_os_error() == Some(NO_FAMILY) => BindError::NoFamily(address),
        _ => BindError::Other { address, transport, source: error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, UdpSocket};

    fn loopback(port: u16) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, port).into()
    }

    #[test]
    fn port_0_is_one_port_for_udp_and_tcp() {
        let listener = bind(loopback(0), 3).unwrap();
        assert_ne!(listener.address.port(), 0);
        assert_eq!(listener.udp.len(), 3);
        for socket in &listener.udp {
            assert_eq!(socket.local_addr().unwrap().as_socket(), Some(listener.address));
        }
        assert_eq!(listener.tcp.len(), threads(3));
        for tcp in &listener.tcp {
            assert_eq!(tcp.local_addr().unwrap(), listener.address);
        }
    }

    #[test]
    fn a_second_server_is_refused_by_name() {
        let first = bind(loopback(0), 1).unwrap();
        let error = bind(first.address, 1).unwrap_err();
        assert!(matches!(&error, BindError::InUse { transport: "TCP", .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("the TCP port is in use by"), "{text}");
        assert!(text.contains(&std::process::id().to_string()), "{text}");
    }

    #[test]
    fn a_server_on_udp_alone_is_noticed_whatever_its_options() {
        // Ports that nobody has for TCP, which is bound first.
        let free = || TcpListener::bind(loopback(0)).unwrap().local_addr().unwrap();
        let plain = UdpSocket::bind(free()).unwrap();
        let shared = udp_socket(loopback(0)).unwrap();
        shared.set_reuse_port(true).unwrap();
        shared.bind(&free().into()).unwrap();
        for address in [plain.local_addr().unwrap(), shared.local_addr().unwrap().as_socket().unwrap()] {
            let error = bind(address, 1).unwrap_err();
            assert!(matches!(&error, BindError::InUse { transport: "UDP", .. }), "{error}");
        }
    }

    #[test]
    fn an_address_of_nobody_is_not_available() {
        // 192.0.2.0/24 is for documentation (RFC 5737): no host has it.
        let address = "192.0.2.1:0".parse().unwrap();
        assert!(matches!(bind(address, 1), Err(BindError::NotAvailable(at)) if at == address));
        assert!(matches!(bind_all(&[], 1), Err(BindError::NoAddress)));
    }

    #[test]
    fn all_of_ipv6_is_left_out_only_where_the_host_has_none_and_something_else_is_bound() {
        let [all, one, ipv4] = ["[::]:53", "[::1]:53", "0.0.0.0:53"].map(|text| text.parse().unwrap());
        for (error, may) in [
            (BindError::NoFamily(all), true),
            (BindError::NotAvailable(all), true),
            (BindError::PermissionDenied(all), false),
            (BindError::NotAvailable(one), false),
            (BindError::NoFamily(one), false),
            (BindError::NoFamily(ipv4), false),
            (BindError::NoAddress, false),
        ] {
            assert_eq!(may_be_left_out(&error), may, "{error}");
        }
        assert!(matches!(enough(1, vec![BindError::NoFamily(all)]).as_deref(), Ok([BindError::NoFamily(_)])));
        assert!(
            matches!(enough(0, vec![BindError::NoFamily(all)]), Err(BindError::NoFamily(at)) if at == all)
        );
        assert!(matches!(enough(0, Vec::new()), Err(BindError::NoAddress)));
    }

    #[test]
    fn causes_are_told_apart() {
        for (errno, part) in [
            (nix::libc::EACCES, "try `--listen 127.0.0.1:5300`"),
            (nix::libc::EAFNOSUPPORT, "this host has no IPv4"),
            (nix::libc::ENOMEM, "(UDP)"),
        ] {
            let error = explain(io::Error::from_raw_os_error(errno), loopback(53), "UDP");
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
