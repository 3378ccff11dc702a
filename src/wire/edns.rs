//! EDNS: the OPT record of a query and of an answer (RFC 6891).

use super::record::skip_questions;
use super::{Class, ExtendedError, HEADER_LEN, Header, Rcode, Record, RecordType};

/// Octets of an OPT record without options: root, type, class, TTL, rdata length.
pub const OPT_LEN: usize = 11;

/// The smallest UDP payload size (RFC 6891 6.2.3: "Values lower than 512 MUST be treated as equal to 512").
pub const UDP_SIZE_MIN: u16 = 512;

/// INFO-CODE option (RFC 8914 2).
const OPTION_EDE: u16 = 15;

/// The DO bit in the TTL of an OPT record (RFC 3225 3).
const DNSSEC_OK: u32 = 0x8000;

/// What a query says in its OPT record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edns<'a> {
    /// The largest UDP answer that the client takes, in octets, at least [`UDP_SIZE_MIN`].
    pub udp_size: u16,
    /// The version; what else is here means something for version 0 only.
    pub version: u8,
    /// DO: the client takes DNSSEC records.
    pub dnssec_ok: bool,
    /// Invariant: a sequence of whole options; empty where the version is another.
    options: &'a [u8],
}

/// Why the OPT record of a query cannot be used. Each is a FORMERR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EdnsError {
    /// The message ends before the records that its header counts do, or an owner is no name.
    #[error("the records that the header counts are not all there")]
    Records,
    /// RFC 6891 6.1.1: "If a query message with more than one OPT RR is received, a FORMERR (RCODE=1) MUST be returned."
    #[error("more than one OPT record")]
    Duplicate,
    /// RFC 6891 6.1.1: it may stand "anywhere within the additional data section", so nowhere else.
    #[error("an OPT record outside the additional section")]
    Section,
    /// RFC 6891 6.1.2: its name "MUST be 0 (root domain)".
    #[error("an OPT record whose owner is not the root")]
    Owner,
    /// An option ends behind the record (RFC 6891 6.1.2).
    #[error("an option ends behind the OPT record")]
    Options,
}

/// An OPT record that cannot be used, and what could be read of the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedEdns<'a> {
    /// Why.
    pub error: EdnsError,
    /// Present if the query has an OPT record: then the answer has one too, even a FORMERR.
    pub edns: Option<Edns<'a>>,
}

impl<'a> Edns<'a> {
    /// The options, in their order; none where the version is not 0.
    pub fn options(&self) -> EdnsOptions<'a> {
        EdnsOptions { rest: self.options }
    }

    /// Looks for the OPT record of a query behind its questions, of which the first ends at `question_end` if it is
    /// the only one. Octets behind the last counted record are not looked at.
    ///
    /// The work is bounded by the length of the message: every counted record takes at least eleven octets of it.
    pub fn find(
        message: &'a [u8],
        header: &Header,
        question_end: Option<usize>,
    ) -> Result<Option<Edns<'a>>, MalformedEdns<'a>> {
        let mut edns = None;
        let failed = |error, edns| Err(MalformedEdns { error, edns });
        let behind = question_end.or_else(|| skip_questions(message, HEADER_LEN, header.questions));
        let Some(mut at) = behind else {
            return failed(EdnsError::Records, None);
        };
        let before = u32::from(header.answers) + u32::from(header.authorities);
        for index in 0..before + u32::from(header.additionals) {
            let Some((record, end)) = Record::read(message, at) else {
                return failed(EdnsError::Records, edns);
            };
            at = end;
            if record.record_type != RecordType::OPT {
                continue;
            }
            let read = Edns::from_record(&record);
            if edns.is_some() {
                return failed(EdnsError::Duplicate, edns);
            }
            edns = Some(read.unwrap_or_else(|partial| partial));
            if index < before {
                return failed(EdnsError::Section, edns);
            }
            if record.owner != [0] {
                return failed(EdnsError::Owner, edns);
            }
            if read.is_err() {
                return failed(EdnsError::Options, edns);
            }
        }
        Ok(edns)
    }

    /// What the record says; as an error, without the options, if these are malformed.
    fn from_record(record: &Record<'a>) -> Result<Edns<'a>, Edns<'a>> {
        let [_, version, _, _] = record.ttl.to_be_bytes();
        let edns = Edns {
            udp_size: record.class.0.max(UDP_SIZE_MIN),
            version,
            dnssec_ok: record.ttl & DNSSEC_OK != 0,
            options: &[],
        };
        if version != 0 {
            return Ok(edns);
        }
        if !are_whole_options(record.rdata) {
            return Err(edns);
        }
        Ok(Edns { options: record.rdata, ..edns })
    }
}

/// The options of an OPT record, in their order.
#[derive(Debug, Clone)]
pub struct EdnsOptions<'a> {
    rest: &'a [u8],
}

/// One option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EdnsOption<'a> {
    /// OPTION-CODE.
    pub code: u16,
    /// OPTION-DATA.
    pub data: &'a [u8],
}

fn are_whole_options(rdata: &[u8]) -> bool {
    let mut options = EdnsOptions { rest: rdata };
    while options.next().is_some() {}
    options.rest.is_empty()
}

impl<'a> Iterator for EdnsOptions<'a> {
    type Item = EdnsOption<'a>;

    fn next(&mut self) -> Option<EdnsOption<'a>> {
        let (&[c0, c1, l0, l1], behind) = self.rest.split_first_chunk::<4>()?;
        let (data, rest) = behind.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])))?;
        self.rest = rest;
        Some(EdnsOption { code: u16::from_be_bytes([c0, c1]), data })
    }
}

/// The OPT record of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opt {
    /// The largest UDP query that the server takes, in octets.
    pub udp_size: u16,
    /// RFC 3225 3: "The DO bit of the query MUST be copied in the response."
    pub dnssec_ok: bool,
    /// Extended DNS Errors, each an option of its own (RFC 8914 2).
    pub errors: [Option<ExtendedError>; Opt::ERRORS_MAX],
}

impl Opt {
    /// Most extended errors of one answer: an old one that is cut as well.
    pub const ERRORS_MAX: usize = 2;

    /// Octets on the wire.
    pub fn wire_len(&self) -> usize {
        OPT_LEN + self.options_len()
    }

    fn options_len(&self) -> usize {
        self.errors.iter().flatten().map(ExtendedError::option_len).sum()
    }

    /// Writes the record to the start of `out` and returns its length; nothing if `out` is too short.
    pub fn write(&self, rcode: Rcode, out: &mut [u8]) -> Option<usize> {
        let length = self.wire_len();
        let (head, mut options) = out.get_mut(..length)?.split_first_chunk_mut::<OPT_LEN>()?;
        let [t0, t1] = RecordType::OPT.0.to_be_bytes();
        let [c0, c1] = Class(self.udp_size).0.to_be_bytes();
        let [r0, r1] = u16::try_from(self.options_len()).ok()?.to_be_bytes();
        // RFC 6891 6.1.3: upper bits of the response code, version, flags.
        let flag = if self.dnssec_ok { 0x80 } else { 0 };
        *head = [0, t0, t1, c0, c1, rcode.extended(), 0, flag, 0, r0, r1];
        for error in self.errors.iter().flatten() {
            let (option, rest) = options.split_at_mut_checked(error.option_len())?;
            error.write_option(option)?;
            options = rest;
        }
        Some(length)
    }
}

impl ExtendedError {
    /// Octets of the option: code, length, INFO-CODE, EXTRA-TEXT.
    pub const fn option_len(&self) -> usize {
        6 + self.text.len()
    }

    fn write_option(&self, out: &mut [u8]) -> Option<()> {
        let (head, text) = out.split_first_chunk_mut::<6>()?;
        let [o0, o1] = OPTION_EDE.to_be_bytes();
        let [l0, l1] = u16::try_from(2 + self.text.len()).ok()?.to_be_bytes();
        let [c0, c1] = self.code.code().to_be_bytes();
        *head = [o0, o1, l0, l1, c0, c1];
        text.get_mut(..self.text.len())?.copy_from_slice(self.text.as_bytes());
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Ede;
    use proptest::prelude::*;

    /// An OPT record of version 0 that offers 1232 octets and sets DO.
    const OPT: &[u8] = b"\0\0\x29\x04\xd0\0\0\x80\0\0\0";
    const A: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\x04\x0a\0\0\x01";

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

    fn find(message: &[u8]) -> Result<Option<Edns<'_>>, MalformedEdns<'_>> {
        Edns::find(message, &Header::read(message).unwrap(), None)
    }

    #[test]
    fn the_opt_record_is_found_anywhere_in_the_additional_section() {
        for message in [
            message(&[], &[], &[OPT]),
            message(&[], &[A, A], &[OPT]),
            message(&[A], &[], &[A, OPT]),
            message(&[A], &[A], &[OPT, A, A]),
            [message(&[], &[], &[OPT]), OPT.to_vec()].concat(),
        ] {
            let edns = find(&message).unwrap().unwrap();
            assert_eq!((edns.udp_size, edns.version, edns.dnssec_ok), (1232, 0, true));
            assert_eq!(edns.options().count(), 0);
        }
        assert_eq!(find(&message(&[A], &[], &[A])), Ok(None));
    }

    #[test]
    fn malformed_opt_records_are_refused_by_cause() {
        let mut long_count = message(&[], &[], &[OPT]);
        long_count[11] = 2;
        for (message, error, has_opt) in [
            (message(&[], &[], &[OPT, OPT]), EdnsError::Duplicate, true),
            (message(&[OPT], &[], &[]), EdnsError::Section, true),
            (message(&[], &[OPT], &[OPT]), EdnsError::Section, true),
            (message(&[], &[], &[b"\x01a\0\0\x29\x04\xd0\0\0\0\0\0\0"]), EdnsError::Owner, true),
            (message(&[], &[], &[b"\xc0\x0c\0\x29\x04\xd0\0\0\0\0\0\0"]), EdnsError::Owner, true),
            (message(&[], &[], &[b"\0\0\x29\x04\xd0\0\0\0\0\0\x01\0"]), EdnsError::Options, true),
            (message(&[], &[], &[b"\0\0\x29\x04\xd0\0\0\0\0\0\x04\0\x0a\0\x01"]), EdnsError::Options, true),
            (message(&[], &[], &[b"\0\0\x29\x04\xd0\0\0\0\0\0\x09\0\x0a"]), EdnsError::Records, false),
            (message(&[], &[], &[A, b"\0\0\x29"]), EdnsError::Records, false),
            (long_count, EdnsError::Records, true),
        ] {
            let malformed = find(&message).unwrap_err();
            assert_eq!((malformed.error, malformed.edns.is_some()), (error, has_opt), "{message:?}");
        }
    }

    #[test]
    fn another_version_is_not_read_further() {
        let message = message(&[], &[], &[b"\0\0\x29\x01\0\0\x01\0\0\0\x03abc"]);
        let edns = find(&message).unwrap().unwrap();
        assert_eq!((edns.version, edns.udp_size, edns.options().count()), (1, 512, 0));
    }

    #[test]
    fn options_are_read_in_their_order() {
        let options = EdnsOptions { rest: b"\0\x0a\0\x02xy\0\x03\0\0" };
        assert_eq!(
            options.collect::<Vec<_>>(),
            [EdnsOption { code: 10, data: b"xy" }, EdnsOption { code: 3, data: b"" }]
        );
    }

    #[test]
    fn a_written_opt_is_as_long_as_announced() {
        let cut = ExtendedError { code: Ede::Other, text: "cut" };
        for (errors, options) in [
            ([None, None], &b""[..]),
            ([Some(Ede::NotReady.into()), None], b"\0\x0f\0\x02\0\x0e"),
            ([Some(Ede::StaleAnswer.into()), Some(cut)], b"\0\x0f\0\x02\0\x03\0\x0f\0\x05\0\0cut"),
        ] {
            let opt = Opt { udp_size: 1232, dnssec_ok: true, errors };
            let mut out = [0xff; 64];
            let length = opt.write(Rcode::BADVERS, &mut out).unwrap();
            assert_eq!(length, opt.wire_len());
            let rdata_len = u8::try_from(options.len()).unwrap();
            let head = [0, 0, 41, 0x04, 0xd0, 1, 0, 0x80, 0, 0, rdata_len];
            assert_eq!(out[..length], [&head[..], options].concat());
            for short in 0..length {
                assert_eq!(opt.write(Rcode::NOERROR, &mut out[..short]), None);
            }
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
            if let Ok(Some(edns)) = find(&octets) {
                prop_assert!(edns.udp_size >= UDP_SIZE_MIN);
            }
        }

        #[test]
        fn options_are_whole_or_refused(rdata in prop::collection::vec(0_u8..6, 0..60)) {
            let options = EdnsOptions { rest: &rdata };
            let length: usize = options.map(|option| 4 + option.data.len()).sum();
            prop_assert_eq!(length == rdata.len(), are_whole_options(&rdata));
        }
    }
}
