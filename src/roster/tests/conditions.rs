//! Who is in.

use super::build::{slice, topology};
use super::served::{options, serve, serve_with};
use crate::roster::{Include, Topology, WhenEmpty};

#[test]
fn conditions_decide_who_is_in() {
    for (conditions, ready, serving) in [
        // nil is ready.
        ("", true, true),
        ("ready=true", true, true),
        ("ready=true serving=false", true, true),
        // publishNotReadyAddresses: ready and terminating at once.
        ("ready=true terminating=true", true, true),
        ("ready=false", false, false),
        ("ready=false serving=true", false, true),
        ("ready=false serving=false terminating=true", false, false),
        ("ready=false terminating=true", false, true),
        ("ready=false terminating=false", false, false),
        ("draining", false, true),
        ("unready", false, false),
    ] {
        for (include, expected) in
            [(Include::Ready, ready), (Include::Serving, serving), (Include::All, true)]
        {
            let mut served = serve([Topology { include, ..Topology::every_service() }]);
            served.apply(slice("web", "web-1").with(&format!("uid=a 10.0.0.1 {conditions}")));
            let names = served.names("web.default");
            assert_eq!(names == "web@10.0.0.1", expected, "{conditions} at {include:?}: {names}");
        }
    }
}

#[test]
fn when_nobody_is_left_the_setting_says_who_is() {
    let (ready, draining, unready) = ("uid=a 10.0.0.1", "uid=b 10.0.0.2 draining", "uid=c 10.0.0.3 unready");
    for (include, when_empty, endpoints, expected) in [
        (Include::Ready, WhenEmpty::Nothing, &[draining, unready][..], ""),
        (Include::Ready, WhenEmpty::Serving, &[ready, draining, unready], "web@10.0.0.1"),
        (Include::Ready, WhenEmpty::Serving, &[draining, unready], "web@10.0.0.2"),
        (Include::Ready, WhenEmpty::Serving, &[unready], ""),
        (Include::Ready, WhenEmpty::All, &[ready, draining, unready], "web@10.0.0.1"),
        (Include::Ready, WhenEmpty::All, &[draining, unready], "web@10.0.0.2 web@10.0.0.3"),
        (Include::Serving, WhenEmpty::All, &[draining, unready], "web@10.0.0.2"),
        (Include::Serving, WhenEmpty::All, &[unready], "web@10.0.0.3"),
        (Include::All, WhenEmpty::Nothing, &[unready], "web@10.0.0.3"),
        (Include::All, WhenEmpty::Serving, &[unready], "web@10.0.0.3"),
    ] {
        let mut served = serve([Topology { include, when_empty, ..Topology::every_service() }]);
        served.apply(endpoints.iter().fold(slice("web", "web-1"), |object, words| object.with(words)));
        assert_eq!(served.names("web.default"), expected, "{include:?} {when_empty:?} {endpoints:?}");
    }
}

#[test]
fn the_last_ready_peer_decides_for_all() {
    let mut served = serve([Topology { when_empty: WhenEmpty::All, ..Topology::every_service() }]);
    let object = |conditions: &str| {
        slice("web", "web-1")
            .with(&format!("uid=a 10.0.0.1 {conditions}"))
            .with("uid=b 10.0.0.2 unready")
            .with("uid=c 10.0.0.3 unready")
    };
    served.apply(object(""));
    assert_eq!(served.names("web.default"), "web@10.0.0.1");
    served.apply(object("unready"));
    assert_eq!(served.names("web.default"), "web@10.0.0.1 web@10.0.0.2 web@10.0.0.3");
    let changes = served.apply(object(""));
    assert_eq!((served.names("web.default").as_str(), changes.len()), ("web@10.0.0.1", 2));
}

/// A peer of the wrong family only is nobody: it does not keep the others from being listed.
#[test]
fn whoever_has_no_address_to_list_does_not_count() {
    let topology = Topology {
        family: crate::roster::Family::Ipv4,
        when_empty: WhenEmpty::All,
        ..Topology::every_service()
    };
    let mut served = serve([topology]);
    served.apply(slice("web", "web-1").with("uid=a fd00::1").with("uid=b 10.0.0.2 unready").with("uid=c"));
    assert_eq!(served.names("web.default"), "web@10.0.0.2");
}

#[test]
fn labels_of_a_service_say_who_is_in_its_set() {
    let object = || slice("web", "web-1").with("uid=a 10.0.0.1 unready").label("rosterd.io/include", "all");
    let mut served = serve([topology("", "")]);
    served.apply(object());
    assert_eq!(served.names("web.default"), "web@10.0.0.1");
    served.apply(slice("web", "web-1").with("uid=a 10.0.0.1 unready"));
    assert_eq!(served.names("web.default"), "");

    let mut deaf = serve_with(crate::roster::Options { label_settings: false, ..options(vec![]) });
    deaf.apply(object());
    assert_eq!(deaf.names("web.default"), "");
}
