//! Where endpoints run, each placement once in memory: a list of a large cluster names a few thousand a hundred thousand
//! times.

use super::Text;
use crate::roster::Placement;
use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Those in use. What nobody else holds is dropped when there are twice as many.
struct Known {
    all: HashSet<Arc<Placement>>,
    sweep_at: usize,
}

/// Below this many a sweep frees nothing worth it.
const SWEEP_FROM: usize = 1024;

static KNOWN: LazyLock<Mutex<Known>> =
    LazyLock::new(|| Mutex::new(Known { all: HashSet::new(), sweep_at: SWEEP_FROM }));

/// The placement of these words, if they say anything.
pub(super) fn placement(node: Option<Text<'_>>, zone: Option<Text<'_>>) -> Option<Arc<Placement>> {
    let said = |text: Option<Text<'_>>| text.filter(|text| !text.is_empty()).map(Text::into_boxed);
    let placement = Placement { node: said(node), zone: said(zone) };
    if placement == Placement::default() {
        return None;
    }
    // Nothing is left half-done under this lock.
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = known.all.get(&placement) {
        return Some(Arc::clone(known));
    }
    if known.all.len() >= known.sweep_at {
        known.all.retain(|placement| Arc::strong_count(placement) > 1);
        known.sweep_at = SWEEP_FROM.max(2 * known.all.len());
    }
    let placement = Arc::new(placement);
    known.all.insert(Arc::clone(&placement));
    Some(placement)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_placements_are_one() {
        let of = |node: &'static str, zone: &'static str| placement(Some(node.into()), Some(zone.into()));
        let one = of("a", "b").unwrap();
        assert!(Arc::ptr_eq(&one, &of("a", "b").unwrap()));
        assert_eq!((one.node.as_deref(), one.zone.as_deref()), (Some("a"), Some("b")));
        assert_eq!(of("a", "").unwrap().zone, None);
        assert_eq!((of("", ""), placement(None, None)), (None, None));
    }
}
