//! Watches whose objects give addresses alone.

use super::build::{key, slice, topology};
use super::served::{Served, serve};
use crate::roster::{EndpointObject, EventKind, Gives, NoticeKind, ObjectKind, Scope, Topology};

/// A pod of no Service.
fn pod(name: &str, words: &str) -> EndpointObject {
    slice("", name).kind(ObjectKind::Pod).label("app", "web").with(words)
}

fn apply(object: EndpointObject) -> EventKind {
    EventKind::Apply(Box::new(object))
}

/// Peers by watch 0, addresses by watch 1.
fn served(topologies: impl Into<Vec<Topology>>) -> Served {
    let mut served = serve(topologies);
    served.handle(1, EventKind::Started(Scope::All, Gives::Addresses));
    served.handle(1, EventKind::Synced);
    served.take();
    served
}

#[test]
fn they_join_no_set() {
    let mut served = served([topology("app", "app=web"), topology("", "")]);
    served.handle(1, apply(pod("a", "uid=a 10.0.0.1 fd00::1 host=Bad")));
    served.handle(1, apply(slice("web", "web").label("app", "web").with("10.0.0.3 ns=other")));
    served.take();
    assert_eq!(served.sets(), "");
    assert_eq!(served.addresses(), "default/10.0.0.1 default/fd00::1 other/10.0.0.3");
    assert_eq!(served.notices(), [""; 0]);
    let counts = served.roster.counts();
    assert_eq!((counts.objects, counts.idle.len()), (2, 0));
    served.handle(1, EventKind::Delete(pod("a", "").key));
    served.handle(1, EventKind::Delete(key("web")));
    served.take();
    assert_eq!(served.addresses(), "");
}

#[test]
fn peers_are_not_theirs() {
    let mut served = served([topology("", "")]);
    served.handle(1, apply(pod("a", "uid=a 10.0.0.1 host=pod-0")));
    served.apply(slice("web", "web").with("uid=a 10.0.0.1").with("10.0.0.2 unready"));
    assert_eq!(served.names("web.default"), "web@10.0.0.1");
    assert_eq!(served.peers("web.default").unwrap()[0].hostname(), None);
    served.delete(key("web"));
    assert_eq!((served.sets().as_str(), served.addresses().as_str()), ("", "default/10.0.0.1"));
}

#[test]
fn conditions_are_no_change() {
    let mut served = served([]);
    served.handle(1, apply(pod("a", "uid=a 10.0.0.1")));
    served.take();
    for words in ["uid=a 10.0.0.1 unready", "uid=b 10.0.0.1 host=pod-0"] {
        served.handle(1, apply(pod("a", words)));
        assert_eq!(served.take(), [], "{words}");
    }
    served.handle(1, EventKind::Reset);
    served.handle(1, apply(pod("a", "uid=a 10.0.0.1 draining")));
    served.handle(1, EventKind::Synced);
    assert_eq!(served.take(), []);
}

/// The same pod from a watch that gives peers and from one that gives addresses is no oddity.
#[test]
fn an_object_in_both_is_not_served_twice() {
    let mut served = served([topology("app", "app=web")]);
    served.apply(pod("a", "uid=a 10.0.0.1"));
    served.handle(1, apply(pod("a", "uid=a 10.0.0.1")));
    served.take();
    assert_eq!(served.names("app.default"), "app@10.0.0.1");
    assert_eq!(served.roster.counts().notices.get(&NoticeKind::Twice), None);
}

#[test]
fn what_no_name_can_hold_is_said() {
    let mut served = served([]);
    served.handle(1, apply(pod("a", "10.0.0.1").namespace("Bad")));
    served.handle(1, apply(pod("b", "10.0.0.2 ns=Bad")));
    served.take();
    assert_eq!(served.addresses(), "default/10.0.0.2");
    assert_eq!(served.notices().len(), 2);
}
