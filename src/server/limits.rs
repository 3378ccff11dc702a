//! How many TCP connections there may be, in total and from one client address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Hands out places for connections.
#[derive(Debug)]
pub(super) struct Places {
    total: usize,
    per_address: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    /// Only addresses that have a connection: bounded by the total.
    by_address: HashMap<IpAddr, usize, foldhash::fast::RandomState>,
}

/// A connection's place, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    pub(super) fn new(total: usize, per_address: usize) -> Arc<Places> {
        Arc::new(Places { total, per_address, taken: Mutex::default() })
    }

    /// A place for a connection from `address`, unless that would be one too many.
    pub(super) fn take(self: &Arc<Places>, address: IpAddr) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = taken.by_address.get(&address).copied().unwrap_or(0);
        if taken.total >= self.total || of_address >= self.per_address {
            return None;
        }
        taken.total += 1;
        taken.by_address.insert(address, of_address + 1);
        Some(Place { places: Arc::clone(self), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.total = taken.total.saturating_sub(1);
        if let Some(of_address) = taken.by_address.get_mut(&self.address) {
            *of_address = of_address.saturating_sub(1);
            if *of_address == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_in_total_and_by_address_and_come_back() {
        let places = Places::new(3, 2);
        let [one, two]: [IpAddr; 2] = ["192.0.2.1".parse().unwrap(), "2001:db8::2".parse().unwrap()];
        let first = places.take(one).unwrap();
        let _second = places.take(one).unwrap();
        assert!(places.take(one).is_none(), "two from one address");
        let third = places.take(two).unwrap();
        assert!(places.take(two).is_none(), "three in total");
        drop(first);
        let _fourth = places.take(two).unwrap();
        assert!(places.take(one).is_none(), "three in total");
        drop(third);
        let _fifth = places.take(one).unwrap();
        assert_eq!(places.taken.lock().unwrap().by_address.len(), 2);
    }

    #[test]
    fn no_address_is_remembered_without_a_connection() {
        let places = Places::new(3, 2);
        drop(places.take("192.0.2.1".parse().unwrap()));
        assert!(places.taken.lock().unwrap().by_address.is_empty());
        assert_eq!(places.taken.lock().unwrap().total, 0);
    }
}
