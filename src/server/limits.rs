//! How many TCP connections there may be, in total and from one client, and which one gives way to a new one.
//!
//! An IPv4 client is an address. An IPv6 client is the first 64 bits of one: a host chooses the others itself (RFC 4291
//! 2.5.1 has interface identifiers of 64 bits), and could have as many addresses as it likes.
//!
//! A client with too many connections gets no more. Where all places are taken by many clients, a new connection takes
//! the place of one that has been silent: whoever holds connections open cannot keep others out (RFC 7766 6.2.3: under
//! load, servers may close idle connections at once). Which one, a clock decides: each connection in turn, the oldest
//! first, is passed over once if it has asked anything since its last turn.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// Connections that may be on their way out while others have their places: more descriptors than the limit says.
const LEAVING_MAX: usize = 32;

/// Hands out permits for connections.
#[derive(Debug)]
pub(crate) struct Permits {
    total: usize,
    per_client: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    /// In the order of their turns.
    places: BTreeMap<u64, Arc<Place>>,
    /// The next turn: more than have ever been given.
    next_turn: u64,
    /// Those that were told to go and have not gone.
    leaving: usize,
    /// Only clients that have a connection: bounded by the total.
    by_client: HashMap<IpAddr, usize, foldhash::fast::RandomState>,
}

/// What is known of a connection while it lasts.
#[derive(Debug, Default)]
pub(crate) struct Place {
    asked: AtomicBool,
    /// Its key among the places; written under their lock.
    turn: AtomicU64,
    told_to_go: Notify,
}

/// What a connection holds while it is open, given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    permits: Arc<Permits>,
    client: IpAddr,
    place: Arc<Place>,
    /// Whether somebody had to go for it.
    pub(super) is_anothers: bool,
}

impl Permits {
    /// Permits for so many connections in all, and so many of one client.
    pub(crate) fn new(total: usize, per_client: usize) -> Arc<Permits> {
        Arc::new(Permits { total, per_client, taken: Mutex::default() })
    }

    /// A permit for a connection from `address`, unless its client has as many as it may, or too many are leaving.
    pub(crate) fn acquire(self: &Arc<Permits>, address: IpAddr) -> Option<Permit> {
        let client = client(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_client = taken.by_client.get(&client).copied().unwrap_or(0);
        if of_client >= self.per_client {
            return None;
        }
        let is_anothers = taken.places.len() >= self.total;
        if is_anothers && (taken.leaving >= LEAVING_MAX || !taken.make_room()) {
            return None;
        }
        let place = Arc::<Place>::default();
        taken.enter(Arc::clone(&place));
        taken.by_client.insert(client, of_client + 1);
        Some(Permit { permits: Arc::clone(self), client, place, is_anothers })
    }
}

impl Taken {
    fn enter(&mut self, place: Arc<Place>) {
        place.turn.store(self.next_turn, Ordering::Relaxed);
        self.places.insert(self.next_turn, place);
        self.next_turn += 1;
    }

    /// Tells the first connection to go whose turn it is and that has asked nothing since the last one. Every query
    /// that was ever asked makes this one step longer once.
    fn make_room(&mut self) -> bool {
        while let Some((_, place)) = self.places.pop_first() {
            if place.asked.swap(false, Ordering::Relaxed) {
                self.enter(place);
            } else {
                place.told_to_go.notify_one();
                self.leaving += 1;
                return true;
            }
        }
        false
    }
}

impl Place {
    /// The client has asked something.
    pub(crate) fn asks(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }
}

impl Permit {
    /// What is known of the connection.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The same, for what outlives a borrow.
    pub(super) fn shared_place(&self) -> Arc<Place> {
        Arc::clone(&self.place)
    }

    /// Returns when the connection has to go.
    pub(crate) async fn told_to_go(&self) {
        self.place.told_to_go.notified().await;
    }
}

/// What connections from this address are counted under.
fn client(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut taken = self.permits.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.places.remove(&self.place.turn.load(Ordering::Relaxed)).is_none() {
            taken.leaving = taken.leaving.saturating_sub(1);
        }
        if let Some(of_client) = taken.by_client.get_mut(&self.client) {
            *of_client = of_client.saturating_sub(1);
            if *of_client == 0 {
                taken.by_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Waker};

    fn addresses<const N: usize>(texts: [&str; N]) -> [IpAddr; N] {
        texts.map(|text| text.parse().unwrap())
    }

    fn is_told_to_go(permit: &Permit) -> bool {
        pin!(permit.told_to_go()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn permits_are_limited_by_client_and_come_back() {
        let permits = Permits::new(3, 2);
        let [one, two] = addresses(["192.0.2.1", "2001:db8::2"]);
        let first = permits.acquire(one).unwrap();
        let second = permits.acquire(one).unwrap();
        assert!(permits.acquire(one).is_none(), "two from one address");
        let third = permits.acquire(two).unwrap();
        assert!(
            ![&first, &second, &third].into_iter().any(is_told_to_go),
            "a client's own limit is its own affair"
        );
        drop(first);
        let fourth = permits.acquire(one).unwrap();
        assert!(!fourth.is_anothers);
        assert_eq!(permits.taken.lock().unwrap().by_client.len(), 2);
    }

    #[test]
    fn where_all_places_are_taken_the_silent_go_in_turn() {
        let permits = Permits::new(3, 9);
        let [address] = addresses(["192.0.2.1"]);
        let old = [(); 3].map(|()| permits.acquire(address).unwrap());
        let new = permits.acquire(address).unwrap();
        assert!(new.is_anothers);
        assert_eq!(old.each_ref().map(is_told_to_go), [true, false, false]);
        old[1].place().asks();
        let newer = permits.acquire(address).unwrap();
        assert_eq!(old.each_ref().map(is_told_to_go), [false, false, true], "who has asked is passed over");
        assert!(![&new, &newer].into_iter().any(is_told_to_go));
        assert_eq!(permits.taken.lock().unwrap().leaving, 2);
        drop((old, new, newer));
        let taken = permits.taken.lock().unwrap();
        assert_eq!((taken.places.len(), taken.leaving, taken.by_client.len()), (0, 0, 0));
    }

    #[test]
    fn only_so_many_are_leaving_at_a_time() {
        let permits = Permits::new(1, 1000);
        let [address] = addresses(["192.0.2.1"]);
        let mut open: Vec<Permit> = (0..=LEAVING_MAX).map(|_| permits.acquire(address).unwrap()).collect();
        assert!(permits.acquire(address).is_none());
        assert_eq!(open.iter().filter(|permit| is_told_to_go(permit)).count(), LEAVING_MAX);
        drop(open.remove(0));
        assert!(permits.acquire(address).is_some());
        assert!(Permits::new(0, 1).acquire(address).is_none());
    }

    #[test]
    fn a_client_is_an_ipv4_address_or_an_ipv6_network() {
        for (one, other, same) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("2001:db8::1", "2001:db8::1", true),
            ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
        ] {
            let permits = Permits::new(2, 1);
            let _first = permits.acquire(one.parse().unwrap()).unwrap();
            assert_eq!(permits.acquire(other.parse().unwrap()).is_none(), same, "{one} {other}");
        }
    }

    #[test]
    fn no_address_is_remembered_without_a_connection() {
        let permits = Permits::new(3, 2);
        drop(permits.acquire("192.0.2.1".parse().unwrap()));
        let taken = permits.taken.lock().unwrap();
        assert!(taken.by_client.is_empty() && taken.places.is_empty());
    }
}
