//! What manifests hold: real listings, odd content, broken texts.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use proptest::prelude::*;
use rosterd::roster::{Conditions, Endpoint, EndpointObject, ObjectKind, Protocol, Uid};
use rosterd::source::manifest::{ParseCause, Parsed, Position, parse};
use rosterd::source::{Notice, Oddity};
use serde_json::{Value, json};

const LISTING_YAML: &str = include_str!("data/kubectl-get.yaml");
const LISTING_JSON: &str = include_str!("data/kubectl-get.json");
const EXAMPLE: &str = include_str!("../deploy/examples/myapp.yaml");

fn read(text: &str) -> Parsed {
    parse("test", text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn object<'p>(parsed: &'p Parsed, kind: ObjectKind, name: &str) -> &'p EndpointObject {
    let found = parsed.objects.iter().find(|object| object.key.kind == kind && &*object.key.name == name);
    found.unwrap_or_else(|| panic!("no {kind:?} {name}"))
}

/// Every endpoint with the name and conditions that matter: `(addresses, hostname, ready, serving, terminating)`.
fn rows(object: &EndpointObject) -> Vec<(String, String, [Option<bool>; 3])> {
    let endpoints = object.groups.iter().flat_map(|group| &group.endpoints);
    let row = |endpoint: &Endpoint| {
        let addresses: Vec<String> = endpoint.addresses.iter().map(ToString::to_string).collect();
        let Conditions { ready, serving, terminating } = endpoint.conditions;
        let hostname = endpoint.hostname.as_deref().unwrap_or_default().to_owned();
        (addresses.join(" "), hostname, [ready, serving, terminating])
    };
    endpoints.map(row).collect()
}

fn row(
    addresses: &str,
    hostname: &str,
    conditions: [Option<bool>; 3],
) -> (String, String, [Option<bool>; 3]) {
    (addresses.to_owned(), hostname.to_owned(), conditions)
}

const T: Option<bool> = Some(true);
const F: Option<bool> = Some(false);

#[test]
fn a_listing_is_the_same_in_yaml_and_json() {
    let parsed = read(LISTING_YAML);
    assert_eq!(parsed, read(LISTING_JSON));
    assert_eq!(parsed.objects.len(), 11);
    assert!(parsed.skipped.is_empty() && parsed.notices.is_empty(), "{parsed:?}");
}

#[test]
fn a_listing_gives_services_hostnames_and_conditions() {
    let parsed = read(LISTING_YAML);
    let myapp = object(&parsed, ObjectKind::EndpointSlice, "myapp-7hd9x");
    assert_eq!(myapp.service.as_deref(), Some("myapp"));
    assert_eq!(
        rows(myapp),
        [
            row("10.244.1.11", "", [T, T, F]),
            row("10.244.1.12", "", [T, T, F]),
            row("10.244.2.13", "", [F, F, F]),
            row("10.244.2.14", "", [F, T, T]),
        ]
    );
    let ports: Vec<_> = myapp.groups[0].ports.iter().map(|port| (&*port.name, port.number)).collect();
    assert_eq!(ports, [("epmd", 4369)]);
    let labels: Vec<_> = myapp.labels.iter().map(|(key, value)| (&**key, &**value)).collect();
    assert_eq!(
        labels,
        [
            ("app", "myapp"),
            ("app.kubernetes.io/managed-by", "Helm"),
            ("endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io"),
            ("kubernetes.io/service-name", "myapp"),
        ]
    );

    let web = object(&parsed, ObjectKind::Endpoints, "web");
    assert_eq!(web.service.as_deref(), Some("web"));
    assert_eq!(
        rows(web),
        [
            row("10.244.1.21", "web-0", [T, T, None]),
            row("10.244.2.22", "web-1", [T, T, None]),
            row("10.244.1.23", "web-2", [F, F, None]),
        ]
    );
    // The families of a pod are joined by its uid.
    let ipv4 = object(&parsed, ObjectKind::EndpointSlice, "web-4sxkc");
    let ipv6 = object(&parsed, ObjectKind::EndpointSlice, "web-m8tqz");
    assert_eq!(
        ipv6.groups[0].endpoints[0].addresses[..],
        ["fd00:10:244:1::15".parse::<std::net::IpAddr>().unwrap()]
    );
    assert_eq!(ipv4.groups[0].endpoints[0].uid, ipv6.groups[0].endpoints[0].uid);
    assert_eq!(
        ipv4.groups[0].endpoints[0].uid,
        Some(Uid::Uuid(0x0b6d_2f64_7a51_4f0e_9c3a_5d1e_2f3a_4b5c_u128.to_be_bytes()))
    );
    // A mirrored slice says only `ready`.
    let mirrored = object(&parsed, ObjectKind::EndpointSlice, "legacy-vp2lw");
    assert_eq!(
        rows(mirrored),
        [row("192.0.2.10", "", [T, None, None]), row("192.0.2.11", "db-b", [T, None, None])]
    );
    // What the controller writes first.
    let empty = object(&parsed, ObjectKind::EndpointSlice, "empty-k2r9f");
    assert_eq!(&*empty.key.namespace, "staging");
    assert!(empty.groups[0].endpoints.is_empty() && empty.groups[0].ports.is_empty());
    assert!(object(&parsed, ObjectKind::Endpoints, "empty").groups.is_empty());
}

#[test]
fn the_example_holds_what_its_comments_say() {
    let parsed = read(EXAMPLE);
    assert!(parsed.skipped.is_empty() && parsed.notices.is_empty(), "{parsed:?}");
    let myapp = rows(object(&parsed, ObjectKind::EndpointSlice, "myapp-7hd9x"));
    let ready: Vec<_> = myapp.iter().filter(|row| row.2[0] == T).map(|row| &*row.0).collect();
    assert_eq!((ready, myapp.len()), (vec!["10.0.0.1", "10.0.0.2", "10.0.0.3"], 4));
    let web = rows(object(&parsed, ObjectKind::EndpointSlice, "web-m8tqz"));
    assert_eq!(web, [row("fd00::1:1", "web-0", [T, T, F])]);
}

/// A slice with the given parts.
fn slice(parts: &Value) -> Value {
    let mut slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "s"},
        "addressType": "IPv4", "endpoints": [],
    });
    for (key, value) in parts.as_object().unwrap() {
        slice[key] = value.clone();
    }
    slice
}

#[test]
fn odd_content_is_left_out_and_counted() {
    let cases = [
        (
            json!({"addressType": "FQDN", "endpoints": [{"addresses": ["a.example"]}]}),
            Oddity::AddressType,
            "",
        ),
        (json!({"addressType": "", "endpoints": [{"addresses": ["10.0.0.1"]}]}), Oddity::AddressType, ""),
        (json!({"endpoints": [{"addresses": ["10.0.0.01", "10.0.0.2"]}]}), Oddity::Address, "10.0.0.2"),
        (json!({"endpoints": [{"addresses": ["fe80::1%eth0"]}]}), Oddity::Address, ""),
        (json!({"endpoints": [{"addresses": ["fd00::1"]}]}), Oddity::AddressFamily, "fd00::1"),
        (
            json!({"ports": [{"port": 0}], "endpoints": [{"addresses": ["10.0.0.1"]}]}),
            Oddity::PortNumber,
            "10.0.0.1",
        ),
        (json!({"ports": [{"port": 65536}], "endpoints": [{"addresses": []}]}), Oddity::PortNumber, ""),
        (json!({"ports": [{"port": -1}], "endpoints": [{"addresses": null}]}), Oddity::PortNumber, ""),
        (json!({"ports": [{"port": 1, "protocol": "tcp"}], "endpoints": [{}]}), Oddity::Protocol, ""),
    ];
    for (parts, oddity, addresses) in cases {
        let parsed = read(&slice(&parts).to_string());
        let counts: Vec<_> =
            parsed.notices.iter().map(|Notice { oddity, count, .. }| (*oddity, *count)).collect();
        assert_eq!(counts, [(oddity, 1)], "{parts}");
        assert!(parsed.notices[0].to_string().contains("EndpointSlice default/s: "), "{}", parsed.notices[0]);
        let object = &parsed.objects[0];
        assert_eq!(rows(object)[0].0, addresses, "{parts}");
        assert!(object.groups[0].ports.is_empty(), "{parts}");
    }
}

#[test]
fn ports_without_a_number_or_protocol_are_no_oddity() {
    let ports = json!([{"name": "all", "port": null}, {"port": 53, "protocol": null}, {"port": 53, "protocol": "UDP"}]);
    let parsed = read(&slice(&json!({"ports": ports})).to_string());
    assert!(parsed.notices.is_empty());
    let ports: Vec<_> =
        parsed.objects[0].groups[0].ports.iter().map(|port| (port.number, port.protocol)).collect();
    assert_eq!(ports, [(53, Protocol::Tcp), (53, Protocol::Udp)]);
}

#[test]
fn an_endpoints_object_may_say_that_it_is_truncated() {
    let annotated = |value: &str| {
        let annotations = json!({"endpoints.kubernetes.io/over-capacity": value});
        let object = json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "e", "annotations": annotations}});
        read(&object.to_string()).objects[0].truncated
    };
    assert_eq!((annotated("truncated"), annotated("warning")), (true, false));
}

fn pod(metadata: &Value, spec: &Value, status: &Value) -> Parsed {
    let mut pod =
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n", "uid": "u-1"}});
    for (key, value) in metadata.as_object().unwrap() {
        pod["metadata"][key] = value.clone();
    }
    pod["spec"] = spec.clone();
    pod["status"] = status.clone();
    read(&pod.to_string())
}

#[test]
fn pods_are_endpoints_of_their_own() {
    let ready = json!([{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "True"}]);
    let unready = json!([{"type": "Ready", "status": "False"}]);
    let gone = json!({"deletionTimestamp": "2026-11-02T08:15:04Z"});
    let running = |conditions: &Value| json!({"phase": "Running", "conditions": conditions, "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}]});
    let named = json!({"containers": [], "hostname": "web-0", "subdomain": "web"});
    for (metadata, status, expected) in [
        (json!({}), running(&ready), vec![row("10.0.0.1 fd00::1", "web-0", [T, T, F])]),
        (json!({}), running(&unready), vec![row("10.0.0.1 fd00::1", "web-0", [F, F, F])]),
        (gone.clone(), running(&ready), vec![row("10.0.0.1 fd00::1", "web-0", [F, T, T])]),
        (json!({}), json!({"phase": "Pending", "podIP": ""}), vec![row("", "web-0", [F, F, F])]),
        (
            json!({}),
            json!({"phase": "Running", "podIP": "10.0.0.9"}),
            vec![row("10.0.0.9", "web-0", [F, F, F])],
        ),
        (json!({}), json!({"phase": "Succeeded", "podIP": "10.0.0.1"}), vec![]),
        (json!({}), json!({"phase": "Failed", "podIP": "10.0.0.1"}), vec![]),
    ] {
        let parsed = pod(&metadata, &named, &status);
        let object = &parsed.objects[0];
        assert_eq!(rows(object), expected, "{status}");
        assert_eq!((object.service.as_deref(), &*object.key.namespace), (Some("web"), "n"));
        if let Some(endpoint) = object.groups.first().map(|group| &group.endpoints[0]) {
            assert_eq!(endpoint.uid, Some(Uid::Text("u-1".into())));
            assert_eq!(endpoint.namespace.as_deref(), Some("n"));
        }
    }
}

#[test]
fn pods_have_the_ports_of_their_containers_once() {
    let containers = json!([
        {"name": "a", "ports": [{"name": "http", "containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}]},
        {"name": "b", "ports": [{"name": "http", "containerPort": 80}]},
    ]);
    let init = json!([
        {"name": "migrate", "ports": [{"name": "no", "containerPort": 1}]},
        {"name": "sidecar", "restartPolicy": "Always", "ports": [{"name": "admin", "containerPort": 15000}]},
    ]);
    let parsed = pod(&json!({}), &json!({"containers": containers, "initContainers": init}), &json!({}));
    let ports = &parsed.objects[0].groups[0].ports;
    let ports: Vec<_> = ports.iter().map(|port| (&*port.name, port.number, port.protocol)).collect();
    assert_eq!(
        ports,
        [("http", 80, Protocol::Tcp), ("", 53, Protocol::Udp), ("admin", 15000, Protocol::Tcp)]
    );
}

#[test]
fn every_shape_of_a_manifest_gives_the_same_objects() {
    let [one, two] = ["one", "two"].map(|name| slice(&json!({"metadata": {"name": name}})));
    let bare = |object: &Value| {
        let mut object = object.clone();
        object.as_object_mut().unwrap().retain(|key, _| key != "kind" && key != "apiVersion");
        object
    };
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [one, two]});
    let typed = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSliceList", "items": [bare(&one), bare(&two)]});
    let sorted = "items:\n- {metadata: {name: one}, addressType: IPv4}\n- {metadata: {name: two}, addressType: IPv4}\n";
    let [one, two] = [one, two].map(|object| object.to_string());
    let texts = [
        list.to_string(),
        typed.to_string(),
        format!("{one}\n{two}"),
        format!("{one}{two}"),
        format!("\u{feff} {one} null {two}"),
        format!("---\n# nothing\n---\n{one}\n---\n{two}\n..."),
        format!("# a comment\n---\n{list}\n---\n"),
        format!("%YAML 1.2\n---\n{typed}\r\n"),
        format!("{sorted}kind: EndpointSliceList\napiVersion: discovery.k8s.io/v1\n"),
        sorted.replace("items:", "kind: EndpointSliceList\napiVersion: discovery.k8s.io/v1\nitems: &all"),
        sorted.replace("- {", "- {apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, ")
            + "kind: List\napiVersion: v1\n",
    ];
    let expected = read(&list.to_string());
    assert_eq!(expected.objects.len(), 2);
    for text in texts {
        assert_eq!(read(&text), expected, "{text}");
    }
}

#[test]
fn yaml_by_hand_may_use_anchors_and_merge_keys() {
    let text = "
kind: List
apiVersion: v1
items:
- &base
  apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata: {name: one, labels: {version: 1.10, on: yes}}
  addressType: IPv4
  endpoints: [{addresses: [10.0.0.1], conditions: {ready: yes}}]
- <<: *base
  metadata: {name: two, labels: {version: 1.10, on: yes}}
";
    let parsed = read(text);
    let [one, two] = parsed.objects.as_slice() else { panic!("{parsed:?}") };
    assert_eq!(rows(one), [row("10.0.0.1", "", [T, None, None])]);
    assert_eq!((&one.groups, &one.labels), (&two.groups, &two.labels));
    let labels: Vec<_> = one.labels.iter().map(|(key, value)| (&**key, &**value)).collect();
    assert_eq!(labels, [("on", "yes"), ("version", "1.10")]);
}

#[test]
fn other_kinds_are_skipped_and_counted() {
    let text = "
kind: List
apiVersion: v1
items:
- {kind: Service, apiVersion: v1, metadata: {name: a}, spec: 7}
- {kind: Service, apiVersion: v1}
- {kind: EndpointSlice, apiVersion: discovery.k8s.io/v1beta1, endpoints: 1}
- {kind: Endpoints, apiVersion: v1, metadata: {name: e}}
---
{kind: DeploymentList, apiVersion: apps/v1, items: [{kind: Pod, apiVersion: v1, metadata: {name: no}}, 3]}
";
    let parsed = read(text);
    let skipped: Vec<_> = parsed.skipped.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    let expected = [("DeploymentList", 1), ("EndpointSlice (discovery.k8s.io/v1beta1)", 1), ("Service", 2)];
    assert_eq!(skipped, expected);
    assert_eq!(parsed.objects.len(), 1);
}

#[test]
fn of_two_objects_with_one_key_the_later_counts() {
    let [early, late] =
        ["10.0.0.1", "10.0.0.2"].map(|address| slice(&json!({"endpoints": [{"addresses": [address]}]})));
    let parsed = read(&format!("{early}\n{late}"));
    assert_eq!(rows(&parsed.objects[0])[0].0, "10.0.0.2");
    assert_eq!(parsed.objects.len(), 1);
    assert_eq!(parsed.notices.len(), 1);
    assert_eq!((parsed.notices[0].oddity, parsed.notices[0].count), (Oddity::Duplicate, 1));
}

#[test]
fn nothing_is_a_manifest_without_objects() {
    for text in ["", "\n\n", "# only a comment\n", "---\n---\n", "null"] {
        assert_eq!(read(text), Parsed::default(), "{text:?}");
    }
    let list = read("{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":null}");
    assert_eq!(list, Parsed { has_documents: true, ..Parsed::default() });
}

#[test]
fn errors_say_where_and_why() {
    let list = "kind: List\napiVersion: v1\nitems:\n";
    let cases: &[(&str, &str)] = &[
        ("kind: Endpoints\napiVersion: v1\nmetadata: {}\n", "t:1:1: Endpoints: `metadata.name` is missing"),
        ("a: 1\n---\nkind: Pod\n", "t:1:1: `kind` is missing: "),
        ("kind: Pod\n", "t:1:1: `apiVersion` is missing: "),
        ("- kind: Pod\n", "t:1:1: a sequence where an object "),
        ("[{}]", "t:1:1: an array where an object "),
        ("hello", "t:1:1: a single value where an object "),
        ("kind: [1]\napiVersion: v1", "t:1:7: `kind` is not a text"),
        ("kind: List\napiVersion: v1\nitems: 5", "t:3:8: `items` is not a sequence"),
        ("{\"kind\": \"List\", \"apiVersion\": \"v1\",\n\"items\": 5}", "t:2:10: `items` is not an array"),
        ("a: b\n  c: d\n", "t:2:4: not YAML: "),
        ("a: 1\na: 2\n", "t:1:1: not YAML: the key `a` stands twice"),
        ("a: *nowhere\n", "t:1:4: not YAML: "),
        (
            "{\"a\": }",
            "t:1:7: not JSON (as which it is read because it begins with `{` or `[`): expected value",
        ),
        ("{} {\n\"kind\"", "t:1:1: `kind` is missing"),
    ];
    for (text, expected) in cases {
        let error = parse("t", text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{text:?}\n{error}\n{expected}");
    }
    for (item, expected) in [
        (
            "- kind: EndpointSlice\n  apiVersion: discovery.k8s.io/v1\n  endpoints:\n  - conditions:\n      ready: maybe\n",
            "t:9:14: items[1]: EndpointSlice: invalid type: string \"maybe\", expected a boolean",
        ),
        ("- kind: Endpoints\n  apiVersion: v1\n", "t:5:3: items[1]: Endpoints: `metadata.name` is missing"),
        ("- 7\n", "t:5:3: items[1]: a single value where an object "),
        ("- kind: List\n  apiVersion: v1\n", "t:5:3: items[1]: `kind: List` as an item of a list"),
        ("- {}\n", "t:5:3: items[1]: `kind` is missing"),
    ] {
        let text = format!("{list}- {{kind: Service, apiVersion: v1}}\n{item}");
        let error = parse("t", text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{text}\n{error}\n{expected}");
    }
    let json = "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[\n  {\"kind\":\"Endpoints\",\"apiVersion\":\"v1\",\n   \"metadata\":{\"name\":7}}]}";
    let error = parse("t", json.as_bytes()).unwrap_err();
    assert_eq!((error.position.map(|position| position.line), error.item), (Some(3), Some(0)), "{error}");
    assert!(error.to_string().contains("Endpoints: invalid type: integer `7`, expected a string"), "{error}");
}

#[test]
fn bytes_that_are_not_utf8_are_named_by_their_place() {
    let error = parse("t", b"a: 1\nb: \xff\n").unwrap_err();
    assert_eq!((error.position, error.cause), (Some(Position { line: 2, column: 4 }), ParseCause::NotUtf8));
}

#[test]
fn bombs_and_wells_are_refused() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let previous = format!("*a{}, ", level - 1).repeat(10);
        bomb = format!("{bomb}a{level}: &a{level} [{previous}]\n");
    }
    assert!(matches!(parse("t", bomb.as_bytes()).unwrap_err().cause, ParseCause::Aliases { .. }));
    // Anchors that hold each other deepen what they stand for.
    let mut chain = String::from("a0: &a0 [x]\n");
    for level in 1..200 {
        chain = format!("{chain}a{level}: &a{level} [*a{}]\n", level - 1);
    }
    assert!(matches!(parse("t", chain.as_bytes()).unwrap_err().cause, ParseCause::TooDeep { .. }));
    for depth in [60, 70, 5_000, 200_000] {
        for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", "")] {
            let deep = format!("a: {}1{}\n", open.repeat(depth), close.repeat(depth));
            assert!(parse("t", deep.as_bytes()).is_err(), "{open}");
        }
        let json = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse("t", json.as_bytes()).is_err());
        let inside = format!("{{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{json}}}");
        assert!(parse("t", inside.as_bytes()).is_err());
        let skipped = format!("kind: Pod\napiVersion: v1\nmetadata:\n  managedFields: {json}\n  name: p\n");
        assert_eq!(parse("t", skipped.as_bytes()).is_ok(), depth <= 60, "{depth}");
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?",
        Just("true".to_owned()),
        Just("null".to_owned()),
        Just("1e3".to_owned()),
        Just("~".to_owned()),
        "\\PC{1,12}",
    ]
}

fn endpoint() -> impl Strategy<Value = Value> {
    let address = prop_oneof![any::<std::net::IpAddr>().prop_map(|address| address.to_string()), text()];
    let truth = || proptest::option::of(any::<bool>());
    let addresses = proptest::collection::vec(address, 0..4);
    (addresses, truth(), truth(), truth(), proptest::option::of(text()), proptest::option::of(text()))
        .prop_map(|(addresses, ready, serving, terminating, hostname, uid)| {
            json!({
                "addresses": addresses,
                "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
                "hostname": hostname,
                "targetRef": uid.map(|uid| json!({"kind": "Pod", "uid": uid, "namespace": "other"})),
            })
        })
}

fn any_slice() -> impl Strategy<Value = Value> {
    let port =
        (proptest::option::of(text()), proptest::option::of(any::<i32>()), proptest::option::of(text()));
    let port =
        port.prop_map(|(name, port, protocol)| json!({"name": name, "port": port, "protocol": protocol}));
    let labels = proptest::collection::btree_map(text(), text(), 0..4);
    let kind = prop_oneof![Just("IPv4"), Just("IPv6"), Just("FQDN")];
    let endpoints = proptest::option::of(proptest::collection::vec(endpoint(), 0..5));
    let ports = proptest::option::of(proptest::collection::vec(port, 0..4));
    (text(), labels, kind, endpoints, ports).prop_map(|(name, labels, kind, endpoints, ports)| {
        slice(&json!({
            "metadata": {"name": name, "labels": labels, "managedFields": [{"fieldsV1": {"f:x": {".": {}}}}]},
            "addressType": kind, "endpoints": endpoints, "ports": ports,
        }))
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _ = parse("t", &bytes);
    }

    #[test]
    fn any_text_like_yaml_is_read_or_refused(text in "([-?:,{}\\[\\]&*!|>'\"%@#a \n\t]|<<|---|items|kind: List|\\*a|&a ){0,60}") {
        let _ = parse("t", text.as_bytes());
        let _ = parse("t", format!("{{{text}").as_bytes());
    }

    #[test]
    fn a_damaged_listing_is_read_or_refused(at in 0..LISTING_YAML.len(), with: u8) {
        for text in [LISTING_YAML, LISTING_JSON] {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = with;
            let _ = parse("t", &bytes);
            let _ = parse("t", &bytes[..at]);
        }
    }

    #[test]
    fn objects_read_back_from_yaml_and_json(slices in proptest::collection::vec(any_slice(), 1..4)) {
        let typed: Vec<k8s_openapi::api::discovery::v1::EndpointSlice> =
            slices.iter().map(|slice| serde_json::from_value(slice.clone()).unwrap()).collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": slices});
        let from_json = read(&list.to_string());
        prop_assert_eq!(&from_json, &read(&serde_saphyr::to_string(&list).unwrap()));
        let documents: Vec<String> = typed.iter().map(|each| serde_saphyr::to_string(each).unwrap()).collect();
        prop_assert_eq!(&from_json, &read(&documents.join("\n---\n")));
        let values: Vec<String> = typed.iter().map(|each| serde_json::to_string_pretty(each).unwrap()).collect();
        prop_assert_eq!(&from_json, &read(&values.join("\n")));
    }
}
