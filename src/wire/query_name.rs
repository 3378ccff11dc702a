//! The name of a question, read from a message into a buffer that is made once.

use super::{LABEL_MAX, NAME_MAX, Tail};

/// A question's name, folded to lower case for look-ups, with the place of each label.
///
/// Reused from query to query: reading one allocates nothing.
#[derive(Clone)]
pub struct QueryName {
    /// Whole blocks, so that folding need not look for the name's end: what is behind that means nothing.
    lower: [u8; ROOM],
    length: u8,
    /// Offset of each label's length octet in `lower`, that of the root label the last; a place for every number that an
    /// octet can tell.
    starts: [u8; ROOM],
    labels: u8,
}

/// Octets that are folded at once: twice as many as the registers of every x86-64 and AArch64 hold, so that most queries are
/// two blocks.
const BLOCK: usize = 32;

/// Octets that are folded at once of queries that have not even a block behind their header.
const HALF_BLOCK: usize = BLOCK / 2;

/// Room for [`NAME_MAX`] octets in whole blocks.
const ROOM: usize = NAME_MAX.next_multiple_of(BLOCK);

/// Why a question's name cannot be read. Each is a FORMERR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueryNameError {
    /// The message ends inside the name.
    #[error("the message ends inside the name")]
    Truncated,
    /// A compression pointer, or one of the two reserved label types. The question is the first name of a message:
    /// there is nothing before it that a pointer could mean (RFC 1035 4.1.4: "a prior occurance").
    #[error("a label of type {0:#04x} in a question")]
    LabelType(u8),
    /// Above 255 octets.
    #[error("the name is longer than 255 octets")]
    TooLong,
}

impl QueryName {
    /// An empty buffer: the root name.
    pub fn new() -> QueryName {
        QueryName { lower: [0; ROOM], length: 1, starts: [0; ROOM], labels: 0 }
    }

    /// Reads the name at `offset` of `message` and returns the offset behind it.
    ///
    /// Folded before it is looked at, with what happens to follow it: then every place that an octet can tell is one of
    /// the buffer, so that the walk from label to label needs no other bounds.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "at most 255 octets and 127 labels, all within the message"
    )]
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    pub fn read(&mut self, message: &[u8], offset: usize) -> Result<usize, QueryNameError> {
        let source = message.get(offset..).ok_or(QueryNameError::Truncated)?;
        self.fold(source);
        let mut at = 0_usize;
        let mut labels = 0_u8;
        // All lengths together: a bit that none may have is seen once, behind the walk.
        let mut lengths = 0_usize;
        for start in &mut self.starts {
            // `at` is within the buffer.
            let length = self.lower.get(at).map_or(0, |length| usize::from(*length));
            *start = u8::try_from(at).unwrap_or(u8::MAX);
            if length == 0 {
                break;
            }
            lengths |= length;
            at += 1 + length;
            // The root label that must still follow takes one octet more.
            if at >= NAME_MAX {
                return Err(why_not(source));
            }
            labels += 1;
        }
        let end = at + 1;
        if lengths > LABEL_MAX || end > source.len() {
            return Err(why_not(source));
        }
        self.labels = labels;
        self.length = u8::try_from(end).unwrap_or(u8::MAX);
        Ok(offset + end)
    }

    /// Takes over the octets of `source`, as many as there is room for, in lower case.
    ///
    /// RFC 4343 3: only the 26 ASCII letters have two cases. All octets are folded alike: a length octet is at most 63,
    /// below 'A', and one above stays above.
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    fn fold(&mut self, source: &[u8]) {
        // Most queries are this long: no walk from block to block.
        if let (Some(first), Some(last), true) =
            (source.first_chunk::<BLOCK>(), source.last_chunk::<BLOCK>(), source.len() <= 2 * BLOCK)
        {
            self.fold_block(first, 0);
            self.fold_block(last, source.len().saturating_sub(BLOCK));
            return;
        }
        // Those with a cookie or a search list's name are this long.
        if let (Some(start), Some(last), true) =
            (source.first_chunk::<{ 2 * BLOCK }>(), source.last_chunk::<BLOCK>(), source.len() <= 3 * BLOCK)
        {
            self.fold_block(start, 0);
            self.fold_block(last, source.len().saturating_sub(BLOCK));
            return;
        }
        let (to, _) = self.lower.as_chunks_mut::<BLOCK>();
        let (from, rest) = source.as_chunks::<BLOCK>();
        for (to, from) in to.iter_mut().zip(from) {
            *to = lower(from);
        }
        if rest.is_empty() {
            return;
        }
        // The last block overlaps the one before it.
        if let Some(last) = source.last_chunk::<BLOCK>() {
            self.fold_block(last, source.len().saturating_sub(BLOCK));
        } else if let (Some(first), Some(last)) =
            (source.first_chunk::<HALF_BLOCK>(), source.last_chunk::<HALF_BLOCK>())
        {
            self.fold_block(first, 0);
            self.fold_block(last, source.len().saturating_sub(HALF_BLOCK));
        } else {
            for (to, from) in self.lower.iter_mut().zip(rest) {
                *to = from.to_ascii_lowercase();
            }
        }
    }

    /// Takes a block over to a place, if there is room.
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    fn fold_block<const LENGTH: usize>(&mut self, block: &[u8; LENGTH], place: usize) {
        if let Some(to) = self.lower.get_mut(place..).and_then(|to| to.first_chunk_mut()) {
            *to = lower(block);
        }
    }

    /// The whole name in wire form, lower case, with the root label.
    #[inline]
    pub fn as_wire(&self) -> &[u8] {
        self.lower.get(..usize::from(self.length)).unwrap_or(&[0])
    }

    /// Labels without the root label.
    #[inline]
    pub fn label_count(&self) -> usize {
        usize::from(self.labels)
    }

    /// The label at `index`, leftmost first, lower case; empty beyond the last.
    #[inline]
    pub fn label(&self, index: usize) -> &[u8] {
        self.labels(index, 1).get(1..).unwrap_or(&[])
    }

    /// `count` labels from the one at `index` on, as they stand in the wire form: each behind its length octet. Fewer
    /// where the name has fewer.
    #[expect(clippy::arithmetic_side_effects, reason = "numbers of labels, at most 127 of a name")]
    #[inline]
    pub fn labels(&self, index: usize, count: usize) -> &[u8] {
        let (start, end) = (self.offset(index), self.offset(index + count));
        self.lower.get(start..end).unwrap_or(&[])
    }

    /// Where the label at `index` starts, which the name has or which is the root label, in octets from the start of the
    /// name. With another index it means nothing.
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    pub fn known_offset(&self, index: usize) -> usize {
        self.starts.get(index % ROOM).map_or(0, |start| usize::from(*start))
    }

    /// The octets of the label at `index`, which the name has.
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    pub fn known_label(&self, index: usize) -> &[u8] {
        self.known_labels(index, index.saturating_add(1)).get(1..).unwrap_or(&[])
    }

    /// The first label's length, and `BLOCK` octets that begin with it: what is behind it means nothing.
    #[inline]
    pub fn first_label<const BLOCK: usize>(&self) -> Option<(&[u8; BLOCK], usize)> {
        let (length, octets) = self.lower.split_first()?;
        Some((octets.first_chunk()?, usize::from(*length)))
    }

    /// The last four octets of the wire form, in which most apexes differ from most names that are not theirs.
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    pub fn tail(&self) -> Tail {
        let start = usize::from(self.length).wrapping_sub(Tail::LEN);
        match self.lower.get(start..).and_then(<[u8]>::first_chunk) {
            Some(last) => Tail::new(*last),
            None => Tail::of(self.as_wire()),
        }
    }

    /// The labels from the one at `first` up to the one at `behind`, which the name has or which is the root label. With
    /// other indices it means nothing: this one looks at no number of labels.
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    pub fn known_labels(&self, first: usize, behind: usize) -> &[u8] {
        self.lower.get(self.known_offset(first)..self.known_offset(behind)).unwrap_or(&[])
    }

    /// The wire form from the label at `index` on: `suffix(label_count())` is the root.
    #[inline]
    pub fn suffix(&self, index: usize) -> &[u8] {
        self.as_wire().get(self.offset(index)..).unwrap_or(&[])
    }

    /// Whether the wire form from the label at `index` on, which the name has or which is the root label, has so many
    /// octets; and these.
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[expect(clippy::arithmetic_side_effects, reason = "a sum of two octets")]
    #[inline(always)]
    pub fn suffix_of_len(&self, index: usize, octets: u8) -> Option<&[u8]> {
        // Octets, so that the sum cannot overflow.
        let start = self.known_offset(index);
        let end = start + usize::from(octets);
        if end == usize::from(self.length) { self.lower.get(start..end) } else { None }
    }

    /// The index of the label that starts at `offset` octets from the start of the name; the number of labels for the
    /// root label; `None` inside a label.
    pub fn label_at(&self, offset: usize) -> Option<usize> {
        if usize::from(self.length).checked_sub(1) == Some(offset) {
            return Some(self.label_count());
        }
        let starts = self.starts.get(..self.label_count())?;
        starts.binary_search(&u8::try_from(offset).ok()?).ok()
    }

    /// Where the label at `index` starts, in octets from the start of the name; the root label's place beyond the last.
    #[inline]
    pub fn offset(&self, index: usize) -> usize {
        self.starts.get(index.min(self.label_count())).map_or(0, |&start| usize::from(start))
    }
}

/// A block in lower case, in a few instructions on all octets at once.
#[inline(always)]
fn lower<const LENGTH: usize>(block: &[u8; LENGTH]) -> [u8; LENGTH] {
    // 'A' to 'Z' moved to the upper end of what is positive, so that one comparison finds them.
    const UP: u8 = i8::MAX.unsigned_abs() - b'Z';
    const BELOW_A: i8 = (b'A' + UP - 1).cast_signed();
    let mut lower = *block;
    for octet in &mut lower {
        *octet |= u8::from(octet.wrapping_add(UP).cast_signed() > BELOW_A) << 5;
    }
    lower
}

/// Why `source` begins with no name, which is known already: another walk, on the octets themselves.
#[cold]
fn why_not(source: &[u8]) -> QueryNameError {
    let mut at = 0_usize;
    while let Some(&length) = source.get(at) {
        if usize::from(length) > LABEL_MAX {
            return QueryNameError::LabelType(length);
        }
        if length == 0 {
            break;
        }
        at = at.saturating_add(1).saturating_add(length.into());
        if at >= NAME_MAX {
            return if source.len() < NAME_MAX { QueryNameError::Truncated } else { QueryNameError::TooLong };
        }
    }
    QueryNameError::Truncated
}

impl Default for QueryName {
    fn default() -> QueryName {
        QueryName::new()
    }
}

impl std::fmt::Debug for QueryName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "QueryName({:?})", self.as_wire().escape_ascii().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Name;
    use proptest::prelude::*;

    #[test]
    fn labels_and_suffixes_are_addressable() {
        let mut name = QueryName::new();
        assert_eq!(name.read(b"xx\x05MyApp\x07default\0tail", 2), Ok(17));
        assert_eq!(name.label_count(), 2);
        assert_eq!(name.label(0), b"myapp");
        assert_eq!(name.label(1), b"default");
        assert_eq!(name.label(2), b"");
        assert_eq!(name.suffix(1), b"\x07default\0");
        assert_eq!(name.suffix(2), b"\0");
        assert_eq!(name.offset(1), 6);
        assert_eq!(name.offset(2), 14);
        assert_eq!(
            [0, 6, 14, 1, 13, 15, usize::MAX].map(|at| name.label_at(at)),
            [Some(0), Some(1), Some(2), None, None, None, None]
        );
    }

    #[test]
    fn malformed_names_are_refused_by_cause() {
        let mut name = QueryName::new();
        let mut long = [1, b'a'].repeat(127);
        long.push(0);
        assert_eq!(name.read(&long, 0), Ok(255));
        assert_eq!(name.label_count(), 127);
        let mut longer = [1, b'a'].repeat(126);
        longer.extend_from_slice(b"\x02aa\0");
        assert_eq!(name.read(&longer, 0), Err(QueryNameError::TooLong));
        assert_eq!(name.read(b"\xc0\x00", 0), Err(QueryNameError::LabelType(0xc0)));
        assert_eq!(name.read(b"\x40a\0", 0), Err(QueryNameError::LabelType(0x40)));
        assert_eq!(name.read(b"\x03ab", 0), Err(QueryNameError::Truncated));
        assert_eq!(name.read(b"\x01a", 0), Err(QueryNameError::Truncated));
        assert_eq!(name.read(b"", 0), Err(QueryNameError::Truncated));
        assert_eq!(name.read(b"\0", 9), Err(QueryNameError::Truncated));
    }

    proptest! {
        #[test]
        fn reading_a_name_gives_its_labels(labels in prop::collection::vec(
            prop::collection::vec(any::<u8>(), 1..=20), 0..=8)) {
            let name = Name::below(labels.iter().map(Vec::as_slice), &Name::root()).unwrap();
            let mut read = QueryName::new();
            prop_assert_eq!(read.read(name.as_wire(), 0), Ok(name.as_wire().len()));
            prop_assert_eq!(read.as_wire(), name.as_wire());
            prop_assert_eq!(read.label_count(), labels.len());
            for (index, label) in labels.iter().enumerate() {
                prop_assert_eq!(read.label(index), label.to_ascii_lowercase());
            }
        }

        #[test]
        fn any_octets_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut read = QueryName::new();
            if let Ok(end) = read.read(&octets, 0) {
                prop_assert!(end <= octets.len() && end <= NAME_MAX);
            }
        }
    }
}
