//! What differs between IPv4 and IPv6 sockets: addresses, and the control messages that carry a datagram's local one.

use nix::libc;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MultiHeaders, SockaddrIn, SockaddrIn6, SockaddrLike, setsockopt,
    sockopt,
};
use socket2::Socket;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// What differs between the families.
pub(super) trait Family {
    /// A socket address. Of a known size: headers are used again, and the kernel leaves in them the size it wrote.
    type Address: SockaddrLike + Copy;
    /// The local address that a datagram was sent to.
    type Destination: Copy + PartialEq;

    fn ip(address: &Self::Address) -> IpAddr;
    fn destination(message: ControlMessageOwned) -> Option<Self::Destination>;
    /// The control message that makes answers leave from there.
    fn source(destination: &Self::Destination) -> ControlMessage<'_>;
    /// Room for exactly that control message: the kernel leaves in a reused header the room it used, which must not
    /// shrink.
    fn control_room() -> Vec<u8>;
}

pub(super) enum Ipv4 {}
pub(super) enum Ipv6 {}

impl Family for Ipv4 {
    type Address = SockaddrIn;
    type Destination = libc::in_pktinfo;

    fn ip(address: &SockaddrIn) -> IpAddr {
        address.ip().into()
    }

    fn destination(message: ControlMessageOwned) -> Option<libc::in_pktinfo> {
        match message {
            // Interface 0: routing decides which way the answer goes, as for any other packet.
            ControlMessageOwned::Ipv4PacketInfo(info) => Some(libc::in_pktinfo { ipi_ifindex: 0, ..info }),
            _ => None,
        }
    }

    fn source(destination: &libc::in_pktinfo) -> ControlMessage<'_> {
        ControlMessage::Ipv4PacketInfo(destination)
    }

    fn control_room() -> Vec<u8> {
        nix::cmsg_space!(libc::in_pktinfo)
    }
}

impl Family for Ipv6 {
    type Address = SockaddrIn6;
    type Destination = libc::in6_pktinfo;

    fn ip(address: &SockaddrIn6) -> IpAddr {
        address.ip().into()
    }

    fn destination(message: ControlMessageOwned) -> Option<libc::in6_pktinfo> {
        match message {
            // The client's scope names the interface where its address is link-local.
            ControlMessageOwned::Ipv6PacketInfo(info) => Some(libc::in6_pktinfo { ipi6_ifindex: 0, ..info }),
            _ => None,
        }
    }

    fn source(destination: &libc::in6_pktinfo) -> ControlMessage<'_> {
        ControlMessage::Ipv6PacketInfo(destination)
    }

    fn control_room() -> Vec<u8> {
        nix::cmsg_space!(libc::in6_pktinfo)
    }
}

/// Headers for `count` messages, with room for their local addresses where the socket is a wildcard.
///
/// Receiving and sending have headers of their own: sendmmsg leaves the clients' addresses in them.
pub(super) fn headers<F: Family>(count: usize, wildcard: bool) -> MultiHeaders<F::Address> {
    MultiHeaders::preallocate(count, wildcard.then(F::control_room))
}

/// Makes the kernel tell each datagram's destination. To be asked for before the socket is bound: then no datagram is
/// without.
pub(in crate::server) fn ask_for_destination(socket: &Socket, ipv6: bool) -> io::Result<()> {
    if ipv6 {
        setsockopt(socket, sockopt::Ipv6RecvPacketInfo, &true)?;
    } else {
        setsockopt(socket, sockopt::Ipv4PacketInfo, &true)?;
    }
    Ok(())
}

/// Whether the address stands for all addresses of its family.
pub(in crate::server) fn is_wildcard(address: SocketAddr) -> bool {
    match address {
        SocketAddr::V4(address) => *address.ip() == Ipv4Addr::UNSPECIFIED,
        SocketAddr::V6(address) => address.ip().is_unspecified(),
    }
}
