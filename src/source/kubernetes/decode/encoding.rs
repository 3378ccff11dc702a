//! In which of two ways the API server has written a body.

use super::line::{LineTooLong, Lines, WatchEvent};
use super::list::{ListBody as JsonList, ListError, ListMetadata};
use super::object::Decoded;
use super::{line, object, protobuf};
use crate::roster::ObjectKind;
use crate::source::notice::Notices;

/// JSON, or Protocol Buffers, which cost the API server a third.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As people read it.
    Json,
    /// Protocol Buffers, in Kubernetes' own envelope.
    Protobuf,
}

/// What every request accepts, the best first. Objects of aggregated API servers may be had in JSON alone.
pub(in crate::source::kubernetes) const ACCEPT: &str =
    "application/vnd.kubernetes.protobuf, application/json";

impl Encoding {
    /// The encoding that a `Content-Type` names. JSON where it names none that is known: what it is then will be said by
    /// whatever does not parse.
    pub(in crate::source::kubernetes) fn of(content_type: &str) -> Encoding {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("application/vnd.kubernetes.protobuf") {
            Encoding::Protobuf
        } else {
            Encoding::Json
        }
    }

    /// Reads one object of a list.
    ///
    /// A field of a wrong type breaks the object. Fields that nobody reads are not judged, beyond the encoding's grammar.
    pub(in crate::source::kubernetes) fn decode(
        self,
        kind: ObjectKind,
        octets: &[u8],
        notices: &mut Notices,
    ) -> Decoded {
        match self {
            Encoding::Json => object::decode(kind, octets, notices),
            Encoding::Protobuf => protobuf::decode(kind, octets, notices),
        }
    }

    /// Reads an event of a watch. `revision` of a good or broken object is the one to resume from.
    ///
    /// Objects are read as [`Encoding::decode`] reads them; of a deleted one only key and revision are.
    pub(in crate::source::kubernetes) fn watch_event(
        self,
        kind: ObjectKind,
        octets: &[u8],
        notices: &mut Notices,
    ) -> WatchEvent {
        match self {
            Encoding::Json => line::watch_event(kind, octets, notices),
            Encoding::Protobuf => protobuf::watch_event(kind, octets, notices),
        }
    }
}

/// A list while it arrives: it is taken apart into its items.
#[derive(Debug)]
pub(in crate::source::kubernetes) struct ListBody(List);

#[derive(Debug)]
enum List {
    Json(JsonList),
    Protobuf(protobuf::List),
}

impl ListBody {
    pub(in crate::source::kubernetes) fn new(encoding: Encoding) -> ListBody {
        ListBody(match encoding {
            Encoding::Json => List::Json(JsonList::default()),
            Encoding::Protobuf => List::Protobuf(protobuf::List::default()),
        })
    }

    /// Takes in the next octets and hands each item that they complete to `item`.
    ///
    /// Items count when [`ListBody::finish`] has shown that it is a list. After an error, the same is said again.
    pub(in crate::source::kubernetes) fn push(
        &mut self,
        octets: &[u8],
        item: &mut dyn FnMut(&[u8]),
    ) -> Result<(), ListError> {
        match &mut self.0 {
            List::Json(list) => list.push(octets, item),
            List::Protobuf(list) => list.push(octets, item),
        }
    }

    /// The metadata as far as it has arrived: API servers write it before the items.
    pub(in crate::source::kubernetes) fn metadata(&self) -> Option<&ListMetadata> {
        match &self.0 {
            List::Json(list) => list.metadata(),
            List::Protobuf(list) => list.metadata(),
        }
    }

    /// The body has ended.
    pub(in crate::source::kubernetes) fn finish(self) -> Result<ListMetadata, ListError> {
        match self.0 {
            List::Json(list) => list.finish(),
            List::Protobuf(list) => list.finish(),
        }
    }
}

/// A watch while it arrives: it is cut into events.
#[derive(Debug)]
pub(in crate::source::kubernetes) struct Events(Pieces);

#[derive(Debug)]
enum Pieces {
    Json(Lines),
    Protobuf(protobuf::Frames),
}

impl Events {
    pub(in crate::source::kubernetes) fn new(encoding: Encoding) -> Events {
        Events(match encoding {
            Encoding::Json => Pieces::Json(Lines::default()),
            Encoding::Protobuf => Pieces::Protobuf(protobuf::Frames::default()),
        })
    }

    /// Takes in the next octets and hands each event that they complete to `event`.
    ///
    /// What stands behind the last whole one when the stream ends is half an event, and nobody sees it. After an
    /// error, the same is said again.
    pub(in crate::source::kubernetes) fn push(
        &mut self,
        octets: &[u8],
        event: &mut dyn FnMut(&[u8]),
    ) -> Result<(), LineTooLong> {
        match &mut self.0 {
            Pieces::Json(lines) => lines.push(octets, event),
            Pieces::Protobuf(frames) => frames.push(octets, event),
        }
    }
}
