//! A watch's events: frames with their length before them.

use super::super::OBJECT_MAX;
use super::super::line::{LineTooLong, WatchEvent, is_end_of_list};
use super::super::object::Decoded;
use super::super::reason::{quoted, repeated};
use super::Envelope;
use super::object::{broken, decode, metadata, status};
use crate::roster::ObjectKind;
use crate::source::convert::protobuf::{Entry, Malformed, Message, Value, read};
use crate::source::convert::{EndpointSlice, Endpoints, Pod, Slim, Text};
use crate::source::notice::Notices;

/// Octets of a frame's length, the highest first: as Go's `framer.NewLengthDelimitedFrameWriter` writes it.
const LENGTH: usize = 4;

/// Cuts a stream into frames.
#[derive(Debug, Default)]
pub(in super::super) struct Frames {
    /// What has arrived of a frame whose end has not, its length included.
    held: Vec<u8>,
    too_long: bool,
}

impl Frames {
    pub(in super::super) fn push(
        &mut self,
        mut octets: &[u8],
        event: &mut dyn FnMut(&[u8]),
    ) -> Result<(), LineTooLong> {
        while !octets.is_empty() && !self.too_long {
            if self.held.is_empty()
                && let Some(length) = length(octets)
                && let Some((frame, rest)) = octets.split_at_checked(LENGTH + length)
            {
                event(frame.get(LENGTH..).unwrap_or_default());
                octets = rest;
                continue;
            }
            let whole = LENGTH + length(&self.held).unwrap_or_default();
            let missing = whole.saturating_sub(self.held.len());
            let (here, rest) = octets.split_at_checked(missing).unwrap_or((octets, &[]));
            self.held.extend_from_slice(here);
            octets = rest;
            self.too_long |= length(&self.held).is_some_and(|length| length > OBJECT_MAX);
            if length(&self.held).is_some_and(|length| self.held.len() == LENGTH + length) {
                event(self.held.get(LENGTH..).unwrap_or_default());
                self.held.clear();
            }
        }
        if self.too_long {
            self.held = Vec::new();
            return Err(LineTooLong);
        }
        Ok(())
    }
}

/// The length that a frame begins with, once that is there.
fn length(frame: &[u8]) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(*frame.first_chunk::<LENGTH>()?)).ok()
}

/// Reads a frame.
pub(in super::super) fn watch_event(kind: ObjectKind, frame: &[u8], notices: &mut Notices) -> WatchEvent {
    event(kind, frame, notices).unwrap_or_else(WatchEvent::Malformed)
}

fn event(kind: ObjectKind, frame: &[u8], notices: &mut Notices) -> Result<WatchEvent, String> {
    let Event { event_type, object } = read(frame).map_err(|error| error.to_string())?;
    let open = || Envelope::open(object.0).map_err(|reason| format!("{}: {reason}", repeated(&event_type)));
    Ok(match &*event_type {
        "ADDED" | "MODIFIED" => WatchEvent::Applied(applied(kind, &open()?, notices)),
        "DELETED" => match metadata(kind, open()?.raw) {
            Some((object, revision)) => WatchEvent::Deleted(object.key, revision),
            None => return Err("DELETED: nobody can say which object".to_owned()),
        },
        "BOOKMARK" => bookmark(open()?.raw).ok_or("BOOKMARK without metadata.resourceVersion")?,
        "ERROR" => WatchEvent::Error(status(open().unwrap_or_default().raw)),
        "" => return Err("an event without `type`".to_owned()),
        other => WatchEvent::Unknown(repeated(other).into_boxed_str()),
    })
}

fn applied(kind: ObjectKind, object: &Envelope<'_>, notices: &mut Notices) -> Decoded {
    let about = &object.about;
    let expected = match kind {
        ObjectKind::Endpoints => Endpoints::API_VERSION,
        ObjectKind::EndpointSlice => EndpointSlice::API_VERSION,
        ObjectKind::Pod => Pod::API_VERSION,
    };
    for (field, said, expected) in
        [("kind", &about.kind, kind.as_str()), ("apiVersion", &about.api_version, expected)]
    {
        if **said != *expected {
            return broken(kind, object.raw, format!("{field}: {}, not {expected}", quoted(said)));
        }
    }
    decode(kind, object.raw, notices)
}

/// A bookmark is an object of the kind that is watched, with metadata alone.
fn bookmark(octets: &[u8]) -> Option<WatchEvent> {
    let Bookmark(BookmarkMetadata { revision, ends_list }) = read(octets).ok()?;
    let revision = Some(revision.into_boxed()).filter(|text| !text.is_empty())?;
    Some(WatchEvent::Bookmark { revision, ends_list })
}

#[derive(Default)]
struct Bookmark<'a>(BookmarkMetadata<'a>);

/// What an `ObjectMeta` says of a bookmark.
#[derive(Default)]
struct BookmarkMetadata<'a> {
    revision: Text<'a>,
    ends_list: bool,
}

impl<'a> Message<'a> for BookmarkMetadata<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            6 => self.revision = value.text()?,
            12 => {
                let Entry { key, value } = value.message()?;
                self.ends_list |= is_end_of_list(&key, &value);
            }
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Message<'a> for Bookmark<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        if number == 1 { value.merge_into(&mut self.0) } else { Ok(()) }
    }
}

/// `k8s.io.apimachinery.pkg.apis.meta.v1.WatchEvent`.
#[derive(Default)]
struct Event<'a> {
    event_type: Text<'a>,
    object: Raw<'a>,
}

impl<'a> Message<'a> for Event<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            1 => self.event_type = value.text()?,
            2 => value.merge_into(&mut self.object)?,
            _ => {}
        }
        Ok(())
    }
}

/// `k8s.io.apimachinery.pkg.runtime.RawExtension`.
#[derive(Default)]
struct Raw<'a>(&'a [u8]);

impl<'a> Message<'a> for Raw<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        if number == 1 {
            self.0 = value.octets()?;
        }
        Ok(())
    }
}
