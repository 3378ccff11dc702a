//! Names and what stands there; and that changes in any order lead to one content.

use super::master_file::records;
use super::{Found, PodNames, Snapshot, SnapshotWriter, ZoneConfig, ZoneConfigError};
use crate::roster::{
    Change, Peer, Port, PortName, Protocol, RecordTypes, SetKey, SetSettings, SrvTarget, dashed,
};
use crate::wire::{Name, QueryName, RecordType};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

fn config() -> ZoneConfig {
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

fn key(name: &str) -> SetKey {
    SetKey { namespace: "default".into(), name: name.into() }
}

fn settings(port_names: &[(&str, Protocol)]) -> Arc<SetSettings> {
    let port_names =
        port_names.iter().map(|&(name, protocol)| PortName { name: name.into(), protocol }).collect();
    Arc::new(SetSettings { ttl: None, records: RecordTypes::ALL, port_names })
}

fn port(number: u16, protocol: Protocol, name: &str) -> Port {
    Port { number, protocol, name: name.into() }
}

/// A peer with these addresses, the first its primary one.
fn peer(addresses: &[&str], hostname: Option<&str>, target: SrvTarget, ports: &[Port]) -> Arc<Peer> {
    let primary: IpAddr = addresses[0].parse().unwrap();
    let mut addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let name = hostname.map_or_else(|| dashed(primary), str::to_owned);
    Arc::new(Peer {
        primary,
        addresses: addresses.into(),
        namespace: "default".into(),
        hostname: hostname.map(Into::into),
        node_name: Some(format!("myapp@{name}").into()),
        target,
        ports: ports.into(),
    })
}

fn epmd() -> Port {
    port(4369, Protocol::Tcp, "epmd")
}

/// A writer that knows all there is to know: nothing yet.
fn writer(config: ZoneConfig) -> SnapshotWriter {
    let mut writer = SnapshotWriter::new(config).unwrap();
    writer.apply(&Change::All { ready: true, complete: true });
    writer
}

fn add_peer(writer: &mut SnapshotWriter, set: &str, new: &Arc<Peer>) {
    for &address in &new.addresses {
        writer.apply(&Change::Address { namespace: "default".into(), address, held: true });
    }
    writer.apply(&Change::Peer { set: key(set), old: None, new: Some(Arc::clone(new)) });
}

/// What a question meets, in words: records one a line.
fn ask(snapshot: &Snapshot, name: &str, rtype: RecordType) -> String {
    let mut query = QueryName::new();
    query.read(name.parse::<Name>().unwrap().as_wire(), 0).unwrap();
    let Some(zone) = snapshot.zone_of(&query, rtype) else { return "not ours".into() };
    match zone.find(&query, rtype) {
        Found::NxDomain => "NXDOMAIN".into(),
        Found::NotReady => "not ready".into(),
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

fn myapp() -> SnapshotWriter {
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

#[test]
fn every_row_of_the_table_is_served() {
    use RecordType as T;
    let snapshot = myapp().publish(1_000, None).unwrap();
    for (name, rtype, expected) in [
        ("myapp.default.svc.peers.cluster.local", T::A, "5 10.0.0.2\n5 10.0.0.9\n5 10.0.0.10"),
        ("myapp.default.svc.peers.cluster.local", T::AAAA, "5 fd00::9"),
        (
            "myapp.default.svc.peers.cluster.local",
            T::TXT,
            "5 \"myapp@10-0-0-2\"\n5 \"myapp@web-0\"\n5 \"myapp@10-0-0-10\"",
        ),
        (
            "myapp.default.svc.peers.cluster.local",
            T::SRV,
            "5 0 10 53 10-0-0-2.default.pod.cluster.local.\n5 0 10 53 10-0-0-10.default.pod.cluster.local.\n\
             5 0 10 4369 10-0-0-2.default.pod.cluster.local.\n\
             5 0 10 4369 web-0.myapp.default.svc.peers.cluster.local.",
        ),
        ("myapp.default.svc.peers.cluster.local", T::SOA, "NODATA"),
        ("myapp.default.svc.peers.cluster.local", T(65280), "NODATA"),
        (
            "_dns._udp.myapp.default.svc.peers.cluster.local",
            T::SRV,
            "5 0 10 53 10-0-0-2.default.pod.cluster.local.\n5 0 10 53 10-0-0-10.default.pod.cluster.local.",
        ),
        ("_dns._udp.myapp.default.svc.peers.cluster.local", T::A, "NODATA"),
        ("_udp.myapp.default.svc.peers.cluster.local", T::SRV, "NODATA"),
        ("_sctp.myapp.default.svc.peers.cluster.local", T::SRV, "NXDOMAIN"),
        ("_dns._tcp.myapp.default.svc.peers.cluster.local", T::SRV, "NXDOMAIN"),
        ("dns.udp.myapp.default.svc.peers.cluster.local", T::SRV, "NXDOMAIN"),
        ("web-0.myapp.default.svc.peers.cluster.local", T::A, "5 10.0.0.9"),
        ("web-0.myapp.default.svc.peers.cluster.local", T::AAAA, "5 fd00::9"),
        ("web-0.myapp.default.svc.peers.cluster.local", T::TXT, "NODATA"),
        ("10-0-0-2.myapp.default.svc.peers.cluster.local", T::A, "5 10.0.0.2"),
        ("10-0-0-9.myapp.default.svc.peers.cluster.local", T::A, "NXDOMAIN"),
        ("bogus.myapp.default.svc.peers.cluster.local", T::A, "NXDOMAIN"),
        ("a.b.c.myapp.default.svc.peers.cluster.local", T::A, "NXDOMAIN"),
        ("empty.default.svc.peers.cluster.local", T::TXT, "NODATA"),
        ("_epmd._tcp.empty.default.svc.peers.cluster.local", T::SRV, "NODATA"),
        ("other.default.svc.peers.cluster.local", T::A, "NXDOMAIN"),
        ("default.svc.peers.cluster.local", T::A, "NODATA"),
        ("other.svc.peers.cluster.local", T::A, "NXDOMAIN"),
        ("svc.peers.cluster.local", T::NS, "NODATA"),
        ("dns.peers.cluster.local", T::A, "NODATA"),
        ("ns.dns.peers.cluster.local", T::A, "5 192.0.2.53"),
        ("ns.dns.peers.cluster.local", T::AAAA, "NODATA"),
        ("dns-version.peers.cluster.local", T::TXT, "5 \"1.1.0\""),
        ("dns-version.peers.cluster.local", T::A, "NODATA"),
        ("foo.peers.cluster.local", T::A, "NXDOMAIN"),
        ("pod.peers.cluster.local", T::A, "NXDOMAIN"),
        ("peers.cluster.local", T::NS, "5 ns.dns.peers.cluster.local."),
        (
            "peers.cluster.local",
            T::SOA,
            "5 ns.dns.peers.cluster.local. hostmaster.peers.cluster.local. 1000 30 5 604800 5",
        ),
        ("peers.cluster.local", T::A, "NODATA"),
        ("pod.cluster.local", T::NS, "5 ns.dns.peers.cluster.local."),
        ("default.pod.cluster.local", T::A, "NODATA"),
        ("other.pod.cluster.local", T::A, "NXDOMAIN"),
        ("10-0-0-9.default.pod.cluster.local", T::A, "5 10.0.0.9"),
        ("10-0-0-9.default.pod.cluster.local", T::AAAA, "NODATA"),
        ("10-0-0-9.default.pod.cluster.local", T::TXT, "5 \"myapp@web-0\""),
        ("fd00--9.default.pod.cluster.local", T::AAAA, "5 fd00::9"),
        ("fd00-0-0-0-0-0-0-9.default.pod.cluster.local", T::TXT, "5 \"myapp@web-0\""),
        ("10-0-0-3.default.pod.cluster.local", T::A, "NXDOMAIN"),
        ("10-0-0-9.other.pod.cluster.local", T::A, "NXDOMAIN"),
        ("blah.default.pod.cluster.local", T::A, "NXDOMAIN"),
        ("a.10-0-0-9.default.pod.cluster.local", T::A, "NXDOMAIN"),
        ("9.0.0.10.in-addr.arpa", T::PTR, "5 10-0-0-9.default.pod.cluster.local."),
        ("9.0.0.10.in-addr.arpa", T::A, "NODATA"),
        ("0.10.in-addr.arpa", T::PTR, "NODATA"),
        ("1.10.in-addr.arpa", T::PTR, "NXDOMAIN"),
        ("8.0.0.10.in-addr.arpa", T::PTR, "NXDOMAIN"),
        (
            "10.in-addr.arpa",
            T::SOA,
            "5 ns.dns.peers.cluster.local. hostmaster.peers.cluster.local. 1000 30 5 604800 5",
        ),
        ("1.168.192.in-addr.arpa", T::PTR, "not ours"),
        (
            "9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa",
            T::PTR,
            "5 fd00--9.default.pod.cluster.local.",
        ),
        ("0.0.d.f.ip6.arpa", T::PTR, "NODATA"),
        ("cluster.local", T::A, "not ours"),
        (".", T::NS, "not ours"),
        ("local", T::DS, "not ours"),
    ] {
        assert_eq!(ask(&snapshot, name, rtype), expected, "{name} {rtype}");
    }
}

#[test]
fn ds_at_an_apex_belongs_to_the_parent() {
    let mut config = config();
    config.zone = "cluster.local".parse().unwrap();
    let snapshot = writer(config).publish(1, None).unwrap();
    let zone = |rtype| {
        let mut query = QueryName::new();
        query.read(b"\x03pod\x07cluster\x05local\0", 0).unwrap();
        snapshot.zone_of(&query, rtype).unwrap().apex_offset()
    };
    assert_eq!(zone(RecordType::A), 0);
    assert_eq!(zone(RecordType::DS), 4);
}

#[test]
fn insecure_pod_names_echo_any_address() {
    use RecordType as T;
    let mut config = config();
    config.pods = PodNames::Insecure;
    let mut writer = writer(config);
    writer.apply(&Change::Set(key("myapp"), settings(&[])));
    add_peer(&mut writer, "myapp", &peer(&["10.0.0.2"], None, SrvTarget::Pod, &[epmd()]));
    let snapshot = writer.publish(1, None).unwrap();
    for (name, rtype, expected) in [
        ("172-0-0-2.anything.pod.cluster.local", T::A, "5 172.0.0.2"),
        ("172-0-0-2.anything.pod.cluster.local", T::TXT, "NODATA"),
        ("10-0-0-2.default.pod.cluster.local", T::TXT, "5 \"myapp@10-0-0-2\""),
        ("anything.pod.cluster.local", T::A, "NODATA"),
        ("blah.anything.pod.cluster.local", T::A, "NXDOMAIN"),
        ("1-2-3-4.any_thing.pod.cluster.local", T::A, "NXDOMAIN"),
        ("-a.pod.cluster.local", T::A, "NXDOMAIN"),
        ("x.1-2-3-4.anything.pod.cluster.local", T::A, "NXDOMAIN"),
    ] {
        assert_eq!(ask(&snapshot, name, rtype), expected, "{name} {rtype}");
    }
}

#[test]
fn insecure_pod_names_wait_for_node_names_only() {
    use RecordType as T;
    let mut config = config();
    config.pods = PodNames::Insecure;
    let snapshot = SnapshotWriter::new(config).unwrap().publish(1, None).unwrap();
    for (name, rtype, expected) in [
        ("172-0-0-2.anything.pod.cluster.local", T::A, "5 172.0.0.2"),
        ("172-0-0-2.anything.pod.cluster.local", T::AAAA, "NODATA"),
        ("172-0-0-2.anything.pod.cluster.local", T::TXT, "not ready"),
        ("172-0-0-2.anything.pod.cluster.local", T::ANY, "not ready"),
        ("anything.pod.cluster.local", T::A, "NODATA"),
        ("blah.anything.pod.cluster.local", T::TXT, "NXDOMAIN"),
    ] {
        assert_eq!(ask(&snapshot, name, rtype), expected, "{name} {rtype}");
    }
}

#[test]
fn records_hold_at_the_set_and_its_parts_and_leave_ports_alone() {
    use RecordType as T;
    let mut writer = writer(config());
    let records = RecordTypes { a: false, aaaa: true, srv: false, txt: true };
    let port_names = Arc::new([PortName { name: "epmd".into(), protocol: Protocol::Tcp }]);
    writer.apply(&Change::Set(key("myapp"), Arc::new(SetSettings { ttl: None, records, port_names })));
    add_peer(&mut writer, "myapp", &peer(&["10.0.0.2", "fd00::2"], None, SrvTarget::Peer, &[epmd()]));
    let snapshot = writer.publish(1, None).unwrap();
    let target = "5 0 10 4369 10-0-0-2.myapp.default.svc.peers.cluster.local.";
    for (name, rtype, expected) in [
        ("", T::A, "NODATA"),
        ("", T::AAAA, "5 fd00::2"),
        ("", T::SRV, "NODATA"),
        ("", T::TXT, "5 \"myapp@10-0-0-2\""),
        ("_0._of1.", T::A, "NODATA"),
        ("_0._of1.", T::SRV, "NODATA"),
        ("_0._of1.", T::TXT, "5 \"myapp@10-0-0-2\""),
        ("_epmd._tcp.", T::SRV, target),
        ("10-0-0-2.", T::A, "5 10.0.0.2"),
    ] {
        let name = format!("{name}myapp.default.svc.peers.cluster.local");
        assert_eq!(ask(&snapshot, &name, rtype), expected, "{name} {rtype}");
    }
}

#[test]
fn hostnames_of_services_stand_in_the_namespace_of_the_address() {
    let mut writer = writer(config());
    writer.apply(&Change::Set(key("myapp"), settings(&[])));
    let target = SrvTarget::Service { hostname: "web-0".into(), service: "web".into() };
    let mut other = Peer::clone(&peer(&["10.0.0.2"], Some("web-0"), target, &[epmd()]));
    other.namespace = "elsewhere".into();
    add_peer(&mut writer, "myapp", &Arc::new(other));
    let snapshot = writer.publish(1, None).unwrap();
    assert_eq!(
        ask(&snapshot, "myapp.default.svc.peers.cluster.local", RecordType::SRV),
        "5 0 10 4369 web-0.web.elsewhere.svc.cluster.local."
    );
}

#[test]
fn nothing_generated_is_answered_before_its_watches_are_complete() {
    use RecordType as T;
    let mut writer = SnapshotWriter::new(config()).unwrap();
    writer.apply(&Change::Set(key("myapp"), settings(&[])));
    add_peer(&mut writer, "myapp", &peer(&["10.0.0.2"], None, SrvTarget::Pod, &[epmd()]));
    let early = writer.publish(1, None).unwrap();
    writer.apply(&Change::Namespace { namespace: "other".into(), ready: false });
    writer.apply(&Change::All { ready: true, complete: false });
    let partly = writer.publish(1, None).unwrap();
    writer.apply(&Change::Namespace { namespace: "other".into(), ready: true });
    writer.apply(&Change::All { ready: true, complete: true });
    let ready = writer.publish(1, None).unwrap();
    for (name, rtype, expected) in [
        ("myapp.default.svc.peers.cluster.local", T::A, ["not ready", "5 10.0.0.2", "5 10.0.0.2"]),
        ("none.default.svc.peers.cluster.local", T::A, ["not ready", "NXDOMAIN", "NXDOMAIN"]),
        ("myapp.other.svc.peers.cluster.local", T::A, ["not ready", "not ready", "NXDOMAIN"]),
        ("other.svc.peers.cluster.local", T::A, ["not ready", "not ready", "NXDOMAIN"]),
        ("10-0-0-2.default.pod.cluster.local", T::A, ["not ready", "5 10.0.0.2", "5 10.0.0.2"]),
        ("10-0-0-3.other.pod.cluster.local", T::A, ["not ready", "not ready", "NXDOMAIN"]),
        ("other.pod.cluster.local", T::A, ["not ready", "not ready", "NXDOMAIN"]),
        ("blah.other.pod.cluster.local", T::A, ["NXDOMAIN"; 3]),
        ("2.0.0.10.in-addr.arpa", T::PTR, ["5 10-0-0-2.default.pod.cluster.local."; 3]),
        ("3.0.0.10.in-addr.arpa", T::PTR, ["not ready", "not ready", "NXDOMAIN"]),
        ("x.10.in-addr.arpa", T::PTR, ["NXDOMAIN"; 3]),
        ("svc.peers.cluster.local", T::A, ["NODATA"; 3]),
        ("ns.dns.peers.cluster.local", T::A, ["5 192.0.2.53"; 3]),
        ("foo.peers.cluster.local", T::A, ["NXDOMAIN"; 3]),
        ("example.org", T::A, ["not ours"; 3]),
    ] {
        let answers = [&early, &partly, &ready].map(|snapshot| ask(snapshot, name, rtype));
        assert_eq!(answers, expected, "{name} {rtype}");
    }
}

#[test]
fn serials_move_with_the_zones_own_records_only() {
    let mut writer = myapp();
    let serials = |snapshot: &Snapshot| -> BTreeMap<String, u32> {
        snapshot.serials().map(|(origin, serial)| (origin.to_string(), serial)).collect()
    };
    let first = serials(&writer.publish(1_000, None).unwrap());
    assert!(first.values().all(|&serial| serial == 1_000));
    assert!(writer.publish(1_001, None).is_none(), "nothing changed");

    writer.apply(&Change::Stale(true));
    let stale = writer.publish(1_002, None).unwrap();
    assert!(stale.stale());
    assert_eq!(serials(&stale), first, "no record changed");

    add_peer(&mut writer, "empty", &peer(&["192.0.2.1"], None, SrvTarget::Peer, &[epmd()]));
    let after = serials(&writer.publish(1_003, None).unwrap());
    assert_eq!(after["peers.cluster.local."], 1_003);
    assert_eq!(after["pod.cluster.local."], 1_003);
    assert_eq!(after["10.in-addr.arpa."], 1_000);

    // The peer comes back as it was: no record differs.
    let same = peer(&["192.0.2.1"], None, SrvTarget::Peer, &[epmd()]);
    writer.apply(&Change::Peer { set: key("empty"), old: Some(Arc::clone(&same)), new: Some(same) });
    assert!(writer.publish(1_004, None).is_none());
}

#[test]
fn rrsets_above_ninety_records_are_not_cached_and_their_parts_are() {
    use RecordType as T;
    let mut writer = writer(config());
    writer.apply(&Change::Set(key("myapp"), settings(&[("epmd", Protocol::Tcp)])));
    let ttls = |snapshot: &Snapshot, name: &str, rtype| -> BTreeSet<String> {
        let answer = ask(snapshot, &format!("{name}myapp.default.svc.peers.cluster.local"), rtype);
        answer.lines().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
    };
    for last in 1..=91 {
        let peer = peer(&[&format!("10.0.0.{last}")], None, SrvTarget::Pod, &[epmd()]);
        add_peer(&mut writer, "myapp", &peer);
        let snapshot = writer.publish(1, None).unwrap();
        let expected = if last > 90 { "0" } else { "5" };
        for rtype in [T::A, T::SRV, T::TXT] {
            assert_eq!(ttls(&snapshot, "", rtype), BTreeSet::from([expected.to_owned()]), "{last} {rtype}");
        }
        assert_eq!(ttls(&snapshot, "_epmd._tcp.", T::SRV), BTreeSet::from([expected.to_owned()]));
    }
    let snapshot = writer.current();
    for rtype in [T::A, T::SRV, T::TXT] {
        assert_eq!(ttls(&snapshot, "_0._of4.", rtype), BTreeSet::from(["5".to_owned()]));
        assert_eq!(ttls(&snapshot, "_0._of1.", rtype), BTreeSet::from(["0".to_owned()]));
    }
    writer.apply(&Change::Set(
        key("myapp"),
        Arc::new(SetSettings { ttl: Some(60), records: RecordTypes::ALL, port_names: Arc::new([]) }),
    ));
    let snapshot = writer.publish(1, None).unwrap();
    assert_eq!(ttls(&snapshot, "", T::TXT), BTreeSet::from(["60".to_owned()]));
    assert_eq!(ttls(&snapshot, "10-0-0-1.", T::A), BTreeSet::from(["60".to_owned()]));
}

#[test]
fn every_large_rrset_has_ttl_zero() {
    use RecordType as T;
    let mut writer = writer(config());
    let addresses: Vec<String> = (1..=91).map(|last| format!("10.0.0.{last}")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    writer.apply(&Change::Set(key("many"), settings(&[])));
    add_peer(&mut writer, "many", &peer(&addresses, Some("h"), SrvTarget::Peer, &[epmd()]));
    for number in 0..91 {
        let name = format!("s{number}");
        writer.apply(&Change::Set(key(&name), settings(&[])));
        let mut peer = Peer::clone(&peer(&["10.0.1.1"], None, SrvTarget::Pod, &[epmd()]));
        peer.node_name = Some(format!("{name}@10.0.1.1").into());
        add_peer(&mut writer, &name, &Arc::new(peer));
    }
    let snapshot = writer.publish(1, None).unwrap();
    for (name, rtype, count) in [
        ("h.many.default.svc.peers.cluster.local", T::A, 91),
        ("10-0-1-1.default.pod.cluster.local", T::TXT, 91),
    ] {
        let answer = ask(&snapshot, name, rtype);
        assert_eq!(answer.lines().count(), count, "{name}");
        assert!(answer.lines().all(|line| line.starts_with("0 ")), "{name}: {answer}");
    }
}

#[test]
fn ports_of_one_number_collapse_whatever_the_size_of_the_set() {
    use RecordType as T;
    let mut writer = writer(config());
    let ports = [port(53, Protocol::Tcp, "dns-tcp"), port(53, Protocol::Udp, "dns")];
    let names = [("dns", Protocol::Udp), ("dns-tcp", Protocol::Tcp)];
    writer.apply(&Change::Set(key("myapp"), settings(&names)));
    let peers: Vec<_> = (0..2_000_u32)
        .map(|number| {
            let address = IpAddr::V4((0x0a00_0000 + number).into()).to_string();
            peer(&[&address], None, SrvTarget::Pod, &ports)
        })
        .collect();
    for peer in &peers {
        add_peer(&mut writer, "myapp", peer);
    }
    let snapshot = writer.publish(1, None).unwrap();
    let count = |snapshot: &Snapshot, name: &str| {
        ask(snapshot, &format!("{name}myapp.default.svc.peers.cluster.local"), T::SRV).lines().count()
    };
    assert_eq!(count(&snapshot, ""), 2_000);
    assert_eq!(count(&snapshot, "_dns._udp."), 2_000);
    assert_eq!((0..64).map(|part| count(&snapshot, &format!("_{part}._of64."))).sum::<usize>(), 2_000);
    // One of the two ports goes: each RR keeps its other cause.
    for old in &peers[..1_000] {
        let new = peer(&[&old.primary.to_string()], None, SrvTarget::Pod, &ports[..1]);
        writer.apply(&Change::Peer { set: key("myapp"), old: Some(Arc::clone(old)), new: Some(new) });
    }
    let snapshot = writer.publish(1, None).unwrap();
    assert_eq!(count(&snapshot, ""), 2_000);
    assert_eq!(count(&snapshot, "_dns._udp."), 1_000);
    assert_eq!(count(&snapshot, "_dns-tcp._tcp."), 2_000);
}

#[test]
fn parts_are_complete_and_disjoint_at_five_thousand_peers() {
    use RecordType as T;
    let mut writer = writer(config());
    writer.apply(&Change::Set(key("myapp"), settings(&[("epmd", Protocol::Tcp)])));
    for number in 0..5_000_u32 {
        let address = IpAddr::V4((0x0a00_0000 + number).into()).to_string();
        add_peer(&mut writer, "myapp", &peer(&[&address], None, SrvTarget::Pod, &[epmd()]));
    }
    let told: Vec<_> = writer.take_oversize().into_iter().map(|oversize| oversize.rtype).collect();
    assert_eq!(told, [T::SRV, T::TXT, T::A], "each once, the largest records first");
    let snapshot = writer.publish(1, None).unwrap();
    let lines = |name: &str, rtype| -> Vec<String> {
        let answer = ask(&snapshot, &format!("{name}myapp.default.svc.peers.cluster.local"), rtype);
        answer.lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
    };
    for rtype in [T::A, T::TXT, T::SRV] {
        let mut whole = lines("", rtype);
        assert_eq!(whole.len(), 5_000);
        whole.sort_unstable();
        for parts in [1, 2, 8, 64, 256] {
            let each: Vec<_> =
                (0..parts).map(|index| lines(&format!("_{index}._of{parts}."), rtype)).collect();
            let largest = each.iter().map(Vec::len).max().unwrap();
            assert!(largest <= 5_000 / parts * 2 + 16, "{parts} parts of {rtype}: the largest has {largest}");
            let mut together: Vec<_> = each.concat();
            together.sort_unstable();
            assert_eq!(together, whole, "{parts} parts of {rtype}");
        }
    }
    for name in
        ["_8._of8.", "_0._of3.", "_0._of512.", "_00._of8.", "_0._of08.", "_a._of8.", "_0._of.", "_of512."]
    {
        let answer = ask(&snapshot, &format!("{name}myapp.default.svc.peers.cluster.local"), T::A);
        assert_eq!(answer, "NXDOMAIN", "{name}");
    }
    assert_eq!(ask(&snapshot, "_of8.myapp.default.svc.peers.cluster.local", T::A), "NODATA");
}

#[test]
fn copies_rotate_whole_and_are_cut_at_the_end() {
    let snapshot = myapp().publish(1, None).unwrap();
    let mut query = QueryName::new();
    query.read(b"\x05myapp\x07default\x03svc\x05peers\x07cluster\x05local\0", 0).unwrap();
    let Found::Node(node) = snapshot.zone_of(&query, RecordType::A).unwrap().find(&query, RecordType::A)
    else {
        panic!("the set exists")
    };
    let rrset = node.rrset(RecordType::A).unwrap();
    assert!(rrset.rotates());
    assert!(!node.rrset(RecordType::TXT).unwrap().rotates());
    let copy = |room: usize, start: usize| {
        let mut out = vec![0; room];
        let copied = rrset.copy(&mut out, start);
        assert_eq!(copied.octets, copied.records * 16);
        out[..copied.octets].chunks(16).map(|rr| rr[15]).collect::<Vec<_>>()
    };
    assert_eq!(copy(48, 0), [2, 9, 10]);
    assert_eq!(copy(48, 1), [9, 10, 2]);
    assert_eq!(copy(48, 5), [10, 2, 9]);
    assert_eq!(copy(47, 0), [2, 9]);
    assert_eq!(copy(47, 2), [10, 2]);
    assert_eq!(copy(15, 2), [] as [u8; 0]);
}

#[test]
fn targets_bring_their_addresses_once() {
    let snapshot = myapp().publish(1, None).unwrap();
    let additionals = |name: &str, rtype| {
        let mut query = QueryName::new();
        query.read(name.parse::<Name>().unwrap().as_wire(), 0).unwrap();
        let Found::Node(node) = snapshot.zone_of(&query, rtype).unwrap().find(&query, rtype) else {
            panic!("{name} exists")
        };
        node.rrset(rtype)
            .unwrap()
            .additionals()
            .map(|found| found.map_or(String::new(), |found| format!("{} {:?}", found.ttl, found.addresses)))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        additionals("myapp.default.svc.peers.cluster.local", RecordType::SRV),
        ["5 [10.0.0.2]", "5 [10.0.0.10]", "", "5 [10.0.0.9, fd00::9]"]
    );
    assert_eq!(
        additionals("_epmd._tcp.myapp.default.svc.peers.cluster.local", RecordType::SRV),
        ["5 [10.0.0.2]", "5 [10.0.0.9, fd00::9]"]
    );
    assert_eq!(additionals("peers.cluster.local", RecordType::NS), ["5 [192.0.2.53]"]);
    assert!(additionals("myapp.default.svc.peers.cluster.local", RecordType::A).is_empty());
}

#[test]
fn impossible_configurations_are_refused() {
    let with = |change: &dyn Fn(&mut ZoneConfig)| {
        let mut config = config();
        change(&mut config);
        SnapshotWriter::new(config).map(|_| ()).unwrap_err()
    };
    let name = |text: &str| text.parse::<Name>().unwrap();
    assert_eq!(
        with(&|config| config.reverse_zones = vec![name("example.org")]),
        ZoneConfigError::NotReverse(name("example.org"))
    );
    assert_eq!(
        with(&|config| config.reverse_zones = vec![name("10.in-addr.arpa"); 2]),
        ZoneConfigError::SameApex(name("10.in-addr.arpa"))
    );
    assert_eq!(
        with(&|config| config.zone = name("pod.cluster.local")),
        ZoneConfigError::SameApex(name("pod.cluster.local"))
    );
}

/// A peer out of a small universe in which everything collides.
fn any_peer() -> impl Strategy<Value = Arc<Peer>> {
    let address = prop_oneof!["10\\.0\\.0\\.[1-6]", "fd00::[1-3]"];
    let target = prop_oneof![
        Just(SrvTarget::Pod),
        Just(SrvTarget::Peer),
        Just(SrvTarget::Service { hostname: "h".into(), service: "s".into() })
    ];
    let port = prop::sample::select(vec![
        port(53, Protocol::Tcp, "dns-tcp"),
        port(53, Protocol::Udp, "dns"),
        port(80, Protocol::Tcp, "http"),
        epmd(),
    ]);
    let ports = prop::collection::btree_set(port, 1..4);
    (prop::collection::vec(address, 1..3), prop::option::of("h[12]"), target, ports).prop_map(
        |(addresses, hostname, target, ports)| {
            let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
            let ports: Vec<Port> = ports.into_iter().collect();
            peer(&addresses, hostname.as_deref(), target, &ports)
        },
    )
}

fn fresh(sets: &BTreeMap<(usize, usize), Arc<Peer>>) -> SnapshotWriter {
    let mut writer = writer(config());
    let mut held = BTreeSet::new();
    for set in 0..2 {
        writer.apply(&Change::Set(key(["a", "b"][set]), settings(&[("http", Protocol::Tcp)])));
    }
    for ((set, _), peer) in sets.iter().rev() {
        writer.apply(&Change::Peer { set: key(["a", "b"][*set]), old: None, new: Some(Arc::clone(peer)) });
        held.extend(peer.addresses.iter().copied());
    }
    for address in held {
        writer.apply(&Change::Address { namespace: "default".into(), address, held: true });
    }
    writer
}

/// The zones without their SOA records, whose serials differ.
fn texts(snapshot: &Snapshot) -> Vec<String> {
    let soa = |line: &&str| !line.contains("\tSOA\t");
    snapshot.master_files().map(|(_, text)| text.lines().filter(soa).collect::<Vec<_>>().join("\n")).collect()
}

proptest! {
    #[test]
    fn changes_in_any_order_lead_to_one_content(
        steps in prop::collection::vec((0_usize..2, 0_usize..12, prop::option::of(any_peer()), any::<bool>()), 1..60)) {
        let mut writer = fresh(&BTreeMap::new());
        let mut peers: BTreeMap<(usize, usize), Arc<Peer>> = BTreeMap::new();
        let mut held: BTreeSet<IpAddr> = BTreeSet::new();
        let mut kept = Vec::new();
        writer.publish(1, None);
        for (set, slot, new, publish) in steps {
            let old = match &new {
                Some(new) => peers.insert((set, slot), Arc::clone(new)),
                None => peers.remove(&(set, slot)),
            };
            writer.apply(&Change::Peer { set: key(["a", "b"][set]), old, new });
            let now: BTreeSet<IpAddr> = peers.values().flat_map(|peer| peer.addresses.iter().copied()).collect();
            for (address, is_held) in held.difference(&now).map(|a| (*a, false)).chain(now.difference(&held).map(|a| (*a, true))) {
                writer.apply(&Change::Address { namespace: "default".into(), address, held: is_held });
            }
            held = now;
            if publish && let Some(snapshot) = writer.publish(2, None) {
                let text = texts(&snapshot);
                kept.push((snapshot, text));
            }
        }
        let _ = writer.publish(2, None);
        for (snapshot, text) in &kept {
            prop_assert_eq!(&texts(snapshot), text, "a published snapshot never changes");
        }
        let rebuilt = fresh(&peers).publish(2, None).unwrap();
        let served = writer.current();
        prop_assert_eq!(texts(&served), texts(&rebuilt));
        for part in 0..4 {
            for set in ["a", "b"] {
                for rtype in [RecordType::A, RecordType::AAAA, RecordType::TXT, RecordType::SRV] {
                    let name = format!("_{part}._of4.{set}.default.svc.peers.cluster.local");
                    prop_assert_eq!(ask(&served, &name, rtype), ask(&rebuilt, &name, rtype));
                }
            }
        }
    }
}
