//! Equal values shared: namespaces, set names, port lists stand in memory once.

use foldhash::HashSet;
use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;

/// Values in use. Those that nobody else holds are dropped when the table has doubled.
#[derive(Debug)]
pub(super) struct Interner<T: ?Sized + Hash + Eq> {
    known: HashSet<Arc<T>>,
    sweep_at: usize,
}

/// Below this many values a sweep frees nothing worth it.
const SWEEP_FROM: usize = 1024;

impl<T: ?Sized + Hash + Eq> Interner<T> {
    /// The shared value equal to `value`.
    pub(super) fn intern<B>(&mut self, value: B) -> Arc<T>
    where
        B: Borrow<T> + Into<Arc<T>>,
    {
        if let Some(known) = self.known.get(value.borrow()) {
            return Arc::clone(known);
        }
        if self.known.len() >= self.sweep_at {
            self.known.retain(|known| Arc::strong_count(known) > 1);
            self.sweep_at = SWEEP_FROM.max(2 * self.known.len());
        }
        let shared: Arc<T> = value.into();
        self.known.insert(Arc::clone(&shared));
        shared
    }
}

impl<T: ?Sized + Hash + Eq> Default for Interner<T> {
    fn default() -> Interner<T> {
        Interner { known: HashSet::default(), sweep_at: SWEEP_FROM }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_one_and_unused_ones_go() {
        let mut names: Interner<str> = Interner::default();
        let kept = names.intern("kept");
        assert!(Arc::ptr_eq(&kept, &names.intern("kept")));
        for number in 0..10 * SWEEP_FROM {
            names.intern(number.to_string().as_str());
        }
        assert!(names.known.len() <= 2 * SWEEP_FROM);
        assert!(Arc::ptr_eq(&kept, &names.intern("kept")));
    }
}
