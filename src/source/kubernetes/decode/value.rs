//! Where a JSON value ends, found while its octets arrive.

/// Looks for the end of one value. What stands inside is not judged, beyond what its end depends on: strings, and
/// brackets that match.
#[derive(Debug, Clone, Default)]
pub(super) struct ValueEnd {
    /// Whether its first octet has been seen.
    begun: bool,
    /// Brackets that are open. Nothing recurses: a deep value costs no more than a long one.
    depth: usize,
    /// Which of the outermost of them are braces, the outermost in the lowest bit.
    braces: u128,
    /// Within a string.
    in_string: bool,
    /// Behind a backslash in a string.
    escaped: bool,
}

/// How far a value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// It ends before this octet.
    Ends(usize),
    /// It has not ended yet.
    Continues,
    /// A bracket is closed by one of the other kind: nobody can say where it ends.
    Mismatched,
}

impl ValueEnd {
    /// Takes in the next octets; the first ones must begin with the value. After `Ends` it waits for another value.
    pub(super) fn push(&mut self, octets: &[u8]) -> Extent {
        let mut from = 0;
        let mut bare = self.begun && self.depth == 0 && !self.in_string;
        while let Some(rest) = octets.get(from..).filter(|rest| !rest.is_empty()) {
            if self.escaped {
                self.escaped = false;
                from += 1;
            } else if self.in_string {
                let Some((at, octet)) = find(rest, |octet| matches!(octet, b'"' | b'\\')) else { break };
                from += at + 1;
                self.escaped = octet == b'\\';
                self.in_string = self.escaped;
                if !self.in_string && self.depth == 0 {
                    return self.end(from);
                }
            } else if bare {
                let Some((at, _)) = find(rest, ends_bare) else { break };
                return self.end(from + at);
            } else {
                let found = if self.begun {
                    find(rest, |octet| matches!(octet, b'"' | b'{' | b'}' | b'[' | b']'))
                } else {
                    rest.first().map(|octet| (0, *octet))
                };
                let Some((at, octet)) = found else { break };
                self.begun = true;
                from += at + 1;
                match octet {
                    b'"' => self.in_string = true,
                    b'{' | b'[' => self.open(octet == b'{'),
                    b'}' | b']' if self.depth > 0 => {
                        if !self.close(octet == b'}') {
                            return Extent::Mismatched;
                        }
                        if self.depth == 0 {
                            return self.end(from);
                        }
                    }
                    _ => bare = true,
                }
            }
        }
        Extent::Continues
    }

    fn end(&mut self, at: usize) -> Extent {
        *self = ValueEnd::default();
        Extent::Ends(at)
    }

    fn open(&mut self, brace: bool) {
        if let Some(bit) = bit(self.depth) {
            self.braces = if brace { self.braces | bit } else { self.braces & !bit };
        }
        self.depth += 1;
    }

    /// Whether the bracket is of the kind that was opened. Deeper than anybody reads, any is.
    fn close(&mut self, brace: bool) -> bool {
        self.depth = self.depth.saturating_sub(1);
        bit(self.depth).is_none_or(|bit| (self.braces & bit != 0) == brace)
    }
}

/// The bit of a bracket below `depth` others.
fn bit(depth: usize) -> Option<u128> {
    1_u128.checked_shl(u32::try_from(depth).ok()?)
}

/// What ends a number, `true`, `false` or `null`.
fn ends_bare(octet: u8) -> bool {
    is_white_space(octet) || matches!(octet, b',' | b'}' | b']' | b':' | b'{' | b'[' | b'"')
}

/// RFC 8259 2: space, horizontal tab, line feed, carriage return.
pub(super) fn is_white_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\n' | b'\r')
}

fn find(octets: &[u8], wanted: impl Fn(u8) -> bool) -> Option<(usize, u8)> {
    octets.iter().copied().enumerate().find(|(_, octet)| wanted(*octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The extent of the value that `octets` begin with, cut in two at `cut`.
    fn extent(octets: &[u8], cut: usize) -> Extent {
        let (head, tail) = octets.split_at(cut);
        let mut value = ValueEnd::default();
        match value.push(head) {
            Extent::Continues => match value.push(tail) {
                Extent::Ends(at) => Extent::Ends(head.len() + at),
                other => other,
            },
            other => other,
        }
    }

    #[test]
    fn a_value_ends_where_it_ends_wherever_it_is_cut() {
        for (value, behind) in [
            ("{}", ","),
            ("[]", ","),
            (r#"{"a":[1,{"b":"}"}]}"#, "]"),
            (r#""plain""#, ":"),
            (r#""a\"b\\""#, ","),
            (r#""\\\"{[""#, " "),
            (r#"{"\\":"\"}]"}"#, "}"),
            (r#"["[","{"]"#, ","),
            ("-12.5e+7", ","),
            ("0", "]"),
            ("true", " "),
            ("null", "\n"),
            ("\u{fffd}", ","),
        ] {
            let text = format!("{value}{behind} 1");
            for cut in 0..text.len() {
                let expected = Extent::Ends(value.len());
                assert_eq!(extent(text.as_bytes(), cut), expected, "{text} cut at {cut}");
            }
        }
        for unfinished in [r#""a"#, r#""a\""#, "{", r#"{"a":{}"#, "[[]", "12", r#"{"a":"}"#] {
            for cut in 0..=unfinished.len() {
                assert_eq!(
                    extent(unfinished.as_bytes(), cut),
                    Extent::Continues,
                    "{unfinished} cut at {cut}"
                );
            }
        }
    }

    #[test]
    fn brackets_match_or_the_end_is_unknown() {
        for text in ["{]", "[}", r#"{"a":[}"#, "[[{}}"] {
            assert_eq!(extent(text.as_bytes(), 1), Extent::Mismatched, "{text}");
        }
        for depth in [127, 128, 129, 300_000] {
            let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            assert_eq!(extent(text.as_bytes(), depth), Extent::Ends(2 * depth), "{depth}");
        }
    }
}
