//! Numbers and texts as octets. Whatever is read is hostile: nothing is allocated for more than is there.

/// What is written.
#[derive(Debug, Default)]
pub(super) struct Put(pub(super) Vec<u8>);

impl Put {
    pub(super) fn octet(&mut self, octet: u8) {
        self.0.push(octet);
    }

    /// Seven bits an octet, the lowest first; the highest bit says that another follows (LEB128).
    pub(super) fn number(&mut self, mut number: u64) {
        while number > 0x7f {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push((number & 0x7f) as u8);
    }

    pub(super) fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(super) fn optional_text(&mut self, text: Option<&str>) {
        self.octet(u8::from(text.is_some()));
        if let Some(text) = text {
            self.text(text);
        }
    }
}

/// What is left to be read. `None` of any of these is the end of all reading: the octets are not what was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Take<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Take<'a> {
    pub(super) fn octet(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    pub(super) fn octets(&mut self, count: usize) -> Option<&'a [u8]> {
        let (these, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(these)
    }

    /// Refuses what [`Put::number`] does not write: numbers above 64 bits, and zeros at their end.
    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let octet = self.octet()?;
            let bits = u64::from(octet & 0x7f);
            number |= bits << shift;
            if bits << shift >> shift != bits || (octet == 0 && shift > 0) {
                return None;
            }
            if octet & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// How many follow; at most as many as there are octets.
    pub(super) fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.rest.len()).then_some(count)
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        let length = self.count()?;
        std::str::from_utf8(self.octets(length)?).ok()
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        match self.octet()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    /// A text that may be none.
    #[expect(clippy::option_option, reason = "the outer one is that of every read")]
    pub(super) fn optional_text(&mut self) -> Option<Option<Box<str>>> {
        if self.flag()? { self.text().map(|text| Some(text.into())) } else { Some(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_that_nobody_writes_are_refused() {
        for octets in [
            &[][..],
            &[0x80],
            &[0x80, 0],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1],
        ] {
            assert_eq!(Take { rest: octets }.number(), None, "{octets:?}");
        }
        assert_eq!(Take { rest: &[9, 0] }.count(), None, "more than there are octets");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            number: u64, text in "\\PC{0,9}", optional in prop::option::of("\\PC{0,3}"),
        ) {
            let mut put = Put::default();
            put.number(number);
            put.text(&text);
            put.optional_text(optional.as_deref());
            let mut take = Take { rest: &put.0 };
            prop_assert_eq!(take.number(), Some(number));
            prop_assert_eq!(take.text(), Some(&*text));
            prop_assert_eq!(take.optional_text(), Some(optional.map(Into::into)));
            prop_assert!(take.rest.is_empty());
        }
    }
}
