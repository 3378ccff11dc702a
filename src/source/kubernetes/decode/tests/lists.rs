//! Lists in pieces.

use super::random::object;
use super::{KINDS, decoded};
use crate::roster::ObjectKind;
use crate::source::kubernetes::decode::list::ListBody;
use crate::source::kubernetes::decode::list::ListError;
use crate::source::kubernetes::decode::{Decoded, ListMetadata, OBJECT_MAX};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

type Outcome = (Vec<Vec<u8>>, Result<ListMetadata, ListError>);

/// The items and the end of a body that arrives cut at these places.
fn arrives(octets: &[u8], cuts: &[usize]) -> Outcome {
    let mut cuts = cuts.to_vec();
    cuts.sort_unstable();
    let mut items = Vec::new();
    let mut body = ListBody::default();
    let mut from = 0;
    for to in cuts.into_iter().chain([octets.len()]) {
        if let Err(error) = body.push(&octets[from..to], &mut |item| items.push(item.to_vec())) {
            assert_eq!(body.push(b"{}", &mut |_| panic!("an item behind an error")), Err(error.clone()));
            assert_eq!(body.finish(), Err(error.clone()));
            return (items, Err(error));
        }
        from = to;
    }
    (items, body.finish())
}

fn cuts(octets: &[u8], cuts: &[Index]) -> Vec<usize> {
    cuts.iter().map(|cut| cut.index(octets.len() + 1)).collect()
}

fn metadata(revision: Option<&str>, next: Option<&str>) -> ListMetadata {
    ListMetadata { revision: revision.map(Into::into), next: next.map(Into::into) }
}

/// Items, and the list of them as octets.
fn list() -> impl Strategy<Value = (ObjectKind, Vec<Value>, Vec<u8>)> {
    prop::sample::select(KINDS.to_vec()).prop_flat_map(|kind| {
        let odd = prop::sample::select(vec![
            json!(null),
            json!(-1.5e3),
            json!("]}"),
            json!([{}, "["]),
            json!(true),
        ]);
        let items = prop::collection::vec(prop_oneof![9 => object(kind), 1 => odd], 0..6);
        (Just(kind), items, Just(()).prop_perturb(|(), mut random| random.random::<[u8; 4]>())).prop_map(
            |(kind, items, [order, pretty, extra, _])| {
                let mut members = vec![
                    ("kind", json!("PodList")),
                    ("apiVersion", json!("v1")),
                    ("metadata", json!({"resourceVersion": "9\"1", "continue": "", "remainingItemCount": 3})),
                    ("items", json!(items)),
                ];
                if extra % 2 == 0 {
                    members.push(("x", json!({"items": [1, "}"], "metadata": null})));
                    members.push(("", json!(7)));
                }
                let turns = usize::from(order) % members.len();
                members.rotate_left(turns);
                let write = |value: &Value| {
                    if pretty % 2 == 0 { format!(" {value:#}\n") } else { value.to_string() }
                };
                let members: Vec<String> =
                    members.iter().map(|(key, value)| format!("{}:{}", json!(key), write(value))).collect();
                (kind, items, format!("{{{}}}\r\n", members.join(",")).into_bytes())
            },
        )
    })
}

proptest! {
    #[test]
    fn items_and_metadata_are_those_of_the_whole_wherever_it_is_cut(
        (_, items, octets) in list(),
        places in prop::collection::vec(any::<Index>(), 0..20),
    ) {
        let (found, end) = arrives(&octets, &cuts(&octets, &places));
        prop_assert_eq!(end, Ok(metadata(Some("9\"1"), None)));
        let found: Vec<Value> = found.iter().map(|item| serde_json::from_slice(item).unwrap()).collect();
        prop_assert_eq!(found, items);
    }

    #[test]
    fn a_list_cut_short_is_no_list((_, items, octets) in list(), end: Index) {
        let whole = octets.len() - 2;
        let (found, end) = arrives(&octets[..end.index(whole)], &[]);
        prop_assert_eq!(end, Err(ListError::Cut));
        prop_assert!(found.len() <= items.len());
    }

    #[test]
    fn mutated_lists_fare_alike_however_they_are_cut(
        (kind, _, mut octets) in list(),
        mutations in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4),
        places in prop::collection::vec(any::<Index>(), 0..20),
    ) {
        for (at, octet) in mutations {
            let at = at.index(octets.len());
            octets[at] = octet;
        }
        let (items, end) = arrives(&octets, &[]);
        let (other_items, other_end) = arrives(&octets, &cuts(&octets, &places));
        prop_assert_eq!(&items, &other_items);
        prop_assert_eq!(end.is_ok(), other_end.is_ok());
        for item in items {
            let _ = decoded(kind, &item);
        }
    }

    #[test]
    fn a_broken_item_leaves_the_others_as_they_are(
        kind in prop::sample::select(KINDS.to_vec()),
        before in prop::collection::vec(object(ObjectKind::Pod), 0..3),
        item in object(ObjectKind::Pod),
        behind in prop::collection::vec(object(ObjectKind::Pod), 0..3),
        mutations in prop::collection::vec((any::<Index>(), any::<u8>()), 1..9),
    ) {
        // What strings and brackets are made of decides where an item ends; all else may be anything.
        let decides = |octet: u8| b"\"\\{}[]".contains(&octet);
        let mut broken = item.to_string().into_bytes();
        for (at, octet) in mutations {
            let at = at.index(broken.len());
            if !decides(broken[at]) && !decides(octet) {
                broken[at] = octet;
            }
        }
        let good = |items: &[Value]| items.iter().map(|item| item.to_string().into_bytes()).collect::<Vec<_>>();
        let expected = [good(&before), vec![broken], good(&behind)].concat();
        let octets = [br#"{"kind":"PodList","items":["#, &expected.join(&b","[..])[..], b"]}"].concat();
        let (items, end) = arrives(&octets, &[]);
        prop_assert_eq!(end, Ok(ListMetadata::default()));
        prop_assert_eq!(&items, &expected);
        for (item, value) in items.iter().zip(before.iter().map(Some).chain([None]).chain(behind.iter().map(Some))) {
            let Some(value) = value else { continue };
            prop_assert_eq!(decoded(kind, item), decoded(kind, value.to_string().as_bytes()));
        }
    }
}

#[test]
fn lists_are_what_they_say() {
    for (octets, items, expected) in [
        (r#"{"kind":"PodList"}"#, 0, Ok(metadata(None, None))),
        (r#"{"kind":"PodList","items":null}"#, 0, Ok(metadata(None, None))),
        (r#"{"kind":"PodList","items":[],"metadata":null}"#, 0, Ok(metadata(None, None))),
        (
            r#"{"items":[{},{}],"metadata":{"resourceVersion":"5"},"kind":"PodList"}"#,
            2,
            Ok(metadata(Some("5"), None)),
        ),
        (
            "\n{ \"kind\" :\t\"List\" , \"metadata\" : { \"resourceVersion\" : \"5\" , \"continue\":\"a\\u0062\" } ,\r\n\
             \"it\\u0065ms\" : [ {} , 1 , null ] } \n",
            3,
            Ok(metadata(Some("5"), Some("ab"))),
        ),
        ("", 0, Err("")),
        (" ", 0, Err("")),
        (r#"{"kind":"PodList","items":[{}"#, 1, Err("")),
        (r#"{"kind":"PodList","items":[{}]"#, 1, Err("")),
        (r#"{"kind":"PodList","metadata":{"#, 0, Err("")),
        ("<!DOCTYPE html><html>", 0, Err("no JSON object: it begins with `<!DOCTYPE html><html>`")),
        ("\u{feff}{}", 0, Err("no JSON object: it begins with `\\u{feff}{}`")),
        (r#""forbidden""#, 0, Err("no JSON object: it begins with `\"forbidden\"`")),
        ("[{}]", 0, Err("no JSON object: it begins with `[{}]`")),
        ("null", 0, Err("no JSON object: it begins with `null`")),
        ("{}", 0, Err("an object without kind, no list")),
        (r#"{"items":[{}]}"#, 1, Err("an object without kind, no list")),
        (r#"{"kind":"Status","code":403,"items":[{}]}"#, 0, Err("the kind is `Status`, no list")),
        (r#"{"kind":null}"#, 0, Err("`kind` is no string")),
        (r#"{"kind":"PodList","kind":"PodList"}"#, 0, Err("`kind` stands twice")),
        (r#"{"metadata":{},"metadata":{}}"#, 0, Err("`metadata` stands twice")),
        (r#"{"items":[{}],"items":[{}]}"#, 1, Err("`items` stands twice")),
        (r#"{"items":null,"items":[{}]}"#, 0, Err("`items` stands twice")),
        (r#"{"items":[],"items":null}"#, 0, Err("`items` stands twice")),
        (r#"{"items":{}}"#, 0, Err("`items` is no array")),
        (r#"{"items":"x"}"#, 0, Err("`items` is no array")),
        (
            r#"{"metadata":{"resourceVersion":5}}"#,
            0,
            Err("metadata: resourceVersion: invalid type: integer `5`, expected a string"),
        ),
        (r#"{"metadata":["5",""]}"#, 0, Err("metadata: invalid type: sequence, expected an object")),
        (r#"{"x":tru}"#, 0, Err("`x`: EOF while parsing a value")),
        (r#"{"x":}"#, 0, Err("`x`: `}` stands where it cannot")),
        (r#"{"x" 1}"#, 0, Err("the object: `1}` stands where it cannot")),
        (r#"{"x":1,}"#, 0, Err("the object: `}` stands where it cannot")),
        ("{1:1}", 0, Err("the object: `1:1}` stands where it cannot")),
        ("{\"\u{1}\":1}", 0, Err("a key is no string")),
        (r#"{"items":[,{}]}"#, 0, Err("`items`: `,{}]}` stands where it cannot")),
        (r#"{"items":[{},]}"#, 1, Err("`items`: `]}` stands where it cannot")),
        (r#"{"items":[{}{}]}"#, 1, Err("`items`: `{}]}` stands where it cannot")),
        (r#"{"items":[{"a":[}, {}]}"#, 0, Err("`items`: brackets do not match")),
        (r#"{"kind":"PodList"}{"#, 0, Err("`{` stands behind the object")),
        (r#"{"kind":"PodList","items":[{}]}]"#, 1, Err("`]` stands behind the object")),
    ] {
        let expected = expected.map_err(|reason| match reason {
            "" => ListError::Cut,
            reason => ListError::Malformed(reason.to_owned()),
        });
        let (found, end) = arrives(octets.as_bytes(), &[]);
        assert_eq!((found.len(), &end), (items, &expected), "{octets}");
        // Octet by octet, only what is quoted is shorter.
        let each: Vec<usize> = (0..octets.len()).collect();
        let (found, end) = arrives(octets.as_bytes(), &each);
        assert_eq!((found.len(), end.is_ok()), (items, expected.is_ok()), "{octets}");
    }
}

#[test]
fn metadata_is_known_as_soon_as_it_has_arrived() {
    let mut body = ListBody::default();
    body.push(br#"{"kind":"PodList","metadata":{"resourceVersion":"5""#, &mut |_| ()).unwrap();
    assert_eq!(body.metadata(), None);
    body.push(br#"},"items":[{"#, &mut |_| ()).unwrap();
    assert_eq!(body.metadata(), Some(&metadata(Some("5"), None)));
}

#[test]
fn an_item_within_a_chunk_is_handed_out_where_it_lies() {
    let octets = br#"{"kind":"PodList","items":[{"a":"}"},{"b":[]},{"c":1}]}"#;
    let mut body = ListBody::default();
    let (head, tail) = octets.split_at(40);
    let mut places = Vec::new();
    for chunk in [head, tail] {
        let range = chunk.as_ptr_range();
        body.push(chunk, &mut |item| places.push((item.to_vec(), range.contains(&item.as_ptr())))).unwrap();
    }
    let places: Vec<(&str, bool)> =
        places.iter().map(|(item, there)| (std::str::from_utf8(item).unwrap(), *there)).collect();
    assert_eq!(places, [(r#"{"a":"}"}"#, true), (r#"{"b":[]}"#, false), (r#"{"c":1}"#, true)]);
}

#[test]
fn items_and_what_stands_around_them_are_limited() {
    let filler = |octets: usize| "x".repeat(octets);
    // A string of that many octets, quotes counted.
    let item = |octets: usize| format!("\"{}\"", filler(octets - 2));
    for (item, expected) in [
        (item(OBJECT_MAX), Ok(ListMetadata::default())),
        (item(OBJECT_MAX + 1), Err(ListError::ObjectTooLarge)),
    ] {
        let octets = format!(r#"{{"kind":"PodList","items":[{item}]}}"#);
        for cuts in [vec![], vec![30, 5_000_000]] {
            let (items, end) = arrives(octets.as_bytes(), &cuts);
            assert_eq!((items.len(), end), (usize::from(expected.is_ok()), expected.clone()));
        }
    }
    let many =
        format!(r#"{{"kind":"PodList","items":[{}{{}}]{}}}"#, "{},\n ".repeat(50_000), " ".repeat(100_000));
    assert_eq!(arrives(many.as_bytes(), &[]).0.len(), 50_001);
    for around in [
        format!(r#"{{"metadata":{{"continue":"{}"}}}}"#, filler(70_000)),
        format!(r#"{{"{}":1}}"#, filler(70_000)),
        format!(
            r#"{{{}"kind":"PodList"}}"#,
            r#""x":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","#.repeat(1_500)
        ),
    ] {
        let expected = ListError::Malformed("more than 65536 octets stand around the items".to_owned());
        assert_eq!(arrives(around.as_bytes(), &[100]).1, Err(expected));
    }
}

#[test]
fn depth_costs_no_stack() {
    let deep = format!("{}{}", "[{\"a\":".repeat(500_000), "}]".repeat(500_000)).replace(":}", ":1}");
    let octets = format!(r#"{{"kind":"PodList","items":[{deep},{{}}]}}"#);
    let (items, end) = arrives(octets.as_bytes(), &[1_000_000]);
    assert_eq!((items.len(), end), (2, Ok(ListMetadata::default())));
    assert!(matches!(decoded(ObjectKind::Pod, &items[0]).0, Decoded::Nameless { .. }));
}
