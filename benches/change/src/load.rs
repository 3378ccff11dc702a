//! Queries: as many as come back, or so many in a second. Each thread is a process's worth of clients, on sockets that
//! land with all of a server's workers.

use crate::dns::question;
use crate::figures::Times;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg};
use nix::sys::time::TimeSpec;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Client sockets.
const SOCKETS: usize = 8;

/// Datagrams per system call, and questions under way on one socket where as many are asked as come back.
const BATCH: usize = 8;

/// Between two looks at the clock where a rate is kept: so many questions leave together.
const TICK: Duration = Duration::from_micros(250);

/// How long a silent server is given before what is under way counts as lost.
const LOST_AFTER: Duration = Duration::from_millis(100);

/// How much less the generator is worth to the scheduler than what it asks for: it stands in for clients, who have
/// machines of their own. As much as rosterd's UDP workers take from themselves.
const NICE: i32 = 5;

/// How many questions are asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// As many as come back.
    Full,
    /// In a second. Times are from when a question was due, not from when it left.
    PerSecond(u32),
}

/// Questions that are asked until this is stopped.
pub struct Load {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<Answered>>,
}

/// What came of it.
pub struct Answered {
    pub answers: u64,
    pub lost: u64,
    pub elapsed: Duration,
    /// Of each answer; only where a rate was kept.
    pub times: Times,
}

struct Lane {
    socket: UdpSocket,
    received: MultiHeaders<SockaddrIn>,
    sent: MultiHeaders<SockaddrIn>,
    under_way: usize,
    /// When the question with this id was due, in nanoseconds since the start; 0 where none is under way.
    due: Vec<u64>,
    id: u16,
}

impl Load {
    /// Asks for these names in turn.
    pub fn start(server: SocketAddr, names: &[String], rate: Rate) -> Load {
        let questions: Vec<Vec<u8>> = names.iter().map(|name| question(0, name)).collect();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || run(server, &questions, rate, &stopped));
        Load { stop, thread }
    }

    pub fn stop(self) -> io::Result<Answered> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the generator has panicked")))
    }
}

fn run(server: SocketAddr, questions: &[Vec<u8>], rate: Rate, stop: &AtomicBool) -> io::Result<Answered> {
    // On Linux, niceness is a thread's own.
    rustix::process::nice(NICE)?;
    let mut lanes = Vec::with_capacity(SOCKETS);
    for _ in 0..SOCKETS {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect(server)?;
        socket.set_nonblocking(true)?;
        lanes.push(Lane {
            socket,
            received: MultiHeaders::preallocate(BATCH, None),
            sent: MultiHeaders::preallocate(BATCH, None),
            under_way: 0,
            due: vec![0; 1 << 16],
            id: 0,
        });
    }
    let start = Instant::now();
    let mut answered = Answered { answers: 0, lost: 0, elapsed: Duration::ZERO, times: Times::default() };
    let (mut asked, mut turn, mut heard) = (0_u64, 0_usize, start);
    while !stop.load(Ordering::Relaxed) {
        let mut progress = false;
        for lane in &mut lanes {
            let count = lane.receive(start, rate, &mut answered)?;
            lane.under_way -= count.min(lane.under_way);
            progress |= count > 0;
        }
        let now = Instant::now();
        if progress {
            heard = now;
        }
        let pause = match rate {
            Rate::Full => {
                for lane in &mut lanes {
                    let wanted = BATCH - lane.under_way;
                    let sent = lane.send(questions, asked, &vec![1; wanted])?;
                    asked += sent as u64;
                    progress |= sent > 0;
                }
                if now.duration_since(heard) > LOST_AFTER {
                    answered.lost +=
                        lanes.iter_mut().map(|lane| std::mem::take(&mut lane.under_way) as u64).sum::<u64>();
                    heard = now;
                }
                LOST_AFTER
            }
            Rate::PerSecond(rate) => {
                let due = |number: u64| number * 1_000_000_000 / u64::from(rate) + 1;
                let elapsed = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
                while due(asked) <= elapsed {
                    let times: Vec<u64> =
                        (asked..).take(BATCH).map(due).take_while(|due| *due <= elapsed).collect();
                    turn += 1;
                    let sent = lanes[turn % SOCKETS].send(questions, asked, &times)?;
                    // What does not fit into the socket's buffer is lost on the way.
                    asked += sent.max(1) as u64;
                }
                TICK
            }
        };
        if !progress || rate != Rate::Full {
            wait(&lanes, pause)?;
        }
    }
    answered.elapsed = start.elapsed();
    if rate != Rate::Full {
        answered.lost = asked - answered.answers.min(asked);
    }
    Ok(answered)
}

impl Lane {
    fn receive(&mut self, start: Instant, rate: Rate, answered: &mut Answered) -> io::Result<usize> {
        let mut buffers = [[0_u8; 1500]; BATCH];
        let mut count = 0;
        {
            let mut free = buffers.iter_mut();
            let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
                std::array::from_fn(|_| [IoSliceMut::new(free.next().map_or(&mut [][..], |slot| slot))]);
            let flags = MsgFlags::MSG_DONTWAIT;
            match recvmmsg(self.socket.as_raw_fd(), &mut self.received, slices.iter_mut(), flags, None) {
                Ok(messages) => count += messages.count(),
                Err(Errno::EAGAIN) => return Ok(0),
                Err(error) => return Err(error.into()),
            }
        }
        let now = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        for buffer in buffers.iter().take(count) {
            answered.answers += 1;
            let id = u16::from_be_bytes([buffer[0], buffer[1]]);
            let due = std::mem::take(&mut self.due[usize::from(id)]);
            if rate != Rate::Full && due > 0 {
                answered.times.push(Duration::from_nanos(now.saturating_sub(due)));
            }
        }
        Ok(count)
    }

    fn send(&mut self, questions: &[Vec<u8>], from: u64, due: &[u64]) -> io::Result<usize> {
        if due.is_empty() {
            return Ok(0);
        }
        let ids: [u16; BATCH] = std::array::from_fn(|index| self.id.wrapping_add(index as u16));
        let ids: [[u8; 2]; BATCH] = ids.map(u16::to_be_bytes);
        let at = |index: usize| {
            // A stride through all names, so that neighbours in time are not neighbours in memory.
            let number = (from + index as u64).wrapping_mul(977) % questions.len() as u64;
            questions[number as usize].get(2..).unwrap_or_default()
        };
        let slices: [[IoSlice<'_>; 2]; BATCH] =
            std::array::from_fn(|index| [IoSlice::new(&ids[index]), IoSlice::new(at(index))]);
        let nobody = [None; BATCH];
        let count = due.len();
        let sent = sendmmsg(
            self.socket.as_raw_fd(),
            &mut self.sent,
            &slices[..count],
            &nobody[..count],
            [],
            MsgFlags::empty(),
        );
        let sent = match sent {
            Ok(sent) => sent.count(),
            Err(Errno::EAGAIN) => 0,
            Err(error) => return Err(error.into()),
        };
        for (id, due) in ids.iter().zip(due).take(sent) {
            self.due[usize::from(u16::from_be_bytes(*id))] = *due;
        }
        self.id = self.id.wrapping_add(sent as u16);
        self.under_way += sent;
        Ok(sent)
    }
}

/// Waits for an answer on any socket, or until the time is over.
fn wait(lanes: &[Lane], time: Duration) -> io::Result<()> {
    let mut descriptors: Vec<PollFd<'_>> =
        lanes.iter().map(|lane| PollFd::new(lane.socket.as_fd(), PollFlags::POLLIN)).collect();
    ppoll(&mut descriptors, Some(TimeSpec::from_duration(time)), None)?;
    Ok(())
}
