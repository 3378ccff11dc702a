//! Many questions to one server at once: those that nobody answers are asked again, for as long as anything may take.

use super::message::{Answer, Question, Way};
use super::rosterd::PATIENCE;
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// Questions that are on their way at once: what is asked and answered fits into the smallest buffer of a socket.
pub(crate) const WINDOW: usize = 48;

/// How long answers are waited for until those that are missing are asked for again.
const RETRY: Duration = Duration::from_secs(2);

/// A client of one server.
#[derive(Debug)]
pub(crate) struct Client {
    server: SocketAddr,
    udp: UdpSocket,
    tcp: Option<TcpStream>,
    last_id: u16,
    /// What is on its way: its place among the questions, and the message.
    open: HashMap<u16, (usize, Vec<u8>, Way)>,
}

impl Client {
    pub(crate) fn new(server: SocketAddr) -> Client {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.connect(server).unwrap();
        udp.set_read_timeout(Some(RETRY)).unwrap();
        Client { server, udp, tcp: None, last_id: 0, open: HashMap::new() }
    }

    /// Sends questions: [`WINDOW`] of them at most, all by UDP or all by TCP.
    pub(crate) fn send(&mut self, questions: &[Question]) {
        for (index, question) in questions.iter().enumerate() {
            self.last_id = self.last_id.wrapping_add(1);
            let message = question.message(self.last_id);
            self.open.insert(self.last_id, (index, message, question.way));
        }
        self.send_open();
    }

    /// The answers to what was sent, in the order of the questions; none if they do not come in `patience`.
    pub(crate) fn receive(&mut self, patience: Duration) -> Option<Vec<Answer>> {
        let until = Instant::now() + patience;
        let mut answers: Vec<Option<Answer>> = vec![None; self.open.len()];
        while !self.open.is_empty() {
            match self.one() {
                Ok(octets) => {
                    let id = octets.first_chunk().map_or(0, |id| u16::from_be_bytes(*id));
                    // What was asked again may be answered twice.
                    if let Some((index, message, _)) = self.open.remove(&id) {
                        answers[index] = Some(Answer::read(&octets, &message));
                    }
                }
                Err(_) if Instant::now() < until => {
                    self.tcp = None;
                    self.send_open();
                }
                Err(_) => {
                    self.open.clear();
                    return None;
                }
            }
        }
        answers.into_iter().collect()
    }

    /// Asks one question.
    pub(crate) fn ask(&mut self, question: Question) -> Answer {
        self.send(&[question]);
        self.receive(PATIENCE).expect("an answer").remove(0)
    }

    fn by_tcp(&self) -> bool {
        self.open.values().next().is_some_and(|(.., way)| *way == Way::Tcp)
    }

    /// Errors are met where answers are waited for.
    fn send_open(&mut self) {
        if !self.by_tcp() {
            for (_, message, _) in self.open.values() {
                let _ = self.udp.send(message);
            }
            return;
        }
        let framed: Vec<u8> = self
            .open
            .values()
            .flat_map(|(_, message, _)| {
                [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
            })
            .collect();
        if self.tcp.is_none() {
            self.tcp = TcpStream::connect_timeout(&self.server, RETRY).ok();
        }
        if let Some(tcp) = &mut self.tcp {
            let _ = tcp.set_read_timeout(Some(RETRY));
            let _ = tcp.write_all(&framed);
        }
    }

    fn one(&mut self) -> io::Result<Vec<u8>> {
        let mut octets = vec![0; 65_535];
        if !self.by_tcp() {
            let length = self.udp.recv(&mut octets).inspect_err(|error| {
                // Nobody is there yet.
                if error.kind() == io::ErrorKind::ConnectionRefused {
                    std::thread::yield_now();
                }
            })?;
            octets.truncate(length);
            return Ok(octets);
        }
        let tcp = self.tcp.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let mut length = [0; 2];
        tcp.read_exact(&mut length)?;
        octets.truncate(usize::from(u16::from_be_bytes(length)));
        tcp.read_exact(&mut octets)?;
        Ok(octets)
    }
}
