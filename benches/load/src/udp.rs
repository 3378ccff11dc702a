//! Asks by UDP as fast as answers come, or at a rate: at most so many questions are under way, spread over sockets, each
//! of which lands with its own share of a server's workers.

use crate::questions::Shape;
use crate::run::{Load, Run};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg};
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

/// Client sockets. One socket is one bucket of SO_REUSEPORT: several workers want several each.
const SOCKETS: usize = 16;

/// Datagrams per system call, at most.
const BATCH: usize = 32;

/// How long a silent server is given before what is under way counts as lost.
const LOST_AFTER: u16 = 2000;

struct Lane {
    socket: UdpSocket,
    receive_headers: MultiHeaders<SockaddrIn>,
    send_headers: MultiHeaders<SockaddrIn>,
    under_way: usize,
}

/// What is under way: each question's lane and the time it was asked.
struct UnderWay(Vec<Option<(usize, Instant)>>);

/// Asks `server`.
pub fn run(server: SocketAddr, shape: &Shape, load: &Load) -> io::Result<Run> {
    let per_lane = load.window.div_ceil(SOCKETS).min(BATCH);
    let mut lanes = Vec::with_capacity(SOCKETS);
    for _ in 0..SOCKETS.min(load.window) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect(server)?;
        socket.set_nonblocking(true)?;
        lanes.push(Lane {
            socket,
            receive_headers: MultiHeaders::preallocate(BATCH, None),
            send_headers: MultiHeaders::preallocate(BATCH, None),
            under_way: 0,
        });
    }
    let mut buffers = vec![[0_u8; 4096]; BATCH];
    let mut under_way = UnderWay(vec![None; shape.questions.len()]);
    let mut run = Run::default();
    let mut asked = 0;
    let start = Instant::now();
    while start.elapsed() < load.duration {
        let mut progress = false;
        for index in 0..lanes.len() {
            progress |= receive(&mut lanes, index, &mut buffers, shape, &mut under_way, &mut run)? > 0;
            let due = load.rate.map_or(usize::MAX, |rate| (start.elapsed().as_secs_f64() * rate) as usize);
            let wanted = per_lane.saturating_sub(lanes[index].under_way).min(due.saturating_sub(asked));
            let sent = send(&mut lanes, index, shape, asked, wanted, &mut under_way, &mut run)?;
            asked += sent;
            progress |= sent > 0;
        }
        // At a rate the time of the next question is nearer than a wake-up is exact.
        if !progress && load.rate.is_none() {
            wait(&mut lanes, &mut under_way, &mut run)?;
        }
    }
    run.elapsed = start.elapsed();
    // What is still under way would be taken for answers of the next run, were the ports used again.
    std::thread::sleep(Duration::from_millis(20));
    Ok(run)
}

fn receive(
    lanes: &mut [Lane],
    index: usize,
    buffers: &mut [[u8; 4096]],
    shape: &Shape,
    under_way: &mut UnderWay,
    run: &mut Run,
) -> io::Result<usize> {
    let mut lengths = [0; BATCH];
    let mut count = 0;
    {
        let lane = &mut lanes[index];
        let mut free = buffers.iter_mut();
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(free.next().map_or(&mut [][..], |slot| slot))]);
        let flags = MsgFlags::MSG_DONTWAIT;
        match recvmmsg(lane.socket.as_raw_fd(), &mut lane.receive_headers, slices.iter_mut(), flags, None) {
            Ok(messages) => {
                for message in messages {
                    lengths[count] = message.bytes;
                    count += 1;
                }
            }
            Err(Errno::EAGAIN) => return Ok(0),
            Err(error) => return Err(error.into()),
        }
    }
    let now = Instant::now();
    for (buffer, length) in buffers.iter().zip(lengths).take(count) {
        let answer = &buffer[..length];
        let Some((lane, asked)) = under_way.take(answer) else {
            // It came too late, and is counted as lost; or it has the id of no question.
            run.wrong += u64::from(!has_id(answer, shape.questions.len()));
            continue;
        };
        lanes[lane].under_way -= 1;
        run.answers += 1;
        run.octets += length as u64;
        run.wrong += u64::from(!shape.is_right(answer));
        run.latency.record(u64::try_from((now - asked).as_nanos()).unwrap_or(u64::MAX));
    }
    Ok(count)
}

fn send(
    lanes: &mut [Lane],
    index: usize,
    shape: &Shape,
    asked: usize,
    wanted: usize,
    under_way: &mut UnderWay,
    run: &mut Run,
) -> io::Result<usize> {
    if wanted == 0 {
        return Ok(0);
    }
    let number = |offset: usize| (asked + offset) % shape.questions.len();
    let slices: [[IoSlice<'_>; 1]; BATCH] =
        std::array::from_fn(|offset| [IoSlice::new(&shape.questions[number(offset)])]);
    let lane = &mut lanes[index];
    let sent = sendmmsg(
        lane.socket.as_raw_fd(),
        &mut lane.send_headers,
        &slices[..wanted],
        [None; BATCH].get(..wanted).unwrap_or_default(),
        [],
        MsgFlags::empty(),
    );
    let sent = match sent {
        Ok(sent) => sent.count(),
        Err(Errno::EAGAIN) => 0,
        Err(error) => return Err(error.into()),
    };
    lanes[index].under_way += sent;
    let now = Instant::now();
    for offset in 0..sent {
        // The same question from the last time round has not been answered.
        if let Some((lane, _)) = under_way.0[number(offset)].replace((index, now)) {
            lanes[lane].under_way -= 1;
            run.lost += 1;
        }
    }
    Ok(sent)
}

impl UnderWay {
    /// The question that has the id of `answer`.
    fn take(&mut self, answer: &[u8]) -> Option<(usize, Instant)> {
        let id = u16::from_be_bytes(*answer.first_chunk()?);
        self.0.get_mut(usize::from(id))?.take()
    }
}

fn has_id(answer: &[u8], questions: usize) -> bool {
    answer.first_chunk().is_some_and(|id| usize::from(u16::from_be_bytes(*id)) < questions)
}

/// Waits for an answer on any socket; after [`LOST_AFTER`] all that is under way is lost.
fn wait(lanes: &mut [Lane], under_way: &mut UnderWay, run: &mut Run) -> io::Result<()> {
    let mut descriptors: Vec<PollFd<'_>> =
        lanes.iter().map(|lane| PollFd::new(lane.socket.as_fd(), PollFlags::POLLIN)).collect();
    if poll(&mut descriptors, PollTimeout::from(LOST_AFTER))? == 0 {
        drop(descriptors);
        under_way.0.fill(None);
        for lane in lanes {
            run.lost += std::mem::take(&mut lane.under_way) as u64;
        }
    }
    Ok(())
}
