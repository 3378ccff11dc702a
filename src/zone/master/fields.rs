//! The fields that the data of each type consists of: what reads it from text, checks it and writes it goes by these.

use crate::wire::{Name, RecordType};

/// A field of record data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::zone) enum Field {
    /// A domain name, not compressed.
    Name,
    U8,
    U16,
    U32,
    /// 32 bits of seconds; units in text.
    Time,
    Ipv4,
    Ipv6,
    /// One character-string: a length octet and as many octets.
    String,
    /// One character-string or more, up to the end.
    Strings,
    /// A character-string of letters and digits (RFC 8659 4.1).
    Tag,
    /// The rest, as one text.
    Text,
    /// The rest, in hexadecimal digits.
    Hex,
    /// The rest, in Base64.
    Base64,
    /// Octets in hexadecimal digits with hyphens between (RFC 7043).
    Eui(usize),
    /// Size, precision and position (RFC 1876 2).
    Location,
    /// The parameters of a service binding (RFC 9460 2.2).
    Parameters,
}

/// The fields of a type; `None` for those that are octets to us (RFC 3597).
pub(in crate::zone) const fn fields(rtype: RecordType) -> Option<&'static [Field]> {
    use Field::{
        Base64, Eui, Hex, Ipv4, Ipv6, Location, Name, Parameters, String, Strings, Tag, Text, Time, U8, U16,
        U32,
    };
    Some(match rtype {
        RecordType::A => &[Ipv4],
        RecordType::AAAA => &[Ipv6],
        RecordType::NS | RecordType::CNAME | RecordType::PTR | RecordType::DNAME => &[Name],
        RecordType::SOA => &[Name, Name, U32, Time, Time, Time, Time],
        RecordType::MX | RecordType::AFSDB | RecordType::KX => &[U16, Name],
        RecordType::TXT | RecordType::SPF => &[Strings],
        RecordType::HINFO => &[String, String],
        RecordType::RP => &[Name, Name],
        RecordType::SRV => &[U16, U16, U16, Name],
        RecordType::NAPTR => &[U16, U16, String, String, String, Name],
        RecordType::DS => &[U16, U8, U8, Hex],
        RecordType::SSHFP => &[U8, U8, Hex],
        RecordType::TLSA | RecordType::SMIMEA => &[U8, U8, U8, Hex],
        RecordType::CAA => &[U8, Tag, Text],
        RecordType::URI => &[U16, U16, Text],
        RecordType::OPENPGPKEY => &[Base64],
        RecordType::EUI48 => &[Eui(6)],
        RecordType::EUI64 => &[Eui(8)],
        RecordType::LOC => &[Location],
        RecordType::SVCB | RecordType::HTTPS => &[U16, Name, Parameters],
        _ => return None,
    })
}

/// Octets of a type's data before the name whose addresses belong into the additional section.
///
/// RFC 1035 3.3 for NS and MX, RFC 2782 for SRV, RFC 1183 1 for AFSDB, RFC 2230 2 for KX, RFC 9460 4.1 for SVCB.
pub(in crate::zone) const fn target_at(rtype: RecordType) -> Option<usize> {
    match rtype {
        RecordType::NS => Some(0),
        RecordType::MX | RecordType::AFSDB | RecordType::KX | RecordType::SVCB | RecordType::HTTPS => Some(2),
        RecordType::SRV => Some(6),
        _ => None,
    }
}

impl Field {
    /// Octets of the field at the start of `data`; `None` where it is not wholly there or not of its form.
    pub(in crate::zone) fn length(self, data: &[u8]) -> Option<usize> {
        let fixed = |length: usize| (data.len() >= length).then_some(length);
        match self {
            Field::U8 => fixed(1),
            Field::U16 => fixed(2),
            Field::U32 | Field::Time | Field::Ipv4 => fixed(4),
            Field::Ipv6 => fixed(16),
            Field::Eui(octets) => fixed(octets),
            Field::Name => Name::split_from(data).map(|(_, rest)| data.len() - rest.len()),
            Field::String => fixed(1 + usize::from(*data.first()?)),
            Field::Tag => {
                let length = fixed(1 + usize::from(*data.first()?))?;
                let tag = data.get(1..length)?;
                (!tag.is_empty() && tag.iter().all(u8::is_ascii_alphanumeric)).then_some(length)
            }
            Field::Strings => {
                let mut at = 0;
                while let Some(length) = data.get(at) {
                    at += 1 + usize::from(*length);
                }
                (at == data.len() && at > 0).then_some(at)
            }
            Field::Text | Field::Hex | Field::Base64 => Some(data.len()),
            // RFC 1876 2: version 0; other versions may have any form.
            Field::Location => (data.len() == 16 && data.first() == Some(&0)).then_some(16),
            Field::Parameters => super::svcb::check(data).ok().map(|()| data.len()),
        }
    }
}

/// The fields of `rdata` with their octets; ends early where the data is not of the type's form.
pub(in crate::zone) fn split(rtype: RecordType, rdata: &[u8]) -> impl Iterator<Item = (Field, &[u8])> {
    let mut rest = rdata;
    fields(rtype).unwrap_or(&[]).iter().map_while(move |field| {
        let (octets, behind) = rest.split_at_checked(field.length(rest)?)?;
        rest = behind;
        Some((*field, octets))
    })
}

/// Whether `rdata` is data of the type: all fields are there and nothing else is.
pub(in crate::zone) fn is_of_type(rtype: RecordType, rdata: &[u8]) -> bool {
    let Some(fields) = fields(rtype) else { return true };
    let (mut count, mut octets) = (0, 0);
    for (_, field) in split(rtype, rdata) {
        count += 1;
        octets += field.len();
    }
    count == fields.len() && octets == rdata.len()
}

/// The data with its names in lower case: what is compared to find duplicates (RFC 4343 2).
pub(in crate::zone) fn folded(rtype: RecordType, rdata: &[u8]) -> Vec<u8> {
    let mut folded = rdata.to_vec();
    let mut at = 0;
    for (field, octets) in split(rtype, rdata) {
        let end = at + octets.len();
        if let (Field::Name, Some(name)) = (field, folded.get_mut(at..end)) {
            name.make_ascii_lowercase();
        }
        at = end;
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_checked_field_by_field() {
        for (rtype, rdata, fits) in [
            (RecordType::A, &b"\x0a\0\0\x01"[..], true),
            (RecordType::A, b"\x0a\0\0", false),
            (RecordType::A, b"\x0a\0\0\x01\0", false),
            (RecordType::MX, b"\0\x01\x01a\0", true),
            (RecordType::MX, b"\0\x01\x01a", false),
            (RecordType::MX, b"\0\x01\xc0\x0c", false),
            (RecordType::TXT, b"", false),
            (RecordType::TXT, b"\0", true),
            (RecordType::TXT, b"\x01a\x02b", false),
            (RecordType::CAA, b"\0\x05issue", true),
            (RecordType::CAA, b"\0\x05iss-e", false),
            (RecordType(65280), b"\xff", true),
        ] {
            assert_eq!(is_of_type(rtype, rdata), fits, "{rtype} {rdata:?}");
        }
    }

    #[test]
    fn only_names_are_folded() {
        assert_eq!(folded(RecordType::MX, b"\0A\x01A\0"), b"\0A\x01a\0");
        assert_eq!(folded(RecordType::TXT, b"\x01A"), b"\x01A");
    }
}
