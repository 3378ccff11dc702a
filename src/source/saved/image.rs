//! What is saved, and how it is written.
//!
//! ```text
//! magic (8)  version (4)  octets of the body (8)  SHA-256 of the body (32)   body
//! ```
//! Numbers of the head have their highest octet first.

use super::object::put_key;
use super::objects::Objects;
use super::octets::Put;
use crate::roster::{Gives, ObjectKey, Scope};
use crate::source::kubernetes::WatchPlan;
use ring::digest::{Context, SHA256, digest};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};

/// What a file of state begins with.
pub(super) const MAGIC: [u8; 8] = *b"rosterd\n";

/// The form of what follows. A file of another is not read.
pub(super) const VERSION: u32 = 1;

/// Octets before the body.
pub(super) const HEAD: usize = MAGIC.len() + 4 + 8 + DIGEST;

/// Octets of a SHA-256.
pub(super) const DIGEST: usize = 32;

/// What tells settings apart: those of two equal ones are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fingerprint(pub(super) [u8; DIGEST]);

impl Fingerprint {
    /// That of a text.
    pub fn of(text: &str) -> Fingerprint {
        Fingerprint(sha256(text.as_bytes()))
    }

    /// That of these settings together with something else.
    #[must_use]
    pub fn and(self, text: &str) -> Fingerprint {
        Fingerprint(sha256(&[&self.0, text.as_bytes()].concat()))
    }
}

/// All that is saved, at one moment.
#[derive(Debug, Clone, Default)]
pub struct Image {
    /// Where the objects come from, in words: another cluster's are not served.
    pub origin: String,
    /// What zones are made with: the same objects give the same records only with the same settings.
    pub settings: Fingerprint,
    /// The serial of each zone, by its apex.
    pub serials: Vec<(Box<str>, u32)>,
    pub(super) watches: Vec<ImageWatch>,
}

/// What a watch has delivered.
#[derive(Debug, Clone)]
pub(super) struct ImageWatch {
    pub(super) plan: WatchPlan,
    pub(super) revision: Option<u64>,
    /// When that was last current: Unix time in seconds.
    pub(super) current: u64,
    pub(super) objects: Objects,
}

impl Image {
    /// How many objects there are.
    pub fn objects(&self) -> usize {
        self.watches.iter().map(|watch| watch.objects.len()).sum()
    }

    /// Writes it, and returns how many octets these were. Nothing of their size is held in memory.
    pub fn write(&self, to: &mut (impl Write + Seek)) -> io::Result<u64> {
        // Its place: what belongs there is known when the body is.
        to.write_all(&[0; HEAD])?;
        let mut body = BufWriter::new(Body { to: &mut *to, sum: Context::new(&SHA256), length: 0 });
        self.write_body(&mut body)?;
        let Body { sum, length, .. } = body.into_inner().map_err(io::IntoInnerError::into_error)?;
        to.seek(SeekFrom::Start(0))?;
        to.write_all(&head(length, sum.finish().as_ref()))?;
        Ok(length + HEAD as u64)
    }

    fn write_body(&self, to: &mut impl Write) -> io::Result<()> {
        let mut put = Put::default();
        put.text(&self.origin);
        put.0.extend_from_slice(&self.settings.0);
        put.count(self.serials.len());
        for (apex, serial) in &self.serials {
            put.text(apex);
            put.number(u64::from(*serial));
        }
        put.count(self.watches.len());
        to.write_all(&put.0)?;
        for ImageWatch { plan, revision, current, objects } in &self.watches {
            put.0.clear();
            let WatchPlan { resource, scope, selector, gives } = plan;
            let namespace = match scope {
                Scope::All => None,
                Scope::Namespace(name) => Some(&**name),
            };
            // A plan is written as a key is: its kind first. It has no name.
            put_key(
                &mut put,
                &ObjectKey {
                    kind: *resource,
                    namespace: namespace.unwrap_or_default().into(),
                    name: "".into(),
                },
            );
            put.octet(u8::from(namespace.is_some()));
            put.optional_text(selector.as_deref());
            put.octet(u8::from(*gives == Gives::Addresses));
            put.octet(u8::from(revision.is_some()));
            put.number(revision.unwrap_or_default());
            put.number(*current);
            put.count(objects.len());
            to.write_all(&put.0)?;
            for octets in objects.iter() {
                to.write_all(octets)?;
            }
        }
        Ok(())
    }
}

pub(super) fn head(length: u64, sum: &[u8]) -> Vec<u8> {
    [&MAGIC[..], &VERSION.to_be_bytes(), &length.to_be_bytes(), sum].concat()
}

pub(super) fn sha256(octets: &[u8]) -> [u8; DIGEST] {
    let mut sum = [0; DIGEST];
    for (to, from) in sum.iter_mut().zip(digest(&SHA256, octets).as_ref()) {
        *to = *from;
    }
    sum
}

/// Counts and sums up what passes through.
struct Body<'a, W> {
    to: &'a mut W,
    sum: Context,
    length: u64,
}

impl<W: Write> Write for Body<'_, W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let written = self.to.write(octets)?;
        let done = octets.get(..written).unwrap_or(octets);
        self.sum.update(done);
        self.length += done.len() as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
