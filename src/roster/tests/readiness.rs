//! What is complete, and what may be old.

use super::build::slice;
use super::served::{Model, Served, options};
use crate::roster::{Change, EventKind, Gives, Roster, Scope, Standing, Standings};

fn new() -> Served {
    let mut served = Served { roster: Roster::new(options(vec![])), model: Model::default() };
    assert_eq!(served.take(), [], "nothing is ready before a watch is started");
    served
}

fn everywhere() -> EventKind {
    EventKind::Started(Scope::All, Gives::Peers)
}

fn within(namespace: &str) -> EventKind {
    EventKind::Started(Scope::Namespace(namespace.into()), Gives::Peers)
}

/// `waits`, `ready` or `stale`.
fn standing(word: &str) -> Standing {
    match word {
        "waits" => Standing { ready: false, stale: false },
        "ready" => Standing::COMPLETE,
        "stale" => Standing { ready: true, stale: true },
        // Some wait, and some are old.
        "both" => Standing { ready: false, stale: true },
        word => panic!("{word}"),
    }
}

fn standings(sets: &str, addresses: &str) -> Standings {
    Standings { sets: standing(sets), addresses: standing(addresses) }
}

/// Words for what all watches of all namespaces, and all watches, have delivered.
fn all(known: &str, everywhere: &str) -> Change {
    Change::All { known: standings(known, known), everywhere: standing(everywhere) }
}

fn namespace(namespace: &str, known: &str) -> Change {
    Change::Namespace { namespace: namespace.into(), known: standings(known, known) }
}

#[test]
fn names_wait_for_every_watch_that_can_contribute() {
    let mut served = new();
    served.handle(0, everywhere());
    served.handle(1, within("a"));
    assert_eq!(served.take(), [namespace("a", "waits")]);
    served.handle(1, EventKind::Synced);
    assert_eq!(served.take(), [namespace("a", "ready")], "the watch over all namespaces is missing");
    served.handle(0, EventKind::Synced);
    assert_eq!(served.take(), [all("ready", "ready")]);
    served.handle(0, EventKind::Reset);
    assert_eq!(served.take(), [], "a later list makes nothing unready");
    served.handle(2, within("b"));
    assert_eq!(served.take(), [namespace("b", "waits"), all("ready", "waits")]);
    served.handle(3, within("a"));
    assert_eq!(served.take(), [namespace("a", "waits")]);
    served.handle(2, EventKind::Synced);
    served.handle(3, EventKind::Ended);
    assert_eq!(served.take(), [namespace("a", "ready"), namespace("b", "ready"), all("ready", "ready")]);
    served.handle(4, everywhere());
    assert_eq!(served.take(), [all("waits", "waits")]);
}

#[test]
fn without_watches_over_all_namespaces_those_not_watched_are_ready() {
    let mut served = new();
    served.handle(0, within("a"));
    served.handle(1, within("b"));
    served.handle(1, EventKind::Synced);
    assert_eq!(served.take(), [namespace("a", "waits"), all("ready", "waits")]);
    served.handle(0, EventKind::Synced);
    assert_eq!(served.take(), [namespace("a", "ready"), all("ready", "ready")]);
    served.handle(0, EventKind::Ended);
    served.handle(1, EventKind::Ended);
    assert_eq!(served.take(), [all("waits", "waits")]);
}

#[test]
fn a_new_file_of_a_folder_interrupts_nothing() {
    let mut served = new();
    served.handle(0, everywhere());
    served.handle(0, EventKind::Synced);
    served.take();
    served.handle(1, everywhere());
    served.handle(1, EventKind::Reset);
    served.handle(1, EventKind::Apply(Box::new(slice("web", "1"))));
    served.handle(1, EventKind::Synced);
    let changes = served.take();
    assert!(matches!(&changes[..], [Change::Set(..)]), "{changes:?}");
}

#[test]
fn a_watch_that_is_started_again_stays_ready() {
    let mut served = new();
    served.handle(0, everywhere());
    served.handle(0, EventKind::Synced);
    served.take();
    served.handle(0, everywhere());
    assert_eq!(served.take(), []);
    served.handle(0, EventKind::Started(Scope::All, Gives::Addresses));
    assert_eq!(served.take(), [], "and gives what it gave");
}

#[test]
fn sets_do_not_wait_for_watches_of_addresses() {
    let mut served = new();
    let addresses = |scope| EventKind::Started(scope, Gives::Addresses);
    served.handle(0, addresses(Scope::All));
    served.handle(0, EventKind::Synced);
    assert_eq!(served.take(), [], "nothing gives peers");
    served.handle(1, everywhere());
    served.handle(1, EventKind::Synced);
    assert_eq!(served.take(), [all("ready", "ready")]);
    served.handle(2, addresses(Scope::All));
    let waiting = standings("ready", "waits");
    assert_eq!(served.take(), [Change::All { known: waiting, everywhere: standing("waits") }]);
    served.handle(2, EventKind::Ended);
    served.handle(3, addresses(Scope::Namespace("a".into())));
    let in_a = |known| Change::Namespace { namespace: "a".into(), known };
    assert_eq!(served.take(), [in_a(waiting), all("ready", "waits")]);
    served.handle(3, EventKind::Synced);
    served.handle(3, EventKind::Unreachable);
    assert_eq!(served.take(), [in_a(standings("ready", "stale")), all("ready", "stale")]);
    served.handle(1, EventKind::Ended);
    assert_eq!(served.take(), [all("waits", "both")], "nothing gives peers any more");
}

#[test]
fn any_watch_without_origin_makes_its_names_stale() {
    let mut served = new();
    for watch in 0..2 {
        served.handle(watch, everywhere());
        served.handle(watch, EventKind::Synced);
    }
    served.take();
    for (watch, kind, told) in [
        (0, EventKind::Unreachable, Some("stale")),
        (1, EventKind::Unreachable, None),
        (0, EventKind::Reachable, None),
        (1, EventKind::Unreachable, None),
        (1, EventKind::Reachable, Some("ready")),
        (0, EventKind::Unreachable, Some("stale")),
        (0, EventKind::Reset, None),
        (0, EventKind::Synced, None),
        (0, EventKind::Ended, Some("ready")),
    ] {
        served.handle(watch, kind.clone());
        assert_eq!(served.take(), Vec::from_iter(told.map(|word| all(word, word))), "{watch} {kind:?}");
    }
}

#[test]
fn a_watch_without_origin_makes_nothing_else_stale() {
    let mut served = new();
    for (watch, name) in [(0, "a"), (1, "b")] {
        served.handle(watch, within(name));
    }
    served.handle(0, EventKind::Synced);
    served.handle(1, EventKind::Unreachable);
    assert_eq!(served.take(), [namespace("b", "waits"), all("ready", "waits")], "it never had a list");
    served.handle(0, EventKind::Unreachable);
    assert_eq!(served.take(), [namespace("a", "stale"), all("ready", "both")]);
    served.handle(1, EventKind::Reachable);
    served.handle(1, EventKind::Synced);
    assert_eq!(served.take(), [namespace("b", "ready"), all("ready", "stale")]);
}
