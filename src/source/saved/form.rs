//! What all files of a directory begin with: what they are, and what tells whole ones from others.
//!
//! ```text
//! magic (8)  version (4)  octets of the body (8)  SHA-256 of the body (32)   body
//! ```
//! Numbers of the head have their highest octet first.

use super::failure::ReadError;
use super::octets::Take;
use ring::digest::{Context, SHA256, digest};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// What it is called.
    pub file: &'static str,
    /// What it begins with.
    pub magic: [u8; 8],
    /// The form of its body. A file of another is not read.
    pub version: u32,
}

/// Octets before the body.
pub(super) const HEAD: usize = 8 + 4 + 8 + DIGEST;

/// Octets of a SHA-256.
pub(super) const DIGEST: usize = 32;

impl Form {
    /// Writes a file, and returns how many octets it has. Nothing of their size is held in memory.
    pub(super) fn write(
        &self,
        to: &mut (impl Write + Seek),
        write_body: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<u64> {
        // Its place: what belongs there is known when the body is.
        to.write_all(&[0; HEAD])?;
        let mut body = BufWriter::new(Body { to: &mut *to, sum: Context::new(&SHA256), length: 0 });
        write_body(&mut body)?;
        let Body { sum, length, .. } = body.into_inner().map_err(io::IntoInnerError::into_error)?;
        to.seek(SeekFrom::Start(0))?;
        to.write_all(&self.head(length, sum.finish().as_ref()))?;
        Ok(length + HEAD as u64)
    }

    /// The body of what `path` holds, down to the last octet.
    pub(super) fn body<'a>(&self, octets: &'a [u8], path: &Path) -> Result<&'a [u8], ReadError> {
        let path = || path.to_owned();
        let mut take = Take { rest: octets };
        if take.octets(self.magic.len()) != Some(&self.magic) {
            return Err(ReadError::Foreign(path()));
        }
        let version = take.octets(4).and_then(|octets| octets.try_into().ok()).map(u32::from_be_bytes);
        if let Some(found) = version.filter(|version| *version != self.version) {
            return Err(ReadError::Version { path: path(), found, known: self.version });
        }
        let said = take.octets(8).and_then(|octets| octets.try_into().ok()).map(u64::from_be_bytes);
        let sum = take.octets(DIGEST);
        let (said, Some(sum)) = (said.unwrap_or_default(), sum) else {
            return Err(ReadError::Length { path: path(), found: octets.len() as u64, said: HEAD as u64 });
        };
        if take.rest.len() as u64 != said {
            let found = octets.len() as u64;
            return Err(ReadError::Length { path: path(), found, said: said.saturating_add(HEAD as u64) });
        }
        if sha256(take.rest) != *sum {
            return Err(ReadError::Checksum(path()));
        }
        Ok(take.rest)
    }

    pub(super) fn head(&self, length: u64, sum: &[u8]) -> Vec<u8> {
        [&self.magic[..], &self.version.to_be_bytes(), &length.to_be_bytes(), sum].concat()
    }
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
