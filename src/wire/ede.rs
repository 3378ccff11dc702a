//! Extended DNS Errors: why an answer is what it is (RFC 8914).

use std::fmt;

/// The INFO-CODEs that this server sends (RFC 8914 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Ede {
    /// No registered code fits; the text says why (4.1).
    Other = 0,
    /// The answer is from data that can be old (4.4).
    StaleAnswer = 3,
    /// "The server is unable to answer the query, as it was not fully functional when the query was received" (4.15).
    NotReady = 14,
    /// This client may not ask this (4.19).
    Prohibited = 18,
    /// The name did not exist in data that can be old (4.20).
    StaleNxdomainAnswer = 19,
    /// The server has no authority over the name (4.21).
    NotAuthoritative = 20,
    /// "The requested operation or query is not supported" (4.22).
    NotSupported = 21,
    /// "The authoritative server cannot answer with data for a zone it is otherwise configured to support" (4.25).
    InvalidData = 24,
}

impl Ede {
    /// The INFO-CODE.
    pub const fn code(self) -> u16 {
        self as u16
    }
}

impl fmt::Display for Ede {
    /// The purpose as registered.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Ede::Other => "Other Error",
            Ede::StaleAnswer => "Stale Answer",
            Ede::NotReady => "Not Ready",
            Ede::Prohibited => "Prohibited",
            Ede::StaleNxdomainAnswer => "Stale NXDOMAIN Answer",
            Ede::NotAuthoritative => "Not Authoritative",
            Ede::NotSupported => "Not Supported",
            Ede::InvalidData => "Invalid Data",
        })
    }
}

/// A code and what else there is to say; the text is mostly empty, because clients print the code's purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtendedError {
    /// INFO-CODE.
    pub code: Ede,
    /// EXTRA-TEXT.
    pub text: &'static str,
}

impl From<Ede> for ExtendedError {
    fn from(code: Ede) -> ExtendedError {
        ExtendedError { code, text: "" }
    }
}
