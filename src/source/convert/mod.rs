//! From Kubernetes' types to the roster's [`EndpointObject`]: what names peers is kept, the rest dropped.
//!
//! Content is whatever the API or a file held. What cannot be used is left out and counted; only an object without a
//! name is refused.

mod endpoints;
mod pod;
mod slice;

use super::notice::{Notices, Oddity};
use crate::roster::{EndpointObject, ObjectKey, ObjectKind, ObjectName, Port, Protocol, Uid};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::net::IpAddr;

/// The namespace of an object that names none, as with `kubectl apply`.
const DEFAULT_NAMESPACE: &str = "default";

/// The object has no `metadata.name`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nameless;

/// A Kubernetes type that holds endpoints.
pub(super) trait EndpointSource: serde::de::DeserializeOwned {
    /// Reduces it to what the roster reads.
    fn convert(self, notices: &mut Notices) -> Result<EndpointObject, Nameless>;
}

/// The object's key.
fn key(kind: ObjectKind, metadata: &mut ObjectMeta) -> Result<ObjectKey, Nameless> {
    let name = metadata.name.take().filter(|name| !name.is_empty()).ok_or(Nameless)?;
    let namespace = metadata.namespace.take().filter(|namespace| !namespace.is_empty());
    let namespace = namespace.map_or_else(|| DEFAULT_NAMESPACE.into(), String::into_boxed_str);
    Ok(ObjectKey { namespace, name: name.into_boxed_str(), kind })
}

/// The object's labels, sorted by key as the map they come from is.
fn labels(metadata: &mut ObjectMeta) -> Vec<(Box<str>, Box<str>)> {
    let labels = metadata.labels.take().unwrap_or_default();
    labels.into_iter().map(|(key, value)| (key.into_boxed_str(), value.into_boxed_str())).collect()
}

/// Whether the controller left addresses out for want of room.
fn truncated(metadata: &ObjectMeta) -> bool {
    let annotation = "endpoints.kubernetes.io/over-capacity";
    metadata
        .annotations
        .as_ref()
        .and_then(|all| all.get(annotation))
        .is_some_and(|value| value == "truncated")
}

/// The text, where it says something.
fn non_empty(text: Option<String>) -> Option<Box<str>> {
    text.filter(|text| !text.is_empty()).map(String::into_boxed_str)
}

/// Whom an endpoint stands for: uid and namespace of its `targetRef`.
fn target(reference: Option<ObjectReference>) -> (Option<Uid>, Option<Box<str>>) {
    let Some(reference) = reference else { return (None, None) };
    (reference.uid.as_deref().and_then(Uid::from_text), non_empty(reference.namespace))
}

/// An address, or `None` and a notice.
fn address(text: &str, key: &ObjectKey, notices: &mut Notices) -> Option<IpAddr> {
    let address = text.parse().ok();
    if address.is_none() {
        notices.count(Oddity::Address, || format!("{}: {text:?}", described(key)));
    }
    address
}

/// A port, or `None` and a notice where number or protocol make none.
fn port(
    name: Option<String>,
    number: i32,
    protocol: Option<&str>,
    key: &ObjectKey,
    notices: &mut Notices,
) -> Option<Port> {
    let protocol = match protocol {
        None | Some("" | "TCP") => Protocol::Tcp,
        Some("UDP") => Protocol::Udp,
        Some("SCTP") => Protocol::Sctp,
        Some(other) => {
            notices.count(Oddity::Protocol, || format!("{}: {other:?}", described(key)));
            return None;
        }
    };
    let Some(number) = u16::try_from(number).ok().filter(|number| *number != 0) else {
        notices.count(Oddity::PortNumber, || format!("{}: {number}", described(key)));
        return None;
    };
    Some(Port { number, protocol, name: name.unwrap_or_default().into_boxed_str() })
}

/// The object as a person names it, on one line: `EndpointSlice default/web-x7k2p`.
pub(super) fn described(key: &ObjectKey) -> String {
    ObjectName(key.clone()).to_string()
}

/// The kind as Kubernetes spells it.
pub(super) fn kind_name(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Endpoints => "Endpoints",
        ObjectKind::EndpointSlice => "EndpointSlice",
        ObjectKind::Pod => "Pod",
    }
}
