//! A client that asks all the time, and counts what it is told.

use crate::wait::wait_for;
use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use std::collections::BTreeSet;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::client::data;

/// A question and its answer's data, sorted.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) name: String,
    pub(crate) record_type: RecordType,
    pub(crate) data: BTreeSet<String>,
}

/// The running client.
pub(crate) struct Questions {
    stop: Sender<()>,
    thread: JoinHandle<()>,
    count: Arc<Count>,
}

#[derive(Default)]
struct Count {
    right: AtomicUsize,
    /// The others, in words.
    wrong: Mutex<Vec<String>>,
}

/// After this an answer counts as missing: the time that CoreDNS gives a server.
const MISSING: Duration = Duration::from_secs(2);

/// Between two questions: a few hundred in a second leave the processor to those who are watched.
const PAUSE: Duration = Duration::from_millis(2);

impl Questions {
    /// Begins to ask, in turns.
    pub(crate) fn ask(server: SocketAddr, expected: Vec<Expected>) -> Questions {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a UDP socket");
        socket.connect(server).expect("a connected socket");
        socket.set_read_timeout(Some(MISSING)).expect("a timeout");
        let count = Arc::<Count>::default();
        let (stop, stopped) = channel();
        let counting = Arc::clone(&count);
        let thread = std::thread::spawn(move || {
            for expected in expected.iter().cycle() {
                match expected.check(&socket) {
                    Ok(()) => drop(counting.right.fetch_add(1, Ordering::Relaxed)),
                    Err(fault) => counting.wrong.lock().expect("faults").push(fault),
                }
                if stopped.recv_timeout(PAUSE).is_ok() {
                    break;
                }
            }
        });
        Questions { stop, thread, count }
    }

    /// Waits until so many more answers have come as expected, or one has not.
    pub(crate) fn go_on(&self, answers: usize) {
        let enough = self.right() + answers;
        let explain = || format!("{} answers", self.right());
        let wrong = || !self.count.wrong.lock().expect("faults").is_empty();
        wait_for("answers", explain, || (self.right() >= enough || wrong()).then_some(()));
    }

    fn right(&self) -> usize {
        self.count.right.load(Ordering::Relaxed)
    }

    /// Stops asking: how many answers were as expected, and in words those that were not.
    pub(crate) fn end(self) -> (usize, Vec<String>) {
        self.stop.send(()).expect("a client that asks");
        self.thread.join().expect("a client that has asked");
        let wrong = std::mem::take(&mut *self.count.wrong.lock().expect("faults"));
        (self.count.right.load(Ordering::Relaxed), wrong)
    }
}

impl Expected {
    fn check(&self, socket: &UdpSocket) -> Result<(), String> {
        let Expected { name, record_type, data: expected } = self;
        let mut question = Message::query();
        question.add_query(Query::query(Name::from_ascii(name).expect("a domain name"), *record_type));
        let octets = question.to_vec().expect("an encodable question");
        socket.send(&octets).map_err(|error| format!("{name} {record_type}: not sent: {error}"))?;
        let mut answer = [0; 1232];
        let length =
            socket.recv(&mut answer).map_err(|error| format!("{name} {record_type}: no answer: {error}"))?;
        let answer = Message::from_vec(&answer[..length]).map_err(|error| error.to_string())?;
        let found: BTreeSet<String> = data(&answer.answers).into_iter().collect();
        let right = answer.metadata.id == question.metadata.id
            && answer.metadata.response_code == ResponseCode::NoError
            && found == *expected;
        if right { Ok(()) } else { Err(format!("{answer}")) }
    }
}
