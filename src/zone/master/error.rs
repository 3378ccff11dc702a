//! What is wrong with a master file, or odd about it: the file, the place in it, and what to do.

use crate::wire::{Name, NameError, RecordType};
use std::fmt;
use std::sync::Arc;

/// A place in a text, both counted from 1; columns count octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// Something at a place of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file, as the caller names it.
    pub file: Arc<str>,
    /// Where in it.
    pub at: Position,
    /// What is wrong.
    pub cause: Cause,
}

impl fmt::Display for Fault {
    /// `zones/example.zone:3:7: the reason`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { file, at: Position { line, column }, cause } = self;
        write!(formatter, "{file}:{line}:{column}: {cause}")
    }
}

impl std::error::Error for Fault {}

/// What is wrong with a master file, or odd about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    // The form of the text.
    /// A parenthesis that is not closed.
    #[error("the parenthesis is not closed")]
    OpenParenthesis,
    /// A parenthesis that closes none.
    #[error("the parenthesis closes none")]
    ClosingParenthesis,
    /// A parenthesis inside of another.
    #[error("a parenthesis inside of another")]
    NestedParenthesis,
    /// A quote that is not closed on its line.
    #[error("the quote is not closed on its line")]
    OpenQuote,
    /// Something right behind a closing quote.
    #[error("a closing quote must be followed by white space")]
    BehindQuote,
    /// A quote within a word.
    #[error("a quote inside of a word: write it as \\\" or put the whole in quotes")]
    QuoteInside,
    /// A backslash that is not followed by a character or three digits up to 255.
    #[error("a backslash must be followed by a character or by three digits up to 255")]
    Escape,
    /// An entry of too many tokens.
    #[error("the entry is too long")]
    TooLong,
    /// More records than a zone may have here.
    #[error("more than {0} records: the zone is too large")]
    TooManyRecords(usize),
    /// More names than a zone may have here.
    #[error("more than {0} names, empty non-terminals with them: the zone is too large")]
    TooManyNames(usize),
    /// More text than a zone may have here.
    #[error("the file and what it includes have more than {0} octets")]
    TooLarge(usize),
    /// More errors than are told.
    #[error("more is wrong than what is said here")]
    More,

    // Directives.
    /// A directive that does not exist.
    #[error("no such directive: there are $ORIGIN, $TTL and $INCLUDE")]
    Directive,
    /// `$GENERATE`, which is of one other server.
    #[error("$GENERATE is not understood: write the records out")]
    Generate,
    /// A directive without what it needs, or with more.
    #[error("{0}")]
    Usage(&'static str),
    /// A file that cannot be included.
    #[error("cannot include {path}: {reason}")]
    Include {
        /// The file, as written.
        path: String,
        /// Why.
        reason: String,
    },
    /// A file that includes itself.
    #[error("{0} includes itself")]
    IncludeCycle(String),
    /// Includes in includes, too deep.
    #[error("includes are nested deeper than {0} levels")]
    IncludeDepth(usize),
    /// More files than a zone may have here.
    #[error("more than {0} files are included: the zone is too large")]
    TooManyIncludes(usize),

    // Records.
    /// A relative name where nothing says what it is relative to.
    #[error(
        "a relative name, and no origin: call the file <origin>.zone, write $ORIGIN, or end the name with a dot"
    )]
    NoOrigin,
    /// No owner before a line without one.
    #[error("a line without an owner, and none before it")]
    NoOwner,
    /// A text that is no name.
    #[error("not a domain name: {0}")]
    Name(NameError),
    /// A name in quotes.
    #[error("a name stands without quotes")]
    QuotedName,
    /// A name in another script.
    #[error("a name has ASCII characters only: write international names in their A-label form (xn--...)")]
    NameNotAscii,
    /// No TTL, and no default.
    #[error("no TTL: write one, or $TTL before the first record")]
    NoTtl,
    /// A TTL or timer that is none.
    #[error("not a time: seconds up to 2147483647, or units as in 1h30m")]
    Ttl,
    /// A class other than IN.
    #[error("class {0}: only IN is served")]
    Class(String),
    /// No type.
    #[error("no type: an owner, a TTL and a class are followed by the type and the data")]
    NoType,
    /// A text that is no type.
    #[error(
        "{0:?} is not a record type that is known here: unknown ones are written TYPE65280 \\# 2 abcd (RFC 3597)"
    )]
    UnknownType(String),
    /// A type that no record has.
    #[error("{0} is no type of records")]
    MetaType(RecordType),
    /// A signed zone.
    #[error(
        "{0}: no DNSSEC is served, and signatures alone would make resolvers refuse the zone; take the unsigned zone"
    )]
    Signed(RecordType),

    // Data.
    /// Data that ends too soon.
    #[error("{rtype} data ends too soon: wants {wanted}")]
    Missing {
        /// The type.
        rtype: RecordType,
        /// What is missing.
        wanted: &'static str,
    },
    /// More data than the type has.
    #[error("more data than {0} has")]
    Surplus(RecordType),
    /// A field of another form.
    #[error("not {0}")]
    Field(&'static str),
    /// A character-string that is too long.
    #[error("a string of {0} octets: the limit is 255, write several")]
    StringTooLong(usize),
    /// Data above 65,535 octets.
    #[error("data of more than 65535 octets")]
    DataTooLong,
    /// The length of generic data is not that of its octets.
    #[error("\\# says {said} octets, and there are {found}")]
    GenericLength {
        /// As written.
        said: usize,
        /// What follows.
        found: usize,
    },
    /// Generic data that is none of its type.
    #[error("these octets are no data of type {0}")]
    GenericData(RecordType),
    /// A parameter of a service binding.
    #[error("{0}")]
    Parameter(String),

    // The zone.
    /// Nothing at all.
    #[error("it holds no records")]
    Empty,
    /// No SOA, and no generated zone to add to.
    #[error(
        "no SOA: a zone begins with one; without, records are added to a zone made from peers ({generated}), and {origin} is none"
    )]
    NoSoa {
        /// What the records would be added to.
        origin: String,
        /// The zones that records can be added to.
        generated: String,
    },
    /// A second SOA.
    #[error("a second SOA: a zone has one (RFC 1035 5.2); the first is in line {0}")]
    SecondSoa(usize),
    /// No NS at the apex.
    #[error("no NS at the apex {0}")]
    NoNs(Name),
    /// A record outside of the zone.
    #[error(
        "{owner} is outside of the zone {origin}; do you mean a relative name, without the dot at its end?"
    )]
    OutOfZone {
        /// The record's owner.
        owner: Name,
        /// The zone.
        origin: Name,
    },
    /// An alias with something else.
    #[error("{owner} has a CNAME and {other}: an alias has no other data (RFC 1034 3.6.2)")]
    AliasAndOther {
        /// The name.
        owner: Name,
        /// What else it has.
        other: RecordType,
    },
    /// Two of what there can be one of.
    #[error("{owner} has two {rtype} records: there can be one")]
    Singleton {
        /// The name.
        owner: Name,
        /// CNAME or DNAME.
        rtype: RecordType,
    },
    /// A redirection where a delegation is.
    #[error(
        "{0} has a DNAME and NS records below the apex: it is either redirected or delegated (RFC 6672 2.4)"
    )]
    CutAndRedirection(Name),
    /// A zone whose apex is one of the zones made from peers.
    #[error("{0} is a zone made from peers: leave SOA and NS out to add records to it")]
    GeneratedApex(Name),
    /// A record among generated names.
    #[error("{0} is a name, or below one, that is made from peers")]
    GeneratedName(Name),
    /// A record that would hide generated names.
    #[error("{rtype} at {owner}: names made from peers can lie at or below it")]
    HidesGenerated {
        /// The name.
        owner: Name,
        /// CNAME, DNAME or NS; any, where the owner is a wildcard.
        rtype: RecordType,
    },
    /// Another file has the zone.
    #[error("the zone {origin} is that of {other} too: one file makes a zone")]
    SameZone {
        /// The zone.
        origin: Name,
        /// The other file.
        other: String,
    },

    // Warnings.
    /// RRs of one set with several TTLs.
    #[error("{owner} {rtype} has several TTLs; {ttl}, the lowest, is taken (RFC 2181 5.2)")]
    Ttls {
        /// The name.
        owner: Name,
        /// The type.
        rtype: RecordType,
        /// The TTL that is taken.
        ttl: u32,
    },
    /// An RRset of more octets than a message has (RFC 1035 4.2.2: 16 bits).
    #[error(
        "the {rtype} records of {owner} exceed one message of 64 KiB: answers hold the first of them, and say so by TC"
    )]
    Oversize {
        /// The name.
        owner: Name,
        /// The type.
        rtype: RecordType,
    },
    /// Data that no question reaches.
    #[error("{owner} is below {above}, which has a {rtype}: it is not answered")]
    Occluded {
        /// The name.
        owner: Name,
        /// The delegation or redirection.
        above: Name,
        /// NS or DNAME.
        rtype: RecordType,
    },
    /// A name server inside of what it serves, without address.
    #[error("the name server {0} needs an address here: without, nobody finds it")]
    NoGlue(Name),
    /// What RFC 4592 leaves open.
    #[error(
        "{rtype} at the wildcard {owner}: it is answered as other data, and delegates or redirects nothing (RFC 4592 4)"
    )]
    OddWildcard {
        /// The name.
        owner: Name,
        /// NS or DNAME.
        rtype: RecordType,
    },
    /// A target that is an alias.
    #[error("{target} is an alias: {rtype} points at names with addresses (RFC 2181 10.3)")]
    TargetIsAlias {
        /// What it points at.
        target: Name,
        /// NS, MX or SRV.
        rtype: RecordType,
    },
    /// The content is another, its serial is not.
    #[error(
        "the zone {origin} has changed and its serial {serial} has not: secondaries will not take it over"
    )]
    SameSerial {
        /// The zone.
        origin: Name,
        /// The serial.
        serial: u32,
    },
}
