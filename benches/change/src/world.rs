//! The endpoints of a cluster, as its EndpointSlices: namespaces with 3 sets of 250, 25 of 30 and 300 of 5 peers each,
//! and one set of 5,000 beside them where there is room.

use std::net::Ipv4Addr;

/// Peers of a whole namespace: 3 × 250 + 25 × 30 + 300 × 5.
const NAMESPACE: usize = 3_000;

/// How many sets of a whole namespace have how many peers, and of the third of one.
const WHOLE: [(usize, usize); 3] = [(3, 250), (25, 30), (300, 5)];
const THIRD: [(usize, usize); 3] = [(1, 250), (8, 30), (102, 5)];

/// The set that is too large for one message, from so many peers on.
const LARGE: usize = 5_000;
const LARGE_FROM: usize = 10_000;

/// "Defaults to 100": `--max-endpoints-per-slice` of kube-controller-manager.
const PER_SLICE: usize = 100;

/// The first address of peers that come later.
const LATER: u32 = 0x0b00_0000;

/// One EndpointSlice.
#[derive(Clone)]
pub struct Slice {
    pub namespace: String,
    pub service: String,
    /// Which of the slices of its Service it is.
    pub place: usize,
    pub peers: Vec<Ipv4Addr>,
    /// How many peers its whole set has.
    pub set_size: usize,
}

/// All of them.
pub struct World {
    pub slices: Vec<Slice>,
    later: u32,
}

impl World {
    /// About so many peers; a multiple of 1,000 exactly, but for the set of 5,000 beside them.
    pub fn new(peers: usize) -> World {
        let mut world = World { slices: Vec::new(), later: LATER };
        let mut addresses = (0x0a00_0000_u32..).map(Ipv4Addr::from);
        let mut namespaces = 0..;
        let mut namespace = |sets: &[(usize, usize)]| {
            let namespace = format!("team-{:04}", namespaces.next().unwrap_or_default());
            for &(count, size) in sets {
                for index in 0..count {
                    let service = format!("app-{size}-{index:03}");
                    let peers: Vec<Ipv4Addr> = addresses.by_ref().take(size).collect();
                    for (place, peers) in peers.chunks(PER_SLICE).enumerate() {
                        let (namespace, service) = (namespace.clone(), service.clone());
                        let peers = peers.to_vec();
                        world.slices.push(Slice { namespace, service, place, peers, set_size: size });
                    }
                }
            }
        };
        (0..peers / NAMESPACE).for_each(|_| namespace(&WHOLE));
        (0..peers % NAMESPACE / 1_000).for_each(|_| namespace(&THIRD));
        if peers >= LARGE_FROM {
            namespace(&[(1, LARGE)]);
        }
        world
    }

    /// The slices of sets of this size, by their places.
    pub fn of_size(&self, size: usize) -> Vec<usize> {
        (0..self.slices.len()).filter(|&at| self.slices[at].set_size == size).collect()
    }

    /// How many peers there are.
    pub fn peers(&self) -> usize {
        self.slices.iter().map(|slice| slice.peers.len()).sum()
    }

    /// An address that nobody has had.
    pub fn later(&mut self) -> Ipv4Addr {
        self.later += 1;
        Ipv4Addr::from(self.later)
    }
}

impl Slice {
    /// The name of the set.
    pub fn set_name(&self) -> String {
        format!("{}.{}.svc.peers.cluster.local", self.service, self.namespace)
    }

    /// The name of one peer in it, which exists while the peer is in: as cheap to ask in a large set as in a small one.
    pub fn peer_name(&self, address: Ipv4Addr) -> String {
        format!("{}.{}", address.to_string().replace('.', "-"), self.set_name())
    }
}
