//! The floor: a server that sends every datagram back, with the batches and the blocking of rosterd's worker and
//! nothing else. What an answer costs above this is rosterd's own.

use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg};
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;

const BATCH: usize = 32;
const SLOT: usize = 63 * 64;

/// Echoes for ever; the first line on standard error says where, in rosterd's words.
pub fn serve() -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    eprintln!("listening on {} (UDP)", socket.local_addr()?);
    let mut slots = vec![[0_u8; SLOT]; BATCH];
    let mut receive = MultiHeaders::<SockaddrIn>::preallocate(BATCH, None);
    let mut send = MultiHeaders::<SockaddrIn>::preallocate(BATCH, None);
    loop {
        let mut lengths = [0; BATCH];
        let mut clients = [None; BATCH];
        let mut count = 0;
        {
            let mut free = slots.iter_mut();
            let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
                std::array::from_fn(|_| [IoSliceMut::new(free.next().map_or(&mut [][..], |slot| slot))]);
            let messages = recvmmsg(
                socket.as_raw_fd(),
                &mut receive,
                slices.iter_mut(),
                MsgFlags::MSG_WAITFORONE,
                None,
            )?;
            for message in messages {
                lengths[count] = message.bytes;
                clients[count] = message.address;
                count += 1;
            }
        }
        let slices: [[IoSlice<'_>; 1]; BATCH] =
            std::array::from_fn(|index| [IoSlice::new(&slots[index][..lengths[index]])]);
        let mut sent = 0;
        while sent < count {
            let done = sendmmsg(
                socket.as_raw_fd(),
                &mut send,
                &slices[sent..count],
                &clients[sent..count],
                [],
                MsgFlags::empty(),
            );
            sent += done.map_or(1, Iterator::count);
        }
    }
}
