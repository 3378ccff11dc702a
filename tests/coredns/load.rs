//! Clients that ask without a pause, and count.

use crate::client::{Transport, ask};
use crate::query::Query;
use crate::wait::wait_for;
use crate::world::{SIZES, address, set};
use hickory_proto::op::{Message, ResponseCode};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Answers of each client that something that happens under load has before it and behind it.
const MORE: usize = 200;

/// What clients have counted.
#[derive(Default)]
pub(crate) struct Tally {
    /// Queries with a whole answer.
    pub(crate) answered: AtomicUsize,
    /// Of these, those that had to be sent to another server.
    pub(crate) sent_again: AtomicUsize,
    stop: AtomicBool,
    ended: AtomicUsize,
}

/// How a client asks.
#[derive(Clone, Copy)]
pub(crate) enum Manner {
    /// One server, each question once: over UDP one datagram, over TCP one connection. It waits for as long as it takes
    /// (stub resolvers wait for 5 s), and never sends anything again.
    Once(SocketAddr, Transport),
    /// Several servers, by UDP: the next one where the first refuses the datagram, or is silent for `options timeout:1`.
    /// Two rounds, as resolv.conf(5) has it with `attempts`.
    Stub([SocketAddr; 2]),
}

impl Tally {
    /// Runs clients while `during` goes on. Panics where a query got no answer, or another one than NOERROR with all peers.
    pub(crate) fn under_load(clients: &[Manner], during: impl FnOnce(&Tally)) -> Tally {
        let tally = Tally::default();
        thread::scope(|scope| {
            let threads: Vec<_> = clients.iter().map(|manner| scope.spawn(|| tally.run(*manner))).collect();
            tally.wait_for_more(clients.len());
            during(&tally);
            tally.wait_for_more(clients.len());
            tally.stop.store(true, Ordering::Relaxed);
            for thread in threads {
                thread.join().expect("a client that lost no query");
            }
        });
        tally
    }

    /// Waits for more answers, so that what happens next happens under load.
    pub(crate) fn wait_for_more(&self, clients: usize) {
        let (before, wanted) = (self.answered.load(Ordering::Relaxed), MORE * clients);
        wait_for(
            "answers",
            || "no more answers".to_owned(),
            || {
                let lost = self.ended.load(Ordering::Relaxed) > 0;
                (lost || self.answered.load(Ordering::Relaxed) >= before + wanted).then_some(())
            },
        );
    }

    fn run(&self, manner: Manner) {
        let ended = Ended(&self.ended);
        let peers = (0..SIZES[2]).cycle();
        // One name after the other, so that a cache has most of them for the first time.
        let questions = peers.flat_map(|peer| {
            let peer = format!("{}.{}", address(2, peer).replace('.', "-"), set(SIZES[2]));
            [(set(SIZES[0]), "TXT", SIZES[0]), (set(SIZES[0]), "A", SIZES[0]), (peer, "A", 1)]
        });
        for (name, record_type, records) in questions {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let answer = match manner {
                Manner::Once(server, transport) => ask(server, transport, &name, record_type, Some(1232)),
                Manner::Stub(servers) => self.ask_in_turn(servers, &name, record_type),
            };
            assert_eq!(answer.metadata.response_code, ResponseCode::NoError, "{answer}");
            assert_eq!(answer.answers.len(), records, "{answer}");
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
        std::mem::forget(ended);
    }

    fn ask_in_turn(&self, servers: [SocketAddr; 2], name: &str, record_type: &str) -> Message {
        let qtype = if record_type == "A" { 1 } else { 16 };
        let question = Query::new(name, qtype).edns(1232).octets();
        for (attempt, server) in servers.iter().cycle().take(4).enumerate() {
            if attempt == 1 {
                self.sent_again.fetch_add(1, Ordering::Relaxed);
            }
            if let Some(answer) = try_udp(*server, &question) {
                return answer;
            }
        }
        panic!("no answer from {servers:?}");
    }
}

/// One datagram; `None` where it is refused, or nothing comes back for a second.
fn try_udp(server: SocketAddr, question: &[u8]) -> Option<Message> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    socket.connect(server).ok()?;
    socket.send(question).ok()?;
    let mut answer = vec![0; 4096];
    let length = socket.recv(&mut answer).ok()?;
    Message::from_vec(&answer[..length]).ok()
}

/// Counts a client that ends by a panic.
struct Ended<'a>(&'a AtomicUsize);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
