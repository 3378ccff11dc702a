//! Bodies of lists and watches without a connection, for fuzzing and benchmarks: octets in, what was read of them out.

pub use super::decode::Encoding;

use super::decode::{Decoded, Events, ListBody, ListError, WatchEvent};
use crate::roster::{EndpointObject, EventKind, ObjectKind};
use crate::source::notice::Notices;

/// What the benchmark writes.
const JSON: Encoding = Encoding::Json;

/// Reads pieces of a list of one kind. What stands in it, item by item, and how it ended.
pub fn list<'a>(
    encoding: Encoding,
    kind: ObjectKind,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<String> {
    let (mut body, mut notices, mut read) = (ListBody::new(encoding), Notices::default(), Vec::new());
    let pushed = pieces.into_iter().try_for_each(|piece| {
        body.push(piece, &mut |item| read.push(format!("{:?}", encoding.decode(kind, item, &mut notices))))
    });
    read.push(match pushed.and_then(|()| body.finish()) {
        // Its words quote what had arrived, which is another piece each time.
        Err(ListError::Malformed(_)) => "malformed".to_owned(),
        ended => format!("{ended:?}"),
    });
    read.push(format!("{:?}", notices.into_vec()));
    read
}

/// Reads pieces of a watch of one kind: its events, unless a line is too long.
pub fn watch<'a>(
    encoding: Encoding,
    kind: ObjectKind,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<String> {
    let (mut body, mut notices, mut read) = (Events::new(encoding), Notices::default(), Vec::new());
    for piece in pieces {
        let line =
            &mut |line: &[u8]| read.push(format!("{:?}", encoding.watch_event(kind, line, &mut notices)));
        if body.push(piece, line).is_err() {
            break;
        }
    }
    read
}

/// Reads one object without its envelope: as it is handed on and with what was odd about it, if it parses.
pub fn object(encoding: Encoding, kind: ObjectKind, octets: &[u8]) -> Option<String> {
    let mut notices = Notices::default();
    match encoding.decode(kind, octets, &mut notices) {
        good @ Decoded::Good { .. } => Some(format!("{good:?} {:?}", notices.into_vec())),
        _ => None,
    }
}

/// Reads pieces of a page of one kind, for benchmarks, and hands each object on that parses, as it is complete.
pub fn objects<P: AsRef<[u8]>>(
    kind: ObjectKind,
    pieces: impl IntoIterator<Item = P>,
    take: &mut dyn FnMut(Box<EndpointObject>),
) {
    let (mut body, mut notices) = (ListBody::new(JSON), Notices::default());
    for piece in pieces {
        let pushed = body.push(piece.as_ref(), &mut |item| {
            if let Decoded::Good { object, .. } = JSON.decode(kind, item, &mut notices) {
                take(object);
            }
        });
        if pushed.is_err() {
            break;
        }
    }
}

/// Reads a line of a watch of one kind, for benchmarks: what it tells of an object that parses.
pub fn event(kind: ObjectKind, line: &[u8]) -> Option<EventKind> {
    match JSON.watch_event(kind, line, &mut Notices::default()) {
        WatchEvent::Applied(Decoded::Good { object, .. }) => Some(EventKind::Apply(object)),
        WatchEvent::Deleted(key, _) => Some(EventKind::Delete(key)),
        _ => None,
    }
}
