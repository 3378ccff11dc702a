//! Snapshots made from a few changes, and what questions meet in them.

use super::super::master_file::records;
use super::super::{Found, PodNames, Snapshot, SnapshotWriter, ZoneConfig};
use crate::roster::{
    Change, NodeHost, Peer, PeerShape, Port, PortName, Protocol, RecordTypes, SetKey, SetSettings, SrvTarget,
    Standing, Standings,
};
use crate::wire::{Name, QueryName, RecordType};
use std::net::IpAddr;
use std::sync::Arc;

pub(in crate::zone) fn config() -> ZoneConfig {
    ZoneConfig {
        zone: "peers.cluster.local".parse().unwrap(),
        cluster_domain: "cluster.local".parse().unwrap(),
        pods: PodNames::Verified,
        reverse_zones: vec!["10.in-addr.arpa".parse().unwrap(), "d.f.ip6.arpa".parse().unwrap()],
        advertise: vec!["192.0.2.53".parse().unwrap()],
        nameserver: None,
        hostmaster: None,
        ttl: None,
        negative_ttl: 5,
    }
}

pub(in crate::zone) fn key(name: &str) -> SetKey {
    SetKey { namespace: "default".into(), name: name.into() }
}

pub(in crate::zone) fn settings(port_names: &[(&str, Protocol)]) -> Arc<SetSettings> {
    let port_names =
        port_names.iter().map(|&(name, protocol)| PortName { name: name.into(), protocol }).collect();
    Arc::new(SetSettings { ttl: None, records: RecordTypes::ALL, port_names })
}

pub(in crate::zone) fn port(number: u16, protocol: Protocol, name: &str) -> Port {
    Port { number, protocol, name: name.into() }
}

/// A peer with these addresses, the first its primary one.
pub(in crate::zone) fn peer(
    addresses: &[&str],
    hostname: Option<&str>,
    target: SrvTarget,
    ports: &[Port],
) -> Arc<Peer> {
    let primary: IpAddr = addresses[0].parse().unwrap();
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let shape = PeerShape {
        namespace: "default".into(),
        basename: "myapp".into(),
        host: NodeHost::Label("".into()),
        target,
        ports: ports.into(),
    };
    let hostname = hostname.map(|hostname| Arc::new(hostname.into()));
    Arc::new(Peer::new(primary, addresses, hostname, Arc::new(shape)))
}

pub(in crate::zone) fn epmd() -> Port {
    port(4369, Protocol::Tcp, "epmd")
}

/// A writer that knows all there is to know: nothing yet.
pub(in crate::zone) fn writer(config: ZoneConfig) -> SnapshotWriter {
    let mut writer = SnapshotWriter::new(config).unwrap();
    writer.apply(&Change::All { known: Standings::COMPLETE, everywhere: Standing::COMPLETE });
    writer
}

pub(in crate::zone) fn add_peer(writer: &mut SnapshotWriter, set: &str, new: &Arc<Peer>) {
    for &address in new.addresses() {
        writer.apply(&Change::Address { namespace: "default".into(), address, held: true });
    }
    writer.apply(&Change::Peer { set: key(set), old: None, new: Some(Arc::clone(new)) });
}

/// What a question meets, in words: records one a line.
pub(in crate::zone) fn ask(snapshot: &Snapshot, name: &str, rtype: RecordType) -> String {
    let mut query = QueryName::new();
    query.read(name.parse::<Name>().unwrap().as_wire(), 0).unwrap();
    let Some(zone) = snapshot.zone_of(&query, rtype) else { return "not ours".into() };
    match zone.find(&query, rtype) {
        Found::NxDomain { .. } => "NXDOMAIN".into(),
        Found::NotReady => "not ready".into(),
        Found::Referral(_) => "referral".into(),
        Found::Redirection(_) => "redirection".into(),
        Found::Broken => "broken".into(),
        Found::Node(node) => match node.rrset(rtype) {
            None => "NODATA".into(),
            Some(rrset) => {
                assert_eq!(rrset.to_vec().len(), rrset.wire_len());
                let records = records(&rrset.to_vec(), rtype);
                assert_eq!(records.len(), rrset.len());
                let texts: Vec<_> =
                    records.into_iter().map(|(ttl, rdata)| format!("{ttl} {rdata}")).collect();
                texts.join("\n")
            }
        },
    }
}

pub(in crate::zone) fn myapp() -> SnapshotWriter {
    let mut writer = writer(config());
    let ports = [port(53, Protocol::Tcp, "dns-tcp"), port(53, Protocol::Udp, "dns"), epmd()];
    let names = [("dns", Protocol::Udp), ("dns-tcp", Protocol::Tcp), ("epmd", Protocol::Tcp)];
    writer.apply(&Change::Set(key("myapp"), settings(&names)));
    add_peer(&mut writer, "myapp", &peer(&["10.0.0.2"], None, SrvTarget::Pod, &ports));
    add_peer(&mut writer, "myapp", &peer(&["10.0.0.10"], None, SrvTarget::Pod, &ports[..2]));
    add_peer(
        &mut writer,
        "myapp",
        &peer(&["10.0.0.9", "fd00::9"], Some("web-0"), SrvTarget::Peer, &[epmd()]),
    );
    writer.apply(&Change::Set(key("empty"), settings(&[("epmd", Protocol::Tcp)])));
    writer
}
