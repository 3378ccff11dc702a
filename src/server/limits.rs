//! How many TCP connections there may be, in total and from one client.
//!
//! An IPv4 client is an address. An IPv6 client is the first 64 bits of one: a host chooses the others itself (RFC 4291
//! 2.5.1 has interface identifiers of 64 bits), and could have as many addresses as it likes.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Hands out permits for connections.
#[derive(Debug)]
pub(super) struct Permits {
    total: usize,
    per_client: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    /// Only clients that have a connection: bounded by the total.
    by_client: HashMap<IpAddr, usize, foldhash::fast::RandomState>,
}

/// What a connection holds while it is open, given back when dropped.
#[derive(Debug)]
pub(super) struct Permit {
    permits: Arc<Permits>,
    client: IpAddr,
}

impl Permits {
    pub(super) fn new(total: usize, per_client: usize) -> Arc<Permits> {
        Arc::new(Permits { total, per_client, taken: Mutex::default() })
    }

    /// A permit for a connection from `address`, unless that would be one too many.
    pub(super) fn acquire(self: &Arc<Permits>, address: IpAddr) -> Option<Permit> {
        let client = client(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_client = taken.by_client.get(&client).copied().unwrap_or(0);
        if taken.total >= self.total || of_client >= self.per_client {
            return None;
        }
        taken.total += 1;
        taken.by_client.insert(client, of_client + 1);
        Some(Permit { permits: Arc::clone(self), client })
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
        taken.total = taken.total.saturating_sub(1);
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

    #[test]
    fn permits_are_limited_in_total_and_by_client_and_come_back() {
        let permits = Permits::new(3, 2);
        let [one, two]: [IpAddr; 2] = ["192.0.2.1".parse().unwrap(), "2001:db8::2".parse().unwrap()];
        let first = permits.acquire(one).unwrap();
        let _second = permits.acquire(one).unwrap();
        assert!(permits.acquire(one).is_none(), "two from one address");
        let third = permits.acquire(two).unwrap();
        assert!(permits.acquire(two).is_none(), "three in total");
        drop(first);
        let _fourth = permits.acquire(two).unwrap();
        assert!(permits.acquire(one).is_none(), "three in total");
        drop(third);
        let _fifth = permits.acquire(one).unwrap();
        assert_eq!(permits.taken.lock().unwrap().by_client.len(), 2);
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
        assert!(permits.taken.lock().unwrap().by_client.is_empty());
        assert_eq!(permits.taken.lock().unwrap().total, 0);
    }
}
