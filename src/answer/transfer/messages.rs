//! The messages of a transfer, one after the other.

use super::TransferRequest;
use super::names::Names;
use crate::wire::{Flags, HEADER_LEN, Header, Name, Signing};
use crate::zone::{Step, TransferZone};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Octets of a message after which the next one begins: up to here names can be pointed at (RFC 1035 4.1.4), and longer
/// messages would be less compressed.
const ENOUGH: usize = 1 << 14;

/// Octets of the longest message.
const MOST: usize = u16::MAX as usize;

/// Why a transfer was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// Whoever takes the messages takes no more of them.
    #[error("the client takes no more")]
    Stopped,
    /// A record does not fit into a message, with what else belongs there.
    #[error("a record does not fit into a message")]
    TooLarge,
}

/// Makes the messages that answer a request, and passes each to `send`.
///
/// Where `steps` are given, these lead from the serial that the client has to what it is to have; none of them: it has that
/// already. Otherwise it gets the whole zone. `now` tells the Unix time in seconds, for signatures.
pub fn each_message(
    request: &TransferRequest,
    zone: &TransferZone<'_>,
    steps: Option<&[Arc<Step>]>,
    now: &mut dyn FnMut() -> u64,
    send: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
) -> Result<(), TransferError> {
    let mut messages = Messages {
        request,
        signing: request.signing.clone(),
        message: Vec::with_capacity(ENOUGH + 512),
        answers: 0,
        is_first: true,
        names: Names::default(),
        now,
        send,
        error: TransferError::Stopped,
    };
    messages.begin();
    let put = match steps {
        Some(steps) => messages.steps(zone, steps),
        None => messages.whole(zone),
    };
    let whole = put.is_continue() && messages.end().is_continue();
    if whole { Ok(()) } else { Err(messages.error) }
}

struct Messages<'a> {
    request: &'a TransferRequest,
    signing: Option<Signing>,
    /// The one that is being made.
    message: Vec<u8>,
    /// Records in it.
    answers: u16,
    is_first: bool,
    names: Names,
    now: &'a mut dyn FnMut() -> u64,
    send: &'a mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    /// Why it was given up, once it was.
    error: TransferError,
}

impl Messages<'_> {
    /// RFC 5936 2.2: the SOA first and last, everything else between.
    fn whole(&mut self, zone: &TransferZone<'_>) -> ControlFlow<()> {
        let (apex, soa) = (&self.request.apex, zone.soa());
        self.put(apex, &soa)?;
        zone.each_record(&mut |owner, record| self.put(owner, record))?;
        self.put(apex, &soa)
    }

    fn steps(&mut self, zone: &TransferZone<'_>, steps: &[Arc<Step>]) -> ControlFlow<()> {
        let apex = &self.request.apex;
        let Some(last) = steps.last() else {
            // RFC 1995 2: "If an IXFR query with the same or newer version number than that of the server is received, it
            // is replied to with a single SOA record".
            return self.put(apex, &zone.soa());
        };
        self.put(apex, &last.soa_after)?;
        for step in steps {
            // RFC 1995 4: deleted records behind the old SOA, added ones behind the new one.
            self.put(apex, &step.soa_before)?;
            step.difference.removed.each(&mut |owner, record| self.put(owner, record))?;
            self.put(apex, &step.soa_after)?;
            step.difference.added.each(&mut |owner, record| self.put(owner, record))?;
        }
        self.put(apex, &last.soa_after)
    }

    /// Adds a record: type, class, TTL, length and data.
    fn put(&mut self, owner: &Name, record: &[u8]) -> ControlFlow<()> {
        if self.message.len() >= ENOUGH || self.answers == u16::MAX {
            self.end()?;
            self.begin();
        }
        let longest = owner.as_wire().len() + record.len();
        if self.message.len() + longest + self.reserved() > MOST {
            if self.answers > 0 {
                self.end()?;
                self.begin();
            }
            if self.message.len() + longest + self.reserved() > MOST {
                self.error = TransferError::TooLarge;
                return ControlFlow::Break(());
            }
        }
        self.names.write(owner, &mut self.message);
        self.message.extend_from_slice(record);
        self.answers += 1;
        ControlFlow::Continue(())
    }

    /// Octets that are still to come in this message.
    fn reserved(&self) -> usize {
        let opt = self.request.opt.as_ref().filter(|_| self.is_first).map_or(0, |opt| opt.len());
        opt + self.signing.as_ref().map_or(0, Signing::room)
    }

    fn begin(&mut self) {
        self.names.clear();
        self.message.clear();
        self.message.resize(HEADER_LEN, 0);
        self.answers = 0;
        // RFC 5936 2.2.1: in the first message the question is repeated; in others it may be left out.
        if self.is_first {
            self.message.extend_from_slice(&self.request.question);
        }
    }

    /// Completes the message and passes it on.
    fn end(&mut self) -> ControlFlow<()> {
        let opt = self.request.opt.as_ref().filter(|_| self.is_first);
        let header = Header {
            id: self.request.id,
            flags: self.request.flags | Flags::AA,
            questions: u16::from(self.is_first),
            answers: self.answers,
            authorities: 0,
            additionals: u16::from(opt.is_some()),
        };
        self.message.extend_from_slice(opt.map(|opt| &**opt).unwrap_or_default());
        if let Some(place) = self.message.first_chunk_mut() {
            *place = header.to_octets();
        }
        if let Some(signing) = &mut self.signing {
            // RFC 8945 5.3.1: each message of a transfer may be signed, and here all are.
            let length = self.message.len();
            self.message.resize(length + signing.room(), 0);
            let Some(signed) = signing.sign(&mut self.message, length, (self.now)(), None) else {
                self.error = TransferError::TooLarge;
                return ControlFlow::Break(());
            };
            self.message.truncate(signed);
        }
        self.is_first = false;
        (self.send)(&self.message)
    }
}
