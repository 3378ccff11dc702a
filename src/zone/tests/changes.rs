//! Changes in any order lead to one content.

use super::super::{Snapshot, SnapshotWriter};
use super::world::{ask, config, epmd, key, peer, port, settings, writer};
use crate::roster::{Change, Peer, Port, Protocol, SrvTarget};
use crate::wire::RecordType;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// A peer out of a small universe in which everything collides.
fn any_peer() -> impl Strategy<Value = Arc<Peer>> {
    let address = prop_oneof!["10\\.0\\.0\\.[1-6]", "fd00::[1-3]"];
    let target =
        prop_oneof![Just(SrvTarget::Pod), Just(SrvTarget::Peer), Just(SrvTarget::Service("s".into()))];
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
        held.extend(peer.addresses().iter().copied());
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
        writer.publish(Some(1));
        for (set, slot, new, publish) in steps {
            let old = match &new {
                Some(new) => peers.insert((set, slot), Arc::clone(new)),
                None => peers.remove(&(set, slot)),
            };
            writer.apply(&Change::Peer { set: key(["a", "b"][set]), old, new });
            let now: BTreeSet<IpAddr> = peers.values().flat_map(|peer| peer.addresses().iter().copied()).collect();
            for (address, is_held) in held.difference(&now).map(|a| (*a, false)).chain(now.difference(&held).map(|a| (*a, true))) {
                writer.apply(&Change::Address { namespace: "default".into(), address, held: is_held });
            }
            held = now;
            if publish && let Some(snapshot) = writer.publish(Some(2)) {
                let text = texts(&snapshot);
                kept.push((snapshot, text));
            }
        }
        let _ = writer.publish(Some(2));
        for (snapshot, text) in &kept {
            prop_assert_eq!(&texts(snapshot), text, "a published snapshot never changes");
        }
        let rebuilt = fresh(&peers).publish(Some(2)).unwrap();
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
