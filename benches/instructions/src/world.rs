//! What is asked: sets of one, five and thirty peers, and a zone of a file.

use pure::roster::{
    Conditions, Endpoint, EndpointGroup, EndpointObject, Event, EventKind, Gives, ObjectKey, ObjectKind,
    Options, Port, Protocol, Roster, Scope, Topology, Uid, WatchId,
};
use pure::zone::{PodNames, Snapshot, SnapshotWriter, ZoneConfig};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// Namespaces that the sets are spread over.
const NAMESPACES: usize = 20;

/// Names in the zone of a file.
pub const HOSTS: usize = 500;

/// How many peers sets of a kind have, and how they are named.
pub const ONE: (usize, &str) = (1, "one");
pub const FIVE: (usize, &str) = (5, "web");
pub const THIRTY: (usize, &str) = (30, "big");

/// How many sets there are of each kind.
#[derive(Debug, Clone, Copy)]
pub struct World {
    pub ones: usize,
    pub fives: usize,
    pub thirties: usize,
}

impl World {
    /// What the limits are measured with: 2,250 sets of 11,700 peers.
    pub const GATE: World = World { ones: 200, fives: 2000, thirties: 50 };

    /// One with about so many pods, nearly all in sets of five.
    pub fn with_pods(pods: usize) -> World {
        World { ones: 20, fives: pods.saturating_sub(620) / 5, thirties: 20 }
    }

    fn sets(self) -> usize {
        self.ones + self.fives + self.thirties
    }

    pub fn peers(self) -> usize {
        self.ones * ONE.0 + self.fives * FIVE.0 + self.thirties * THIRTY.0
    }

    /// Makes it, as the program does; with the zone of a file if `file`.
    pub fn snapshot(self, file: bool) -> Arc<Snapshot> {
        let mut roster = Roster::new(Options {
            cluster_domain: "cluster.local".into(),
            zone: "peers.cluster.local".into(),
            label_settings: true,
            topologies: vec![Topology::every_service()],
        });
        let name = |text: &str| text.parse().expect("a name");
        let mut writer = SnapshotWriter::new(ZoneConfig {
            zone: name("peers.cluster.local"),
            cluster_domain: name("cluster.local"),
            pods: PodNames::Verified,
            reverse_zones: vec![name("10.in-addr.arpa")],
            advertise: vec!["192.0.2.53".parse().expect("an address")],
            nameserver: None,
            hostmaster: None,
            ttl: None,
            negative_ttl: 5,
        })
        .expect("zones");
        if file {
            let reader = writer.zone_reader();
            let zone = reader.read("example.zone", None, host_file(), &mut |_, _| Err(String::new()));
            writer.put_zone(Arc::new(zone.expect("a zone"))).expect("no other of its name");
        }
        let mut tell = |kind| {
            roster.handle(Event { watch: WatchId(0), revision: Some(7), kind });
            for change in roster.take_changes() {
                writer.apply(&change);
            }
        };
        tell(EventKind::Started(Scope::All, Gives::Peers));
        let kinds = [(self.ones, ONE), (self.fives, FIVE), (self.thirties, THIRTY)];
        let mut first = 0;
        for (sets, (peers, name)) in kinds {
            for index in 0..sets {
                tell(EventKind::Apply(Box::new(slice(&format!("{name}{index}"), index, first, peers))));
                first += peers;
            }
        }
        tell(EventKind::Synced);
        assert!(self.sets() > 0);
        writer.publish(Some(7)).expect("something to publish")
    }

    /// The address of a peer of a set of five.
    pub fn address(self, set: usize, peer: usize) -> Ipv4Addr {
        address(self.ones * ONE.0 + set * FIVE.0 + peer)
    }
}

/// The namespace of the set at an index among those of its kind.
pub fn namespace(index: usize) -> String {
    format!("team-{}", index % NAMESPACES)
}

/// Every second address of 10.0.0.0/8, so that there are gaps.
fn address(peer: usize) -> Ipv4Addr {
    let peer = u32::try_from(peer).expect("below 2^23");
    Ipv4Addr::from_bits(0x0a00_0001 + 2 * peer)
}

fn slice(name: &str, index: usize, first: usize, peers: usize) -> EndpointObject {
    let endpoint = |peer: usize| Endpoint {
        addresses: vec![IpAddr::V4(address(peer))].into(),
        hostname: None,
        uid: Some(Uid::Uuid((peer as u128).to_be_bytes())),
        namespace: None,
        conditions: Conditions { ready: Some(true), ..Conditions::default() },
        placement: None,
    };
    let key = ObjectKey {
        namespace: namespace(index).into(),
        name: format!("{name}-x").into(),
        kind: ObjectKind::EndpointSlice,
    };
    let ports = vec![Port { number: 8080, protocol: Protocol::Tcp, name: "http".into() }];
    EndpointObject {
        key,
        service: Some(name.into()),
        labels: vec![("kubernetes.io/service-name".into(), name.into())],
        groups: vec![EndpointGroup { ports, endpoints: (first..first + peers).map(endpoint).collect() }],
        truncated: false,
        created: None,
    }
}

fn host_file() -> Vec<u8> {
    let mut text = "example.test. 60 SOA ns.example.test. hostmaster.example.test. 1 2 3 4 5\nexample.test. 60 NS ns.example.test.\n".to_owned();
    text.push_str("ns.example.test. 60 A 192.0.2.53\n");
    for host in 0..HOSTS {
        writeln!(text, "host{host}.example.test. 60 A 192.0.2.{}", host % 250).expect("memory");
    }
    text.into_bytes()
}
