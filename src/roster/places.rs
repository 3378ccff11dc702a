//! Where endpoints run: nodes and zones under small numbers, because thousands of endpoints share a few.

use super::Placement;
use foldhash::HashMap;
use std::sync::Arc;

/// The number of a placement; 0 is that of none. Two octets, which stand in each endpoint where nothing else would.
pub(super) type Place = u16;

/// The placements in use.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Number `n` stands at `n - 1`, with how many endpoints have it.
    slots: Vec<Option<(Arc<Placement>, u32)>>,
    numbers: HashMap<Arc<Placement>, Place>,
    free: Vec<Place>,
}

impl Places {
    /// The placement of a number.
    pub(super) fn get(&self, place: Place) -> Option<&Arc<Placement>> {
        self.slots.get(usize::from(place).checked_sub(1)?)?.as_ref().map(|(placement, _)| placement)
    }

    /// Puts an endpoint at another placement. Where there are more placements than numbers, it is nowhere.
    pub(super) fn set(&mut self, place: &mut Place, placement: Option<&Arc<Placement>>) {
        if self.is(*place, placement) {
            return;
        }
        self.release(*place);
        *place = placement.and_then(|placement| self.take(placement)).unwrap_or(0);
    }

    /// An endpoint is gone.
    pub(super) fn release(&mut self, place: Place) {
        let Some(slot) = usize::from(place).checked_sub(1).and_then(|index| self.slots.get_mut(index)) else {
            return;
        };
        let Some((placement, users)) = slot else { return };
        *users = users.saturating_sub(1);
        if *users == 0 {
            self.numbers.remove(placement);
            *slot = None;
            self.free.push(place);
        }
    }

    /// Whether an endpoint of this number is told to be at this placement.
    pub(super) fn is(&self, place: Place, placement: Option<&Arc<Placement>>) -> bool {
        match (self.get(place), placement) {
            (Some(one), Some(other)) => one == other,
            (None, None) => true,
            (Some(_), None) => false,
            (None, Some(other)) => self.is_full() && !self.numbers.contains_key(other),
        }
    }

    fn is_full(&self) -> bool {
        self.free.is_empty() && self.slots.len() == usize::from(Place::MAX)
    }

    fn take(&mut self, placement: &Arc<Placement>) -> Option<Place> {
        if let Some(place) = self.numbers.get(placement).copied() {
            if let Some(Some((_, users))) = self.slots.get_mut(usize::from(place).checked_sub(1)?) {
                *users = users.saturating_add(1);
            }
            return Some(place);
        }
        let place = if let Some(place) = self.free.pop() {
            place
        } else {
            let place = Place::try_from(self.slots.len() + 1).ok()?;
            self.slots.push(None);
            place
        };
        *self.slots.get_mut(usize::from(place).checked_sub(1)?)? = Some((Arc::clone(placement), 1));
        self.numbers.insert(Arc::clone(placement), place);
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn placement(number: usize) -> Arc<Placement> {
        Arc::new(Placement { node: Some(format!("node-{number}").into()), zone: None })
    }

    #[test]
    fn more_placements_than_numbers_are_nowhere() {
        let mut places = Places::default();
        let mut all = vec![0; usize::from(Place::MAX) + 2];
        for (number, place) in all.iter_mut().enumerate() {
            places.set(place, Some(&placement(number)));
        }
        assert_eq!(all[usize::from(Place::MAX) - 1..], [Place::MAX, 0, 0]);
        let last = placement(all.len() - 1);
        assert!(places.is(0, Some(&last)) && !places.is(0, Some(&placement(0))));
        // A number that nobody has any more is given again.
        places.set(&mut all[7], None);
        assert!(!places.is(0, Some(&last)));
        let mut again = 0;
        places.set(&mut again, Some(&last));
        assert_eq!((again, places.get(again)), (8, Some(&last)));
    }

    proptest! {
        #[test]
        fn what_was_set_is_found_and_what_nobody_has_is_forgotten(
            steps in prop::collection::vec((0..8_usize, prop::option::of(0..5_usize)), 0..200),
        ) {
            let mut places = Places::default();
            let (mut held, mut model) = ([0; 8], [None; 8]);
            for (who, wanted) in steps {
                let placement = wanted.map(placement);
                places.set(&mut held[who], placement.as_ref());
                model[who] = wanted;
                prop_assert!(places.is(held[who], placement.as_ref()));
            }
            for (place, wanted) in held.into_iter().zip(model) {
                prop_assert_eq!(places.get(place).cloned(), wanted.map(placement));
            }
            let used: std::collections::BTreeSet<_> = model.into_iter().flatten().collect();
            prop_assert_eq!(places.numbers.len(), used.len());
            for place in held {
                places.release(place);
            }
            prop_assert!(places.numbers.is_empty());
        }
    }
}
