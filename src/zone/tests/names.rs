//! Names and what stands there.

use super::super::{Found, PodNames, Snapshot, SnapshotWriter, ZoneConfig, ZoneConfigError};
use super::world::{add_peer, ask, config, epmd, key, myapp, peer, settings, writer};
use crate::roster::{
    Change, Peer, PeerShape, PortName, Protocol, RecordTypes, SetSettings, SrvTarget, Standing, Standings,
};
use crate::wire::{Name, QueryName, RecordType};
use std::collections::BTreeMap;
use std::sync::Arc;

#[test]
fn every_row_of_the_table_is_served() {
    use RecordType as T;
    let snapshot = myapp().publish(Some(1_000)).unwrap();
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
    let snapshot = writer(config).publish(Some(1)).unwrap();
    let zone = |rtype| {
        let mut query = QueryName::new();
        query.read(b"\x03pod\x07cluster\x05local\0", 0).unwrap();
        snapshot.zone_of(&query, rtype).unwrap().apex_offset()
    };
    assert_eq!(zone(RecordType::A), 0);
    assert_eq!(zone(RecordType::DS), 4);
}

#[test]
fn a_parent_knows_the_zones_below_it() {
    use RecordType as T;
    let mut config = config();
    config.reverse_zones =
        ["10.in-addr.arpa", "5.77.10.in-addr.arpa"].map(|name| name.parse().unwrap()).into();
    let snapshot = writer(config).publish(Some(1)).unwrap();
    for (name, rtype, expected) in [
        ("5.77.10.in-addr.arpa", T::DS, "NODATA"),
        ("77.10.in-addr.arpa", T::PTR, "NODATA"),
        ("7.10.in-addr.arpa", T::PTR, "NXDOMAIN"),
        ("6.77.10.in-addr.arpa", T::PTR, "NXDOMAIN"),
        ("1.5.77.10.in-addr.arpa", T::PTR, "NXDOMAIN"),
    ] {
        assert_eq!(ask(&snapshot, name, rtype), expected, "{name} {rtype}");
    }
}

#[test]
fn insecure_pod_names_echo_any_address() {
    use RecordType as T;
    let mut config = config();
    config.pods = PodNames::Insecure;
    let mut writer = writer(config);
    writer.apply(&Change::Set(key("myapp"), settings(&[])));
    add_peer(&mut writer, "myapp", &peer(&["10.0.0.2"], None, SrvTarget::Pod, &[epmd()]));
    let snapshot = writer.publish(Some(1)).unwrap();
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
    let snapshot = SnapshotWriter::new(config).unwrap().publish(Some(1)).unwrap();
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
    let snapshot = writer.publish(Some(1)).unwrap();
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
    let peer = peer(&["10.0.0.2"], Some("web-0"), SrvTarget::Service("web".into()), &[epmd()]);
    let shape = PeerShape { namespace: "elsewhere".into(), ..PeerShape::clone(peer.shape()) };
    let hostname = Some(Arc::new("web-0".into()));
    let other = Peer::new(peer.primary(), Vec::new(), hostname, Arc::new(shape));
    add_peer(&mut writer, "myapp", &Arc::new(other));
    let snapshot = writer.publish(Some(1)).unwrap();
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
    let early = writer.publish(Some(1)).unwrap();
    writer.apply(&Change::Namespace { namespace: "other".into(), known: Standings::default() });
    writer.apply(&Change::All { known: Standings::COMPLETE, everywhere: Standing::default() });
    let partly = writer.publish(Some(1)).unwrap();
    writer.apply(&Change::Namespace { namespace: "other".into(), known: Standings::COMPLETE });
    writer.apply(&Change::All { known: Standings::COMPLETE, everywhere: Standing::COMPLETE });
    let ready = writer.publish(Some(1)).unwrap();
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
    let first = serials(&writer.publish(Some(1_000)).unwrap());
    assert!(first.values().all(|&serial| serial == 1_000));
    assert!(writer.publish(Some(1_001)).is_none(), "nothing changed");

    let stale = Standing { ready: true, stale: true };
    let known = Standings { sets: stale, addresses: stale };
    writer.apply(&Change::All { known, everywhere: stale });
    let stale = writer.publish(Some(1_002)).unwrap();
    assert_eq!(serials(&stale), first, "no record changed");

    add_peer(&mut writer, "empty", &peer(&["192.0.2.1"], None, SrvTarget::Peer, &[epmd()]));
    let after = serials(&writer.publish(Some(1_003)).unwrap());
    assert_eq!(after["peers.cluster.local."], 1_003);
    assert_eq!(after["pod.cluster.local."], 1_003);
    assert_eq!(after["10.in-addr.arpa."], 1_000);

    // The peer comes back as it was: no record differs.
    let same = peer(&["192.0.2.1"], None, SrvTarget::Peer, &[epmd()]);
    writer.apply(&Change::Peer { set: key("empty"), old: Some(Arc::clone(&same)), new: Some(same) });
    assert!(writer.publish(Some(1_004)).is_none());
}

#[test]
fn serials_go_on_from_those_of_another_writer() {
    const PEERS: &str = "peers.cluster.local.";
    let serial = |snapshot: &Snapshot| {
        let mut serials = snapshot.serials();
        serials.find_map(|(origin, serial)| (origin.to_string() == PEERS).then_some(serial)).unwrap()
    };
    let continued = |last: u32, same_records: bool| {
        let mut writer = myapp();
        writer.continue_from(&[(PEERS.parse().unwrap(), last)], same_records);
        writer
    };
    for (last, same_records, version, first) in [
        // What has the same content has the same serial, and whatever else is ahead.
        (1_000, true, Some(1_000), 1_000),
        (1_000, true, Some(2_000), 1_000),
        (1_000, true, None, 1_000),
        (1_000, false, Some(2_000), 2_000),
        (1_000, false, Some(1_000), 1_001),
        (1_000, false, None, 1_001),
        // A cluster that was restored from a backup; serials that wrap.
        (1_000, false, Some(7), 1_001),
        (u32::MAX, false, Some(7), 7),
        (u32::MAX, false, Some(1 << 31 | 7), 0),
    ] {
        let mut writer = continued(last, same_records);
        assert_eq!(serial(&writer.publish(version).unwrap()), first, "{last} {same_records} {version:?}");
        assert!(writer.publish(version).is_none());
        // Every later change is ahead, the one with the first version too.
        for (version, name) in [(version, "1"), (Some(1_000), "2"), (Some(7), "3")] {
            let before = serial(&writer.current());
            let address = format!("192.0.2.{name}");
            add_peer(&mut writer, "empty", &peer(&[&address], None, SrvTarget::Peer, &[epmd()]));
            let after = serial(&writer.publish(version).unwrap());
            assert!((1..1 << 31).contains(&after.wrapping_sub(before)), "{before} {after}");
        }
    }
    // One that has published already.
    let mut writer = myapp();
    assert_eq!(serial(&writer.publish(Some(5)).unwrap()), 5);
    writer.continue_from(&[(PEERS.parse().unwrap(), 9)], false);
    assert_eq!(serial(&writer.publish(Some(5)).unwrap()), 10);
    assert!(writer.publish(Some(6)).is_none());
}

#[test]
fn targets_bring_their_addresses_once() {
    let snapshot = myapp().publish(Some(1)).unwrap();
    let additionals = |name: &str, rtype| {
        let mut query = QueryName::new();
        query.read(name.parse::<Name>().unwrap().as_wire(), 0).unwrap();
        let Found::Node(node) = snapshot.zone_of(&query, rtype).unwrap().find(&query, rtype) else {
            panic!("{name} exists")
        };
        node.rrset(rtype)
            .unwrap()
            .additionals()
            .map(|found| {
                found.map_or(String::new(), |found| format!("{} {:?}", found.ttl, found.addresses.as_slice()))
            })
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
