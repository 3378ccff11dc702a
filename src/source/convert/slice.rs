//! `discovery.k8s.io/v1 EndpointSlice`.

use super::placement::placement;
use super::protobuf::{Malformed, Message, Value};
use super::text::{nullable, object, objects};
use super::{
    EndpointPort, EndpointSource, Metadata, Nameless, Slim, TargetRef, Text, address, described, non_empty,
    port, service,
};
use crate::roster::{self, Addresses, Conditions, EndpointGroup, EndpointObject, ObjectKey, ObjectKind};
use crate::source::notice::{Notices, Oddity};
use k8s_openapi::api::discovery::v1 as discovery;

/// What is read of an EndpointSlice.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::source) struct EndpointSlice<'a> {
    #[serde(borrow)]
    api_version: Option<Text<'a>>,
    kind: Option<Text<'a>>,
    #[serde(deserialize_with = "object")]
    metadata: Metadata<'a>,
    address_type: Option<Text<'a>>,
    #[serde(deserialize_with = "objects")]
    endpoints: Vec<Endpoint<'a>>,
    #[serde(deserialize_with = "objects")]
    ports: Vec<EndpointPort<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Endpoint<'a> {
    #[serde(borrow, deserialize_with = "nullable")]
    addresses: Vec<Text<'a>>,
    #[serde(deserialize_with = "object")]
    conditions: EndpointConditions,
    hostname: Option<Text<'a>>,
    #[serde(deserialize_with = "object")]
    target_ref: TargetRef<'a>,
    node_name: Option<Text<'a>>,
    zone: Option<Text<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct EndpointConditions {
    ready: Option<bool>,
    serving: Option<bool>,
    terminating: Option<bool>,
}

/// `k8s.io.api.discovery.v1.EndpointSlice`.
impl<'a> Message<'a> for EndpointSlice<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            1 => value.merge_into(&mut self.metadata)?,
            2 => self.endpoints.push(value.message()?),
            3 => self.ports.push(value.message::<Port<'a>>()?.0),
            4 => self.address_type = Some(value.text()?),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Message<'a> for Endpoint<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            1 => self.addresses.push(value.text()?),
            2 => value.merge_into(&mut self.conditions)?,
            3 => self.hostname = Some(value.text()?),
            4 => value.merge_into(&mut self.target_ref)?,
            6 => self.node_name = Some(value.text()?),
            7 => self.zone = Some(value.text()?),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Message<'a> for EndpointConditions {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            1 => self.ready = Some(value.boolean()?),
            2 => self.serving = Some(value.boolean()?),
            3 => self.terminating = Some(value.boolean()?),
            _ => {}
        }
        Ok(())
    }
}

/// `k8s.io.api.discovery.v1.EndpointPort`: its numbers are not those of an Endpoints' port.
#[derive(Default)]
struct Port<'a>(EndpointPort<'a>);

impl<'a> Message<'a> for Port<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            1 => self.0.name = Some(value.text()?),
            2 => self.0.protocol = Some(value.text()?),
            3 => self.0.port = Some(value.int32()?),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Slim<'a> for EndpointSlice<'a> {
    const KIND: ObjectKind = ObjectKind::EndpointSlice;
    const API_VERSION: &'static str = "discovery.k8s.io/v1";

    fn stated(&self) -> (Option<&str>, Option<&str>) {
        (self.api_version.as_deref(), self.kind.as_deref())
    }

    fn metadata(&self) -> &Metadata<'a> {
        &self.metadata
    }

    fn reduce(mut self, notices: &mut Notices) -> Result<EndpointObject, Nameless> {
        let key = self.metadata.key(Self::KIND)?;
        let truncated = self.metadata.truncated();
        let labels = self.metadata.take_labels();
        let service = service(&key, &labels, None);
        let address_type = self.address_type.unwrap_or_default();
        let created = self.metadata.created();
        let family = Family::of(&address_type);
        if family.is_none() {
            notices.count(Oddity::AddressType, || format!("{}: {:?}", described(&key), &*address_type));
        }
        let ports = self.ports.into_iter();
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
            created,
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
    from: Endpoint<'_>,
    family: Option<Family>,
    key: &ObjectKey,
    notices: &mut Notices,
) -> roster::Endpoint {
    let (uid, namespace) = from.target_ref.read(key);
    let addresses = match family {
        Some(family) => addresses(&from.addresses, family, key, notices),
        None => Addresses::Several(Box::default()),
    };
    let EndpointConditions { ready, serving, terminating } = from.conditions;
    roster::Endpoint {
        addresses,
        hostname: non_empty(from.hostname),
        uid,
        namespace,
        conditions: Conditions { ready, serving, terminating },
        placement: placement(from.node_name, from.zone),
    }
}

fn addresses(texts: &[Text<'_>], family: Family, key: &ObjectKey, notices: &mut Notices) -> Addresses {
    let addresses = texts.iter().filter_map(|text| {
        let address = address(text, key, notices)?;
        if address.is_ipv4() != (family == Family::Ipv4) {
            notices.count(Oddity::AddressFamily, || format!("{}: {}", described(key), &**text));
        }
        Some(address)
    });
    addresses.collect()
}

impl EndpointSource for discovery::EndpointSlice {
    fn convert(self, notices: &mut Notices) -> Result<EndpointObject, Nameless> {
        EndpointSlice::from(&self).reduce(notices)
    }
}

impl<'a> From<&'a discovery::EndpointSlice> for EndpointSlice<'a> {
    fn from(from: &'a discovery::EndpointSlice) -> EndpointSlice<'a> {
        EndpointSlice {
            api_version: None,
            kind: None,
            metadata: (&from.metadata).into(),
            address_type: Some((&from.address_type).into()),
            endpoints: from.endpoints.iter().map(Endpoint::from).collect(),
            ports: from.ports.iter().flatten().map(EndpointPort::from).collect(),
        }
    }
}

impl<'a> From<&'a discovery::Endpoint> for Endpoint<'a> {
    fn from(from: &'a discovery::Endpoint) -> Endpoint<'a> {
        let conditions = from.conditions.as_ref().map(|from| EndpointConditions {
            ready: from.ready,
            serving: from.serving,
            terminating: from.terminating,
        });
        Endpoint {
            addresses: from.addresses.iter().map(Text::from).collect(),
            conditions: conditions.unwrap_or_default(),
            hostname: from.hostname.as_ref().map(Text::from),
            target_ref: from.target_ref.as_ref().into(),
            node_name: from.node_name.as_ref().map(Text::from),
            zone: from.zone.as_ref().map(Text::from),
        }
    }
}

impl<'a> From<&'a discovery::EndpointPort> for EndpointPort<'a> {
    fn from(from: &'a discovery::EndpointPort) -> EndpointPort<'a> {
        EndpointPort {
            name: from.name.as_ref().map(Text::from),
            port: from.port,
            protocol: from.protocol.as_ref().map(Text::from),
        }
    }
}
