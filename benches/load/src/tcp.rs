//! Asks by TCP: one question per connection, as truncated answers make clients do, or many on a connection that stays,
//! as resolvers do.

use crate::questions::Shape;
use crate::run::{Load, Run};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, SockaddrIn, sockopt};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

/// Connections that are open at a time.
const CONNECTIONS: usize = 8;

/// Addresses that connections come from in turn, 127.0.1.1 and up: a port stays taken for a minute after its connection
/// was closed (TIME_WAIT), and one address has 28,000 of them.
const ADDRESSES: u32 = 200;

/// How long a silent server is given before what is under way counts as lost.
const LOST_AFTER: u16 = 2000;

/// Octets of the length before each message (RFC 1035 4.2.2).
const LENGTH: usize = 2;

/// A connection and what is under way on it.
struct Lane {
    stream: TcpStream,
    input: Vec<u8>,
    /// How many of `input` are read.
    filled: usize,
    /// When each question was asked, the oldest first: rosterd and its peers answer in order, and with others the sum of
    /// the times is the same.
    asked: std::collections::VecDeque<Instant>,
}

struct Client<'a> {
    server: SocketAddr,
    shape: &'a Shape,
    asked: usize,
    connections: u32,
    frames: Vec<u8>,
    run: Run,
}

/// Asks `server` on [`CONNECTIONS`] connections that stay.
pub fn pipelined(server: SocketAddr, shape: &Shape, load: &Load) -> io::Result<Run> {
    let mut client = Client::new(server, shape);
    let per_lane = load.window.div_ceil(CONNECTIONS);
    let mut lanes = Vec::new();
    for _ in 0..CONNECTIONS {
        lanes.push(client.connect()?);
    }
    let start = Instant::now();
    while start.elapsed() < load.duration {
        for lane in &mut lanes {
            let due = load.rate.map_or(usize::MAX, |rate| (start.elapsed().as_secs_f64() * rate) as usize);
            let wanted = (per_lane - lane.asked.len()).min(due.saturating_sub(client.asked));
            client.ask(lane, wanted)?;
        }
        let timeout = if load.rate.is_some() { PollTimeout::ZERO } else { PollTimeout::from(LOST_AFTER) };
        for index in readable(&lanes, timeout)? {
            if !client.read(&mut lanes[index])? {
                client.run.lost += lanes[index].asked.len() as u64;
                lanes[index] = client.connect()?;
            }
        }
    }
    Ok(client.end(start))
}

/// Asks `server` one question on each connection, [`CONNECTIONS`] at a time; the client closes.
pub fn one_query(server: SocketAddr, shape: &Shape, load: &Load) -> io::Result<Run> {
    let mut client = Client::new(server, shape);
    let mut lanes = Vec::new();
    let start = Instant::now();
    while start.elapsed() < load.duration {
        while lanes.len() < CONNECTIONS {
            let asked = Instant::now();
            let mut lane = client.connect()?;
            client.ask(&mut lane, 1)?;
            // The handshake is part of what the answer takes.
            lane.asked = [asked].into();
            lanes.push(lane);
        }
        let mut ready = readable(&lanes, PollTimeout::from(LOST_AFTER))?;
        if ready.is_empty() {
            client.run.lost += lanes.len() as u64;
            lanes.clear();
        }
        ready.reverse();
        for index in ready {
            let open = client.read(&mut lanes[index])?;
            if !open || lanes[index].asked.is_empty() {
                client.run.lost += lanes[index].asked.len() as u64;
                lanes.swap_remove(index);
            }
        }
    }
    Ok(client.end(start))
}

fn readable(lanes: &[Lane], timeout: PollTimeout) -> io::Result<Vec<usize>> {
    let mut descriptors: Vec<PollFd<'_>> =
        lanes.iter().map(|lane| PollFd::new(lane.stream.as_fd(), PollFlags::POLLIN)).collect();
    poll(&mut descriptors, timeout)?;
    let ready = descriptors.iter().enumerate().filter(|(_, descriptor)| descriptor.any() == Some(true));
    Ok(ready.map(|(index, _)| index).collect())
}

impl<'a> Client<'a> {
    fn new(server: SocketAddr, shape: &'a Shape) -> Client<'a> {
        Client { server, shape, asked: 0, connections: 0, frames: Vec::new(), run: Run::default() }
    }

    fn connect(&mut self) -> io::Result<Lane> {
        let SocketAddr::V4(server) = self.server else {
            return Err(io::Error::other("the generator speaks IPv4 only"));
        };
        self.connections = self.connections.wrapping_add(1);
        let number = self.connections % ADDRESSES;
        let [.., high, low] = (number + 1).to_be_bytes();
        let from = SockaddrIn::new(127, 0, 1 + high, low, 0);
        let socket = socket::socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
        socket::setsockopt(&socket, sockopt::ReuseAddr, &true)?;
        socket::bind(socket.as_raw_fd(), &from)?;
        socket::connect(socket.as_raw_fd(), &SockaddrIn::from(server))?;
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Lane { stream, input: vec![0; 4 << 10], filled: 0, asked: [].into() })
    }

    fn ask(&mut self, lane: &mut Lane, wanted: usize) -> io::Result<()> {
        if wanted == 0 {
            return Ok(());
        }
        self.frames.clear();
        for _ in 0..wanted {
            let question = &self.shape.questions[self.asked % self.shape.questions.len()];
            self.frames.extend_from_slice(&u16::try_from(question.len()).unwrap_or(0).to_be_bytes());
            self.frames.extend_from_slice(question);
            self.asked += 1;
        }
        // The windows of both sides hold far more than what is under way: this does not block for long.
        lane.stream.set_nonblocking(false)?;
        lane.stream.write_all(&self.frames)?;
        lane.stream.set_nonblocking(true)?;
        let now = Instant::now();
        lane.asked.extend(std::iter::repeat_n(now, wanted));
        Ok(())
    }

    /// Reads what is there. Returns whether the connection is still open.
    fn read(&mut self, lane: &mut Lane) -> io::Result<bool> {
        let read = match lane.stream.read(&mut lane.input[lane.filled..]) {
            Ok(0) => return Ok(false),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(false),
            Err(error) => return Err(error),
        };
        lane.filled += read;
        let now = Instant::now();
        let mut consumed = 0;
        while let Some((length, rest)) = lane.input[consumed..lane.filled].split_first_chunk::<LENGTH>() {
            let Some(answer) = rest.get(..u16::from_be_bytes(*length).into()) else { break };
            consumed += LENGTH + answer.len();
            self.run.answers += 1;
            self.run.octets += answer.len() as u64;
            self.run.wrong += u64::from(!self.shape.is_right(answer));
            match lane.asked.pop_front() {
                Some(asked) => {
                    self.run.latency.record(u64::try_from((now - asked).as_nanos()).unwrap_or(u64::MAX));
                }
                None => self.run.wrong += 1,
            }
        }
        lane.input.copy_within(consumed..lane.filled, 0);
        lane.filled -= consumed;
        if lane.filled == lane.input.len() {
            lane.input.resize(lane.filled * 2, 0);
        }
        Ok(true)
    }

    fn end(mut self, start: Instant) -> Run {
        self.run.elapsed = start.elapsed();
        // The server sees the connections close before it is measured again.
        std::thread::sleep(Duration::from_millis(20));
        self.run
    }
}
