//! From Kubernetes' objects to the roster's [`EndpointObject`]: what names peers is kept, the rest dropped.
//!
//! What is read of an object stands in slim types, one per kind, and the rules stand with them. They are filled from
//! JSON directly, without copies, or from the types that Kubernetes publishes.
//!
//! Content is whatever the API or a file held. What cannot be used is left out and counted; only an object without a
//! name is refused.

mod endpoints;
mod metadata;
mod placement;
mod pod;
pub(super) mod protobuf;
mod slice;
mod text;

pub(super) use endpoints::Endpoints;
pub(super) use metadata::{Labels, Metadata};
pub(super) use pod::Pod;
pub(super) use slice::EndpointSlice;
pub(super) use text::{Object, Text};

use super::notice::{Notices, Oddity};
use crate::roster::{EndpointObject, ObjectKey, ObjectKind, ObjectName, Port, Protocol, Uid};
use k8s_openapi::api::core::v1::ObjectReference;
use protobuf::{Malformed, Message, Value};
use std::net::IpAddr;

/// The object has no `metadata.name`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nameless;

/// A type of Kubernetes' that holds endpoints, as published.
pub(super) trait EndpointSource: serde::de::DeserializeOwned {
    /// Reduces it to what the roster reads.
    fn convert(self, notices: &mut Notices) -> Result<EndpointObject, Nameless>;
}

/// What is read of an object of one kind.
pub(super) trait Slim<'a>: serde::Deserialize<'a> + Message<'a> {
    /// What an object of this kind says in `kind`, if it says anything.
    const KIND: ObjectKind;
    /// And in `apiVersion`.
    const API_VERSION: &'static str;

    /// What it says in `apiVersion` and `kind`.
    fn stated(&self) -> (Option<&str>, Option<&str>);

    /// Its metadata.
    fn metadata(&self) -> &Metadata<'a>;

    /// Reduces it to what the roster reads.
    fn reduce(self, notices: &mut Notices) -> Result<EndpointObject, Nameless>;
}

/// A `targetRef`: whom an endpoint stands for.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
struct TargetRef<'a> {
    #[serde(borrow)]
    uid: Option<Text<'a>>,
    namespace: Option<Text<'a>>,
}

impl TargetRef<'_> {
    /// Its uid and namespace.
    fn read(self) -> (Option<Uid>, Option<Box<str>>) {
        (self.uid.as_deref().and_then(Uid::from_text), non_empty(self.namespace))
    }
}

/// `k8s.io.api.core.v1.ObjectReference`.
impl<'a> Message<'a> for TargetRef<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            2 => self.namespace = Some(value.text()?),
            4 => self.uid = Some(value.text()?),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> From<Option<&'a ObjectReference>> for TargetRef<'a> {
    fn from(from: Option<&'a ObjectReference>) -> TargetRef<'a> {
        let Some(from) = from else { return TargetRef::default() };
        TargetRef {
            uid: from.uid.as_ref().map(Text::from),
            namespace: from.namespace.as_ref().map(Text::from),
        }
    }
}

/// A port of a slice or an Endpoints.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct EndpointPort<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    port: Option<i32>,
    protocol: Option<Text<'a>>,
}

/// The label by which slices are joined to their Service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// The Service that an object belongs to. `subdomain` is a Pod's.
pub(super) fn service(
    key: &ObjectKey,
    labels: &[(Box<str>, Box<str>)],
    subdomain: Option<Text<'_>>,
) -> Option<Box<str>> {
    match key.kind {
        ObjectKind::EndpointSlice => {
            let label = labels.iter().find(|(name, _)| &**name == SERVICE_NAME);
            label.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
        }
        ObjectKind::Endpoints => Some(key.name.clone()),
        ObjectKind::Pod => non_empty(subdomain),
    }
}

/// The text, where it says something.
fn non_empty(text: Option<Text<'_>>) -> Option<Box<str>> {
    text.filter(|text| !text.is_empty()).map(Text::into_boxed)
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
    name: Option<Text<'_>>,
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
    Some(Port { number, protocol, name: name.unwrap_or_default().into_boxed() })
}

/// The object as a person names it, on one line: `EndpointSlice default/web-x7k2p`.
pub(super) fn described(key: &ObjectKey) -> String {
    ObjectName(key.clone()).to_string()
}
