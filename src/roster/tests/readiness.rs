//! What is complete, and what may be old.

use super::build::slice;
use super::served::{Model, Served, options};
use crate::roster::{Change, EventKind, Gives, Roster, Scope};

fn new() -> Served {
    let mut served = Served { roster: Roster::new(options(vec![])), model: Model::default() };
    assert_eq!(served.take(), [], "nothing is ready before a watch is started");
    served
}

fn within(namespace: &str) -> EventKind {
    EventKind::Started(Scope::Namespace(namespace.into()), Gives::Peers)
}

fn all(ready: bool, complete: bool) -> Change {
    Change::All { ready, complete }
}

fn namespace(namespace: &str, ready: bool) -> Change {
    Change::Namespace { namespace: namespace.into(), ready }
}

#[test]
fn names_wait_for_every_watch_that_can_contribute() {
    let mut served = new();
    served.handle(0, EventKind::Started(Scope::All, Gives::Peers));
    served.handle(1, within("a"));
    assert_eq!(served.take(), [namespace("a", false)]);
    served.handle(1, EventKind::Synced);
    assert_eq!(served.take(), [], "the watch over all namespaces is missing");
    served.handle(0, EventKind::Synced);
    assert_eq!(served.take(), [namespace("a", true), all(true, true)]);
    served.handle(0, EventKind::Reset);
    assert_eq!(served.take(), [], "a later list makes nothing unready");
    served.handle(2, within("b"));
    assert_eq!(served.take(), [namespace("b", false), all(true, false)]);
    served.handle(3, within("a"));
    assert_eq!(served.take(), [namespace("a", false)]);
    served.handle(2, EventKind::Synced);
    served.handle(3, EventKind::Ended);
    assert_eq!(served.take(), [namespace("a", true), namespace("b", true), all(true, true)]);
    served.handle(4, EventKind::Started(Scope::All, Gives::Peers));
    assert_eq!(served.take(), [namespace("a", false), namespace("b", false), all(false, false)]);
}

#[test]
fn without_watches_over_all_namespaces_those_not_watched_are_ready() {
    let mut served = new();
    served.handle(0, within("a"));
    served.handle(1, within("b"));
    served.handle(1, EventKind::Synced);
    assert_eq!(
        served.take(),
        [namespace("a", false), namespace("b", false), namespace("b", true), all(true, false)]
    );
    served.handle(0, EventKind::Synced);
    assert_eq!(served.take(), [namespace("a", true), all(true, true)]);
    served.handle(0, EventKind::Ended);
    served.handle(1, EventKind::Ended);
    assert_eq!(served.take(), [namespace("a", false), namespace("b", false), all(false, false)]);
}

#[test]
fn a_new_file_of_a_folder_interrupts_nothing() {
    let mut served = new();
    served.handle(0, EventKind::Started(Scope::All, Gives::Peers));
    served.handle(0, EventKind::Synced);
    served.take();
    served.handle(1, EventKind::Started(Scope::All, Gives::Peers));
    served.handle(1, EventKind::Reset);
    served.handle(1, EventKind::Apply(Box::new(slice("web", "1"))));
    served.handle(1, EventKind::Synced);
    let changes = served.take();
    assert!(matches!(&changes[..], [Change::Set(..)]), "{changes:?}");
}

#[test]
fn a_watch_that_is_started_again_stays_ready() {
    let mut served = new();
    served.handle(0, EventKind::Started(Scope::All, Gives::Peers));
    served.handle(0, EventKind::Synced);
    served.take();
    served.handle(0, EventKind::Started(Scope::All, Gives::Peers));
    assert_eq!(served.take(), []);
}

#[test]
fn any_watch_without_origin_makes_all_stale() {
    let mut served = new();
    for watch in 0..2 {
        served.handle(watch, EventKind::Started(Scope::All, Gives::Peers));
        served.handle(watch, EventKind::Synced);
    }
    served.take();
    for (watch, kind, told) in [
        (0, EventKind::Unreachable, Some(true)),
        (1, EventKind::Unreachable, None),
        (0, EventKind::Reachable, None),
        (1, EventKind::Unreachable, None),
        (1, EventKind::Reachable, Some(false)),
        (0, EventKind::Unreachable, Some(true)),
        (0, EventKind::Ended, Some(false)),
    ] {
        served.handle(watch, kind.clone());
        assert_eq!(served.take(), Vec::from_iter(told.map(Change::Stale)), "{watch} {kind:?}");
    }
}
