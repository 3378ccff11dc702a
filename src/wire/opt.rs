//! The OPT record of an answer (RFC 6891 6.1), with the options that this server sends.

use super::cookie::COOKIE_LEN;
use super::{Class, ExtendedError, Rcode, RecordType};

/// Octets of an OPT record without options: root, type, class, TTL, rdata length.
pub const OPT_LEN: usize = 11;

/// Octets of an option before its data: code, length (RFC 6891 6.1.2).
const OPTION_HEAD_LEN: usize = 4;

/// Numbers of options in the registry of EDNS0 option codes.
pub(super) mod option {
    /// Name server identifier (RFC 5001).
    pub(in crate::wire) const NSID: u16 = 3;
    /// Cookie (RFC 7873).
    pub(in crate::wire) const COOKIE: u16 = 10;
    /// edns-tcp-keepalive (RFC 7828).
    pub(in crate::wire) const TCP_KEEPALIVE: u16 = 11;
    /// Padding (RFC 7830).
    pub(in crate::wire) const PADDING: u16 = 12;
    /// Extended DNS Error (RFC 8914).
    pub(in crate::wire) const EDE: u16 = 15;
    /// Zone version (RFC 9660).
    pub(in crate::wire) const ZONE_VERSION: u16 = 19;
}

/// What becomes the OPT record of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opt<'a> {
    /// The largest UDP query that the server takes, in octets.
    pub udp_size: u16,
    /// RFC 3225 3: "The DO bit of the query MUST be copied in the response."
    pub dnssec_ok: bool,
    /// Client and server cookie.
    pub cookie: Option<&'a [u8; COOKIE_LEN]>,
    /// Name server identifier.
    pub nsid: Option<&'a [u8]>,
    /// How long an idle TCP connection is kept, in units of 100 ms (RFC 7828 3.1).
    pub tcp_keepalive: Option<u16>,
    /// So many octets of padding, 0x00 each (RFC 7830 3).
    pub padding: Option<u16>,
    /// Which version of the zone answers.
    pub zone_version: Option<ZoneVersion>,
    /// Extended DNS Errors, each an option of its own (RFC 8914 2).
    pub errors: &'a [Option<ExtendedError>; Opt::ERRORS_MAX],
}

/// The version of a zone, of the type SOA-SERIAL (RFC 9660 2, 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZoneVersion {
    /// Labels of the zone's name, without the root label: which of the names above the question's the zone has.
    pub labels: u8,
    /// The serial in its SOA.
    pub serial: u32,
}

#[expect(clippy::arithmetic_side_effects, reason = "lengths of a few slices, of which memory holds all")]
impl Opt<'_> {
    /// Most extended errors of one answer: an old one that is cut as well.
    pub const ERRORS_MAX: usize = 2;

    /// Octets of a padding option before its padding.
    pub const PADDING_HEAD_LEN: usize = OPTION_HEAD_LEN;

    /// Octets on the wire.
    #[inline]
    pub fn wire_len(&self) -> usize {
        OPT_LEN + self.options_len()
    }

    #[inline]
    fn options_len(&self) -> usize {
        self.nsid.map_or(0, |id| OPTION_HEAD_LEN + id.len())
            + self.cookie.map_or(0, |cookie| OPTION_HEAD_LEN + cookie.len())
            + self.tcp_keepalive.map_or(0, |_| OPTION_HEAD_LEN + 2)
            + self.padding.map_or(0, |octets| OPTION_HEAD_LEN + usize::from(octets))
            + self.errors.iter().flatten().map(ExtendedError::option_len).sum::<usize>()
            + self.zone_version.map_or(0, |_| ZoneVersion::OPTION_LEN)
    }

    /// Writes the record to the start of `out` and returns its length; nothing if `out` is too short.
    #[inline]
    pub fn write(&self, rcode: Rcode, out: &mut [u8]) -> Option<usize> {
        let (head, rest) = out.split_first_chunk_mut::<OPT_LEN>()?;
        let room = rest.len();
        // What is behind the options is not counted: they are written before their length is.
        let options_len = room - self.write_options(Options { rest })?;
        let [t0, t1] = RecordType::OPT.0.to_be_bytes();
        let [c0, c1] = Class(self.udp_size).0.to_be_bytes();
        let [r0, r1] = u16::try_from(options_len).ok()?.to_be_bytes();
        // RFC 6891 6.1.3: upper bits of the response code, version, flags.
        let flag = if self.dnssec_ok { 0x80 } else { 0 };
        *head = [0, t0, t1, c0, c1, rcode.extended(), 0, flag, 0, r0, r1];
        Some(OPT_LEN + options_len)
    }

    /// Returns how much of the room is left.
    #[inline]
    fn write_options(&self, mut options: Options<'_>) -> Option<usize> {
        if let Some(id) = self.nsid {
            options.put(option::NSID, &[id])?;
        }
        if let Some(cookie) = self.cookie {
            let [c0, c1] = option::COOKIE.to_be_bytes();
            let [.., length] = COOKIE_LEN.to_be_bytes();
            options.write(&[c0, c1, 0, length])?;
            options.write(cookie)?;
        }
        if let Some(timeout) = self.tcp_keepalive {
            options.put(option::TCP_KEEPALIVE, &[&timeout.to_be_bytes()])?;
        }
        for error in self.errors.iter().flatten() {
            let [c0, c1] = option::EDE.to_be_bytes();
            let [l0, l1] = u16::try_from(2 + error.text.len()).ok()?.to_be_bytes();
            let [e0, e1] = error.code.code().to_be_bytes();
            options.write(&[c0, c1, l0, l1, e0, e1])?;
            if !error.text.is_empty() {
                options.write(error.text.as_bytes())?;
            }
        }
        if let Some(version) = self.zone_version {
            // RFC 9660 2: LABELCOUNT, TYPE 0 (SOA-SERIAL), VERSION.
            options.put(option::ZONE_VERSION, &[&[version.labels, 0], &version.serial.to_be_bytes()])?;
        }
        if let Some(octets) = self.padding {
            options.pad(octets)?;
        }
        Some(options.rest.len())
    }
}

impl ZoneVersion {
    /// Octets of the option: code, length, LABELCOUNT, TYPE, serial.
    pub const OPTION_LEN: usize = OPTION_HEAD_LEN + 2 + 4;
}

impl ExtendedError {
    /// Octets of the option: code, length, INFO-CODE, EXTRA-TEXT.
    pub const fn option_len(&self) -> usize {
        self.text.len().saturating_add(OPTION_HEAD_LEN + 2)
    }
}

/// Room for options.
struct Options<'a> {
    rest: &'a mut [u8],
}

impl Options<'_> {
    /// Writes an option whose data are these parts, one behind the other.
    #[inline]
    fn put(&mut self, code: u16, parts: &[&[u8]]) -> Option<()> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let [c0, c1] = code.to_be_bytes();
        let [l0, l1] = u16::try_from(length).ok()?.to_be_bytes();
        self.write(&[c0, c1, l0, l1])?;
        parts.iter().try_for_each(|part| self.write(part))
    }

    /// Writes a padding option. RFC 7830 3: "The PADDING octets SHOULD be set to 0x00."
    fn pad(&mut self, octets: u16) -> Option<()> {
        let [c0, c1] = option::PADDING.to_be_bytes();
        let [l0, l1] = octets.to_be_bytes();
        self.write(&[c0, c1, l0, l1])?;
        let (place, rest) = std::mem::take(&mut self.rest).split_at_mut_checked(octets.into())?;
        place.fill(0);
        self.rest = rest;
        Some(())
    }

    fn write(&mut self, octets: &[u8]) -> Option<()> {
        let (place, rest) = std::mem::take(&mut self.rest).split_at_mut_checked(octets.len())?;
        place.copy_from_slice(octets);
        self.rest = rest;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Ede;

    const BARE: Opt<'static> = Opt {
        udp_size: 1232,
        dnssec_ok: true,
        cookie: None,
        nsid: None,
        tcp_keepalive: None,
        padding: None,
        zone_version: None,
        errors: &[None; Opt::ERRORS_MAX],
    };

    #[test]
    fn a_written_opt_is_as_long_as_announced() {
        let cut = ExtendedError { code: Ede::Other, text: "cut" };
        let not_ready = Some(Ede::NotReady.into());
        for (opt, options) in [
            (BARE, &b""[..]),
            (Opt { errors: &[not_ready, None], ..BARE }, b"\0\x0f\0\x02\0\x0e"),
            (
                Opt { errors: &[Some(Ede::StaleAnswer.into()), Some(cut)], ..BARE },
                b"\0\x0f\0\x02\0\x03\0\x0f\0\x05\0\0cut",
            ),
            (Opt { nsid: Some(b"one"), ..BARE }, b"\0\x03\0\x03one"),
            (Opt { nsid: Some(b""), ..BARE }, b"\0\x03\0\0"),
            (Opt { tcp_keepalive: Some(150), ..BARE }, b"\0\x0b\0\x02\0\x96"),
            (Opt { padding: Some(0), ..BARE }, b"\0\x0c\0\0"),
            (Opt { nsid: Some(b"x"), padding: Some(3), ..BARE }, b"\0\x03\0\x01x\0\x0c\0\x03\0\0\0"),
            (
                Opt { zone_version: Some(ZoneVersion { labels: 3, serial: 0x0102_0304 }), ..BARE },
                b"\0\x13\0\x06\x03\0\x01\x02\x03\x04",
            ),
            (
                Opt {
                    cookie: Some(b"abcdefghijklmnopqrstuvwx"),
                    nsid: Some(b"x"),
                    errors: &[not_ready, None],
                    ..BARE
                },
                b"\0\x03\0\x01x\0\x0a\0\x18abcdefghijklmnopqrstuvwx\0\x0f\0\x02\0\x0e",
            ),
        ] {
            let mut out = [0xff; 64];
            let length = opt.write(Rcode::BADVERS, &mut out).unwrap();
            assert_eq!(length, opt.wire_len());
            let rdata_len = u8::try_from(options.len()).unwrap();
            let head = [0, 0, 41, 0x04, 0xd0, 1, 0, 0x80, 0, 0, rdata_len];
            assert_eq!(out[..length], [&head, options].concat());
            assert_eq!(opt.write(Rcode::NOERROR, &mut out[..length - 1]), None);
        }
    }
}
