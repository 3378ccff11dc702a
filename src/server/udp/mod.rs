//! UDP: one thread per socket, a batch of datagrams per system call. What is Linux-only stays in this folder.
//!
//! The loop makes its buffers once; a query costs no allocation, lock or log line. Nothing that arrives, and nothing
//! that the kernel says about a client, ends a worker.
//!
//! Answers leave with the kernel's default for path MTU discovery: DF is set up to the MTU it knows (RFC 9715 3.1
//! wants no fragments at all; neither nix nor socket2 offers `IP_MTU_DISCOVER` without unsafe code). At the default
//! `udp_max` of 1232 no path that carries IPv6 makes fragments of them.

mod family;
mod options;

pub(super) use family::ask_for_destination;
pub use options::UdpOptions;

use super::counters::{Counters, Counts};
use super::responder::Responder;
use super::tally::Tally;
use crate::answer::{Client, Outcome, Transport};
use family::{Family, Ipv4, Ipv6};
use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrLike, recvmmsg, sendmmsg};
use options::BATCH_MAX;
use socket2::Socket;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Octets of a datagram that are read: at least the 4096 that OPT records of answers announce at most. An odd number of
/// cache lines, so that the slots' first lines do not all fall into one set of the cache.
const RECEIVE_SLOT: usize = 65 * CACHE_LINE;

const CACHE_LINE: usize = 64;

/// Octets of a message header (RFC 1035 4.1.1).
const HEADER: usize = 12;

/// How often a worker without queries looks whether it should stop.
const STOP_CHECK: Duration = Duration::from_millis(200);

/// How long a full send buffer may hold a worker up before the rest of a batch is dropped. Answers to addresses that
/// do not resolve on the link fill it.
const SEND_TIMEOUT: Duration = Duration::from_millis(50);

/// The pause after a receive that failed for no fault of a client (memory, a network that goes down).
const BACK_OFF: Duration = Duration::from_millis(10);

/// Batches that a stopping worker still answers, so that a flood cannot keep it.
const LAST_BATCHES: usize = 128;

/// One batch of so many is timed: a look at the clock costs a fifth of an answer.
const TIMED: u32 = 16;

/// What a worker is made of.
#[derive(Debug)]
pub(super) struct Setting<R> {
    pub(super) responder: Arc<R>,
    pub(super) counters: Arc<Counters>,
    pub(super) tally: Arc<Tally>,
    pub(super) stop: Arc<AtomicBool>,
    /// Size of the largest answer, in octets.
    pub(super) udp_max: u16,
    pub(super) options: UdpOptions,
    /// Which of its address's workers this is.
    pub(super) number: usize,
    /// Where this worker's rotation starts.
    pub(super) rotation: u32,
}

/// Answers what arrives at `socket`, which `address` describes, until told to stop.
pub(super) fn serve<R: Responder>(
    socket: &Socket,
    address: std::net::SocketAddr,
    setting: &Setting<R>,
) -> io::Result<()> {
    socket.set_read_timeout(Some(STOP_CHECK))?;
    socket.set_write_timeout(Some(SEND_TIMEOUT))?;
    setting.options.set_buffers(socket);
    setting.options.place(setting.number);
    let wildcard = super::bind::is_wildcard(address);
    if address.is_ipv6() {
        Worker::<Ipv6, R>::new(socket, wildcard, setting).run();
    } else {
        Worker::<Ipv4, R>::new(socket, wildcard, setting).run();
    }
    Ok(())
}

struct Worker<'a, F: Family, R: Responder> {
    socket: &'a Socket,
    setting: &'a Setting<R>,
    /// Whether answers must be told the address they leave from.
    wildcard: bool,
    scratch: R::Scratch,
    rotation: u32,
    /// Batches, so that some are timed.
    turns: u32,
    counts: Counts,
    receive_headers: MultiHeaders<F::Address>,
    send_headers: MultiHeaders<F::Address>,
    /// One slot for each datagram of a batch.
    queries: Box<[[u8; RECEIVE_SLOT]]>,
    received: [Received<F>; BATCH_MAX],
    /// Answers, `answer_slot` octets each; the first `replies` of them are to be sent.
    answers: Box<[u8]>,
    answer_slot: usize,
    replies: usize,
    lengths: [usize; BATCH_MAX],
    clients: [Option<F::Address>; BATCH_MAX],
    destinations: [Option<F::Destination>; BATCH_MAX],
}

/// One received datagram; its octets are in the slot of the same index.
struct Received<F: Family> {
    length: usize,
    client: Option<F::Address>,
    destination: Option<F::Destination>,
}

impl<F: Family> Clone for Received<F> {
    fn clone(&self) -> Received<F> {
        *self
    }
}

impl<F: Family> Copy for Received<F> {}

impl<'a, F: Family, R: Responder> Worker<'a, F, R> {
    fn new(socket: &'a Socket, wildcard: bool, setting: &'a Setting<R>) -> Worker<'a, F, R> {
        let batch = setting.options.batch.clamp(1, BATCH_MAX);
        let answer_slot = (usize::from(setting.udp_max).div_ceil(CACHE_LINE) | 1) * CACHE_LINE;
        Worker {
            socket,
            setting,
            wildcard,
            scratch: setting.responder.scratch(),
            rotation: setting.rotation,
            turns: 0,
            counts: Counts::default(),
            receive_headers: family::headers::<F>(batch, wildcard),
            send_headers: family::headers::<F>(batch, wildcard),
            queries: vec![[0; RECEIVE_SLOT]; batch].into(),
            received: [Received { length: 0, client: None, destination: None }; BATCH_MAX],
            answers: vec![0; answer_slot * batch].into(),
            answer_slot,
            replies: 0,
            lengths: [0; BATCH_MAX],
            clients: [None; BATCH_MAX],
            destinations: [None; BATCH_MAX],
        }
    }

    fn run(&mut self) {
        while !self.setting.stop.load(Ordering::Relaxed) {
            self.turn(MsgFlags::MSG_WAITFORONE);
        }
        // What had arrived before the stop is answered.
        for _ in 0..LAST_BATCHES {
            if !self.turn(MsgFlags::MSG_DONTWAIT) {
                break;
            }
        }
    }

    /// Receives, answers and sends one batch. Returns whether there was one.
    fn turn(&mut self, flags: MsgFlags) -> bool {
        let count = match self.receive(flags) {
            Ok(count) => count,
            Err(Errno::EAGAIN | Errno::EINTR) => 0,
            Err(_) => {
                self.counts.errors += 1;
                std::thread::sleep(BACK_OFF);
                0
            }
        };
        if count > 0 {
            self.turns = self.turns.wrapping_add(1);
            let began = self.turns.is_multiple_of(TIMED).then(Instant::now);
            self.respond(count);
            self.send();
            if let Some(began) = began {
                self.setting.tally.took::<false>(began.elapsed(), count as u64);
            }
        }
        self.setting.counters.beat();
        self.setting.counters.add(std::mem::take(&mut self.counts));
        count > 0
    }

    fn receive(&mut self, flags: MsgFlags) -> nix::Result<usize> {
        let batch = self.queries.len();
        let mut slots = self.queries.iter_mut();
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH_MAX] = std::array::from_fn(|_| {
            [IoSliceMut::new(slots.next().map_or(&mut [], |slot| slot.as_mut_slice()))]
        });
        let slices = slices.iter_mut().take(batch);
        let messages = recvmmsg(self.socket.as_raw_fd(), &mut self.receive_headers, slices, flags, None)?;
        let mut count = 0;
        let mut bare = false;
        for (message, received) in messages.zip(&mut self.received) {
            let destination = if self.wildcard {
                let destination = message.cmsgs().ok().and_then(|mut all| all.find_map(F::destination));
                bare |= destination.is_none();
                destination
            } else {
                None
            };
            // A datagram that the slot did not hold is no query of any client. Its header alone is looked at, a
            // message that ends before its question.
            let length = if message.flags.contains(MsgFlags::MSG_TRUNC) {
                HEADER
            } else {
                message.bytes.min(RECEIVE_SLOT)
            };
            *received = Received { length, client: message.address, destination };
            count += 1;
        }
        if bare {
            // A header whose control message was missing has no room for the next.
            self.receive_headers = family::headers::<F>(batch, self.wildcard);
        }
        self.counts.queries += count as u64;
        Ok(count)
    }

    fn respond(&mut self, count: usize) {
        let batch = self.setting.responder.batch();
        let mut answers = self.answers.chunks_exact_mut(self.answer_slot);
        let mut free = answers.next();
        let mut places = self.lengths.iter_mut().zip(&mut self.clients).zip(&mut self.destinations);
        self.replies = 0;
        for (query, received) in self.queries.iter().zip(&self.received).take(count) {
            let (Some(query), Some(from)) = (query.get(..received.length), received.client) else { continue };
            let Some(out) = free.as_deref_mut().and_then(|slot| slot.get_mut(..self.setting.udp_max.into()))
            else {
                break;
            };
            // Without its destination there is no telling where the answer should come from.
            if self.wildcard && received.destination.is_none() {
                self.counts.errors += 1;
                continue;
            }
            let client = Client { transport: Transport::Udp, address: F::ip(&from) };
            self.rotation = self.rotation.wrapping_add(1);
            let outcome = R::respond(&batch, &mut self.scratch, query, &client, self.rotation, out);
            self.setting.tally.query::<false>(R::told(&self.scratch), query.len(), outcome);
            match outcome {
                Outcome::Reply(length) => {
                    let Some(((to_length, to_client), to_destination)) = places.next() else { break };
                    *to_length = length;
                    *to_client = Some(from);
                    *to_destination = received.destination;
                    self.replies += 1;
                    free = answers.next();
                }
                // No datagram holds a transfer.
                Outcome::Drop | Outcome::Transfer => self.counts.drops += 1,
            }
        }
    }

    fn send(&mut self) {
        let slices: [[IoSlice<'_>; 1]; BATCH_MAX] = {
            let mut slots = self.answers.chunks_exact(self.answer_slot).zip(&self.lengths);
            std::array::from_fn(|_| {
                let answer = slots.next().and_then(|(slot, &length)| slot.get(..length));
                [IoSlice::new(answer.unwrap_or_default())]
            })
        };
        let mut rest = slices.get(..self.replies).unwrap_or_default();
        let mut clients = self.clients.get(..self.replies).unwrap_or_default();
        let mut destinations = self.destinations.get(..self.replies).unwrap_or_default();
        while let Some(source) = destinations.first() {
            // sendmmsg takes one set of control messages for all: one call for each run of equal sources.
            let control = source.as_ref().map(F::source);
            let run = destinations.iter().take_while(|other| *other == source).count();
            let sent = send_some(
                self.socket,
                &mut self.send_headers,
                rest.get(..run).unwrap_or_default(),
                clients.get(..run).unwrap_or_default(),
                control.as_slice(),
            );
            let done = match sent {
                // The buffer stayed full.
                Ok(0) | Err(Errno::EAGAIN | Errno::ENOBUFS) => break,
                Ok(sent) => {
                    self.counts.replies += sent as u64;
                    sent
                }
                Err(Errno::EINTR) => 0,
                // The first cannot be sent: port 0 (EINVAL), no route, a filter (EPERM). The others may.
                Err(_) => {
                    self.counts.errors += 1;
                    1
                }
            };
            rest = rest.get(done..).unwrap_or_default();
            clients = clients.get(done..).unwrap_or_default();
            destinations = destinations.get(done..).unwrap_or_default();
        }
        self.counts.errors += destinations.len() as u64;
    }
}

/// Sends as many as the kernel takes at once; an error is the first message's.
fn send_some<S: SockaddrLike + Copy>(
    socket: &Socket,
    headers: &mut MultiHeaders<S>,
    slices: &[[IoSlice<'_>; 1]],
    clients: &[Option<S>],
    control: &[ControlMessage<'_>],
) -> nix::Result<usize> {
    let sent = sendmmsg(socket.as_raw_fd(), headers, slices, clients, control, MsgFlags::empty())?;
    Ok(sent.count())
}

#[cfg(test)]
mod tests {
    use super::super::responder::echo::Echo;
    use super::*;
    use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

    #[test]
    fn a_client_that_cannot_be_answered_costs_the_others_nothing() {
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let std::net::SocketAddr::V4(good) = client.local_addr().unwrap() else { panic!("not IPv4") };
        let bad = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
        let socket = Socket::from(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let setting = Setting {
            responder: Arc::new(Echo),
            counters: Arc::default(),
            tally: Arc::default(),
            stop: Arc::default(),
            udp_max: 512,
            options: UdpOptions::default(),
            number: 0,
            rotation: 0,
        };
        let mut worker = Worker::<Ipv4, Echo>::new(&socket, false, &setting);
        let clients = [bad, good, bad, bad, good, good, bad];
        for (index, address) in clients.iter().enumerate() {
            worker.answers[index * worker.answer_slot] = u8::try_from(index).unwrap();
            worker.lengths[index] = 1;
            worker.clients[index] = Some((*address).into());
        }
        worker.replies = clients.len();
        worker.send();
        assert_eq!(worker.counts, Counts { replies: 3, errors: 4, ..Counts::default() });
        for expected in [1, 4, 5] {
            let mut answer = [0; 8];
            assert_eq!(client.recv(&mut answer).unwrap(), 1);
            assert_eq!(answer[0], expected);
        }
    }

    #[test]
    fn a_query_of_the_largest_announced_size_is_read_whole() {
        let largest = 4096;
        const { assert!(RECEIVE_SLOT / CACHE_LINE % 2 == 1, "slots start in different sets of the cache") };
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let served = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = served.local_addr().unwrap();
        let socket = Socket::from(served);
        let setting = Setting {
            responder: Arc::new(Echo),
            counters: Arc::default(),
            tally: Arc::default(),
            stop: Arc::default(),
            udp_max: 4097,
            options: UdpOptions { batch: 1, ..UdpOptions::default() },
            number: 0,
            rotation: 0,
        };
        let mut worker = Worker::<Ipv4, Echo>::new(&socket, false, &setting);
        client.send_to(&vec![b'x'; largest], address).unwrap();
        assert!(worker.turn(MsgFlags::MSG_WAITFORONE));
        // Echo sends a query back with one octet before it.
        let mut answer = vec![0; 2 * largest];
        assert_eq!(client.recv(&mut answer).unwrap(), 1 + largest);
    }
}
