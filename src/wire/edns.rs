//! EDNS: the OPT record of a query (RFC 6891).

use super::opt::option;
use super::{PseudoRecordError, Record};

/// The smallest UDP payload size (RFC 6891 6.2.3: "Values lower than 512 MUST be treated as equal to 512").
pub const UDP_SIZE_MIN: u16 = 512;

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
    /// What it asks for by options; nothing where the version is not 0.
    pub options: EdnsOptions<'a>,
}

/// The options of a query that mean something here. All others are ignored (RFC 6891 6.1.2: "Any OPTION-CODE values not
/// understood by a responder or requestor MUST be ignored").
#[expect(clippy::struct_excessive_bools, reason = "each is an option that stands there or does not")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EdnsOptions<'a> {
    /// The data of the first COOKIE option, of whatever length; further ones are ignored (RFC 7873 5.2).
    pub cookie: Option<&'a [u8]>,
    /// The client would know which server answers. What it sends along means nothing (RFC 5001 2.1).
    pub nsid: bool,
    /// The client would know how long an idle connection is kept. A time that it sends along means nothing: saying it is
    /// for the server (RFC 7828 3.2.1, 3.3.2).
    pub tcp_keepalive: bool,
    /// The query is padded: its answer is to be, too. What the padding holds means nothing (RFC 7830 3, 4).
    pub padding: bool,
    /// The client would know the version of the zone (RFC 9660 3.1).
    pub zone_version: bool,
}

impl<'a> Edns<'a> {
    /// What the record says. An error comes with what could be read in spite of it: an answer has an OPT record even
    /// if it is a FORMERR.
    #[inline]
    pub(super) fn from_record(record: &Record<'a>) -> (Edns<'a>, Result<(), PseudoRecordError>) {
        let [_, version, _, _] = record.ttl.to_be_bytes();
        let mut edns = Edns {
            udp_size: record.class.0.max(UDP_SIZE_MIN),
            version,
            dnssec_ok: record.ttl & DNSSEC_OK != 0,
            options: EdnsOptions::default(),
        };
        let read = match version {
            // RFC 6891 6.1.2: its name "MUST be 0 (root domain)".
            _ if record.owner != [0] => Err(PseudoRecordError::OptOwner),
            0 => EdnsOptions::read(record.rdata).map(|options| edns.options = options),
            _ => Ok(()),
        };
        (edns, read)
    }
}

impl<'a> EdnsOptions<'a> {
    #[inline]
    fn read(rdata: &'a [u8]) -> Result<EdnsOptions<'a>, PseudoRecordError> {
        let mut options = EdnsOptions::default();
        let mut rest = rdata;
        while !rest.is_empty() {
            let (code, data, behind) = split_option(rest).ok_or(PseudoRecordError::Options)?;
            rest = behind;
            match code {
                option::COOKIE => options.cookie = options.cookie.or(Some(data)),
                option::NSID => options.nsid = true,
                option::TCP_KEEPALIVE => options.tcp_keepalive = true,
                option::PADDING => options.padding = true,
                // RFC 9660 3.1: a client asks by an empty option. One with data is taken for malformed.
                option::ZONE_VERSION if data.is_empty() => options.zone_version = true,
                option::ZONE_VERSION => return Err(PseudoRecordError::ZoneVersion),
                _ => {}
            }
        }
        Ok(options)
    }
}

/// The code and the data of the first option, and what is behind it (RFC 6891 6.1.2).
#[inline]
fn split_option(options: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (&[c0, c1, l0, l1], behind) = options.split_first_chunk::<4>()?;
    let (data, rest) = behind.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])))?;
    Some((u16::from_be_bytes([c0, c1]), data, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Class, RecordType};
    use proptest::prelude::*;

    fn record(class: u16, ttl: u32, rdata: &[u8]) -> Record<'_> {
        Record { owner: &[0], record_type: RecordType::OPT, class: Class(class), ttl, rdata }
    }

    #[test]
    fn class_and_ttl_are_size_version_and_flags() {
        for (class, ttl, udp_size, version, dnssec_ok) in [
            (1232, 0, 1232, 0, false),
            (511, 0x8000, 512, 0, true),
            (0, 0x7fff, 512, 0, false),
            (65535, 0xff01_ffff, 65535, 1, true),
        ] {
            let (edns, read) = Edns::from_record(&record(class, ttl, b""));
            let expected = Edns { udp_size, version, dnssec_ok, options: EdnsOptions::default() };
            assert_eq!((edns, read), (expected, Ok(())));
        }
    }

    #[test]
    fn another_version_is_not_read_further() {
        let (edns, read) = Edns::from_record(&record(512, 1 << 16, b"\0\x0a\0\xffabc"));
        assert_eq!((edns.version, edns.options, read), (1, EdnsOptions::default(), Ok(())));
    }

    #[test]
    fn known_options_are_found_among_others() {
        let nothing = EdnsOptions::default();
        for (rdata, options) in [
            (&b"\0\x08\0\x04\0\x01\0\0\xff\xfe\0\0"[..], nothing),
            (b"\0\x0a\0\x02xy\0\x0a\0\x01z", EdnsOptions { cookie: Some(b"xy"), ..nothing }),
            (b"\0\x0a\0\0\0\x0a\0\x01z", EdnsOptions { cookie: Some(b""), ..nothing }),
            (b"\0\x03\0\0", EdnsOptions { nsid: true, ..nothing }),
            (b"\0\x03\0\x01x", EdnsOptions { nsid: true, ..nothing }),
            (b"\0\x0b\0\0", EdnsOptions { tcp_keepalive: true, ..nothing }),
            (b"\0\x0b\0\x02\0\x96", EdnsOptions { tcp_keepalive: true, ..nothing }),
            (b"\0\x0c\0\x03\0\x01\0", EdnsOptions { padding: true, ..nothing }),
            (b"\xff\xfe\0\x01x\0\x13\0\0", EdnsOptions { zone_version: true, ..nothing }),
        ] {
            let (edns, read) = Edns::from_record(&record(1232, 0, rdata));
            assert_eq!((edns.options, read), (options, Ok(())), "{rdata:?}");
        }
    }

    #[test]
    fn malformed_options_are_refused_and_the_rest_is_known() {
        for (rdata, error) in [
            (&b"\0"[..], PseudoRecordError::Options),
            (b"\0\x0a\0", PseudoRecordError::Options),
            (b"\0\x0a\0\x01", PseudoRecordError::Options),
            (b"\0\x03\0\0\0\x0a\0\x02x", PseudoRecordError::Options),
            (b"\0\x13\0\x01\0", PseudoRecordError::ZoneVersion),
            (b"\0\x13\0\x06\x03\0\0\0\0\x01", PseudoRecordError::ZoneVersion),
        ] {
            let (edns, read) = Edns::from_record(&record(1232, 0x8000, rdata));
            assert_eq!((edns.udp_size, edns.dnssec_ok, read), (1232, true, Err(error)), "{rdata:?}");
            assert_eq!(edns.options, EdnsOptions::default());
        }
    }

    proptest! {
        #[test]
        fn any_rdata_is_read_or_refused(rdata in prop::collection::vec(prop_oneof![0_u8..20, any::<u8>()], 0..60)) {
            let (edns, read) = Edns::from_record(&record(1232, 0, &rdata));
            if let Some(cookie) = edns.options.cookie {
                prop_assert!(read.is_ok() && cookie.len() + 4 <= rdata.len());
            }
        }
    }
}
