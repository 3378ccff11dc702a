//! Lists become visible whole.

use super::build::{key, slice, topology};
use super::served::{Served, serve};
use crate::roster::{EndpointObject, Event, EventKind, Gives, Roster, Scope, WatchId};

fn web(name: &str, address: &str) -> EndpointObject {
    slice("web", name).with(&format!("uid={name} {address}"))
}

fn apply(object: EndpointObject) -> EventKind {
    EventKind::Apply(Box::new(object))
}

fn three() -> Served {
    let mut served = serve([]);
    for (name, address) in [("a", "10.0.0.1"), ("b", "10.0.0.2"), ("c", "10.0.0.3")] {
        served.apply(web(name, address));
    }
    served
}

#[test]
fn a_list_without_change_tells_nothing() {
    let mut served = three();
    served.handle(0, EventKind::Reset);
    for (name, address) in [("c", "10.0.0.3"), ("a", "10.0.0.1"), ("b", "10.0.0.2")] {
        served.handle(0, apply(web(name, address)));
        assert_eq!(served.take(), []);
    }
    served.handle(0, EventKind::Synced);
    assert_eq!(served.take(), []);
}

#[test]
fn a_list_is_a_difference_that_shows_at_its_end() {
    let mut served = three();
    served.handle(0, EventKind::Reset);
    for object in [web("a", "10.0.0.1"), web("b", "10.0.0.9"), web("d", "10.0.0.4")] {
        served.handle(0, apply(object));
        assert_eq!(served.take(), []);
    }
    assert_eq!(served.names("web.default"), "web@10.0.0.1 web@10.0.0.2 web@10.0.0.3");
    served.handle(0, EventKind::Synced);
    served.take();
    assert_eq!(served.names("web.default"), "web@10.0.0.1 web@10.0.0.4 web@10.0.0.9");
    served.delete(key("a"));
    assert_eq!(served.names("web.default"), "web@10.0.0.4 web@10.0.0.9", "at once again");
}

#[test]
fn a_list_that_begins_anew_forgets_what_came_before() {
    let mut served = three();
    served.handle(0, EventKind::Reset);
    served.handle(0, apply(web("a", "10.0.0.9")));
    served.handle(0, apply(web("b", "10.0.0.2")));
    served.handle(0, EventKind::Reset);
    served.handle(0, apply(web("a", "10.0.0.1")));
    served.handle(0, EventKind::Synced);
    served.take();
    assert_eq!(served.names("web.default"), "web@10.0.0.1");
}

#[test]
fn within_a_list_the_last_word_holds() {
    let mut served = three();
    served.handle(0, EventKind::Reset);
    for kind in [
        apply(web("a", "10.0.0.9")),
        apply(web("a", "10.0.0.1")),
        apply(web("b", "10.0.0.2")),
        EventKind::Delete(key("b")),
        apply(web("c", "10.0.0.9")),
        EventKind::Delete(key("c")),
        apply(web("c", "10.0.0.3")),
    ] {
        served.handle(0, kind);
    }
    served.handle(0, EventKind::Synced);
    served.take();
    assert_eq!(served.names("web.default"), "web@10.0.0.1 web@10.0.0.3");
}

/// A pod that a rolling update moved to another slice stays listed all the time.
#[test]
fn a_pod_that_moves_between_slices_is_no_change() {
    let mut served = serve([]);
    served.apply(slice("web", "a").with("uid=x 10.0.0.1").with("uid=y 10.0.0.2"));
    served.handle(0, EventKind::Reset);
    served.handle(0, apply(slice("web", "b").with("uid=y 10.0.0.2").with("uid=x 10.0.0.1")));
    served.handle(0, EventKind::Synced);
    assert_eq!(served.take(), []);
}

#[test]
fn nothing_shows_before_the_first_list_is_complete() {
    let mut served = serve([]);
    served.handle(1, EventKind::Started(Scope::All, Gives::Peers));
    served.handle(1, apply(web("too-early", "10.0.0.7")));
    served.handle(1, EventKind::Reset);
    served.handle(1, apply(web("a", "10.0.0.1")));
    served.take();
    assert_eq!((served.sets().as_str(), served.addresses().as_str()), ("", ""));
    served.handle(1, EventKind::Synced);
    served.take();
    assert_eq!(served.names("web.default"), "web@10.0.0.1");
}

#[test]
fn a_watch_that_ends_takes_its_objects_with_it() {
    let mut served = three();
    served.handle(1, EventKind::Started(Scope::All, Gives::Peers));
    served.handle(1, EventKind::Synced);
    served.handle(1, apply(web("a", "10.0.0.1")));
    served.handle(1, apply(web("e", "10.0.0.5")));
    served.take();
    assert_eq!(served.names("web.default"), "web@10.0.0.1 web@10.0.0.2 web@10.0.0.3 web@10.0.0.5");
    served.handle(0, EventKind::Ended);
    served.take();
    assert_eq!(served.names("web.default"), "web@10.0.0.1 web@10.0.0.5");
    served.handle(1, EventKind::Reset);
    served.handle(1, EventKind::Ended);
    served.take();
    assert_eq!((served.sets().as_str(), served.addresses().as_str()), ("", ""));
}

#[test]
fn revisions_count_when_they_show() {
    let mut roster = Roster::new(super::served::options(vec![topology("", "")]));
    let mut revision_after = |revision: u64, kind| {
        roster.handle(Event { watch: WatchId(0), revision: Some(revision), kind });
        roster.revision()
    };
    assert_eq!(revision_after(1, EventKind::Started(Scope::All, Gives::Peers)), None);
    assert_eq!(revision_after(2, EventKind::Reset), None);
    assert_eq!(revision_after(9, apply(web("a", "10.0.0.1"))), None);
    assert_eq!(revision_after(5, EventKind::Synced), Some(5));
    assert_eq!(revision_after(7, apply(web("a", "10.0.0.2"))), Some(7));
    assert_eq!(revision_after(6, EventKind::Delete(key("a"))), Some(7));
    assert_eq!(revision_after(8, EventKind::Reset), Some(7));
    assert_eq!(revision_after(8, EventKind::Synced), Some(8));
}

#[test]
fn a_list_brings_what_changed_beside_the_endpoints() {
    let mut served = serve([]);
    served.apply(web("a", "10.0.0.1"));
    for (object, expected) in [
        (web("a", "10.0.0.1").label("rosterd.io/basename", "b"), "web.default b@10.0.0.1"),
        (web("a", "10.0.0.1").label("rosterd.io/set", "c"), "c.default c@10.0.0.1"),
        (EndpointObject { service: Some("d".into()), ..web("a", "10.0.0.1") }, "d.default d@10.0.0.1"),
    ] {
        served.handle(0, EventKind::Reset);
        served.handle(0, apply(object));
        served.handle(0, EventKind::Synced);
        served.take();
        let sets = served.sets();
        assert_eq!(format!("{sets} {}", served.names(&sets)), expected);
    }
    served.handle(0, EventKind::Reset);
    served.handle(0, apply(web("a", "10.0.0.1").port("http/80")));
    served.handle(0, EventKind::Synced);
    served.take();
    assert_eq!(served.port_names("web.default"), "http/tcp");
}
