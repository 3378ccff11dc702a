//! Asks as fast as answers come: a fixed number of questions is under way, spread over sockets, each of which lands
//! with its own share of a server's workers.

use crate::manifest::{Expected, Shape};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg};
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

/// Client sockets.
const SOCKETS: usize = 8;

/// Questions under way on one socket.
const WINDOW: usize = 8;

/// How long a silent server is given before what is under way counts as lost.
const LOST_AFTER: u16 = 100;

/// What one run gave.
#[derive(Default)]
pub struct Run {
    pub answers: u64,
    /// Answers with another header than expected.
    pub wrong: u64,
    pub lost: u64,
    /// Octets of all answers.
    pub octets: u64,
    pub elapsed: Duration,
}

struct Lane {
    socket: UdpSocket,
    receive_headers: MultiHeaders<SockaddrIn>,
    send_headers: MultiHeaders<SockaddrIn>,
    under_way: usize,
}

/// Asks `server` for `duration`.
pub fn run(server: SocketAddr, shape: &Shape, duration: Duration) -> io::Result<Run> {
    let mut lanes = Vec::with_capacity(SOCKETS);
    for _ in 0..SOCKETS {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect(server)?;
        socket.set_nonblocking(true)?;
        lanes.push(Lane {
            socket,
            receive_headers: MultiHeaders::preallocate(WINDOW, None),
            send_headers: MultiHeaders::preallocate(WINDOW, None),
            under_way: 0,
        });
    }
    let mut buffers = vec![[0_u8; 4096]; WINDOW];
    let mut run = Run::default();
    let mut next = 0;
    let start = Instant::now();
    while start.elapsed() < duration {
        let mut progress = false;
        for lane in &mut lanes {
            let received = receive(lane, &mut buffers, shape, &mut run)?;
            lane.under_way -= received.min(lane.under_way);
            let wanted = WINDOW - lane.under_way;
            let sent = send(lane, shape, next, wanted)?;
            lane.under_way += sent;
            next += sent;
            progress |= received > 0 || sent > 0;
        }
        if !progress {
            wait(&mut lanes, &mut run)?;
        }
    }
    run.elapsed = start.elapsed();
    // What is still under way would be taken for answers of the next run, were the ports used again.
    std::thread::sleep(Duration::from_millis(20));
    Ok(run)
}

fn receive(lane: &mut Lane, buffers: &mut [[u8; 4096]], shape: &Shape, run: &mut Run) -> io::Result<usize> {
    let mut lengths = [0; WINDOW];
    let mut count = 0;
    {
        let mut free = buffers.iter_mut();
        let mut slices: [[IoSliceMut<'_>; 1]; WINDOW] =
            std::array::from_fn(|_| [IoSliceMut::new(free.next().map_or(&mut [][..], |slot| slot))]);
        let flags = MsgFlags::MSG_DONTWAIT;
        match recvmmsg(lane.socket.as_raw_fd(), &mut lane.receive_headers, slices.iter_mut(), flags, None) {
            Ok(messages) => {
                for message in messages {
                    lengths[count] = message.bytes;
                    count += 1;
                }
            }
            Err(nix::errno::Errno::EAGAIN) => return Ok(0),
            Err(error) => return Err(error.into()),
        }
    }
    for (buffer, length) in buffers.iter().zip(lengths).take(count) {
        run.answers += 1;
        run.octets += length as u64;
        run.wrong += u64::from(!is_right(&buffer[..length], shape.answer));
    }
    Ok(count)
}

/// Whether the header is that of a right answer.
pub fn is_right(answer: &[u8], expected: Option<Expected>) -> bool {
    let Some(expected) = expected else { return true };
    // RFC 1035 4.1.1: QR is the first bit of the third octet, RCODE the last four of the fourth, TC not set.
    answer.len() >= 12
        && answer[2] & 0x82 == 0x80
        && answer[3] & 0x0f == expected.rcode
        && answer[6..8] == expected.answers.to_be_bytes()
}

fn send(lane: &mut Lane, shape: &Shape, next: usize, wanted: usize) -> io::Result<usize> {
    if wanted == 0 {
        return Ok(0);
    }
    let slices: [[IoSlice<'_>; 1]; WINDOW] =
        std::array::from_fn(|index| [IoSlice::new(&shape.questions[(next + index) % shape.questions.len()])]);
    let nobody = [None; WINDOW];
    let sent = sendmmsg(
        lane.socket.as_raw_fd(),
        &mut lane.send_headers,
        &slices[..wanted],
        &nobody[..wanted],
        [],
        MsgFlags::empty(),
    );
    match sent {
        Ok(sent) => Ok(sent.count()),
        Err(nix::errno::Errno::EAGAIN) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Waits for an answer on any socket; after [`LOST_AFTER`] all that is under way is lost.
fn wait(lanes: &mut [Lane], run: &mut Run) -> io::Result<()> {
    let mut descriptors: Vec<PollFd<'_>> =
        lanes.iter().map(|lane| PollFd::new(lane.socket.as_fd(), PollFlags::POLLIN)).collect();
    if poll(&mut descriptors, PollTimeout::from(LOST_AFTER))? == 0 {
        drop(descriptors);
        for lane in lanes {
            run.lost += std::mem::take(&mut lane.under_way) as u64;
        }
    }
    Ok(())
}
