//! The chunks of a list: nearly always one, which needs no list.

use super::chunk::Chunk;

/// Chunks in order.
#[derive(Debug, Clone)]
pub(super) enum Chunks {
    One(Chunk),
    Several(Vec<Chunk>),
}

impl Chunks {
    pub(super) const EMPTY: Chunks = Chunks::Several(Vec::new());

    #[inline]
    pub(super) fn as_slice(&self) -> &[Chunk] {
        match self {
            Chunks::One(chunk) => std::slice::from_ref(chunk),
            Chunks::Several(chunks) => chunks,
        }
    }

    /// The chunk that is alone. [`Chunks::insert`] and [`Chunks::remove`] never leave a list of one.
    #[inline]
    pub(super) fn only(&self) -> Option<&Chunk> {
        match self {
            Chunks::One(chunk) => Some(chunk),
            Chunks::Several(_) => None,
        }
    }

    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut Chunk> {
        self.each_mut().nth(place)
    }

    pub(super) fn each_mut(&mut self) -> impl Iterator<Item = &mut Chunk> {
        match self {
            Chunks::One(chunk) => std::slice::from_mut(chunk).iter_mut(),
            Chunks::Several(chunks) => chunks.iter_mut(),
        }
    }

    /// Puts a chunk at a place up to behind the last.
    pub(super) fn insert(&mut self, place: usize, chunk: Chunk) {
        *self = match std::mem::take(self) {
            Chunks::Several(chunks) if chunks.is_empty() => Chunks::One(chunk),
            Chunks::One(only) if place == 0 => Chunks::Several(vec![chunk, only]),
            Chunks::One(only) => Chunks::Several(vec![only, chunk]),
            Chunks::Several(mut chunks) => {
                chunks.insert(place.min(chunks.len()), chunk);
                Chunks::Several(chunks)
            }
        };
    }

    pub(super) fn remove(&mut self, place: usize) -> Option<Chunk> {
        let mut chunks = match std::mem::take(self) {
            Chunks::One(only) => vec![only],
            Chunks::Several(chunks) => chunks,
        };
        let removed = (place < chunks.len()).then(|| chunks.remove(place));
        *self = match <[Chunk; 1]>::try_from(chunks) {
            Ok([only]) => Chunks::One(only),
            Err(chunks) => Chunks::Several(chunks),
        };
        removed
    }
}

impl Default for Chunks {
    fn default() -> Chunks {
        Chunks::EMPTY
    }
}
