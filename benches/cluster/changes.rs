//! From the acknowledgement of a PUT until the first answer that shows it, on both servers in turns.

use crate::api::{Api, collection};
use crate::candidate::Candidate;
use crate::load::Set;
use hickory_proto::op::{Message, Query};
use hickory_proto::rr::{Name, RecordType};
use http::Method;
use serde_json::json;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

/// PUTs for each server and set.
pub(crate) const PUTS: usize = 300;

/// How long a server may take until its answer has changed, before the measurement has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two PUTs: both servers are idle when the next one comes.
const PAUSE: Duration = Duration::from_millis(15);

/// The times of one server for one set, in milliseconds, sorted.
pub(crate) struct Times(Vec<f64>);

impl Times {
    /// So many of a hundred are within this.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        self.0[(self.0.len() * percent).div_ceil(100).max(1) - 1]
    }
}

/// Replaces an address of a set again and again. Whose answer is waited for changes each time; both hear of all.
pub(crate) fn measure(kubeconfig: &Path, candidates: &[Box<dyn Candidate>; 2], set: &Set) -> [Times; 2] {
    let api = Api::new(kubeconfig);
    let path = format!("{}/{}-0", collection(&set.namespace, "endpointslices"), set.service);
    let mut slice = api.get(&path);
    let mut times = [Vec::new(), Vec::new()];
    let first =
        u32::from(Ipv4Addr::new(10, 254, 0, 1)) + u32::try_from(set.size * 10 * PUTS).expect("a size");
    for (address, turn) in (first..).map(Ipv4Addr::from).zip(0..2 * PUTS) {
        let candidate = candidates[turn % 2].as_ref();
        slice["endpoints"][0]["addresses"] = json!([address]);
        let host = address.to_string().replace('.', "-");
        let mut asker = Asker::new(candidate, &format!("{host}.{}", candidate.owner(set)));
        assert!(!asker.is_there(), "{address} has never been");
        slice = api.call(Method::PUT, &path, "application/json", &slice).expect("a PUT");
        let acknowledged = Instant::now();
        while !asker.is_there() {
            assert!(acknowledged.elapsed() < PATIENCE, "{} does not show {address}", candidate.name());
        }
        times[turn % 2].push(acknowledged.elapsed().as_secs_f64() * 1e3);
        std::thread::sleep(PAUSE);
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        Times(times)
    })
}

/// Asks one question by UDP.
struct Asker {
    socket: UdpSocket,
    question: Vec<u8>,
}

impl Asker {
    fn new(candidate: &dyn Candidate, name: &str) -> Asker {
        let mut question = Message::query();
        question.add_query(Query::query(Name::from_ascii(name).expect("a name"), RecordType::A));
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.connect(candidate.server()).expect("a connected socket");
        socket.set_read_timeout(Some(Duration::from_secs(1))).expect("a timeout");
        Asker { socket, question: question.to_vec().expect("a question") }
    }

    /// Whether the answer has records. A lost one has none.
    fn is_there(&mut self) -> bool {
        let mut answer = [0; 512];
        self.socket.send(&self.question).expect("a sent question");
        // RFC 1035 4.1.1: ANCOUNT is the seventh and eighth octet.
        self.socket.recv(&mut answer).is_ok_and(|length| length >= 12 && answer[6..8] != [0, 0])
    }
}
