//! What is said, and that it is said once.

use super::build::{slice, topology};
use super::served::serve;
use crate::roster::{EventKind, Gives, NoticeKind, Scope};

#[test]
fn what_is_wrong_with_an_object_is_said_when_it_begins() {
    let mut served = serve([]);
    let long = "p".repeat(63);
    let wrong = || {
        slice("web", "1")
            .port(&format!("{long}/80"))
            .port("http/80")
            .with("10.0.0.1 host=Web ns=A")
            .with("10.0.0.2 host=Db ns=B")
            .with("10.0.0.3 host=fd00--1")
            .label("rosterd.io/ttl", "-1")
            .label("rosterd.io/set", "No")
    };
    served.apply(wrong());
    let object = "EndpointSlice default/1:";
    let expected = [
        format!(
            "{object} the label rosterd.io/set is ignored: it must be a lower-case RFC 1123 label, not `No`"
        ),
        format!(
            "{object} the label rosterd.io/ttl is ignored: it must be a number of seconds up to 2147483647, not `-1`"
        ),
        format!("{object} the port name `{long}` is ignored: with `_` before it, it would not be a label"),
        format!(
            "{object} the namespace `A` of an endpoint is ignored: it is not a lower-case RFC 1123 label"
        ),
        format!("{object} the hostname `Web` is ignored: it is not a lower-case RFC 1123 label"),
        format!(
            "{object} the hostname `fd00--1` reads as an address: below the set, the peer goes by its own"
        ),
    ];
    assert_eq!(served.notices(), expected);
    served.apply(wrong().with("10.0.0.4"));
    served.apply(wrong());
    assert_eq!(served.notices(), [""; 0]);
    served.handle(0, EventKind::Reset);
    served.handle(0, EventKind::Apply(Box::new(wrong())));
    served.handle(0, EventKind::Synced);
    served.take();
    assert_eq!(served.notices(), [""; 0]);
    served.apply(slice("web", "1"));
    served.apply(wrong());
    assert_eq!(served.notices().len(), 6, "it was right in between");
    assert_eq!(served.roster.counts().notices.get(&NoticeKind::Hostname), Some(&4));
    assert_eq!(served.names("web.default"), "web@10.0.0.1 web@10.0.0.2 web@10.0.0.3", "the rest is served");
}

#[test]
fn hostile_texts_stay_on_one_line() {
    let mut served = serve([]);
    let name = format!("a\nERROR forged\u{1b}[2J{}", "x".repeat(500));
    served.apply(slice("web", &name).with("10.0.0.1 host=A\u{7}B"));
    served.apply(slice("Web\u{202e}", "2"));
    let notices = served.notices();
    assert_eq!(notices.len(), 2);
    for notice in notices {
        assert!(!notice.chars().any(char::is_control) && notice.len() < 400, "{notice:?}");
    }
}

#[test]
fn an_object_in_two_watches_is_served_from_both() {
    let mut served = serve([]);
    served.handle(1, EventKind::Started(Scope::All, Gives::Peers));
    served.handle(1, EventKind::Named("b.yaml".into()));
    served.handle(1, EventKind::Apply(Box::new(slice("web", "1").with("10.0.0.2"))));
    served.handle(1, EventKind::Synced);
    served.apply(slice("web", "1").with("10.0.0.1"));
    assert_eq!(served.names("web.default"), "web@10.0.0.1 web@10.0.0.2");
    assert_eq!(served.notices(), ["EndpointSlice default/1 is in b.yaml and in watch 0: both are served"]);
    served.apply(slice("web", "1").with("10.0.0.3"));
    assert_eq!(served.notices(), [""; 0]);
}

#[test]
fn a_truncated_object_names_its_sets() {
    let mut served = serve([topology("app", ""), topology("", "")]);
    served.apply(slice("web", "web").truncated());
    let notices = served.notices();
    assert_eq!(notices.len(), 2);
    assert!(
        notices[0].contains("default/web: truncated") && notices[0].contains("set app.default"),
        "{notices:?}"
    );
    assert!(notices[1].contains("set web.default"), "{notices:?}");
    served.apply(slice("web", "web").truncated().with("10.0.0.1"));
    assert_eq!(served.notices(), [""; 0]);
}

/// Absurd content costs a notice; what can be served is.
#[test]
fn absurd_objects_are_served_as_far_as_they_go() {
    let mut served = serve([]);
    let many = (0..1000).map(|number| format!("10.1.{}.{}", number / 250, number % 250)).collect::<Vec<_>>();
    let object = slice("web", "1").with(&format!("uid=a {}", many.join(" "))).group().group();
    let object = (0..50).fold(object, |object, _| object.with("uid=a 10.0.0.1 host=Bad"));
    served.apply(object);
    assert_eq!(served.peers("web.default").unwrap()[0].addresses().len(), 1001);
    assert_eq!(served.notices().len(), 1);
}
