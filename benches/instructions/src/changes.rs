//! What one change costs from the decoded event until it is published, and the event and the snapshot before are freed.

use pure::roster::{
    Conditions, Endpoint, EndpointGroup, EndpointObject, Event, EventKind, Gives, ObjectKey, ObjectKind,
    Options, Port, Protocol, Roster, Scope, Topology, Uid, WatchId,
};
use pure::zone::{PodNames, Snapshot, SnapshotWriter, ZoneConfig};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// Changes of each shape.
const CHANGES: usize = 200;

/// Endpoints of a slice: "Defaults to 100", `--max-endpoints-per-slice` of kube-controller-manager.
const PER_SLICE: usize = 100;

/// Peers of sets: how many sets of 250 and 5,000 there are beside those of five.
const SIZES: [(usize, usize); 2] = [(5000, 1), (250, 10)];

/// A kind of change.
#[derive(Debug, Clone, Copy)]
pub struct ChangeShape {
    pub label: &'static str,
    /// What it must not cost any more: as measured at either size of the cluster, and a few for what compilers change.
    pub limit: u64,
    /// Peers of the sets that change; of all where it is 0.
    set_size: usize,
    what: What,
    /// How many events become visible together.
    batch: usize,
    /// How many events there are.
    pub changes: usize,
}

/// What an event says of a slice.
#[derive(Debug, Clone, Copy)]
enum What {
    /// Another pod is there in the place of one.
    Replaced,
    /// It is gone.
    Deleted,
    /// Each third pod is gone, as with a zone of the cluster.
    Third,
}

pub const SHAPES: [ChangeShape; 6] = [
    ChangeShape {
        label: "a pod of a set of 5",
        limit: 59_300,
        set_size: 5,
        what: What::Replaced,
        batch: 1,
        changes: CHANGES,
    },
    ChangeShape {
        label: "a pod of a set of 250",
        limit: 113_200,
        set_size: 250,
        what: What::Replaced,
        batch: 1,
        changes: CHANGES,
    },
    ChangeShape {
        label: "a pod of a set of 5,000",
        limit: 117_100,
        set_size: 5000,
        what: What::Replaced,
        batch: 1,
        changes: CHANGES,
    },
    ChangeShape {
        label: "a pod of a set of 5, 100 together",
        limit: 51_800,
        set_size: 5,
        what: What::Replaced,
        batch: 100,
        changes: CHANGES,
    },
    ChangeShape {
        label: "a third of each slice, 500 together",
        limit: 142_400,
        set_size: 0,
        what: What::Third,
        batch: 500,
        changes: 1_000,
    },
    ChangeShape {
        label: "a slice of 5 deleted",
        limit: 112_200,
        set_size: 5,
        what: What::Deleted,
        batch: 1,
        changes: CHANGES,
    },
];

/// A cluster that changes.
pub struct Cluster {
    roster: Roster,
    writer: SnapshotWriter,
    published: Option<Arc<Snapshot>>,
    slices: Vec<(usize, EndpointObject)>,
    revision: u64,
    peers: u32,
}

impl Cluster {
    /// One of about so many pods.
    pub fn new(pods: usize) -> Cluster {
        let roster = Roster::new(Options {
            cluster_domain: "cluster.local".into(),
            zone: "peers.cluster.local".into(),
            label_settings: true,
            topologies: vec![Topology::every_service()],
        });
        let name = |text: &str| text.parse().expect("a name");
        let writer = SnapshotWriter::new(ZoneConfig {
            zone: name("peers.cluster.local"),
            cluster_domain: name("cluster.local"),
            pods: PodNames::Verified,
            reverse_zones: Vec::new(),
            advertise: vec!["192.0.2.53".parse().expect("an address")],
            nameserver: None,
            hostmaster: None,
            ttl: None,
            negative_ttl: 5,
        })
        .expect("zones");
        let mut cluster =
            Cluster { roster, writer, published: None, slices: Vec::new(), revision: 7, peers: 0 };
        let large: usize = SIZES.iter().map(|(peers, sets)| peers * sets).sum();
        let fives = pods.saturating_sub(large) / 5;
        for (peers, sets) in SIZES.into_iter().chain([(5, fives)]) {
            for set in 0..sets {
                cluster.add_set(peers, set);
            }
        }
        let tell = |kind| Event { watch: WatchId(0), revision: Some(7), kind };
        cluster.roster.handle(tell(EventKind::Started(Scope::All, Gives::Peers)));
        for (_, object) in &cluster.slices {
            cluster.roster.handle(tell(EventKind::Apply(Box::new(object.clone()))));
        }
        cluster.roster.handle(tell(EventKind::Synced));
        cluster.publish();
        cluster
    }

    fn add_set(&mut self, peers: usize, set: usize) {
        let mut left = peers;
        for place in 0..peers.div_ceil(PER_SLICE) {
            let here = left.min(PER_SLICE);
            left -= here;
            let endpoints = (0..here).map(|_| self.endpoint()).collect();
            self.slices.push((peers, slice(&format!("app-{peers}-{set}"), set, place, endpoints)));
        }
    }

    /// Whoever has not been there before.
    fn endpoint(&mut self) -> Endpoint {
        self.peers += 1;
        // Neighbours in a slice are on many nodes, each with a network of its own.
        let address = 0x0a00_0001 + self.peers.wrapping_mul(0x9e37_79b1) % 0x00ff_fffd;
        Endpoint {
            addresses: vec![IpAddr::V4(Ipv4Addr::from_bits(address))].into(),
            hostname: None,
            uid: Some(Uid::Uuid(
                u128::from(self.peers).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes(),
            )),
            // Sources leave out what is the object's own, as it nearly always is.
            namespace: None,
            conditions: Conditions { ready: Some(true), serving: Some(true), terminating: Some(false) },
            placement: None,
        }
    }

    /// The events of a shape.
    pub fn events(&mut self, shape: ChangeShape) -> Vec<Vec<Event>> {
        let places: Vec<usize> =
            (0..self.slices.len()).filter(|at| [0, self.slices[*at].0].contains(&shape.set_size)).collect();
        let mut events = Vec::new();
        for change in 0..shape.changes {
            // A stride through all, so that neighbours in time are not neighbours in memory.
            let place = places[change * 977 % places.len()];
            self.revision += 1;
            let new = self.endpoint();
            let object = &mut self.slices[place].1;
            let endpoints = &mut object.groups[0].endpoints;
            let kind = match shape.what {
                What::Deleted => EventKind::Delete(object.key.clone()),
                What::Replaced => {
                    let gone = change * 31 % endpoints.len();
                    endpoints[gone] = new;
                    EventKind::Apply(Box::new(object.clone()))
                }
                What::Third => {
                    let mut number = 0..;
                    endpoints.retain(|_| number.next().is_none_or(|number: usize| !number.is_multiple_of(3)));
                    EventKind::Apply(Box::new(object.clone()))
                }
            };
            events.push(Event { watch: WatchId(0), revision: Some(self.revision), kind });
        }
        let mut batches = Vec::new();
        let mut events = events.into_iter().peekable();
        while events.peek().is_some() {
            batches.push(events.by_ref().take(shape.batch).collect());
        }
        batches
    }

    /// Takes events in, publishes, and frees what they left as the program does, so that no shape pays for another's.
    pub fn take(&mut self, events: Vec<Event>) {
        for event in events {
            self.roster.handle(event);
        }
        self.publish();
        self.roster.free();
    }

    fn publish(&mut self) {
        let Cluster { roster, writer, .. } = self;
        roster.each_change(&mut |change| writer.apply(&change));
        let published = self.writer.publish(self.roster.revision());
        assert!(published.is_some(), "nothing changed");
        self.published = published;
    }
}

fn slice(service: &str, set: usize, place: usize, endpoints: Vec<Endpoint>) -> EndpointObject {
    let port = |number, name: &str| Port { number, protocol: Protocol::Tcp, name: name.into() };
    let labels = [
        ("app", service),
        ("endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io"),
        ("kubernetes.io/service-name", service),
    ];
    EndpointObject {
        key: ObjectKey {
            namespace: format!("team-{}", set % 50).into(),
            name: format!("{service}-{place}").into(),
            kind: ObjectKind::EndpointSlice,
        },
        service: Some(service.into()),
        labels: labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        groups: vec![EndpointGroup { ports: vec![port(8080, "http")], endpoints }],
        truncated: false,
        created: None,
    }
}
