//! Protocol Buffers: what they say is what the same objects say in JSON.

use super::random::{object, octets};
use super::{KINDS, decoded};
use crate::roster::{EventKind, ObjectKey, ObjectKind};
use crate::source::kubernetes::decode::line::LineTooLong;
use crate::source::kubernetes::decode::{
    Decoded, Encoding, Events, ListBody, ListError, ListMetadata, OBJECT_MAX, Status, WatchEvent, refused,
};
use crate::source::notice::{Notice, Notices};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

/// What a field holds, as the `generated.proto` files of `k8s.io/api` have it.
enum Shape {
    Text,
    Boolean,
    Number,
    Map,
    /// A message that is looked at for its presence alone.
    Present,
    Message(&'static [(&'static str, u8, Shape)]),
}

use Shape::{Boolean, Map, Message, Number, Present, Text};

const METADATA: &[(&str, u8, Shape)] = &[
    ("name", 1, Text),
    ("namespace", 3, Text),
    ("uid", 5, Text),
    ("resourceVersion", 6, Text),
    ("deletionTimestamp", 9, Present),
    ("labels", 11, Map),
    ("annotations", 12, Map),
    ("managedFields", 17, Present),
];

const REFERENCE: &[(&str, u8, Shape)] = &[("kind", 1, Text), ("namespace", 2, Text), ("uid", 4, Text)];

const SLICE: &[(&str, u8, Shape)] = &[
    ("metadata", 1, Message(METADATA)),
    (
        "endpoints",
        2,
        Message(&[
            ("addresses", 1, Text),
            (
                "conditions",
                2,
                Message(&[("ready", 1, Boolean), ("serving", 2, Boolean), ("terminating", 3, Boolean)]),
            ),
            ("hostname", 3, Text),
            ("targetRef", 4, Message(REFERENCE)),
            ("nodeName", 6, Text),
        ]),
    ),
    ("ports", 3, Message(&[("name", 1, Text), ("protocol", 2, Text), ("port", 3, Number)])),
    ("addressType", 4, Text),
];

const ADDRESS: &[(&str, u8, Shape)] =
    &[("ip", 1, Text), ("targetRef", 2, Message(REFERENCE)), ("hostname", 3, Text)];

const ENDPOINTS: &[(&str, u8, Shape)] = &[
    ("metadata", 1, Message(METADATA)),
    (
        "subsets",
        2,
        Message(&[
            ("addresses", 1, Message(ADDRESS)),
            ("notReadyAddresses", 2, Message(ADDRESS)),
            ("ports", 3, Message(&[("name", 1, Text), ("port", 2, Number), ("protocol", 3, Text)])),
        ]),
    ),
];

const CONTAINER: &[(&str, u8, Shape)] = &[
    ("name", 1, Text),
    ("ports", 6, Message(&[("name", 1, Text), ("containerPort", 3, Number), ("protocol", 4, Text)])),
    ("restartPolicy", 24, Text),
];

const POD: &[(&str, u8, Shape)] = &[
    ("metadata", 1, Message(METADATA)),
    (
        "spec",
        2,
        Message(&[
            ("containers", 2, Message(CONTAINER)),
            ("hostname", 16, Text),
            ("subdomain", 17, Text),
            ("initContainers", 20, Message(CONTAINER)),
        ]),
    ),
    (
        "status",
        3,
        Message(&[
            ("phase", 1, Text),
            ("conditions", 2, Message(&[("type", 1, Text), ("status", 2, Text)])),
            ("podIP", 6, Text),
            ("podIPs", 12, Message(&[("ip", 1, Text)])),
        ]),
    ),
];

const STATUS: &[(&str, u8, Shape)] = &[
    ("status", 2, Text),
    ("message", 3, Text),
    ("reason", 4, Text),
    ("details", 5, Message(&[("retryAfterSeconds", 5, Number)])),
    ("code", 6, Number),
];

const LIST_METADATA: &[(&str, u8, Shape)] =
    &[("resourceVersion", 2, Text), ("continue", 3, Text), ("remainingItemCount", 4, Number)];

fn shape(kind: ObjectKind) -> &'static [(&'static str, u8, Shape)] {
    match kind {
        ObjectKind::EndpointSlice => SLICE,
        ObjectKind::Endpoints => ENDPOINTS,
        ObjectKind::Pod => POD,
    }
}

fn push_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn push_octets(out: &mut Vec<u8>, field: u8, octets: &[u8]) {
    push_number(out, u64::from(field) << 3 | 2);
    push_number(out, octets.len() as u64);
    out.extend_from_slice(octets);
}

/// A JSON object as a message; null is a field that is left out.
fn message(value: &Value, fields: &[(&str, u8, Shape)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, field, shape) in fields {
        let value = &value[*name];
        let values = value.as_array().map_or(std::slice::from_ref(value), |all| all);
        for value in values.iter().filter(|value| !value.is_null()) {
            push_value(&mut out, *field, shape, value);
        }
    }
    out
}

fn push_value(out: &mut Vec<u8>, field: u8, shape: &Shape, value: &Value) {
    match shape {
        Text => push_octets(out, field, value.as_str().unwrap().as_bytes()),
        Boolean | Number => {
            push_number(out, u64::from(field) << 3);
            let number = value.as_bool().map_or_else(|| value.as_i64().unwrap(), i64::from);
            push_number(out, number.cast_unsigned());
        }
        Map => {
            for (key, value) in value.as_object().unwrap() {
                let mut entry = Vec::new();
                push_octets(&mut entry, 1, key.as_bytes());
                push_octets(&mut entry, 2, value.as_str().unwrap().as_bytes());
                push_octets(out, field, &entry);
            }
        }
        Present => push_octets(out, field, b"\x08\x01"),
        Message(fields) => push_octets(out, field, &message(value, fields)),
    }
}

/// A message in its envelope.
fn envelope(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    let mut about = Vec::new();
    push_octets(&mut about, 1, api_version.as_bytes());
    push_octets(&mut about, 2, kind.as_bytes());
    let mut out = b"k8s\0".to_vec();
    push_octets(&mut out, 1, &about);
    push_octets(&mut out, 2, raw);
    push_octets(&mut out, 3, b"");
    push_octets(&mut out, 4, b"");
    out
}

fn api_version(kind: ObjectKind) -> &'static str {
    if kind == ObjectKind::EndpointSlice { "discovery.k8s.io/v1" } else { "v1" }
}

fn list(kind: ObjectKind, metadata: &Value, items: &[Vec<u8>]) -> Vec<u8> {
    let mut raw = Vec::new();
    push_octets(&mut raw, 1, &message(metadata, LIST_METADATA));
    for item in items {
        push_octets(&mut raw, 2, item);
    }
    envelope(api_version(kind), &format!("{}List", kind.as_str()), &raw)
}

fn frame(event: &str, object: &[u8]) -> Vec<u8> {
    let (mut raw, mut body) = (Vec::new(), Vec::new());
    push_octets(&mut raw, 1, object);
    push_octets(&mut body, 1, event.as_bytes());
    push_octets(&mut body, 2, &raw);
    let length = u32::try_from(body.len()).unwrap();
    [&length.to_be_bytes()[..], &body].concat()
}

fn read(kind: ObjectKind, octets: &[u8]) -> (Decoded, Vec<Notice>) {
    let mut notices = Notices::default();
    let decoded = Encoding::Protobuf.decode(kind, octets, &mut notices);
    (decoded, notices.into_vec())
}

/// What arrives at the end of pieces.
fn pieces<'a>(octets: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(octets.len() + 1)).collect();
    cuts.sort_unstable();
    let mut from = 0;
    cuts.into_iter()
        .chain([octets.len()])
        .map(|to| {
            let piece = &octets[from..to];
            from = to;
            piece
        })
        .collect()
}

fn list_in(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Result<ListMetadata, ListError>) {
    let (mut body, mut items) = (ListBody::new(Encoding::Protobuf), Vec::new());
    for piece in pieces {
        if let Err(error) = body.push(piece, &mut |item| items.push(item.to_vec())) {
            assert_eq!(body.push(b"x", &mut |_| panic!("an item behind an error")), Err(error.clone()));
            return (items, Err(error));
        }
    }
    (items, body.finish())
}

fn events_in(kind: ObjectKind, pieces: &[&[u8]]) -> (Vec<WatchEvent>, Result<(), LineTooLong>) {
    let (mut body, mut events) = (Events::new(Encoding::Protobuf), Vec::new());
    let mut notices = Notices::default();
    for piece in pieces {
        let event =
            &mut |event: &[u8]| events.push(Encoding::Protobuf.watch_event(kind, event, &mut notices));
        if let Err(error) = body.push(piece, event) {
            return (events, Err(error));
        }
    }
    (events, Ok(()))
}

fn objects() -> impl Strategy<Value = (ObjectKind, Vec<Value>)> {
    prop::sample::select(KINDS.to_vec())
        .prop_flat_map(|kind| (Just(kind), prop::collection::vec(object(kind), 0..5)))
}

proptest! {
    #[test]
    fn an_object_says_the_same_in_both_encodings((kind, objects) in objects()) {
        for object in objects {
            let (found, notices) = read(kind, &message(&object, shape(kind)));
            let (expected, expected_notices) = decoded(kind, &octets(&object, false));
            match (found, expected) {
                // Their words differ.
                (Decoded::Nameless { .. }, Decoded::Nameless { .. }) => {}
                (found, expected) => prop_assert_eq!(found, expected),
            }
            prop_assert_eq!(notices, expected_notices);
        }
    }

    #[test]
    fn lists_are_taken_apart_wherever_they_are_cut(
        (kind, objects) in objects(), cuts in prop::collection::vec(any::<Index>(), 0..20), last: bool,
    ) {
        let items: Vec<Vec<u8>> = objects.iter().map(|object| message(object, shape(kind))).collect();
        let next = if last { Value::Null } else { json!("token") };
        let metadata = json!({"resourceVersion": "71", "continue": next, "remainingItemCount": 3});
        let octets = list(kind, &metadata, &items);
        let (found, end) = list_in(&pieces(&octets, &cuts));
        prop_assert_eq!(found, items);
        let next = (!last).then(|| "token".into());
        prop_assert_eq!(end, Ok(ListMetadata { revision: Some("71".into()), next }));
    }

    #[test]
    fn a_list_cut_short_is_no_list((kind, objects) in objects(), end: Index) {
        let items: Vec<Vec<u8>> = objects.iter().map(|object| message(object, shape(kind))).collect();
        let octets = list(kind, &json!({"resourceVersion": "71"}), &items);
        // What stands behind the list is empty: "\x1a\x00" and "\x22\x00".
        let (_, end) = list_in(&[&octets[..end.index(octets.len() - 4)]]);
        prop_assert_eq!(end, Err(ListError::Cut));
    }

    #[test]
    fn mutated_bodies_fare_alike_however_they_are_cut(
        (kind, objects) in objects(),
        mutations in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4),
        cuts in prop::collection::vec(any::<Index>(), 0..20),
    ) {
        let items: Vec<Vec<u8>> = objects.iter().map(|object| message(object, shape(kind))).collect();
        let mut body = list(kind, &json!({"resourceVersion": "71"}), &items);
        let mut watch: Vec<u8> = items
            .iter()
            .flat_map(|item| frame("ADDED", &envelope(api_version(kind), kind.as_str(), item)))
            .chain([0, 0, 0, 1, 8])
            .collect();
        for (at, octet) in mutations {
            let (body_at, watch_at) = (at.index(body.len()), at.index(watch.len()));
            (body[body_at], watch[watch_at]) = (octet, octet);
        }
        let (whole, end) = list_in(&[&body]);
        let (cut, cut_end) = list_in(&pieces(&body, &cuts));
        prop_assert_eq!(&whole, &cut);
        prop_assert_eq!(end, cut_end);
        for item in whole {
            let _ = read(kind, &item);
        }
        prop_assert_eq!(events_in(kind, &[&watch]), events_in(kind, &pieces(&watch, &cuts)));
    }

    #[test]
    fn events_say_the_same_in_both_encodings(
        (kind, objects) in objects(), cuts in prop::collection::vec(any::<Index>(), 0..20),
    ) {
        let stream: Vec<u8> = objects
            .iter()
            .flat_map(|item| {
                let object = envelope(api_version(kind), kind.as_str(), &message(item, shape(kind)));
                ["ADDED", "MODIFIED", "DELETED"].map(|event| frame(event, &object)).concat()
            })
            .collect();
        let (found, end) = events_in(kind, &pieces(&stream, &cuts));
        prop_assert_eq!(end, Ok(()));
        prop_assert_eq!(found.len(), 3 * objects.len());
        for (events, object) in found.chunks(3).zip(&objects) {
            match decoded(kind, &octets(object, false)).0 {
                Decoded::Good { object, revision, triggered } => {
                    let key = object.key.clone();
                    let good = Decoded::Good { object, revision, triggered };
                    prop_assert_eq!(&events[0], &WatchEvent::Applied(good));
                    prop_assert_eq!(&events[0], &events[1]);
                    prop_assert_eq!(&events[2], &WatchEvent::Deleted(key, revision));
                }
                _ => prop_assert!(matches!(&events[2], WatchEvent::Malformed(_)), "{:?}", events[2]),
            }
        }
    }
}

#[test]
fn what_ends_a_watch_or_a_list_in_it_is_read() {
    let kind = ObjectKind::EndpointSlice;
    let bookmark = |annotations: &Value| {
        let slice = json!({"metadata": {"resourceVersion": "9", "annotations": annotations}});
        frame("BOOKMARK", &envelope("discovery.k8s.io/v1", "EndpointSlice", &message(&slice, SLICE)))
    };
    let status = json!({"status": "Failure", "message": "too old", "reason": "Expired", "code": 410});
    let stream = [
        bookmark(&json!({})),
        bookmark(&json!({"k8s.io/initial-events-end": "true"})),
        frame("ERROR", &envelope("v1", "Status", &message(&status, STATUS))),
        frame("NEW\n", b""),
        frame("BOOKMARK", &envelope("discovery.k8s.io/v1", "EndpointSlice", b"")),
        frame("ADDED", b"{}"),
    ]
    .concat();
    let (events, end) = events_in(kind, &[&stream]);
    assert_eq!(end, Ok(()));
    assert_eq!(
        events,
        [
            WatchEvent::Bookmark { revision: "9".into(), ends_list: false },
            WatchEvent::Bookmark { revision: "9".into(), ends_list: true },
            WatchEvent::Error(Status { code: 410, reason: "Expired".into(), message: "too old".into() }),
            WatchEvent::Unknown("NEW\\n".into()),
            WatchEvent::Malformed("BOOKMARK without metadata.resourceVersion".to_owned()),
            WatchEvent::Malformed("ADDED: it does not begin with \"k8s\\0\"".to_owned()),
        ]
    );
}

#[test]
fn what_does_not_parse_breaks_one_object_if_its_name_can_be_read() {
    let metadata = json!({"metadata": {"name": "a", "namespace": "n", "resourceVersion": "7"}});
    let mut octets = message(&metadata, SLICE);
    push_octets(&mut octets, 4, b"\xff");
    let (Decoded::Broken { object, revision, reason }, _) = read(ObjectKind::EndpointSlice, &octets) else {
        panic!("a broken object");
    };
    let key = ObjectKey { namespace: "n".into(), name: "a".into(), kind: ObjectKind::EndpointSlice };
    assert_eq!((object.key.clone(), revision), (key, Some(7)));
    assert_eq!(reason, "field 4 of a message in it is no UTF-8");
    assert!(matches!(EventKind::Broken(object), EventKind::Broken(_)));
    // Another kind than the one that was asked for.
    let pod = frame("ADDED", &envelope("v1", "Pod", &message(&metadata, SLICE)));
    let (events, _) = events_in(ObjectKind::EndpointSlice, &[&pod]);
    assert!(
        matches!(&events[..], [WatchEvent::Applied(Decoded::Broken { reason, .. })] if reason == "kind: `Pod`, not EndpointSlice"),
        "{events:?}"
    );
}

#[test]
fn what_is_no_list_or_too_large_is_refused() {
    let status = envelope("v1", "Status", b"");
    let twice = [list(ObjectKind::Pod, &json!({}), &[]), b"\x12\x00".to_vec()].concat();
    let long = b"k8s\0\x12\xff\xff\xff\xff\x0f\x12\xff\xff\xff\x07".to_vec();
    for (octets, expected) in [
        (&b""[..], ListError::Cut),
        (b"k8s\0", ListError::Cut),
        (b"{\"kind\"", ListError::Malformed("no Protobuf of Kubernetes: it begins with `{\"ki`".to_owned())),
        (b"k8s\0\x12\x00", ListError::Malformed("an object without kind, no list".to_owned())),
        (&status, ListError::Malformed("the kind is `Status`, no list".to_owned())),
        (&twice, ListError::Malformed("there are two lists in it".to_owned())),
        (&long, ListError::ObjectTooLarge),
        (b"k8s\0\x12\x02\x12\x05xxxxx", ListError::Malformed("a field goes on behind the list".to_owned())),
    ] {
        assert_eq!(list_in(&[octets]).1, Err(expected), "{octets:?}");
    }
    let length = u32::try_from(OBJECT_MAX + 1).unwrap().to_be_bytes();
    assert_eq!(events_in(ObjectKind::Pod, &[&length, b"x"]).1, Err(LineTooLong));
}

#[test]
fn errors_say_what_they_say_in_json() {
    let status =
        json!({"message": "slow down", "reason": "TooManyRequests", "details": {"retryAfterSeconds": 3}});
    let said = refused(&envelope("v1", "Status", &message(&status, STATUS)));
    assert_eq!((&*said.message, &*said.reason), ("slow down", "TooManyRequests"));
    assert_eq!(said.retry_after_seconds, Some(3));
    assert_eq!(&*refused(b"{}").message, "");
}
