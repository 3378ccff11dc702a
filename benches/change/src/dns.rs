//! Questions, and whoever asks one until its answer has changed.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// How long a question may stay without an answer before it is asked again.
const RETRY: Duration = Duration::from_millis(200);

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A query for A with EDNS and a size of 1232, as resolvers send it.
pub fn question(id: u16, name: &str) -> Vec<u8> {
    let mut query = Vec::with_capacity(100);
    query.extend_from_slice(&id.to_be_bytes());
    query.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).unwrap_or_default());
        query.extend_from_slice(label.as_bytes());
    }
    query.extend_from_slice(&[0, 0, 1, 0, 1]);
    query.extend_from_slice(&[0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);
    query
}

/// What an answer says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// NOERROR with records.
    There,
    /// NXDOMAIN.
    Gone,
    /// Anything else: SERVFAIL before the list is complete.
    Other,
}

/// Asks one question at a time.
pub struct Asker {
    socket: UdpSocket,
    id: u16,
}

impl Asker {
    pub fn new(server: SocketAddr) -> io::Result<Asker> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect(server)?;
        socket.set_read_timeout(Some(RETRY))?;
        Ok(Asker { socket, id: 0 })
    }

    pub fn ask(&mut self, name: &str) -> io::Result<Answer> {
        let until = Instant::now() + PATIENCE;
        let mut buffer = [0; 4096];
        while Instant::now() < until {
            self.id = self.id.wrapping_add(1);
            self.socket.send(&question(self.id, name))?;
            while let Ok(length) = self.socket.recv(&mut buffer) {
                // RFC 1035 4.1.1: the id, RCODE in the last four bits of the fourth octet, ANCOUNT in the seventh and eighth.
                if length >= 12 && buffer[..2] == self.id.to_be_bytes() {
                    return Ok(match (buffer[3] & 0x0f, buffer[6] | buffer[7]) {
                        (0, 1..) => Answer::There,
                        (3, _) => Answer::Gone,
                        _ => Answer::Other,
                    });
                }
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    /// Asks until the answer is as expected. Returns when the first such answer was there.
    pub fn wait(&mut self, name: &str, expected: Answer, pause: Duration) -> io::Result<Instant> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if self.ask(name)? == expected {
                return Ok(Instant::now());
            }
            if !pause.is_zero() {
                std::thread::sleep(pause);
            }
        }
        Err(io::Error::other(format!("{name} does not become {expected:?}")))
    }
}
