//! A TCP connection in its first moments. Most bring one query and end with its answer, within a few turns of the thread:
//! those never become a task, nor does the reactor or a timer hear of them, which is a sixth of what they would cost.
//! Every other one settles, and is [`serve`](super::connection::serve)d from where it stands.

use super::burst::first_message;
use super::connection::{Answered, Begun, Shared, answer};
use super::limits::Permit;
use super::responder::Responder;
use super::transfer::Transfer;
use crate::answer::{Client, Transport};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, TcpStream};

/// How often a newcomer is looked at in vain before it settles.
const LOOKS: u8 = 2;

/// Octets of a first read: several queries of common size.
pub(super) const FIRST_READ: usize = 1024;

/// One that was just accepted.
#[derive(Debug)]
pub(super) struct Newcomer {
    /// Does not block.
    pub(super) stream: TcpStream,
    pub(super) address: IpAddr,
    pub(super) permit: Permit,
    looks: u8,
    is_answered: bool,
}

/// What a look has found.
#[derive(Debug)]
pub(super) enum Found {
    /// To be looked at again.
    Stays(Newcomer),
    /// It is to be served like any other.
    Settles(Newcomer, Begun),
    Ended,
}

impl Newcomer {
    pub(super) fn new(stream: TcpStream, address: IpAddr, permit: Permit) -> Newcomer {
        Newcomer { stream, address, permit, looks: 0, is_answered: false }
    }

    /// Reads what is there, `buffer` full at most, and answers the first of it. Never waits.
    pub(super) fn look<R: Responder>(mut self, shared: &Shared<R>, buffer: &mut [u8]) -> Found {
        let input = match self.stream.read(buffer) {
            Ok(0) => return Found::Ended,
            Ok(read) => buffer.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => return Found::Stays(self),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.looks += 1;
                return if self.looks < LOOKS {
                    Found::Stays(self)
                } else {
                    self.settle(&[], Vec::new(), None)
                };
            }
            Err(_) => return Found::Ended,
        };
        // Who asks again waits for its turn; and what is no message, or ends the connection, is for others to judge.
        if self.is_answered || first_message(input).is_none_or(<[u8]>::is_empty) {
            return self.settle(input, Vec::new(), None);
        }
        let client = Client { transport: Transport::Tcp, address: self.address };
        let answered = answer(&client, shared, input, |answers| write(&mut self.stream, answers));
        let Ok(Answered { burst, rest, transfer }) = answered else { return Found::Ended };
        if burst.replies > 0 {
            self.permit.place().asks();
        }
        (self.is_answered, self.looks) = (true, 0);
        let input = input.get(burst.consumed..).unwrap_or_default();
        if input.is_empty() && rest.is_empty() && transfer.is_none() {
            Found::Stays(self)
        } else {
            self.settle(input, rest, transfer)
        }
    }

    /// Has it served from here on.
    fn settle(self, input: &[u8], output: Vec<u8>, transfer: Option<Transfer>) -> Found {
        let is_again = self.is_answered;
        Found::Settles(self, Begun { input: input.to_vec(), output, transfer, is_again })
    }
}

/// Writes what the system takes at once.
fn write(stream: &mut TcpStream, octets: &[u8]) -> io::Result<usize> {
    match stream.write(octets) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(0),
        written => written,
    }
}
