//! `discovery.k8s.io/v1 EndpointSlice`.

use super::{EndpointSource, Nameless, address, described, key, labels, non_empty, port, target, truncated};
use crate::roster::{Conditions, Endpoint, EndpointGroup, EndpointObject, ObjectKey, ObjectKind};
use crate::source::notice::{Notices, Oddity};
use k8s_openapi::api::discovery::v1 as discovery;
use std::net::IpAddr;

/// The label by which slices are joined to their Service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

impl EndpointSource for discovery::EndpointSlice {
    fn convert(mut self, notices: &mut Notices) -> Result<EndpointObject, Nameless> {
        let key = key(ObjectKind::EndpointSlice, &mut self.metadata)?;
        let truncated = truncated(&self.metadata);
        let labels = labels(&mut self.metadata);
        let service = labels.iter().find(|(name, _)| &**name == SERVICE_NAME);
        let service = service.map(|(_, value)| value.clone()).filter(|value| !value.is_empty());
        let family = Family::of(&self.address_type);
        if family.is_none() {
            notices.count(Oddity::AddressType, || format!("{}: {:?}", described(&key), self.address_type));
        }
        let ports = self.ports.unwrap_or_default().into_iter();
        // "If the port is nil, it means all ports": no number that SRV could carry.
        let ports = ports.filter_map(|each| {
            let number = each.port?;
            port(each.name, number, each.protocol.as_deref(), &key, notices)
        });
        let ports = ports.collect();
        let endpoints = self.endpoints.into_iter();
        let endpoints = endpoints.map(|each| endpoint(each, family, &key, notices)).collect();
        Ok(EndpointObject {
            service,
            labels,
            groups: vec![EndpointGroup { ports, endpoints }],
            truncated,
            key,
        })
    }
}

/// The address families of a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Ipv4,
    Ipv6,
}

impl Family {
    fn of(address_type: &str) -> Option<Family> {
        match address_type {
            "IPv4" => Some(Family::Ipv4),
            "IPv6" => Some(Family::Ipv6),
            _ => None,
        }
    }
}

fn endpoint(
    from: discovery::Endpoint,
    family: Option<Family>,
    key: &ObjectKey,
    notices: &mut Notices,
) -> Endpoint {
    let (uid, namespace) = target(from.target_ref);
    let addresses = match family {
        Some(family) => addresses(&from.addresses, family, key, notices),
        None => Vec::new(),
    };
    let conditions = from.conditions.unwrap_or_default();
    Endpoint {
        addresses,
        hostname: non_empty(from.hostname),
        uid,
        namespace,
        conditions: Conditions {
            ready: conditions.ready,
            serving: conditions.serving,
            terminating: conditions.terminating,
        },
    }
}

fn addresses(texts: &[String], family: Family, key: &ObjectKey, notices: &mut Notices) -> Vec<IpAddr> {
    let mut addresses = Vec::with_capacity(texts.len());
    for text in texts {
        let Some(address) = address(text, key, notices) else { continue };
        if address.is_ipv4() != (family == Family::Ipv4) {
            notices.count(Oddity::AddressFamily, || format!("{}: {text}", described(key)));
        }
        addresses.push(address);
    }
    addresses
}
