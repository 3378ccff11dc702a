//! Answers to what one read has brought: one snapshot, one look at the clock and one write for several queries.

use super::responder::Responder;
use super::tally::Tally;
use super::transfer::Transfer;
use crate::answer::{Client, Outcome};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// Octets of the length before each message (RFC 1035 4.2.2).
pub(super) const LENGTH: usize = 2;

/// Octets of the largest message with its length.
pub(super) const FRAME_MAX: usize = LENGTH + u16::MAX as usize;

/// Queries of one burst: few enough that others are answered within some tens of microseconds.
pub(super) const QUERIES_MAX: u32 = 16;

/// Octets of answers after which a burst ends. The last answer goes beyond them.
const OCTETS_ENOUGH: usize = 8 << 10;

/// Room to make the answers of one burst in.
pub(super) struct Buffer<R: Responder> {
    scratch: R::Scratch,
    frames: Box<[u8]>,
}

/// Buffers that are lent for one burst, never while waiting: there are at most as many as threads.
pub(super) struct Buffers<R: Responder> {
    free: Mutex<Vec<Buffer<R>>>,
    rotation: AtomicU32,
}

impl<R: Responder> std::fmt::Debug for Buffers<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Buffers")
    }
}

/// What became of the first messages of an input.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Burst {
    /// Octets of the input that are done with.
    pub(super) consumed: usize,
    pub(super) queries: u32,
    /// Those of them that are answered.
    pub(super) replies: u32,
    /// Whether the last of them asks for a transfer.
    pub(super) transfer: bool,
}

impl<R: Responder> Default for Buffers<R> {
    fn default() -> Buffers<R> {
        Buffers { free: Mutex::default(), rotation: AtomicU32::new(0) }
    }
}

impl<R: Responder> Buffer<R> {
    /// The transfer that the last query asked for.
    pub(super) fn transfer(&mut self, responder: &R) -> Option<Transfer> {
        responder.transfer(&mut self.scratch)
    }
}

impl<R: Responder> Buffers<R> {
    pub(super) fn lend(&self, responder: &R) -> Buffer<R> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.unwrap_or_else(|| Buffer {
            scratch: responder.scratch(),
            frames: vec![0; OCTETS_ENOUGH + FRAME_MAX].into(),
        })
    }

    pub(super) fn take_back(&self, buffer: Buffer<R>) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }

    /// Answers the first messages of `input` that are complete, up to an empty one, into `buffer`. The answers stand
    /// there in order, each with its length before it, for one write (RFC 7766 8).
    pub(super) fn answer<'a>(
        &self,
        buffer: &'a mut Buffer<R>,
        responder: &R,
        client: &Client,
        input: &[u8],
        tally: &Tally,
    ) -> (Burst, &'a [u8]) {
        let batch = responder.batch();
        let view = R::view(&batch);
        let mut burst = Burst::default();
        let mut written = 0;
        while burst.queries < QUERIES_MAX && written < OCTETS_ENOUGH {
            let Some(query) = first_message(input.get(burst.consumed..).unwrap_or_default()) else { break };
            if query.is_empty() {
                break;
            }
            burst.consumed += LENGTH + query.len();
            burst.queries += 1;
            let Some(frame) = buffer.frames.get_mut(written..written + FRAME_MAX) else { break };
            let Some((length, out)) = frame.split_first_chunk_mut::<LENGTH>() else { break };
            let rotation = self.rotation.fetch_add(1, Ordering::Relaxed);
            let outcome = R::respond(&view, &mut buffer.scratch, query, client, rotation, out);
            tally.query::<true>(R::told(&buffer.scratch), query.len(), outcome);
            let octets = match outcome {
                Outcome::Reply(octets) => octets,
                Outcome::Drop => continue,
                Outcome::Transfer => {
                    burst.transfer = true;
                    break;
                }
            };
            let Ok(announced) = u16::try_from(octets) else { continue };
            *length = announced.to_be_bytes();
            written += LENGTH + octets;
            burst.replies += 1;
        }
        (burst, buffer.frames.get(..written).unwrap_or_default())
    }
}

/// The first message of `input`, once it is complete; empty where its length is zero.
pub(super) fn first_message(input: &[u8]) -> Option<&[u8]> {
    let (length, rest) = input.split_first_chunk::<LENGTH>()?;
    rest.get(..u16::from_be_bytes(*length).into())
}

#[cfg(test)]
mod tests {
    use super::super::responder::echo::Echo;
    use super::*;
    use crate::answer::Transport;
    use std::net::Ipv4Addr;

    fn frames(messages: &[&[u8]]) -> Vec<u8> {
        let frame =
            |message: &&[u8]| [&u16::try_from(message.len()).unwrap().to_be_bytes(), *message].concat();
        messages.iter().flat_map(frame).collect()
    }

    fn answer(input: &[u8]) -> (Burst, Vec<u8>) {
        let client = Client { transport: Transport::Tcp, address: Ipv4Addr::LOCALHOST.into() };
        let buffers = Buffers::<Echo>::default();
        let mut buffer = buffers.lend(&Echo);
        let (burst, octets) = buffers.answer(&mut buffer, &Echo, &client, input, &Tally::default());
        (burst, octets.to_vec())
    }

    #[test]
    fn what_is_complete_is_answered_up_to_an_empty_message() {
        // Messages, octets behind them, how many are done with, and the answers.
        type Case = (&'static [&'static [u8]], &'static [u8], usize, &'static [&'static [u8]]);
        let cases: [Case; 6] = [
            (&[], b"", 0, &[]),
            (&[], b"\0\x04abc", 0, &[]),
            (&[b"a", b"bc"], b"\0", 2, &[b"ta", b"tbc"]),
            (&[b"a", b"!", b"b"], b"\0\x02b", 3, &[b"ta", b"tb"]),
            (&[b"a", b"", b"b"], b"", 1, &[b"ta"]),
            (&[b""], b"", 0, &[]),
        ];
        for (messages, rest, done, answers) in cases {
            let (burst, octets) = answer(&[&frames(messages), rest].concat());
            assert_eq!(burst.consumed, frames(&messages[..done]).len(), "{messages:?}");
            assert_eq!(
                (burst.queries as usize, burst.replies as usize),
                (done, answers.len()),
                "{messages:?}"
            );
            assert_eq!(octets, frames(answers), "{messages:?}");
        }
    }

    #[test]
    fn a_burst_ends_by_queries_and_by_octets_and_each_answer_has_room() {
        let (burst, _) = answer(&frames(&[&b"a"[..]; 100]));
        assert_eq!((burst.queries, burst.replies), (QUERIES_MAX, QUERIES_MAX));
        let (burst, octets) = answer(&frames(&[b"*8000", b"*65535", b"a"]));
        assert_eq!((burst.queries, octets.len()), (2, LENGTH + 8000 + FRAME_MAX));
        let (burst, _) = answer(&frames(&[b"*8192", b"a"]));
        assert_eq!(burst.queries, 1);
    }
}
