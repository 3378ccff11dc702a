//! `v1 Endpoints`.

use super::{EndpointSource, Nameless, address, key, labels, non_empty, port, target, truncated};
use crate::roster::{Conditions, Endpoint, EndpointGroup, EndpointObject, ObjectKey, ObjectKind};
use crate::source::notice::Notices;
use k8s_openapi::api::core::v1 as core;

impl EndpointSource for core::Endpoints {
    fn convert(mut self, notices: &mut Notices) -> Result<EndpointObject, Nameless> {
        let key = key(ObjectKind::Endpoints, &mut self.metadata)?;
        let truncated = truncated(&self.metadata);
        let labels = labels(&mut self.metadata);
        let subsets = self.subsets.unwrap_or_default().into_iter();
        let groups = subsets.map(|subset| group(subset, &key, notices)).collect();
        let service = Some(key.name.clone());
        Ok(EndpointObject { key, service, labels, groups, truncated })
    }
}

fn group(subset: core::EndpointSubset, key: &ObjectKey, notices: &mut Notices) -> EndpointGroup {
    let ports = subset.ports.unwrap_or_default().into_iter();
    let ports = ports.filter_map(|each| port(each.name, each.port, each.protocol.as_deref(), key, notices));
    let ports = ports.collect();
    let ready = subset.addresses.unwrap_or_default().into_iter().map(|address| (address, true));
    let not_ready =
        subset.not_ready_addresses.unwrap_or_default().into_iter().map(|address| (address, false));
    let endpoints = ready.chain(not_ready).map(|(from, ready)| endpoint(from, ready, key, notices)).collect();
    EndpointGroup { ports, endpoints }
}

fn endpoint(from: core::EndpointAddress, ready: bool, key: &ObjectKey, notices: &mut Notices) -> Endpoint {
    let (uid, namespace) = target(from.target_ref);
    Endpoint {
        addresses: address(&from.ip, key, notices).into_iter().collect(),
        hostname: non_empty(from.hostname),
        uid,
        namespace,
        // Terminating pods are in no Endpoints unless they are published in any condition.
        conditions: Conditions { ready: Some(ready), serving: Some(ready), terminating: None },
    }
}
