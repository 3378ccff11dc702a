//! Watch events, line by line.

use super::random::object;
use super::{KINDS, decoded};
use crate::roster::{ObjectKey, ObjectKind};
use crate::source::kubernetes::decode::line::{LineTooLong, Lines, Status, watch_event};
use crate::source::kubernetes::decode::{Decoded, OBJECT_MAX, WatchEvent};
use crate::source::notice::Notices;
use proptest::prelude::*;
use proptest::sample::Index;

fn lines(octets: &[u8], cuts: &[usize]) -> (Vec<Vec<u8>>, Result<(), LineTooLong>) {
    let mut found = Vec::new();
    let mut lines = Lines::default();
    let mut from = 0;
    for to in cuts.iter().copied().chain([octets.len()]) {
        if let Err(error) = lines.push(&octets[from..to], &mut |line| found.push(line.to_vec())) {
            assert_eq!(lines.push(b"\n{}\n", &mut |_| panic!("a line behind an error")), Err(error));
            return (found, Err(error));
        }
        from = to;
    }
    (found, Ok(()))
}

fn event(kind: ObjectKind, line: &[u8]) -> WatchEvent {
    watch_event(kind, line, &mut Notices::default())
}

proptest! {
    #[test]
    fn lines_are_the_same_wherever_they_are_cut(
        octets in prop::collection::vec(prop::sample::select(b"a{\xff\r\n\n".to_vec()), 0..60),
        cuts in prop::collection::vec(any::<Index>(), 0..8),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(octets.len() + 1)).collect();
        cuts.sort_unstable();
        let whole = octets.iter().rposition(|octet| *octet == b'\n').map_or(&[][..], |end| &octets[..end]);
        let expected = whole.split(|octet| *octet == b'\n');
        let expected = expected.map(|line| line.strip_suffix(b"\r").unwrap_or(line)).filter(|line| !line.is_empty());
        let expected: Vec<Vec<u8>> = expected.map(<[u8]>::to_vec).collect();
        prop_assert_eq!(lines(&octets, &cuts), (expected, Ok(())));
    }

    #[test]
    fn an_event_holds_what_its_object_decodes_to(
        (kind, value) in prop::sample::select(KINDS.to_vec()).prop_flat_map(|kind| (Just(kind), object(kind))),
        modified: bool,
        form in 0..4_usize,
    ) {
        let word = if modified { "MODIFIED" } else { "ADDED" };
        let line = match form {
            0 | 1 => format!(r#"{{"type":"{word}","object":{value}}}"#),
            2 => format!(r#"{{"object":{value},"type":"{word}"}}"#),
            _ => format!(" {{ \"x\": [\"}}\"], \"type\" : \"{word}\" ,\t\"object\" : {value} , \"y\": 1 }} "),
        };
        let (expected, expected_notices) = decoded(kind, value.to_string().as_bytes());
        let mut notices = Notices::default();
        prop_assert_eq!(watch_event(kind, line.as_bytes(), &mut notices), WatchEvent::Applied(expected));
        prop_assert_eq!(notices.into_vec(), expected_notices);
    }

    #[test]
    fn mutated_events_never_panic(
        value in object(ObjectKind::EndpointSlice),
        word in prop::sample::select(vec!["ADDED", "DELETED", "BOOKMARK", "ERROR"]),
        mutations in prop::collection::vec((any::<Index>(), any::<u8>()), 1..5),
    ) {
        let mut line = format!(r#"{{"type":"{word}","object":{value}}}"#).into_bytes();
        for (at, octet) in mutations {
            let at = at.index(line.len());
            line[at] = octet;
        }
        if let WatchEvent::Malformed(reason) = event(ObjectKind::EndpointSlice, &line) {
            prop_assert!(!reason.is_empty() && reason.chars().count() < 600);
        }
    }
}

#[test]
fn a_line_is_no_longer_than_an_object() {
    let line = |octets: usize| [vec![b'x'; octets], b"\n{}\n".to_vec()].concat();
    for cuts in [vec![], vec![4_000_000]] {
        assert_eq!(lines(&line(OBJECT_MAX), &cuts).0.len(), 2);
        assert_eq!(lines(&line(OBJECT_MAX + 1), &cuts), (vec![], Err(LineTooLong)));
    }
    // What has no end yet is not waited for beyond that.
    assert_eq!(lines(&vec![b'x'; OBJECT_MAX + 1], &[]).1, Err(LineTooLong));
}

#[test]
fn events_are_what_they_say() {
    let key = |name: &str| ObjectKey {
        namespace: "shop".into(),
        name: name.into(),
        kind: ObjectKind::EndpointSlice,
    };
    let bookmark = |revision: &str, ends_list| WatchEvent::Bookmark { revision: revision.into(), ends_list };
    let malformed = |reason: &str| WatchEvent::Malformed(reason.to_owned());
    let gone =
        Status { code: 410, reason: "Expired".into(), message: "too old resource version: 1 (2)".into() };
    for (line, expected) in [
        (
            r#"{"type":"DELETED","object":{"metadata":{"name":"web-1","namespace":"shop","resourceVersion":"9"}}}"#,
            WatchEvent::Deleted(key("web-1"), Some(9)),
        ),
        (
            r#"{"type":"DELETED","object":{"kind":7,"endpoints":{},"metadata":{"labels":[],"name":"web-1","namespace":"shop","resourceVersion":"x"}}}"#,
            WatchEvent::Deleted(key("web-1"), None),
        ),
        (
            r#"{"object":{"metadata":{"name":"web-1","namespace":"shop"},"endpoints":[tru]},"type":"DELETED"}"#,
            WatchEvent::Deleted(key("web-1"), None),
        ),
        (
            r#"{"type":"DELETED","object":{"metadata":{"name":5}}}"#,
            malformed("DELETED: nobody can say which object"),
        ),
        (
            r#"{"type":"DELETED","object":{"metadata":{"name":"a","namespace":5}}}"#,
            malformed("DELETED: nobody can say which object"),
        ),
        (r#"{"type":"DELETED"}"#, malformed("DELETED without `object`")),
        (
            r#"{"type":"BOOKMARK","object":{"kind":"EndpointSlice","metadata":{"resourceVersion":"12746","creationTimestamp":null},"endpoints":null}}"#,
            bookmark("12746", false),
        ),
        (
            r#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"12","annotations":{"k8s.io/initial-events-end":"true"}}}}"#,
            bookmark("12", true),
        ),
        (
            r#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"12","annotations":{"k8s.io/initial-events-end":"false"}}}}"#,
            bookmark("12", false),
        ),
        (
            r#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"12","annotations":{"k8s.io/initial-events-end":true}}}}"#,
            bookmark("12", false),
        ),
        (
            r#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":12}}}"#,
            malformed("BOOKMARK without metadata.resourceVersion"),
        ),
        (r#"{"type":"BOOKMARK","object":null}"#, malformed("BOOKMARK without metadata.resourceVersion")),
        (
            r#"{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version: 1 (2)","reason":"Expired","code":410}}"#,
            WatchEvent::Error(gone),
        ),
        (r#"{"type":"ERROR","object":{"code":"410","reason":null}}"#, WatchEvent::Error(Status::default())),
        (r#"{"type":"ERROR","object":"gone"}"#, WatchEvent::Error(Status::default())),
        (r#"{"type":"ERROR"}"#, WatchEvent::Error(Status::default())),
        (r#"{"type":"PAUSED","object":{}}"#, WatchEvent::Unknown("PAUSED".into())),
        (r#"{"type":"added\n"}"#, WatchEvent::Unknown("added\\n".into())),
        (r#"{"type":"ADDED"}"#, malformed("ADDED without `object`")),
        (r#"{"type":7,"object":{}}"#, malformed("`type` is no string")),
        (r#"{"object":{}}"#, malformed("an event without `type`")),
        (r#"{"type":"ERROR","type":"ADDED","object":{}}"#, malformed("`type` stands twice")),
        (r#"{"type":"ERROR","object":{},"object":{}}"#, malformed("`object` stands twice")),
        (r#"{"type":"ADDED","object":{"metadata""#, malformed("the event ends before it is complete")),
        (r#"{"type":"ADDED","object":{}}{}"#, malformed("`{}` stands behind the object")),
        (r#"{"type":"ADDED","object":[}}"#, malformed("`object`: brackets do not match")),
        ("", malformed("the event ends before it is complete")),
        ("upstream connect error", malformed("no JSON object: it begins with `upstream connect error`")),
        (r#"{"kind":"Status","status":"Failure","code":500}"#, malformed("an event without `type`")),
    ] {
        assert_eq!(event(ObjectKind::EndpointSlice, line.as_bytes()), expected, "{line}");
    }
}

#[test]
fn an_applied_object_may_be_broken_and_only_that() {
    for (line, name) in [
        (r#"{"type":"ADDED","object":{"metadata":{"name":"web-1"},"endpoints":7}}"#, Some("web-1")),
        (r#"{"type":"MODIFIED","object":{"metadata":{"name":"web-1"},"endpoints":[tru]}}"#, Some("web-1")),
        (r#"{"object":{"metadata":{"name":"web-1"},"endpoints":[tru]},"type":"MODIFIED"}"#, Some("web-1")),
        (
            r#"{"type":"ADDED","object":{"metadata":{"name":"web-1"},"kind":"Pod"},"x":{"endpoints":[]}}"#,
            Some("web-1"),
        ),
        (r#"{"type":"ADDED","object":{"metadata":{}}}"#, None),
        (r#"{"type":"ADDED","object":null}"#, None),
        (r#"{"type":"ADDED","object":7}"#, None),
    ] {
        match (event(ObjectKind::EndpointSlice, line.as_bytes()), name) {
            (WatchEvent::Applied(Decoded::Broken { object, .. }), Some(name)) => {
                assert_eq!(&*object.key.name, name);
            }
            (WatchEvent::Applied(Decoded::Nameless { .. }), None) => {}
            (other, _) => panic!("{line}: {other:?}"),
        }
    }
}
