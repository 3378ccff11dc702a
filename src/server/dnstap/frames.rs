//! Frame Streams, the transport of dnstap: data frames behind a handshake of both sides.
//!
//! A data frame is its length, 32 bits in network order, and its octets. A control frame is a length of zero, its own
//! length, its type, and fields of type, length and octets. The writer says READY, the reader ACCEPT, the writer START; in
//! the end the writer says STOP, the reader FINISH (fstrm, "Frame Streams Control Frame").

use std::io::{self, Read};

/// What dnstap's frames hold.
const CONTENT_TYPE: &[u8] = b"protobuf:dnstap.Dnstap";

/// FSTRM_CONTROL_FRAME_LENGTH_MAX.
const CONTROL_MAX: usize = 512;

/// FSTRM_CONTROL_FIELD_CONTENT_TYPE.
const FIELD_CONTENT_TYPE: u32 = 1;

/// Types of control frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    Accept = 1,
    Start = 2,
    Stop = 3,
    Ready = 4,
    Finish = 5,
}

/// A control frame; those of the handshake name the content.
pub(super) fn control(control: Control) -> Vec<u8> {
    let mut body = (control as u32).to_be_bytes().to_vec();
    if matches!(control, Control::Ready | Control::Accept | Control::Start) {
        body.extend(FIELD_CONTENT_TYPE.to_be_bytes());
        body.extend(length(CONTENT_TYPE));
        body.extend(CONTENT_TYPE);
    }
    [&[0; 4], &length(&body)[..], &body].concat()
}

/// Puts a data frame behind what `to` has. An empty one would be a control frame: there is none.
pub(super) fn data(frame: &[u8], to: &mut Vec<u8>) {
    to.extend(length(frame));
    to.extend(frame);
}

fn length(octets: &[u8]) -> [u8; 4] {
    u32::try_from(octets.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// Reads one control frame, which must be this one, for this content.
pub(super) fn expect(control: Control, from: &mut impl Read) -> io::Result<()> {
    let mut number = || -> io::Result<u32> {
        let mut octets = [0; 4];
        from.read_exact(&mut octets)?;
        Ok(u32::from_be_bytes(octets))
    };
    let (escape, length) = (number()?, number()?);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if escape != 0 || !(4..=CONTROL_MAX).contains(&length) {
        return Err(io::Error::other("it does not speak Frame Streams"));
    }
    let mut body = [0; CONTROL_MAX];
    let body = body.get_mut(..length).unwrap_or_default();
    from.read_exact(body)?;
    let Some((kind, mut fields)) = split_number(body) else { return Ok(()) };
    if kind != control as u32 {
        return Err(io::Error::other(format!("it says {kind} where Frame Streams has {control:?}")));
    }
    let (mut named, mut ours) = (false, false);
    while let Some((field, rest)) = split_number(fields) {
        let value = split_number(rest)
            .and_then(|(length, rest)| rest.split_at_checked(usize::try_from(length).unwrap_or(usize::MAX)));
        let Some((value, rest)) = value else {
            return Err(io::Error::other("a field of its control frame is cut"));
        };
        named |= field == FIELD_CONTENT_TYPE;
        ours |= field == FIELD_CONTENT_TYPE && value == CONTENT_TYPE;
        fields = rest;
    }
    // One that names none takes any.
    if named && !ours {
        return Err(io::Error::other("it wants other content than dnstap"));
    }
    Ok(())
}

fn split_number(octets: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = octets.split_first_chunk()?;
    Some((u32::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn control_frames_read_back_and_no_other_is_taken_for_one() {
        let all = [Control::Accept, Control::Start, Control::Stop, Control::Ready, Control::Finish];
        for written in all {
            for wanted in all {
                let read = expect(wanted, &mut &*control(written));
                assert_eq!(read.is_ok(), written == wanted, "{written:?} {wanted:?} {read:?}");
            }
        }
    }

    #[test]
    fn a_reader_that_wants_something_else_is_told_apart() {
        let accept = |fields: &[u8]| {
            let body = [&1_u32.to_be_bytes(), fields].concat();
            expect(Control::Accept, &mut &*[&[0; 4], &length(&body)[..], &body].concat())
        };
        let field = |value: &[u8]| [&1_u32.to_be_bytes(), &length(value)[..], value].concat();
        let (ours, other) = (field(CONTENT_TYPE), field(b"text"));
        for (fields, taken) in [
            (vec![], true),
            (ours.clone(), true),
            ([&*other, &*ours].concat(), true),
            (other, false),
            (ours[..12].to_vec(), false),
        ] {
            assert_eq!(accept(&fields).is_ok(), taken, "{fields:?}");
        }
    }

    proptest! {
        #[test]
        fn anything_may_come(octets in prop::collection::vec(any::<u8>(), 0..600), length in 0_u32..600) {
            let _ = expect(Control::Accept, &mut &*octets);
            let framed = [&[0; 4], &length.to_be_bytes()[..], &1_u32.to_be_bytes(), &octets].concat();
            let read = expect(Control::Accept, &mut &*framed);
            prop_assert!(read.is_err() || length < 600);
        }
    }
}
