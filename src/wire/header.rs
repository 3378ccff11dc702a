//! The header of a message (RFC 1035 4.1.1).

use std::fmt;
use std::ops::BitOr;

/// Octets of a header.
pub const HEADER_LEN: usize = 12;

/// A header: what every message begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Chosen by the client, copied into the answer.
    pub id: u16,
    /// Flags, opcode and the low half of the response code.
    pub flags: Flags,
    /// QDCOUNT.
    pub questions: u16,
    /// ANCOUNT.
    pub answers: u16,
    /// NSCOUNT.
    pub authorities: u16,
    /// ARCOUNT.
    pub additionals: u16,
}

impl Header {
    /// The header that `message` begins with; nothing if it is shorter than one.
    #[inline]
    pub fn read(message: &[u8]) -> Option<Header> {
        let &[i0, i1, f0, f1, q0, q1, an0, an1, ns0, ns1, ar0, ar1] = message.first_chunk::<HEADER_LEN>()?;
        Some(Header {
            id: u16::from_be_bytes([i0, i1]),
            flags: Flags(u16::from_be_bytes([f0, f1])),
            questions: u16::from_be_bytes([q0, q1]),
            answers: u16::from_be_bytes([an0, an1]),
            authorities: u16::from_be_bytes([ns0, ns1]),
            additionals: u16::from_be_bytes([ar0, ar1]),
        })
    }

    /// The header on the wire.
    #[inline]
    pub fn to_octets(self) -> [u8; HEADER_LEN] {
        let [i0, i1] = self.id.to_be_bytes();
        let [f0, f1] = self.flags.0.to_be_bytes();
        let [q0, q1] = self.questions.to_be_bytes();
        let [an0, an1] = self.answers.to_be_bytes();
        let [ns0, ns1] = self.authorities.to_be_bytes();
        let [ar0, ar1] = self.additionals.to_be_bytes();
        [i0, i1, f0, f1, q0, q1, an0, an1, ns0, ns1, ar0, ar1]
    }
}

/// The second word of a header: flags, opcode and response code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(pub u16);

impl Flags {
    /// This is an answer.
    pub const QR: Flags = Flags(0x8000);
    /// The answer is authoritative.
    pub const AA: Flags = Flags(0x0400);
    /// The answer is cut.
    pub const TC: Flags = Flags(0x0200);
    /// Recursion is desired.
    pub const RD: Flags = Flags(0x0100);
    /// Recursion is available.
    pub const RA: Flags = Flags(0x0080);
    /// Reserved, zero.
    pub const Z: Flags = Flags(0x0040);
    /// Authentic data (RFC 4035 3.2.3).
    pub const AD: Flags = Flags(0x0020);
    /// Checking disabled (RFC 4035 3.2.2).
    pub const CD: Flags = Flags(0x0010);

    const OPCODE: u16 = 0x7800;

    /// Whether all flags of `other` are set.
    pub const fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Those of a message of this kind, all else clear.
    pub const fn of(opcode: Opcode) -> Flags {
        Flags(opcode.0 << 11)
    }

    /// What kind of message this is.
    pub const fn opcode(self) -> Opcode {
        Opcode((self.0 & Flags::OPCODE) >> 11)
    }

    /// The flags of an answer to a message with these: QR set, opcode and RD copied (RFC 1035 4.1.1), all else clear.
    #[must_use]
    pub const fn of_answer(self) -> Flags {
        Flags(self.0 & (Flags::OPCODE | Flags::RD.0) | Flags::QR.0)
    }

    /// The part of a response code that stands here; [`Rcode::extended`] is the rest.
    pub const fn rcode(self) -> Rcode {
        Rcode(self.0 & 0x000f)
    }

    /// These flags with the low four bits of a response code in place of the one before.
    #[must_use]
    pub const fn with_rcode(self, rcode: Rcode) -> Flags {
        Flags(self.0 & 0xfff0 | rcode.0 & 0x000f)
    }
}

impl BitOr for Flags {
    type Output = Flags;

    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

/// The kind of a message, four bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Opcode(u16);

impl Opcode {
    /// A question (RFC 1035).
    pub const QUERY: Opcode = Opcode(0);
    /// A zone has changed (RFC 1996).
    pub const NOTIFY: Opcode = Opcode(4);
    /// Change a zone (RFC 2136).
    pub const UPDATE: Opcode = Opcode(5);
}

/// A response code: four bits in the header and, with EDNS, eight more in the OPT record (RFC 6891 6.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rcode(pub u16);

impl Rcode {
    /// No error.
    pub const NOERROR: Rcode = Rcode(0);
    /// The message cannot be read.
    pub const FORMERR: Rcode = Rcode(1);
    /// The server cannot answer now.
    pub const SERVFAIL: Rcode = Rcode(2);
    /// The name does not exist.
    pub const NXDOMAIN: Rcode = Rcode(3);
    /// The kind of message is not supported.
    pub const NOTIMP: Rcode = Rcode(4);
    /// The server will not answer this.
    pub const REFUSED: Rcode = Rcode(5);
    /// A name that comes of a redirection is too long (RFC 6672 2.2).
    pub const YXDOMAIN: Rcode = Rcode(6);
    /// The key of a signature is not known, with TSIG (RFC 8945 5.2.1).
    pub const NOTAUTH: Rcode = Rcode(9);
    /// The EDNS version is not supported (RFC 6891 9).
    pub const BADVERS: Rcode = Rcode(16);
    /// The server cookie is missing or bad (RFC 7873 8).
    pub const BADCOOKIE: Rcode = Rcode(23);

    /// The upper eight bits, which stand in the OPT record.
    pub const fn extended(self) -> u8 {
        (self.0 >> 4).to_be_bytes()[1]
    }
}

impl fmt::Display for Rcode {
    /// The mnemonic in the registry of DNS RCODEs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match *self {
            Rcode::NOERROR => "NOERROR",
            Rcode::FORMERR => "FORMERR",
            Rcode::SERVFAIL => "SERVFAIL",
            Rcode::NXDOMAIN => "NXDOMAIN",
            Rcode::NOTIMP => "NOTIMP",
            Rcode::REFUSED => "REFUSED",
            Rcode::YXDOMAIN => "YXDOMAIN",
            Rcode::NOTAUTH => "NOTAUTH",
            Rcode::BADVERS => "BADVERS",
            Rcode::BADCOOKIE => "BADCOOKIE",
            Rcode(number) => return write!(f, "RCODE{number}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_answer_copies_opcode_and_rd_only() {
        for (query, answer) in [
            (0x0000, 0x8000),
            (0x0100, 0x8100),
            (0x07ff, 0x8100),
            (0x2000, 0xa000),
            (0x7800, 0xf800),
            (0x0130, 0x8100),
        ] {
            assert_eq!(Flags(query).of_answer(), Flags(answer), "{query:#06x}");
        }
        assert_eq!(Flags(0x2000).opcode(), Opcode::NOTIFY);
        assert_eq!(Flags(0x2800).opcode(), Opcode::UPDATE);
        assert!(Flags(0x0010).contains(Flags::CD) && !Flags(0x0010).contains(Flags::CD | Flags::AD));
    }

    #[test]
    fn a_response_code_is_split_over_header_and_opt() {
        assert_eq!(Flags(0x8100).with_rcode(Rcode::BADVERS), Flags(0x8100));
        assert_eq!(Rcode::BADVERS.extended(), 1);
        assert_eq!(Flags(0x8102).with_rcode(Rcode::REFUSED), Flags(0x8105));
        assert_eq!(Rcode::REFUSED.extended(), 0);
        assert_eq!(Rcode::REFUSED.to_string(), "REFUSED");
        assert_eq!(Rcode::YXDOMAIN.to_string(), "YXDOMAIN");
        assert_eq!(Rcode(24).to_string(), "RCODE24");
    }

    proptest! {
        #[test]
        fn octets_and_header_are_inverse(octets in prop::collection::vec(any::<u8>(), 0..20)) {
            match Header::read(&octets) {
                Some(header) => prop_assert_eq!(&header.to_octets()[..], &octets[..12]),
                None => prop_assert!(octets.len() < HEADER_LEN),
            }
        }
    }
}
