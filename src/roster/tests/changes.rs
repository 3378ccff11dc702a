//! What is told, and how little.

use super::build::{key, slice};
use super::served::serve;
use crate::roster::{Change, EndpointObject};
use std::net::{IpAddr, Ipv4Addr};

fn address(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + number))
}

/// A slice of a hundred pods, one of which is not ready.
fn hundred(slice_number: u32, unready: u32) -> EndpointObject {
    (0..100).fold(slice("web", &format!("web-{slice_number}")), |object, number| {
        let pod = slice_number * 100 + number;
        let condition = if number == unready { "unready" } else { "" };
        object.with(&format!("uid=pod-{pod} {} {condition}", address(pod)))
    })
}

#[test]
fn one_of_five_thousand_is_one_change() {
    let mut served = serve([]);
    for number in 0..50 {
        served.apply(hundred(number, 100));
    }
    assert_eq!(served.peers("web.default").unwrap().len(), 5000);
    let changes = served.apply(hundred(7, 42));
    let [Change::Peer { old: Some(old), new: None, .. }] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!(old.primary(), address(742));
    let changes = served.apply(hundred(7, 43));
    let [Change::Peer { old: Some(old), new: Some(new), .. }] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!((old.primary(), new.primary()), (address(743), address(742)), "one came back, one went");
    let mut shifted = hundred(7, 100);
    shifted.groups[0].endpoints.remove(0);
    served.apply(hundred(7, 100));
    let changes = served.apply(shifted);
    let [Change::Peer { old: Some(_), new: None, .. }, Change::Address { held: false, .. }] = &changes[..]
    else {
        panic!("{changes:?}")
    };
}

#[test]
fn nothing_is_told_of_what_is_the_same() {
    let mut served = serve([]);
    let object = slice("web", "1").port("http/80").with("uid=a 10.0.0.1").label("app", "web");
    assert_eq!(served.apply(object.clone()).len(), 3, "set, peer, address");
    assert_eq!(served.apply(object.clone()), []);
    assert_eq!(served.apply(object.label("another", "label")), []);
    assert_eq!(served.delete(key("other")), []);
    assert_eq!(served.delete(key("1")).len(), 3);
    assert_eq!(served.sets(), "");
}

#[test]
fn a_burst_is_one_change() {
    let mut served = serve([]);
    for number in 0..20 {
        let object = slice("web", "1").with(&format!("uid=a 10.0.0.{number}"));
        served.handle(0, crate::roster::EventKind::Apply(Box::new(object)));
    }
    assert_eq!(served.take().len(), 3);
    assert_eq!(served.names("web.default"), "web@10.0.0.19");
    let back = slice("web", "1").with("uid=a 10.0.0.19");
    served.handle(0, crate::roster::EventKind::Delete(key("1")));
    served.handle(0, crate::roster::EventKind::Apply(Box::new(back)));
    assert_eq!(served.take(), []);
}

#[test]
fn addresses_are_held_whatever_the_condition_and_topology() {
    let mut served = serve([super::build::topology("", "app=none")]);
    served.apply(slice("web", "1").with("uid=a 10.0.0.1 unready").with("127.0.0.1 fd00::1 ns=other"));
    assert_eq!(served.addresses(), "default/10.0.0.1 other/127.0.0.1 other/fd00::1");
    served.apply(slice("web", "2").with("uid=b 10.0.0.1"));
    served.delete(key("1"));
    assert_eq!((served.addresses().as_str(), served.sets().as_str()), ("default/10.0.0.1", ""));
    served.delete(key("2"));
    assert_eq!(served.addresses(), "");
}

#[test]
fn an_endpoint_that_changes_its_group_changes_its_ports() {
    let mut served = serve([]);
    let object = |first: &[&str], second: &[&str]| {
        let first = first.iter().fold(slice("web", "1").port("a/1"), |object, words| object.with(words));
        second.iter().fold(first.group().port("b/2"), |object, words| object.with(words))
    };
    let ports = |served: &super::served::Served| {
        let peers = served.peers("web.default").unwrap();
        peers.iter().map(|peer| peer.shape().ports[0].number).collect::<Vec<_>>()
    };
    served.apply(object(&["10.0.0.1", "10.0.0.2"], &["10.0.0.3"]));
    assert_eq!(ports(&served), [1, 1, 2]);
    assert_eq!(served.apply(object(&["10.0.0.1"], &["10.0.0.2", "10.0.0.3"])).len(), 1);
    assert_eq!(ports(&served), [1, 2, 2]);
}

#[test]
fn an_object_that_changes_its_service_renames_its_peers() {
    let topology =
        crate::roster::Topology { mode: crate::roster::Mode::Hostname, ..super::build::topology("app", "") };
    let mut served = serve([topology]);
    for service in ["web", "db"] {
        served.apply(slice(service, "1").with("10.0.0.1 host=app-0"));
        assert_eq!(served.names("app.default"), format!("app@app-0.{service}.default.svc.cluster.local"));
    }
}

#[test]
fn addresses_are_told_in_one_order() {
    let mut served = serve([]);
    let object = (0..200).rev().fold(slice("web", "1"), |object, number| {
        let namespace = if number % 3 == 0 { "b" } else { "a" };
        object.with(&format!("uid=pod-{number} {} ns={namespace}", address(number)))
    });
    let told = |changes: &[Change]| -> Vec<(String, IpAddr)> {
        let addresses = changes.iter().filter_map(|change| match change {
            Change::Address { namespace, address, .. } => Some((namespace.to_string(), *address)),
            _ => None,
        });
        addresses.collect()
    };
    for changes in [served.apply(object), served.delete(key("1"))] {
        let told = told(&changes);
        assert_eq!(told.len(), 200);
        assert!(told.is_sorted(), "{told:?}");
    }
}

/// Endpoints that are alike but for their host names, at one address and without a uid, or with one each.
fn crowd(count: u32, turned: u32, has_uid: bool) -> EndpointObject {
    (0..count).map(|number| (number + turned) % count).fold(slice("web", "1"), |object, number| {
        let uid = if has_uid { format!("uid=pod-{number}") } else { String::new() };
        object.with(&format!("{uid} 10.0.0.1 host=web-{number}"))
    })
}

/// Counted, not timed: four times as many take four times as much, however alike they are and in whatever order they come.
#[test]
fn work_grows_with_the_object_and_not_with_its_square() {
    let steps = |has_uid: bool, count: u32| {
        let mut served = serve([]);
        let mut counted = Vec::new();
        let mut step = |object: EndpointObject| {
            served.roster.store.looks.take();
            served.apply(object);
            counted.push(served.roster.store.looks.take());
        };
        step(crowd(count, 0, has_uid));
        step(crowd(count, count / 2, has_uid));
        let mut reversed = crowd(count, 0, has_uid);
        reversed.groups[0].endpoints.reverse();
        step(reversed.clone());
        reversed.groups[0]
            .endpoints
            .retain(|endpoint| endpoint.hostname.as_ref().is_some_and(|name| name.ends_with('0')));
        step(reversed);
        step(slice("web", "1"));
        counted
    };
    for has_uid in [false, true] {
        for (few, many) in steps(has_uid, 250).into_iter().zip(steps(has_uid, 1000)) {
            assert!(few < 250 * 20 && many < 5 * few + 100, "{has_uid}: {few} of 250, {many} of 1000");
        }
    }
}
