//! The endpoints of a cluster, as its EndpointSlices: namespaces with 3 sets of 250, 25 of 30 and 300 of 5 peers each,
//! and one set of 5,000 beside them where there is room.

use std::fmt::Write;
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
    place: usize,
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
    /// As the API server writes it: `head` says kind and version in events, and nothing in lists.
    pub fn json(&self, head: &str, revision: u64) -> Vec<u8> {
        let Slice { namespace, service, place, peers, .. } = self;
        let mut text = String::with_capacity(1_200 + 340 * peers.len());
        // Writing to a String does not fail.
        let _ = write!(
            text,
            r#"{{{head}"metadata":{{"name":"{service}-{place}","generateName":"{service}-","namespace":"{namespace}","uid":"6f1d8c52-9f5e-4f0e-8a55-1c0ffee0{place:04x}","resourceVersion":"{revision}","generation":7,"creationTimestamp":"2026-11-22T12:00:00Z","labels":{{"app":"{service}","endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io","kubernetes.io/service-name":"{service}","service.kubernetes.io/headless":""}},"annotations":{{"endpoints.kubernetes.io/last-change-trigger-time":"2026-11-22T12:00:00Z"}},"ownerReferences":[{{"apiVersion":"v1","kind":"Service","name":"{service}","uid":"6f1d8c52-9f5e-4f0e-8a55-1c0ffee0ffee","controller":true,"blockOwnerDeletion":true}}],"managedFields":[{{"manager":"kube-controller-manager","operation":"Update","apiVersion":"discovery.k8s.io/v1","time":"2026-11-22T12:00:00Z","fieldsType":"FieldsV1","fieldsV1":{{"f:addressType":{{}},"f:endpoints":{{}},"f:metadata":{{"f:annotations":{{".":{{}},"f:endpoints.kubernetes.io/last-change-trigger-time":{{}}}},"f:generateName":{{}},"f:labels":{{".":{{}},"f:app":{{}},"f:endpointslice.kubernetes.io/managed-by":{{}},"f:kubernetes.io/service-name":{{}},"f:service.kubernetes.io/headless":{{}}}},"f:ownerReferences":{{".":{{}},"k:{{\"uid\":\"6f1d8c52-9f5e-4f0e-8a55-1c0ffee0ffee\"}}":{{}}}}}},"f:ports":{{}}}}}}]}},"addressType":"IPv4","endpoints":["#
        );
        for (index, address) in peers.iter().enumerate() {
            let [_, second, third, last] = address.octets();
            let number = u32::from(*address);
            let comma = if index > 0 { "," } else { "" };
            let _ = write!(
                text,
                r#"{comma}{{"addresses":["{address}"],"conditions":{{"ready":true,"serving":true,"terminating":false}},"targetRef":{{"kind":"Pod","namespace":"{namespace}","name":"{service}-{second:02x}{third:02x}{last:02x}","uid":"00000000-0000-4000-8000-0000{number:08x}"}},"nodeName":"node-{last:03}","zone":"zone-{}"}}"#,
                last % 3
            );
        }
        text.push_str(r#"],"ports":[{"name":"epmd","protocol":"TCP","port":4369}]}"#);
        text.into_bytes()
    }

    /// The name of the set.
    pub fn set_name(&self) -> String {
        format!("{}.{}.svc.peers.cluster.local", self.service, self.namespace)
    }

    /// The name of one peer in it, which exists while the peer is in: as cheap to ask in a large set as in a small one.
    pub fn peer_name(&self, address: Ipv4Addr) -> String {
        format!("{}.{}", address.to_string().replace('.', "-"), self.set_name())
    }
}
