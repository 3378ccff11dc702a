//! One object.

use super::super::line::Status;
use super::super::object::{Decoded, good};
use super::Envelope;
use crate::roster::{EndpointObject, ObjectKind};
use crate::source::convert::protobuf::{Fields, Malformed, Message, Value, read};
use crate::source::convert::{EndpointSlice, Endpoints, Metadata, Pod, Slim, Text, service};
use crate::source::notice::Notices;

/// Reads one object without its envelope.
pub(in super::super) fn decode(kind: ObjectKind, octets: &[u8], notices: &mut Notices) -> Decoded {
    let decoded = match kind {
        ObjectKind::Endpoints => strictly::<Endpoints<'_>>(octets, notices),
        ObjectKind::EndpointSlice => strictly::<EndpointSlice<'_>>(octets, notices),
        ObjectKind::Pod => strictly::<Pod<'_>>(octets, notices),
    };
    decoded.unwrap_or_else(|reason| broken(kind, octets, reason))
}

fn strictly<'a, T: Slim<'a>>(octets: &'a [u8], notices: &mut Notices) -> Result<Decoded, String> {
    good(read::<T>(octets).map_err(|error| error.to_string())?, notices)
}

/// The object without what it holds, if its key can be read.
pub(super) fn broken(kind: ObjectKind, octets: &[u8], reason: String) -> Decoded {
    match metadata(kind, octets) {
        Some((object, revision)) => Decoded::Broken { object: Box::new(object), revision, reason },
        None => Decoded::Nameless { reason },
    }
}

/// The object without its endpoints, if its key can be read, and its revision. What stands behind a fault is not read.
pub(super) fn metadata(kind: ObjectKind, octets: &[u8]) -> Option<(EndpointObject, Option<u64>)> {
    let mut metadata = Metadata::default();
    let mut spec = PodSpec::default();
    for (number, value) in Fields(octets).map_while(Result::ok) {
        match (number, kind) {
            // Of all three kinds.
            (1, _) => value.merge_into(&mut metadata).ok()?,
            (2, ObjectKind::Pod) => value.merge_into(&mut spec).ok()?,
            _ => {}
        }
    }
    let revision = metadata.revision();
    let key = metadata.key(kind).ok()?;
    let labels = metadata.take_labels();
    let service = service(&key, &labels, spec.subdomain);
    Some((
        EndpointObject { key, service, labels, groups: Vec::new(), truncated: false, created: None },
        revision,
    ))
}

/// What a Pod is found by beside its metadata.
#[derive(Default)]
struct PodSpec<'a> {
    subdomain: Option<Text<'a>>,
}

impl<'a> Message<'a> for PodSpec<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        if number == 17 {
            self.subdomain = Some(value.text()?);
        }
        Ok(())
    }
}

/// What an answer says that is an error.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::source::kubernetes) struct Refused {
    pub(in crate::source::kubernetes) message: Box<str>,
    pub(in crate::source::kubernetes) reason: Box<str>,
    pub(in crate::source::kubernetes) retry_after_seconds: Option<u64>,
}

/// Reads the `Status` that an error comes with; nothing where it is none.
pub(in crate::source::kubernetes) fn refused(octets: &[u8]) -> Refused {
    let Ok(envelope) = Envelope::open(octets) else { return Refused::default() };
    let StatusMessage { message, reason, retry_after_seconds, .. } = read(envelope.raw).unwrap_or_default();
    let retry_after_seconds = u64::try_from(retry_after_seconds).ok().filter(|seconds| *seconds > 0);
    Refused { message: message.into_boxed(), reason: reason.into_boxed(), retry_after_seconds }
}

/// Reads the `Status` that a watch ends with.
pub(super) fn status(octets: &[u8]) -> Status {
    let StatusMessage { message, reason, code, .. } = read(octets).unwrap_or_default();
    let code = u16::try_from(code).unwrap_or_default();
    Status { code, reason: reason.into_boxed(), message: message.into_boxed() }
}

/// `k8s.io.apimachinery.pkg.apis.meta.v1.Status`.
#[derive(Default)]
struct StatusMessage<'a> {
    message: Text<'a>,
    reason: Text<'a>,
    code: i32,
    retry_after_seconds: i32,
}

impl<'a> Message<'a> for StatusMessage<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            3 => self.message = value.text()?,
            4 => self.reason = value.text()?,
            5 => self.retry_after_seconds = value.message::<Details>()?.0,
            6 => self.code = value.int32()?,
            _ => {}
        }
        Ok(())
    }
}

/// `retryAfterSeconds` of `StatusDetails`.
#[derive(Default)]
struct Details(i32);

impl<'a> Message<'a> for Details {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        if number == 5 {
            self.0 = value.int32()?;
        }
        Ok(())
    }
}
