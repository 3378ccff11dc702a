//! Record types and classes: numbers on the wire, mnemonics in text.

use std::fmt;
use std::str::FromStr;

/// The type of a record or, with the additional values `AXFR`, `IXFR` and `ANY`, of a question (RFC 1035 3.2.2, 3.2.3).
///
/// Every number is a type: what is not named here is `TYPE65280` in text (RFC 3597 5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordType(pub u16);

/// Why a text names no record type or class.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {of}: neither a known mnemonic nor {generic} with a number up to 65535")]
pub struct MnemonicError {
    text: String,
    of: &'static str,
    generic: &'static str,
}

/// Names, numbers and the table for text in one place, so that none can be forgotten in the other.
macro_rules! mnemonics {
    ($of:ident, $what:literal, $generic:literal: $($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        impl $of {
            $($(#[$doc])* pub const $name: $of = $of($number);)*

            /// The mnemonic, where there is one.
            pub const fn mnemonic(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $of {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.mnemonic() {
                    Some(mnemonic) => f.pad(mnemonic),
                    None => write!(f, concat!($generic, "{}"), self.0),
                }
            }
        }

        impl fmt::Debug for $of {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $of {
            type Err = MnemonicError;

            /// Reads a mnemonic or the generic form, letters in either case.
            fn from_str(text: &str) -> Result<$of, MnemonicError> {
                $(if text.eq_ignore_ascii_case(stringify!($name)) {
                    return Ok($of::$name);
                })*
                generic_number(text, $generic).map($of).ok_or_else(|| MnemonicError {
                    text: text.to_owned(),
                    of: $what,
                    generic: $generic,
                })
            }
        }
    };
}

mnemonics! {
    RecordType, "record type", "TYPE":
    /// IPv4 address (RFC 1035 3.4.1).
    A = 1,
    /// Name server (RFC 1035 3.3.11).
    NS = 2,
    /// Alias (RFC 1035 3.3.1).
    CNAME = 5,
    /// Start of authority (RFC 1035 3.3.13).
    SOA = 6,
    /// Pointer from an address to a name (RFC 1035 3.3.12).
    PTR = 12,
    /// Hardware and operating system (RFC 1035 3.3.2).
    HINFO = 13,
    /// Mail exchange (RFC 1035 3.3.9).
    MX = 15,
    /// Character strings (RFC 1035 3.3.14).
    TXT = 16,
    /// Responsible person (RFC 1183 2.2).
    RP = 17,
    /// Server of an AFS cell or DCE (RFC 1183 1).
    AFSDB = 18,
    /// Signature of old DNSSEC (RFC 2535 4).
    SIG = 24,
    /// Key of old DNSSEC (RFC 2535 3).
    KEY = 25,
    /// IPv6 address (RFC 3596).
    AAAA = 28,
    /// Location on earth (RFC 1876).
    LOC = 29,
    /// Denial of existence of old DNSSEC (RFC 2535 5).
    NXT = 30,
    /// Service location (RFC 2782).
    SRV = 33,
    /// Naming authority pointer (RFC 3403).
    NAPTR = 35,
    /// Key exchanger (RFC 2230).
    KX = 36,
    /// Redirection of a subtree (RFC 6672).
    DNAME = 39,
    /// EDNS, not a record of any name (RFC 6891).
    OPT = 41,
    /// Delegation signer, which belongs to the parent's side of a cut (RFC 4034 5).
    DS = 43,
    /// SSH key fingerprint (RFC 4255).
    SSHFP = 44,
    /// Signature (RFC 4034 3).
    RRSIG = 46,
    /// Denial of existence (RFC 4034 4).
    NSEC = 47,
    /// Zone key (RFC 4034 2).
    DNSKEY = 48,
    /// Hashed denial of existence (RFC 5155 3).
    NSEC3 = 50,
    /// Parameters of hashed denial (RFC 5155 4).
    NSEC3PARAM = 51,
    /// TLS certificate association (RFC 6698).
    TLSA = 52,
    /// S/MIME certificate association (RFC 8162).
    SMIMEA = 53,
    /// Child DS (RFC 7344).
    CDS = 59,
    /// Child DNSKEY (RFC 7344).
    CDNSKEY = 60,
    /// OpenPGP key (RFC 7929).
    OPENPGPKEY = 61,
    /// Digest of a zone (RFC 8976).
    ZONEMD = 63,
    /// Service binding (RFC 9460).
    SVCB = 64,
    /// Service binding for HTTPS (RFC 9460).
    HTTPS = 65,
    /// Sender policy, in the type that TXT has taken over from (RFC 7208 3.1).
    SPF = 99,
    /// Hardware address of 48 bits (RFC 7043).
    EUI48 = 108,
    /// Hardware address of 64 bits (RFC 7043).
    EUI64 = 109,
    /// Transaction signature, not a record of any name (RFC 8945).
    TSIG = 250,
    /// Question: what changed since a serial (RFC 1995).
    IXFR = 251,
    /// Question: the whole zone (RFC 5936).
    AXFR = 252,
    /// Question: all types, `*` in RFC 1035 3.2.3.
    ANY = 255,
    /// Address of a resource (RFC 7553).
    URI = 256,
    /// Certification authority authorisation (RFC 8659).
    CAA = 257,
}

/// The class of a record or of a question (RFC 1035 3.2.4, 3.2.5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Class(pub u16);

mnemonics! {
    Class, "class", "CLASS":
    /// The Internet.
    IN = 1,
    /// Chaosnet; today the class of questions about the server itself (RFC 4892).
    CH = 3,
    /// Hesiod.
    HS = 4,
    /// No class: prerequisites and deletions of UPDATE (RFC 2136 2.4).
    NONE = 254,
    /// Question: all classes, `*` in RFC 1035 3.2.5.
    ANY = 255,
}

/// The number behind `prefix`, in decimal digits only.
fn generic_number(text: &str, prefix: &str) -> Option<u16> {
    let (head, digits) = text.split_at_checked(prefix.len())?;
    if !head.eq_ignore_ascii_case(prefix) || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn types_have_mnemonics_and_numbers() {
        for (text, value, canonical) in [
            ("A", RecordType::A, "A"),
            ("aaaa", RecordType::AAAA, "AAAA"),
            ("Srv", RecordType::SRV, "SRV"),
            ("TYPE65280", RecordType(65280), "TYPE65280"),
            ("type16", RecordType::TXT, "TXT"),
            ("TYPE0", RecordType(0), "TYPE0"),
        ] {
            assert_eq!(text.parse(), Ok(value), "{text}");
            assert_eq!(value.to_string(), canonical);
        }
        assert_eq!(format!("{:>5}|{:<5}|", RecordType::A, RecordType::A), "    A|A    |");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "TYPE", "TYPE65536", "TYPE-1", "TYPE+1", "TYP1", "é", "TYPÉ1", "A "] {
            assert!(text.parse::<RecordType>().is_err(), "{text}");
            assert!(text.parse::<Class>().is_err(), "{text}");
        }
        assert_eq!(
            "AB".parse::<RecordType>().unwrap_err().to_string(),
            "\"AB\" is no record type: neither a known mnemonic nor TYPE with a number up to 65535"
        );
    }

    proptest! {
        #[test]
        fn text_and_number_are_inverse(number: u16) {
            prop_assert_eq!(RecordType(number).to_string().parse(), Ok(RecordType(number)));
            prop_assert_eq!(Class(number).to_string().parse(), Ok(Class(number)));
        }
    }
}
