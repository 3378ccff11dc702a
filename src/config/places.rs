//! Lines and columns of a text.

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Counted from 1.
    pub(super) line: usize,
    /// In characters, counted from 1.
    pub(super) column: usize,
}

/// Finds places without reading the text from its start each time: many values on a long line cost no more than few.
#[derive(Debug)]
pub(super) struct Places<'a> {
    octets: &'a [u8],
    /// The place at the start of each stretch.
    stretches: Vec<Place>,
}

/// Octets from one remembered place to the next.
const STRETCH: usize = 256;

impl<'a> Places<'a> {
    pub(super) fn of(text: &'a str) -> Places<'a> {
        let octets = text.as_bytes();
        let mut place = Place { line: 1, column: 1 };
        let stretches = octets.chunks(STRETCH).map(|stretch| {
            let start = place;
            place = place.after(stretch);
            start
        });
        Places { stretches: stretches.collect(), octets }
    }

    /// The place of the octet at this offset; beyond the end, the end.
    pub(super) fn at(&self, offset: usize) -> Place {
        let offset = offset.min(self.octets.len());
        // An offset at the end of a full last stretch has no stretch of its own.
        let index = (offset / STRETCH).min(self.stretches.len().saturating_sub(1));
        let start = self.stretches.get(index).copied().unwrap_or(Place { line: 1, column: 1 });
        start.after(self.octets.get(index * STRETCH..offset).unwrap_or_default())
    }
}

impl Place {
    fn after(self, octets: &[u8]) -> Place {
        octets.iter().fold(self, |Place { line, column }, octet| match octet {
            b'\n' => Place { line: line + 1, column: 1 },
            // RFC 3629 3: the octets of a character behind its first.
            0x80..=0xbf => Place { line, column },
            _ => Place { line, column: column + 1 },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn places_are_those_of_counting(text in "[a\nü]{0,700}", index: prop::sample::Index) {
            let mut offsets: Vec<usize> = text.char_indices().map(|(offset, _)| offset).collect();
            offsets.push(text.len());
            let offset = offsets[index.index(offsets.len())];
            let before: String = text.chars().take(text.char_indices().filter(|(at, _)| *at < offset).count()).collect();
            let line = 1 + before.matches('\n').count();
            let column = 1 + before.chars().rev().take_while(|c| *c != '\n').count();
            prop_assert_eq!(Places::of(&text).at(offset), Place { line, column });
            prop_assert_eq!(Places::of(&text).at(usize::MAX), Places::of(&text).at(text.len()));
        }
    }
}
