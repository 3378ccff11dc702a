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

pub(super) use family::{ask_for_destination, is_wildcard};
pub use options::UdpOptions;

use super::counters::{Counters, Counts};
use super::responder::Responder;
use super::tally::Tally;
use crate::answer::{Client, Outcome, Transport};
use family::{Family, Ipv4, Ipv6};
use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, RecvMsg, SockaddrLike, recvmmsg, sendmmsg};
use options::BATCH_MAX;
use socket2::Socket;
use std::cell::Cell;
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
    let wildcard = is_wildcard(address);
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
    /// Answers, in slots of their own, which have the index of the query's and `answer_slot` octets.
    answers: Box<[u8]>,
    answer_slot: usize,
    /// How many there are.
    replies: usize,
    /// Octets of each query, and then of its answer: 0 where there is none.
    lengths: [usize; BATCH_MAX],
    /// Who asked, and then those who are answered, without gaps.
    clients: [Option<F::Address>; BATCH_MAX],
    /// Whom they asked, likewise; known on a wildcard address only.
    destinations: [Option<F::Destination>; BATCH_MAX],
}

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
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH_MAX] =
            std::array::from_fn(|_| [IoSliceMut::new(&mut [])]);
        for (slice, slot) in slices.iter_mut().zip(&mut self.queries) {
            *slice = [IoSliceMut::new(slot)];
        }
        // The headers are as many as the slots: the slices beyond them are not used.
        let headers = &mut self.receive_headers;
        let messages = recvmmsg(self.socket.as_raw_fd(), headers, slices.iter_mut(), flags, None)?;
        let mut count = 0;
        let mut bare = false;
        let places = self.lengths.iter_mut().zip(&mut self.clients);
        if self.wildcard {
            for ((message, (length, client)), destination) in messages.zip(places).zip(&mut self.destinations)
            {
                (*length, *client) = (query_length(&message), message.address);
                *destination = message.cmsgs().ok().and_then(|mut all| all.find_map(F::destination));
                bare |= destination.is_none();
                count += 1;
            }
        } else {
            for (message, (length, client)) in messages.zip(places) {
                (*length, *client) = (query_length(&message), message.address);
                count += 1;
            }
        }
        if bare {
            // A header whose control message was missing has no room for the next.
            self.receive_headers = family::headers::<F>(self.queries.len(), self.wildcard);
        }
        self.counts.queries += count as u64;
        Ok(count)
    }

    fn respond(&mut self, count: usize) {
        let batch = self.setting.responder.batch();
        let view = R::view(&batch);
        let tally = &*self.setting.tally;
        let udp_max = usize::from(self.setting.udp_max);
        let mut replies = 0;
        let answers = self.answers.chunks_exact_mut(self.answer_slot);
        let received = self.lengths.iter_mut().zip(&self.clients).zip(&self.destinations);
        let all = self.queries.iter().zip(answers).zip(received);
        for ((query, out), ((length, from), destination)) in all.take(count) {
            let query = query.get(..std::mem::take(length));
            let (Some(query), Some(from), Some(out)) = (query, from, out.get_mut(..udp_max)) else {
                continue;
            };
            // Without its destination there is no telling where the answer should come from.
            if self.wildcard && destination.is_none() {
                self.counts.errors += 1;
                continue;
            }
            let client = Client { transport: Transport::Udp, address: F::ip(from) };
            self.rotation = self.rotation.wrapping_add(1);
            let outcome = R::respond(&view, &mut self.scratch, query, &client, self.rotation, out);
            tally.query::<false>(R::told(&self.scratch), query.len(), outcome);
            match outcome {
                Outcome::Reply(octets) => {
                    *length = octets;
                    replies += 1;
                }
                // No datagram holds a transfer.
                Outcome::Drop | Outcome::Transfer => self.counts.drops += 1,
            }
        }
        self.replies = replies;
        if replies < count {
            self.close_ranks(count);
        }
    }

    /// Lets those who get an answer follow each other, as the kernel wants them.
    fn close_ranks(&mut self, count: usize) {
        let (clients, destinations) = (cells(&mut self.clients), cells(&mut self.destinations));
        let mut places = clients.iter().zip(destinations);
        let received = clients.iter().zip(destinations).zip(&self.lengths).take(count);
        for ((client, destination), _) in received.filter(|(_, length)| **length > 0) {
            let Some((to_client, to_destination)) = places.next() else { break };
            to_client.set(client.get());
            to_destination.set(destination.get());
        }
    }

    fn send(&mut self) {
        let mut slices = [[IoSlice::new(&[])]; BATCH_MAX];
        let slots = self.answers.chunks_exact(self.answer_slot).zip(&self.lengths);
        let answers = slots.filter(|(_, length)| **length > 0);
        for ([slice], (slot, &length)) in slices.iter_mut().take(self.replies).zip(answers) {
            *slice = IoSlice::new(slot.get(..length).unwrap_or_default());
        }
        let mut rest = slices.get(..self.replies).unwrap_or_default();
        let mut clients = self.clients.get(..self.replies).unwrap_or_default();
        let mut destinations = self.destinations.get(..self.replies).unwrap_or_default();
        while let Some(source) = destinations.first() {
            // sendmmsg takes one set of control messages for all: one call for each run of equal sources.
            let control = source.as_ref().map(F::source);
            let run = if self.wildcard {
                destinations.iter().take_while(|other| *other == source).count()
            } else {
                destinations.len()
            };
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

/// Octets of a received query. A datagram that its slot did not hold is no query of any client: its header alone is
/// looked at, a message that ends before its question.
#[inline]
fn query_length<S>(message: &RecvMsg<'_, '_, S>) -> usize {
    if message.flags.contains(MsgFlags::MSG_TRUNC) { HEADER } else { message.bytes }
}

fn cells<T, const N: usize>(all: &mut [T; N]) -> &[Cell<T>] {
    Cell::from_mut(all.as_mut_slice()).as_slice_of_cells()
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
    fn answers_go_to_who_asked_where_others_get_none() {
        let served = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = served.local_addr().unwrap();
        let socket = Socket::from(served);
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
        let clients: [UdpSocket; 5] =
            std::array::from_fn(|_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        // A full round first, so that each slot has an answer of before.
        for queries in [["a", "b", "c", "d", "e"], ["f", "!", "", "g", "!"], ["!", "h", "", "!", "i"]] {
            for (client, query) in clients.iter().zip(queries) {
                client.send_to(query.as_bytes(), address).unwrap();
            }
            assert!(worker.turn(MsgFlags::MSG_WAITFORONE));
            for (client, query) in clients.iter().zip(queries) {
                if query.is_empty() || query == "!" {
                    continue;
                }
                let mut answer = [0; 8];
                let length = client.recv(&mut answer).unwrap();
                assert_eq!(&answer[..length], [b"u", query.as_bytes()].concat());
            }
        }
        let mut none = [0; 8];
        for client in &clients {
            client.set_nonblocking(true).unwrap();
            assert!(client.recv(&mut none).is_err(), "an answer without a query");
        }
        assert_eq!(
            setting.counters.read(),
            Counts { queries: 15, replies: 9, drops: 6, ..Counts::default() }
        );
    }

    #[test]
    fn a_batch_allocates_nothing() {
        for (listen, wildcard) in [(Ipv4Addr::LOCALHOST, false), (Ipv4Addr::UNSPECIFIED, true)] {
            let socket = Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).unwrap();
            if wildcard {
                ask_for_destination(&socket, false).unwrap();
            }
            socket.bind(&SocketAddrV4::new(listen, 0).into()).unwrap();
            let port = socket.local_addr().unwrap().as_socket().unwrap().port();
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
            let mut worker = Worker::<Ipv4, Echo>::new(&socket, wildcard, &setting);
            let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            for _ in 0..4 * BATCH_MAX {
                client.send_to(b"query", (Ipv4Addr::LOCALHOST, port)).unwrap();
            }
            let allocated = allocation_counter::measure(|| {
                for _ in 0..4 {
                    assert!(worker.turn(MsgFlags::MSG_WAITFORONE));
                }
            });
            assert_eq!(allocated.count_total, 0);
            assert_eq!(setting.counters.read().replies, 4 * BATCH_MAX as u64);
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
