//! Memory that messages and answers of HTTPS and QUIC take while they wait for somebody else.
//!
//! Windows bound what one connection has on its way, and times how many connections there may be that is far more than a
//! container has. So octets are taken from one pool, and where that is empty, whoever wants more is refused.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Octets of the pool: 256 messages of 64 KiB waiting in both directions at once.
const POOL: usize = 32 << 20;

/// What is left. Cheap to clone: all clones are one pool.
#[derive(Debug, Clone)]
pub(super) struct Pool(Arc<Semaphore>);

/// Octets that give back what they took from the pool when dropped.
#[derive(Debug, Default)]
pub(super) struct Octets {
    octets: Vec<u8>,
    held: Option<OwnedSemaphorePermit>,
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
}
