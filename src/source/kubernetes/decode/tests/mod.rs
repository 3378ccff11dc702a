//! Octets in, objects out: against k8s-openapi and serde_json on the whole, and against what no API server would send.

mod events;
mod lists;
mod objects;
mod protobuf;
mod random;

use super::Decoded;
use super::object::decode;
use crate::roster::{EndpointObject, ObjectKind};
use crate::source::convert::{EndpointSource, Nameless};
use crate::source::notice::{Notice, Notices};
use k8s_openapi::api::core::v1::{Endpoints, Pod};
use k8s_openapi::api::discovery::v1::EndpointSlice;

const KINDS: [ObjectKind; 3] = [ObjectKind::EndpointSlice, ObjectKind::Endpoints, ObjectKind::Pod];

/// What the types that Kubernetes publishes make of an object.
fn published(
    kind: ObjectKind,
    octets: &[u8],
) -> serde_json::Result<(Result<EndpointObject, Nameless>, Vec<Notice>)> {
    fn read<T: EndpointSource>(
        octets: &[u8],
        notices: &mut Notices,
    ) -> serde_json::Result<Result<EndpointObject, Nameless>> {
        serde_json::from_slice::<T>(octets).map(|object| object.convert(notices))
    }
    let mut notices = Notices::default();
    let object = match kind {
        ObjectKind::Endpoints => read::<Endpoints>(octets, &mut notices),
        ObjectKind::EndpointSlice => read::<EndpointSlice>(octets, &mut notices),
        ObjectKind::Pod => read::<Pod>(octets, &mut notices),
    };
    Ok((object?, notices.into_vec()))
}

/// What this decoder makes of it.
fn decoded(kind: ObjectKind, octets: &[u8]) -> (Decoded, Vec<Notice>) {
    let mut notices = Notices::default();
    let decoded = decode(kind, octets, &mut notices);
    (decoded, notices.into_vec())
}
