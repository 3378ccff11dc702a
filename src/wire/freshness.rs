//! How long an answer may be kept by who passes it on.

use super::record::skip_questions;
use super::{Flags, HEADER_LEN, Header, Rcode, Record, RecordType};

/// Seconds for which an answer may be kept whole (RFC 8484 5.1): no longer than the smallest TTL of its answer section, and
/// without that section no longer than the SOA record says (RFC 2308 5). None for failures, and for what is cut.
pub fn freshness(message: &[u8]) -> u32 {
    kept(message).unwrap_or(0)
}

fn kept(message: &[u8]) -> Option<u32> {
    let header = Header::read(message)?;
    let kept = matches!(header.flags.rcode(), Rcode::NOERROR | Rcode::NXDOMAIN);
    if !kept || header.flags.contains(Flags::TC) {
        return None;
    }
    let mut at = skip_questions(message, HEADER_LEN, header.questions)?;
    let mut least: Option<u32> = None;
    for _ in 0..header.answers {
        let (record, end) = Record::read(message, at)?;
        at = end;
        least = Some(least.map_or(record.ttl, |least| least.min(record.ttl)));
    }
    for _ in 0..header.authorities {
        if least.is_some() {
            break;
        }
        let (record, end) = Record::read(message, at)?;
        at = end;
        if record.record_type == RecordType::SOA {
            // RFC 1035 3.3.13: MINIMUM is the last of its numbers.
            let minimum = record.rdata.last_chunk::<4>()?;
            least = Some(record.ttl.min(u32::from_be_bytes(*minimum)));
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An answer to a question for the root: flags, and the TTLs of its answers and of its SOA with MINIMUM 7.
    fn message(flags: u16, answers: &[u32], soa: Option<u32>) -> Vec<u8> {
        let counts =
            [1, answers.len(), usize::from(soa.is_some()), 0].map(|count| u16::try_from(count).unwrap());
        let mut octets: Vec<u8> = [0, flags].into_iter().chain(counts).flat_map(u16::to_be_bytes).collect();
        octets.extend(b"\0\0\x01\0\x01");
        for ttl in answers {
            octets.extend([&b"\xc0\x0c\0\x01\0\x01"[..], &ttl.to_be_bytes(), b"\0\x04abcd"].concat());
        }
        if let Some(ttl) = soa {
            octets.extend(
                [&b"\0\0\x06\0\x01"[..], &ttl.to_be_bytes(), b"\0\x16\0\0", &[0; 16], b"\0\0\0\x07"].concat(),
            );
        }
        octets
    }

    #[test]
    fn answers_are_kept_as_long_as_their_shortest_record() {
        for (flags, answers, soa, seconds) in [
            (0x8400, &[30, 5, 9][..], None, 5),
            (0x8400, &[30], Some(3), 30),
            (0x8400, &[30, 0], None, 0),
            (0x8403, &[], Some(5), 5),
            (0x8403, &[], Some(500), 7),
            (0x8400, &[], None, 0),
            (0x8402, &[], Some(5), 0),
            (0x8405, &[30], None, 0),
            (0x8600, &[30], None, 0),
        ] {
            assert_eq!(freshness(&message(flags, answers, soa)), seconds, "{flags:x} {answers:?} {soa:?}");
        }
    }

    #[test]
    fn what_is_not_whole_is_not_kept() {
        let whole = message(0x8400, &[30], None);
        for length in 0..whole.len() {
            assert_eq!(freshness(&whole[..length]), 0, "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_read(octets in prop::collection::vec(any::<u8>(), 0..90)) {
            let kept = freshness(&octets);
            prop_assert!(kept == 0 || octets.len() > HEADER_LEN);
        }
    }
}
