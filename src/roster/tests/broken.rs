//! Objects that do not parse.

use super::build::{key, slice, topology};
use super::served::{Served, options, serve, serve_with};
use crate::roster::{EndpointObject, Event, EventKind, Gives, NoticeKind, Options, Scope, WatchId};

fn web(name: &str, words: &str) -> EndpointObject {
    slice("web", name).with(words)
}

fn apply(object: EndpointObject) -> EventKind {
    EventKind::Apply(Box::new(object))
}

/// What is left of an object that does not parse.
fn broken(object: EndpointObject) -> EventKind {
    EventKind::Broken(Box::new(EndpointObject { groups: Vec::new(), ..object }))
}

fn break_object(served: &mut Served, object: EndpointObject) {
    served.handle(0, broken(object));
    served.take();
}

#[test]
fn the_last_good_version_stays() {
    let mut served = serve([]);
    served.apply(web("a", "10.0.0.1"));
    served.handle(0, broken(slice("api", "a").label("rosterd.io/set", "other")));
    assert_eq!(served.take(), [], "whatever else it says now");
    assert_eq!(served.roster.counts().broken, 1);
    assert_eq!(
        served.notices(),
        ["EndpointSlice default/a: its last good version stays until it parses again"]
    );
    break_object(&mut served, web("a", ""));
    assert_eq!(served.notices(), [""; 0], "it is so already");
    served.apply(web("a", "10.0.0.2"));
    assert_eq!((served.names("web.default").as_str(), served.roster.counts().broken), ("web@10.0.0.2", 0));
    break_object(&mut served, web("a", ""));
    assert_eq!(served.names("web.default"), "web@10.0.0.2");
    assert_eq!(served.notices().len(), 1, "it was right in between");
    assert_eq!(served.roster.counts().notices.get(&NoticeKind::Broken), Some(&2));
    served.delete(key("a"));
    assert_eq!((served.sets().as_str(), served.roster.counts().broken), ("", 0));
}

#[test]
fn a_new_one_refuses_its_set() {
    let mut served = serve([]);
    served.apply(web("a", "10.0.0.1"));
    break_object(&mut served, web("b", ""));
    assert_eq!((served.refused().as_str(), served.unparsed().as_str()), ("web.default", "default"));
    assert_eq!(served.names("web.default"), "web@10.0.0.1", "nothing else about it changes");
    assert_eq!(
        served.notices(),
        ["EndpointSlice default/b: never parsed; the set web.default is refused until it does"]
    );
    break_object(&mut served, web("c", ""));
    assert_eq!((served.roster.counts().broken, served.roster.counts().objects), (2, 1));
    served.delete(key("b"));
    assert_eq!(served.refused(), "web.default", "one of two is left");
    served.apply(web("c", "10.0.0.2"));
    assert_eq!((served.refused().as_str(), served.unparsed().as_str()), ("", ""));
    assert_eq!(served.names("web.default"), "web@10.0.0.1 web@10.0.0.2");
    served.delete(key("c"));
    break_object(&mut served, web("c", ""));
    assert_eq!(served.refused(), "web.default", "another object of that name");
}

#[test]
fn a_set_is_refused_that_only_it_would_make() {
    let mut served = serve([]);
    break_object(&mut served, web("a", ""));
    assert_eq!((served.sets().as_str(), served.refused().as_str()), ("", "web.default"));
    break_object(&mut served, slice("api", "a"));
    assert_eq!(served.refused(), "api.default", "it says now that it is of another Service");
    assert_eq!(served.notices().len(), 2);
    break_object(&mut served, slice("api", "a").label("rosterd.io/set", "labelled"));
    assert_eq!(served.refused(), "labelled.default");
    served.delete(key("a"));
    assert_eq!((served.refused().as_str(), served.roster.counts().broken), ("", 0));
    let mut without_labels = serve_with(Options { label_settings: false, ..options(vec![]) });
    break_object(&mut without_labels, slice("api", "a").label("rosterd.io/set", "labelled"));
    assert_eq!(without_labels.refused(), "api.default");
}

#[test]
fn one_of_no_set_leaves_only_its_addresses_open() {
    let mut served = serve([topology("", "app=web")]);
    served.handle(1, EventKind::Started(Scope::All, Gives::Addresses));
    served.handle(1, EventKind::Synced);
    break_object(&mut served, web("a", ""));
    served.handle(1, broken(web("b", "").label("app", "web").namespace("other")));
    served.take();
    assert_eq!((served.refused().as_str(), served.unparsed().as_str()), ("", "default other"));
    let expected = ["default/a", "other/b"]
        .map(|name| format!("EndpointSlice {name}: never parsed; its addresses are unknown until it does"));
    assert_eq!(served.notices(), expected);
    served.handle(1, EventKind::Ended);
    served.take();
    assert_eq!(served.unparsed(), "default");
    // No name could hold what it has.
    served.delete(key("a"));
    break_object(&mut served, web("a", "").label("app", "web").namespace("Bad"));
    assert_eq!((served.refused().as_str(), served.unparsed().as_str()), ("", ""));
}

/// An object belongs to the sets of the topologies that own them.
#[test]
fn only_what_the_owner_would_put_in_counts() {
    let mut served = serve([topology("web", "app=web"), topology("", "")]);
    break_object(&mut served, web("every", ""));
    assert_eq!(served.refused(), "web.default");
    // From here on the set is the first topology's, which leaves that object out.
    served.apply(slice("x", "good").label("app", "web").with("10.0.0.1"));
    assert_eq!((served.refused().as_str(), served.sets().as_str()), ("", "web.default x.default"));
    break_object(&mut served, slice("y", "both").label("app", "web"));
    assert_eq!(served.refused(), "web.default y.default");
    served.delete(key("both"));
    assert_eq!(served.refused(), "");
    served.delete(key("good"));
    assert_eq!(served.refused(), "web.default");
    served.apply(web("of-service", "10.0.0.2"));
    assert_eq!(served.refused(), "web.default", "both are of the second topology");
    break_object(&mut served, slice("y", "both").label("app", "web"));
    served.delete(key("every"));
    assert_eq!(served.refused(), "web.default y.default", "the first topology would own the set");
    let notices = served.notices();
    assert!(notices[1].ends_with("the sets web.default, y.default are refused until it does"), "{notices:?}");
}

#[test]
fn a_list_names_it() {
    let mut served = serve([]);
    served.apply(web("a", "10.0.0.1"));
    served.apply(web("b", "10.0.0.2"));
    for _ in 0..2 {
        served.handle(0, EventKind::Reset);
        for object in [web("a", ""), web("c", "")] {
            served.handle(0, broken(object));
            served.take();
        }
        served.handle(0, EventKind::Synced);
        served.take();
        assert_eq!(
            (served.names("web.default").as_str(), served.refused().as_str()),
            ("web@10.0.0.1", "web.default")
        );
    }
    assert_eq!(served.notices().len(), 2, "said when it begins");
    served.handle(0, EventKind::Reset);
    served.handle(0, apply(web("a", "10.0.0.1")));
    assert_eq!(
        (served.refused().as_str(), served.roster.counts().broken),
        ("web.default", 2),
        "until the end"
    );
    served.handle(0, EventKind::Synced);
    served.take();
    assert_eq!((served.refused().as_str(), served.roster.counts().broken), ("", 0));
    assert_eq!(served.names("web.default"), "web@10.0.0.1");
}

/// Within a list, words about one object come in any order.
#[test]
fn within_a_list_the_last_word_holds() {
    let good = || apply(web("a", "10.0.0.9"));
    let same = || apply(web("a", "10.0.0.1"));
    let bad = || broken(web("a", ""));
    let gone = || EventKind::Delete(key("a"));
    for (words, known, new) in [
        (vec![bad()], "10.0.0.1", "refused"),
        (vec![good(), bad()], "10.0.0.9", "10.0.0.9"),
        (vec![bad(), good()], "10.0.0.9", "10.0.0.9"),
        (vec![bad(), same(), bad()], "10.0.0.1", "10.0.0.1"),
        (vec![bad(), gone()], "", ""),
        (vec![gone(), bad()], "refused", "refused"),
        (vec![gone(), same(), bad()], "10.0.0.1", "10.0.0.1"),
        (vec![good(), gone(), bad()], "refused", "refused"),
        (vec![good(), EventKind::Reset, bad()], "10.0.0.1", "refused"),
        (vec![bad(), EventKind::Reset], "", ""),
    ] {
        for (was_known, expected) in [(true, known), (false, new)] {
            let mut served = serve([]);
            if was_known {
                served.apply(web("a", "10.0.0.1"));
            }
            served.handle(0, EventKind::Reset);
            for word in &words {
                served.handle(0, word.clone());
                assert_eq!(served.take(), []);
            }
            served.handle(0, EventKind::Synced);
            served.take();
            let found = match (served.refused().as_str(), served.sets().as_str()) {
                ("", "") => String::new(),
                ("", _) => served.names("web.default").replace("web@", ""),
                ("web.default", "") => "refused".to_owned(),
                other => format!("{other:?}"),
            };
            assert_eq!(found, expected, "{words:?} {was_known}");
        }
    }
}

#[test]
fn a_first_list_may_hold_it() {
    let mut served = serve([]);
    served.handle(1, EventKind::Started(Scope::All, Gives::Peers));
    served.handle(1, broken(web("too-early", "")));
    served.handle(1, EventKind::Reset);
    served.handle(1, broken(web("a", "")));
    served.take();
    assert_eq!((served.refused().as_str(), served.notices().len()), ("", 0));
    served.handle(1, EventKind::Synced);
    served.take();
    assert_eq!((served.refused().as_str(), served.notices().len()), ("web.default", 1));
    served.handle(1, EventKind::Ended);
    served.take();
    assert_eq!((served.refused().as_str(), served.unparsed().as_str()), ("", ""));
}

/// Another watch's object of the same name is another object.
#[test]
fn each_watch_has_its_own() {
    let mut served = serve([]);
    served.handle(1, EventKind::Started(Scope::All, Gives::Peers));
    served.handle(1, EventKind::Synced);
    served.apply(web("a", "10.0.0.1"));
    served.handle(1, broken(web("a", "")));
    served.take();
    assert_eq!(served.refused(), "web.default");
    break_object(&mut served, web("a", ""));
    served.handle(1, EventKind::Delete(key("a")));
    served.take();
    assert_eq!((served.refused().as_str(), served.names("web.default").as_str()), ("", "web@10.0.0.1"));
}

#[test]
fn what_heals_before_anybody_looks_is_nothing() {
    let mut served = serve([]);
    served.roster.handle(Event { watch: WatchId(0), revision: Some(7), kind: broken(web("a", "")) });
    assert_eq!(served.roster.revision(), Some(7));
    served.handle(0, EventKind::Delete(key("a")));
    assert_eq!(served.take(), []);
    assert_eq!(served.notices(), [""; 0]);
}
