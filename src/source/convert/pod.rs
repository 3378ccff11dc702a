//! `v1 Pod`.

use super::{EndpointSource, Nameless, address, key, labels, non_empty, port, truncated};
use crate::roster::{Conditions, Endpoint, EndpointGroup, EndpointObject, ObjectKey, ObjectKind, Port, Uid};
use crate::source::notice::Notices;
use k8s_openapi::api::core::v1 as core;
use std::net::IpAddr;

impl EndpointSource for core::Pod {
    fn convert(mut self, notices: &mut Notices) -> Result<EndpointObject, Nameless> {
        let key = key(ObjectKind::Pod, &mut self.metadata)?;
        let truncated = truncated(&self.metadata);
        let labels = labels(&mut self.metadata);
        let uid = self.metadata.uid.as_deref().and_then(Uid::from_text);
        let terminating = self.metadata.deletion_timestamp.is_some();
        let mut spec = self.spec.unwrap_or_default();
        let status = self.status.unwrap_or_default();
        let service = non_empty(spec.subdomain.take());
        // The phases that a pod never leaves: it holds its address no more.
        let finished = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
        let groups = if finished {
            Vec::new()
        } else {
            let serving = is_ready(&status);
            let endpoint = Endpoint {
                addresses: addresses(&status, &key, notices),
                hostname: non_empty(spec.hostname.take()),
                uid,
                namespace: Some(key.namespace.clone()),
                conditions: Conditions {
                    ready: Some(serving && !terminating),
                    serving: Some(serving),
                    terminating: Some(terminating),
                },
            };
            vec![EndpointGroup { ports: ports(spec, &key, notices), endpoints: vec![endpoint] }]
        };
        Ok(EndpointObject { key, service, labels, groups, truncated })
    }
}

/// The condition `Ready`; a pod without it is not.
fn is_ready(status: &core::PodStatus) -> bool {
    let conditions = status.conditions.as_deref().unwrap_or_default();
    conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// `podIPs`, else `podIP`: the API server keeps the first of the former equal to the latter.
fn addresses(status: &core::PodStatus, key: &ObjectKey, notices: &mut Notices) -> Vec<IpAddr> {
    let listed = status.pod_ips.as_deref().unwrap_or_default();
    let mut texts: Vec<&str> = listed.iter().map(|each| each.ip.as_str()).collect();
    if texts.is_empty() {
        texts.extend(status.pod_ip.as_deref());
    }
    // A pod that has not been placed has an empty address.
    texts.into_iter().filter(|text| !text.is_empty()).filter_map(|text| address(text, key, notices)).collect()
}

/// The ports of the containers, sidecars (init containers that keep running) among them, each once.
fn ports(spec: core::PodSpec, key: &ObjectKey, notices: &mut Notices) -> Vec<Port> {
    let restarting = |each: &core::Container| each.restart_policy.as_deref() == Some("Always");
    let sidecars = spec.init_containers.unwrap_or_default().into_iter().filter(restarting);
    let containers = spec.containers.into_iter().chain(sidecars);
    let all = containers.flat_map(|container| container.ports.unwrap_or_default());
    let mut ports = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for each in all {
        let port = port(each.name, each.container_port, each.protocol.as_deref(), key, notices);
        ports.extend(port.filter(|port| seen.insert(port.clone())));
    }
    ports
}
