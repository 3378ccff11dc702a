//! The name of a question, read from a message into a buffer that is made once.

use super::{LABEL_MAX, NAME_MAX};

/// A question's name, folded to lower case for look-ups, with the place of each label.
///
/// Reused from query to query: reading one allocates nothing.
#[derive(Clone)]
pub struct QueryName {
    lower: [u8; NAME_MAX],
    length: u8,
    /// Offset of each label's length octet in `lower`; the root label is not counted.
    starts: [u8; 128],
    labels: u8,
}

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
        QueryName { lower: [0; NAME_MAX], length: 1, starts: [0; 128], labels: 0 }
    }

    /// Reads the name at `offset` of `message` and returns the offset behind it.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "at most 255 octets and 127 labels, all within the message"
    )]
    pub fn read(&mut self, message: &[u8], offset: usize) -> Result<usize, QueryNameError> {
        let source = message.get(offset..).ok_or(QueryNameError::Truncated)?;
        let mut at = 0_usize;
        let mut labels = 0_u8;
        loop {
            let length = *source.get(at).ok_or(QueryNameError::Truncated)?;
            if length == 0 {
                break;
            }
            if usize::from(length) > LABEL_MAX {
                return Err(QueryNameError::LabelType(length));
            }
            let end = at + 1 + usize::from(length);
            // The root label that must still follow takes one octet more.
            let (true, Ok(start)) = (end < NAME_MAX, u8::try_from(at)) else {
                return Err(QueryNameError::TooLong);
            };
            match self.starts.get_mut(usize::from(labels)) {
                Some(slot) => *slot = start,
                None => return Err(QueryNameError::TooLong),
            }
            labels += 1;
            at = end;
        }
        let end = at + 1;
        let (Some(lower), Some(name), Ok(length)) =
            (self.lower.get_mut(..end), source.get(..end), u8::try_from(end))
        else {
            return Err(QueryNameError::TooLong);
        };
        // RFC 4343 3: only the 26 ASCII letters have two cases. All octets in one go, because a length octet is at most
        // 63, below 'A'.
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        self.labels = labels;
        self.length = length;
        Ok(offset + end)
    }

    /// The whole name in wire form, lower case, with the root label.
    pub fn as_wire(&self) -> &[u8] {
        self.lower.get(..usize::from(self.length)).unwrap_or(&[0])
    }

    /// Labels without the root label.
    pub fn label_count(&self) -> usize {
        usize::from(self.labels)
    }

    /// The label at `index`, leftmost first, lower case; empty beyond the last.
    pub fn label(&self, index: usize) -> &[u8] {
        match self.suffix(index).split_first() {
            Some((&length, rest)) => rest.get(..usize::from(length)).unwrap_or(&[]),
            None => &[],
        }
    }

    /// The wire form from the label at `index` on: `suffix(label_count())` is the root.
    pub fn suffix(&self, index: usize) -> &[u8] {
        self.as_wire().get(self.offset(index)..).unwrap_or(&[])
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
    pub fn offset(&self, index: usize) -> usize {
        if index >= self.label_count() {
            return usize::from(self.length).saturating_sub(1);
        }
        self.starts.get(index).map_or(0, |&start| usize::from(start))
    }
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
