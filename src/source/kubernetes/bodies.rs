//! Bodies of lists and watches without a connection, for fuzzing: octets in, what was read of them as text.

use super::decode::{Encoding, Events, ListBody, ListError};
use crate::roster::ObjectKind;
use crate::source::notice::Notices;

/// What the fuzzer writes.
const JSON: Encoding = Encoding::Json;

/// Reads pieces of a list of one kind. What stands in it, item by item, and how it ended.
pub fn list<'a>(kind: ObjectKind, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let (mut body, mut notices, mut read) = (ListBody::new(JSON), Notices::default(), Vec::new());
    let pushed = pieces.into_iter().try_for_each(|piece| {
        body.push(piece, &mut |item| read.push(format!("{:?}", JSON.decode(kind, item, &mut notices))))
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
pub fn watch<'a>(kind: ObjectKind, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let (mut body, mut notices, mut read) = (Events::new(JSON), Notices::default(), Vec::new());
    for piece in pieces {
        let line = &mut |line: &[u8]| read.push(format!("{:?}", JSON.watch_event(kind, line, &mut notices)));
        if body.push(piece, line).is_err() {
            break;
        }
    }
    read
}
