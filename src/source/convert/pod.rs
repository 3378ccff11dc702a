//! `v1 Pod`.

use super::placement::placement;
use super::protobuf::{Malformed, Message, Value};
use super::text::{object, objects};
use super::{EndpointSource, Metadata, Nameless, Slim, Text, address, non_empty, port, service};
use crate::roster::{Conditions, Endpoint, EndpointGroup, EndpointObject, ObjectKey, ObjectKind, Port, Uid};
use crate::source::notice::Notices;
use k8s_openapi::api::core::v1 as core;
use std::net::IpAddr;

/// What is read of a Pod.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::source) struct Pod<'a> {
    #[serde(borrow)]
    api_version: Option<Text<'a>>,
    kind: Option<Text<'a>>,
    #[serde(deserialize_with = "object")]
    metadata: Metadata<'a>,
    #[serde(deserialize_with = "object")]
    spec: PodSpec<'a>,
    #[serde(deserialize_with = "object")]
    status: PodStatus<'a>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodSpec<'a> {
    #[serde(borrow)]
    hostname: Option<Text<'a>>,
    subdomain: Option<Text<'a>>,
    node_name: Option<Text<'a>>,
    #[serde(deserialize_with = "objects")]
    containers: Vec<Container<'a>>,
    #[serde(deserialize_with = "objects")]
    init_containers: Vec<Container<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Container<'a> {
    #[serde(borrow)]
    restart_policy: Option<Text<'a>>,
    #[serde(deserialize_with = "objects")]
    ports: Vec<ContainerPort<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct ContainerPort<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(rename = "containerPort")]
    number: Option<i32>,
    protocol: Option<Text<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct PodStatus<'a> {
    #[serde(borrow)]
    phase: Option<Text<'a>>,
    #[serde(deserialize_with = "objects")]
    conditions: Vec<PodCondition<'a>>,
    #[serde(rename = "podIP")]
    pod_ip: Option<Text<'a>>,
    #[serde(rename = "podIPs", deserialize_with = "objects")]
    pod_ips: Vec<PodIp<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct PodCondition<'a> {
    #[serde(borrow, rename = "type")]
    type_: Option<Text<'a>>,
    status: Option<Text<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct PodIp<'a> {
    #[serde(borrow)]
    ip: Option<Text<'a>>,
}

/// `k8s.io.api.core.v1.Pod`.
impl<'a> Message<'a> for Pod<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            1 => value.merge_into(&mut self.metadata),
            2 => value.merge_into(&mut self.spec),
            3 => value.merge_into(&mut self.status),
            _ => Ok(()),
        }
    }
}

impl<'a> Message<'a> for PodSpec<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            2 => self.containers.push(value.message()?),
            10 => self.node_name = Some(value.text()?),
            16 => self.hostname = Some(value.text()?),
            17 => self.subdomain = Some(value.text()?),
            20 => self.init_containers.push(value.message()?),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Message<'a> for Container<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            6 => self.ports.push(value.message()?),
            24 => self.restart_policy = Some(value.text()?),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Message<'a> for ContainerPort<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            1 => self.name = Some(value.text()?),
            3 => self.number = Some(value.int32()?),
            4 => self.protocol = Some(value.text()?),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Message<'a> for PodStatus<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            1 => self.phase = Some(value.text()?),
            2 => self.conditions.push(value.message()?),
            6 => self.pod_ip = Some(value.text()?),
            12 => self.pod_ips.push(value.message()?),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Message<'a> for PodCondition<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            1 => self.type_ = Some(value.text()?),
            2 => self.status = Some(value.text()?),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Message<'a> for PodIp<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        if number == 1 {
            self.ip = Some(value.text()?);
        }
        Ok(())
    }
}

impl<'a> Slim<'a> for Pod<'a> {
    const KIND: ObjectKind = ObjectKind::Pod;
    const API_VERSION: &'static str = "v1";

    fn stated(&self) -> (Option<&str>, Option<&str>) {
        (self.api_version.as_deref(), self.kind.as_deref())
    }

    fn metadata(&self) -> &Metadata<'a> {
        &self.metadata
    }

    fn reduce(self, notices: &mut Notices) -> Result<EndpointObject, Nameless> {
        let Pod { mut metadata, mut spec, status, .. } = self;
        let key = metadata.key(Self::KIND)?;
        let truncated = metadata.truncated();
        let labels = metadata.take_labels();
        let created = metadata.created();
        let uid = metadata.uid.as_deref().and_then(Uid::from_text);
        let terminating = metadata.deletion_timestamp.is_some();
        let service = service(&key, &labels, spec.subdomain.take());
        // The phases that a pod never leaves: it holds its address no more.
        let finished = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
        let groups = if finished {
            Vec::new()
        } else {
            let serving = is_ready(&status);
            let endpoint = Endpoint {
                addresses: addresses(&status, &key, notices).into(),
                hostname: non_empty(spec.hostname.take()),
                uid,
                namespace: Some(key.namespace.clone()),
                conditions: Conditions {
                    ready: Some(serving && !terminating),
                    serving: Some(serving),
                    terminating: Some(terminating),
                },
                placement: placement(spec.node_name.take(), None),
            };
            vec![EndpointGroup { ports: ports(spec, &key, notices), endpoints: vec![endpoint] }]
        };
        Ok(EndpointObject { key, service, labels, groups, truncated, created })
    }
}

/// The condition `Ready`; a pod without it is not.
fn is_ready(status: &PodStatus<'_>) -> bool {
    let is = |text: &Option<Text<'_>>, wanted| text.as_deref() == Some(wanted);
    status.conditions.iter().any(|condition| is(&condition.type_, "Ready") && is(&condition.status, "True"))
}

/// `podIPs`, else `podIP`: the API server keeps the first of the former equal to the latter.
fn addresses(status: &PodStatus<'_>, key: &ObjectKey, notices: &mut Notices) -> Vec<IpAddr> {
    let mut texts: Vec<&str> =
        status.pod_ips.iter().map(|each| each.ip.as_deref().unwrap_or_default()).collect();
    if texts.is_empty() {
        texts.extend(status.pod_ip.as_deref());
    }
    // A pod that has not been placed has an empty address.
    texts.into_iter().filter(|text| !text.is_empty()).filter_map(|text| address(text, key, notices)).collect()
}

/// The ports of the containers, sidecars (init containers that keep running) among them, each once.
fn ports(spec: PodSpec<'_>, key: &ObjectKey, notices: &mut Notices) -> Vec<Port> {
    let restarting = |each: &Container<'_>| each.restart_policy.as_deref() == Some("Always");
    let sidecars = spec.init_containers.into_iter().filter(restarting);
    let containers = spec.containers.into_iter().chain(sidecars);
    let all = containers.flat_map(|container| container.ports);
    let mut ports = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for each in all {
        let number = each.number.unwrap_or_default();
        let port = port(each.name, number, each.protocol.as_deref(), key, notices);
        ports.extend(port.filter(|port| seen.insert(port.clone())));
    }
    ports
}

impl EndpointSource for core::Pod {
    fn convert(self, notices: &mut Notices) -> Result<EndpointObject, Nameless> {
        Pod::from(&self).reduce(notices)
    }
}

impl<'a> From<&'a core::Pod> for Pod<'a> {
    fn from(from: &'a core::Pod) -> Pod<'a> {
        Pod {
            api_version: None,
            kind: None,
            metadata: (&from.metadata).into(),
            spec: from.spec.as_ref().map(PodSpec::from).unwrap_or_default(),
            status: from.status.as_ref().map(PodStatus::from).unwrap_or_default(),
        }
    }
}

impl<'a> From<&'a core::PodSpec> for PodSpec<'a> {
    fn from(from: &'a core::PodSpec) -> PodSpec<'a> {
        PodSpec {
            hostname: from.hostname.as_ref().map(Text::from),
            subdomain: from.subdomain.as_ref().map(Text::from),
            node_name: from.node_name.as_ref().map(Text::from),
            containers: from.containers.iter().map(Container::from).collect(),
            init_containers: from.init_containers.iter().flatten().map(Container::from).collect(),
        }
    }
}

impl<'a> From<&'a core::Container> for Container<'a> {
    fn from(from: &'a core::Container) -> Container<'a> {
        let ports = from.ports.iter().flatten().map(|from| ContainerPort {
            name: from.name.as_ref().map(Text::from),
            number: Some(from.container_port),
            protocol: from.protocol.as_ref().map(Text::from),
        });
        Container { restart_policy: from.restart_policy.as_ref().map(Text::from), ports: ports.collect() }
    }
}

impl<'a> From<&'a core::PodStatus> for PodStatus<'a> {
    fn from(from: &'a core::PodStatus) -> PodStatus<'a> {
        let conditions = from.conditions.iter().flatten().map(|from| PodCondition {
            type_: Some((&from.type_).into()),
            status: Some((&from.status).into()),
        });
        PodStatus {
            phase: from.phase.as_ref().map(Text::from),
            conditions: conditions.collect(),
            pod_ip: from.pod_ip.as_ref().map(Text::from),
            pod_ips: from
                .pod_ips
                .iter()
                .flatten()
                .map(|from| PodIp { ip: Some((&from.ip).into()) })
                .collect(),
        }
    }
}
