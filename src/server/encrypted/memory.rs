//! Memory that streams of HTTPS and QUIC, and their messages and answers, take while they wait for somebody else.
//!
//! Windows bound what one connection has on its way, and times how many connections there may be that is far more than a
//! container has. So octets are taken from one pool, and where that is empty, whoever wants more is refused.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Octets of the pool: 256 messages of 64 KiB waiting in both directions at once.
const POOL: usize = 32 << 20;

/// What an open stream counts as, in octets, without its message: its state in the protocol, and its task. A generous guess:
/// what it takes has not been measured apart from its connection.
const STREAM: u32 = 8 << 10;

/// How many streams a connection may have open where half of the pool is taken: 1,024 connections, as many as there are by
/// default, have that many in the other half.
const STREAMS_WHEN_SCARCE: usize = 2;

/// What is left. Cheap to clone: all clones are one pool.
#[derive(Debug, Clone)]
pub(super) struct Pool(Arc<Semaphore>);

/// Octets that give back what they took from the pool when dropped.
#[derive(Debug, Default)]
pub(super) struct Octets {
    octets: Vec<u8>,
    held: Option<OwnedSemaphorePermit>,
}

/// The open streams of one connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Streams(Arc<()>);

/// An open stream, which gives back what it took from the pool when dropped.
#[derive(Debug)]
pub(super) struct Stream {
    _held: OwnedSemaphorePermit,
    _of: Streams,
}

/// The pool is empty, or a bound is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

impl Default for Pool {
    fn default() -> Pool {
        Pool(Arc::new(Semaphore::new(POOL)))
    }
}

impl Pool {
    /// What one more stream of a connection takes, if there is room. Who has many leaves the last half to who has few.
    pub(super) fn stream(&self, of: &Streams) -> Result<Stream, Full> {
        let open = Arc::strong_count(&of.0).saturating_sub(1);
        if open >= STREAMS_WHEN_SCARCE && self.0.available_permits() < POOL / 2 {
            return Err(Full);
        }
        let held = Arc::clone(&self.0).try_acquire_many_owned(STREAM).map_err(|_| Full)?;
        Ok(Stream { _held: held, _of: of.clone() })
    }

    /// A copy of `octets`, if there is room.
    pub(super) fn copy(&self, octets: &[u8]) -> Result<Octets, Full> {
        let mut copy = Octets::default();
        copy.push(octets, self)?;
        Ok(copy)
    }
}

impl Octets {
    /// Appends, if there is room.
    pub(super) fn push(&mut self, more: &[u8], pool: &Pool) -> Result<(), Full> {
        let count = u32::try_from(more.len()).map_err(|_| Full)?;
        let taken = Arc::clone(&pool.0).try_acquire_many_owned(count).map_err(|_| Full)?;
        match &mut self.held {
            Some(held) => held.merge(taken),
            None => self.held = Some(taken),
        }
        self.octets.extend_from_slice(more);
        Ok(())
    }
}

impl AsRef<[u8]> for Octets {
    fn as_ref(&self) -> &[u8] {
        &self.octets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_never_more_than_the_pool_and_comes_back() {
        let pool = Pool::default();
        let mut octets = pool.copy(b"ab").unwrap();
        octets.push(b"c", &pool).unwrap();
        assert_eq!(octets.as_ref(), b"abc");
        let large = vec![0; POOL - 3];
        let rest = pool.copy(&large).unwrap();
        assert_eq!(octets.push(b"d", &pool), Err(Full));
        assert_eq!(pool.copy(b"x").map(drop), Err(Full));
        assert_eq!(octets.as_ref(), b"abc", "a refusal changes nothing");
        drop(rest);
        octets.push(b"d", &pool).unwrap();
        drop(octets);
        assert_eq!(pool.0.available_permits(), POOL);
    }

    #[test]
    fn streams_take_room_while_they_are_open() {
        let pool = Pool::default();
        let most = POOL / STREAM as usize;
        // One connection gets half of all, and then no more.
        let greedy = Streams::default();
        let held: Vec<Stream> = (0..=most / 2).map(|_| pool.stream(&greedy).unwrap()).collect();
        assert_eq!(pool.stream(&greedy).map(drop), Err(Full));
        // Others have theirs, until nothing is left.
        let others: Vec<Streams> = (0..1024).map(|_| Streams::default()).collect();
        let mut theirs = Vec::new();
        for _ in 0..STREAMS_WHEN_SCARCE {
            theirs.extend(others.iter().filter_map(|other| pool.stream(other).ok()));
        }
        assert_eq!(theirs.len(), most / 2 - 1);
        let last = others.last().unwrap();
        assert_eq!((pool.stream(last).map(drop), pool.copy(b"x").map(drop)), (Err(Full), Err(Full)));
        drop((held, theirs));
        assert_eq!(pool.0.available_permits(), POOL);
        pool.stream(&greedy).unwrap();
    }
}
