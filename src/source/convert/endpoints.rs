//! `v1 Endpoints`.

use super::placement::placement;
use super::protobuf::{Malformed, Message, Value};
use super::text::{object, objects};
use super::{
    EndpointPort, EndpointSource, Metadata, Nameless, Slim, TargetRef, Text, address, non_empty, port,
    service,
};
use crate::roster::{Conditions, Endpoint, EndpointGroup, EndpointObject, ObjectKey, ObjectKind};
use crate::source::notice::Notices;
use k8s_openapi::api::core::v1 as core;

/// What is read of an Endpoints.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::source) struct Endpoints<'a> {
    #[serde(borrow)]
    api_version: Option<Text<'a>>,
    kind: Option<Text<'a>>,
    #[serde(deserialize_with = "object")]
    metadata: Metadata<'a>,
    #[serde(deserialize_with = "objects")]
    subsets: Vec<Subset<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Subset<'a> {
    #[serde(borrow, deserialize_with = "objects")]
    addresses: Vec<Address<'a>>,
    #[serde(deserialize_with = "objects")]
    not_ready_addresses: Vec<Address<'a>>,
    #[serde(deserialize_with = "objects")]
    ports: Vec<EndpointPort<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Address<'a> {
    #[serde(borrow)]
    ip: Option<Text<'a>>,
    hostname: Option<Text<'a>>,
    #[serde(deserialize_with = "object")]
    target_ref: TargetRef<'a>,
    node_name: Option<Text<'a>>,
}

/// `k8s.io.api.core.v1.Endpoints`.
impl<'a> Message<'a> for Endpoints<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            1 => value.merge_into(&mut self.metadata)?,
            2 => self.subsets.push(value.message()?),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Message<'a> for Subset<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            1 => self.addresses.push(value.message()?),
            2 => self.not_ready_addresses.push(value.message()?),
            3 => self.ports.push(value.message::<Port<'a>>()?.0),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Message<'a> for Address<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            1 => self.ip = Some(value.text()?),
            2 => value.merge_into(&mut self.target_ref)?,
            3 => self.hostname = Some(value.text()?),
            4 => self.node_name = Some(value.text()?),
            _ => {}
        }
        Ok(())
    }
}

/// `k8s.io.api.core.v1.EndpointPort`: its numbers are not those of a slice's port.
#[derive(Default)]
struct Port<'a>(EndpointPort<'a>);

impl<'a> Message<'a> for Port<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            1 => self.0.name = Some(value.text()?),
            2 => self.0.port = Some(value.int32()?),
            3 => self.0.protocol = Some(value.text()?),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Slim<'a> for Endpoints<'a> {
    const KIND: ObjectKind = ObjectKind::Endpoints;
    const API_VERSION: &'static str = "v1";

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
        let created = self.metadata.created();
        let groups = self.subsets.into_iter().map(|subset| group(subset, &key, notices)).collect();
        let service = service(&key, &labels, None);
        Ok(EndpointObject { key, service, labels, groups, truncated, created })
    }
}

fn group(subset: Subset<'_>, key: &ObjectKey, notices: &mut Notices) -> EndpointGroup {
    let ports = subset.ports.into_iter();
    let ports = ports.filter_map(|each| {
        port(each.name, each.port.unwrap_or_default(), each.protocol.as_deref(), key, notices)
    });
    let ports = ports.collect();
    let ready = subset.addresses.into_iter().map(|address| (address, true));
    let not_ready = subset.not_ready_addresses.into_iter().map(|address| (address, false));
    let endpoints = ready.chain(not_ready).map(|(from, ready)| endpoint(from, ready, key, notices)).collect();
    EndpointGroup { ports, endpoints }
}

fn endpoint(from: Address<'_>, ready: bool, key: &ObjectKey, notices: &mut Notices) -> Endpoint {
    let (uid, namespace) = from.target_ref.read();
    Endpoint {
        addresses: address(&from.ip.unwrap_or_default(), key, notices).into_iter().collect(),
        hostname: non_empty(from.hostname),
        uid,
        namespace,
        // Terminating pods are in no Endpoints unless they are published in any condition.
        conditions: Conditions { ready: Some(ready), serving: Some(ready), terminating: None },
        placement: placement(from.node_name, None),
    }
}

impl EndpointSource for core::Endpoints {
    fn convert(self, notices: &mut Notices) -> Result<EndpointObject, Nameless> {
        Endpoints::from(&self).reduce(notices)
    }
}

impl<'a> From<&'a core::Endpoints> for Endpoints<'a> {
    fn from(from: &'a core::Endpoints) -> Endpoints<'a> {
        Endpoints {
            api_version: None,
            kind: None,
            metadata: (&from.metadata).into(),
            subsets: from.subsets.iter().flatten().map(Subset::from).collect(),
        }
    }
}

impl<'a> From<&'a core::EndpointSubset> for Subset<'a> {
    fn from(from: &'a core::EndpointSubset) -> Subset<'a> {
        Subset {
            addresses: from.addresses.iter().flatten().map(Address::from).collect(),
            not_ready_addresses: from.not_ready_addresses.iter().flatten().map(Address::from).collect(),
            ports: from.ports.iter().flatten().map(EndpointPort::from).collect(),
        }
    }
}

impl<'a> From<&'a core::EndpointAddress> for Address<'a> {
    fn from(from: &'a core::EndpointAddress) -> Address<'a> {
        Address {
            ip: Some((&from.ip).into()),
            hostname: from.hostname.as_ref().map(Text::from),
            target_ref: from.target_ref.as_ref().into(),
            node_name: from.node_name.as_ref().map(Text::from),
        }
    }
}

impl<'a> From<&'a core::EndpointPort> for EndpointPort<'a> {
    fn from(from: &'a core::EndpointPort) -> EndpointPort<'a> {
        EndpointPort {
            name: from.name.as_ref().map(Text::from),
            port: Some(from.port),
            protocol: from.protocol.as_ref().map(Text::from),
        }
    }
}
