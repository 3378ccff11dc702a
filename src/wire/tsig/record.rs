//! The TSIG record of a message: read, and sent back unsigned as an error (RFC 8945 4.2, 5.3.2).

use super::TsigFault;
use crate::wire::record::name_len;
use crate::wire::{Class, Record, RecordType};

/// Octets of an RR between owner and rdata: type, class, TTL, rdata length.
const FIXED_LEN: usize = 10;

/// Octets of the rdata behind the algorithm: time, fudge, MAC size (0), original ID, error, other length (0).
const TAIL_LEN: usize = 6 + 2 + 2 + 2 + 2 + 2;

/// The TSIG record of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tsig<'a> {
    /// The name of the key, not compressed.
    pub key: &'a [u8],
    /// The name of the algorithm, not compressed.
    pub algorithm: &'a [u8],
    /// When it was signed, 48 bits, and the seconds by which that may be off, as they stand in the record.
    pub time_and_fudge: [u8; 8],
    /// The message's ID when it was signed.
    pub original_id: u16,
    /// The signature.
    pub mac: &'a [u8],
    /// What was wrong with the signature of what this answers; 0 in a query.
    pub error: u16,
    /// More about that.
    pub other: &'a [u8],
    /// Where in the message the record begins.
    pub at: usize,
}

impl<'a> Tsig<'a> {
    /// Reads the record, which begins at `at` of its message; nothing if it is malformed.
    ///
    /// Neither name may be compressed (RFC 8945 4.2 for the algorithm). The key's may in theory, but nobody's is, and
    /// pointers are not followed here.
    pub(in crate::wire) fn from_record(record: &Record<'a>, at: usize) -> Option<Tsig<'a>> {
        // RFC 8945 4.2: "CLASS: This MUST be ANY. TTL: This MUST be 0."
        if record.class != Class::ANY || record.ttl != 0 || name_len(record.owner)? != record.owner.len() {
            return None;
        }
        let (algorithm, rest) = record.rdata.split_at_checked(name_len(record.rdata)?)?;
        let (time_and_fudge, rest) = rest.split_first_chunk::<8>()?;
        let (mac, rest) = counted(rest)?;
        let (&[i0, i1, e0, e1], rest) = rest.split_first_chunk::<4>()?;
        let (other, rest) = counted(rest)?;
        rest.is_empty().then_some(Tsig {
            key: record.owner,
            algorithm,
            time_and_fudge: *time_and_fudge,
            original_id: u16::from_be_bytes([i0, i1]),
            mac,
            error: u16::from_be_bytes([e0, e1]),
            other,
            at,
        })
    }

    /// When it was signed: Unix time in seconds.
    pub fn time(&self) -> u64 {
        let [t0, t1, t2, t3, t4, t5, _, _] = self.time_and_fudge;
        u64::from_be_bytes([0, 0, t0, t1, t2, t3, t4, t5])
    }

    /// Seconds by which that may be off.
    pub fn fudge(&self) -> u16 {
        let [.., high, low] = self.time_and_fudge;
        u16::from_be_bytes([high, low])
    }

    /// Octets of the record that [`Tsig::write_unsigned`] writes.
    pub fn unsigned_len(&self) -> usize {
        self.key.len().saturating_add(self.algorithm.len()).saturating_add(FIXED_LEN + TAIL_LEN)
    }

    /// Writes the answer's record: unsigned, with BADKEY or BADSIG (RFC 8945 5.2.1, 5.2.2, 5.3.2). Returns its length;
    /// nothing if `out` is too short.
    pub fn write_unsigned(&self, fault: TsigFault, out: &mut [u8]) -> Option<usize> {
        let length = self.unsigned_len();
        let rdata_len = u16::try_from(self.algorithm.len().saturating_add(TAIL_LEN)).ok()?;
        let [t0, t1] = RecordType::TSIG.0.to_be_bytes();
        let [c0, c1] = Class::ANY.0.to_be_bytes();
        let [r0, r1] = rdata_len.to_be_bytes();
        let [i0, i1] = self.original_id.to_be_bytes();
        let [e0, e1] = fault.code().to_be_bytes();
        let mut rest = out.get_mut(..length)?;
        for part in [
            self.key,
            &[t0, t1, c0, c1, 0, 0, 0, 0, r0, r1],
            self.algorithm,
            &self.time_and_fudge,
            &[0, 0, i0, i1, e0, e1, 0, 0],
        ] {
            let (place, behind) = rest.split_at_mut_checked(part.len())?;
            place.copy_from_slice(part);
            rest = behind;
        }
        Some(length)
    }
}

/// A field whose length stands in the two octets before it, and what is behind it.
fn counted(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = octets.split_first_chunk::<2>()?;
    rest.split_at_checked(u16::from_be_bytes(*length).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RDATA: &[u8] = b"\x0bhmac-sha256\0\0\0\x65\x43\x21\x01\x01\x2c\0\x04mac!\x12\x34\0\x10\0\x06behind";

    fn record<'a>(owner: &'a [u8], rdata: &'a [u8]) -> Record<'a> {
        Record { owner, record_type: RecordType::TSIG, class: Class::ANY, ttl: 0, rdata }
    }

    #[test]
    fn a_record_is_read_and_sent_back_without_its_mac() {
        let tsig = Tsig::from_record(&record(b"\x03Key\0", RDATA), 0).unwrap();
        assert_eq!((tsig.key, tsig.algorithm), (&b"\x03Key\0"[..], &b"\x0bhmac-sha256\0"[..]));
        assert_eq!((tsig.time(), tsig.fudge(), tsig.original_id), (0x6543_2101, 300, 0x1234));
        assert_eq!((tsig.mac, tsig.error, tsig.other), (&b"mac!"[..], 0x10, &b"behind"[..]));
        let mut out = [0xff; 100];
        let length = tsig.write_unsigned(TsigFault::BadKey, &mut out).unwrap();
        let expected = b"\x03Key\0\0\xfa\0\xff\0\0\0\0\0\x1d\x0bhmac-sha256\0\0\0\x65\x43\x21\x01\x01\x2c\0\0\x12\x34\0\x11\0\0";
        assert_eq!((&out[..length], tsig.unsigned_len()), (&expected[..], length));
        assert_eq!(tsig.write_unsigned(TsigFault::BadKey, &mut out[..length - 1]), None);
        let (sent, end) = Record::read(&out, 0).unwrap();
        let back = Tsig { mac: &[], error: 17, other: &[], ..tsig };
        assert_eq!((Tsig::from_record(&sent, 0), end), (Some(back), length));
    }

    #[test]
    fn malformed_records_are_refused() {
        for length in 0..RDATA.len() {
            assert_eq!(Tsig::from_record(&record(b"\x03key\0", &RDATA[..length]), 0), None, "{length}");
        }
        let longer = [RDATA, b"x"].concat();
        let compressed = [b"\xc0\x0c", &RDATA[13..]].concat();
        for bad in [
            record(b"\x03key\0", &longer),
            record(b"\x03key\0", &compressed),
            record(b"\x03key\xc0\x0c", RDATA),
            record(b"\xc0\x0c", RDATA),
            Record { class: Class::IN, ..record(b"\x03key\0", RDATA) },
            Record { ttl: 1, ..record(b"\x03key\0", RDATA) },
        ] {
            assert_eq!(Tsig::from_record(&bad, 0), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_rdata_is_read_or_refused(rdata in prop::collection::vec(prop_oneof![0_u8..4, any::<u8>()], 0..80)) {
            if let Some(tsig) = Tsig::from_record(&record(b"\0", &rdata), 0) {
                prop_assert!(tsig.unsigned_len() <= 1 + FIXED_LEN + rdata.len());
            }
        }
    }
}
