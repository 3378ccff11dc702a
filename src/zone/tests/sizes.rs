//! Large RRsets: their TTL, their parts, and how they are copied.

use super::super::{Found, Snapshot};
use super::world::{add_peer, ask, config, epmd, key, myapp, peer, port, settings, writer};
use crate::roster::{Change, Peer, PeerShape, Protocol, RecordTypes, SetSettings, SrvTarget};
use crate::wire::{QueryName, RecordType};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

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
        let snapshot = writer.publish(Some(1)).unwrap();
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
    let snapshot = writer.publish(Some(1)).unwrap();
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
        let peer = peer(&["10.0.1.1"], None, SrvTarget::Pod, &[epmd()]);
        let shape = PeerShape { basename: name.as_str().into(), ..PeerShape::clone(peer.shape()) };
        let peer = Peer::new(peer.primary(), Vec::new(), None, Arc::new(shape));
        add_peer(&mut writer, &name, &Arc::new(peer));
    }
    let snapshot = writer.publish(Some(1)).unwrap();
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
    let snapshot = writer.publish(Some(1)).unwrap();
    let count = |snapshot: &Snapshot, name: &str| {
        ask(snapshot, &format!("{name}myapp.default.svc.peers.cluster.local"), T::SRV).lines().count()
    };
    assert_eq!(count(&snapshot, ""), 2_000);
    assert_eq!(count(&snapshot, "_dns._udp."), 2_000);
    assert_eq!((0..64).map(|part| count(&snapshot, &format!("_{part}._of64."))).sum::<usize>(), 2_000);
    // One of the two ports goes: each RR keeps its other cause.
    for old in &peers[..1_000] {
        let new = peer(&[&old.primary().to_string()], None, SrvTarget::Pod, &ports[..1]);
        writer.apply(&Change::Peer { set: key("myapp"), old: Some(Arc::clone(old)), new: Some(new) });
    }
    let snapshot = writer.publish(Some(1)).unwrap();
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
    let snapshot = writer.publish(Some(1)).unwrap();
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
    let snapshot = myapp().publish(Some(1)).unwrap();
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
