//! Entries become records: owners, TTLs and classes that carry over from one to the next, and directives.

use super::data::{Data, Wrong, name};
use super::error::{Cause, Fault, Position};
use super::lexer::{Entry, Form, Lexer, Token};
use super::text;
use crate::wire::{Class, Name, RecordType};
use std::sync::Arc;

/// Most records of a zone. What is larger than this is no zone of a cluster.
pub const RECORDS_MAX: usize = 1_000_000;

/// Most octets of text of a zone, what it includes with it.
pub const OCTETS_MAX: usize = 256 << 20;

/// How deep files may include each other.
pub const INCLUDE_DEPTH_MAX: usize = 10;

/// How often files may be included in one zone. Without it, few lines could have one file read for each of them.
pub(super) const INCLUDES_MAX: usize = 10_000;

/// Most errors that are told of a zone; the rest is one more.
pub(in crate::zone) const FAULTS_MAX: usize = 50;

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::zone) struct Place {
    /// Which of the files.
    pub(in crate::zone) file: usize,
    pub(in crate::zone) at: Position,
}

/// A record of class IN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::zone) struct Record {
    pub(in crate::zone) place: Place,
    pub(in crate::zone) owner: Name,
    pub(in crate::zone) ttl: u32,
    pub(in crate::zone) rtype: RecordType,
    /// Wire form; names in it are not compressed, their letters as written.
    pub(in crate::zone) rdata: Box<[u8]>,
}

/// What a file and those that it includes hold.
#[derive(Debug, Default)]
pub(in crate::zone) struct Contents {
    pub(in crate::zone) files: Vec<Arc<str>>,
    pub(in crate::zone) records: Vec<Record>,
    /// In the order of the text.
    pub(in crate::zone) faults: Vec<Fault>,
}

/// A file that was included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Included {
    /// What it is called in errors, and to files that it includes.
    pub name: String,
    /// Its text.
    pub text: Vec<u8>,
}

/// Reads the file called `file`. `origin` is what relative names are relative to until a directive says otherwise.
///
/// `include` reads the file of a path that stands in the file of a name.
pub(in crate::zone) fn read(
    file: &str,
    origin: Option<&Name>,
    text: Vec<u8>,
    include: &mut dyn FnMut(&str, &str) -> Result<Included, String>,
) -> Contents {
    let mut reader = Reader {
        include,
        contents: Contents::default(),
        octets: 0,
        default_ttl: None,
        last_ttl: None,
        signed: false,
    };
    let mut open = Vec::new();
    let frame = reader.frame(file.into(), text, origin.map(|origin| origin.as_wire().to_vec()), None);
    match frame {
        Ok(frame) => open.push(frame),
        Err(cause) => {
            reader.contents.files.push(file.into());
            reader.fault(0, Position { line: 1, column: 1 }, cause);
        }
    }
    let mut entry = Entry::default();
    // Files that include others wait on this stack: nothing recurs.
    while let Some(frame) = open.last_mut() {
        let step = match frame.lexer.next(&mut entry) {
            Ok(true) => reader.entry(frame, &entry),
            Ok(false) => {
                open.pop();
                continue;
            }
            Err(wrong) => Err(wrong),
        };
        let file = frame.file;
        match step {
            Ok(None) => {}
            Ok(Some(inclusion)) => {
                let at = inclusion.at;
                match reader.included(&open, inclusion) {
                    Ok(frame) => open.push(frame),
                    Err(cause) => reader.fault(file, at, cause),
                }
            }
            Err((at, cause)) => reader.fault(file, at, cause),
        }
        if reader.contents.faults.len() >= FAULTS_MAX || reader.contents.records.len() > RECORDS_MAX {
            let cause = if reader.contents.records.len() > RECORDS_MAX {
                Cause::TooManyRecords(RECORDS_MAX)
            } else {
                Cause::More
            };
            let at = entry.tokens.first().map_or(Position { line: 1, column: 1 }, |token| token.at);
            reader.fault(file, at, cause);
            break;
        }
    }
    reader.contents
}

struct Reader<'a> {
    include: &'a mut dyn FnMut(&str, &str) -> Result<Included, String>,
    contents: Contents,
    /// Of all files so far.
    octets: usize,
    /// The last `$TTL`.
    default_ttl: Option<u32>,
    /// The last TTL of a record.
    last_ttl: Option<u32>,
    /// That the zone is signed has been said.
    signed: bool,
}

/// A file that is being read.
struct Frame {
    file: usize,
    lexer: Lexer,
    origin: Option<Vec<u8>>,
    owner: Option<Name>,
}

/// An `$INCLUDE`.
struct Inclusion {
    at: Position,
    path: String,
    origin: Option<Vec<u8>>,
    owner: Option<Name>,
}

impl Reader<'_> {
    fn frame(
        &mut self,
        file: Arc<str>,
        text: Vec<u8>,
        origin: Option<Vec<u8>>,
        owner: Option<Name>,
    ) -> Result<Frame, Cause> {
        self.octets = self.octets.saturating_add(text.len());
        if self.octets > OCTETS_MAX {
            return Err(Cause::TooLarge(OCTETS_MAX));
        }
        self.contents.files.push(file);
        Ok(Frame { file: self.contents.files.len() - 1, lexer: Lexer::new(text), origin, owner })
    }

    fn included(&mut self, open: &[Frame], inclusion: Inclusion) -> Result<Frame, Cause> {
        if open.len() > INCLUDE_DEPTH_MAX {
            return Err(Cause::IncludeDepth(INCLUDE_DEPTH_MAX));
        }
        if self.contents.files.len() > INCLUDES_MAX {
            return Err(Cause::TooManyIncludes(INCLUDES_MAX));
        }
        let name_of = |frame: &Frame| self.contents.files.get(frame.file).map_or("", |name| &**name);
        let Inclusion { path, origin, owner, .. } = inclusion;
        let from = open.last().map_or("", name_of);
        let Included { name, text } = match (self.include)(from, &path) {
            Ok(included) => included,
            Err(reason) => return Err(Cause::Include { path, reason }),
        };
        if open.iter().any(|frame| name_of(frame) == name) {
            return Err(Cause::IncludeCycle(name));
        }
        self.frame(name.into(), text, origin, owner)
    }

    /// Takes one entry in. What is to be included is for the caller to open.
    fn entry(&mut self, frame: &mut Frame, entry: &Entry) -> Result<Option<Inclusion>, Wrong> {
        let Some(first) = entry.tokens.first() else { return Ok(None) };
        let directive =
            !entry.indented && first.form == Form::Plain && frame.lexer.octets(first).starts_with(b"$");
        if directive {
            return self.directive(frame, first, entry.tokens.get(1..).unwrap_or(&[]));
        }
        let mut rest = entry.tokens.as_slice();
        if !entry.indented {
            // Also where the rest is wrong: what follows on lines without owner belongs to this one.
            frame.owner = None;
            let owner = name(&frame.lexer, first, frame.origin.as_deref())?;
            frame.owner = Name::split_from(&owner).map(|(name, _)| name);
            rest = rest.get(1..).unwrap_or(&[]);
        }
        let owner = frame.owner.clone().ok_or((first.at, Cause::NoOwner))?;
        let Head { ttl, rtype, at } = head(&frame.lexer, &mut rest, first.at)?;
        if let Some(ttl) = ttl {
            self.last_ttl = Some(ttl);
        }
        if is_signature(rtype) {
            let said = std::mem::replace(&mut self.signed, true);
            return if said { Ok(None) } else { Err((at, Cause::Signed(rtype))) };
        }
        let data = Data { lexer: &frame.lexer, tokens: rest, at, origin: frame.origin.as_deref(), rtype };
        let rdata = data.read()?.into();
        // RFC 2308 4: $TTL holds for all that follow and say none themselves; RFC 1035 5.1: without,
        // "Omitted class and TTL values are default to the last explicitly stated values".
        let ttl = ttl.or(self.default_ttl).or(self.last_ttl).ok_or((first.at, Cause::NoTtl))?;
        let place = Place { file: frame.file, at: first.at };
        self.contents.records.push(Record { place, owner, ttl, rtype, rdata });
        Ok(None)
    }

    fn directive(
        &mut self,
        frame: &mut Frame,
        first: &Token,
        rest: &[Token],
    ) -> Result<Option<Inclusion>, Wrong> {
        let word = frame.lexer.octets(first).to_ascii_uppercase();
        match (word.as_slice(), rest) {
            (b"$ORIGIN", [token]) => {
                frame.origin = Some(name(&frame.lexer, token, frame.origin.as_deref())?);
                Ok(None)
            }
            (b"$ORIGIN", _) => Err((first.at, Cause::Usage("$ORIGIN wants one name"))),
            (b"$TTL", [token]) => {
                self.default_ttl = Some(text::time(frame.lexer.octets(token)).ok_or((token.at, Cause::Ttl))?);
                Ok(None)
            }
            (b"$TTL", _) => Err((first.at, Cause::Usage("$TTL wants one time"))),
            (b"$INCLUDE", [path, behind @ ..]) if behind.len() < 2 => {
                let octets = text::unescaped(frame.lexer.octets(path)).map_err(|cause| (path.at, cause))?;
                let text = String::from_utf8(octets)
                    .map_err(|_| (path.at, Cause::Usage("a path that is no text")))?;
                // RFC 1035 5.1: the file may have an origin of its own, and never changes that of the file around it.
                let origin = match behind.first() {
                    Some(token) => Some(name(&frame.lexer, token, frame.origin.as_deref())?),
                    None => frame.origin.clone(),
                };
                Ok(Some(Inclusion { at: path.at, path: text, origin, owner: frame.owner.clone() }))
            }
            (b"$INCLUDE", _) => {
                Err((first.at, Cause::Usage("$INCLUDE wants a file, and may have an origin")))
            }
            (b"$GENERATE", _) => Err((first.at, Cause::Generate)),
            _ => Err((first.at, Cause::Directive)),
        }
    }

    fn fault(&mut self, file: usize, at: Position, cause: Cause) {
        let file = self.contents.files.get(file).cloned().unwrap_or_else(|| "".into());
        self.contents.faults.push(Fault { file, at, cause });
    }
}

/// What stands between owner and data.
struct Head {
    ttl: Option<u32>,
    rtype: RecordType,
    /// Of the type.
    at: Position,
}

/// RFC 1035 5.1: `[<TTL>] [<class>] <type>` or `[<class>] [<TTL>] <type>`.
fn head(lexer: &Lexer, rest: &mut &[Token], begin: Position) -> Result<Head, Wrong> {
    let (mut ttl, mut class) = (None, None);
    loop {
        let (token, behind) = rest.split_first().ok_or((begin, Cause::NoType))?;
        *rest = behind;
        let word = lexer.octets(token);
        let text = std::str::from_utf8(word).ok().filter(|_| token.form == Form::Plain);
        let text =
            text.ok_or_else(|| (token.at, Cause::UnknownType(String::from_utf8_lossy(word).into_owned())))?;
        if ttl.is_none() && word.first().is_some_and(u8::is_ascii_digit) {
            ttl = Some(text::time(word).ok_or((token.at, Cause::Ttl))?);
        } else if let (None, Ok(found)) = (class, text.parse::<Class>()) {
            if found != Class::IN {
                return Err((token.at, Cause::Class(text.to_owned())));
            }
            class = Some(found);
        } else {
            let rtype: RecordType =
                text.parse().map_err(|_| (token.at, Cause::UnknownType(text.to_owned())))?;
            // RFC 6895 3.1: 0 is reserved, 128 to 255 are of questions and, as OPT is, of messages.
            let meta = matches!(rtype.0, 0 | 41 | 128..=255);
            return if meta {
                Err((token.at, Cause::MetaType(rtype)))
            } else {
                Ok(Head { ttl, rtype, at: token.at })
            };
        }
    }
}

/// Types that only signed zones have.
const fn is_signature(rtype: RecordType) -> bool {
    matches!(
        rtype,
        RecordType::RRSIG
            | RecordType::NSEC
            | RecordType::NSEC3
            | RecordType::NSEC3PARAM
            | RecordType::DNSKEY
            | RecordType::CDS
            | RecordType::CDNSKEY
            | RecordType::SIG
            | RecordType::KEY
            | RecordType::NXT
            | RecordType::ZONEMD
    )
}
