//! Walking over the records of a message without keeping them.
//!
//! Names are measured, never followed: a pointer is two octets wherever it leads. So a walk costs at most the octets
//! it passes, and loops of pointers (RFC 9267 2) cannot matter.

use super::{Class, LABEL_MAX, NAME_MAX, RecordType};

/// A record as it stands in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The owner's octets as they are: labels, possibly closed by a pointer.
    pub owner: &'a [u8],
    /// TYPE.
    pub record_type: RecordType,
    /// CLASS.
    pub class: Class,
    /// TTL in seconds; an OPT record keeps other things here.
    pub ttl: u32,
    /// RDATA.
    pub rdata: &'a [u8],
}

impl<'a> Record<'a> {
    /// The OPT record that `octets` begin with; nothing if they begin with another one, or with one that is not whole or
    /// not the root's.
    #[inline]
    pub(super) fn opt(octets: &'a [u8]) -> Option<Record<'a>> {
        let (&[0, t0, t1, c0, c1, l0, l1, l2, l3, r0, r1], rest) = octets.split_first_chunk::<11>()? else {
            return None;
        };
        let record_type = RecordType(u16::from_be_bytes([t0, t1]));
        (record_type == RecordType::OPT).then_some(Record {
            owner: &[0],
            record_type,
            class: Class(u16::from_be_bytes([c0, c1])),
            ttl: u32::from_be_bytes([l0, l1, l2, l3]),
            rdata: rest.get(..usize::from(u16::from_be_bytes([r0, r1])))?,
        })
    }

    /// The record at `offset` of `message` and the offset behind it; nothing if it is not wholly there or its owner is
    /// no name.
    #[inline]
    pub fn read(message: &'a [u8], offset: usize) -> Option<(Record<'a>, usize)> {
        let at = skip_name(message, offset)?;
        let &[t0, t1, c0, c1, l0, l1, l2, l3, r0, r1] = message.get(at..)?.first_chunk::<10>()?;
        let rdata_at = at.saturating_add(10);
        let end = rdata_at.saturating_add(u16::from_be_bytes([r0, r1]).into());
        let record = Record {
            owner: message.get(offset..at)?,
            record_type: RecordType(u16::from_be_bytes([t0, t1])),
            class: Class(u16::from_be_bytes([c0, c1])),
            ttl: u32::from_be_bytes([l0, l1, l2, l3]),
            rdata: message.get(rdata_at..end)?,
        };
        Some((record, end))
    }
}

/// The offset behind `count` questions that begin at `offset`.
pub(super) fn skip_questions(message: &[u8], offset: usize, count: u16) -> Option<usize> {
    let mut at = offset;
    for _ in 0..count {
        at = skip_name(message, at)?.saturating_add(4);
    }
    (at <= message.len()).then_some(at)
}

/// The offset behind the name at `offset`.
#[inline]
fn skip_name(message: &[u8], offset: usize) -> Option<usize> {
    let mut at = offset;
    loop {
        let length = usize::from(*message.get(at)?);
        let (octets, last) = match length {
            0 => (1, true),
            1..=LABEL_MAX => (length.saturating_add(1), false),
            // RFC 1035 4.1.4: two set bits begin a pointer of two octets, which ends the name.
            0xc0.. => (2, true),
            _ => return None,
        };
        let end = at.saturating_add(octets);
        if end.saturating_sub(offset) > NAME_MAX || end > message.len() {
            return None;
        }
        if last {
            return Some(end);
        }
        at = end;
    }
}

/// Octets of the name that `octets` begin with, if it is not compressed.
pub(super) fn name_len(octets: &[u8]) -> Option<usize> {
    let mut at = 0_usize;
    loop {
        match usize::from(*octets.get(at)?) {
            0 => return (at < NAME_MAX).then_some(at.saturating_add(1)),
            length @ 1..=LABEL_MAX => at = at.saturating_add(length).saturating_add(1),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn owners_are_measured_not_followed() {
        for (octets, end) in [
            (&b"\0"[..], Some(1)),
            (b"\x01a\0", Some(3)),
            (b"\xc0\x00", Some(2)),
            (b"\x01a\xc0\x00\0", Some(4)),
            (b"\xff\xff", Some(2)),
            (b"\xc0", None),
            (b"\x01a", None),
            (b"\x40a\0", None),
            (b"\x80a\0", None),
            (b"", None),
        ] {
            assert_eq!(skip_name(octets, 0), end, "{octets:?}");
        }
        let mut long = [1, b'a'].repeat(127);
        long.push(0);
        assert_eq!(skip_name(&long, 0), Some(255));
        let mut longer = [1, b'a'].repeat(128);
        longer.push(0);
        assert_eq!(skip_name(&longer, 0), None);
    }

    #[test]
    fn names_without_pointers_are_measured() {
        let mut long = [1, b'a'].repeat(127);
        long.push(0);
        let longer = [&[1, b'a'], &long[..]].concat();
        for (octets, length) in [
            (&b"\0rest"[..], Some(1)),
            (b"\x01a\0", Some(3)),
            (&long, Some(255)),
            (&longer, None),
            (b"\x01a\xc0\0", None),
            (b"\x40a\0", None),
            (b"\x01a", None),
            (b"", None),
        ] {
            assert_eq!(name_len(octets), length, "{octets:?}");
        }
    }

    #[test]
    fn a_record_is_read_whole_or_not_at_all() {
        let message = b"..\x01a\xc0\x0c\0\x10\0\x01\0\0\0\x05\0\x02\x01x.";
        let (record, end) = Record::read(message, 2).unwrap();
        assert_eq!(record.owner, b"\x01a\xc0\x0c");
        assert_eq!((record.record_type, record.class, record.ttl), (RecordType::TXT, Class::IN, 5));
        assert_eq!(record.rdata, b"\x01x");
        assert_eq!(end, 18);
        for length in 0..18 {
            assert_eq!(Record::read(&message[..length], 2), None, "{length}");
        }
    }

    proptest! {
        #[test]
        fn a_walk_stays_inside_the_message(
            message in prop::collection::vec(any::<u8>(), 0..300), offset in 0_usize..400, count: u16,
        ) {
            if let Some((record, end)) = Record::read(&message, offset) {
                prop_assert!(end <= message.len() && offset < end && record.owner.len() <= NAME_MAX);
            }
            if let Some(end) = skip_questions(&message, offset, count) {
                prop_assert!(end <= message.len() && end >= offset);
            }
        }
    }
}
