//! One object.

use super::lenient::Fields;
use super::reason::{self, quoted, reason};
use crate::roster::{EndpointObject, ObjectKind};
use crate::source::convert::{
    EndpointSlice, Endpoints, Labels, Metadata, Nameless, Object, Pod, Slim, service,
};
use crate::source::notice::Notices;
use std::time::SystemTime;

/// What an object's octets hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::source::kubernetes) enum Decoded {
    /// An object.
    Good {
        /// What the roster reads.
        object: Box<EndpointObject>,
        /// `metadata.resourceVersion`, where it is a number.
        revision: Option<u64>,
        /// The annotation `endpoints.kubernetes.io/last-change-trigger-time`.
        triggered: Option<SystemTime>,
    },
    /// Its metadata can be read, the rest cannot.
    Broken {
        /// Key, service and labels; no groups.
        object: Box<EndpointObject>,
        /// `metadata.resourceVersion`, where it is a number.
        revision: Option<u64>,
        /// Why, for people.
        reason: String,
    },
    /// Nobody can say which object it is.
    Nameless {
        /// Why, for people.
        reason: String,
    },
}

/// Reads one object of a list or of a watch's event.
///
/// A field that stands twice breaks the object, and so does another kind than the one asked for.
pub(super) fn decode(kind: ObjectKind, octets: &[u8], notices: &mut Notices) -> Decoded {
    let decoded = match kind {
        ObjectKind::Endpoints => strictly::<Endpoints<'_>>(octets, notices),
        ObjectKind::EndpointSlice => strictly::<EndpointSlice<'_>>(octets, notices),
        ObjectKind::Pod => strictly::<Pod<'_>>(octets, notices),
    };
    decoded.unwrap_or_else(|reason| match leniently(kind, &Fields::up_to_fault(octets)) {
        Some((object, revision)) => Decoded::Broken { object: Box::new(object), revision, reason },
        None => Decoded::Nameless { reason },
    })
}

/// Reads an object that is as it should be, or says why it is not.
fn strictly<'a, T: Slim<'a>>(octets: &'a [u8], notices: &mut Notices) -> Result<Decoded, String> {
    let text = std::str::from_utf8(octets).map_err(|error| {
        let before = octets.get(..error.valid_up_to()).unwrap_or_default();
        reason::at(before, "octets that are no UTF-8")
    })?;
    let Object(slim): Object<T> = serde_json::from_str(text).map_err(|error| reason(octets, &error))?;
    let (api_version, kind) = slim.stated();
    for (field, said, expected) in
        [("kind", kind, T::KIND.as_str()), ("apiVersion", api_version, T::API_VERSION)]
    {
        if let Some(said) = said.filter(|said| *said != expected) {
            return Err(format!("{field}: {}, not {expected}", quoted(said)));
        }
    }
    good(slim, notices)
}

/// What an object that could be read is reduced to.
pub(super) fn good<'a>(slim: impl Slim<'a>, notices: &mut Notices) -> Result<Decoded, String> {
    let (revision, triggered) = (slim.metadata().revision(), slim.metadata().triggered());
    let object = slim.reduce(notices).map_err(|Nameless| "metadata.name is missing".to_owned())?;
    Ok(Decoded::Good { object: Box::new(object), revision, triggered })
}

/// The object without its endpoints, if its key can be read, and its revision.
pub(super) fn leniently(kind: ObjectKind, fields: &Fields<'_>) -> Option<(EndpointObject, Option<u64>)> {
    let from = fields.object("metadata")?;
    // What is there and no text: whatever namespace it was to be, it is not `default`.
    if from.is_no_text("namespace") {
        return None;
    }
    let labels = from.object("labels").unwrap_or_default();
    let mut metadata = Metadata {
        name: from.text("name"),
        namespace: from.text("namespace"),
        resource_version: from.text("resourceVersion"),
        labels: Labels(labels.into_texts().collect()),
        ..Metadata::default()
    };
    let revision = metadata.revision();
    let key = metadata.key(kind).ok()?;
    let labels = metadata.take_labels();
    let subdomain = fields.object("spec").and_then(|spec| spec.text("subdomain"));
    let service = service(&key, &labels, subdomain);
    Some((
        EndpointObject { key, service, labels, groups: Vec::new(), truncated: false, created: None },
        revision,
    ))
}
