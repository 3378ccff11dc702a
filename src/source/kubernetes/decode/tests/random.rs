//! Objects at random, as Kubernetes' types write them, with what else API servers write around what is read.

use crate::roster::ObjectKind;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::discovery::v1 as discovery;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry, ObjectMeta, Time};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Value, json};

/// An object of a kind as JSON.
pub(super) fn object(kind: ObjectKind) -> BoxedStrategy<Value> {
    let value = match kind {
        ObjectKind::EndpointSlice => slice().prop_map(|object| serde_json::to_value(object).unwrap()).boxed(),
        ObjectKind::Endpoints => endpoints().prop_map(|object| serde_json::to_value(object).unwrap()).boxed(),
        ObjectKind::Pod => pod().prop_map(|object| serde_json::to_value(object).unwrap()).boxed(),
    };
    (value, vec(any::<u8>(), 1..40))
        .prop_map(|(mut value, tape)| {
            adorn(&mut value, &mut tape.into_iter().cycle());
            value
        })
        .boxed()
}

/// The object as octets: in one line, or spread over many.
pub(super) fn octets(value: &Value, pretty: bool) -> Vec<u8> {
    if pretty { serde_json::to_vec_pretty(value).unwrap() } else { serde_json::to_vec(value).unwrap() }
}

/// Fields that are read in some place or other.
const FIELDS: &[&str] = &[
    "addresses",
    "annotations",
    "conditions",
    "containers",
    "endpoints",
    "hostname",
    "initContainers",
    "ip",
    "labels",
    "name",
    "namespace",
    "notReadyAddresses",
    "phase",
    "podIP",
    "podIPs",
    "port",
    "ports",
    "protocol",
    "ready",
    "resourceVersion",
    "restartPolicy",
    "spec",
    "status",
    "subdomain",
    "subsets",
    "targetRef",
    "uid",
];

/// Adds null for fields that are absent, and fields that nobody knows.
fn adorn(value: &mut Value, tape: &mut impl Iterator<Item = u8>) {
    let mut next = || tape.next().unwrap_or_default();
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| adorn(item, tape)),
        Value::Object(fields) => {
            if next() % 3 == 0 {
                let unknown = json!({"metadata": [{"name": "\"}]"}, -1.5e3, null], "x\\\"{": true});
                fields.insert("unknown".to_owned(), unknown);
            }
            for _ in 0..next() % 4 {
                let field = FIELDS[usize::from(next()) % FIELDS.len()];
                fields.entry(field).or_insert(Value::Null);
            }
            let maps = ["labels", "annotations", "managedFields", "unknown"];
            for (_, value) in fields.iter_mut().filter(|(key, _)| !maps.contains(&key.as_str())) {
                adorn(value, tape);
            }
        }
        _ => {}
    }
}

fn text() -> BoxedStrategy<String> {
    prop_oneof![
        3 => "[a-z]{1,8}",
        1 => Just(String::new()),
        1 => prop::string::string_regex("[\"\\\\{}\\[\\],:/\n\r\t\u{1}a–é😀 ]{0,6}").unwrap(),
    ]
    .boxed()
}

fn address() -> BoxedStrategy<String> {
    prop_oneof![
        4 => any::<std::net::Ipv4Addr>().prop_map(|address| address.to_string()),
        4 => any::<std::net::Ipv6Addr>().prop_map(|address| address.to_string()),
        1 => text(),
    ]
    .boxed()
}

fn protocol() -> BoxedStrategy<String> {
    prop::sample::select(vec!["TCP", "UDP", "SCTP", "", "tcp", "QUIC"]).prop_map(str::to_owned).boxed()
}

fn number() -> BoxedStrategy<i32> {
    prop_oneof![3 => 1..70_000, 1 => Just(0), 1 => any::<i32>()].boxed()
}

fn uid() -> BoxedStrategy<String> {
    prop_oneof!["[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", text()].boxed()
}

fn metadata() -> BoxedStrategy<ObjectMeta> {
    let label = prop_oneof![2 => text(), 1 => Just("kubernetes.io/service-name".to_owned())];
    let annotation = prop_oneof![
        text(),
        Just("endpoints.kubernetes.io/over-capacity".to_owned()),
        Just("endpoints.kubernetes.io/last-change-trigger-time".to_owned()),
        Just("kubectl.kubernetes.io/last-applied-configuration".to_owned()),
    ];
    let annotated = prop_oneof![
        text(),
        Just("truncated".to_owned()),
        Just("2026-11-22T17:55:01.123456789Z".to_owned()),
        Just("{\"kind\":\"Service\"}\n".to_owned()),
    ];
    let revision = prop_oneof![any::<u64>().prop_map(|number| number.to_string()), text()];
    let managed = json!({"f:endpoints": {}, "f:metadata": {"f:labels": {".": {}, "k:{\"uid\":\"1\"}": {}}}});
    (
        (of(text()), of(text()), of(uid()), of(revision)),
        of(btree_map(label, text(), 0..4)),
        of(btree_map(annotation, annotated, 0..3)),
        (any::<bool>(), any::<bool>()),
    )
        .prop_map(
            move |((name, namespace, uid, resource_version), labels, annotations, (managed_by, deleted))| {
                let entry = ManagedFieldsEntry {
                    manager: Some("kube-controller-manager".to_owned()),
                    fields_v1: Some(FieldsV1(managed.clone())),
                    ..ManagedFieldsEntry::default()
                };
                ObjectMeta {
                    name,
                    namespace,
                    uid,
                    resource_version,
                    labels,
                    annotations,
                    managed_fields: managed_by.then(|| vec![entry]),
                    deletion_timestamp: deleted.then_some(Time(jiff::Timestamp::UNIX_EPOCH)),
                    ..ObjectMeta::default()
                }
            },
        )
        .boxed()
}

fn target_ref() -> BoxedStrategy<core::ObjectReference> {
    (of(uid()), of(text()), of(text()))
        .prop_map(|(uid, namespace, name)| core::ObjectReference {
            uid,
            namespace,
            name,
            ..core::ObjectReference::default()
        })
        .boxed()
}

fn slice() -> impl Strategy<Value = discovery::EndpointSlice> {
    let conditions = (of(any::<bool>()), of(any::<bool>()), of(any::<bool>())).prop_map(
        |(ready, serving, terminating)| discovery::EndpointConditions { ready, serving, terminating },
    );
    let endpoint = (vec(address(), 0..3), of(conditions), of(text()), of(target_ref()), of(text())).prop_map(
        |(addresses, conditions, hostname, target_ref, node_name)| discovery::Endpoint {
            addresses,
            conditions,
            hostname,
            target_ref,
            node_name,
            ..discovery::Endpoint::default()
        },
    );
    let port = (of(text()), of(number()), of(protocol())).prop_map(|(name, port, protocol)| {
        discovery::EndpointPort { name, port, protocol, app_protocol: None }
    });
    let address_type = prop::sample::select(vec!["IPv4", "IPv6", "FQDN", ""]);
    (metadata(), address_type, vec(endpoint, 0..4), of(vec(port, 0..3))).prop_map(
        |(metadata, address_type, endpoints, ports)| discovery::EndpointSlice {
            metadata,
            address_type: address_type.to_owned(),
            endpoints,
            ports,
        },
    )
}

fn endpoints() -> impl Strategy<Value = core::Endpoints> {
    let address = || {
        let one = (address(), of(text()), of(target_ref())).prop_map(|(ip, hostname, target_ref)| {
            core::EndpointAddress { ip, hostname, target_ref, node_name: None }
        });
        of(vec(one, 0..4))
    };
    let port = (of(text()), number(), of(protocol())).prop_map(|(name, port, protocol)| core::EndpointPort {
        name,
        port,
        protocol,
        app_protocol: None,
    });
    let subset =
        (address(), address(), of(vec(port, 0..3))).prop_map(|(addresses, not_ready_addresses, ports)| {
            core::EndpointSubset { addresses, not_ready_addresses, ports }
        });
    (metadata(), of(vec(subset, 0..3))).prop_map(|(metadata, subsets)| core::Endpoints { metadata, subsets })
}

fn pod() -> impl Strategy<Value = core::Pod> {
    let port = (number(), of(text()), of(protocol())).prop_map(|(container_port, name, protocol)| {
        core::ContainerPort { container_port, name, protocol, ..core::ContainerPort::default() }
    });
    let container = (of(vec(port, 0..3)), of(prop_oneof![Just("Always".to_owned()), text()])).prop_map(
        |(ports, restart_policy)| core::Container { ports, restart_policy, ..core::Container::default() },
    );
    let spec = (of(text()), of(text()), vec(container.clone(), 0..3), of(vec(container, 0..2))).prop_map(
        |(hostname, subdomain, containers, init_containers)| core::PodSpec {
            hostname,
            subdomain,
            containers,
            init_containers,
            ..core::PodSpec::default()
        },
    );
    let condition =
        (prop::sample::select(vec!["Ready", "PodScheduled"]), prop::sample::select(vec!["True", "False"]))
            .prop_map(|(type_, status)| core::PodCondition {
                type_: type_.to_owned(),
                status: status.to_owned(),
                ..core::PodCondition::default()
            });
    let phase =
        prop::sample::select(vec!["Pending", "Running", "Succeeded", "Failed"]).prop_map(str::to_owned);
    let pod_ips = vec(address().prop_map(|ip| core::PodIP { ip }), 0..3);
    let status = (of(phase), of(vec(condition, 0..3)), of(address()), of(pod_ips)).prop_map(
        |(phase, conditions, pod_ip, pod_ips)| core::PodStatus {
            phase,
            conditions,
            pod_ip,
            pod_ips,
            ..core::PodStatus::default()
        },
    );
    (metadata(), of(spec), of(status)).prop_map(|(metadata, spec, status)| core::Pod {
        metadata,
        spec,
        status,
    })
}
