//! One endpoint object as octets.

use super::octets::{Put, Take};
use crate::roster::{
    Conditions, Endpoint, EndpointGroup, EndpointObject, EventKind, ObjectKey, ObjectKind, Placement, Port,
    Protocol, Uid,
};
use std::net::IpAddr;
use std::sync::Arc;

/// The octets of a key. They begin the octets of the object.
pub(super) fn put_key(put: &mut Put, key: &ObjectKey) {
    put.octet(match key.kind {
        ObjectKind::Endpoints => 0,
        ObjectKind::EndpointSlice => 1,
        ObjectKind::Pod => 2,
    });
    put.text(&key.namespace);
    put.text(&key.name);
}

pub(super) fn kind(take: &mut Take<'_>) -> Option<ObjectKind> {
    match take.octet()? {
        0 => Some(ObjectKind::Endpoints),
        1 => Some(ObjectKind::EndpointSlice),
        2 => Some(ObjectKind::Pod),
        _ => None,
    }
}

/// What stands behind the key.
pub(super) fn put_rest(put: &mut Put, object: &EndpointObject, broken: bool) {
    let EndpointObject { key: _, service, labels, groups, truncated, created } = object;
    put.octet(u8::from(broken));
    put.octet(u8::from(*truncated));
    put.octet(u8::from(created.is_some()));
    put.number(u64::from(created.unwrap_or_default()));
    put.optional_text(service.as_deref());
    put.count(labels.len());
    for (key, value) in labels {
        put.text(key);
        put.text(value);
    }
    put.count(groups.len());
    for EndpointGroup { ports, endpoints } in groups {
        put.count(ports.len());
        for Port { number, protocol, name } in ports {
            put.number(u64::from(*number));
            put.octet(*protocol as u8);
            put.text(name);
        }
        put.count(endpoints.len());
        for endpoint in endpoints {
            put_endpoint(put, endpoint);
        }
    }
}

/// The object, as the event that told of it.
pub(super) fn take(take: &mut Take<'_>) -> Option<EventKind> {
    let kind = kind(take)?;
    let key = ObjectKey { kind, namespace: take.text()?.into(), name: take.text()?.into() };
    let broken = take.flag()?;
    let truncated = take.flag()?;
    let dated = take.flag()?;
    let created = Some(u32::try_from(take.number()?).ok()?).filter(|_| dated);
    let service = take.optional_text()?;
    let labels = several(take, |take| Some((take.text()?.into(), take.text()?.into())))?;
    let groups = several(take, |take| {
        let ports = several(take, port)?;
        Some(EndpointGroup { ports, endpoints: several(take, endpoint)? })
    })?;
    let object = Box::new(EndpointObject { key, service, labels, groups, truncated, created });
    Some(if broken { EventKind::Broken(object) } else { EventKind::Apply(object) })
}

fn several<T>(take: &mut Take<'_>, mut one: impl FnMut(&mut Take<'_>) -> Option<T>) -> Option<Vec<T>> {
    let count = take.count()?;
    // Not with the capacity that the count asks for: what follows may be less than it says.
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(one(take)?);
    }
    all.shrink_to_fit();
    Some(all)
}

fn port(take: &mut Take<'_>) -> Option<Port> {
    let number = u16::try_from(take.number()?).ok().filter(|number| *number > 0)?;
    let protocol = match take.octet()? {
        0 => Protocol::Tcp,
        1 => Protocol::Udp,
        2 => Protocol::Sctp,
        _ => return None,
    };
    Some(Port { number, protocol, name: take.text()?.into() })
}

fn put_endpoint(put: &mut Put, endpoint: &Endpoint) {
    let Endpoint { addresses, hostname, uid, namespace, conditions, placement } = endpoint;
    let Conditions { ready, serving, terminating } = *conditions;
    put.octet(condition(ready) | condition(serving) << 2 | condition(terminating) << 4);
    put.count(addresses.len());
    for address in addresses.iter() {
        match address {
            IpAddr::V4(address) => {
                put.octet(4);
                put.0.extend_from_slice(&address.octets());
            }
            IpAddr::V6(address) => {
                put.octet(6);
                put.0.extend_from_slice(&address.octets());
            }
        }
    }
    put.optional_text(hostname.as_deref());
    match uid {
        None => put.octet(0),
        Some(Uid::Uuid(octets)) => {
            put.octet(1);
            put.0.extend_from_slice(octets);
        }
        Some(Uid::Text(text)) => {
            put.octet(2);
            put.text(text);
        }
    }
    put.optional_text(namespace.as_deref());
    put.octet(u8::from(placement.is_some()));
    if let Some(placement) = placement {
        put.optional_text(placement.node.as_deref());
        put.optional_text(placement.zone.as_deref());
    }
}

fn endpoint(take: &mut Take<'_>) -> Option<Endpoint> {
    let bits = take.octet().filter(|bits| bits >> 6 == 0)?;
    let condition = |shift: u8| CONDITIONS.get(usize::from(bits >> shift & 3)).copied();
    let (ready, serving, terminating) = (condition(0)?, condition(2)?, condition(4)?);
    let conditions = Conditions { ready, serving, terminating };
    let addresses = several(take, |take| match take.octet()? {
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(take.octets(4)?).ok()?)),
        6 => Some(IpAddr::from(<[u8; 16]>::try_from(take.octets(16)?).ok()?)),
        _ => None,
    })?;
    let hostname = take.optional_text()?;
    let uid = match take.octet()? {
        0 => None,
        1 => Some(Uid::Uuid(take.octets(16)?.try_into().ok()?)),
        2 => Some(Uid::Text(take.text()?.into())),
        _ => return None,
    };
    let namespace = take.optional_text()?;
    let placed = take.flag()?;
    let placement = if placed {
        Some(Arc::new(Placement { node: take.optional_text()?, zone: take.optional_text()? }))
    } else {
        None
    };
    Some(Endpoint { addresses: addresses.into(), hostname, uid, namespace, conditions, placement })
}

/// Each condition has two bits.
const CONDITIONS: [Option<bool>; 3] = [None, Some(false), Some(true)];

fn condition(condition: Option<bool>) -> u8 {
    condition.map_or(0, |condition| 1 + u8::from(condition))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn any_endpoint()(
            addresses in prop::collection::vec(any::<IpAddr>(), 0..3),
            hostname in prop::option::of("[a-z]{0,4}"),
            uid in prop_oneof![
                Just(None),
                any::<[u8; 16]>().prop_map(|octets| Some(Uid::Uuid(octets))),
                "\\PC{1,5}".prop_map(|text| Uid::from_text(&text)),
            ],
            namespace in prop::option::of("[a-z]{0,4}"),
            [ready, serving, terminating] in any::<[Option<bool>; 3]>(),
            placement in prop::option::of((prop::option::of("[a-z]{0,4}"), prop::option::of("[a-z]{0,4}"))),
        ) -> Endpoint {
            let conditions = Conditions { ready, serving, terminating };
            let placement = placement.map(|(node, zone)| {
                Arc::new(Placement { node: node.map(Into::into), zone: zone.map(Into::into) })
            });
            Endpoint { addresses: addresses.into(), hostname: hostname.map(Into::into), uid, namespace: namespace.map(Into::into), conditions, placement }
        }
    }

    prop_compose! {
        pub(in crate::source::saved) fn any_object()(
            (namespace, name) in ("[a-c]", "[a-e]{1,2}"),
            kind in prop::sample::select(vec![ObjectKind::Endpoints, ObjectKind::EndpointSlice, ObjectKind::Pod]),
            service in prop::option::of("\\PC{0,4}"),
            labels in prop::collection::btree_map("\\PC{0,4}", "\\PC{0,4}", 0..3),
            groups in prop::collection::vec(
                (
                    prop::collection::vec((1_u16.., 0_usize..3, "[a-z]{0,4}"), 0..3),
                    prop::collection::vec(any_endpoint(), 0..4),
                ),
                0..3,
            ),
            truncated: bool,
            created: Option<u32>,
        ) -> EndpointObject {
            let port = |(number, protocol, name): (u16, usize, String)| {
                Port { number, protocol: Protocol::WORDS[protocol].1, name: name.into() }
            };
            let groups = groups.into_iter().map(|(ports, endpoints)| {
                EndpointGroup { ports: ports.into_iter().map(port).collect(), endpoints }
            });
            EndpointObject {
                key: ObjectKey { namespace: namespace.into(), name: name.into(), kind },
                service: service.map(Into::into),
                labels: labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
                groups: groups.collect(),
                truncated,
                created,
            }
        }
    }

    proptest! {
        #[test]
        fn objects_read_back(object in any_object(), broken: bool) {
            let mut octets = Put::default();
            put_key(&mut octets, &object.key);
            put_rest(&mut octets, &object, broken);
            let mut reading = Take { rest: &octets.0 };
            let object = Box::new(object);
            let expected = if broken { EventKind::Broken(object) } else { EventKind::Apply(object) };
            prop_assert_eq!(take(&mut reading), Some(expected));
            prop_assert!(reading.rest.is_empty());
            for end in 0..octets.0.len() {
                prop_assert_eq!(take(&mut Take { rest: &octets.0[..end] }), None);
            }
        }

        #[test]
        fn hostile_octets_are_read_to_their_end(octets in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut reading = Take { rest: &octets };
            let _ = take(&mut reading);
            prop_assert!(reading.rest.len() <= octets.len());
        }
    }
}
