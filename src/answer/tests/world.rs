//! Snapshots to ask.

use crate::roster::{
    Change, NodeHost, Peer, PeerShape, Port, PortName, Protocol, RecordTypes, SetKey, SetSettings, SrvTarget,
    Standing, Standings,
};
use crate::wire::Name;
use crate::zone::{PodNames, Snapshot, SnapshotWriter, ZoneConfig};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// A set to be made.
#[derive(Debug, Clone)]
pub(super) struct SetOf {
    pub(super) name: &'static str,
    pub(super) peers: u32,
    pub(super) dual_stack: bool,
    pub(super) target: Target,
}

/// What SRV records point at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Pod,
    Peer,
    Elsewhere,
}

/// Below `peers.cluster.local`: the namespace `default` with these sets, the namespace `late`, which waits, and the
/// namespace `odd`, where the set `broken` has an object that never parsed.
pub(super) fn with_sets(sets: &[SetOf], stale: bool) -> Arc<Snapshot> {
    below("peers.cluster.local", None, sets, stale)
}

/// The same, with these files (name, text) as static zones and records of generated ones.
pub(super) fn with_files(sets: &[SetOf], files: &[(&str, &str)], stale: bool) -> Arc<Snapshot> {
    let mut writer = writer("peers.cluster.local", None, sets, stale);
    let reader = writer.zone_reader();
    for (file, text) in files {
        let origin = file.strip_suffix(".zone").map(|name| name.parse::<Name>().unwrap());
        let text = text.as_bytes().to_vec();
        let zone = reader.read(file, origin.as_ref(), text, &mut |_, path| Err(format!("no {path}")));
        let zone = zone.unwrap_or_else(|faults| {
            panic!("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        });
        writer.put_zone(Arc::new(zone)).unwrap();
    }
    writer.publish(Some(7)).unwrap()
}

/// The same below another apex, with another host name in the SOA.
pub(super) fn below(zone: &str, hostmaster: Option<Name>, sets: &[SetOf], stale: bool) -> Arc<Snapshot> {
    writer(zone, hostmaster, sets, stale).publish(Some(7)).unwrap()
}

fn writer(zone: &str, hostmaster: Option<Name>, sets: &[SetOf], stale: bool) -> SnapshotWriter {
    let config = ZoneConfig {
        zone: zone.parse().unwrap(),
        cluster_domain: "cluster.local".parse().unwrap(),
        pods: PodNames::Verified,
        reverse_zones: vec!["10.in-addr.arpa".parse().unwrap()],
        advertise: vec!["10.0.0.53".parse().unwrap(), "fd00::53".parse().unwrap()],
        nameserver: None,
        hostmaster,
        ttl: None,
        negative_ttl: 5,
    };
    let mut writer = SnapshotWriter::new(config).unwrap();
    let known = Standing { ready: true, stale };
    let everywhere = Standing { ready: false, stale };
    writer.apply(&Change::All { known: Standings { sets: known, addresses: known }, everywhere });
    writer.apply(&Change::Namespace { namespace: "late".into(), known: Standings::default() });
    writer.apply(&Change::Refused {
        set: SetKey { namespace: "odd".into(), name: "broken".into() },
        refused: true,
    });
    writer.apply(&Change::Unparsed { namespace: "odd".into(), any: true });
    for set in sets {
        for change in changes(set) {
            writer.apply(&change);
        }
    }
    writer
}

/// The address of the peer at `index` in its set.
pub(super) fn ipv4(index: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a01_0000 + index)
}

fn changes(set: &SetOf) -> Vec<Change> {
    let key = SetKey { namespace: "default".into(), name: set.name.into() };
    let settings = SetSettings {
        ttl: None,
        records: RecordTypes::ALL,
        port_names: [PortName { name: "epmd".into(), protocol: Protocol::Tcp }].into(),
    };
    let mut changes = vec![Change::Set(key.clone(), Arc::new(settings))];
    for index in 0..set.peers {
        let peer = Arc::new(peer(set, index));
        for &address in peer.addresses() {
            changes.push(Change::Address { namespace: "default".into(), address, held: true });
        }
        changes.push(Change::Peer { set: key.clone(), old: None, new: Some(peer) });
    }
    changes
}

fn peer(set: &SetOf, index: u32) -> Peer {
    let primary = IpAddr::V4(ipv4(index));
    let mut addresses = vec![primary];
    if set.dual_stack {
        addresses.push(Ipv6Addr::from(0xfd00_u128 << 112 | u128::from(index)).into());
    }
    let hostname =
        (set.target == Target::Elsewhere).then(|| Arc::new(format!("host-{index}").as_str().into()));
    let shape = PeerShape {
        namespace: "default".into(),
        basename: set.name.into(),
        host: NodeHost::Address,
        target: match set.target {
            Target::Pod => SrvTarget::Pod,
            Target::Peer => SrvTarget::Peer,
            Target::Elsewhere => SrvTarget::Service("other".into()),
        },
        ports: [Port { number: 4369, protocol: Protocol::Tcp, name: "epmd".into() }].into(),
    };
    Peer::new(primary, addresses, hostname, Arc::new(shape))
}
