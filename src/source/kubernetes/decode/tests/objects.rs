//! One object.

use super::random::{object, octets};
use super::{KINDS, decoded, published};
use crate::roster::{EndpointObject, ObjectKind};
use crate::source::kubernetes::decode::Decoded;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};

fn any_kind() -> impl Strategy<Value = ObjectKind> {
    prop::sample::select(KINDS.to_vec())
}

fn any_object() -> impl Strategy<Value = (ObjectKind, Value)> {
    any_kind().prop_flat_map(|kind| (Just(kind), object(kind)))
}

/// What a good object must be, by the published types. `None` where those refuse it.
fn expected(kind: ObjectKind, octets: &[u8]) -> Option<(Option<EndpointObject>, Vec<crate::source::Notice>)> {
    let (object, notices) = published(kind, octets).ok()?;
    Some((object.ok(), notices))
}

fn agrees(kind: ObjectKind, octets: &[u8]) -> Result<(), TestCaseError> {
    let Some((object, notices)) = expected(kind, octets) else { return Ok(()) };
    let (found, found_notices) = decoded(kind, octets);
    prop_assert_eq!(notices, found_notices);
    match (object, found) {
        (Some(object), Decoded::Good { object: found, .. }) => prop_assert_eq!(object, *found),
        (None, Decoded::Nameless { reason }) => prop_assert_eq!(reason, "metadata.name is missing"),
        (object, found) => prop_assert!(false, "{object:?} is read as {found:?}"),
    }
    Ok(())
}

/// Where every value of a tree stands.
fn pointers(value: &Value) -> Vec<String> {
    let mut all = vec![(String::new(), value)];
    let mut at = 0;
    while let Some((path, value)) = all.get(at).cloned() {
        match value {
            Value::Array(items) => {
                all.extend(items.iter().enumerate().map(|(index, item)| (format!("{path}/{index}"), item)));
            }
            Value::Object(fields) => {
                let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
                all.extend(fields.iter().map(|(key, value)| (format!("{path}/{}", escaped(key)), value)));
            }
            _ => {}
        }
        at += 1;
    }
    all.into_iter().map(|(path, _)| path).collect()
}

/// Values of all types.
fn types() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(7),
        json!(-1),
        json!(1.5),
        json!(1e30),
        json!(""),
        json!("10.0.0.1"),
        json!([]),
        json!({}),
        json!([null]),
        json!([{}, ["x"]]),
        json!({"name": 1, "ready": "true", "ip": null}),
    ]
}

proptest! {
    #[test]
    fn objects_are_what_the_published_types_make_of_them((kind, value) in any_object(), pretty: bool) {
        let octets = octets(&value, pretty);
        prop_assert!(expected(kind, &octets).is_some(), "{value} is refused");
        agrees(kind, &octets)?;
    }

    #[test]
    fn a_wrong_type_anywhere_is_no_surprise(
        (kind, value) in any_object(),
        at: prop::sample::Index,
        other in prop::sample::select(types()),
    ) {
        let paths = pointers(&value);
        let path = at.get(&paths);
        let mut spoiled = value.clone();
        *spoiled.pointer_mut(path).unwrap() = other;
        let octets = octets(&spoiled, false);
        agrees(kind, &octets)?;
        // What is wrong elsewhere does not hide which object it is.
        let whole = serde_json::to_vec(&value).unwrap();
        let Decoded::Good { object, revision, .. } = decoded(kind, &whole).0 else { return Ok(()) };
        if path.is_empty() || path.starts_with("/metadata") {
            return Ok(());
        }
        let (found, found_revision) = match decoded(kind, &octets).0 {
            Decoded::Good { object, revision, .. } | Decoded::Broken { object, revision, .. } => (object, revision),
            Decoded::Nameless { reason } => return Err(TestCaseError::fail(reason)),
        };
        prop_assert_eq!((&object.key, &object.labels, revision), (&found.key, &found.labels, found_revision));
    }

    #[test]
    fn mutated_octets_never_panic(
        (kind, value) in any_object(),
        mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut: prop::sample::Index,
    ) {
        let mut octets = octets(&value, false);
        for (at, octet) in mutations {
            let at = at.index(octets.len());
            octets[at] = octet;
        }
        for octets in [&octets[..], &octets[..cut.index(octets.len())]] {
            match decoded(kind, octets).0 {
                Decoded::Good { object, .. } => prop_assert!(!object.key.name.is_empty()),
                Decoded::Broken { object, reason, .. } => {
                    prop_assert!(!object.key.name.is_empty() && object.groups.is_empty());
                    prop_assert!(!reason.is_empty() && reason.chars().count() < 600 && !reason.contains('\n'));
                }
                Decoded::Nameless { reason } => prop_assert!(!reason.is_empty()),
            }
        }
    }
}

/// An object of each kind, every field that is read present.
fn full(kind: ObjectKind) -> Value {
    let metadata = json!({
        "name": "web-1", "namespace": "shop", "uid": "u-1", "resourceVersion": "42",
        "labels": {"kubernetes.io/service-name": "web", "app": "web"},
        "annotations": {
            "endpoints.kubernetes.io/over-capacity": "no",
            "endpoints.kubernetes.io/last-change-trigger-time": "2026-11-22T17:55:01.000000002Z",
        },
    });
    let target = json!({"uid": "p-1", "namespace": "shop", "kind": "Pod"});
    let ports = json!([{"name": "http", "port": 80, "protocol": "TCP"}]);
    match kind {
        ObjectKind::EndpointSlice => json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata,
            "addressType": "IPv4", "ports": ports,
            "endpoints": [{
                "addresses": ["10.0.0.1"], "hostname": "web-0", "targetRef": target,
                "conditions": {"ready": true, "serving": true, "terminating": false},
            }],
        }),
        ObjectKind::Endpoints => json!({
            "apiVersion": "v1", "kind": "Endpoints", "metadata": metadata,
            "subsets": [{
                "addresses": [{"ip": "10.0.0.1", "hostname": "web-0", "targetRef": target}],
                "notReadyAddresses": [{"ip": "10.0.0.2"}],
                "ports": ports,
            }],
        }),
        ObjectKind::Pod => json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
            "spec": {
                "hostname": "web-0", "subdomain": "web",
                "containers": [{"ports": [{"name": "http", "containerPort": 80, "protocol": "TCP"}]}],
                "initContainers": [{"restartPolicy": "Always"}],
            },
            "status": {
                "phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}],
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }),
    }
}

/// A JSON pointer as reasons write it.
fn dotted(pointer: &str) -> String {
    pointer.split('/').skip(1).fold(String::new(), |path, part| {
        let part = part.replace("~1", "/");
        match (part.parse::<usize>(), path.is_empty()) {
            (Ok(index), _) => format!("{path}[{index}]"),
            (Err(_), true) => part,
            (Err(_), false) => format!("{path}.{part}"),
        }
    })
}

#[test]
fn every_field_that_is_read_breaks_the_object_by_a_wrong_type_and_is_named() {
    for kind in KINDS {
        let value = full(kind);
        assert!(matches!(decoded(kind, &octets(&value, false)).0, Decoded::Good { .. }), "{kind:?}");
        for path in pointers(&value) {
            let right = value.pointer(&path).unwrap();
            // Whose objects endpoints stand for is not read.
            if path.ends_with("targetRef/kind") || path.is_empty() {
                continue;
            }
            for wrong in types() {
                if wrong.is_null() || std::mem::discriminant(&wrong) == std::mem::discriminant(right) {
                    continue;
                }
                let mut spoiled = value.clone();
                *spoiled.pointer_mut(&path).unwrap() = wrong.clone();
                for pretty in [false, true] {
                    let reason = match decoded(kind, &octets(&spoiled, pretty)).0 {
                        Decoded::Good { .. } => panic!("{kind:?}: {path} is {wrong}"),
                        Decoded::Broken { object, reason, revision } => {
                            assert_eq!((&*object.key.name, &*object.key.namespace), ("web-1", "shop"));
                            assert_eq!(revision.is_none(), path == "/metadata/resourceVersion", "{path}");
                            let service = match kind {
                                ObjectKind::Endpoints => Some("web-1"),
                                ObjectKind::EndpointSlice if path.starts_with("/metadata/labels") => continue,
                                ObjectKind::Pod if path.starts_with("/spec") => continue,
                                _ => Some("web"),
                            };
                            assert_eq!(object.service.as_deref(), service, "{kind:?}: {path} is {wrong}");
                            reason
                        }
                        Decoded::Nameless { reason } => {
                            let named = ["/metadata", "/metadata/name", "/metadata/namespace"];
                            assert!(named.contains(&path.as_str()), "{kind:?}: {path} is {wrong}: {reason}");
                            reason
                        }
                    };
                    assert!(reason.starts_with(&dotted(&path)), "{kind:?}: {path} is {wrong}: {reason}");
                }
            }
        }
    }
}

#[test]
fn hostile_octets_are_broken_or_nameless() {
    let named = r#""metadata":{"namespace":"shop","name":"web-1","resourceVersion":"7"}"#;
    let deep = "[".repeat(100_000);
    let long = "x".repeat(100_000);
    for (octets, name, reason) in [
        (String::new(), None, "EOF while parsing a value"),
        ("null".into(), None, "invalid type: null, expected an object"),
        ("[]".into(), None, "invalid type: sequence, expected an object"),
        (r#""web""#.into(), None, "invalid type: string \"web\", expected an object"),
        ("{}".into(), None, "metadata.name is missing"),
        (r#"{"metadata":null}"#.into(), None, "metadata.name is missing"),
        (r#"{"metadata":{"name":""}}"#.into(), None, "metadata.name is missing"),
        (
            r#"{"metadata":{"name":"web-1","namespace":[]}}"#.into(),
            None,
            "metadata.namespace: invalid type: sequence, expected a string",
        ),
        (format!("{{{named},"), Some("web-1"), "metadata: EOF while parsing a value"),
        (format!("{{{named},\"endpoints\":[{{"), Some("web-1"), "endpoints[0]: EOF while parsing an object"),
        (format!("{{{named},\"kind\":\"Status\"}}"), Some("web-1"), "kind: `Status`, not EndpointSlice"),
        (
            format!("{{{named},\"apiVersion\":\"v2\"}}"),
            Some("web-1"),
            "apiVersion: `v2`, not discovery.k8s.io/v1",
        ),
        (format!("{{{named},{named}}}"), Some("web-1"), "metadata: duplicate field `metadata`"),
        (format!("{{{named}}} x"), Some("web-1"), "trailing characters"),
        (format!("{{{named},\"endpoints\":{deep}"), Some("web-1"), "endpoints[0]"),
        (format!("{{{named},\"{long}\":{{\"{long}\":tru}}}}"), Some("web-1"), "xxxx"),
        (
            format!("{{{named},\"endpoints\":\"{long}\"}}"),
            Some("web-1"),
            "endpoints: invalid type: string \"xxx",
        ),
        (
            r#"{"metadata":{"name":"web-1","labels":{"a":"1","a":"2"}}}"#.into(),
            Some("web-1"),
            "metadata.labels: a label stands twice",
        ),
        (
            r#"{"metadata":{"name":"web-1","labels":{"a":null,"b":"2"}}}"#.into(),
            Some("web-1"),
            "metadata.labels.a: invalid type: null, expected a string",
        ),
        (r#"{"metadata":{"name":"web-1","#.into(), None, "metadata.name: EOF while parsing a value"),
        (r#"{"metadata":{"name":"\ud800"}}"#.into(), None, "metadata.name: unexpected end of hex escape"),
    ] {
        let shown: String = octets.chars().take(80).collect();
        match (decoded(ObjectKind::EndpointSlice, octets.as_bytes()).0, name) {
            (Decoded::Broken { object, reason: found, .. }, Some(name)) => {
                assert_eq!(&*object.key.name, name, "{shown}");
                assert!(found.starts_with(reason), "{shown}: {found}");
                assert!(found.chars().count() < 600, "{shown}: {found}");
            }
            (Decoded::Nameless { reason: found }, None) => {
                assert!(found.starts_with(reason), "{shown}: {found}");
            }
            (other, _) => panic!("{shown}: {other:?}"),
        }
    }
}

#[test]
fn no_utf_8_is_broken_where_the_metadata_is_and_nameless_where_it_is_in_there() {
    let octets = b"{\"metadata\":{\"name\":\"web-1\",\"labels\":{\"b\":\"1\",\"a\":\"2\"}},\"x\":\"\xff\"}";
    let Decoded::Broken { object, reason, .. } = decoded(ObjectKind::Endpoints, octets).0 else { panic!() };
    assert_eq!(reason, "x: octets that are no UTF-8");
    assert_eq!((&*object.key.namespace, object.service.as_deref()), ("default", Some("web-1")));
    assert_eq!(object.labels, [("a".into(), "2".into()), ("b".into(), "1".into())]);
    let octets = b"{\"metadata\":{\"name\":\"web-1\",\"x\":\"\xff\"}}";
    let (decoded, _) = decoded(ObjectKind::Endpoints, octets);
    assert_eq!(decoded, Decoded::Nameless { reason: "metadata.x: octets that are no UTF-8".into() });
}

#[test]
fn deep_values_that_nobody_reads_are_passed_over() {
    for depth in [120, 100_000] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let octets = format!("{{\"metadata\":{{\"name\":\"web-1\",\"managedFields\":{deep}}},\"x\":{deep}}}");
        let found = decoded(ObjectKind::Pod, octets.as_bytes()).0;
        assert!(matches!(found, Decoded::Good { .. }), "{depth}");
    }
}

#[test]
fn revisions_are_numbers_and_trigger_times_are_rfc_3339() {
    let read = |revision: &str, trigger: &str| {
        let mut value = full(ObjectKind::EndpointSlice);
        value["metadata"]["resourceVersion"] = revision.into();
        value["metadata"]["annotations"]["endpoints.kubernetes.io/last-change-trigger-time"] = trigger.into();
        match decoded(ObjectKind::EndpointSlice, &octets(&value, false)).0 {
            Decoded::Good { revision, triggered, .. } => (revision, triggered),
            other => panic!("{other:?}"),
        }
    };
    for (text, revision) in [
        ("0", Some(0)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("", None),
        ("+1", None),
        ("-1", None),
        (" 1", None),
        ("1a", None),
    ] {
        assert_eq!(read(text, "").0, revision, "{text}");
    }
    let at = |seconds, nanoseconds| Some(UNIX_EPOCH + Duration::new(seconds, nanoseconds));
    for (text, triggered) in [
        ("2026-11-22T17:55:01.123456789Z", at(1_795_370_101, 123_456_789)),
        ("2026-11-22T18:55:01+01:00", at(1_795_370_101, 0)),
        ("1970-01-01T00:00:00Z", at(0, 0)),
        ("1969-12-31T23:59:59Z", Some(UNIX_EPOCH - Duration::from_secs(1))),
        ("2026-11-22T17:55:01", None),
        ("2026-13-22T17:55:01Z", None),
        ("yesterday", None),
        ("", None),
    ] {
        assert_eq!(read("1", text).1, triggered, "{text}");
    }
}
