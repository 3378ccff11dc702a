//! A watch's events: one JSON object to a line.

use super::OBJECT_MAX;
use super::lenient::Fields;
use super::members::{Members, MembersError, Part};
use super::object::{Decoded, decode, leniently};
use super::reason::{quoted, repeated};
use crate::roster::{ObjectKey, ObjectKind};
use crate::source::convert::Text;
use crate::source::notice::Notices;

/// Cuts a stream into lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// What has arrived of a line whose end has not.
    held: Vec<u8>,
    too_long: bool,
}

/// A line longer than [`super::OBJECT_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event has more than {} octets", super::OBJECT_MAX)]
pub(in crate::source::kubernetes) struct LineTooLong;

impl Lines {
    /// Takes in the next octets and hands each line that they complete, without its end and unless empty, to `line`.
    ///
    /// What stands behind the last line end when the stream ends is half an event, and nobody sees it. After an
    /// error, the same is said again.
    pub(super) fn push(&mut self, octets: &[u8], line: &mut dyn FnMut(&[u8])) -> Result<(), LineTooLong> {
        for piece in octets.split_inclusive(|octet| *octet == b'\n') {
            let (text, ends) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
            self.too_long |= self.held.len().saturating_add(text.len()) > OBJECT_MAX;
            if self.too_long {
                self.held = Vec::new();
                return Err(LineTooLong);
            }
            if ends && self.held.is_empty() {
                hand_out(text, line);
                continue;
            }
            self.held.extend_from_slice(text);
            if ends {
                hand_out(&self.held, line);
                self.held.clear();
            }
        }
        Ok(())
    }
}

fn hand_out(text: &[u8], line: &mut dyn FnMut(&[u8])) {
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    if !text.is_empty() {
        line(text);
    }
}

/// What a line of a watch says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::source::kubernetes) enum WatchEvent {
    /// `ADDED` or `MODIFIED`.
    Applied(Decoded),
    /// `DELETED`, with the revision of the deletion.
    Deleted(ObjectKey, Option<u64>),
    /// `BOOKMARK`: all up to this revision has been said.
    Bookmark {
        /// `metadata.resourceVersion`.
        revision: Box<str>,
        /// The annotation `k8s.io/initial-events-end`: what came before is the list.
        ends_list: bool,
    },
    /// `ERROR`.
    Error(Status),
    /// A type that this version does not know, fit for a line of a log.
    Unknown(Box<str>),
    /// No event.
    Malformed(String),
}

/// A Kubernetes `Status`, as errors are told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::source::kubernetes) struct Status {
    /// The HTTP status code; 0 where it says none.
    pub(in crate::source::kubernetes) code: u16,
    /// `reason`: `Expired`, `Forbidden`.
    pub(in crate::source::kubernetes) reason: Box<str>,
    /// `message`, for people.
    pub(in crate::source::kubernetes) message: Box<str>,
}

/// Reads a line of a watch. `revision` of a good or broken object is the one to resume from.
///
/// Objects are read as [`decode`] reads them; of a deleted one only key and revision are.
pub(super) fn watch_event(kind: ObjectKind, line: &[u8], notices: &mut Notices) -> WatchEvent {
    if let Some(object) = applied_as_written(line)
        && let good @ Decoded::Good { .. } = decode(kind, object, notices)
    {
        return WatchEvent::Applied(good);
    }
    Envelope::read(line)
        .and_then(|envelope| envelope.event(kind, notices))
        .unwrap_or_else(WatchEvent::Malformed)
}

/// The object of an event in the form that API servers write, so that its end need not be looked for: if what this
/// returns is one JSON value, then the line is such an event.
fn applied_as_written(line: &[u8]) -> Option<&[u8]> {
    let object = line.strip_prefix(br#"{"type":""#)?;
    let object = object.strip_prefix(b"ADDED").or_else(|| object.strip_prefix(b"MODIFIED"))?;
    object.strip_prefix(br#"","object":"#)?.strip_suffix(b"}")
}

/// An event taken apart. Its object may be anything.
#[derive(Debug, Default)]
struct Envelope {
    event_type: Option<Box<str>>,
    object: Option<Vec<u8>>,
}

impl Envelope {
    fn read(line: &[u8]) -> Result<Envelope, String> {
        let mut envelope = Envelope::default();
        let mut members = Members::new(None, usize::MAX);
        let read = members.push(line, &mut |part| match part {
            Part::Member(key, value) => envelope.member(key, value),
            Part::Item(_) => Ok(()),
        });
        match read {
            Err(MembersError::Malformed(reason)) => Err(reason),
            Err(MembersError::ItemTooLarge) => Err(LineTooLong.to_string()),
            Ok(()) if !members.is_complete() => Err("the event ends before it is complete".to_owned()),
            Ok(()) => Ok(envelope),
        }
    }

    fn member(&mut self, key: &str, value: &[u8]) -> Result<(), String> {
        let duplicate = match key {
            "type" => {
                let event_type: Text<'_> =
                    serde_json::from_slice(value).map_err(|_| "`type` is no string".to_owned())?;
                self.event_type.replace(event_type.into_boxed()).is_some()
            }
            "object" => self.object.replace(value.to_vec()).is_some(),
            _ => false,
        };
        if duplicate { Err(format!("{} stands twice", quoted(key))) } else { Ok(()) }
    }

    fn event(self, kind: ObjectKind, notices: &mut Notices) -> Result<WatchEvent, String> {
        let event_type = self.event_type.ok_or("an event without `type`")?;
        let object = || self.object.as_deref().ok_or_else(|| format!("{event_type} without `object`"));
        match &*event_type {
            "ADDED" | "MODIFIED" => Ok(WatchEvent::Applied(decode(kind, object()?, notices))),
            "DELETED" => match leniently(kind, &Fields::up_to_fault(object()?)) {
                Some((object, revision)) => Ok(WatchEvent::Deleted(object.key, revision)),
                None => Err("DELETED: nobody can say which object".to_owned()),
            },
            "BOOKMARK" => bookmark(&Fields::up_to_fault(object()?))
                .ok_or_else(|| "BOOKMARK without metadata.resourceVersion".to_owned()),
            "ERROR" => Ok(WatchEvent::Error(status(&Fields::up_to_fault(object().unwrap_or_default())))),
            other => Ok(WatchEvent::Unknown(repeated(other).into_boxed_str())),
        }
    }
}

fn bookmark(object: &Fields<'_>) -> Option<WatchEvent> {
    let metadata = object.object("metadata")?;
    let revision = metadata.text("resourceVersion").filter(|text| !text.is_empty())?.into_boxed();
    let annotations = metadata.object("annotations").unwrap_or_default();
    let ends_list = annotations.into_texts().any(|(key, value)| is_end_of_list(&key, &value));
    Some(WatchEvent::Bookmark { revision, ends_list })
}

/// Whether an annotation says so: with `sendInitialEvents`, the bookmark behind the initial events is "marked with
/// `"k8s.io/initial-events-end": "true"` annotation".
pub(super) fn is_end_of_list(key: &str, value: &str) -> bool {
    (key, value) == ("k8s.io/initial-events-end", "true")
}

fn status(object: &Fields<'_>) -> Status {
    let text = |key| object.text(key).map(Text::into_boxed).unwrap_or_default();
    Status {
        code: object.number("code").unwrap_or_default(),
        reason: text("reason"),
        message: text("message"),
    }
}
