//! The records of a query that are no data of any name but speak about the message: OPT and TSIG.

use super::record::skip_questions;
use super::{Edns, HEADER_LEN, Header, Record, RecordType, Tsig};

/// The pseudo-records of a query. All other records of it are walked over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PseudoRecords<'a> {
    /// What the OPT record says.
    pub edns: Option<Edns<'a>>,
    /// What the TSIG record says.
    pub tsig: Option<Tsig<'a>>,
}

/// Why the records of a query cannot be used. Each is a FORMERR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PseudoRecordError {
    /// The message ends before the records that its header counts do, or an owner is no name.
    #[error("the records that the header counts are not all there")]
    Records,
    /// RFC 6891 6.1.1: "If a query message with more than one OPT RR is received, a FORMERR (RCODE=1) MUST be returned."
    #[error("more than one OPT record")]
    OptTwice,
    /// RFC 6891 6.1.1: it may stand "anywhere within the additional data section", so nowhere else.
    #[error("an OPT record outside the additional section")]
    OptSection,
    /// RFC 6891 6.1.2: its name "MUST be 0 (root domain)".
    #[error("an OPT record whose owner is not the root")]
    OptOwner,
    /// An option ends behind the record (RFC 6891 6.1.2).
    #[error("an option ends behind the OPT record")]
    Options,
    /// A ZONEVERSION option that is not empty (RFC 9660 3.1).
    #[error("a query with a zone version in it")]
    ZoneVersion,
    /// RFC 8945 5.1: a TSIG record that is not the last one, or not the only one, is a FORMERR.
    #[error("a TSIG record that is not the last of the additional section")]
    TsigPlace,
    /// A TSIG record that cannot be read (RFC 8945 5.2).
    #[error("a TSIG record that cannot be read")]
    Tsig,
}

impl<'a> PseudoRecords<'a> {
    /// Looks for them behind the questions of a query, of which the first ends at `question_end` if it is the only one.
    /// Octets behind the last counted record are not looked at.
    ///
    /// After an error, which is the first, this holds what was found in spite of it: the answer to a query with an OPT
    /// record has one too, even a FORMERR. The work is bounded by the length of the message: every counted record takes at least eleven octets.
    #[inline]
    pub fn read(
        &mut self,
        message: &'a [u8],
        header: &Header,
        question_end: Option<usize>,
    ) -> Result<(), PseudoRecordError> {
        *self = PseudoRecords::default();
        let behind = question_end.or_else(|| skip_questions(message, HEADER_LEN, header.questions));
        self.walk(message, header, behind.ok_or(PseudoRecordError::Records)?)
    }

    /// Looks at the records from `at` on, to the last that can be read: RFC 6891 6.1.1 wants an OPT record in the answer
    /// wherever the one of the query stands, behind what is wrong too.
    #[inline]
    fn walk(&mut self, message: &'a [u8], header: &Header, at: usize) -> Result<(), PseudoRecordError> {
        // Nearly every query has one OPT record behind its question and nothing else. It is taken as below, without a walk.
        if (header.answers | header.authorities, header.additionals) == (0, 1)
            && let Some(record) = message.get(at..).and_then(Record::opt)
        {
            return self.take(&record, at, true, true);
        }
        let mut at = at;
        let mut found = Ok(());
        let additionals = u32::from(header.additionals);
        let count: u32 = [header.answers, header.authorities, header.additionals].map(u32::from).iter().sum();
        for left in (0..count).rev() {
            let Some((record, end)) = Record::read(message, at) else {
                return found.and(Err(PseudoRecordError::Records));
            };
            let taken = self.take(&record, at, left < additionals, left == 0);
            at = end;
            found = found.and(taken);
        }
        found
    }

    /// Looks at the record at `at`: whether it is in the additional section, and the last of the message.
    #[inline]
    fn take(
        &mut self,
        record: &Record<'a>,
        at: usize,
        additional: bool,
        last: bool,
    ) -> Result<(), PseudoRecordError> {
        match record.record_type {
            RecordType::OPT if self.edns.is_some() => Err(PseudoRecordError::OptTwice),
            RecordType::OPT => {
                let (edns, read) = Edns::from_record(record);
                self.edns = Some(edns);
                if additional { read } else { Err(PseudoRecordError::OptSection) }
            }
            RecordType::TSIG if !(additional && last) => Err(PseudoRecordError::TsigPlace),
            RecordType::TSIG => {
                self.tsig = Some(Tsig::from_record(record, at).ok_or(PseudoRecordError::Tsig)?);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::UDP_SIZE_MIN;
    use proptest::prelude::*;

    /// An OPT record of version 0 that offers 1232 octets and sets DO.
    const OPT: &[u8] = b"\0\0\x29\x04\xd0\0\0\x80\0\0\0";
    const A: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\x04\x0a\0\0\x01";
    const TSIG: &[u8] = b"\x01k\0\0\xfa\0\xff\0\0\0\0\0\x13\x01h\0\0\0\0\0\0\x01\x01\x2c\0\0\x12\x34\0\0\0\0";

    /// A message without question whose sections are these.
    fn message(answers: &[&[u8]], authorities: &[&[u8]], additionals: &[&[u8]]) -> Vec<u8> {
        let count = |section: &[&[u8]]| u16::try_from(section.len()).unwrap();
        let header = Header {
            id: 1,
            flags: crate::wire::Flags(0),
            questions: 0,
            answers: count(answers),
            authorities: count(authorities),
            additionals: count(additionals),
        };
        [&header.to_octets(), &answers.concat()[..], &authorities.concat(), &additionals.concat()].concat()
    }

    fn find(message: &[u8]) -> (PseudoRecords<'_>, Result<(), PseudoRecordError>) {
        let mut found = PseudoRecords::default();
        let read = found.read(message, &Header::read(message).unwrap(), None);
        (found, read)
    }

    #[test]
    fn the_opt_record_is_found_anywhere_in_the_additional_section() {
        for message in [
            message(&[], &[], &[OPT]),
            message(&[], &[A, A], &[OPT]),
            message(&[A], &[], &[A, OPT]),
            message(&[A], &[A], &[OPT, A, A]),
            message(&[], &[], &[OPT, TSIG]),
            [message(&[], &[], &[OPT]), OPT.to_vec()].concat(),
        ] {
            let (found, read) = find(&message);
            let edns = found.edns.unwrap();
            assert_eq!(read, Ok(()));
            assert_eq!((edns.udp_size, edns.version, edns.dnssec_ok), (1232, 0, true));
        }
        assert_eq!(find(&message(&[A], &[], &[A])), (PseudoRecords::default(), Ok(())));
    }

    #[test]
    fn the_tsig_record_is_found_at_the_end() {
        for (message, edns) in
            [(message(&[], &[], &[TSIG]), false), (message(&[A], &[], &[A, OPT, TSIG]), true)]
        {
            let (found, read) = find(&message);
            assert_eq!((found.edns.is_some(), found.tsig.unwrap().key), (edns, &b"\x01k\0"[..]));
            assert_eq!(read, Ok(()));
        }
    }

    #[test]
    fn malformed_records_are_refused_by_cause() {
        let mut long_count = message(&[], &[], &[OPT]);
        long_count[11] = 2;
        for (message, error, has_opt) in [
            (message(&[], &[], &[OPT, OPT]), PseudoRecordError::OptTwice, true),
            (message(&[OPT], &[], &[]), PseudoRecordError::OptSection, true),
            (message(&[], &[OPT], &[OPT]), PseudoRecordError::OptSection, true),
            (message(&[], &[], &[b"\x01a\0\0\x29\x04\xd0\0\0\0\0\0\0"]), PseudoRecordError::OptOwner, true),
            (message(&[], &[], &[b"\xc0\x0c\0\x29\x04\xd0\0\0\0\0\0\0"]), PseudoRecordError::OptOwner, true),
            (message(&[], &[], &[b"\0\0\x29\x04\xd0\0\0\0\0\0\x01\0"]), PseudoRecordError::Options, true),
            (
                message(&[], &[], &[b"\0\0\x29\x04\xd0\0\0\0\0\0\x09\0\x0a"]),
                PseudoRecordError::Records,
                false,
            ),
            (message(&[], &[], &[A, b"\0\0\x29"]), PseudoRecordError::Records, false),
            (long_count, PseudoRecordError::Records, true),
            (message(&[TSIG], &[], &[]), PseudoRecordError::TsigPlace, false),
            (message(&[], &[TSIG], &[OPT]), PseudoRecordError::TsigPlace, true),
            (message(&[], &[], &[TSIG, OPT]), PseudoRecordError::TsigPlace, true),
            (message(&[], &[], &[TSIG, OPT, b"\x01"]), PseudoRecordError::TsigPlace, true),
            (
                message(&[], &[], &[b"\x01k\0\0\xfa\0\xff\0\0\0\0\0\0", OPT, OPT]),
                PseudoRecordError::TsigPlace,
                true,
            ),
            (message(&[], &[], &[OPT, TSIG, TSIG]), PseudoRecordError::TsigPlace, true),
            (
                message(&[], &[], &[OPT, b"\x01k\0\0\xfa\0\xff\0\0\0\0\0\x02\x01h"]),
                PseudoRecordError::Tsig,
                true,
            ),
        ] {
            let (found, read) = find(&message);
            assert_eq!((read, found.edns.is_some()), (Err(error), has_opt), "{message:?}");
        }
    }

    proptest! {
        #[test]
        fn any_message_is_read_or_refused(octets in prop::collection::vec(any::<u8>(), 12..300), small in 0_u8..4) {
            let mut octets = octets;
            for count in [4, 6, 8, 10] {
                octets[count] = 0;
                octets[count + 1] &= small;
            }
            if let Some(edns) = find(&octets).0.edns {
                prop_assert!(edns.udp_size >= UDP_SIZE_MIN);
            }
        }
    }
}
